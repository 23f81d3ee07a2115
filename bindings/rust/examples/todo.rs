//! A to-do list in a file of its own.
//!
//! ```sh
//! cargo run --example todo                          # a demonstration in a folder that is gone afterwards
//! cargo run --example todo -- list.db add "Tune the guitar"
//! cargo run --example todo -- list.db done 1
//! cargo run --example todo -- list.db
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;

use ankurah::{Context, Model, Timestamp, query};

#[derive(Model)]
struct Todo {
    title: String,
    #[model(default = false)]
    done: bool,
    added: Timestamp,
}

async fn add(context: &Context, title: &str) -> Result<(), ankurah::Error> {
    let todo = context.create(&Todo { title: title.to_owned(), done: false, added: context.now() }).await?;
    println!("added: {}", todo.title());
    Ok(())
}

async fn list(context: &Context) -> Result<Vec<TodoView>, ankurah::Error> {
    let todos = context.fetch(query!(Todo: "order by done, added, id")).await?;
    for (number, todo) in (1..).zip(&todos) {
        println!("{number:3} [{}] {}", if todo.done() { 'x' } else { ' ' }, todo.title());
    }
    println!("{} left", context.count(query!(Todo: "not done")).await?);
    Ok(todos)
}

/// Marks the to-do with a number of the list as done.
async fn done(context: &Context, number: usize) -> Result<(), Box<dyn Error>> {
    let todos = context.fetch(query!(Todo: "order by done, added, id")).await?;
    let todo = number.checked_sub(1).and_then(|place| todos.get(place)).ok_or("there is no such number")?;
    let todo = context.edit(todo, |todo| todo.set_done(true)).await?;
    println!("done: {}", todo.title());
    Ok(())
}

async fn demonstrate() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("todo").display().to_string();
    let context = ankurah::open(&target).await?;
    for title in ["Tune the guitar", "Call Björk", "Buy strings"] {
        add(&context, title).await?;
    }
    done(&context, 1).await?;
    context.close().await?;
    drop(context);
    // It is all there when it is opened again.
    let context = ankurah::open(&target).await?;
    let todos = list(&context).await?;
    let titles: Vec<&str> = todos.iter().map(TodoView::title).collect();
    assert_eq!(titles, ["Call Björk", "Buy strings", "Tune the guitar"]);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    futures::executor::block_on(async {
        let Some((target, command)) = words.split_first() else { return demonstrate().await };
        let context = ankurah::open(target).await?;
        match command {
            [] | ["list"] => drop(list(&context).await?),
            ["add", title] => add(&context, title).await?,
            ["done", number] => done(&context, number.parse()?).await?,
            _ => return Err("write `add TITLE`, `done NUMBER` or nothing".into()),
        }
        Ok(context.close().await?)
    })
}

//! One seed on one store.

use std::fmt::Write as _;

use super::edges;
use super::model::Model;
use super::query::Statement;
use super::rng::Rng;
use crate::answer::{Cell, Tolerance, difference};
use crate::sqlite::Sqlite;
use crate::store::Store;

/// What was compared, and what differed.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) queries: u64,
    pub(super) with_rows: u64,
    pub(super) indexed: u64,
    pub(super) writes: u64,
    pub(super) differences: Vec<String>,
}

/// Queries at each of the stages.
const QUERIES: usize = 8;

/// Compares everything of one seed, up to the first difference.
pub(super) fn seed(store: &Store, seed: u64, show_log: bool, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let model = Model::random(seed, &mut rng);
    let sqlite = Sqlite::new();
    let (ours, theirs) = model.create();
    ours.iter().for_each(|statement| {
        store.run(statement);
    });
    theirs.iter().for_each(|statement| {
        sqlite.run(statement);
    });
    let before = tally.differences.len();
    let mut run = Run {
        store,
        sqlite,
        seed,
        model,
        next: 1,
        ids: Vec::new(),
        log: ours.to_vec(),
        rng,
        tally,
        differs: false,
    };
    run.stages();
    if run.tally.differences.len() > before {
        // What was written, to see it happen again by hand.
        let log = if show_log {
            format!("written up to here:\n  {};", run.log.join(";\n  "))
        } else {
            format!("to see what was written before, set ANKURAH_ORACLE_SEEDS={seed}..{}", seed + 1)
        };
        if let Some(last) = run.tally.differences.last_mut() {
            let _ = writeln!(last, "\n{log}");
        }
    }
}

struct Run<'a> {
    store: &'a Store,
    sqlite: Sqlite,
    seed: u64,
    model: Model,
    /// The next `k`.
    next: i64,
    /// The ids of the rows.
    ids: Vec<String>,
    /// What our side was told to write.
    log: Vec<String>,
    rng: Rng,
    tally: &'a mut Tally,
    /// Whether a difference was found.
    differs: bool,
}

impl Run<'_> {
    /// Everything in turn, up to the first difference.
    fn stages(&mut self) {
        let rows = self.model.rows;
        let stages: &[&dyn Fn(&mut Self)] = &[
            &|run| run.insert(rows - rows / 3),
            &|run| run.queries("without an index"),
            &|run| (0..=run.rng.below(3)).for_each(|_| run.index()),
            &|run| run.insert(rows / 3),
            &|run| run.queries("with an index"),
            &|run| run.relate(),
            &|run| (0..3).for_each(|_| run.change()),
            &|run| run.index(),
            &|run| run.everything("after changes"),
            &|run| run.transaction(),
            &|run| run.everything("after a transaction"),
            &|run| run.queries("after a transaction"),
            &|run| run.edges(),
        ];
        for stage in stages {
            stage(self);
            if self.differs {
                return;
            }
        }
    }

    fn compared(&mut self, stage: &str, difference: Option<String>) {
        if let Some(difference) = difference.filter(|_| !self.differs) {
            let (seed, kind) = (self.seed, self.store.kind);
            self.tally.differences.push(format!("seed {seed} in {kind}, {stage}:\n{difference}"));
            self.differs = true;
        }
    }

    fn insert(&mut self, mut count: i64) {
        while count > 0 {
            let some = count.min(1 + self.rng.between(0, 20));
            let statement = self.model.insert(self.next..self.next + some, &self.ids, &mut self.rng);
            let inserted = self.store.run(&statement.ours);
            assert_eq!(inserted, self.sqlite.run(&statement.theirs), "{}", statement.ours);
            self.log.push(statement.ours);
            self.tally.writes += 1;
            self.next += some;
            count -= some;
            self.tell_ids();
        }
    }

    /// Tells SQLite the ids that new rows got.
    fn tell_ids(&mut self) {
        let name = &self.model.name;
        let rows = self.store.ask(&format!("select k, id from {name}")).unwrap().rows;
        self.ids.clear();
        for row in &rows {
            if let [Cell::Int(k), Cell::Text(id)] = row.as_slice() {
                self.sqlite.run(&format!("update {name} set _id = '{id}' where k = {k} and _id is null"));
                self.ids.push(id.clone());
            }
        }
    }

    /// Some rows refer to one that may have come later, or to themselves.
    fn relate(&mut self) {
        let (name, k) = (self.model.name.clone(), self.rng.between(0, self.next));
        if self.ids.is_empty() {
            return;
        }
        let id = self.rng.pick(&self.ids).clone();
        let ours = format!("update {name} set parent = @{id} where k % 5 = {}", k % 5);
        let theirs = format!("update {name} set parent = '{id}' where k % 5 = {}", k % 5);
        assert_eq!(self.store.run(&ours), self.sqlite.run(&theirs), "{ours}");
        self.log.push(ours);
    }

    fn index(&mut self) {
        let parts = self.model.index(&mut self.rng);
        self.store.index(&self.model.name, &parts);
        self.log.push(format!("-- index over {parts:?}"));
    }

    fn change(&mut self) {
        match self.rng.below(10) {
            0..5 => {
                let mut changed = self.model.clone();
                let Some(statement) = changed.update(&mut self.rng) else { return };
                self.log.push(statement.ours.clone());
                self.tally.writes += 1;
                let difference = self.ask(&statement);
                self.compared("what an update returns", difference);
                self.model = changed;
            }
            5..7 => self.remove(false),
            7 | 8 => self.remove(true),
            _ => {
                let some = self.rng.between(1, 5);
                self.insert(some);
            }
        }
    }

    fn remove(&mut self, restore: bool) {
        let (ours, [copy, remove]) = self.model.remove(restore, &mut self.rng);
        self.log.push(ours.clone());
        self.tally.writes += 1;
        let (count, expected) = match self.store.write(&ours) {
            Ok(count) => (count, self.sqlite.run(&copy)),
            Err(failure) => {
                return self.compared("removing", Some(format!("  {ours}\n  failed: {}", failure.message)));
            }
        };
        self.sqlite.run(&remove);
        if count != expected {
            let difference = format!("  {ours}\n  concerned {count} rows, in SQLite {expected}");
            self.compared("removing", Some(difference));
        }
    }

    /// Changes and queries in a transaction, which is then committed or rolled back.
    fn transaction(&mut self) {
        let begin = if self.rng.chance(30) { "begin serializable" } else { "begin" };
        self.store.run(begin);
        self.sqlite.run("begin");
        self.log.push(begin.to_owned());
        let (model, next) = (self.model.clone(), self.next);
        (0..3).for_each(|_| self.change());
        self.everything("within a transaction");
        self.queries("within a transaction");
        let end = if self.rng.chance(60) && !self.differs { "commit" } else { "rollback" };
        self.store.run(end);
        self.sqlite.run(end);
        self.log.push(end.to_owned());
        if end == "rollback" {
            (self.model, self.next) = (model, next);
        }
    }

    fn everything(&mut self, stage: &str) {
        let difference = self.ask(&self.model.everything());
        self.compared(stage, difference);
    }

    fn queries(&mut self, stage: &str) {
        for _ in 0..QUERIES {
            let statement = self.model.query(&mut self.rng);
            let difference = self.ask(&statement);
            self.tally.queries += 1;
            self.compared(stage, difference);
            if let Ok(plan) = self.store.ask(&format!("explain {}", statement.ours)) {
                let shown = plan.rows.iter().flatten().any(|cell| cell.to_string().contains("index"));
                self.tally.indexed += u64::from(shown);
            }
        }
    }

    fn edges(&mut self) {
        for _ in 0..QUERIES {
            let difference =
                edges::arithmetic(&self.model, self.next, self.store, &self.sqlite, &mut self.rng);
            self.tally.queries += 1;
            self.tally.with_rows += 1;
            self.compared("arithmetic", difference);
        }
    }

    /// What is wrong with our answer.
    fn ask(&mut self, statement: &Statement) -> Option<String> {
        let Statement { ours, theirs, ordered } = statement;
        let expected = match self.sqlite.ask(theirs) {
            Ok(expected) => expected,
            Err(error) => return Some(format!("  SQLite refuses `{theirs}`\n  of `{ours}`: {error}")),
        };
        self.tally.with_rows += u64::from(!expected.rows.is_empty());
        match self.store.ask(ours) {
            Err(failure) => {
                let part = failure.span.and_then(|(from, to)| ours.get(from..to)).unwrap_or_default();
                Some(format!(
                    "  {ours}\n  failed: {} (at `{part}`), in SQLite `{theirs}` gave\n{expected}",
                    failure.message
                ))
            }
            Ok(answer) => {
                let difference = difference(&answer, &expected, *ordered, Tolerance::RANDOM)?;
                Some(format!(
                    "  {ours}\n  ours:\n{answer}  SQLite's, to `{theirs}`:\n{expected}  first difference: {difference}"
                ))
            }
        }
    }
}

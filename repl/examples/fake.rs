use ankurah_core::catalog::*;
use ankurah_core::id::*;
use ankurah_core::node::protocol::*;
use ankurah_core::storage::Position;
use ankurah_core::value::*;
use ankurah_repl::{client::*, display::*, format::Format, interactive::*, session::*};
use futures::{StreamExt, stream};
use std::sync::Arc;
struct Fake;
fn model(number: u128, name: &str, properties: &[(&str, ValueType, Backend)]) -> Arc<Model> {
    let id = ModelId(OpId::from_bits(number));
    let properties = properties.iter().zip(0..).map(|((name, value_type, backend), ordinal)| {
        Arc::new(Property {
            id: PropertyId(OpId::from_bits(number * 100 + ordinal as u128)),
            model: id,
            name: Arc::from(*name),
            label: Arc::from(*name),
            value_type: *value_type,
            backend: *backend,
            ordinal,
            required: false,
            default: Value::Null,
            dropped: false,
        })
    });
    Arc::new(Model {
        id,
        name: Arc::from(name),
        label: Arc::from(name),
        properties: properties.collect(),
        key: vec![],
    })
}
impl Connection for Fake {
    fn request(&self, r: Request) -> EventStream {
        let done = |o| {
            Event::Done(Done {
                outcome: o,
                timings: Timings { parse: 1234, plan: 4567, fetch: 1234567 },
                transaction: Default::default(),
            })
        };
        let v = match r {
            Request::Catalog => vec![
                Event::Catalog(CatalogView {
                    position: Position(1),
                    models: vec![model(
                        2,
                        "album",
                        &[
                            ("name", ValueType::String, Backend::Lww),
                            ("year", ValueType::Int, Backend::Lww),
                            ("note", ValueType::String, Backend::Yrs),
                        ],
                    )],
                }),
                done(Outcome::Answered),
            ],
            Request::Execute { statement, .. } => {
                if statement.starts_with("stuck") {
                    return Box::pin(stream::pending());
                }
                if statement.starts_with("wrong") {
                    return Box::pin(stream::iter([Event::Failed(Failure {
                        kind: "x".into(),
                        message: "bad".into(),
                        span: Some((0, 5)),
                        label: None,
                        help: None,
                        transaction: TransactionState::Failed,
                    })]));
                }
                let n: i64 = statement.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(3);
                let c = Event::Columns(vec![
                    Column { name: "statement".into(), value_type: Some(ValueType::String) },
                    Column { name: "n".into(), value_type: Some(ValueType::Int) },
                ]);
                return Box::pin(
                    stream::iter([c])
                        .chain(stream::iter(0..n).map(move |i| {
                            Event::Rows(vec![vec![
                                Value::String(Arc::from(statement.as_str())),
                                Value::Int(i),
                            ]])
                        }))
                        .chain(stream::iter([done(Outcome::Rows(n as u64))])),
                );
            }
            _ => vec![done(Outcome::Answered)],
        };
        Box::pin(stream::iter(v))
    }
}
fn main() {
    let client = Client::new(Arc::new(Fake), SessionId(1), Interrupt::on_any_ctrl_c(), Pump::Thread);
    let style = Style { colour: true, ascii: false };
    let s = Settings {
        format: Format::Table,
        terminal: true,
        pager: true,
        style,
        error_style: style,
        ..Settings::default()
    };
    let mut session = Session::new(client, "fjall:/tmp/music".into(), s, Output::paged());
    run(&mut session, &Places { history: Some("/tmp/fakehist".into()), rc: None }, false);
}

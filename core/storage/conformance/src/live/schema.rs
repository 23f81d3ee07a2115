//! Random models.

use crate::live::Dice;
use crate::live::question::WORDS;

/// What a property holds.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Int,
    Float,
    Decimal,
    Bool,
    String,
    Text,
    Bytes,
    Timestamp,
    Uuid,
    Ulid,
    Json,
    /// An entity of a model, by its number.
    Ref(usize),
}

#[derive(Clone)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) struct Model {
    pub(super) name: String,
    /// The first one is a number, the second one a string.
    pub(super) properties: Vec<Property>,
    /// Whether the second property is its key.
    pub(super) keyed: bool,
}

/// Models; the first one is asked most.
#[derive(Clone)]
pub(super) struct Schema {
    pub(super) models: Vec<Model>,
}

const KINDS: &[Kind] = &[
    Kind::Int,
    Kind::Float,
    Kind::Decimal,
    Kind::Bool,
    Kind::Bool,
    Kind::String,
    Kind::Text,
    Kind::Bytes,
    Kind::Timestamp,
    Kind::Uuid,
    Kind::Ulid,
    Kind::Json,
];

impl Schema {
    pub(super) fn random(dice: &Dice) -> Self {
        let count = 2 + dice.place(3);
        let models = (0..count).map(|number| {
            // References lead to models that are there already, or to the model itself.
            let fixed = [Kind::Int, Kind::String];
            let mut kinds: Vec<Kind> = (0..2 + dice.place(6)).map(|_| *dice.pick(KINDS)).collect();
            if number > 0 {
                kinds.extend((0..=dice.below(1)).map(|_| Kind::Ref(dice.place(number))));
            }
            if dice.one_in(3) {
                kinds.push(Kind::Ref(number));
            }
            let properties = fixed.into_iter().chain(kinds).enumerate();
            let properties =
                properties.map(|(at, kind)| Property { name: format!("{}{at}", letter(kind)), kind });
            Model {
                name: format!("m{number}"),
                properties: properties.collect(),
                keyed: number > 0 && dice.one_in(3),
            }
        });
        let mut models: Vec<Model> = models.collect();
        // The model that refers to others is the one to ask.
        let last = models.len() - 1;
        models[last].keyed = false;
        Schema { models }
    }

    /// The statements that make the models.
    pub(super) fn create(&self) -> Vec<String> {
        let create = |model: &Model| {
            let properties = model.properties.iter().enumerate().map(|(at, property)| {
                let key = if model.keyed && at == 1 { " key" } else { "" };
                format!("{} {}{key}", property.name, self.written(property.kind))
            });
            format!("create model {} ({})", model.name, properties.collect::<Vec<_>>().join(", "))
        };
        self.models.iter().map(create).collect()
    }

    fn written(&self, kind: Kind) -> String {
        match kind {
            Kind::Int => "i64".to_owned(),
            Kind::Float => "f64".to_owned(),
            Kind::Decimal => "decimal".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
            Kind::Timestamp => "timestamp".to_owned(),
            Kind::Uuid => "uuid".to_owned(),
            Kind::Ulid => "ulid".to_owned(),
            Kind::Json => "json".to_owned(),
            Kind::Ref(model) => format!("ref({})", self.models[model].name),
        }
    }

    /// The properties of a model and those that its references lead to, with their names from there.
    pub(super) fn paths(&self, model: usize) -> Vec<(String, Kind)> {
        let mut paths = Vec::new();
        self.add_paths(model, "", 0, &mut paths);
        paths
    }

    fn add_paths(&self, model: usize, before: &str, depth: usize, paths: &mut Vec<(String, Kind)>) {
        for property in &self.models[model].properties {
            let name = format!("{before}{}", property.name);
            if let Kind::Ref(to) = property.kind
                && depth < 2
            {
                self.add_paths(to, &format!("{name}."), depth + 1, paths);
            }
            paths.push((name, property.kind));
        }
    }
}

fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "n",
        Kind::Float => "f",
        Kind::Decimal => "d",
        Kind::Bool => "b",
        Kind::String => "s",
        Kind::Text => "t",
        Kind::Bytes => "y",
        Kind::Timestamp => "z",
        Kind::Uuid => "u",
        Kind::Ulid => "l",
        Kind::Json => "j",
        Kind::Ref(_) => "r",
    }
}

/// A random value, as it is written; references are for the caller.
pub(super) fn value(dice: &Dice, kind: Kind) -> String {
    if dice.one_in(6) {
        return "null".to_owned();
    }
    let one_of = |values: &[&str]| (*dice.pick(values)).to_owned();
    match kind {
        Kind::Int if dice.one_in(5) => dice.below(4).to_string(),
        Kind::Int => (1969 + dice.below(8)).to_string(),
        Kind::Float => one_of(&["1.5", "0.1", "0.2", "1e300", "-0.0", "1970", "cast('NaN' as f64)"]),
        Kind::Decimal => one_of(&["9.99", "1.1", "100", "1970.0", "0.0000000001"]),
        Kind::Bool => one_of(&["true", "false"]),
        Kind::String | Kind::Text => format!("'{}'", dice.pick(WORDS)),
        Kind::Bytes => one_of(&["x'00ff'", "x''", "x'01'"]),
        Kind::Timestamp => one_of(&[
            "timestamp '1971-01-01 00:00:00'",
            "timestamp '1972-02-02 00:00:00'",
            "timestamp '1969-12-31 23:59:59'",
        ]),
        Kind::Uuid => one_of(&[
            "uuid '6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
            "uuid '00000000-0000-0000-0000-000000000000'",
        ]),
        Kind::Ulid => one_of(&["ulid '01ARZ3NDEKTSV4RRFFQ69G5FAV'", "ulid '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'"]),
        Kind::Json => one_of(&[
            "json '{\"label\":\"a\"}'",
            "json '{\"label\":null}'",
            "json '{\"label\":\"bb\",\"n\":1}'",
            "json '[1]'",
        ]),
        Kind::Ref(_) => "null".to_owned(),
    }
}

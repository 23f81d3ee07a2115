//! `ankurah import`: from files to entities.

pub mod csv;
mod infer;
mod json;
mod plan;
mod run;
mod source;

pub use infer::Guess;
pub use plan::{Column, Kind, Plan};
pub use run::{Open, Step, Summary, Trouble, command, import};
pub use source::{Field, Progress, Row, Source, form_of};

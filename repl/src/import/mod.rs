//! `ankurah import`: from files to entities.

mod bad;
pub mod csv;
mod infer;
mod input;
mod json;
mod plan;
mod run;
mod source;

pub use bad::{Bad, Place};
pub use infer::Guess;
pub use input::Input;
pub use plan::{Column, Kind, Plan};
pub use run::{Open, Step, Stopped, Summary, Trouble, command, import};
pub use source::{Field, Names, Progress, Row, Source, Unopened, form_of};

//! The inspector without a terminal: what is shown after which keys.

mod common;
mod documents;
mod hostile;
mod pages;
mod sizes;
mod work;

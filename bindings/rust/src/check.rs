//! The types of expressions in `query!`, checked by the compiler: the macro writes a query as calls of these functions,
//! which are never run.

use std::marker::PhantomData;

use crate::model::Model;
use crate::property::kind::{Bool, Bytes, Decimal, Float, Int, Json, Ref, String, Timestamp, Ulid, Uuid};
use crate::property::{Property, ToValue};

use super::Field;

/// An expression of a kind.
pub struct Expr<K>(PhantomData<fn() -> K>);

/// A string literal: it is read as what it is compared with.
pub enum Literal {}

/// The constant null.
pub enum Null {}

/// What is known when the query runs alone.
pub enum Any {}

/// The id of an entity.
pub enum AnyRef {}

const fn expr<K>() -> Expr<K> {
    Expr(PhantomData)
}

/// A property.
pub fn field<T: Property>(_: &Field<T>) -> Expr<T::Kind> {
    expr()
}

/// A parameter.
pub fn parameter<T: ToValue + ?Sized>(_: &T) -> Expr<T::Kind> {
    expr()
}

/// An expression of a known kind.
pub fn of<K>() -> Expr<K> {
    expr()
}

/// The properties of what a reference leads to.
pub fn follow<T: Property>(_: &Field<T>) -> <<T::Kind as Reference>::Target as Model>::Fields
where
    T::Kind: Reference,
{
    <<T::Kind as Reference>::Target as Model>::FIELDS
}

/// A part of a document.
pub fn part<K: Document>(_: Expr<K>) -> Expr<Any> {
    expr()
}

/// `=`, `<` and the like.
pub fn compare<L: Comparable<R>, R>(_: &Expr<L>, _: &Expr<R>) -> Expr<Bool> {
    expr()
}

/// What can stand alone after `where`.
pub fn condition<K: Condition>(_: &Expr<K>) -> Expr<Bool> {
    expr()
}

/// `like` and `||`.
pub fn textual<K: Textual>(_: &Expr<K>) -> Expr<Bool> {
    expr()
}

/// An operand of `+`, `-` and the like.
pub fn number<K: Number>(_: &Expr<K>) -> Expr<K> {
    expr()
}

/// `limit` and `offset`.
pub fn rows<K: Count>(_: &Expr<K>) {}

/// A reference.
#[diagnostic::on_unimplemented(
    message = "a path goes through references, and `{Self}` is not one",
    note = "a part of a JSON document is written with brackets: `data['key']`"
)]
pub trait Reference {
    /// The model that it leads to.
    type Target: Model;
}

impl<M: Model> Reference for Ref<M> {
    type Target = M;
}

/// Something with parts.
#[diagnostic::on_unimplemented(message = "`{Self}` has no parts to step into with brackets")]
pub trait Document {}

impl Document for Json {}
impl Document for Any {}

/// A truth value.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a condition", note = "compare it with something")]
pub trait Condition {}

impl Condition for Bool {}
impl Condition for Any {}
impl Condition for Null {}

/// A string.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a string")]
pub trait Textual {}

impl Textual for String {}
impl Textual for Literal {}
impl Textual for Any {}
impl Textual for Null {}

/// A number.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number")]
pub trait Number {}

impl Number for Int {}
impl Number for Float {}
impl Number for Decimal {}
impl Number for Any {}
impl Number for Null {}

/// A number of rows.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number of rows")]
pub trait Count {}

impl Count for Int {}
impl Count for Any {}
impl Count for Null {}

/// What can be compared with `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with `{R}`",
    label = "in this query",
    note = "`Int`, `Float` and `Decimal` can be compared with each other; everything else with its own kind alone",
    note = "a literal in quotes is read as a string, a time, an id, bytes or JSON, but never as a number or a truth value"
)]
pub trait Comparable<R> {}

macro_rules! comparable {
    ($($left:ident: $($right:ident)*;)*) => {
        $($(
            #[diagnostic::do_not_recommend]
            impl Comparable<$right> for $left {}
        )*)*
    };
}

comparable! {
    Bool: Bool Null Any;
    Int: Int Float Decimal Null Any;
    Float: Int Float Decimal Null Any;
    Decimal: Int Float Decimal Null Any;
    String: String Literal Null Any;
    Bytes: Bytes Literal Null Any;
    Timestamp: Timestamp Literal Null Any;
    Uuid: Uuid Literal AnyRef Null Any;
    Ulid: Ulid Literal AnyRef Null Any;
    Json: Json Literal Null Any;
    Literal: String Bytes Timestamp Uuid Ulid Json Literal AnyRef Null Any;
    AnyRef: AnyRef Literal Uuid Ulid Null Any;
    Null: Bool Int Float Decimal String Bytes Timestamp Uuid Ulid Json Literal AnyRef Null Any;
    Any: Bool Int Float Decimal String Bytes Timestamp Uuid Ulid Json Literal AnyRef Null Any;
}

#[diagnostic::do_not_recommend]
impl<M> Comparable<Ref<M>> for Ref<M> {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Literal> for Ref<M> {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<AnyRef> for Ref<M> {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Null> for Ref<M> {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Any> for Ref<M> {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Ref<M>> for Literal {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Ref<M>> for AnyRef {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Ref<M>> for Null {}
#[diagnostic::do_not_recommend]
impl<M> Comparable<Ref<M>> for Any {}

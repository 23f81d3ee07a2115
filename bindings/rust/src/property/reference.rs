//! Typed references.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use ankurah_core::id::{EntityId, ParseIdError};
use ankurah_core::value::{TypeTag, Value, ValueRef};

use super::{Property, PropertyError, Scalar, ToValue, kind};
use crate::context::Context;
use crate::error::Error;
use crate::model::Model;

/// The id of an entity of a model, and a reference to it. Shown, and read, as 26 characters.
///
/// What it leads to may not be there: it may be deleted, or not have come yet.
pub struct Ref<M> {
    id: EntityId,
    model: PhantomData<fn() -> M>,
}

impl<M> Ref<M> {
    /// The reference to an entity by its id, which is taken to be one of the model.
    pub const fn new(id: EntityId) -> Self {
        Ref { id, model: PhantomData }
    }

    /// The id without the model.
    pub const fn entity(self) -> EntityId {
        self.id
    }
}

impl<M: Model> Ref<M> {
    /// The entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not there, and whatever [`Context::get`] fails with.
    pub async fn get(self, context: &Context) -> Result<M::View, Error> {
        context.get(self).await
    }

    /// The entity, if it is there.
    ///
    /// # Errors
    /// Whatever [`Context::find`] fails with.
    pub async fn find(self, context: &Context) -> Result<Option<M::View>, Error> {
        context.find(self).await
    }
}

impl<M> Clone for Ref<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Ref<M> {}

impl<M> fmt::Debug for Ref<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, f)
    }
}

impl<M> fmt::Display for Ref<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id, f)
    }
}

impl<M> FromStr for Ref<M> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Ref::new)
    }
}

impl<M> PartialEq for Ref<M> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<M> Eq for Ref<M> {}

impl<M> PartialOrd for Ref<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Ref<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl<M> Hash for Ref<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<M> From<Ref<M>> for EntityId {
    fn from(reference: Ref<M>) -> Self {
        reference.id
    }
}

impl<M: Model> ToValue for Ref<M> {
    type Kind = kind::Ref<M>;

    fn to_value(&self) -> Result<Value, PropertyError> {
        Ok(Value::Ref(self.id))
    }
}

impl<M: Model> Property for Ref<M> {
    type Get<'a> = Ref<M>;

    fn get(&self) -> Ref<M> {
        *self
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        match value {
            ValueRef::Ref(id) => Ok(Ref::new(id)),
            other => Err(PropertyError::unexpected(TypeTag::Ref, other)),
        }
    }
}

impl<M: Model> Scalar for Ref<M> {}

/// What names an entity of a model: a [`Ref`], a view of it, or a bare [`EntityId`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name an entity of `{M}`",
    note = "give a `Ref`, a reference to a view, or an `EntityId`"
)]
pub trait ToRef<M> {
    /// The reference.
    fn to_ref(&self) -> Ref<M>;
}

impl<M> ToRef<M> for Ref<M> {
    fn to_ref(&self) -> Ref<M> {
        *self
    }
}

impl<M> ToRef<M> for EntityId {
    fn to_ref(&self) -> Ref<M> {
        Ref::new(*self)
    }
}

impl<M, T: ToRef<M> + ?Sized> ToRef<M> for &T {
    fn to_ref(&self) -> Ref<M> {
        T::to_ref(self)
    }
}

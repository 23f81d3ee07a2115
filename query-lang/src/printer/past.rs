//! What reads history.

use super::{AnyIdent, separated};
use crate::ast::{Past, PastKind, Point, PointKind, Subject};
use std::fmt::{self, Display, Formatter};

impl Display for Past {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PastKind::AsOf { subject, point } => write!(f, "{subject} as of {point}"),
            PastKind::History { entity } => write!(f, "history of {entity}"),
            PastKind::Bisect { entity } => write!(f, "bisect of {entity}"),
            PastKind::Diff { subject, from, to } => {
                write!(f, "diff {subject} from {from}")?;
                to.as_ref().map_or(Ok(()), |to| write!(f, " to {to}"))
            }
            PastKind::Why { entity, property, point } => {
                write!(f, "why {entity}.{}", AnyIdent(&property.ident))?;
                property.id.as_ref().map_or(Ok(()), |id| id.fmt(f))?;
                point.as_ref().map_or(Ok(()), |point| write!(f, " as of {point}"))
            }
        }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(name) => name.fmt(f),
            Self::Entity(entity) => entity.fmt(f),
        }
    }
}

impl Display for Point {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PointKind::Operations(operations) => {
                f.write_str("(")?;
                separated(f, operations, ", ")?;
                f.write_str(")")
            }
            PointKind::Position(position) => write!(f, "position {position}"),
            PointKind::At(value) => value.fmt(f),
        }
    }
}

//! Statements that define models.

use super::expr::expr;
use super::input::{Input, Parsed};
use super::primary::data_type;
use super::terminal::{comma_list, id, ident, kw, name, parens};
use crate::Expected;
use crate::ast::{AlterAction, AlterModel, CreateModel, Name, PropertyDef, StatementKind};
use crate::keywords::Kw;
use crate::lexer::TokenKind;

/// `create model …`
pub(super) fn create(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, ()) = kw(Kw::Model)(start.advance())?;
    let (i, if_not_exists) = if i.keyword() == Some(Kw::If) && i.keyword_at(1) == Some(Kw::Not) {
        let (i, ()) = kw(Kw::Exists)(i.advance().advance())?;
        (i, true)
    } else {
        i.note(Expected::Keyword("if not exists"));
        (i, false)
    };
    let (i, name) = ident(Expected::NewName)(i)?;
    let (i, properties) = match (i.kind(), i.peek_at(1).map(|token| token.kind)) {
        (Some(TokenKind::LeftParen), Some(TokenKind::RightParen)) => (i.advance().advance(), Vec::new()),
        (Some(TokenKind::LeftParen), _) => parens(comma_list(property_def))(i)?,
        _ => {
            i.note(Expected::Symbol("("));
            (i, Vec::new())
        }
    };
    let create = CreateModel { name, if_not_exists, properties, span: i.span_from(start) };
    Ok((i, StatementKind::CreateModel(Box::new(create))))
}

fn property_def(start: Input<'_>) -> Parsed<'_, PropertyDef> {
    let (i, name) = ident(Expected::NewName)(start)?;
    let (mut i, ty) = data_type(i)?;
    let (mut key, mut not_null, mut default) = (false, false, None);
    loop {
        match i.keyword() {
            Some(Kw::Key) if !key => {
                key = true;
                i = i.advance();
            }
            Some(Kw::Primary) if !key => {
                key = true;
                (i, ()) = kw(Kw::Key)(i.advance())?;
            }
            Some(Kw::Not) if !not_null => {
                not_null = true;
                (i, ()) = kw(Kw::Null)(i.advance())?;
            }
            Some(Kw::Default) if default.is_none() => {
                let value;
                (i, value) = expr(i.advance())?;
                default = Some(value);
            }
            _ => break,
        }
    }
    for (given, option) in [(key, "key"), (not_null, "not null"), (default.is_some(), "default")] {
        if !given {
            i.note(Expected::Keyword(option));
        }
    }
    Ok((i, PropertyDef { name, ty, key, not_null, default, span: i.span_from(start) }))
}

/// `alter model …`
pub(super) fn alter_model(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, ()) = kw(Kw::Model)(start.advance())?;
    let (i, model) = name(Expected::Model)(i)?;
    let (i, action) = action(i)?;
    let alter = AlterModel { model, action, span: i.span_from(start) };
    Ok((i, StatementKind::AlterModel(Box::new(alter))))
}

fn action(i: Input<'_>) -> Parsed<'_, AlterAction> {
    let next = i.advance();
    match i.keyword() {
        Some(Kw::Rename) => rename(next),
        Some(Kw::Add) => {
            let (i, ()) = kw(Kw::Property)(next)?;
            let (i, property) = property_def(i)?;
            Ok((i, AlterAction::AddProperty(property)))
        }
        Some(Kw::Drop) => {
            let (i, property) = property(next)?;
            Ok((i, AlterAction::DropProperty(property)))
        }
        Some(Kw::Restore) => {
            let (i, property) = property(next)?;
            Ok((i, AlterAction::RestoreProperty(property)))
        }
        Some(Kw::Resolve) => resolve(next),
        _ => {
            for keyword in [Kw::Add, Kw::Rename, Kw::Drop, Kw::Restore] {
                i.note(Expected::Keyword(keyword.text()));
            }
            i.fail(Expected::Keyword(Kw::Resolve.text()))
        }
    }
}

/// `property name`
fn property(i: Input<'_>) -> Parsed<'_, Name> {
    let (i, ()) = kw(Kw::Property)(i)?;
    name(Expected::Property)(i)
}

/// What follows `rename`.
fn rename(i: Input<'_>) -> Parsed<'_, AlterAction> {
    if i.keyword() == Some(Kw::To) {
        let (i, name) = ident(Expected::NewName)(i.advance())?;
        return Ok((i, AlterAction::RenameTo(name)));
    }
    i.note(Expected::Keyword(Kw::To.text()));
    let (i, property) = property(i)?;
    let (i, ()) = kw(Kw::To)(i)?;
    let (i, to) = ident(Expected::NewName)(i)?;
    Ok((i, AlterAction::RenameProperty { property, to }))
}

/// What follows `resolve`.
fn resolve(i: Input<'_>) -> Parsed<'_, AlterAction> {
    let (i, ()) = kw(Kw::Property)(i)?;
    let (i, bare) = ident(Expected::Property)(i)?;
    let (i, ()) = kw(Kw::To)(i)?;
    let (i, target) = ident(Expected::Property)(i)?;
    let (i, id) = id(i)?;
    let to = Name { span: target.span.to(id.span), ident: target, id: Some(id) };
    Ok((i, AlterAction::ResolveProperty { name: bare, to }))
}

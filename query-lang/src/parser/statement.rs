//! Statements other than `select`.

use super::expr::expr;
use super::input::{Input, Parsed};
use super::model::{alter_model, create};
use super::past;
use super::primary::path;
use super::select::{filter, returning, select};
use super::terminal::{comma_list, has_kw, kw, name, not_available, parens, relation_alias, symbol};
use crate::ast::{
    Assignment, Compact, Delete, Edit, Insert, InsertMode, InsertSource, Redact, Row, Statement,
    StatementKind, Subject, TextChange, TextChangeKind, Undo, Update,
};
use crate::keywords::Kw;
use crate::lexer::TokenKind;
use crate::{Expected, ParseError, ParseErrorKind};

/// The words that begin statements that do something, in the order in which messages name them.
const WORK: [Kw; 17] = [
    Kw::Select,
    Kw::From,
    Kw::Insert,
    Kw::Update,
    Kw::Upsert,
    Kw::Delete,
    Kw::Restore,
    Kw::Edit,
    Kw::Create,
    Kw::Alter,
    Kw::History,
    Kw::Diff,
    Kw::Why,
    Kw::Bisect,
    Kw::Undo,
    Kw::Redact,
    Kw::Compact,
];

/// The words that begin the other statements, which cannot be explained.
const CONTROL: [Kw; 6] = [Kw::Live, Kw::Begin, Kw::Commit, Kw::Rollback, Kw::Explain, Kw::Start];

/// A statement.
pub(super) fn statement(start: Input<'_>) -> Parsed<'_, Statement> {
    let next = start.advance();
    let (i, kind) = match start.keyword() {
        Some(Kw::Select | Kw::From | Kw::History | Kw::Bisect | Kw::Diff | Kw::Why) => {
            let (i, query) = select(start)?;
            (i, StatementKind::Select(query))
        }
        Some(Kw::Live) => live(next)?,
        Some(Kw::Insert) => insert(start, InsertMode::Insert)?,
        Some(Kw::Upsert) => insert(start, InsertMode::Upsert)?,
        Some(Kw::Update) => update(start)?,
        Some(Kw::Delete) => {
            let (i, ()) = kw(Kw::From)(next)?;
            let (i, delete) = delete(start, i)?;
            (i, StatementKind::Delete(Box::new(delete)))
        }
        Some(Kw::Restore) => {
            let (i, delete) = delete(start, next)?;
            (i, StatementKind::Restore(Box::new(delete)))
        }
        Some(Kw::Edit) => edit(start)?,
        Some(Kw::Undo) => undo(start)?,
        Some(Kw::Redact) => redact(start)?,
        Some(Kw::Compact) => compact(start)?,
        Some(Kw::Create) => create(start)?,
        Some(Kw::Alter) => alter_model(start)?,
        Some(Kw::Begin) => begin(next)?,
        Some(Kw::Start) => {
            let (i, ()) = kw(Kw::Transaction)(next)?;
            begin(i)?
        }
        Some(Kw::Commit) => (has_kw(next, Kw::Transaction)?.0, StatementKind::Commit),
        Some(Kw::Rollback) => (has_kw(next, Kw::Transaction)?.0, StatementKind::Rollback),
        Some(Kw::Explain) => explain(next)?,
        _ => return other(start, &CONTROL),
    };
    Ok((i, Statement { kind, span: i.span_from(start) }))
}

/// No statement: either one that is reserved or none at all. `control` are the words that may stand here besides those
/// of [`WORK`].
fn other<'a, T>(i: Input<'a>, control: &[Kw]) -> Parsed<'a, T> {
    let what = match i.keyword() {
        Some(Kw::Show) => "`show`",
        Some(Kw::Describe) => "`describe`",
        Some(Kw::Drop) => "`drop`",
        Some(Kw::Truncate) => "`truncate`",
        Some(Kw::Copy) => "`copy`",
        Some(Kw::With) => "`with`",
        Some(Kw::Values) => "`values` as a statement",
        _ => {
            for starter in WORK.iter().chain(control) {
                i.note(Expected::Keyword(starter.text()));
            }
            return i.fail(Expected::Keyword(Kw::Select.text()));
        }
    };
    let help = match i.keyword() {
        Some(Kw::Truncate) => Some("write `delete from` and the model"),
        Some(Kw::Values) => Some("write `select`"),
        _ => None,
    };
    not_available(i, what, 1, help)
}

/// What follows `live`.
fn live(i: Input<'_>) -> Parsed<'_, StatementKind> {
    if !matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        i.note(Expected::Keyword(Kw::From.text()));
        return i.fail(Expected::Keyword(Kw::Select.text()));
    }
    let (i, query) = select(i)?;
    Ok((i, StatementKind::Live(query)))
}

/// `insert into …`, `upsert into …`
fn insert(start: Input<'_>, mode: InsertMode) -> Parsed<'_, StatementKind> {
    let (i, ()) = kw(Kw::Into)(start.advance())?;
    let (i, model) = name(Expected::Model)(i)?;
    let (i, columns) = if i.kind() == Some(TokenKind::LeftParen) {
        parens(comma_list(name(Expected::Property)))(i)?
    } else {
        i.note(Expected::Symbol("("));
        (i, Vec::new())
    };
    let (i, source) = if matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        let (i, query) = select(i)?;
        (i, InsertSource::Query(query))
    } else {
        i.note(Expected::Keyword(Kw::Select.text()));
        let (i, ()) = kw(Kw::Values)(i)?;
        let (i, rows) = comma_list(row)(i)?;
        (i, InsertSource::Values(rows))
    };
    if i.keyword() == Some(Kw::On) && i.keyword_at(1) == Some(Kw::Conflict) {
        return not_available(
            i,
            "`on conflict`",
            2,
            Some("write `upsert into` to update entities whose key exists"),
        );
    }
    let (i, returning) = returning(i)?;
    let insert = Insert { mode, model, columns, source, returning, span: i.span_from(start) };
    Ok((i, StatementKind::Insert(Box::new(insert))))
}

fn row(start: Input<'_>) -> Parsed<'_, Row> {
    let (i, values) = parens(comma_list(expr))(start)?;
    Ok((i, Row { values, span: i.span_from(start) }))
}

fn update(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, model) = name(Expected::Model)(start.advance())?;
    let (i, alias) = relation_alias(i)?;
    let (i, ()) = kw(Kw::Set)(i)?;
    let (i, assignments) = comma_list(assignment)(i)?;
    let (i, filter) = filter(i)?;
    let (i, returning) = returning(i)?;
    let update = Update { model, alias, assignments, filter, returning, span: i.span_from(start) };
    Ok((i, StatementKind::Update(Box::new(update))))
}

fn assignment(start: Input<'_>) -> Parsed<'_, Assignment> {
    let (i, target) = path(start)?;
    let (i, ()) = symbol(TokenKind::Eq)(i)?;
    let (i, value) = expr(i)?;
    Ok((i, Assignment { target, value, span: i.span_from(start) }))
}

/// `delete from` and `restore`, from the model on.
fn delete<'a>(start: Input<'a>, i: Input<'a>) -> Parsed<'a, Delete> {
    let (i, model) = name(Expected::Model)(i)?;
    let (i, alias) = relation_alias(i)?;
    let (i, filter) = filter(i)?;
    let (i, returning) = returning(i)?;
    Ok((i, Delete { model, alias, filter, returning, span: i.span_from(start) }))
}

/// `edit model.property …`
fn edit(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, model) = name(Expected::Model)(start.advance())?;
    let (i, ()) = symbol(TokenKind::Dot)(i)?;
    let (i, ident) = super::terminal::any_ident(Expected::TextProperty)(i)?;
    let (i, property) = super::terminal::name_of(i, ident)?;
    let (i, changes) = comma_list(change)(i)?;
    let (i, filter) = filter(i)?;
    let (i, returning) = returning(i)?;
    let edit = Edit { model, property, changes, filter, returning, span: i.span_from(start) };
    Ok((i, StatementKind::Edit(Box::new(edit))))
}

/// `undo [transaction] @01HZ… [force]`
fn undo(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, transaction) = has_kw(start.advance(), Kw::Transaction)?;
    let (i, of) = past::entity(i)?;
    let (i, force) = has_kw(i, Kw::Force)?;
    let undo = Undo { transaction, of: *of, force, span: i.span_from(start) };
    Ok((i, StatementKind::Undo(Box::new(undo))))
}

/// `redact @01HZ….property …`, `redact model.property … where …`
fn redact(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, subject) = past::subject(start.advance())?;
    let (i, ()) = symbol(TokenKind::Dot)(i)?;
    let (i, ident) = super::terminal::any_ident(Expected::Property)(i)?;
    let (i, property) = super::terminal::name_of(i, ident)?;
    let (i, some) = has_kw(i, Kw::Of)?;
    let (i, of) = if some { comma_list(past::operation)(i)? } else { (i, Vec::new()) };
    let (i, replacement) = clause(i, Kw::To)?;
    let (i, filter) = if matches!(subject, Subject::Model(_)) { filter(i)? } else { (i, None) };
    let (i, returning) = returning(i)?;
    let redact = Redact { subject, property, of, replacement, filter, returning, span: i.span_from(start) };
    Ok((i, StatementKind::Redact(Box::new(redact))))
}

/// `compact @01HZ… [as of point]`, `compact model [as of point] [where …]`
fn compact(start: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, subject) = past::subject(start.advance())?;
    let (i, point) = past::as_of(i)?;
    let (i, filter) = if matches!(subject, Subject::Model(_)) { filter(i)? } else { (i, None) };
    let compact = Compact { subject, point, filter, span: i.span_from(start) };
    Ok((i, StatementKind::Compact(Box::new(compact))))
}

fn change(start: Input<'_>) -> Parsed<'_, TextChange> {
    let (i, append) = has_kw(start, Kw::Append)?;
    if append {
        let (i, text) = expr(i)?;
        return Ok((i, TextChange { kind: TextChangeKind::Append(text), span: i.span_from(start) }));
    }
    let (i, ()) = kw(Kw::At)(i)?;
    let (i, position) = expr(i)?;
    let (i, delete) = clause(i, Kw::Delete)?;
    let (i, insert) = clause(i, Kw::Insert)?;
    if delete.is_none() && insert.is_none() {
        return i.fail(Expected::Keyword(Kw::Insert.text()));
    }
    Ok((i, TextChange { kind: TextChangeKind::At { position, delete, insert }, span: i.span_from(start) }))
}

/// A keyword and an expression, if they are there.
fn clause(i: Input<'_>, keyword: Kw) -> Parsed<'_, Option<crate::ast::Expr>> {
    let (i, found) = has_kw(i, keyword)?;
    if !found {
        return Ok((i, None));
    }
    let (i, expr) = expr(i)?;
    Ok((i, Some(expr)))
}

/// What follows `begin`.
fn begin(i: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, _) = has_kw(i, Kw::Transaction)?;
    let (i, serializable) = has_kw(i, Kw::Serializable)?;
    Ok((i, StatementKind::Begin { serializable }))
}

/// What follows `explain`.
fn explain(i: Input<'_>) -> Parsed<'_, StatementKind> {
    let (i, analyze) = has_kw(i, Kw::Analyze)?;
    let (i, statement) = match i.keyword() {
        Some(word) if WORK.contains(&word) => statement(i)?,
        Some(word) if CONTROL.contains(&word) => {
            let kind = ParseErrorKind::NothingToExplain { statement: word.text() };
            return i.fatal(ParseError::new(kind, i.advance().span_from(i)));
        }
        _ => return other(i, &[]),
    };
    Ok((i, StatementKind::Explain { analyze, statement: Box::new(statement) }))
}

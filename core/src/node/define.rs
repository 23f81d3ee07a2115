//! `create model` and `alter model`.

use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{
    self, AlterAction, DataType, DataTypeKind, ExprKind, PropertyDef, SelectItemKind,
};

use super::commit::read_only;
use super::draft::{Birth, Pending};
use super::failure::{Explain, Outcome, failure, unknown};
use super::protocol::{Failure, Parameters};
use super::transaction::Transaction;
use super::write;
use crate::catalog::declare::{self, Declared, ModelDeclaration};
use crate::catalog::define::{self, CatalogWrite, DefineError, PropertyDefinition, Target};
use crate::catalog::{Backend, Model, Property};
use crate::id::{EntityId, ModelId, OpId};
use crate::operation::Operation;
use crate::query::{Bound, Context, Define, bind_statement};
use crate::value::{Timestamp, Value, ValueType};

/// What a definition changes; nothing where `if not exists` found the model.
pub(crate) async fn define(
    transaction: &Transaction,
    statement: &Define,
    parameters: &Parameters,
    now: Timestamp,
) -> Outcome<Vec<(EntityId, Pending)>> {
    let definer = Definer { transaction, parameters, now };
    let writes = match statement {
        Define::CreateModel(create) => definer.create(create).await?,
        Define::AlterModel(alter) => definer.alter(alter).await?,
    };
    let mut changes = Vec::with_capacity(writes.len());
    for write in writes {
        changes.push(pending(transaction, write).await?);
    }
    Ok(changes)
}

/// Declares models and gives what each means. What the catalog has already is not written again.
pub(crate) async fn declare(
    transaction: &mut Transaction,
    models: &[ModelDeclaration],
) -> Outcome<Vec<Declared>> {
    let catalog = Arc::clone(&transaction.catalog);
    let mut declared = Vec::with_capacity(models.len());
    let mut changes = Vec::new();
    for model in models {
        let (meaning, writes) = declare::declare(&catalog, model).map_err(|error| {
            let mut failure = of_define(&error, Span::default(), &[]);
            failure.span = None;
            failure.message = format!("model `{}` cannot be declared: {}", model.name, failure.message);
            failure
        })?;
        declared.push(meaning);
        for write in writes {
            changes.push(pending(transaction, write).await?);
        }
    }
    if !changes.is_empty() {
        if transaction.node.options.read_only {
            return Err(read_only());
        }
        transaction.apply(changes).await?;
    }
    Ok(declared)
}

struct Definer<'a> {
    transaction: &'a Transaction,
    parameters: &'a Parameters,
    now: Timestamp,
}

impl Definer<'_> {
    async fn create(&self, create: &ast::CreateModel) -> Outcome<Vec<CatalogWrite>> {
        let catalog = &self.transaction.catalog;
        let exists = catalog.models().any(|model| *model.name == *create.name.name);
        if create.if_not_exists && exists {
            return Ok(Vec::new());
        }
        let spans: Vec<Span> = create.properties.iter().map(|property| property.name.span).collect();
        let fail = |error| {
            let failure = of_define(&error, create.name.span, &spans);
            match error {
                DefineError::DuplicateModel { .. } => {
                    failure.help("write `create model if not exists` to leave it as it is")
                }
                _ => failure,
            }
        };
        let own = define::new_model_id(catalog, &create.name.name).map_err(fail)?;
        let mut properties = Vec::with_capacity(create.properties.len());
        for property in &create.properties {
            properties.push(self.property(property, Some((&create.name.name, own))).await?);
        }
        let (_, writes) = define::create_model(catalog, &create.name.name, &properties).map_err(fail)?;
        Ok(writes)
    }

    async fn alter(&self, alter: &ast::AlterModel) -> Outcome<Vec<CatalogWrite>> {
        let catalog = &self.transaction.catalog;
        let model = self.model(&alter.model)?;
        let (writes, span) = match &alter.action {
            AlterAction::RenameTo(to) => (define::rename_model(catalog, model, &to.name), to.span),
            AlterAction::AddProperty(property) => {
                let definition = self.property(property, None).await?;
                (define::add_property(model, &definition), property.name.span)
            }
            AlterAction::RenameProperty { property, to } => {
                let found = shown(model, property)?;
                (define::rename_property(model, found.id, &to.name), to.span)
            }
            AlterAction::DropProperty(property) => {
                let found = shown(model, property)?;
                (define::drop_property(model, found.id, true), property.span)
            }
            AlterAction::RestoreProperty(property) => {
                let found = dropped(model, property)?;
                (define::drop_property(model, found.id, false), property.span)
            }
            AlterAction::ResolveProperty { name, to } => {
                if to.ident.name != name.name {
                    let message = "the property must have the name that is resolved";
                    return Err(failure("invalid-definition", message).at(to.span));
                }
                let found = shown(model, to)?;
                (define::resolve_property(model, found.id), to.span)
            }
        };
        writes.map_err(|error| {
            let failure = of_define(&error, span, &[span]);
            match (&alter.action, error) {
                (
                    AlterAction::RenameTo(_) | AlterAction::RenameProperty { .. },
                    DefineError::DuplicateModel { .. } | DefineError::DuplicateProperty { .. },
                ) => failure.help("choose a name that is not taken"),
                _ => failure,
            }
        })
    }

    fn model(&self, name: &ast::Name) -> Outcome<&Arc<Model>> {
        self.transaction
            .catalog
            .find(&name.ident.name, name.ident.quoted, id_of(name))
            .map_err(|error| unknown("model", &error, Some(name.span)))
    }

    async fn property(
        &self,
        property: &PropertyDef,
        own: Option<(&str, ModelId)>,
    ) -> Outcome<PropertyDefinition> {
        let (value_type, backend) = self.data_type(&property.ty, own)?;
        let default = match &property.default {
            None => Value::Null,
            Some(_) if backend == Backend::Yrs => {
                let error = DefineError::TextDefault { property: 0 };
                return Err(of_define(&error, property.name.span, &[property.name.span]));
            }
            Some(expr) => self.constant(expr, &property.ty).await?,
        };
        Ok(PropertyDefinition {
            name: property.name.name.clone(),
            value_type,
            backend,
            key: property.key,
            required: property.not_null,
            default,
        })
    }

    fn data_type(&self, ty: &DataType, own: Option<(&str, ModelId)>) -> Outcome<(ValueType, Backend)> {
        let value_type = match &ty.kind {
            DataTypeKind::Text => return Ok((ValueType::String, Backend::Yrs)),
            DataTypeKind::Bool => ValueType::Bool,
            DataTypeKind::I64 => ValueType::Int,
            DataTypeKind::F64 => ValueType::Float,
            DataTypeKind::Decimal => ValueType::Decimal,
            DataTypeKind::String => ValueType::String,
            DataTypeKind::Bytes => ValueType::Bytes,
            DataTypeKind::Timestamp => ValueType::Timestamp,
            DataTypeKind::Uuid => ValueType::Uuid,
            DataTypeKind::Ulid => ValueType::Ulid,
            DataTypeKind::Json => ValueType::Json,
            DataTypeKind::Ref(name) => match own {
                Some((own, id)) if name.id.is_none() && name.ident.name == own => ValueType::Ref(id),
                _ => ValueType::Ref(self.model(name)?.id),
            },
        };
        Ok((value_type, Backend::Lww))
    }

    /// The value of a default: the expression, cast to the property's type.
    async fn constant(&self, expr: &ast::Expr, ty: &DataType) -> Outcome<Value> {
        let span = expr.span;
        let cast = ExprKind::Cast { expr: Box::new(expr.clone()), to: ty.clone() };
        let item = SelectItemKind::Expr { expr: ast::Expr { kind: cast, span }, alias: None };
        let select = ast::Select {
            distinct: false,
            items: vec![ast::SelectItem { kind: item, span }],
            from: None,
            filter: None,
            group_by: Vec::new(),
            having: None,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            span,
        };
        let statement = ast::Statement { kind: ast::StatementKind::Select(Box::new(select)), span };
        let names = self.transaction.catalog.as_ref();
        let context = Context { names, parameters: self.parameters, now: self.now };
        let not_constant = || failure("invalid-definition", "a default must be a constant").at(span);
        let Bound::Select(select) = bind_statement(&statement, context)? else { return Err(not_constant()) };
        let rows = write::collect(self.transaction, *select).await?;
        rows.into_iter().flatten().next().ok_or_else(not_constant)
    }
}

/// The catalog's entity as a write leaves it.
async fn pending(transaction: &Transaction, write: CatalogWrite) -> Outcome<(EntityId, Pending)> {
    let (entity, new) = match write.target {
        Target::Existing(entity) => (entity, None),
        Target::Keyed(key) => {
            let entity = Operation::keyed_id(write.model, &key)
                .map_err(|error| failure("invalid-definition", error.to_string()))?;
            (entity, Some(Pending::new(write.model, Birth::Keyed { key, exclusive: false })))
        }
    };
    let Some(mut pending) = transaction.pending(write.model, entity).await?.or(new) else {
        return Err(failure("internal", format!("catalog entry {entity} does not exist")));
    };
    for (property, value) in write.set {
        if pending.value(property).unwrap_or(&Value::Null) != &value {
            pending.sets.insert(property, value);
        }
    }
    Ok((entity, pending))
}

fn id_of(name: &ast::Name) -> Option<OpId> {
    name.id.as_ref().and_then(|id| id.text.parse().ok())
}

fn shown<'a>(model: &'a Model, name: &ast::Name) -> Outcome<&'a Arc<Property>> {
    model
        .find(&name.ident.name, name.ident.quoted, id_of(name))
        .map_err(|error| unknown("property", &error, Some(name.span)))
}

/// The dropped property of a name: the one with the id, where one is given, or else the one dropped of that name.
fn dropped<'a>(model: &'a Model, name: &ast::Name) -> Outcome<&'a Arc<Property>> {
    let id = id_of(name);
    let fits = |property: &&Arc<Property>| {
        property.dropped && *property.name == *name.ident.name && id.is_none_or(|id| property.id.0 == id)
    };
    let mut found = model.properties.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(property), None) => Ok(property),
        (Some(first), Some(_)) => {
            let message = format!("several dropped properties are called `{}`", name.ident.name);
            Err(failure("ambiguous", message)
                .at(name.span)
                .help(format!("write the id too, as in `{}@{}`", name.ident.name, first.id)))
        }
        (None, _) => {
            let message = format!("`{}` has no dropped property `{}`", model.label, name.ident.name);
            Err(failure("unknown-property", message).at(name.span))
        }
    }
}

fn of_define(error: &DefineError, model: Span, properties: &[Span]) -> Box<Failure> {
    let (kind, property, help) = match error {
        DefineError::DuplicateModel { .. } => ("duplicate-model", None, None),
        DefineError::DuplicateProperty { property, .. } => ("duplicate-property", Some(*property), None),
        DefineError::ReservedModel => ("reserved-name", None, None),
        DefineError::ReservedProperty { property, name, .. } => {
            ("reserved-name", Some(*property), Some(format!("call it `{name}_`")))
        }
        DefineError::BadName { property } => ("invalid-name", *property, None),
        DefineError::TextKey { property } | DefineError::TextDefault { property } => {
            ("invalid-definition", Some(*property), None)
        }
        DefineError::KeyOfExisting
        | DefineError::TooMany
        | DefineError::ReservedAlter { .. }
        | DefineError::DropKey { .. }
        | DefineError::KeyDiffers { .. }
        | DefineError::Operation(_) => ("invalid-definition", None, None),
    };
    let span = property.and_then(|index| properties.get(index)).copied().unwrap_or(model);
    let failure = failure(kind, error.to_string()).at(span);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

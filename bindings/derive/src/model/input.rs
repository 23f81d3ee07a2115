//! What the struct and its attributes say.

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Fields, Lit, Result, Type, Visibility};

use crate::attribute::{self, Errors};
use crate::names::snake_case;

/// A model.
pub(super) struct Model {
    pub(super) ident: Ident,
    pub(super) visibility: Visibility,
    /// The crate `ankurah`.
    pub(super) root: syn::Path,
    pub(super) name: String,
    pub(super) defined_as: String,
    pub(super) fields: Vec<Field>,
}

/// A field.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) docs: Vec<Attribute>,
    pub(super) name: String,
    pub(super) defined_as: String,
    pub(super) key: bool,
    pub(super) default: Option<Default>,
    pub(super) former: Option<Former>,
}

/// What a field is where nothing is stored.
pub(super) enum Default {
    /// `default`
    OfType,
    /// `default = expr`
    Expr(Box<Expr>),
}

/// The type that a property had before.
pub(super) struct Former {
    /// Its name then.
    pub(super) name: String,
    pub(super) ty: Type,
    /// What converts its values.
    pub(super) with: Option<syn::Path>,
}

impl Model {
    pub(super) fn read(input: &DeriveInput) -> Result<Model> {
        let mut errors = Errors::default();
        let mut model = Model {
            ident: input.ident.clone(),
            visibility: input.vis.clone(),
            root: attribute::default_crate(),
            name: snake_case(&input.ident),
            defined_as: String::new(),
            fields: Vec::new(),
        };
        let read = attribute::parts(&input.attrs, "model", &["name", "was", "crate"], |part, meta| {
            match part {
                "name" => model.name = attribute::name_of(meta)?,
                "was" => model.defined_as = attribute::name_of(meta)?,
                _ => model.root = meta.value()?.call(syn::Path::parse_mod_style)?,
            }
            Ok(())
        });
        errors.take(read);
        if model.defined_as.is_empty() {
            model.defined_as.clone_from(&model.name);
        }
        if model.name.starts_with('_') {
            errors.at(&input.ident, "names of models that begin with `_` are reserved");
        }
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a model has no type parameters or lifetimes: its fields own what they hold",
            );
        }
        match fields(input) {
            Ok(fields) => {
                for field in fields {
                    model.fields.extend(errors.take(Field::read(field)));
                }
            }
            Err(error) => errors.push(error),
        }
        for (index, field) in model.fields.iter().enumerate() {
            if model.fields.iter().take(index).any(|other| other.name == field.name) {
                errors.at(&field.ident, &format!("there are two properties called `{}`", field.name));
            }
        }
        errors.finish()?;
        Ok(model)
    }

    /// `AlbumView` and the like.
    pub(super) fn companion(&self, suffix: &str) -> Ident {
        format_ident!("{}{suffix}", self.ident.unraw(), span = self.ident.span())
    }

    /// The fields that are part of the key.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.key)
    }
}

fn fields(input: &DeriveInput) -> Result<Vec<&syn::Field>> {
    let unfit = |message: &str| Err(Error::new(Span::call_site(), message));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => Ok(named.named.iter().collect()),
            Fields::Unnamed(_) => {
                unfit("a model is a struct with named fields: the names are those of its properties")
            }
            Fields::Unit => {
                unfit("a model is a struct with named fields; without properties write `struct Name {}`")
            }
        },
        Data::Enum(_) => unfit(
            "a model is a struct with named fields, not an enum; an enum can be a property with `#[derive(Property)]`",
        ),
        Data::Union(_) => unfit("a model is a struct with named fields, not a union"),
    }
}

impl Field {
    fn read(field: &syn::Field) -> Result<Field> {
        let ident =
            field.ident.clone().ok_or_else(|| Error::new(Span::call_site(), "a field needs a name"))?;
        let mut errors = Errors::default();
        let mut name = ident.unraw().to_string();
        let (mut was, mut key, mut default, mut from, mut with) = (None, false, None, None, None);
        let known = ["key", "default", "name", "was", "from", "with"];
        let read = attribute::parts(&field.attrs, "model", &known, |part, meta| {
            match part {
                "key" => key = true,
                "default" if meta.input.peek(syn::Token![=]) => {
                    default = Some(Default::Expr(Box::new(meta.value()?.parse()?)));
                }
                "default" => default = Some(Default::OfType),
                "name" => name = attribute::name_of(meta)?,
                "was" => was = Some(attribute::name_of(meta)?),
                "from" => from = Some(meta.value()?.parse::<Type>()?),
                _ => with = Some(meta.value()?.parse::<syn::Path>()?),
            }
            Ok(())
        });
        errors.take(read);
        let optional = is_path_to(&field.ty, "Option");
        let text = is_path_to(&field.ty, "Text");
        if name.eq_ignore_ascii_case("id") {
            errors.at(
                &ident,
                "`id` is the id that every entity has, and views give it; call the field otherwise",
            );
        }
        if key && default.is_some() {
            errors.at(&ident, "a key is always given, so it has no default");
        }
        if optional && default.is_some() {
            errors.at(&ident, "an `Option` without a value is `None`; for a default leave the `Option` away");
        }
        if text && default.is_some() {
            errors.at(&ident, "a text that was never written is empty, so it has no default");
        }
        if from.is_some() && (key || text) {
            errors.at(&ident, "a key and a text cannot change their type");
        }
        if with.is_some() && from.is_none() {
            errors.at(&ident, "`with` converts values of the type that `from` names: `from = …, with = …`");
        }
        errors.finish()?;
        let former = from.map(|ty| Former { name: was.clone().unwrap_or_else(|| name.clone()), ty, with });
        let defined_as = match &former {
            // The new type makes it another property, whose name is its own.
            Some(_) => name.clone(),
            None => was.unwrap_or_else(|| name.clone()),
        };
        let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect();
        Ok(Field { ident, ty: field.ty.clone(), docs, name, defined_as, key, default, former })
    }

    /// The field's name, placed where its type is, so that the compiler's errors about the type point there.
    pub(super) fn in_type(&self) -> Ident {
        let mut ident = self.ident.clone();
        ident.set_span(self.ty.span());
        ident
    }

    /// Whether it is collaborative text, as far as the name of its type tells.
    pub(super) fn is_text(&self) -> bool {
        is_path_to(&self.ty, "Text")
    }

    /// Whether it is a `String`, which is set from whatever becomes one.
    pub(super) fn is_string(&self) -> bool {
        is_path_to(&self.ty, "String")
    }

    /// `set_name` and the like.
    pub(super) fn method(&self, prefix: &str) -> Ident {
        format_ident!("{prefix}_{}", self.ident.unraw(), span = self.ident.span())
    }
}

/// Whether a type is written as a path that ends with a name.
fn is_path_to(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// Whether an expression has the same value whenever it is computed: a literal, a constant, a variant.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Unary(unary) => is_constant(&unary.expr),
        Expr::Paren(inner) => is_constant(&inner.expr),
        Expr::MethodCall(call) => {
            let converts = ["into", "to_owned", "to_string"].iter().any(|name| call.method == *name);
            converts && call.args.is_empty() && is_constant(&call.receiver)
        }
        _ => false,
    }
}

/// Whether an expression is a string literal.
pub(super) fn is_string_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)))
}

//! Random trees: all that the parser can make.

use ankurah_query_lang::{Span, ast::*, functions, keywords};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn span() -> Span {
    Span::default()
}

fn node(kind: ExprKind) -> Expr {
    Expr { kind, span: span() }
}

/// Names of all sorts, reserved words among them, quoted where they must be and sometimes otherwise.
fn ident() -> impl Strategy<Value = Ident> {
    let reserved: Vec<String> = keywords::RESERVED.iter().map(|word| (*word).to_owned()).collect();
    let contextual: Vec<String> = keywords::CONTEXTUAL.iter().map(|word| (*word).to_owned()).collect();
    let name = prop_oneof![
        4 => "[a-z_][a-zA-Z0-9_]{0,6}",
        1 => select(reserved),
        2 => select(contextual),
        1 => "[^\u{0}]{1,5}",
    ];
    (name, prop::bool::weighted(0.1)).prop_map(|(name, quoted)| {
        let ident = Ident::new(name, span());
        Ident { quoted: ident.quoted || quoted, ..ident }
    })
}

/// Names where reserved words need no quotes.
fn any_ident() -> impl Strategy<Value = Ident> {
    let reserved: Vec<String> = keywords::RESERVED.iter().map(|word| (*word).to_owned()).collect();
    prop_oneof![4 => ident(), 1 => select(reserved).prop_map(|name| Ident { name, quoted: false, span: span() })]
}

fn id() -> impl Strategy<Value = Id> {
    "[0-7][0-9A-HJKMNP-TV-Z]{25}".prop_map(|text| Id { text, span: span() })
}

fn name() -> impl Strategy<Value = Name> {
    (ident(), of_seldom(id())).prop_map(|(ident, id)| Name { ident, id, span: span() })
}

fn of_seldom<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::weighted(0.1, strategy)
}

fn data_type() -> impl Strategy<Value = DataType> {
    let kind = prop_oneof![
        8 => plain_type(),
        1 => name().prop_map(|name| DataTypeKind::Ref(Box::new(name))),
    ];
    kind.prop_map(|kind| DataType { kind, span: span() })
}

fn plain_type() -> impl Strategy<Value = DataTypeKind> {
    use DataTypeKind as T;
    select(vec![
        T::Bool,
        T::I64,
        T::F64,
        T::Decimal,
        T::String,
        T::Text,
        T::Bytes,
        T::Timestamp,
        T::Uuid,
        T::Ulid,
        T::Json,
    ])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z' \"\n\\-]{0,6}", "[^\u{0}]{0,4}"]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        "[0-9]{1,22}".prop_map(|text| Number { kind: NumberKind::Integer, text }),
        "[0-9]{1,3}\\.[0-9]{0,3}|\\.[0-9]{1,3}".prop_map(|text| Number { kind: NumberKind::Decimal, text }),
        "[0-9]{1,3}(\\.[0-9]{0,2})?[eE][+-]?[0-9]{1,3}"
            .prop_map(|text| Number { kind: NumberKind::Exponent, text }),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        number().prop_map(Literal::Number),
        text().prop_map(Literal::String),
        vec(any::<u8>(), 0..4).prop_map(Literal::Bytes),
        (plain_type(), text())
            .prop_map(|(kind, text)| Literal::Typed { ty: DataType { kind, span: span() }, text }),
        id().prop_map(Literal::Id),
    ]
}

fn step() -> impl Strategy<Value = PathStep> {
    let kind = prop_oneof![
        4 => (any_ident(), of_seldom(id()))
            .prop_map(|(ident, id)| PathStepKind::Field(Name { ident, id, span: span() })),
        1 => text().prop_map(PathStepKind::Key),
        1 => any::<i64>().prop_map(PathStepKind::Index),
    ];
    kind.prop_map(|kind| PathStep { kind, span: span() })
}

fn path() -> impl Strategy<Value = Path> {
    (name(), vec(step(), 0..3)).prop_map(|(root, steps)| Path { root, steps, span: span() })
}

/// Positional parameters are left out: their number depends on the text around them.
fn parameter() -> impl Strategy<Value = Parameter> {
    let kind = prop_oneof![
        (1..100_u32).prop_map(ParameterKind::Numbered),
        "[a-z_][a-z0-9_]{0,4}".prop_map(ParameterKind::Named)
    ];
    kind.prop_map(|kind| Parameter { kind, span: span() })
}

fn function() -> impl Strategy<Value = Ident> {
    let special = ["substring", "trim"];
    let builtin: Vec<String> =
        functions::names().filter(|name| !special.contains(name)).map(ToOwned::to_owned).collect();
    prop_oneof![select(builtin), "f[a-z]{2,4}"].prop_map(|name| {
        let join = name == "left" || name == "right";
        let ident = Ident::new(name, span());
        Ident { quoted: ident.quoted && !join, ..ident }
    })
}

type BoxedExpr = BoxedStrategy<Expr>;

fn call(expr: BoxedExpr) -> impl Strategy<Value = Call> {
    let list = vec(expr.clone(), 0..3);
    let args = prop_oneof![1 => Just((CallArgs::Star, false)), 6 => (list, any::<bool>()).prop_map(|(list, distinct)| {
        let distinct = distinct && !list.is_empty();
        (CallArgs::List(list), distinct)
    })];
    (function(), args, of_seldom(expr.prop_map(Box::new))).prop_map(|(name, (args, distinct), filter)| Call {
        name,
        distinct,
        args,
        filter,
        span: span(),
    })
}

fn comparison() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp as O;
    select(vec![O::Eq, O::NotEq, O::Lt, O::LtEq, O::Gt, O::GtEq])
}

/// Operators of one level.
fn operators() -> impl Strategy<Value = &'static [BinaryOp]> {
    use BinaryOp as O;
    let levels: Vec<&'static [BinaryOp]> = vec![&[O::Add, O::Sub], &[O::Mul, O::Div, O::Rem], &[O::Concat]];
    select(levels)
}

/// A chain; one that it begins with is taken apart, as the parser does.
fn chain(e: BoxedExpr) -> impl Strategy<Value = ExprKind> {
    let level = operators().prop_flat_map(move |operators| {
        let link =
            (select(operators.to_vec()), e.clone()).prop_map(|(op, operand)| ChainLink { op, operand });
        (Just(operators), e.clone(), vec(link, 1..4))
    });
    level.prop_map(|(operators, first, links)| match first.kind {
        ExprKind::Chain { first, rest } if rest.iter().all(|link| operators.contains(&link.op)) => {
            ExprKind::Chain { first, rest: rest.into_iter().chain(links).collect() }
        }
        _ => ExprKind::Chain { first: Box::new(first), rest: links },
    })
}

/// Expressions made of smaller ones.
fn compound(e: BoxedExpr) -> BoxedStrategy<ExprKind> {
    let b = e.clone().prop_map(Box::new).boxed();
    let not = any::<bool>();
    let many = vec(e.clone(), 2..4);
    let branches = vec((e.clone(), e.clone()), 1..3).prop_map(|list| {
        list.into_iter().map(|(when, then)| CaseBranch { when, then, span: span() }).collect::<Vec<_>>()
    });
    let unary = select(vec![UnaryOp::Neg, UnaryOp::Plus, UnaryOp::Not]);
    let test = select(vec![IsTest::Null, IsTest::True, IsTest::False, IsTest::Unknown]);
    let query = query(e.clone()).prop_map(Box::new).boxed();
    let simple = prop_oneof![
        3 => (unary, b.clone()).prop_map(|(op, expr)| ExprKind::Unary { op, expr }),
        3 => (comparison(), b.clone(), b.clone())
            .prop_map(|(op, left, right)| ExprKind::Compare { op, left, right }),
        3 => chain(e.clone()),
        2 => many.clone().prop_map(ExprKind::And),
        2 => many.prop_map(ExprKind::Or),
        2 => call(e.clone()).prop_map(ExprKind::Call),
        1 => (b.clone(), data_type()).prop_map(|(expr, to)| ExprKind::Cast { expr, to }),
        1 => (of(b.clone()), branches, of(b.clone()))
            .prop_map(|(operand, branches, otherwise)| ExprKind::Case { operand, branches, otherwise }),
        1 => (b.clone(), vec(step(), 1..3)).prop_map(|(base, steps)| ExprKind::Access { base, steps }),
    ];
    let tests = prop_oneof![
        (not, b.clone(), b.clone(), b.clone()).prop_map(|(negated, expr, low, high)| ExprKind::Between {
            negated,
            expr,
            low,
            high
        }),
        (not, b.clone(), vec(e, 1..3)).prop_map(|(negated, expr, list)| ExprKind::InList {
            negated,
            expr,
            list
        }),
        (not, not, b.clone(), b.clone(), of(b.clone())).prop_map(
            |(negated, case_insensitive, expr, pattern, escape)| ExprKind::Like {
                negated,
                case_insensitive,
                expr,
                pattern,
                escape
            }
        ),
        (not, b.clone(), test).prop_map(|(negated, expr, test)| ExprKind::Is { negated, expr, test }),
        (not, b.clone(), b.clone()).prop_map(|(negated, left, right)| ExprKind::IsDistinctFrom {
            negated,
            left,
            right
        }),
    ];
    let queries = prop_oneof![
        (not, b, query.clone()).prop_map(|(negated, expr, query)| ExprKind::InQuery { negated, expr, query }),
        query.clone().prop_map(ExprKind::Exists),
        query.prop_map(ExprKind::Query),
    ];
    prop_oneof![10 => simple, 5 => tests, 1 => queries].boxed()
}

/// Any expression.
pub(crate) fn expr() -> BoxedExpr {
    let leaf = prop_oneof![
        3 => literal().prop_map(ExprKind::Literal),
        4 => path().prop_map(ExprKind::Path),
        1 => parameter().prop_map(ExprKind::Parameter),
    ];
    leaf.prop_map(node).prop_recursive(4, 24, 4, |e| compound(e).prop_map(node)).boxed()
}

/// What follows `order by`, perhaps nothing.
pub(crate) fn order_by() -> impl Strategy<Value = Vec<OrderItem>> {
    order_items(expr())
}

fn order_items(e: BoxedExpr) -> impl Strategy<Value = Vec<OrderItem>> {
    let nulls = of(select(vec![NullsOrder::First, NullsOrder::Last]));
    vec((e, any::<bool>(), nulls), 0..3).prop_map(|list| {
        list.into_iter()
            .map(|(expr, descending, nulls)| OrderItem { expr, descending, nulls, span: span() })
            .collect()
    })
}

fn items(e: BoxedExpr, least: usize) -> impl Strategy<Value = Vec<SelectItem>> {
    let kind = prop_oneof![
        1 => Just(SelectItemKind::Wildcard),
        1 => name().prop_map(SelectItemKind::QualifiedWildcard),
        6 => (e, of(any_ident())).prop_map(|(expr, alias)| SelectItemKind::Expr { expr, alias }),
    ];
    vec(kind.prop_map(|kind| SelectItem { kind, span: span() }), least..3)
}

/// An entity or an operation: an id or a parameter.
fn entity() -> BoxedExpr {
    prop_oneof![
        3 => id().prop_map(|id| ExprKind::Literal(Literal::Id(id))),
        1 => parameter().prop_map(ExprKind::Parameter),
    ]
    .prop_map(node)
    .boxed()
}

fn point() -> BoxedStrategy<Point> {
    let number = number().prop_map(|number| node(ExprKind::Literal(Literal::Number(number))));
    let call = Call {
        name: Ident::new("now", span()),
        distinct: false,
        args: CallArgs::List(Vec::new()),
        filter: None,
        span: span(),
    };
    let value = prop_oneof![
        entity(),
        text().prop_map(|text| node(ExprKind::Literal(Literal::String(text)))),
        Just(node(ExprKind::Call(call))),
    ];
    prop_oneof![
        vec(entity(), 2..4).prop_map(PointKind::Operations),
        number.prop_map(|number| PointKind::Position(Box::new(number))),
        value.prop_map(|value| PointKind::At(Box::new(value))),
    ]
    .prop_map(|kind| Point { kind, span: span() })
    .boxed()
}

/// What reads history.
fn past() -> BoxedStrategy<Box<Past>> {
    let subject = || {
        prop_oneof![
            name().prop_map(Subject::Model),
            entity().prop_map(|entity| Subject::Entity(Box::new(entity))),
        ]
    };
    let property = (any_ident(), of_seldom(id())).prop_map(|(ident, id)| Name { ident, id, span: span() });
    prop_oneof![
        (subject(), point()).prop_map(|(subject, point)| PastKind::AsOf { subject, point }),
        entity().prop_map(|entity| PastKind::History { entity: Box::new(entity) }),
        entity().prop_map(|entity| PastKind::Bisect { entity: Box::new(entity) }),
        (subject(), point(), of(point())).prop_map(|(subject, from, to)| PastKind::Diff {
            subject,
            from,
            to
        }),
        (entity(), property, of(point())).prop_map(|(entity, property, point)| PastKind::Why {
            entity: Box::new(entity),
            property,
            point
        }),
    ]
    .prop_map(|kind| Box::new(Past { kind, span: span() }))
    .boxed()
}

fn relation(e: BoxedExpr) -> BoxedStrategy<Relation> {
    let relation = |kind| Relation { kind, span: span() };
    let query = query_from(e.clone(), Just(None).boxed());
    let leaf = prop_oneof![
        6 => (name(), of(ident())).prop_map(|(name, alias)| RelationKind::Model { name, alias }),
        2 => (past(), of(ident())).prop_map(|(past, alias)| RelationKind::Past { past, alias }),
        1 => (query.prop_map(Box::new), any_ident()).prop_map(|(query, alias)| RelationKind::Query { query, alias }),
    ];
    let joins = select(vec![JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full]);
    leaf.prop_map(relation)
        .prop_recursive(3, 6, 2, move |inner| {
            let side = inner.prop_map(Box::new).boxed();
            let on = prop_oneof![
                e.clone().prop_map(|e| JoinCondition::On(Box::new(e))),
                vec(name(), 1..3).prop_map(JoinCondition::Using)
            ];
            prop_oneof![
                (side.clone(), joins.clone(), side.clone(), on).prop_map(|(left, join, right, on)| {
                    RelationKind::Join { left, join, right, on: Some(on) }
                }),
                (side.clone(), side).prop_map(|(left, right)| RelationKind::Join {
                    left,
                    join: JoinKind::Cross,
                    right,
                    on: None
                }),
            ]
            .prop_map(relation)
        })
        .boxed()
}

fn query_from(e: BoxedExpr, from: BoxedStrategy<Option<Relation>>) -> BoxedStrategy<Select> {
    let clauses = (of(e.clone()), vec(e.clone(), 0..2), of_seldom(e.clone()), order_items(e.clone()));
    (any::<bool>(), items(e.clone(), 1), from, clauses, of_seldom(e.clone()), of_seldom(e))
        .prop_map(|(distinct, items, from, (filter, group_by, having, order_by), limit, offset)| Select {
            distinct,
            items,
            from,
            filter,
            group_by,
            having,
            order_by,
            limit,
            offset,
            span: span(),
        })
        .boxed()
}

fn query(e: BoxedExpr) -> BoxedStrategy<Select> {
    let model = (name(), of(ident()))
        .prop_map(|(name, alias)| Some(Relation { kind: RelationKind::Model { name, alias }, span: span() }));
    query_from(e, model.boxed())
}

fn definition() -> impl Strategy<Value = PropertyDef> {
    (ident(), data_type(), any::<bool>(), any::<bool>(), of(expr())).prop_map(
        |(name, ty, key, not_null, default)| PropertyDef { name, ty, key, not_null, default, span: span() },
    )
}

fn alteration() -> impl Strategy<Value = AlterAction> {
    prop_oneof![
        ident().prop_map(AlterAction::RenameTo),
        definition().prop_map(AlterAction::AddProperty),
        (name(), ident()).prop_map(|(property, to)| AlterAction::RenameProperty { property, to }),
        name().prop_map(AlterAction::DropProperty),
        name().prop_map(AlterAction::RestoreProperty),
        (ident(), ident(), id()).prop_map(|(name, ident, id)| AlterAction::ResolveProperty {
            name,
            to: Name { ident, id: Some(id), span: span() }
        }),
    ]
}

fn change() -> impl Strategy<Value = TextChange> {
    let edits = prop_oneof![
        (expr(), of(expr()), expr()).prop_map(|(position, delete, insert)| TextChangeKind::At {
            position,
            delete,
            insert: Some(insert)
        }),
        (expr(), expr()).prop_map(|(position, delete)| TextChangeKind::At {
            position,
            delete: Some(delete),
            insert: None
        }),
        expr().prop_map(TextChangeKind::Append),
    ];
    edits.prop_map(|kind| TextChange { kind, span: span() })
}

fn insert() -> impl Strategy<Value = Insert> {
    let row = vec(expr(), 1..3).prop_map(|values| Row { values, span: span() });
    let source = prop_oneof![
        4 => vec(row, 1..3).prop_map(InsertSource::Values),
        1 => query(expr()).prop_map(|query| InsertSource::Query(Box::new(query))),
    ];
    let mode = select(vec![InsertMode::Insert, InsertMode::Upsert]);
    (mode, name(), vec(name(), 0..3), source, items(expr(), 0)).prop_map(
        |(mode, model, columns, source, returning)| Insert {
            mode,
            model,
            columns,
            source,
            returning,
            span: span(),
        },
    )
}

fn delete() -> impl Strategy<Value = Box<Delete>> {
    (name(), of(ident()), of(expr()), items(expr(), 0)).prop_map(|(model, alias, filter, returning)| {
        Box::new(Delete { model, alias, filter, returning, span: span() })
    })
}

fn compact() -> impl Strategy<Value = Box<Compact>> {
    let subject = prop_oneof![
        (name(), of(expr())).prop_map(|(model, filter)| (Subject::Model(model), filter)),
        entity().prop_map(|entity| (Subject::Entity(Box::new(entity)), None)),
    ];
    (subject, of(point()))
        .prop_map(|((subject, filter), point)| Box::new(Compact { subject, point, filter, span: span() }))
}

fn redact() -> impl Strategy<Value = Box<Redact>> {
    let property = (any_ident(), of_seldom(id())).prop_map(|(ident, id)| Name { ident, id, span: span() });
    let subject = prop_oneof![
        (name(), of(expr())).prop_map(|(model, filter)| (Subject::Model(model), filter)),
        entity().prop_map(|entity| (Subject::Entity(Box::new(entity)), None)),
    ];
    (subject, property, vec(entity(), 0..3), of(expr()), items(expr(), 0)).prop_map(
        |((subject, filter), property, of, replacement, returning)| {
            Box::new(Redact { subject, property, of, replacement, filter, returning, span: span() })
        },
    )
}

fn plain_statement() -> BoxedStrategy<StatementKind> {
    use StatementKind as S;
    let assignment = (path(), expr()).prop_map(|(target, value)| Assignment { target, value, span: span() });
    let update = (name(), of(ident()), vec(assignment, 1..3), of(expr()), items(expr(), 0));
    let property = (any_ident(), of_seldom(id())).prop_map(|(ident, id)| Name { ident, id, span: span() });
    let edit = (name(), property, vec(change(), 1..3), of(expr()), items(expr(), 0));
    let create = (ident(), any::<bool>(), vec(definition(), 0..3));
    prop_oneof![
        6 => query_from(expr(), of(relation(expr())).boxed()).prop_map(|query| S::Select(Box::new(query))),
        2 => insert().prop_map(|insert| S::Insert(Box::new(insert))),
        2 => update.prop_map(|(model, alias, assignments, filter, returning)| {
            S::Update(Box::new(Update { model, alias, assignments, filter, returning, span: span() }))
        }),
        1 => delete().prop_map(S::Delete),
        1 => delete().prop_map(S::Restore),
        2 => edit.prop_map(|(model, property, changes, filter, returning)| {
            S::Edit(Box::new(Edit { model, property, changes, filter, returning, span: span() }))
        }),
        1 => create.prop_map(|(name, if_not_exists, properties)| {
            S::CreateModel(Box::new(CreateModel { name, if_not_exists, properties, span: span() }))
        }),
        2 => (name(), alteration()).prop_map(|(model, action)| {
            S::AlterModel(Box::new(AlterModel { model, action, span: span() }))
        }),
        1 => (any::<bool>(), entity(), any::<bool>()).prop_map(|(transaction, of, force)| {
            S::Undo(Box::new(Undo { transaction, of, force, span: span() }))
        }),
        2 => redact().prop_map(S::Redact),
        1 => compact().prop_map(S::Compact),
        1 => any::<bool>().prop_map(|serializable| S::Begin { serializable }),
        1 => Just(S::Commit),
        1 => Just(S::Rollback),
    ]
    .boxed()
}

/// Any statement.
pub(crate) fn statement() -> impl Strategy<Value = Statement> {
    let statement = |kind| Statement { kind, span: span() };
    prop_oneof![
        9 => plain_statement(),
        1 => query_from(expr(), of(relation(expr())).boxed()).prop_map(|query| StatementKind::Live(Box::new(query))),
        1 => (any::<bool>(), plain_statement()).prop_map(move |(analyze, kind)| match kind {
            // There is nothing to explain about these.
            StatementKind::Begin { .. } | StatementKind::Commit | StatementKind::Rollback => kind,
            kind => StatementKind::Explain { analyze, statement: Box::new(statement(kind)) },
        }),
    ]
    .prop_map(statement)
}

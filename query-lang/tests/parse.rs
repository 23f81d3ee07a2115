//! What texts mean, shown by how they print: parentheses appear only where the tree needs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use ankurah_query_lang::{ast::*, parse_expr, parse_predicate, parse_script, parse_statement};

/// `source` parses, prints as `expected`, and `expected` parses to an equal tree.
#[track_caller]
fn statement(source: &str, expected: &str) {
    let tree = parse_statement(source).unwrap_or_else(|e| panic!("{}", e.render(source)));
    assert_eq!(tree.to_string(), expected);
    assert_eq!(parse_statement(expected).unwrap(), tree);
}

#[track_caller]
fn same(source: &str) {
    statement(source, source);
}

#[track_caller]
fn expr(source: &str, expected: &str) {
    let tree = parse_expr(source).unwrap_or_else(|e| panic!("{}", e.render(source)));
    assert_eq!(tree.to_string(), expected);
    assert_eq!(parse_expr(expected).unwrap(), tree);
}

/// A fully parenthesised form, to show what binds to what.
fn shape(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Compare { op, left, right } => {
            format!("({} {} {})", shape(left), op.symbol(), shape(right))
        }
        ExprKind::Chain { first, rest } => {
            let rest = rest.iter().map(|link| format!(" {} {}", link.op.symbol(), shape(&link.operand)));
            format!("({}{})", shape(first), rest.collect::<String>())
        }
        ExprKind::And(list) => format!("({})", list.iter().map(shape).collect::<Vec<_>>().join(" and ")),
        ExprKind::Or(list) => format!("({})", list.iter().map(shape).collect::<Vec<_>>().join(" or ")),
        ExprKind::Unary { op: UnaryOp::Not, expr } => format!("(not {})", shape(expr)),
        ExprKind::Unary { op: UnaryOp::Neg, expr } => format!("(-{})", shape(expr)),
        ExprKind::Is { expr, .. } => format!("({} is)", shape(expr)),
        ExprKind::IsDistinctFrom { left, right, .. } => {
            format!("({} distinct {})", shape(left), shape(right))
        }
        ExprKind::Between { expr, low, high, .. } => {
            format!("({} between {} {})", shape(expr), shape(low), shape(high))
        }
        ExprKind::InList { expr, .. } => format!("({} in)", shape(expr)),
        ExprKind::Like { expr, pattern, .. } => format!("({} like {})", shape(expr), shape(pattern)),
        ExprKind::Cast { expr, to } => format!("({}::{to})", shape(expr)),
        _ => e.to_string(),
    }
}

#[track_caller]
fn binds(source: &str, expected: &str) {
    assert_eq!(shape(&parse_expr(source).unwrap()), expected);
}

#[test]
fn precedence() {
    binds("a or b and c", "(a or (b and c))");
    binds("not a and b", "((not a) and b)");
    binds("not a = b", "(not (a = b))");
    binds("not a is null", "(not (a is))");
    binds("a = b is null", "((a = b) is)");
    binds("a is null = b", "((a is) = b)");
    binds("a = b in (1)", "(a = (b in))");
    binds("a in (1) = b", "((a in) = b)");
    binds("a like b || c", "(a like (b || c))");
    binds("a || b + c", "(a || (b + c))");
    binds("a + b * c - d", "(a + (b * c) - d)");
    binds("a - b - c", "(a - b - c)");
    binds("a / b * c % d", "(a / b * c % d)");
    binds("(a - b) - (c - d)", "(a - b - (c - d))");
    binds("((a * b) / c + d) - e", "((a * b / c) + d - e)");
    binds("(a || b) || (c || d) || e", "(a || b || (c || d) || e)");
    binds("a - b || c - d || e", "((a - b) || (c - d) || e)");
    binds("-a * b", "((-a) * b)");
    binds("-a::text", "(-(a::text))");
    binds("- -a", "(-(-a))");
    binds("a between 1 + 2 and 3 and b", "((a between (1 + 2) 3) and b)");
    binds("a between b and c or d", "((a between b c) or d)");
    binds("not a between b and c", "(not (a between b c))");
    binds("a is distinct from b = c", "(a distinct (b = c))");
    binds("a is distinct from b and c", "((a distinct b) and c)");
    binds("a = not b and c", "((a = (not b)) and c)");
    binds("a < b and b < c", "((a < b) and (b < c))");
    binds("a is null is null", "((a is) is)");
    binds("a and b and c or d", "((a and b and c) or d)");
    binds("a and (b and c)", "(a and (b and c))");
    binds("a::int::text || b", "(((a::i64)::text) || b)");
}

#[test]
fn expressions() {
    expr("(a + b) * c", "(a + b) * c");
    expr("(a * b) + c", "a * b + c");
    expr("a - (b - c)", "a - (b - c)");
    expr("(a = b) = c", "(a = b) = c");
    expr("a != b", "a <> b");
    expr("a NOT IN (1, 2)", "a not in (1, 2)");
    expr("a not between 1 and 2", "a not between 1 and 2");
    expr("a not like 'x%' escape '!'", "a not like 'x%' escape '!'");
    expr("A iLike b", "A ilike b");
    expr("(a like b) like c", "(a like b) like c");
    expr("a is not null and b is unknown", "a is not null and b is unknown");
    expr("a is not distinct from b", "a is not distinct from b");
    expr("case when a then b end", "case when a then b end");
    expr(
        "case a when 1 then 'x' when 2 then 'y' else 'z' end",
        "case a when 1 then 'x' when 2 then 'y' else 'z' end",
    );
    expr("cast(a as double precision)", "cast(a as f64)");
    expr("a::ref(album)", "cast(a as ref(album))");
    expr("- -1", "- -1");
    expr("-(-1)", "- -1");
    expr("+1", "+1");
    expr("- (1 + 2)", "-(1 + 2)");
    expr("-9223372036854775808", "-9223372036854775808");
    expr("count(*)", "count(*)");
    expr("count(distinct a) filter (where b > 1)", "count(distinct a) filter (where b > 1)");
    expr("now()", "now()");
    expr("current_timestamp", "now()");
    expr("left(a, 2) || RIGHT(a, 2)", "left(a, 2) || RIGHT(a, 2)");
    expr("extract(YEAR from t)", "date_part('year', t)");
    expr("position('a' in b || c)", "strpos(b || c, 'a')");
    expr("substring(a from 2)", "substr(a, 2)");
    expr("substring(a from 2 for 3)", "substr(a, 2, 3)");
    expr("substring(a, 2, 3)", "substring(a, 2, 3)");
    expr("trim(a)", "trim(a)");
    expr("trim(a, 'x')", "trim(a, 'x')");
    expr("trim(both from a)", "trim(a)");
    expr("trim(leading 'x' from a)", "ltrim(a, 'x')");
    expr("trim('x' from a)", "trim(a, 'x')");
    expr("exists (select 1)", "exists (select 1)");
    expr("not exists (from a)", "not exists (select * from a)");
    expr("a in (select b from c)", "a in (select b from c)");
    expr("(select max(a) from b) + 1", "(select max(a) from b) + 1");
}

#[test]
fn literals() {
    for text in ["1", "1.50", ".5", "5.", "1e5", "1.5E-3", "007", "123456789012345678901234567890"] {
        expr(text, text);
    }
    expr("'it''s'", "'it''s'");
    expr("X'0AfF'", "x'0aff'");
    expr("TRUE and False or NULL", "true and false or null");
    expr("timestamptz '2020-01-01 00:00:00'", "timestamp '2020-01-01 00:00:00'");
    expr("json '{\"a\": 1}'", "json '{\"a\": 1}'");
    expr("@01arz3ndektsv4rrffq69g5fav", "@01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expr("'multi\nline'", "'multi\nline'");
    assert_eq!(parse_expr("''''").unwrap().kind, ExprKind::Literal(Literal::String("'".into())));
    assert_eq!(parse_expr("x'00ff'").unwrap().kind, ExprKind::Literal(Literal::Bytes(vec![0, 255])));
}

#[test]
fn paths() {
    expr("track.album.title", "track.album.title");
    expr("data['key'][0][-1].b", "data['key'][0][-1].b");
    expr("data.order.select", "data.order.select");
    expr("rating@01ARZ3NDEKTSV4RRFFQ69G5FAV + 1", "rating@01ARZ3NDEKTSV4RRFFQ69G5FAV + 1");
    expr("a.rating@01ARZ3NDEKTSV4RRFFQ69G5FAV", "a.rating@01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expr("\"Line \"\"Total\"\"\".\"a b\"", "\"Line \"\"Total\"\"\".\"a b\"");
    expr("(a).b", "(a).b");
    expr("f(x).b['c']", "f(x).b['c']");
    expr("$1.a", "$1.a");
    expr("(a::json)['x']", "cast(a as json)['x']");
    expr("key + history + text + year", "key + history + text + year");
}

#[test]
fn parameters() {
    let kinds = |source| {
        let mut found = Vec::new();
        let Expr { kind: ExprKind::And(list), .. } = parse_expr(source).unwrap() else { panic!() };
        for item in list {
            if let ExprKind::Parameter(p) = item.kind {
                found.push(p.kind);
            }
        }
        found
    };
    use ParameterKind::{Named, Numbered, Positional};
    assert_eq!(
        kinds("? and $2 and ? and $name and ?"),
        [Positional(0), Numbered(2), Positional(1), Named("name".into()), Positional(2)]
    );
}

#[test]
fn selects() {
    same("select 1");
    same("select *");
    same(
        "select a, b as c, a.* from album as a where x = 1 group by a, 2 having count(*) > 1 order by 1, b desc nulls first limit 10 offset ?",
    );
    statement("FROM album WHERE year > 1990", "select * from album where year > 1990");
    statement("select all a x, b as select from c d", "select a as x, b as select from c as d");
    same("select distinct a from b");
    statement("select a from b offset 1 limit 2", "select a from b limit 2 offset 1");
    statement("select a from b limit all", "select a from b");
    statement("select a from b order by a asc nulls last", "select a from b order by a nulls last");
    statement("select a -- comment\n from /* x /* y */ z */ b;", "select a from b");
    statement("select a -- comment\r from b;", "select a from b");
    statement("select a from b inner join c on b.x = c.x", "select a from b join c on b.x = c.x");
    same("select a from b left join c on b.x = c.x join d using (e, f)");
    statement("select a from b, c", "select a from b cross join c");
    same("select a from b, c join d on e");
    statement("select a from b, (c join d on e)", "select a from b, c join d on e");
    same("select a from (b, c join d on e) join f using (g)");
    same("select a from b join (c right join d on x) on y");
    same("select a from (select 1 as b) as c");
    statement("select a from (from b) c", "select a from (select * from b) as c");
}

#[test]
fn history() {
    let id = "@01ARZ3NDEKTSV4RRFFQ69G5FAV";
    same(&format!("select id, change from history of {id} where author = 'a' limit 3"));
    statement(
        &format!("history of {id} where property = 'name' order by time desc limit 5"),
        &format!("select * from history of {id} where property = 'name' order by time desc limit 5"),
    );
    statement("History Of $e1", "select * from history of $e1");
    statement("diff album from '2020-01-01' TO now()", "select * from diff album from '2020-01-01' to now()");
    statement(&format!("diff {id} from ({id}, ?)"), &format!("select * from diff {id} from ({id}, ?)"));
    statement(&format!("why {id}.order"), &format!("select * from why {id}.order"));
    statement(&format!("why {id}.a{id} as of {id}"), &format!("select * from why {id}.a{id} as of {id}"));
    same("select * from album as of '2020-01-01' as a where year > 1990 order by year limit 1");
    same("select count(*) from album as of position 5");
    same(&format!("select name from {id} as of ({id}, {id})"));
    same("select * from album as of position('a' in 'b')".replace("position('a' in 'b')", "$p").as_str());
    statement("from a as of (now()) b, c", "select * from a as of now() as b cross join c");
    statement(
        &format!("bisect {id} where year > 1"),
        &format!("select * from bisect of {id} where year > 1"),
    );
    same(&format!("undo {id}"));
    statement(&format!("UNDO Transaction {id} Force"), &format!("undo transaction {id} force"));
    same("explain undo $1");
    // They are names too.
    same("select history, diff, why from history where diff = why");
    same(&format!("select * from diff{id} as why"));
    same("select * from history as of now()");
    same("explain select * from history of $1");
}

#[test]
fn changes() {
    same("insert into album (name, year) values ('a', 1), (?, -2) returning id, name as n");
    same("insert into album values (1)");
    same("upsert into album (name) values ('a')");
    same("insert into album (name) select name from old");
    same(
        "update album as a set year = a.year + 1, data.x['y'] = null where id = @01ARZ3NDEKTSV4RRFFQ69G5FAV returning *",
    );
    statement("delete from album a where a.x", "delete from album as a where a.x");
    same("restore album where name = 'x' returning id");
    same("edit album.note at 5 delete 3 insert 'abc', append '!' where id = ? returning note");
    same("edit album.note at length(note) insert 'x', at 0 delete 1");
}

#[test]
fn definitions() {
    same(
        "create model album (name string key, year i64 not null default 2000, artist ref(artist), note text)",
    );
    statement(
        "create model if not exists m (a int primary key, b varchar, c double precision default 1 not null)",
        "create model if not exists m (a i64 key, b string, c f64 not null default 1)",
    );
    statement("create model m", "create model m ()");
    same("alter model album rename to record");
    same("alter model album add property year i64");
    same("alter model album rename property a to b");
    same("alter model album drop property a@01ARZ3NDEKTSV4RRFFQ69G5FAV");
    same("alter model album restore property a");
    same("alter model album resolve property a to a@01ARZ3NDEKTSV4RRFFQ69G5FAV");
}

#[test]
fn transactions_and_explain() {
    same("begin");
    same("begin serializable");
    statement("start transaction serializable", "begin serializable");
    statement("commit transaction", "commit");
    same("rollback");
    same("live select 1");
    same("live select name from album where year > 1990 order by name limit 3");
    statement("live from album where year > 1990", "live select * from album where year > 1990");
    same("explain select 1");
    same("explain analyze update a set b = 1");
}

#[test]
fn predicates() {
    for (source, expected) in [
        ("year > ? order by name limit 5", "year > ? order by name limit 5"),
        ("where a offset 1", "a offset 1"),
        ("order by a desc", "order by a desc"),
        ("", ""),
        ("  -- nothing\n", ""),
        ("limit 1", "limit 1"),
    ] {
        let tree = parse_predicate(source).unwrap();
        assert_eq!(tree.to_string(), expected);
        assert_eq!(parse_predicate(expected).unwrap(), tree);
    }
}

#[test]
fn scripts() {
    let script = parse_script(";; begin; select 1;; commit ;").unwrap();
    let printed: Vec<_> = script.iter().map(ToString::to_string).collect();
    assert_eq!(printed, ["begin", "select 1", "commit"]);
    assert_eq!(parse_script(" -- only a comment").unwrap(), []);
}

#[test]
fn spans_cover_what_was_written() {
    let source = "select (a + b) * c as x from album a where not x";
    let tree = parse_statement(source).unwrap();
    assert_eq!(tree.span.text(source), source);
    let StatementKind::Select(select) = tree.kind else { panic!() };
    let SelectItemKind::Expr { expr, alias: Some(alias) } = &select.items[0].kind else { panic!() };
    assert_eq!(select.items[0].span.text(source), "(a + b) * c as x");
    assert_eq!(expr.span.text(source), "(a + b) * c");
    let ExprKind::Chain { first, rest } = &expr.kind else { panic!() };
    assert_eq!(first.span.text(source), "(a + b)");
    assert_eq!(rest[0].operand.span.text(source), "c");
    assert_eq!(alias.span.text(source), "x");
    assert_eq!(select.from.unwrap().span.text(source), "album a");
    assert_eq!(select.filter.unwrap().span.text(source), "not x");
}

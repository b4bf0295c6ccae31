//! Which conditions are sent, and how; the rest stays here.

use super::super::column::{Column, type_of};
use super::super::shape::Shape;
use super::translate;
use crate::base::Type;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{array_length, upper};

fn column(name: &str, ty: Type, as_text: bool, deterministic: bool) -> Column {
    Column {
        name: name.into(),
        ty,
        as_text,
        not_null: false,
        declared: String::new(),
        base: String::new(),
        generated: false,
        optional: true,
        deterministic,
    }
}

fn shape(utf8: bool) -> Shape {
    let columns = vec![
        column("i", Type::Int4, false, true),
        column("j", Type::Int4, false, true),
        column("f", Type::Float8, false, true),
        column("r", Type::Float4, false, true),
        column("n", Type::Numeric(Some((10, 2))), false, true),
        column("any", type_of(1700, -1, None).0, false, true),
        column("t", Type::Text, false, true),
        column("ci", Type::Text, false, false),
        column("c", Type::Char(Some(3)), false, true),
        column("mood", Type::Text, true, true),
        column("b", Type::Bool, false, true),
        column("u", Type::Uuid, false, true),
        column("js", Type::Json, false, true),
        column("at", Type::Timestamptz, false, true),
        column("a", Type::Array(Box::new(Type::Int4)), false, true),
    ];
    Shape { kind: 'r', rows: None, columns, utf8 }
}

fn check(condition: Expr, expect: Option<&str>) {
    let found = translate(&condition, &shape(true))
        .map(|sql| sql.replace("OPERATOR(pg_catalog.", "").replace("pg_catalog.", ""));
    let expect = expect.map(str::to_string);
    // Operators lose their qualification here, so that the table below can be read.
    assert_eq!(found.map(|sql| unqualified(&sql)), expect, "{condition}");
}

/// `=)` and the like, as what is left of `OPERATOR(pg_catalog.=)`.
fn unqualified(sql: &str) -> String {
    ["!~~", "~~", "<>", "<=", ">=", "=", "<", ">"]
        .iter()
        .fold(sql.to_string(), |sql, operator| sql.replace(&format!(" {operator}) "), &format!(" {operator} ")))
}

#[test]
fn what_the_server_understands_alike_is_sent() {
    check(col("i").gt(lit(5)), Some("(\"i\" > '5'::int8)"));
    check(col("i").eq(col("j")), Some("(\"i\" = \"j\")"));
    check(col("i").eq(lit(1)).and(col("b")), Some("((\"i\" = '1'::int8) AND \"b\")"));
    check(col("i").eq(lit(1)).or(!col("b")), Some("((\"i\" = '1'::int8) OR (NOT \"b\"))"));
    check(col("b").is_not_true(), Some("(\"b\" IS NOT TRUE)"));
    check(col("i").between(lit(1), lit(2)), Some("((\"i\" >= '1'::int8) AND (\"i\" <= '2'::int8))"));
    check(col("i").in_list(vec![lit(1), lit(2)], true), Some("((\"i\" <> '1'::int8) AND (\"i\" <> '2'::int8))"));
    check(col("t").eq(lit("x")), Some("(\"t\" = 'x')"));
    check(col("t").like(lit("a%")), Some("(\"t\" ~~ 'a%')"));
    check(col("t").not_like(lit("a_")), Some("(\"t\" !~~ 'a_')"));
    check(col("mood").eq(lit("ok")), Some("((\"mood\"::\"text\") = 'ok')"));
    check(col("js").is_null(), Some("((\"js\"::\"json\") IS NULL)"));
    check(col("a").is_not_null(), Some("((\"a\"::\"_int4\") IS NOT NULL)"));
    check(col("f").lt(lit(1.5)), Some("(\"f\" < '1.5e0'::float8)"));
    let decimal = |value| lit(ScalarValue::Decimal128(Some(value), 10, 2));
    check(col("n").gt_eq(decimal(150)), Some("(\"n\" >= '150e-2'::numeric)"));
    check(col("any").gt_eq(decimal(150)), Some("((\"any\"::numeric(38, 10)) >= '150e-2'::numeric)"));
    let uuid = "6ecd8c99-4036-403d-bf84-cf8400f67836";
    check(col("u").eq(lit(uuid)), Some(&format!("(\"u\" = '{uuid}'::uuid)")));
    let at = ScalarValue::TimestampMicrosecond(Some(0), Some("UTC".into()));
    check(col("at").lt(lit(at)), Some("(\"at\" < '1970-01-01 00:00:00.000000+00'::timestamptz)"));
}

#[test]
fn what_it_might_understand_otherwise_stays_here() {
    check(col("t").gt(lit("x")), None); // the collation's order
    check(col("t").between(lit("a"), lit("b")), None);
    check(col("ci").eq(lit("x")), None); // equal text that is not equal bytes
    check(col("ci").like(lit("x%")), None);
    check(col("c").eq(lit("x")), None); // blanks
    check(col("f").eq(lit(0.0)), None); // -0.0
    check(col("f").eq(col("f")), None); // NaN
    check(col("t").like(lit("a\\%")), None);
    check(col("t").ilike(lit("a%")), None);
    check(col("u").eq(lit("6ECD8C99-4036-403D-BF84-CF8400F67836")), None); // equal there, not here
    check(col("u").gt(lit("6ecd8c99-4036-403d-bf84-cf8400f67836")), None);
    check(col("js").eq(lit("{}")), None);
    check(col("i").eq(lit(ScalarValue::Int32(None))), None);
    check(col("t").in_list(vec![lit("a"), lit(ScalarValue::Utf8(None))], false), None);
    check((col("i") + lit(1)).eq(lit(2)), None);
    check(upper(col("t")).eq(lit("X")), None); // no function, whoever's
    check(array_length(col("a")).is_null(), None);
    check(col("i").eq(lit(1)).or(upper(col("t")).eq(lit("X"))), None);
    check(col("missing").eq(lit(1)), None);
}

#[test]
fn a_server_of_another_encoding_gets_ascii_only() {
    assert!(translate(&col("t").eq(lit("ü")), &shape(true)).is_some());
    assert!(translate(&col("t").eq(lit("ü")), &shape(false)).is_none());
    assert!(translate(&col("t").eq(lit("u")), &shape(false)).is_some());
}

#[test]
fn a_condition_as_deep_as_a_well_stays_here() {
    let deep = (0..100).fold(col("b"), |inner, _| !inner);
    assert!(translate(&deep, &shape(true)).is_none());
}

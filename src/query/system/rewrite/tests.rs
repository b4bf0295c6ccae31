//! Statements before and after.

use super::*;
use crate::catalog::Snapshot;
use crate::query::Context;
use chrono::DateTime;
use std::sync::Arc;

fn check(text: &str, expected: &str) {
    let context = Context::new(Arc::new(Snapshot::default()), "aqueduct", DateTime::UNIX_EPOCH);
    let mut statement = crate::base::sql::parse_statement(text).unwrap();
    rewrite(&mut statement, &context).unwrap();
    assert_eq!(statement.to_string(), expected);
}

#[test]
fn postgres_spellings_become_plain_ones() {
    check("SELECT a OPERATOR(pg_catalog.~) 'x' FROM t", "SELECT a ~ 'x' FROM t");
    check("SELECT pg_catalog.lower(a) FROM t", "SELECT lower(a) FROM t");
    check("SELECT a::pg_catalog.oid FROM t", "SELECT a::pg_catalog.oid AS \"a\" FROM t");
    check("SELECT a LIKE 'x/_\\%' ESCAPE '/' FROM t", "SELECT a LIKE 'x\\_\\\\%' FROM t");
}

#[test]
fn a_reference_is_a_number_until_it_is_read() {
    check("SELECT c.oid::regclass FROM t", "SELECT aqueduct_regclass('regclass', c.oid) AS \"oid\" FROM t");
    check(
        "SELECT 1 FROM t WHERE a = 'pg_class'::regclass AND b::regtype::text = 'x'",
        "SELECT 1 FROM t WHERE a = aqueduct_oid('regclass', 'pg_class') AND aqueduct_regtype('regtype', b)::TEXT = 'x'",
    );
}

#[test]
fn array_of_a_query_is_an_aggregate() {
    check(
        "SELECT ARRAY(SELECT b.rolname FROM r b WHERE b.oid = a.oid ORDER BY 1) AS m FROM a",
        "SELECT aqueduct_array((SELECT array_agg(b.rolname ORDER BY b.rolname) FROM r b WHERE b.oid = a.oid)) AS m \
         FROM a",
    );
}

#[test]
fn rows_for_each_item_are_an_unnest() {
    check(
        "SELECT (information_schema._pg_expandarray(i.indkey)).x AS x, (r.keys).n AS n FROM i",
        "SELECT unnest(i.indkey) AS x, get_field(r.keys, 'n') AS n FROM i",
    );
}

#[test]
fn a_condition_between_rows_goes_outside() {
    check(
        "SELECT (SELECT d.adbin FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND a.atthasdef) AS e FROM pg_attribute a",
        "SELECT CASE WHEN a.atthasdef THEN \
         (SELECT first_value(d.adbin) FROM pg_attrdef d WHERE d.adrelid = a.attrelid) END AS e FROM pg_attribute a",
    );
    check(
        "SELECT (SELECT c.collname FROM pg_collation c WHERE c.oid = a.x AND a.x <> c.collencoding) AS e FROM a",
        "SELECT CASE WHEN a.x <> (SELECT first_value(c.collencoding) FROM pg_collation c WHERE c.oid = a.x) THEN \
         (SELECT first_value(c.collname) FROM pg_collation c WHERE c.oid = a.x) END AS e FROM a",
    );
}

#[test]
fn a_table_that_never_has_rows_asks_no_subqueries() {
    check(
        "SELECT ARRAY(SELECT rolname FROM pg_roles WHERE oid = ANY(p.polroles)) AS r FROM pg_policy p",
        "SELECT NULL::TEXT[] AS r FROM pg_policy p",
    );
}

#[test]
fn hidden_columns_of_the_catalog_have_values() {
    check(
        "SELECT c.tableoid, c.xmin, t.xmin FROM pg_class c, t",
        "SELECT 1259::oid AS \"tableoid\", 1::oid AS \"xmin\", t.xmin FROM pg_class c, t",
    );
}

#[test]
fn a_function_of_one_value_in_from_is_a_table_of_one_row() {
    check("SELECT s FROM string_to_array('a,b', ',') s", "SELECT s FROM (SELECT string_to_array('a,b', ',') AS s) s");
    check("SELECT x FROM pg_catalog.unnest(a) AS t(x)", "SELECT x FROM UNNEST(a) AS t (x)");
}

#[test]
fn a_scalar_subquery_on_the_catalog_takes_its_one_row() {
    check(
        "SELECT (SELECT c.collname FROM pg_catalog.pg_collation c WHERE c.oid = a.x) AS n FROM a",
        "SELECT (SELECT first_value(c.collname) FROM pg_catalog.pg_collation c WHERE c.oid = a.x) AS n FROM a",
    );
    check("SELECT (SELECT x FROM t) AS n FROM a", "SELECT (SELECT x FROM t) AS n FROM a");
}

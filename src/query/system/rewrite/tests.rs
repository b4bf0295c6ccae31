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
    check("SELECT a OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default FROM t", "SELECT a ~ 'x' FROM t");
    check("SELECT pg_catalog.lower(a) FROM t", "SELECT lower(a) FROM t");
    check("SELECT a::pg_catalog.oid FROM t", "SELECT a::INT UNSIGNED AS \"a\" FROM t");
    check("SELECT a LIKE 'x/_\\%' ESCAPE '/' FROM t", "SELECT a LIKE 'x\\_\\\\%' FROM t");
}

#[test]
fn a_reference_is_a_number_until_it_is_read() {
    check("SELECT c.oid::regclass FROM t", "SELECT aqueduct_name('regclass', c.oid) AS \"oid\" FROM t");
    check(
        "SELECT 1 FROM t WHERE a = 'pg_class'::regclass AND b::regtype::text = 'x'",
        "SELECT 1 FROM t WHERE a = aqueduct_oid('regclass', 'pg_class') AND aqueduct_name('regtype', b) = 'x'",
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
fn a_scalar_subquery_on_the_catalog_takes_its_one_row() {
    check(
        "SELECT (SELECT c.collname FROM pg_catalog.pg_collation c WHERE c.oid = a.x) AS n FROM a",
        "SELECT (SELECT first_value(c.collname) FROM pg_catalog.pg_collation c WHERE c.oid = a.x) AS n FROM a",
    );
    check("SELECT (SELECT x FROM t) AS n FROM a", "SELECT (SELECT x FROM t) AS n FROM a");
}

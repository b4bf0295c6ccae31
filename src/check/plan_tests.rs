//! What the SQL of checks answers is tested over the wire (tests/slt/check); here is what it looks like.

use super::*;
use crate::base::Kind;
use crate::catalog::workflow::Violation;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

fn fragment(text: &str) -> Fragment {
    Fragment { text: text.into(), offset: 100 }
}

fn check(columns: &[&str], assertion: Assertion, filter: Option<&str>) -> Check {
    Check {
        name: "c".into(),
        on: Fragment { text: "step".into(), offset: 50 },
        columns: columns.iter().map(|column| column.to_string()).collect(),
        assertion,
        filter: filter.map(fragment),
        warn_when: None,
        fail_when: None,
        on_violation: Violation::Block,
        keep_failures: 20,
        offset: 40,
    }
}

fn schema() -> SchemaRef {
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("Big Name", DataType::Utf8)]))
}

fn planned(check: &Check) -> CheckPlan {
    plan(check, "checked", &schema()).unwrap()
}

fn refused(check: Check, kind: Kind, offset: usize, message: &str) {
    let error = plan(&check, "checked", &schema()).unwrap_err();
    assert_eq!((error.kind, error.offset), (kind, Some(offset)), "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn checks_of_rows_count_the_rows_that_are_not_good() {
    let plan = planned(&check(&["id", "Big Name"], Assertion::NotNull, None));
    let good = r#"(checked.id IS NOT NULL) AND (checked."Big Name" IS NOT NULL)"#;
    assert_eq!(plan.good.as_deref(), Some(good));
    assert_eq!(
        &*plan.summary,
        format!(
            "SELECT count(*) FILTER (WHERE ({good}) IS NOT TRUE) AS failures, count(*) AS total, \
             CAST(NULL AS double precision) AS value\nFROM checked"
        )
    );
    assert_eq!(&*plan.failures.unwrap(), format!("SELECT * FROM checked WHERE ({good}) IS NOT TRUE LIMIT 20"));
}

#[test]
fn a_filter_limits_what_is_asked_and_never_makes_a_row_bad() {
    let between = Assertion::Between(fragment("1"), fragment("2"));
    let plan = planned(&check(&["id"], between, Some("id > 0 -- some")));
    assert_eq!(
        plan.good.as_deref(),
        Some("(id > 0 -- some\n) IS NOT TRUE OR (checked.id BETWEEN (1) AND (2)) IS TRUE")
    );
    assert!(plan.summary.ends_with("FROM (SELECT * FROM checked WHERE (id > 0 -- some\n)) AS checked"));
}

#[test]
fn null_passes_only_where_it_is_listed() {
    let listed = |values: &[&str]| Assertion::In(values.iter().map(|value| fragment(value)).collect());
    let good = |values: &[&str]| planned(&check(&["id"], listed(values), None)).good.unwrap();
    assert_eq!(good(&["1", "2"]), "checked.id IN (1, 2) OR (false AND checked.id IS NULL)");
    assert_eq!(good(&["1", "Null"]), "checked.id IN (1, Null) OR (true AND checked.id IS NULL)");
}

#[test]
fn what_needs_no_query_of_its_own_is_folded_into_one() {
    let count = Assertion::RowCount { comparison: ">".into(), value: fragment("10") };
    let rows = planned(&check(&[], count, None));
    let expect = planned(&check(&[], Assertion::Expect(fragment("id > 0")), Some("id < 9")));
    let unique = planned(&check(&["id"], Assertion::Unique, None));
    let subquery = planned(&check(&[], Assertion::Expect(fragment("id IN (SELECT 1)")), None));
    assert!(rows.folds() && expect.folds() && !unique.folds() && !subquery.folds());
    let mean = Sql::default().text("avg(id)");
    assert_eq!(
        &*super::super::fold("checked", &[&rows, &expect], &[&mean]).unwrap(),
        "SELECT count(*) AS rows,
  CAST(CASE WHEN count(*) > (10) THEN 0 ELSE 1 END AS bigint) AS failures_0, count(*) AS total_0, \
CAST(count(*) AS double precision) AS value_0,
  count(*) FILTER (WHERE (id < 9) AND (id > 0) IS NOT TRUE) AS failures_1, count(*) FILTER (WHERE (id < 9)) AS total_1, \
CAST(NULL AS double precision) AS value_1,
  avg(id) AS value_2
FROM checked"
    );
    assert!(super::super::fold("checked", &[&unique], &[]).is_none());
}

#[test]
fn a_query_finds_the_rows_under_the_name_of_its_step() {
    let query = || Assertion::Query(fragment("SELECT * FROM step WHERE id < 0"));
    let plan = planned(&check(&[], query(), Some("id > 1")));
    let with = "WITH step AS (SELECT * FROM (SELECT * FROM checked WHERE (id > 1)) AS checked)\n";
    assert!(plan.summary.starts_with(with), "{}", plan.summary);
    let sample = format!("{with}SELECT * FROM (SELECT * FROM step WHERE id < 0) AS failing LIMIT 20");
    assert_eq!(&*plan.failures.unwrap(), sample);
    assert_eq!(plan.good, None);
    let mut elsewhere = check(&[], query(), None);
    elsewhere.on.text = "s.\"T\"".into();
    assert!(planned(&elsewhere).summary.starts_with("SELECT"));
}

#[test]
fn what_cannot_be_asked_of_the_columns_is_refused() {
    refused(check(&["nmae"], Assertion::NotNull, None), Kind::UndefinedColumn, 50, "column \"nmae\" does not exist");
    refused(check(&[], Assertion::Unique, None), Kind::Syntax, 50, "needs a column");
    let two = Assertion::References { table: fragment("t"), column: "c".into() };
    refused(check(&["id", "Big Name"], two, None), Kind::Syntax, 50, "only one column");
    refused(check(&["id"], Assertion::Matches("a".into()), None), Kind::DatatypeMismatch, 50, "is bigint");
    let pattern = Assertion::Matches("a(".into());
    refused(check(&["Big Name"], pattern, None), Kind::InvalidParameterValue, 40, "'a('");
}

#[test]
fn verdicts_follow_the_conditions() {
    use crate::check::{Status, describe, verdict};
    let mut it = check(&["id"], Assertion::Between(fragment("1"), fragment(" 2\n")), Some("id > 0"));
    assert_eq!(describe(&it), "BETWEEN 1 AND 2 WHERE (id > 0)");
    let cases = [
        (0, None, None, Status::Passed),
        (1, None, None, Status::Failed),
        (9, Some(false), None, Status::Passed),
        (0, Some(true), Some(true), Status::Failed),
        (9, Some(false), Some(true), Status::Warned),
        (9, None, Some(false), Status::Passed),
    ];
    for (failures, fail, warn, expected) in cases {
        assert_eq!(verdict(&it, failures, fail, warn), expected);
    }
    it.on_violation = Violation::Warn;
    assert_eq!(verdict(&it, 1, None, None), Status::Warned);
}

//! Statements that must read and print back to the same, statements that must not read, and noise.

use super::parse;
use crate::base::{Error, Kind};

/// Statements of ours; each must print back as text that reads to the same.
const GOOD: &[&str] = &[
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1))",
    "create or replace workflow ml.w as (step a as (values (1)))",
    "CREATE WORKFLOW IF NOT EXISTS \"My Flow\" AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW workflow SCHEDULE EVERY '1 h' OFFSET '5 min' TIME ZONE 'Europe/Berlin' AS (STEP step AS (SELECT 1))",
    "CREATE WORKFLOW w TIMEOUT '45 min' OVERLAP ALLOW 3 CATCHUP ALL TIME ZONE 'Asia/Tokyo' SCHEDULE CRON '@daily' AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w SCHEDULE MANUAL RETRY NONE SUSPEND AFTER 5 FAILURES AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w OVERLAP BUFFER ONE CATCHUP NONE SCHEDULE EVERY INTERVAL '90 s' AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w OVERLAP CANCEL OTHER RETRY (MAX '1 min', FACTOR 1.5, ATTEMPTS 4, BACKOFF '2 s', NOT ON SQLSTATE ('22', '40001')) AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w WITH (schedule = '1 h', time_zone = 'Europe/Berlin', overlap = 'BUFFER ALL', retry = '(ATTEMPTS 2)', timeout = '5 min', suspend_after = 3) AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w WITH (schedule = '30 5 * * *') RETRY NONE AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w WITH (schedule = 'CRON ''30 5 * * *''', retry = none) AS (STEP a AS (SELECT 1))",
    "CREATE WORKFLOW w AS (PARAM a int, PARAM b float8 NOT NULL DEFAULT 1 + 2 CHECK (b > 0), PARAM c text CHECK (c IS NOT NULL) DEFAULT 'x', PARAM d bool DEFAULT 1 IS NOT NULL NOT NULL, STEP s AS (SELECT param('a')))",
    "CREATE WORKFLOW w AS (PARAM p timestamp with time zone DEFAULT interval_end()::date, PARAM q numeric(10,2)[] NULL, STEP s AS (SELECT 1))",
    "CREATE WORKFLOW w AS (STEP a INTO t AS (SELECT 1), STEP b INTO s.t MODE APPEND AS (SELECT 1), STEP c INTO ops.public.t MODE FAIL AS (SELECT 1))",
    "CREATE WORKFLOW w AS (STEP a INTO FILE 'out/x.parquet' AS (SELECT 1), STEP b INTO FILE 'y' FORMAT csv MODE REPLACE AS (SELECT 1), STEP c INTO file AS (SELECT 1))",
    "CREATE WORKFLOW w AS (STEP a MODE UPSERT KEY (id, \"Day\") DELETE MISSING INTO t AS (SELECT 1))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), STEP b AFTER a ON ANY WHEN (run_id() <> '') RETRY NONE TIMEOUT '1 s' AS (SELECT 2), STEP c AFTER a, b AS (SELECT 3))",
    "CREATE WORKFLOW w AS (STEP a AFTER x, y ON FAILURE WITH (snapshot = on) AS (WITH q AS (SELECT 1) SELECT * FROM q))",
    "CREATE WORKFLOW w AS (STEP a WITH (into = 'ops.public.t', mode = 'UPSERT KEY (id)', when = 'true', timeout = '1 h', after = 'b') AS (SELECT 1))",
    "CREATE WORKFLOW w AS (STEP a AS (INSERT INTO t SELECT 1), STEP b AS (DELETE FROM t WHERE a = 1), STEP c AS (UPDATE t SET a = 2))",
    "CREATE WORKFLOW w AS (STEP a AS $$ DELETE FROM t; INSERT INTO t VALUES ('a;b') $$, STEP b AS $q$ SELECT '$$' $q$)",
    "CREATE WORKFLOW w AS (STEP a AS $q$ INSERT INTO t SELECT $$x$$; DELETE FROM u; $q$)",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT '(', \")\", $$)$$, E'\\')' /* ) */ -- )\n FROM t))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a ROW COUNT > 100, CHECK d ON a ROW COUNT <> 2 * (3 + 4) ON VIOLATION WARN)",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a (x, y) NOT NULL, CHECK d ON a (x) UNIQUE KEEP FAILURES 0, CHECK e ON s.t (x) IN ('a', 'b(', -1))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a (x) BETWEEN -40 AND 130 WHERE (x IS NOT NULL) ON VIOLATION BLOCK)",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a (x) MATCHES '^[0-9A-Z]{2}$', CHECK d ON a (x) REFERENCES s.t (c) ON VIOLATION DROP ROWS)",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a EXPECT (x > 0) WARN WHEN (ratio > 0.1) FAIL WHEN (ratio > 0.2) ON VIOLATION QUARANTINE INTO q.bad)",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), CHECK c ON a AS (SELECT * FROM a WHERE x < 0) WITH (on_violation = 'QUARANTINE INTO bad', keep_failures = 5, warn_when = 'failures > 1', where = 'x > 0'))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), METRIC m ON a AS (avg(x)), METRIC n ON a AS (count(*)) DIMENSIONS (origin, \"Dest\") WHERE (x > 0) BOUNDS (MIN -1.5, MAX 2e3, CHANGE <= 20 %))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), METRIC m ON a AS (avg(x)) WITH (bounds = '(MIN 0)', dimensions = '(a, b)'))",
    "CREATE WORKFLOW w AS (STEP a AS (SELECT 1), FINALLY f AS (INSERT INTO t SELECT run_id()), FINALLY g WHEN (run_status() <> 'succeeded') AS $$ DELETE FROM a; DELETE FROM b $$)",
    "EXECUTE WORKFLOW w",
    "EXECUTE WORKFLOW ml.w USING (a = 1, b = DATE '2013-08-22', c => (SELECT max(x) FROM t)) WAIT",
    "EXECUTE WORKFLOW w WAIT '5 min' USING (a = 'x, y')",
    "EXECUTE WORKFLOW w WITH (wait = on, using = 'a = 1, b = 2')",
    "PAUSE WORKFLOW w",
    "RESUME WORKFLOW ml.\"W\"",
    "CANCEL RUN 'a-b'",
    "CANCEL RUN 17",
    "PREVIEW WORKFLOW w",
    "PREVIEW WORKFLOW w LIMIT 20 STEP s USING (a = 1)",
    "EXPLAIN WORKFLOW w",
    "EXPLAIN WHY w",
    "EXPLAIN WHY RUN 'x'",
    "EXPLAIN WHY run",
    "DROP WORKFLOW w",
    "DROP WORKFLOW IF EXISTS ml.w",
    "CREATE MATERIALIZED VIEW v AS SELECT 1",
    "CREATE OR REPLACE MATERIALIZED VIEW s.v INTO ops.public.t SCHEDULE EVERY '1 h' RETRY NONE AS (SELECT 1) UNION SELECT 2",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS v WITH (schedule = '0 * * * *') AS WITH q AS (SELECT 1) SELECT * FROM q WITH DATA",
    "REFRESH MATERIALIZED VIEW v",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY s.v WITH DATA",
    "DROP MATERIALIZED VIEW IF EXISTS a, s.b CASCADE",
    "CREATE MODEL delay FROM 'models/delay.txt' FORMAT lightgbm",
    "CREATE OR REPLACE MODEL ml.m FROM 'it''s' INPUT (carrier text, distance float8 NOT NULL, wind float8 NULL AS MISSING, x int NULL AS -1.5, y text NULL AS 'none') OUTPUT (labels ('no', 'yes'))",
    "CREATE MODEL IF NOT EXISTS model FROM 'm' WITH (format = 'onnx', labels = 'no, yes', input = 'a int, b text')",
    "ALTER MODEL m ADD VERSION FROM 'm2' FORMAT xgboost",
    "DESCRIBE MODEL m",
    "DESCRIBE MODEL ml.m VERSION 3",
    "DROP MODEL IF EXISTS m",
    "CREATE SECRET s FROM ENV 'PGPASSWORD'",
    "CREATE OR REPLACE SECRET s FROM FILE '/run/secrets/x'",
    "DROP SECRET IF EXISTS s",
    "CREATE CONNECTION ops TYPE postgres OPTIONS (host 'h', port 5432, \"dbname\" 'd', user = 'u', password SECRET s)",
    "CREATE OR REPLACE CONNECTION ops TYPE postgres",
    "TEST CONNECTION ops",
    "DROP CONNECTION IF EXISTS ops",
    "CREATE EXTERNAL TABLE t STORED AS parquet LOCATION 'data/x.parquet'",
    "CREATE EXTERNAL TABLE IF NOT EXISTS s.t (a int NOT NULL, b varchar(10) NULL) LOCATION 'x' STORED AS CSV OPTIONS (format.delimiter ';', header true)",
    "DROP EXTERNAL TABLE IF EXISTS s.t",
    "SHOW WORKFLOWS",
    "SHOW RUNS LIKE 'ml.%' LIMIT 10",
    "SHOW SECRETS",
    "SHOW TABLES",
    "SHOW CREATE WORKFLOW w",
    "SHOW CREATE MATERIALIZED VIEW w",
    "SHOW CREATE EXTERNAL TABLE s.t",
];

/// Statements that must not read: `»` stands before the place that the error names.
const BAD: &[(&str, Kind, &str)] = &[
    ("CREATE WORKFLOW w»", Kind::Syntax, "syntax error at end of input"),
    ("CREATE WORKFLOW w AS »SELECT 1", Kind::Syntax, "syntax error at or near \"SELECT\""),
    ("CREATE WORKFLOW w AS (»)", Kind::Syntax, "syntax error at or near \")\""),
    ("CREATE WORKFLOW w AS (»FOO a AS (SELECT 1))", Kind::Syntax, "syntax error at or near \"FOO\""),
    ("CREATE WORKFLOW w AS (STEP a AS (SELECT 1)»", Kind::Syntax, "syntax error at end of input"),
    ("CREATE WORKFLOW w AS (STEP a AS (SELECT 1),»)", Kind::Syntax, "syntax error at or near \")\""),
    ("CREATE WORKFLOW w AS (STEP a AS (SELECT 1)) »x", Kind::Syntax, "syntax error at or near \"x\""),
    ("CREATE WORKFLOW w AS (STEP a AS (»SELEC 1))", Kind::Syntax, "syntax error at or near \"SELEC\""),
    ("CREATE WORKFLOW w AS (STEP a AS (SELECT 'é', (1 +»)))", Kind::Syntax, "syntax error at or near \")\""),
    ("CREATE WORKFLOW w AS (STEP a AS $$ DELETE FROM t; »SELEC $$)", Kind::Syntax, "syntax error at or near \"SELEC\""),
    ("CREATE WORKFLOW w AS (STEP a AS $$ DELETE FROM t; »SELECT 1 $$)", Kind::InvalidDefinition, ""),
    ("CREATE WORKFLOW w AS (STEP a AS (»CREATE TABLE t (a int)))", Kind::FeatureNotSupported, ""),
    ("CREATE WORKFLOW w AS (STEP a INTO t AS »(DELETE FROM t))", Kind::InvalidDefinition, ""),
    ("CREATE WORKFLOW w AS (STEP a »MODE APPEND AS (SELECT 1))", Kind::InvalidDefinition, "MODE needs INTO"),
    ("CREATE WORKFLOW w AS (STEP a INTO t MODE »MERGE AS (SELECT 1))", Kind::Syntax, ""),
    (
        "CREATE WORKFLOW w AS (STEP a INTO t MODE »OVERWRITE INTERVAL ON x AS (SELECT 1))",
        Kind::FeatureNotSupported,
        "OVERWRITE INTERVAL is not supported yet",
    ),
    ("CREATE WORKFLOW w AS (STEP a INTO »a.b.c.d AS (SELECT 1))", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (STEP a INTO »FILE 'x.xls' AS (SELECT 1))", Kind::InvalidParameterValue, ""),
    ("CREATE WORKFLOW w AS (STEP a INTO t »INTO u AS (SELECT 1))", Kind::Syntax, "INTO is given more than once"),
    (
        "CREATE WORKFLOW w TIMEOUT '1 s' »TIMEOUT '2 s' AS (STEP a AS (SELECT 1))",
        Kind::Syntax,
        "TIMEOUT is given more than once",
    ),
    (
        "CREATE WORKFLOW w TIMEOUT '1 s' WITH (»timeout = '2 s') AS (STEP a AS (SELECT 1))",
        Kind::Syntax,
        "TIMEOUT is given more than once",
    ),
    (
        "CREATE WORKFLOW w WITH (»timout = '2 s') AS (STEP a AS (SELECT 1))",
        Kind::Syntax,
        "unrecognized option \"timout\"",
    ),
    (
        "CREATE WORKFLOW w WITH (timeout = »'soon') AS (STEP a AS (SELECT 1))",
        Kind::InvalidDatetime,
        "invalid length of time: \"soon\"",
    ),
    (
        "CREATE WORKFLOW w WITH (overlap = '»maybe') AS (STEP a AS (SELECT 1))",
        Kind::InvalidParameterValue,
        "invalid value for option \"overlap\": \"maybe\"",
    ),
    ("CREATE WORKFLOW w TIMEOUT »45 AS (STEP a AS (SELECT 1))", Kind::Syntax, ""),
    (
        "CREATE WORKFLOW w TIMEOUT »'45' AS (STEP a AS (SELECT 1))",
        Kind::InvalidDatetime,
        "invalid length of time: \"45\"",
    ),
    ("CREATE WORKFLOW w SCHEDULE »SOMETIMES AS (STEP a AS (SELECT 1))", Kind::Syntax, ""),
    ("CREATE WORKFLOW w SCHEDULE EVERY »'0 s' AS (STEP a AS (SELECT 1))", Kind::InvalidParameterValue, ""),
    ("CREATE WORKFLOW w SCHEDULE EVERY '1 h' »OFFSET '2 h' AS (STEP a AS (SELECT 1))", Kind::InvalidParameterValue, ""),
    (
        "CREATE WORKFLOW w SCHEDULE CRON '@daily' »OFFSET '2 h' AS (STEP a AS (SELECT 1))",
        Kind::InvalidDefinition,
        "OFFSET needs SCHEDULE EVERY",
    ),
    (
        "CREATE WORKFLOW w SCHEDULE CRON '@daily' TIME ZONE »'Mars/Base' AS (STEP a AS (SELECT 1))",
        Kind::InvalidParameterValue,
        "time zone \"Mars/Base\" not recognized",
    ),
    (
        "CREATE WORKFLOW w SCHEDULE »AFTER WORKFLOW v AS (STEP a AS (SELECT 1))",
        Kind::FeatureNotSupported,
        "SCHEDULE AFTER WORKFLOW is not supported yet",
    ),
    ("CREATE WORKFLOW w SCHEDULE »ON CHANGE OF t AS (STEP a AS (SELECT 1))", Kind::FeatureNotSupported, ""),
    (
        "CREATE WORKFLOW w »DEADLINE '1 h' AS (STEP a AS (SELECT 1))",
        Kind::FeatureNotSupported,
        "DEADLINE is not supported yet",
    ),
    ("CREATE WORKFLOW w RETRY (ATTEMPTS »0) AS (STEP a AS (SELECT 1))", Kind::InvalidParameterValue, ""),
    ("CREATE WORKFLOW w RETRY (»TRIES 3) AS (STEP a AS (SELECT 1))", Kind::Syntax, ""),
    (
        "CREATE WORKFLOW w RETRY (NOT ON SQLSTATE (»'abcdef')) AS (STEP a AS (SELECT 1))",
        Kind::InvalidParameterValue,
        "",
    ),
    ("CREATE OR REPLACE WORKFLOW »IF NOT EXISTS w AS (STEP a AS (SELECT 1))", Kind::Syntax, ""),
    (
        "CREATE WORKFLOW w AS (PARAM p »flaot8, STEP a AS (SELECT 1))",
        Kind::UndefinedObject,
        "type \"flaot8\" does not exist",
    ),
    (
        "CREATE WORKFLOW w AS (PARAM p int DEFAULT 1 »DEFAULT 2, STEP a AS (SELECT 1))",
        Kind::Syntax,
        "DEFAULT is given more than once",
    ),
    ("CREATE WORKFLOW w AS (PARAM p int DEFAULT 1 +», STEP a AS (SELECT 1))", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (PARAM p int CHECK »p > 0, STEP a AS (SELECT 1))", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a »)", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a »NOT NULL)", Kind::Syntax, "check \"c\" needs the column it looks at"),
    ("CREATE WORKFLOW w AS (CHECK c ON a (x) MATCHES »'[')", Kind::InvalidParameterValue, ""),
    (
        "CREATE WORKFLOW w AS (CHECK c ON a »DRIFT OF (x) USING PSI AGAINST LAST 14 RUNS)",
        Kind::FeatureNotSupported,
        "DRIFT is not supported yet",
    ),
    ("CREATE WORKFLOW w AS (CHECK c ON a »ANOMALY OF m SENSITIVITY 3 TRAINING '1 day')", Kind::FeatureNotSupported, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a EXPECT (x) »SCOPE TABLE)", Kind::FeatureNotSupported, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a EXPECT (x) ON VIOLATION »STOP)", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a EXPECT (x) KEEP FAILURES »1000000)", Kind::InvalidParameterValue, ""),
    ("CREATE WORKFLOW w AS (CHECK c ON a ROW COUNT »100)", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (METRIC m ON a AS (avg(x)) »BOUNDS (MIN 2, MAX 1))", Kind::InvalidDefinition, ""),
    ("CREATE WORKFLOW w AS (METRIC m ON a AS (avg(x)) BOUNDS (CHANGE »< 1))", Kind::Syntax, ""),
    ("CREATE WORKFLOW w AS (FINALLY f AS »(SELECT 1))", Kind::InvalidDefinition, ""),
    ("CREATE WORKFLOW »a.b.c AS (STEP a AS (SELECT 1))", Kind::FeatureNotSupported, ""),
    ("PAUSE WORKFLOW \"é\"; EXECUTE WORKFLOW w »NOW", Kind::Syntax, "syntax error at or near \"NOW\""),
    ("EXECUTE WORKFLOW w USING (a = 1, »a = 2)", Kind::Syntax, "parameter \"a\" is given more than once"),
    ("EXECUTE WORKFLOW w WAIT »5", Kind::Syntax, ""),
    ("EXECUTE WORKFLOW w »DRY RUN", Kind::FeatureNotSupported, "DRY RUN is not supported yet"),
    ("EXECUTE WORKFLOW w »FOR INTERVAL a TO b", Kind::FeatureNotSupported, ""),
    ("EXECUTE WORKFLOW w »RETRY LAST", Kind::FeatureNotSupported, ""),
    ("DROP WORKFLOW w »DROP OBJECTS (t)", Kind::FeatureNotSupported, ""),
    ("»PUBLISH RUN 'x' FORCE", Kind::FeatureNotSupported, "PUBLISH RUN is not supported yet"),
    ("»BACKFILL WORKFLOW w FROM a TO b", Kind::FeatureNotSupported, ""),
    ("»CREATE CHECK c ON t EXPECT (x > 0)", Kind::FeatureNotSupported, ""),
    ("CREATE MATERIALIZED VIEW v AS »INSERT INTO t VALUES (1)", Kind::Syntax, ""),
    ("CREATE MATERIALIZED VIEW v »(a) AS SELECT 1", Kind::FeatureNotSupported, ""),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1 »WITH NO DATA", Kind::FeatureNotSupported, ""),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1 +»", Kind::Syntax, "syntax error at end of input"),
    ("CREATE MODEL m »FORMAT onnx", Kind::Syntax, ""),
    ("CREATE MODEL m FROM 'x' INPUT (a int NULL AS »b)", Kind::Syntax, ""),
    ("CREATE MODEL m FROM 'x' »BASELINE FROM (SELECT 1)", Kind::FeatureNotSupported, ""),
    (
        "ALTER MODEL m »SET ALIAS champion TO 8",
        Kind::FeatureNotSupported,
        "ALTER MODEL … SET ALIAS is not supported yet",
    ),
    ("CREATE SECRET s FROM VALUE »'***'", Kind::InvalidParameterValue, ""),
    ("CREATE SECRET s FROM ENV»", Kind::Syntax, ""),
    ("CREATE CONNECTION c »OPTIONS (a 'b')", Kind::Syntax, ""),
    (
        "CREATE CONNECTION c TYPE postgres OPTIONS (host 'a', »host 'b')",
        Kind::Syntax,
        "option \"host\" is given more than once",
    ),
    ("CREATE EXTERNAL TABLE t LOCATION 'x'»", Kind::Syntax, ""),
    ("CREATE EXTERNAL TABLE t (a int, »a int) STORED AS csv LOCATION 'x'", Kind::DuplicateColumn, ""),
    ("SHOW RUNS »FOREVER", Kind::Syntax, ""),
    ("SHOW CREATE »FUNCTION f", Kind::Syntax, ""),
    ("»SELEC 1", Kind::Syntax, "syntax error at or near \"SELEC\""),
    ("EXPLAIN WHY w; SELECT 1 +»", Kind::Syntax, ""),
    ("CANCEL RUN 'é'; SELECT 2 »2", Kind::Syntax, "syntax error at or near \"2\""),
];

/// The statement as it reads, without the places, which differ from text to text.
fn shape(text: &str) -> Result<(String, String), Error> {
    let parsed = parse(text)?.remove(0);
    let places =
        regex::Regex::new(r"((offset|_at|at): (None|(Some\()?\d+\)?)|text: \x22(?i:create)[^\n]*?\x22, schedule:)")
            .unwrap();
    let strays = regex::Regex::new(r", \d+\)").unwrap();
    let debug = format!("{:?}", parsed.statement);
    let debug = places.replace_all(&debug, "").to_string();
    Ok((strays.replace_all(&debug, ")").to_string(), parsed.statement.to_string()))
}

#[test]
fn every_statement_of_ours_prints_back_to_the_same() {
    let mut wrong = vec![];
    for text in GOOD {
        match shape(text).and_then(|first| shape(&first.1).map(|second| (first, second))) {
            Ok((first, second)) if first == second => {}
            other => wrong.push(format!("{text}\n  {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_form_is_in_the_corpus_and_its_example_reads() {
    for form in super::ALL {
        let title = form.manual.title;
        let known = GOOD.iter().any(|text| form.leads.iter().any(|lead| sees(text, lead)));
        assert!(known, "{title}");
        parse(form.manual.example)
            .map(|_| ())
            .or_else(only_standard)
            .unwrap_or_else(|error| panic!("{title}: {error:?}"));
    }
}

/// An example may have a query in it, which other files read.
fn only_standard(error: Error) -> Result<(), Error> {
    if error.kind == Kind::FeatureNotSupported && error.message.ends_with("is not supported") {
        Ok(())
    } else {
        Err(error)
    }
}

fn sees(text: &str, lead: &str) -> bool {
    super::Cursor::new(text, &crate::base::sql::tokenize(text).unwrap()).sees(lead)
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let mut wrong = vec![];
    for (marked, kind, message) in BAD {
        let at = marked.find('»').unwrap();
        match parse(&marked.replace('»', "")) {
            Err(error)
                if (error.kind, error.offset) == (*kind, Some(at))
                    && (message.is_empty() || error.message == *message) => {}
            other => wrong.push(format!("{marked}\n  {at} {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_of_ours_are_not_reserved() {
    for text in [
        "SELECT workflow, step, model, metric FROM check_results",
        "CREATE TABLE workflow (step int, model text, metric float8, run int)",
        "CREATE TABLE model (a int)",
        "DROP TABLE workflow",
        "INSERT INTO model (step) VALUES (1)",
        "SELECT * FROM workflow run JOIN metric ON run.a = metric.a",
        "EXECUTE workflow",
        "EXECUTE workflow (1, 2)",
        "DESCRIBE model",
        "UPDATE metric SET run = 1",
        "SHOW workflow",
    ] {
        if let Err(error) = parse(text) {
            assert_eq!(error.kind, Kind::FeatureNotSupported, "{text}: {error:?}");
        }
    }
}

/// A small generator, so that a failure can be found again.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    fn mutate(&mut self, text: &str, other: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(4) {
            let at = self.below(chars.len());
            match self.below(6) {
                0 => drop(chars.drain(at..(at + self.below(8)).min(chars.len()))),
                1 => chars.insert(
                    at,
                    *['(', ')', '\'', '"', '$', ';', ',', '.', '-', '/', '*', 'é', '\0', '\n']
                        .get(self.below(14))
                        .unwrap(),
                ),
                2 => {
                    let tail: Vec<char> = other.chars().skip(self.below(other.len())).take(30).collect();
                    chars.splice(at..at, tail);
                }
                3 => chars.truncate(at),
                4 => {
                    let end = (at + self.below(20)).min(chars.len());
                    let again = chars[at..end].to_vec();
                    chars.splice(at..at, again);
                }
                _ if !chars.is_empty() => {
                    let other = self.below(chars.len());
                    let last = chars.len() - 1;
                    chars.swap(at.min(last), other);
                }
                _ => {}
            }
        }
        chars.into_iter().collect()
    }
}

#[test]
fn noise_is_refused_and_never_panics() {
    let mut noise = Noise(42);
    let all: Vec<&str> = GOOD.iter().copied().chain(BAD.iter().map(|(text, ..)| *text)).collect();
    for round in 0..20_000 {
        let text = noise.mutate(all[round % all.len()], all[(round * 7 + 3) % all.len()]);
        match parse(&text) {
            Ok(statements) => {
                for statement in statements {
                    assert!(text.is_char_boundary(statement.offset));
                    let _ = statement.statement.to_string();
                }
            }
            Err(error) => {
                assert!(error.offset.is_none_or(|at| text.is_char_boundary(at)), "{text:?}: {error:?}");
                assert_ne!(error.kind, Kind::Internal, "{text:?}: {error:?}");
            }
        }
    }
}

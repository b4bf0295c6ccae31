//! Statements that must read and print back to the same, statements that must not read, and noise.

mod bad;
mod good;

use super::parse;
use crate::base::{Error, Kind};
use bad::BAD;
use good::GOOD;

/// The statement as it reads, without the places, which differ from text to text.
fn shape(text: &str) -> Result<(String, String), Error> {
    let parsed = parse(text)?.remove(0);
    let places = regex::Regex::new(
        r"((offset|_at|at): (None|(Some\()?\d+\)?)|\d+\.\.\d+|text: \x22(?i:create)[^\n]*?\x22, schedule:)",
    )
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
    if error.kind == Kind::FeatureNotSupported && error.message.ends_with("not supported")
        || error.message.ends_with("must be written")
    {
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

/// The examples that a newcomer runs, and the one that the design was made on.
#[test]
fn the_examples_read() {
    let workflow = "CREATE WORKFLOW ml.flight_delays
          SCHEDULE CRON '30 5 * * *' TIME ZONE 'America/New_York' CATCHUP LATEST OVERLAP SKIP
          RETRY (ATTEMPTS 4, BACKOFF '2 s') TIMEOUT '45 min' SUSPEND AFTER 5 FAILURES
        AS (
          PARAM late_minutes float8 NOT NULL DEFAULT 30 CHECK (late_minutes > 0),
          STEP features AS (
            SELECT f.id, f.carrier, f.distance, f.sched_dep, w.wind_speed, w.precip
            FROM ops.public.flights f JOIN weather w ON w.origin = f.origin AND w.hour = date_trunc('hour', f.sched_dep)
            WHERE f.sched_dep >= interval_start() AND f.sched_dep < interval_end()
          ),
          CHECK have_rows ON features ROW COUNT > 100,
          STEP scored INTO ops.public.delay_predictions MODE UPSERT KEY (id) AS (
            SELECT id, delay_min, delay_min > param('late_minutes') AS late
            FROM (SELECT id, predict('delay', *) AS delay_min FROM features) p
          ),
          CHECK sane ON scored (delay_min) EXPECT (delay_min BETWEEN -120 AND 3000) ON VIOLATION QUARANTINE INTO ml.bad_scores,
          METRIC mean_delay ON scored AS (avg(delay_min)),
          FINALLY tell WHEN (run_status() <> 'succeeded') AS (INSERT INTO ops.public.incidents SELECT run_id(), now())
        )";
    let calls = "SELECT predict('delay', *) FROM features;
        SELECT predict('delay@7', carrier, distance, wind_speed => w.speed) FROM features;
        SELECT predict_proba('churn', *), delay(carrier, distance, wind_speed) FROM features";
    for text in [
        workflow,
        calls,
        include_str!("../../../examples/flights/flights.sql"),
        include_str!("../../../examples/flights_postgres/flights.sql"),
    ] {
        let tokens = crate::base::sql::tokenize(text).unwrap();
        for statement in crate::base::sql::split(&tokens) {
            let (start, end) = (statement[0].start, statement[statement.len() - 1].end);
            let outcome = parse(&text[start..end]).map(drop).or_else(only_standard);
            assert!(outcome.is_ok(), "{}: {outcome:?}", &text[start..end]);
        }
    }
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

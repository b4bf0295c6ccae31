//! How steps run: `RETRY`, `TIMEOUT`, `SUSPEND AFTER`.

use super::{Clauses, Once};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, quote_literal};
use crate::catalog::workflow::{Retry, RunClauses};
use crate::statement::cursor::Cursor;
use crate::statement::interval::print;
use std::fmt;

const ATTEMPTS_MAX: u64 = 100;

/// The run clauses under construction; `SUSPEND AFTER` belongs to workflows, not to steps.
#[derive(Default)]
pub struct Run {
    pub clauses: RunClauses,
    pub of_step: bool,
}

impl Clauses for Run {
    const WORDS: &'static [&'static str] = &["RETRY", "TIMEOUT", "SUSPEND AFTER"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("RETRY") {
            once.note("RETRY", at)?;
            self.clauses.retry = Some(retry(cursor)?);
        } else if cursor.eat("TIMEOUT") {
            once.note("TIMEOUT", at)?;
            self.clauses.timeout_ms = Some(positive(cursor)?);
        } else if !self.of_step && cursor.eat("SUSPEND AFTER") {
            once.note("SUSPEND AFTER", at)?;
            let failures = count(cursor, u64::from(u32::MAX))?;
            let _ = cursor.eat("FAILURES") || cursor.eat("FAILURE");
            self.clauses.suspend_after = Some(failures);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

fn retry(cursor: &mut Cursor) -> Result<Retry> {
    let mut retry = Retry::default();
    if cursor.eat("NONE") {
        return Ok(Retry { attempts: 1, ..retry });
    }
    let mut once = Once::default();
    cursor.list(|cursor| {
        let at = cursor.offset();
        if cursor.eat("ATTEMPTS") {
            once.note("ATTEMPTS", at)?;
            retry.attempts = count(cursor, ATTEMPTS_MAX)?;
        } else if cursor.eat("BACKOFF") {
            once.note("BACKOFF", at)?;
            retry.backoff_ms = cursor.interval()?;
        } else if cursor.eat("FACTOR") {
            once.note("FACTOR", at)?;
            let at = cursor.offset();
            retry.factor = cursor.number()?;
            if retry.factor < 1.0 {
                return Err(out_of_range("FACTOR", "at least 1", at));
            }
        } else if cursor.eat("MAX") {
            once.note("MAX", at)?;
            retry.max_ms = cursor.interval()?;
        } else if cursor.eat("NOT ON SQLSTATE") {
            once.note("NOT ON SQLSTATE", at)?;
            retry.not_on = cursor.list(sqlstate)?;
        } else {
            return Err(cursor.expected("ATTEMPTS, BACKOFF, FACTOR, MAX or NOT ON SQLSTATE"));
        }
        Ok(())
    })?;
    Ok(retry)
}

/// A SQLSTATE or the first characters of some.
fn sqlstate(cursor: &mut Cursor) -> Result<String> {
    let at = cursor.offset();
    let state = cursor.string()?.to_uppercase();
    if state.is_empty() || state.len() > 5 || !state.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::new(Kind::InvalidParameterValue, format!("invalid SQLSTATE \"{state}\""))
            .hint("write a class such as '22' or a whole state such as '40001'".to_string())
            .at(at));
    }
    Ok(state)
}

/// A length of time that is not zero.
pub fn positive(cursor: &mut Cursor) -> Result<u64> {
    let at = cursor.offset();
    match cursor.interval()? {
        0 => Err(Error::new(Kind::InvalidParameterValue, "the time must be longer than zero").at(at)),
        ms => Ok(ms),
    }
}

/// A whole number from 1 to `max`, as such or as text.
pub fn count(cursor: &mut Cursor, max: u64) -> Result<u32> {
    let at = cursor.offset();
    let number = match cursor.string() {
        Ok(text) => text.trim().parse().map_err(|_| cursor.expected("a whole number").at(at))?,
        Err(_) => cursor.integer()?,
    };
    match u32::try_from(number) {
        Ok(count) if count > 0 && number <= max => Ok(count),
        _ => Err(out_of_range("the number", &format!("between 1 and {max}"), at)),
    }
}

fn out_of_range(what: &str, range: &str, at: usize) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("{what} must be {range}")).at(at)
}

/// ` RETRY (…) TIMEOUT '…'`: each with a space in front.
pub fn print_run(f: &mut fmt::Formatter<'_>, run: &RunClauses) -> fmt::Result {
    if let Some(retry) = &run.retry {
        print_retry(f, retry)?;
    }
    if let Some(ms) = run.timeout_ms {
        write!(f, " TIMEOUT {}", quote_literal(&print(ms)))?;
    }
    run.suspend_after.map_or(Ok(()), |failures| write!(f, " SUSPEND AFTER {failures} FAILURES"))
}

fn print_retry(f: &mut fmt::Formatter<'_>, retry: &Retry) -> fmt::Result {
    let default = Retry::default();
    if *retry == (Retry { attempts: 1, ..default.clone() }) {
        return f.write_str(" RETRY NONE");
    }
    let mut parts =
        vec![format!("ATTEMPTS {}", retry.attempts), format!("BACKOFF {}", quote_literal(&print(retry.backoff_ms)))];
    if retry.factor != default.factor {
        parts.push(format!("FACTOR {}", retry.factor));
    }
    if retry.max_ms != default.max_ms {
        parts.push(format!("MAX {}", quote_literal(&print(retry.max_ms))));
    }
    if !retry.not_on.is_empty() {
        let states: Vec<_> = retry.not_on.iter().map(|state| quote_literal(state)).collect();
        parts.push(format!("NOT ON SQLSTATE ({})", states.join(", ")));
    }
    write!(f, " RETRY ({})", parts.join(", "))
}

/// Whether a list goes on.
pub fn comma(cursor: &mut Cursor) -> bool {
    cursor.eat_token(&Kinds::Comma)
}

//! The parts that statements of ours are made of: each reads itself and prints itself.
//!
//! Clauses come in any order, each at most once, and each can be written `WITH (key = 'text')`.

pub mod check;
pub mod item;
pub mod metric;
pub mod options;
pub mod run;
pub mod schedule;
pub mod step;
pub mod target;

use super::cursor::Cursor;
use crate::base::sql::{self, Kinds};
use crate::base::{Error, Kind, Result};

/// Which clauses a statement has had so far.
#[derive(Default)]
pub struct Once {
    seen: Vec<&'static str>,
}

impl Once {
    /// Notes a clause whose first word stands at `offset`; a second one is refused there.
    pub fn note(&mut self, clause: &'static str, offset: usize) -> Result<()> {
        if self.seen.contains(&clause) {
            return Err(Error::new(Kind::Syntax, format!("{clause} is given more than once")).at(offset));
        }
        self.seen.push(clause);
        Ok(())
    }

    pub fn has(&self, clause: &str) -> bool {
        self.seen.contains(&clause)
    }
}

/// Something whose clauses can be read one at a time.
pub trait Clauses {
    /// The clauses, as the first words of each, also the keys of `WITH` with `_` between words.
    const WORDS: &'static [&'static str];

    /// Reads one clause when one comes next.
    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool>;

    /// Reads clauses until something else comes, `WITH (key = 'text', …)` among them.
    fn clauses(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<()> {
        loop {
            refuse_later(cursor)?;
            if cursor.sees("WITH") {
                let at = cursor.offset();
                cursor.expect("WITH")?;
                once.note("WITH", at)?;
                self.with(cursor, once)?;
            } else if !self.clause(cursor, once)? {
                return Ok(());
            }
        }
    }

    fn with(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<()> {
        for option in options::with(cursor)? {
            let Some(words) = Self::WORDS.iter().find(|words| words.to_lowercase().replace(' ', "_") == option.key)
            else {
                let known: Vec<_> = Self::WORDS.iter().map(|words| words.to_lowercase().replace(' ', "_")).collect();
                return Err(Error::new(Kind::Syntax, format!("unrecognized option \"{}\"", option.key))
                    .hint(format!("options here are {}", known.join(", ")))
                    .hint(crate::base::error::did_you_mean(&option.key, known.iter().map(String::as_str)))
                    .at(option.offset));
            };
            self.option(words, &option, once)?;
        }
        Ok(())
    }

    fn option(&mut self, words: &'static str, option: &options::Opt, once: &mut Once) -> Result<()> {
        self::option(self, words, option, once)
    }
}

/// An option is its clause in other clothes: bare, quoted, or in parentheses, whichever reads.
pub fn option<C: Clauses + ?Sized>(clauses: &mut C, words: &str, option: &options::Opt, once: &mut Once) -> Result<()> {
    let quoted = option.value.replace('\'', "''");
    let spellings = [option.value.clone(), format!("'{quoted}'"), format!("({})", option.value)];
    let mut first = None;
    for spelling in spellings {
        let text = spelled(words, &spelling, option);
        let outcome = sql::tokenize(&text).and_then(|tokens| {
            let mut cursor = Cursor::new(&text, &tokens);
            let mut trial = Once { seen: once.seen.clone() };
            if !clauses.clause(&mut cursor, &mut trial)? {
                return Err(cursor.unexpected());
            }
            cursor.end()?;
            *once = trial;
            Ok(())
        });
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) if error.kind != Kind::Syntax => return Err(error),
            Err(error) if error.message.ends_with("more than once") => {
                return Err(Error { offset: Some(option.offset), ..error });
            }
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    let message = format!("invalid value for option \"{}\": \"{}\"", option.key, option.value);
    Err(Error::new(Kind::InvalidParameterValue, message)
        .hint(first.and_then(|error| error.hint))
        .at(option.value_offset))
}

/// The clause as text that puts the value where it stands in the statement, so that places stay true.
fn spelled(words: &str, value: &str, option: &options::Opt) -> String {
    let lead = words.len() + 1 + usize::from(value.len() != option.value.len());
    format!("{}{words} {value}", " ".repeat(option.value_offset.saturating_sub(lead)))
}

/// Clauses of the language that this version does not have yet: refused by name instead of as a typing error.
const LATER: &[&str] = &[
    "JITTER",
    "STARTING",
    "UNTIL",
    "DST",
    "WINDOW",
    "DEADLINE",
    "CONCURRENCY",
    "REQUIRE FRESH",
    "ON SCHEMA CHANGE",
    "RETAIN",
    "NOTIFY",
    "GROUP BY",
    "SCOPE",
    "FRESHNESS",
    "SCHEMA",
    "METRIC",
    "DRIFT",
    "ANOMALY",
    "TIMESTAMP",
    "BASELINE",
    "EXPECT",
    "REFRESH INCREMENTAL",
    "OVERWRITE INTERVAL",
    "OVERWRITE PARTITIONS",
    "FOR INTERVAL",
    "ONLY",
    "DRY RUN",
    "DROP OBJECTS",
];

/// Refuses a clause that is known and not yet there.
pub fn refuse_later(cursor: &Cursor) -> Result<()> {
    let found = LATER.iter().find(|phrase| cursor.sees(phrase));
    found.map_or(Ok(()), |phrase| Err(later(phrase, cursor.offset())))
}

pub fn later(what: &str, at: usize) -> Error {
    Error::unsupported(format!("{what} is not supported yet")).at(at)
}

/// `a, b, c` of names.
pub fn names(cursor: &mut Cursor) -> Result<Vec<String>> {
    let mut names = vec![cursor.identifier()?];
    while cursor.eat_token(&Kinds::Comma) {
        names.push(cursor.identifier()?);
    }
    Ok(names)
}

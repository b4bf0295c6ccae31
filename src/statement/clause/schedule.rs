//! When a workflow runs: `SCHEDULE EVERY | CRON | MANUAL` with `TIME ZONE`, `OFFSET`, `CATCHUP`, `OVERLAP`.

use super::run::{count, positive};
use super::{Clauses, Once, later};
use crate::base::{Error, Kind, Result, quote_literal};
use crate::catalog::workflow::{Catchup, Overlap, Schedule, When};
use crate::statement::cursor::Cursor;
use crate::statement::interval::{milliseconds, print};
use std::fmt;

const CATCHUPS: &[(&str, Catchup)] = &[("NONE", Catchup::None), ("LATEST", Catchup::Latest), ("ALL", Catchup::All)];
const OVERLAPS: &[(&str, Overlap)] = &[
    ("SKIP", Overlap::Skip),
    ("BUFFER ONE", Overlap::BufferOne),
    ("BUFFER ALL", Overlap::BufferAll),
    ("CANCEL OTHER", Overlap::CancelOther),
];

/// A schedule under construction: its clauses may come in any order.
#[derive(Default)]
pub struct Draft {
    schedule: Schedule,
    zone: Option<(String, usize)>,
    offset: Option<(u64, usize)>,
    /// Where the schedule stands, for errors in it.
    pub at: Option<usize>,
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["SCHEDULE", "TIME ZONE", "OFFSET", "CATCHUP", "OVERLAP"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("SCHEDULE") {
            once.note("SCHEDULE", at)?;
            self.at = Some(cursor.offset());
            self.schedule.when = when(cursor)?;
        } else if cursor.eat("TIME ZONE") {
            once.note("TIME ZONE", at)?;
            self.zone = Some((zone(cursor)?, at));
        } else if cursor.eat("OFFSET") {
            once.note("OFFSET", at)?;
            self.offset = Some((cursor.interval()?, at));
        } else if cursor.eat("CATCHUP") {
            once.note("CATCHUP", at)?;
            self.schedule.catchup = cursor.one_of(CATCHUPS)?;
        } else if cursor.eat("OVERLAP") {
            once.note("OVERLAP", at)?;
            self.schedule.overlap = match cursor.eat("ALLOW") {
                true => Overlap::Allow(count(cursor, 1_000)?),
                false => cursor.one_of(OVERLAPS).map_err(|error| {
                    error.hint("expected SKIP, BUFFER ONE, BUFFER ALL, CANCEL OTHER or ALLOW n here".to_string())
                })?,
            };
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl Draft {
    /// The schedule, its zone and offset put in.
    pub fn finish(mut self) -> Result<Schedule> {
        match &mut self.schedule.when {
            When::Manual => {
                let stray = self.zone.map(|(_, at)| ("TIME ZONE", at)).or(self.offset.map(|(_, at)| ("OFFSET", at)));
                if let Some((clause, at)) = stray {
                    return Err(needs(clause, "SCHEDULE EVERY or SCHEDULE CRON", at));
                }
            }
            When::Every { offset_ms, zone, every_ms } => {
                if let Some((ms, at)) = self.offset {
                    if ms >= *every_ms {
                        return Err(Error::new(
                            Kind::InvalidParameterValue,
                            "OFFSET must be shorter than the interval",
                        )
                        .at(at));
                    }
                    *offset_ms = ms;
                }
                self.zone.into_iter().for_each(|(name, _)| *zone = name);
            }
            When::Cron { zone, .. } => {
                if let Some((_, at)) = self.offset {
                    return Err(needs("OFFSET", "SCHEDULE EVERY", at));
                }
                self.zone.into_iter().for_each(|(name, _)| *zone = name);
            }
        }
        Ok(self.schedule)
    }
}

fn needs(clause: &str, other: &str, at: usize) -> Error {
    Error::new(Kind::InvalidDefinition, format!("{clause} needs {other}")).at(at)
}

fn when(cursor: &mut Cursor) -> Result<When> {
    let utc = || "UTC".to_string();
    if cursor.eat("MANUAL") {
        return Ok(When::Manual);
    }
    if cursor.eat("EVERY") {
        return Ok(When::Every { every_ms: positive(cursor)?, offset_ms: 0, zone: utc() });
    }
    if cursor.eat("CRON") {
        return Ok(When::Cron { expression: cursor.string()?, zone: utc() });
    }
    // What dbt and other tools have room for: one text.
    match cursor.string() {
        Ok(text) => Ok(match milliseconds(&text) {
            Some(every_ms) if every_ms > 0 => When::Every { every_ms, offset_ms: 0, zone: utc() },
            _ => When::Cron { expression: text, zone: utc() },
        }),
        Err(_) if cursor.sees("AFTER WORKFLOW") => Err(later("SCHEDULE AFTER WORKFLOW", cursor.offset())),
        Err(_) if cursor.sees("ON CHANGE OF") => Err(later("SCHEDULE ON CHANGE OF", cursor.offset())),
        Err(_) => Err(cursor.expected("EVERY, CRON or MANUAL")),
    }
}

fn zone(cursor: &mut Cursor) -> Result<String> {
    let at = cursor.offset();
    let name = cursor.string()?;
    match name.parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_string()),
        Err(_) => Err(Error::new(Kind::InvalidParameterValue, format!("time zone \"{name}\" not recognized"))
            .hint(crate::base::error::did_you_mean(&name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())))
            .at(at)),
    }
}

/// ` SCHEDULE … CATCHUP … OVERLAP …`: each with a space in front, defaults left out.
pub fn print_schedule(f: &mut fmt::Formatter<'_>, schedule: &Schedule) -> fmt::Result {
    match &schedule.when {
        When::Manual => {}
        When::Every { every_ms, offset_ms, zone } => {
            write!(f, " SCHEDULE EVERY {}", quote_literal(&print(*every_ms)))?;
            if *offset_ms > 0 {
                write!(f, " OFFSET {}", quote_literal(&print(*offset_ms)))?;
            }
            print_zone(f, zone)?;
        }
        When::Cron { expression, zone } => {
            write!(f, " SCHEDULE CRON {}", quote_literal(expression))?;
            print_zone(f, zone)?;
        }
    }
    if schedule.catchup != Catchup::default() {
        write!(f, " CATCHUP {}", phrase(CATCHUPS, schedule.catchup))?;
    }
    match schedule.overlap {
        Overlap::Skip => Ok(()),
        Overlap::Allow(n) => write!(f, " OVERLAP ALLOW {n}"),
        other => write!(f, " OVERLAP {}", phrase(OVERLAPS, other)),
    }
}

fn print_zone(f: &mut fmt::Formatter<'_>, zone: &str) -> fmt::Result {
    if zone == "UTC" { Ok(()) } else { write!(f, " TIME ZONE {}", quote_literal(zone)) }
}

/// The words of a choice.
pub fn phrase<T: PartialEq>(choices: &[(&'static str, T)], choice: T) -> &'static str {
    choices.iter().find(|(_, known)| *known == choice).map_or("", |(phrase, _)| phrase)
}

//! Statements of the language that this version does not have yet: refused by name, not as typing errors.

use super::cursor::Cursor;
use crate::base::Result;

const LEADS: &[&str] = &[
    "PUBLISH RUN",
    "RETRY RUN",
    "BACKFILL WORKFLOW",
    "ALTER WORKFLOW",
    "ALTER CONNECTION",
    "ALTER SECRET",
    "EXPLAIN SCHEDULE",
    "CREATE CHECK",
    "CREATE OR REPLACE CHECK",
    "DROP CHECK",
    "CREATE METRIC",
    "CREATE OR REPLACE METRIC",
    "DROP METRIC",
    "CREATE CHANNEL",
    "DROP CHANNEL",
    "CREATE ENDPOINT",
    "DROP ENDPOINT",
];

/// Refuses a statement that begins with a lead of a later version.
pub fn refuse(cursor: &Cursor) -> Result<()> {
    let found = LEADS.iter().find(|lead| cursor.sees(lead));
    found.map_or(Ok(()), |lead| Err(super::clause::later(lead, cursor.offset())))
}

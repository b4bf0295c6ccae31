//! Numbers of sequences.

use super::{Call, Entry};
use crate::base::{Error, Kind, Name, Result, quote_identifier};
use crate::catalog::Sequence;
use crate::query::system::page::Cell;
use std::sync::Arc;

pub const ALL: &[Entry] = &[
    ("currval(regclass) int8", current),
    ("nextval(regclass) int8", next),
    ("pg_get_serial_sequence(text, text) text", serial),
    ("setval(regclass, int8) int8", set),
    ("setval(regclass, int8, bool) int8", set),
];

fn sequence<'a>(call: &'a Call<'_>) -> Result<&'a Arc<Sequence>> {
    let missing = || {
        let name = call.text(0).unwrap_or_default();
        Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist"))
    };
    let relation = call.relation(0).ok_or_else(missing)?;
    let name = Name::new(&relation.schema, &relation.name);
    call.objects()
        .snapshot
        .sequences
        .get(&name)
        .ok_or_else(|| Error::new(Kind::WrongObjectType, format!("\"{}\" is not a sequence", relation.name)))
}

fn next(call: &Call<'_>) -> Result<Cell> {
    Ok(call.scope.system.catalog.next_number(sequence(call)?)?.into())
}

fn current(call: &Call<'_>) -> Result<Cell> {
    let sequence = sequence(call)?;
    match call.scope.system.catalog.last_number(sequence) {
        Some(last) => Ok(last.into()),
        None => {
            let message = format!("currval of sequence \"{}\" is not yet defined in this session", sequence.name.name);
            Err(Error::new(Kind::WrongState, message))
        }
    }
}

fn set(call: &Call<'_>) -> Result<Cell> {
    let (sequence, Some(value)) = (sequence(call)?, call.int(1)) else { return Ok(Cell::Null) };
    if !(sequence.min..=sequence.max).contains(&value) {
        let (name, min, max) = (&sequence.name.name, sequence.min, sequence.max);
        let message = format!("setval: value {value} is out of bounds for sequence \"{name}\" ({min}..{max})");
        return Err(Error::new(Kind::NumericOutOfRange, message));
    }
    let called = call.values.get(2) != Some(&Cell::Bool(false));
    let last = if called { Some(value) } else { value.checked_sub(sequence.increment) };
    call.scope.system.catalog.set_number(sequence, last);
    Ok(value.into())
}

/// The sequence of a serial or identity column.
fn serial(call: &Call<'_>) -> Result<Cell> {
    let (Some(relation), Some(column)) = (call.relation(0), call.text(1)) else { return Ok(Cell::Null) };
    let name = Name::new(&relation.schema, &relation.name);
    let table = call.objects().snapshot.table(&name)?;
    let Some(column) = table.column(column) else {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
        return Err(Error::new(Kind::UndefinedColumn, message));
    };
    Ok(call.objects().snapshot.owned(table.id, column.id).map(|it| shown(&it.name)).into())
}

/// With its schema in any case.
fn shown(name: &Name) -> String {
    format!("{}.{}", quote_identifier(&name.schema), quote_identifier(&name.name))
}

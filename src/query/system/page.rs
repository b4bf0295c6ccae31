//! Rows of a catalog table on their way to Arrow: cells by column name, the rest by rule.

use super::declared::{Declared, DeclaredColumn};
use crate::base::{Error, Result};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use std::sync::Arc;

/// A value of a catalog row; its column says how it is held.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    /// Microseconds since 1970 in UTC.
    Instant(i64),
    List(Vec<String>),
}

/// Some columns of some rows. A column that no row names is NULL, or the zero of its type when it cannot be NULL.
#[derive(Clone, Debug, Default)]
pub struct Page {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Page {
    pub fn of<const N: usize>(columns: [&'static str; N], rows: impl IntoIterator<Item = [Cell; N]>) -> Self {
        Page { columns: columns.to_vec(), rows: rows.into_iter().map(Vec::from).collect() }
    }

    /// Rows with all columns in their order.
    pub fn positional(declared: &'static Declared, rows: Vec<Vec<Cell>>) -> Self {
        Page { columns: declared.columns.iter().map(|column| column.name.as_str()).collect(), rows }
    }

    /// The rows in the shape that was declared.
    pub fn batch(&self, declared: &Declared) -> Result<RecordBatch> {
        if let Some(stray) =
            self.columns.iter().find(|name| declared.columns.iter().all(|column| column.name != **name))
        {
            return Err(Error::internal(format!("column \"{stray}\" must be declared in {}", declared.name)));
        }
        let arrays = declared.columns.iter().map(|column| self.column(column)).collect::<Result<Vec<_>>>()?;
        let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(declared.arrow(), arrays, &options)
            .map_err(|error| Error::internal(format!("rows of {} must fit: {error}", declared.name)))
    }

    fn column(&self, column: &DeclaredColumn) -> Result<ArrayRef> {
        let at = self.columns.iter().position(|name| *name == column.name);
        let unset = if column.nullable { Cell::Null } else { zero(&column.ty.arrow()) };
        let cells = self.rows.iter().map(|row| at.and_then(|at| row.get(at)).unwrap_or(&unset));
        array(&column.ty.arrow(), cells)
            .ok_or_else(|| Error::internal(format!("column \"{}\" must hold values of its type", column.name)))
    }
}

fn zero(ty: &DataType) -> Cell {
    match ty {
        DataType::Boolean => Cell::Bool(false),
        DataType::Utf8 => Cell::Text(String::new()),
        DataType::Float32 | DataType::Float64 => Cell::Real(0.0),
        DataType::Timestamp(..) => Cell::Instant(0),
        DataType::List(_) => Cell::List(vec![]),
        _ => Cell::Int(0),
    }
}

/// The cells as an array of the type; `None` when one is of another kind.
pub fn array<'a>(ty: &DataType, cells: impl Iterator<Item = &'a Cell> + Clone) -> Option<ArrayRef> {
    let ints = || cells.clone().map(Cell::int).collect::<Option<Vec<_>>>();
    let reals = || cells.clone().map(Cell::real).collect::<Option<Vec<_>>>();
    Some(match ty {
        DataType::Boolean => Arc::new(cells.map(Cell::bool).collect::<Option<BooleanArray>>()?),
        DataType::Int16 => {
            Arc::new(ints()?.into_iter().map(|int| int.and_then(|int| int.try_into().ok())).collect::<Int16Array>())
        }
        DataType::Int32 => {
            Arc::new(ints()?.into_iter().map(|int| int.and_then(|int| int.try_into().ok())).collect::<Int32Array>())
        }
        DataType::Int64 => Arc::new(Int64Array::from(ints()?)),
        DataType::UInt32 => {
            Arc::new(ints()?.into_iter().map(|int| int.and_then(|int| int.try_into().ok())).collect::<UInt32Array>())
        }
        DataType::Float32 => {
            Arc::new(reals()?.into_iter().map(|real| real.map(|real| real as f32)).collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(Float64Array::from(reals()?)),
        DataType::Utf8 => {
            Arc::new(cells.map(Cell::text).collect::<Option<Vec<_>>>()?.into_iter().collect::<StringArray>())
        }
        DataType::Timestamp(_, zone) => {
            Arc::new(TimestampMicrosecondArray::from(ints()?).with_timezone_opt(zone.clone()))
        }
        DataType::List(_) => cast(&list(cells)?, ty).ok()?,
        other if cells.clone().all(|cell| *cell == Cell::Null) => new_null_array(other, cells.count()),
        _ => return None,
    })
}

fn list<'a>(cells: impl Iterator<Item = &'a Cell>) -> Option<ArrayRef> {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for cell in cells {
        match cell {
            Cell::Null => builder.append(false),
            Cell::List(items) => {
                items.iter().for_each(|item| builder.values().append_value(item));
                builder.append(true);
            }
            _ => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

impl Cell {
    fn bool(&self) -> Option<Option<bool>> {
        match self {
            Cell::Null => Some(None),
            Cell::Bool(value) => Some(Some(*value)),
            _ => None,
        }
    }

    fn int(&self) -> Option<Option<i64>> {
        match self {
            Cell::Null => Some(None),
            Cell::Int(value) | Cell::Instant(value) => Some(Some(*value)),
            _ => None,
        }
    }

    fn real(&self) -> Option<Option<f64>> {
        match self {
            Cell::Null => Some(None),
            Cell::Real(value) => Some(Some(*value)),
            Cell::Int(value) => Some(Some(*value as f64)),
            _ => None,
        }
    }

    fn text(&self) -> Option<Option<&str>> {
        match self {
            Cell::Null => Some(None),
            Cell::Text(value) => Some(Some(value)),
            _ => None,
        }
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Cell::Bool(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Cell::Int(value)
    }
}

impl From<i32> for Cell {
    fn from(value: i32) -> Self {
        Cell::Int(value.into())
    }
}

impl From<i16> for Cell {
    fn from(value: i16) -> Self {
        Cell::Int(value.into())
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Cell::Int(value.into())
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Cell::Int(value as i64)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Cell::Real(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Cell::Text(value.to_string())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Cell::Text(value)
    }
}

impl From<&String> for Cell {
    fn from(value: &String) -> Self {
        Cell::Text(value.clone())
    }
}

impl From<char> for Cell {
    fn from(value: char) -> Self {
        Cell::Text(value.to_string())
    }
}

impl From<Vec<String>> for Cell {
    fn from(value: Vec<String>) -> Self {
        Cell::List(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A row's cells from values of any kinds.
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::query::system::page::Cell::from($value)),*] };
}
pub(crate) use row;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::system::declared::postgres;

    #[test]
    fn unset_columns_are_null_or_zero_and_a_stray_one_is_refused() {
        let am = postgres().iter().find(|declared| declared.name == "pg_am").unwrap();
        let batch = Page::of(["oid", "amname"], [row![2u32, "heap"]]).batch(am).unwrap();
        assert_eq!(batch.num_rows(), 1);
        assert!(batch.columns().iter().all(|column| column.null_count() == 0));
        assert!(Page::of(["nonsense"], [row![1i64]]).batch(am).is_err());
        assert!(Page::of(["oid"], [row!["text"]]).batch(am).is_err());
    }

    #[test]
    fn every_relation_can_be_empty() {
        for declared in postgres() {
            let batch = Page::default().batch(declared).unwrap_or_else(|error| panic!("{}: {error}", declared.name));
            assert_eq!(batch.num_rows(), 0);
        }
    }
}

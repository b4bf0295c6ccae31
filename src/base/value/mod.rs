//! Values as Postgres clients see them: the text and binary forms of every type, out of Arrow and back.
//!
//! The wire, COPY and the connectors all write these forms; none of them is a
//! client's protocol, so nothing here knows what a message is.

mod binary;
mod calendar;
mod convert;
mod interval;
mod nested;
mod number;
mod read_binary;
mod read_interval;
mod read_nested;
mod read_text;
mod read_time;
pub mod rows;
mod scalar;
mod text;
pub mod textual;
mod zone;

pub use calendar::{write_date, write_time, write_timestamp, write_timestamptz};
pub use convert::converted;
pub use interval::{Interval, write_interval};
pub use number::{write_decimal, write_float4, write_float8};
pub use read_binary::read_binary;
pub use read_interval::read_interval;
pub use read_text::{read_bytea, read_text};
pub use read_time::MONTHS;
pub use scalar::text_of;
pub use zone::Zone;

use super::{Error, Result, Type};
use bytes::BytesMut;
use datafusion::arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use datafusion::arrow::datatypes::DataType;

/// The two forms that every type has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Binary,
}

/// How text forms look that depend on the session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Style {
    /// Zone in which `timestamptz` is shown, and which a `timestamptz` without one means.
    pub zone: Zone,
    pub intervals: IntervalStyle,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    Iso8601,
}

/// The cells of one column of a batch, in one form.
pub trait Cells: Send {
    fn is_null(&self, row: usize) -> bool;

    /// Appends the value; what it appends for NULL has no meaning.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()>;
}

/// The cells of an array whose SQL type is `ty`.
pub fn cells<'a>(array: &'a dyn Array, ty: &Type, format: Format, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    match format {
        Format::Text => text::cells(array, ty, style),
        Format::Binary => binary::cells(array, ty, style),
    }
}

/// Cells of an array of one kind, each written by a function.
struct Each<'a, A, F> {
    array: &'a A,
    write: F,
}

impl<A: Array, F: Fn(&A, usize, &mut BytesMut) -> Result<()> + Send> Cells for Each<'_, A, F> {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        (self.write)(self.array, row, out)
    }
}

/// Cells of an array that is an `A`, written by a function that may fail.
fn each<'a, A: Array + 'static>(
    array: &'a dyn Array,
    write: impl Fn(&A, usize, &mut BytesMut) -> Result<()> + Send + 'a,
) -> Result<Box<dyn Cells + 'a>> {
    Ok(Box::new(Each { array: held::<A>(array)?, write }))
}

/// Cells of a primitive array, written by a function of the value.
fn primitive<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    write: impl Fn(T::Native, &mut BytesMut) + Send + 'a,
) -> Result<Box<dyn Cells + 'a>> {
    each::<PrimitiveArray<T>>(array, move |array, row, out| {
        write(array.value(row), out);
        Ok(())
    })
}

fn held<A: 'static>(array: &dyn Array) -> Result<&A> {
    let any = array.as_any();
    any.downcast_ref::<A>()
        .ok_or_else(|| Error::internal(format!("an array must be of its type {}", array.data_type())))
}

/// A column that is held in a way its SQL type cannot be.
fn mismatch(ty: &Type, held: &DataType) -> Error {
    Error::internal(format!("a column of type {ty} must not be held as {held}"))
}

//! Values made of values: arrays, records, and columns that point into others.

use super::{Cells, Format, Style, cells, held};
use crate::base::{Error, Kind, Result, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::*;
use datafusion::arrow::datatypes::*;
use std::ops::Range;

/// A column whose cells are those of another one: a dictionary or run ends.
struct Indirect<'a> {
    values: Box<dyn Cells + 'a>,
    /// Where a row's value is; `None` is NULL.
    place: Box<dyn Fn(usize) -> Option<usize> + Send + 'a>,
}

impl Cells for Indirect<'_> {
    fn is_null(&self, row: usize) -> bool {
        (self.place)(row).is_none_or(|at| self.values.is_null(at))
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        (self.place)(row).map_or(Ok(()), |at| self.values.write(at, out))
    }
}

pub(super) fn indirect<'a>(
    array: &'a dyn Array,
    ty: &Type,
    format: Format,
    style: &'a Style,
) -> Result<Box<dyn Cells + 'a>> {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        let values = cells(dictionary.values().as_ref(), ty, format, style)?;
        let keys = dictionary.normalized_keys();
        let place = move |row| (!dictionary.is_null(row)).then(|| keys[row]);
        return Ok(Box::new(Indirect { values, place: Box::new(place) }));
    }
    match array.data_type() {
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => runs::<Int16Type>(array, ty, format, style),
            DataType::Int32 => runs::<Int32Type>(array, ty, format, style),
            _ => runs::<Int64Type>(array, ty, format, style),
        },
        other => Err(super::mismatch(ty, other)),
    }
}

fn runs<'a, R: RunEndIndexType>(
    array: &'a dyn Array,
    ty: &Type,
    format: Format,
    style: &'a Style,
) -> Result<Box<dyn Cells + 'a>> {
    let array = held::<RunArray<R>>(array)?;
    let values = cells(array.values().as_ref(), ty, format, style)?;
    Ok(Box::new(Indirect { values, place: Box::new(|row| Some(array.get_physical_index(row))) }))
}

/// The elements of a column of lists, and where each row's are.
struct Lists<'a> {
    array: &'a dyn Array,
    elements: &'a ArrayRef,
    field: &'a FieldRef,
    place: Box<dyn Fn(usize) -> Range<usize> + Send + 'a>,
}

impl<'a> Lists<'a> {
    fn of(array: &'a dyn Array) -> Result<Self> {
        fn range<T: TryInto<usize>>(begin: T, length: T) -> Range<usize> {
            let begin = begin.try_into().unwrap_or_default();
            begin..begin + length.try_into().unwrap_or_default()
        }
        let (elements, field, place): (_, _, Box<dyn Fn(usize) -> Range<usize> + Send + 'a>) = match array.data_type() {
            DataType::List(field) => {
                let lists = held::<ListArray>(array)?;
                let offsets = lists.value_offsets();
                (lists.values(), field, Box::new(move |row| range(offsets[row], offsets[row + 1] - offsets[row])))
            }
            DataType::LargeList(field) => {
                let lists = held::<LargeListArray>(array)?;
                let offsets = lists.value_offsets();
                (lists.values(), field, Box::new(move |row| range(offsets[row], offsets[row + 1] - offsets[row])))
            }
            DataType::ListView(field) => {
                let lists = held::<ListViewArray>(array)?;
                (lists.values(), field, Box::new(|row| range(lists.value_offset(row), lists.value_size(row))))
            }
            DataType::LargeListView(field) => {
                let lists = held::<LargeListViewArray>(array)?;
                (lists.values(), field, Box::new(|row| range(lists.value_offset(row), lists.value_size(row))))
            }
            DataType::FixedSizeList(field, _) => {
                let lists = held::<FixedSizeListArray>(array)?;
                (lists.values(), field, Box::new(|row| range(lists.value_offset(row), lists.value_length())))
            }
            other => return Err(Error::internal(format!("an array must be of a list type, not {other}"))),
        };
        Ok(Lists { array, elements, field, place })
    }
}

/// `{1,NULL,"a b"}`
struct ArrayText<'a> {
    lists: Lists<'a>,
    elements: Box<dyn Cells + 'a>,
    /// Elements that are arrays themselves are not quoted.
    nested: bool,
}

pub(super) fn array_text<'a>(array: &'a dyn Array, ty: &Type, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let lists = Lists::of(array)?;
    let inner = Type::of(lists.field);
    let nested = matches!(inner, Type::Array(_));
    let element = match ty {
        Type::Array(element) if !nested => element.as_ref().clone(),
        _ => inner,
    };
    let elements = cells(lists.elements.as_ref(), &element, Format::Text, style)?;
    Ok(Box::new(ArrayText { lists, elements, nested }))
}

/// `1 2`
struct VectorText<'a>(ArrayText<'a>);

pub(super) fn vector_text<'a>(array: &'a dyn Array, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let lists = Lists::of(array)?;
    let elements = cells(lists.elements.as_ref(), &Type::of(lists.field), Format::Text, style)?;
    Ok(Box::new(VectorText(ArrayText { lists, elements, nested: false })))
}

impl Cells for VectorText<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.0.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let place = (self.0.lists.place)(row);
        let begin = place.start;
        place.into_iter().try_for_each(|at| {
            if at > begin {
                out.put_u8(b' ');
            }
            self.0.elements.write(at, out)
        })
    }
}

impl Cells for ArrayText<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.lists.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let place = (self.lists.place)(row);
        let begin = place.start;
        out.put_u8(b'{');
        for at in place {
            if at > begin {
                out.put_u8(b',');
            }
            if self.elements.is_null(at) {
                out.put_slice(b"NULL");
            } else if self.nested {
                self.elements.write(at, out)?;
            } else {
                let start = out.len();
                self.elements.write(at, out)?;
                quote(out, start, Quoting::Array);
            }
        }
        out.put_u8(b'}');
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Quoting {
    Array,
    Record,
}

/// Quotes what was written since `start` when its reader could not tell its end otherwise.
fn quote(out: &mut BytesMut, start: usize, quoting: Quoting) {
    let text = &out[start..];
    let special = |byte: &u8| match quoting {
        Quoting::Array => {
            matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\') || byte.is_ascii_whitespace() || *byte == 0x0b
        }
        Quoting::Record => {
            matches!(byte, b'(' | b')' | b',' | b'"' | b'\\') || byte.is_ascii_whitespace() || *byte == 0x0b
        }
    };
    let null = quoting == Quoting::Array && text.eq_ignore_ascii_case(b"null");
    if !text.is_empty() && !null && !text.iter().any(special) {
        return;
    }
    let text = text.to_vec();
    out.truncate(start);
    out.put_u8(b'"');
    for byte in text {
        match (byte, quoting) {
            (b'"' | b'\\', Quoting::Array) => out.put_u8(b'\\'),
            (b'"' | b'\\', Quoting::Record) => out.put_u8(byte),
            _ => {}
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}

/// The fields of a column of structs.
struct Records<'a> {
    array: &'a StructArray,
    fields: Vec<(u32, Box<dyn Cells + 'a>)>,
    format: Format,
}

fn records<'a>(array: &'a dyn Array, format: Format, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let array = held::<StructArray>(array)?;
    let columns = array.fields().iter().zip(array.columns()).map(|(field, column)| {
        let ty = Type::of(field);
        Ok((ty.oid(), cells(column.as_ref(), &ty, format, style)?))
    });
    Ok(Box::new(Records { array, fields: columns.collect::<Result<_>>()?, format }))
}

/// `(1,"a b",)`
pub(super) fn record_text<'a>(array: &'a dyn Array, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    records(array, Format::Text, style)
}

pub(super) fn record_binary<'a>(array: &'a dyn Array, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    records(array, Format::Binary, style)
}

impl Cells for Records<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        if self.format == Format::Binary {
            out.put_i32(self.fields.len() as i32);
            return self.fields.iter().try_for_each(|(oid, cells)| {
                out.put_u32(*oid);
                put_sized(cells.as_ref(), row, out)
            });
        }
        out.put_u8(b'(');
        for (at, (_, cells)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            if !cells.is_null(row) {
                let start = out.len();
                cells.write(row, out)?;
                quote(out, start, Quoting::Record);
            }
        }
        out.put_u8(b')');
        Ok(())
    }
}

/// The length and the bytes of a cell; the length is -1 for NULL.
pub(super) fn put_sized(cells: &dyn Cells, row: usize, out: &mut BytesMut) -> Result<()> {
    if cells.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    cells.write(row, out)?;
    let length =
        i32::try_from(out.len() - start - 4).map_err(|_| Error::new(Kind::TooLarge, "a value is larger than 2 GB"))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// A map is shown as the array of its entries.
struct MapText<'a> {
    array: &'a MapArray,
    entries: Box<dyn Cells + 'a>,
}

pub(super) fn map_text<'a>(array: &'a dyn Array, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let array = held::<MapArray>(array)?;
    Ok(Box::new(MapText { array, entries: record_text(array.entries(), style)? }))
}

impl Cells for MapText<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let offsets = self.array.value_offsets();
        out.put_u8(b'{');
        for at in offsets[row]..offsets[row + 1] {
            if at > offsets[row] {
                out.put_u8(b',');
            }
            let start = out.len();
            self.entries.write(at as usize, out)?;
            quote(out, start, Quoting::Array);
        }
        out.put_u8(b'}');
        Ok(())
    }
}

/// Dimensions, then the elements of all of them in one row.
struct ArrayBinary<'a> {
    /// One level per dimension, the outermost first.
    levels: Vec<Lists<'a>>,
    elements: Box<dyn Cells + 'a>,
    element_oid: u32,
    /// It counts from zero.
    vector: bool,
}

pub(super) fn array_binary<'a>(array: &'a dyn Array, ty: &Type, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let mut levels = vec![Lists::of(array)?];
    let mut innermost = levels[0].elements;
    while matches!(Type::from_arrow(innermost.data_type()), Type::Array(_)) {
        let level = Lists::of(innermost.as_ref())?;
        innermost = level.elements;
        levels.push(level);
    }
    let element = match ty {
        Type::Array(element) => element.as_ref().clone(),
        _ => Type::from_arrow(innermost.data_type()),
    };
    let elements = cells(innermost.as_ref(), &element, Format::Binary, style)?;
    Ok(Box::new(ArrayBinary { levels, elements, element_oid: element.oid(), vector: ty.is_vector() }))
}

impl ArrayBinary<'_> {
    /// The length of each dimension and the places of the elements; every part of a dimension must be as long.
    fn shape(&self, row: usize) -> Result<(Vec<usize>, Vec<Range<usize>>)> {
        let ragged =
            || Error::new(Kind::DataException, "multidimensional arrays must have sub-arrays with matching dimensions");
        let mut places = vec![(self.levels[0].place)(row)];
        let mut lengths = vec![places[0].len()];
        for level in &self.levels[1..] {
            let parts = places.into_iter().flatten();
            let parts = parts.map(|at| if level.array.is_null(at) { Err(ragged()) } else { Ok((level.place)(at)) });
            places = parts.collect::<Result<_>>()?;
            let length = places.first().map_or(0, Range::len);
            if places.iter().any(|place| place.len() != length) {
                return Err(ragged());
            }
            lengths.push(length);
        }
        Ok((lengths, places))
    }
}

impl Cells for ArrayBinary<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.levels[0].array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let (lengths, places) = self.shape(row)?;
        // A vector has its dimension even when it has no items.
        let empty = lengths.contains(&0) && !self.vector;
        out.put_i32(if empty { 0 } else { lengths.len() as i32 });
        let has_null = places.iter().cloned().flatten().any(|at| self.elements.is_null(at));
        out.put_i32(has_null.into());
        out.put_u32(self.element_oid);
        if empty {
            return Ok(());
        }
        for length in lengths {
            out.put_i32(length as i32);
            out.put_i32(if self.vector { 0 } else { 1 });
        }
        places.into_iter().flatten().try_for_each(|at| put_sized(self.elements.as_ref(), at, out))
    }
}

//! Arrays of one dimension.

use super::column::Builder;
use super::malformed;
use crate::base::{Error, Result, Type};
use bytes::Buf;
use datafusion::arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{Field, FieldRef};
use std::sync::Arc;

/// Lists of what another builder builds.
pub(super) struct ListOf {
    field: FieldRef,
    elements: Box<dyn Builder>,
    lengths: Vec<usize>,
    nulls: NullBufferBuilder,
}

impl ListOf {
    pub fn new(element: &Type, elements: Box<dyn Builder>) -> Self {
        ListOf {
            field: Arc::new(Field::new("item", element.arrow(), true)),
            elements,
            lengths: vec![],
            nulls: NullBufferBuilder::new(0),
        }
    }

    fn elements(&mut self, mut bytes: &[u8]) -> Result<usize> {
        if bytes.len() < 12 {
            return Err(malformed());
        }
        let dimensions = bytes.get_i32();
        bytes.advance(8);
        match dimensions {
            0 => return Ok(0),
            1 if bytes.len() >= 8 => {}
            1 => return Err(malformed()),
            more => {
                return Err(Error::unsupported(format!("an array of {more} dimensions is not supported"))
                    .hint("unnest it, through a view on the server".to_string()));
            }
        }
        let count = bytes.get_i32() as usize;
        bytes.advance(4);
        for _ in 0..count {
            if bytes.len() < 4 {
                return Err(malformed());
            }
            let value = match bytes.get_i32() {
                -1 => None,
                length => {
                    let (value, rest) = bytes.split_at_checked(length as usize).ok_or_else(malformed)?;
                    bytes = rest;
                    Some(value)
                }
            };
            self.elements.append(value)?;
        }
        Ok(count)
    }
}

impl Builder for ListOf {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()> {
        let length = value.map(|bytes| self.elements(bytes)).transpose()?;
        self.nulls.append(length.is_some());
        self.lengths.push(length.unwrap_or(0));
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        let nulls = self.nulls.finish();
        // Offsets, elements and nulls were counted together, so what `try_new` would check holds.
        Arc::new(ListArray::new(Arc::clone(&self.field), offsets, self.elements.finish(), nulls))
    }
}

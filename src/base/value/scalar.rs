//! The text form of one value, for messages and settings.

use super::{Format, Style, cells};
use crate::base::{Error, Result, Type};
use bytes::BytesMut;
use datafusion::common::ScalarValue;

/// A value as a client would see it; `None` is NULL.
pub fn text_of(value: &ScalarValue, ty: &Type, style: &Style) -> Result<Option<String>> {
    let array = value.to_array_of_size(1)?;
    let cells = cells(array.as_ref(), ty, Format::Text, style)?;
    if cells.is_null(0) {
        return Ok(None);
    }
    let mut out = BytesMut::new();
    cells.write(0, &mut out)?;
    String::from_utf8(out.to_vec()).map(Some).map_err(|_| Error::internal("the text form of a value must be UTF-8"))
}

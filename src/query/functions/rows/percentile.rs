//! Aggregates of values in order, which were collected in an array.

use super::{Entry, list};
use crate::base::{Error, Kind, Result};
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("mode of(anyarray) anyelement", |row| {
        let Some(items) = row.items(0) else { return Ok(None) };
        let mut best: Option<(ScalarValue, usize)> = None;
        let mut current: Option<(ScalarValue, usize)> = None;
        for at in 0..items.len() {
            let item = ScalarValue::try_from_array(&items, at)?;
            let count = match &current {
                Some((same, count)) if *same == item => count + 1,
                _ => 1,
            };
            if best.as_ref().is_none_or(|(_, most)| count > *most) {
                best = Some((item.clone(), count));
            }
            current = Some((item, count));
        }
        Ok(best.map(|(item, _)| item))
    }),
    ("percentile_disc of(float8, anyarray) anyelement", |row| match row.items(1) {
        Some(items) => at(&items, row.real(0)),
        None => Ok(None),
    }),
    ("percentile_disc of(float8[], anyarray) anyarray", |row| {
        let (Some(fractions), Some(items)) = (row.items(0), row.items(1)) else { return Ok(None) };
        let values = (0..fractions.len()).map(|place| match ScalarValue::try_from_array(&fractions, place)? {
            ScalarValue::Float64(Some(fraction)) => {
                Ok(at(&items, fraction)?.unwrap_or(ScalarValue::try_from(items.data_type())?))
            }
            _ => Ok(ScalarValue::try_from(items.data_type())?),
        });
        Ok(Some(list(values.collect::<Result<_>>()?, items.data_type())))
    }),
];

/// The first value that so large a part of all is no larger than.
fn at(items: &ArrayRef, fraction: f64) -> Result<Option<ScalarValue>> {
    if !(0.0..=1.0).contains(&fraction) {
        let message = format!("percentile value {fraction} is not between 0 and 1");
        return Err(Error::new(Kind::NumericOutOfRange, message));
    }
    if items.is_empty() {
        return Ok(None);
    }
    let place = ((fraction * items.len() as f64).ceil() as usize).max(1) - 1;
    Ok(Some(ScalarValue::try_from_array(items, place.min(items.len() - 1))?))
}

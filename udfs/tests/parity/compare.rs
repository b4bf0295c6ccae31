//! Differences between two columns, in steps of the answer's precision and relative to its size.
use std::fmt;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};

#[derive(Debug, Clone, Copy, Default)]
pub struct Difference {
    pub ulp: u64,
    pub relative: f64,
}

impl Difference {
    pub fn include(&mut self, other: &Self) {
        self.ulp = self.ulp.max(other.ulp);
        self.relative = self.relative.max(other.relative);
    }

    pub fn is_within(&self, allowed: &Self) -> bool {
        self.ulp <= allowed.ulp && self.relative <= allowed.relative
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ulp, relative {:.1e}", self.ulp, self.relative)
    }
}

/// `ours` against `theirs`, whose type says how wide an ulp is.
pub fn columns(batches: &[RecordBatch]) -> Result<Difference, String> {
    let mut worst = Difference::default();
    for batch in batches {
        let (ours, theirs) = (batch.column(0), batch.column(1));
        if matches!(theirs.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            if texts(ours) != texts(theirs) {
                return Err(format!("labels differ: {:?} and {:?}", texts(ours), texts(theirs)));
            }
            continue;
        }
        let (a, b) = (flat(ours), flat(theirs));
        if a.len() != b.len() || ours.null_count() > 0 {
            return Err(format!("{} answers, {} expected; {} NULL", a.len(), b.len(), ours.null_count()));
        }
        // Lists of f32 were widened when they were written: all of them are f32 exactly.
        let narrow =
            *theirs.data_type() == DataType::Float32 || b.iter().all(|v| f64::from(*v as f32) == *v || v.is_nan());
        a.iter().zip(&b).for_each(|(a, b)| worst.include(&difference(*a, *b, narrow)));
    }
    Ok(worst)
}

fn difference(a: f64, b: f64, narrow: bool) -> Difference {
    if a == b || (a.is_nan() && b.is_nan()) {
        return Difference::default();
    }
    if !a.is_finite() || !b.is_finite() {
        return Difference { ulp: u64::MAX, relative: f64::INFINITY };
    }
    let ulp = match narrow {
        true => (ordered(i64::from((a as f32).to_bits() as i32), i64::from(i32::MIN))
            - ordered(i64::from((b as f32).to_bits() as i32), i64::from(i32::MIN)))
        .unsigned_abs(),
        false => ordered(a.to_bits() as i64, i64::MIN).abs_diff(ordered(b.to_bits() as i64, i64::MIN)),
    };
    Difference { ulp, relative: (a - b).abs() / b.abs().max(1.0) }
}

/// Bits in the order of the numbers.
fn ordered(bits: i64, sign: i64) -> i64 {
    if bits < 0 { sign.wrapping_sub(bits) } else { bits }
}

pub fn flat(column: &ArrayRef) -> Vec<f64> {
    let values = match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().values().clone(),
        _ => column.clone(),
    };
    cast(&values, &DataType::Float64).unwrap().as_primitive::<Float64Type>().values().to_vec()
}

pub fn texts(column: &ArrayRef) -> Vec<String> {
    cast(column, &DataType::Utf8).unwrap().as_string::<i32>().iter().map(|v| v.unwrap_or("NULL").to_string()).collect()
}

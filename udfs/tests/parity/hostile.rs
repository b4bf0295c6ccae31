//! Broken variants of a file, the same ones in every run.
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::DataType;

/// A hundred: bytes changed, runs removed and repeated, digits and lengths made absurd.
pub fn mutations(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut state = bytes.len() as u64 | 1;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below.max(1)
    };
    // The structure is at the start; most of the rest is numbers.
    (0..100).map(move |round| {
        let mut broken = bytes[..bytes.len().min(200_000)].to_vec();
        if round % 2 == 0 && bytes.len() < 200_000 {
            broken = bytes.to_vec();
        }
        for _ in 0..1 + random(4) {
            let span = if random(2) == 0 { broken.len() } else { broken.len().min(2000) };
            let at = random(span);
            match random(5) {
                0 => broken[at] = random(256) as u8,
                1 => broken[at] ^= 1 << random(8),
                2 => drop(broken.drain(at..(at + 1 + random(40)).min(broken.len()))),
                3 => drop(broken.splice(at..at, *b"99999999999")),
                _ => {
                    let part = broken[at..(at + 1 + random(200)).min(broken.len())].to_vec();
                    drop(broken.splice(at..at, part));
                }
            }
            if broken.is_empty() {
                broken.push(b'x');
            }
        }
        broken
    })
}

pub fn column(data_type: &DataType, rows: usize) -> ArrayRef {
    match data_type {
        DataType::Utf8 => Arc::new(StringArray::from(vec![Some("AA"); rows])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![7; rows])),
        _ => Arc::new(Float64Array::from(vec![Some(0.5); rows])),
    }
}

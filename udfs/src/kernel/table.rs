//! Look-ups: category codes, one-hot columns, label maps.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use datafusion::arrow::array::{Array, StringArray};
use datafusion::arrow::buffer::ScalarBuffer;

use super::{Columns, Kernel};
use crate::error::PredictError;
use crate::ir::{Op, Unseen, Values};

pub(super) fn choose(op: &Op) -> Arc<dyn Kernel> {
    let keys = match op {
        Op::Codes { table, .. } | Op::OneHot { table, .. } | Op::Map { keys: table, .. } => Index::new(table),
        _ => Index::Place,
    };
    Arc::new(LookUp { op: op.clone(), keys })
}

/// From a category to its place in the table.
#[derive(Debug)]
enum Index {
    Text(HashMap<String, usize>),
    Ints(HashMap<i64, usize>),
    /// By the bits of the number, with one zero and one NaN.
    Floats(HashMap<u64, usize>),
    /// The category is its place.
    Place,
}

impl Index {
    fn new(table: &Values) -> Self {
        match table {
            Values::Text(keys) => Self::Text(places(keys.iter().cloned())),
            Values::Ints(keys) => Self::Ints(places(keys.iter().copied())),
            Values::Floats(keys) => Self::Floats(places(keys.iter().map(|key| bits(*key)))),
        }
    }

    fn of_number(&self, value: f64) -> Option<usize> {
        match self {
            Self::Ints(index) if value.trunc() == value && value.abs() < 9.2e18 => index.get(&(value as i64)).copied(),
            Self::Floats(index) => index.get(&bits(value)).copied(),
            Self::Ints(_) | Self::Text(_) | Self::Place => None,
        }
    }

    fn of_int(&self, value: i64) -> Option<usize> {
        match self {
            Self::Ints(index) => index.get(&value).copied(),
            Self::Floats(index) => index.get(&bits(value as f64)).copied(),
            Self::Place => usize::try_from(value).ok(),
            Self::Text(_) => None,
        }
    }

    fn of_text(&self, value: &str) -> Option<usize> {
        match self {
            Self::Text(index) => index.get(value).copied(),
            Self::Ints(_) | Self::Floats(_) | Self::Place => None,
        }
    }
}

/// The first of equal keys counts.
fn places<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
    let mut index = HashMap::new();
    for (place, key) in keys.enumerate() {
        index.entry(key).or_insert(place);
    }
    index
}

fn bits(value: f64) -> u64 {
    match value {
        v if v.is_nan() => f64::NAN.to_bits(),
        0.0 => 0,
        v => v.to_bits(),
    }
}

#[derive(Debug)]
struct LookUp {
    op: Op,
    keys: Index,
}

impl Kernel for LookUp {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        let [columns] = from else {
            return Err(PredictError::internal("a look-up must have one value"));
        };
        let places = self.places(columns);
        match &self.op {
            Op::Codes { unseen, input, .. } => {
                if let (Unseen::Refuse, Some(value)) = (unseen, self.unseen(columns, &places)) {
                    return Err(PredictError::UnknownCategory { model: String::new(), input: input.clone(), value });
                }
                let code = |place: &Option<usize>| place.map_or(f64::NAN, |place| place as f64);
                Ok(Columns::F64(places.iter().map(|column| column.iter().map(code).collect()).collect()))
            }
            Op::OneHot { table, zeros } => {
                if let (false, Some(value)) = (zeros, self.unseen_or_null(columns, &places)) {
                    return Err(PredictError::BadValue {
                        model: String::new(),
                        message: format!("the category \"{value}\" is not one it was trained with"),
                    });
                }
                Ok(one_hot(table.len(), &places, rows))
            }
            Op::Map { values, default, .. } => Ok(pick(values, default, &places)),
            Op::Pick(values) => {
                if places.iter().flatten().any(|place| place.is_none_or(|place| place >= values.len())) {
                    return Err(PredictError::internal("a class index must be one of the classes"));
                }
                Ok(pick(values, values, &places))
            }
            _ => Err(PredictError::internal("a step must be a look-up")),
        }
    }
}

type Places = Vec<Vec<Option<usize>>>;

impl LookUp {
    fn places(&self, columns: &Columns) -> Places {
        match columns {
            Columns::Text(columns) => {
                columns.iter().map(|column| column.iter().map(|v| self.keys.of_text(v?)).collect()).collect()
            }
            Columns::I64(columns) => {
                columns.iter().map(|column| column.iter().map(|v| self.keys.of_int(*v)).collect()).collect()
            }
            Columns::F32(columns) => columns
                .iter()
                .map(|column| column.iter().map(|v| self.keys.of_number(f64::from(*v))).collect())
                .collect(),
            Columns::F64(columns) => {
                columns.iter().map(|column| column.iter().map(|v| self.keys.of_number(*v)).collect()).collect()
            }
        }
    }

    /// A category, neither missing nor in the table.
    fn unseen(&self, columns: &Columns, places: &Places) -> Option<String> {
        self.first(columns, places, false)
    }

    fn unseen_or_null(&self, columns: &Columns, places: &Places) -> Option<String> {
        self.first(columns, places, true)
    }

    fn first(&self, columns: &Columns, places: &Places, missing_too: bool) -> Option<String> {
        places.iter().enumerate().find_map(|(at, places)| {
            places.iter().enumerate().filter(|(_, place)| place.is_none()).find_map(|(row, _)| match columns {
                Columns::Text(columns) if columns[at].is_null(row) => missing_too.then(|| "NULL".to_string()),
                Columns::Text(columns) => Some(columns[at].value(row).to_string()),
                Columns::I64(columns) => Some(columns[at][row].to_string()),
                Columns::F32(columns) => {
                    (missing_too || !columns[at][row].is_nan()).then(|| columns[at][row].to_string())
                }
                Columns::F64(columns) => {
                    (missing_too || !columns[at][row].is_nan()).then(|| columns[at][row].to_string())
                }
            })
        })
    }
}

fn one_hot(categories: usize, places: &Places, rows: usize) -> Columns {
    let mut out = Vec::with_capacity(categories * places.len());
    for column in places {
        let mut hot = vec![vec![0f32; rows]; categories];
        for (row, place) in column.iter().enumerate() {
            if let Some(place) = place {
                hot[*place][row] = 1.0;
            }
        }
        out.extend(hot.into_iter().map(ScalarBuffer::from));
    }
    Columns::F32(out)
}

/// The value at each place; without one the first of `default`.
fn pick(values: &Values, default: &Values, places: &Places) -> Columns {
    fn all<'a, V, C: FromIterator<Option<&'a V>>>(values: &'a [V], default: &'a [V], places: &Places) -> Vec<C> {
        places
            .iter()
            .map(|column| {
                column.iter().map(|place| place.and_then(|place| values.get(place)).or(default.first())).collect()
            })
            .collect()
    }
    match (values, default) {
        (Values::Text(values), Values::Text(default)) => Columns::Text(all::<_, StringArray>(values, default, places)),
        (Values::Ints(values), Values::Ints(default)) => {
            let columns: Vec<Vec<Option<&i64>>> = all(values, default, places);
            Columns::I64(
                columns
                    .into_iter()
                    .map(|column| column.into_iter().map(|v| v.copied().unwrap_or(0)).collect())
                    .collect(),
            )
        }
        (Values::Floats(values), Values::Floats(default)) => {
            let columns: Vec<Vec<Option<&f64>>> = all(values, default, places);
            Columns::F32(
                columns
                    .into_iter()
                    .map(|column| column.into_iter().map(|v| v.copied().unwrap_or(f64::NAN) as f32).collect())
                    .collect(),
            )
        }
        // The shapes promise one type for both.
        (Values::Text(_), _) | (Values::Ints(_), _) | (Values::Floats(_), _) => Columns::I64(vec![]),
    }
}

//! The columns of files, from the files.

use super::csv::header_names;
use super::find::{Found, find};
use super::json::{Lines, object};
use super::options::{dialect, format};
use super::parquet;
use crate::base::{Error, Kind, Result, Roots, Type};
use crate::connect::ExternalColumn;
use crate::connect::records::{Dialect, Records};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// Rows and bytes of the first file that are looked at.
const SAMPLE_ROWS: usize = 10_000;
const SAMPLE_BYTES: u64 = 16 << 20;

/// The columns that the files of `location` have. Blocks.
pub(in crate::connect) fn infer(
    roots: &Roots,
    name: &str,
    location: &str,
    options: &BTreeMap<String, String>,
) -> Result<Vec<ExternalColumn>> {
    let format = format(name, options)?;
    let csv = dialect(options)?;
    let files = find(roots, location, format.endings)?;
    let first = &files[0];
    let columns = match format.name {
        "parquet" => parquet::columns(first, files.len() > 1),
        "csv" => sample(first).and_then(|(bytes, whole)| csv_columns(&bytes, whole, csv)),
        _ => sample(first).and_then(|(bytes, whole)| json_columns(&bytes, whole)),
    };
    let columns = columns.map_err(|error| {
        let detail = error.detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
        let place = format!("file \"{}\"{detail}", first.shown);
        error.detail(place)
    })?;
    match columns.is_empty() {
        true => Err(Error::new(Kind::BadCopyFileFormat, format!("file \"{}\" has no columns", first.shown))
            .hint("declare them: CREATE EXTERNAL TABLE name (column type, …) …".to_string())),
        false => Ok(columns),
    }
}

/// The beginning of a file, and whether that is all of it.
fn sample(file: &Found) -> Result<(Vec<u8>, bool)> {
    let mut bytes = vec![];
    File::open(&file.path)?.take(SAMPLE_BYTES).read_to_end(&mut bytes)?;
    let whole = bytes.len() as u64 == file.bytes;
    Ok((bytes, whole))
}

fn csv_columns(bytes: &[u8], whole: bool, dialect: Dialect) -> Result<Vec<ExternalColumn>> {
    let mut records = Records::new(Dialect { header: false, ..dialect.clone() });
    records.push(bytes);
    let mut names: Option<Vec<String>> = None;
    let mut guesses: Vec<Guess> = vec![];
    for _ in 0..SAMPLE_ROWS {
        let Some(record) = records.next(whole)? else { break };
        if names.is_none() {
            let numbered = || (1..=record.width()).map(|number| format!("column{number}")).collect();
            names = Some(if dialect.header { header_names(&record) } else { numbered() });
            guesses = vec![Guess::default(); record.width()];
            if dialect.header {
                continue;
            }
        }
        for (guess, field) in guesses.iter_mut().zip(record.fields()) {
            field.into_iter().for_each(|text| guess.see(text));
        }
    }
    let names = names.unwrap_or_default();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() || names[..at].contains(name) {
            let what = if name.is_empty() { "a column without a name" } else { "two columns of one name" };
            return Err(Error::new(Kind::BadCopyFileFormat, format!("the header has {what}: \"{name}\""))
                .hint("declare the columns, with OPTIONS (header 'false') when there is no header".to_string()));
        }
    }
    Ok(names.into_iter().zip(guesses).map(|(name, guess)| (name, guess.ty(), true)).collect())
}

/// What the texts of a column can all be. Narrower types are asked first.
#[derive(Clone, Debug, Default)]
struct Guess {
    seen: bool,
    /// By position in [`CANDIDATES`].
    refuted: [bool; CANDIDATES.len()],
}

type Fits = fn(&str) -> bool;

const CANDIDATES: [(Type, Fits); 6] = [
    (Type::Bool, |text| matches!(text, "true" | "false" | "TRUE" | "FALSE" | "True" | "False" | "t" | "f")),
    (Type::Int8, |text| plain_integer(text) && text.parse::<i64>().is_ok()),
    (Type::Float8, |text| !leading_zero(text) && text.parse::<f64>().is_ok()),
    (Type::Date, |text| text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()),
    (Type::Timestamp, |text| naive(text)),
    (Type::Timestamptz, |text| zoned(text)),
];

impl Guess {
    fn see(&mut self, text: &str) {
        self.seen = true;
        for ((_, fits), refuted) in CANDIDATES.iter().zip(&mut self.refuted) {
            *refuted = *refuted || !fits(text);
        }
    }

    fn ty(&self) -> Type {
        let fitting = CANDIDATES.iter().zip(self.refuted).find(|(_, refuted)| self.seen && !refuted);
        fitting.map_or(Type::Text, |((ty, _), _)| ty.clone())
    }
}

/// `00501` is no number but a code that looks like one.
fn leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit()
}

fn plain_integer(text: &str) -> bool {
    !leading_zero(text)
}

fn naive(text: &str) -> bool {
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
}

fn zoned(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
        || ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"]
            .iter()
            .any(|form| DateTime::parse_from_str(text, form).is_ok())
}

fn json_columns(bytes: &[u8], whole: bool) -> Result<Vec<ExternalColumn>> {
    let mut lines = Lines::default();
    lines.push(bytes);
    let mut columns: Map<String, Value> = Map::new();
    let mut types: BTreeMap<String, Type> = BTreeMap::new();
    for _ in 0..SAMPLE_ROWS {
        let Some((number, line)) = lines.next(whole) else { break };
        let Some(object) = object(&line).map_err(|error| error.detail(format!("line {number}")))? else { continue };
        for (key, value) in object {
            if let Some(ty) = json_type(&value) {
                let ty = types.get(&key).map_or(ty.clone(), |known| common(known, &ty));
                types.insert(key.clone(), ty);
            }
            // Keeps the order in which keys came.
            columns.entry(key).or_insert(Value::Null);
        }
    }
    let ty = |key: &String| types.get(key).cloned().unwrap_or(Type::Text);
    Ok(columns.into_iter().map(|(key, _)| (key.clone(), ty(&key), true)).collect())
}

fn json_type(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Type::Bool,
        Value::Number(number) if number.is_i64() => Type::Int8,
        Value::Number(_) => Type::Float8,
        Value::String(_) => Type::Text,
        Value::Object(_) => Type::Json,
        Value::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => Type::Json,
        Value::Array(items) => {
            let types = items.iter().filter_map(json_type);
            Type::Array(Box::new(types.reduce(|a, b| common(&a, &b)).unwrap_or(Type::Text)))
        }
    })
}

/// A type that holds the values of both.
fn common(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (Type::Int8 | Type::Float8, Type::Int8 | Type::Float8) => Type::Float8,
        (Type::Array(a), Type::Array(b)) => Type::Array(Box::new(common(a, b))),
        (Type::Json | Type::Array(_), _) | (_, Type::Json | Type::Array(_)) => Type::Json,
        _ => Type::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(columns: Result<Vec<ExternalColumn>>) -> String {
        let columns = columns.unwrap().into_iter().map(|(name, ty, _)| format!("{name} {ty}"));
        columns.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn csv_columns_have_the_narrowest_type_that_fits() {
        let csv = "\u{feff}n,f,zip,d,at,atz,b,t,none\n1,1.5,00501,2026-01-01,2026-01-01 00:00:00,2026-01-01T00:00:00Z,t,x,\n\
                   -2,3,10001,2026-02-28,2026-01-01T01:00:00.5,2026-01-01 00:00:00+02,false,,\n";
        assert_eq!(
            print(csv_columns(csv.as_bytes(), true, dialect(&BTreeMap::new()).unwrap())),
            "n bigint, f double precision, zip text, d date, at timestamp without time zone, \
             atz timestamp with time zone, b boolean, t text, none text"
        );
        let bare = BTreeMap::from([("header".to_string(), "false".to_string())]);
        assert_eq!(print(csv_columns(b"1,a\n", true, dialect(&bare).unwrap())), "column1 bigint, column2 text");
        assert!(csv_columns(b"a,a\n", true, dialect(&BTreeMap::new()).unwrap()).is_err());
    }

    #[test]
    fn json_columns_come_in_the_order_of_their_keys() {
        let json = "{\"z\": 1, \"a\": null, \"l\": [1, 2.5], \"o\": {}}\n\n{\"z\": 2.5, \"a\": \"x\", \"m\": true, \"l\": [[]]}\n";
        assert_eq!(print(json_columns(json.as_bytes(), true)), "z double precision, a text, l json, o json, m boolean");
        let error = json_columns(b"{}\n[1]\n", true).unwrap_err();
        assert_eq!((error.message.as_str(), error.detail.as_deref()), ("a line is not a JSON object", Some("line 2")));
    }
}

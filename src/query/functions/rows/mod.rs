//! PostgreSQL's functions that DataFusion lacks, or answers differently: one list, each entry its
//! signature and what it answers for one row.

mod array;
mod array_item;
mod bits;
mod clock;
mod json_build;
mod json_change;
mod json_path;
mod json_read;
mod network;
mod number;
mod order;
mod pattern;
mod percentile;
mod quote;
mod regex;
mod series;
mod span;
mod text;
mod wanted;
mod zoned;

pub use array_item::{flattened, innermost};
pub use clock::rounded;
pub use json_build::row_name;
pub use order::is_ordered_apart;

use super::cast::Cast;
use super::missing::argument_type;
use crate::base::value::{Style, Zone, text_of};
use crate::base::{Error, Kind, Result, Textual, Type};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, UInt32Array};
use datafusion::arrow::compute::{cast, concat, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use wanted::Wanted;

/// A signature as PostgreSQL writes it, and what it answers; `None` is NULL.
///
/// `any` takes every type and `variadic any` any number of them; `anyarray` takes arrays. As a result, `anyelement`
/// is the type of the first array's items or else of the first `any`, `anyarray` that of the first array, `json`
/// that of the first argument when it is `json` or `jsonb`. `setof t` is a list that stands for as many rows.
type Entry = (&'static str, fn(&Row<'_>) -> Result<Option<ScalarValue>>);

const GROUPS: &[&[Entry]] = &[
    array::ALL,
    array_item::ALL,
    bits::ALL,
    clock::ALL,
    json_build::ALL,
    json_change::ALL,
    json_path::ALL,
    json_read::ALL,
    network::ALL,
    number::ALL,
    order::ALL,
    pattern::ALL,
    percentile::ALL,
    quote::ALL,
    regex::ALL,
    series::ALL,
    span::ALL,
    text::ALL,
    zoned::ALL,
];

/// Functions that answer something for NULL; all others answer NULL.
const NOT_STRICT: &[&str] = &[
    "array_fill",
    "array_position",
    "array_positions",
    "array_remove",
    "array_replace",
    "daterange",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "format",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "num_nonnulls",
    "num_nulls",
    "percentile_disc of",
    "quote_nullable",
    "mode of",
    "json_agg of",
    "jsonb_agg of",
    "json_object_agg of",
    "jsonb_set_lax",
    "jsonb_object_agg of",
];

/// One call for one row.
pub(super) struct Row<'a> {
    pub values: &'a [ScalarValue],
    pub types: &'a [Type],
    pub zone: Tz,
}

impl Row<'_> {
    fn int(&self, at: usize) -> i64 {
        match self.values.get(at) {
            Some(ScalarValue::Int64(Some(value))) => *value,
            Some(ScalarValue::Int32(Some(value))) => i64::from(*value),
            Some(ScalarValue::Int16(Some(value))) => i64::from(*value),
            _ => 0,
        }
    }

    fn real(&self, at: usize) -> f64 {
        match self.values.get(at) {
            Some(ScalarValue::Float64(Some(value))) => *value,
            _ => 0.0,
        }
    }

    fn bool(&self, at: usize) -> bool {
        matches!(self.values.get(at), Some(ScalarValue::Boolean(Some(true))))
    }

    fn text(&self, at: usize) -> &str {
        self.values.get(at).and_then(|value| value.try_as_str().flatten()).unwrap_or_default()
    }

    fn is_null(&self, at: usize) -> bool {
        self.values.get(at).is_none_or(ScalarValue::is_null)
    }

    /// The items of an array; `None` when it is NULL.
    fn items(&self, at: usize) -> Option<ArrayRef> {
        match self.values.get(at)? {
            ScalarValue::List(list) if !list.is_null(0) => Some(list.value(0)),
            _ => None,
        }
    }

    fn texts(&self, at: usize) -> Result<Vec<Option<String>>> {
        let Some(items) = self.items(at) else { return Ok(vec![]) };
        (0..items.len()).map(|row| text_at(&items, row)).collect()
    }

    /// As a client sees it.
    fn shown(&self, at: usize) -> Result<Option<String>> {
        match (self.values.get(at), self.types.get(at)) {
            (Some(value), Some(ty)) if !value.is_null() => text_of(value, ty, &self.style()),
            _ => Ok(None),
        }
    }

    fn style(&self) -> Style {
        Style { zone: Zone::Named(self.zone), ..Style::default() }
    }
}

fn text_at(items: &ArrayRef, row: usize) -> Result<Option<String>> {
    let value = ScalarValue::try_from_array(items, row)?;
    Ok(value.try_as_str().flatten().map(str::to_string))
}

fn text(text: impl Into<String>) -> Result<Option<ScalarValue>> {
    Ok(Some(ScalarValue::Utf8(Some(text.into()))))
}

fn int(value: usize) -> Result<Option<ScalarValue>> {
    Ok(Some(ScalarValue::Int32(i32::try_from(value).ok())))
}

fn bool(value: bool) -> Result<Option<ScalarValue>> {
    Ok(Some(ScalarValue::Boolean(Some(value))))
}

/// A list of items of a type.
fn list(items: Vec<ScalarValue>, ty: &DataType) -> ScalarValue {
    ScalarValue::List(ScalarValue::new_list(&items, ty, true))
}

fn texts(items: impl IntoIterator<Item = Option<String>>) -> ScalarValue {
    list(items.into_iter().map(ScalarValue::Utf8).collect(), &DataType::Utf8)
}

/// All functions of one name.
struct Overloads {
    name: &'static str,
    overloads: Vec<Overload>,
}

struct Overload {
    arguments: Vec<Wanted>,
    variadic: bool,
    result: Wanted,
    set: bool,
    body: fn(&Row<'_>) -> Result<Option<ScalarValue>>,
}

fn all() -> &'static BTreeMap<&'static str, Overloads> {
    static ALL: LazyLock<BTreeMap<&'static str, Overloads>> = LazyLock::new(|| {
        let mut all = BTreeMap::new();
        for (signature, body) in GROUPS.iter().copied().flatten() {
            if let Some((name, overload)) = read(signature, *body) {
                all.entry(name).or_insert_with(|| Overloads { name, overloads: vec![] }).overloads.push(overload);
            }
        }
        all
    });
    &ALL
}

fn read(
    signature: &'static str,
    body: fn(&Row<'_>) -> Result<Option<ScalarValue>>,
) -> Option<(&'static str, Overload)> {
    let (name, rest) = signature.split_once('(')?;
    let (arguments, result) = rest.split_once(") ")?;
    let variadic = arguments.contains("variadic");
    let arguments = arguments.split(',').filter(|text| !text.trim().is_empty()).map(Wanted::parse);
    let (set, result) = match result.strip_prefix("setof ") {
        Some(result) => (true, result),
        None => (false, result),
    };
    let arguments = arguments.collect::<Option<_>>()?;
    Some((name, Overload { arguments, variadic, result: Wanted::parse(result)?, set, body }))
}

/// The function of a name, in a session's zone.
pub fn function(name: &str, zone: &str) -> Option<Arc<ScalarUDF>> {
    let overloads = all().get(name)?;
    let volatility = if name.ends_with(" of") { Volatility::Immutable } else { Volatility::Stable };
    let signature = Signature::user_defined(volatility);
    let zone = zone.parse().unwrap_or(Tz::UTC);
    Some(Arc::new(ScalarUDF::from(Function { overloads, zone, signature })))
}

/// Names that a misspelt one may have meant.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().keys().copied()
}

/// Whether a call stands for several rows.
pub fn is_set(name: &str) -> bool {
    all().get(name).is_some_and(|function| function.overloads.iter().any(|overload| overload.set))
}

struct Function {
    overloads: &'static Overloads,
    zone: Tz,
    signature: Signature,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.overloads.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.overloads.name == other.overloads.name && self.zone == other.zone
    }
}

impl Eq for Function {}

impl std::hash::Hash for Function {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.overloads.name.hash(state);
        self.zone.hash(state);
    }
}

impl Function {
    fn overload(&self, given: &[DataType]) -> Result<&'static Overload> {
        let score = |overload: &Overload| {
            let fixed = overload.arguments.len() - usize::from(overload.variadic);
            if given.len() < fixed || (!overload.variadic && given.len() != fixed) {
                return None;
            }
            let wanted = overload.arguments.iter().take(fixed);
            wanted.zip(given).map(|(wanted, given)| wanted.fits(given)).sum::<Option<u32>>()
        };
        let scored = self.overloads.overloads.iter().filter_map(|overload| Some((score(overload)?, overload)));
        // The first of equals, so that the order of the list decides.
        let best = scored.rev().max_by_key(|(score, _)| *score).map(|(_, overload)| overload);
        best.ok_or_else(|| {
            let types: Vec<_> = given.iter().map(argument_type).collect();
            let name = self.overloads.name.trim_end_matches(" of");
            Error::new(Kind::UndefinedFunction, format!("function {name}({}) does not exist", types.join(", "))).hint(
                "No function matches the given name and argument types. You might need to add explicit type casts."
                    .to_string(),
            )
        })
    }

    fn result(&self, overload: &Overload, given: &[FieldRef]) -> Type {
        let types: Vec<_> = given.iter().map(|field| Type::of(field)).collect();
        let array = types.iter().find_map(Type::as_array);
        let ty = match &overload.result {
            Wanted::Of(ty) => ty.clone(),
            Wanted::Array | Wanted::Any => array.unwrap_or(Type::Array(Box::new(Type::Text))),
            Wanted::Element => match array {
                Some(Type::Array(element)) => *element,
                // Of what length bits become is not told by their type.
                _ => match types.first() {
                    Some(Type::Textual(ty)) => Type::Textual(ty.plain()),
                    first => first.cloned().unwrap_or(Type::Text),
                },
            },
            Wanted::Bound => match types.first() {
                Some(Type::Textual(Textual::Range(span) | Textual::Multirange(span))) => span.element(),
                _ => Type::Text,
            },
            Wanted::Range => match types.first() {
                Some(Type::Textual(Textual::Multirange(span))) => Type::Textual(Textual::Range(*span)),
                _ => Type::Text,
            },
            Wanted::Multirange => match array {
                Some(Type::Array(element)) => match *element {
                    Type::Textual(Textual::Range(span)) => Type::Textual(Textual::Multirange(span)),
                    other => other,
                },
                _ => Type::Text,
            },
            Wanted::Json => match types.first() {
                Some(Type::Jsonb) => Type::Jsonb,
                Some(Type::Json) => Type::Json,
                _ if self.overloads.name.starts_with("json_") => Type::Json,
                _ => Type::Jsonb,
            },
        };
        if overload.set { Type::Array(Box::new(ty)) } else { ty }
    }

    fn arguments(&self, overload: &Overload, args: &ScalarFunctionArgs) -> Result<(Vec<ArrayRef>, Vec<Type>)> {
        let mut arrays = vec![];
        let mut types = vec![];
        for (at, (value, field)) in args.args.iter().zip(&args.arg_fields).enumerate() {
            let given = Type::of(field);
            let array = value.to_array(args.number_rows)?;
            match overload.arguments.get(at) {
                Some(Wanted::Of(ty)) if *ty != given => {
                    let numbers = matches!(ty, Type::Numeric(None)) && given.arrow().is_decimal();
                    let ty = if numbers { given } else { ty.clone() };
                    arrays.push(Cast::new(ty.clone(), self.zone.name()).array(&array)?);
                    types.push(ty);
                }
                _ => {
                    arrays.push(array);
                    types.push(given);
                }
            }
        }
        Ok((arrays, types))
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.overloads.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        self.overload(given)?;
        Ok(given.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        internal_err!("the type of {} is told by its arguments' fields", self.overloads.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let overload = self.overload(&types)?;
        if let Some(pairs) = json_read::pairs(self.overloads.name) {
            return Ok(Arc::new(Field::new(self.overloads.name, pairs, true)));
        }
        Ok(Arc::new(self.result(overload, args.arg_fields).field(self.overloads.name, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let overload = self.overload(&types)?;
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let number_rows = args.number_rows;
        let rows = if scalar { 1 } else { number_rows };
        let args = ScalarFunctionArgs { number_rows: rows, ..args };
        let (arrays, types) = self.arguments(overload, &args)?;
        let strict = !NOT_STRICT.contains(&self.overloads.name);
        let null = ScalarValue::try_from(args.return_field.data_type())?;
        let row = |row: usize| -> DataFusionResult<ScalarValue> {
            let values = arrays
                .iter()
                .map(|array| ScalarValue::try_from_array(array, row))
                .collect::<DataFusionResult<Vec<_>>>()?;
            if strict && values.iter().any(ScalarValue::is_null) {
                return Ok(null.clone());
            }
            let value = (overload.body)(&Row { values: &values, types: &types, zone: self.zone })?;
            let Some(value) = value else { return Ok(null.clone()) };
            Ok(value)
        };
        let wanted = args.return_field.data_type();
        let values = (0..rows).map(row).collect::<DataFusionResult<Vec<_>>>()?;
        if !scalar
            && !values.is_empty()
            && !wanted.is_nested()
            && values.iter().all(|value| value.data_type() == *wanted)
        {
            return Ok(ColumnarValue::Array(ScalarValue::iter_to_array(values)?));
        }
        // Each is cast by itself, because lists of no items do not say of what.
        let arrays = values.iter().map(|value| {
            let array = value.to_array()?;
            if array.data_type() == wanted { Ok(array) } else { Ok(cast(&array, wanted)?) }
        });
        let arrays = arrays.collect::<DataFusionResult<Vec<_>>>()?;
        match arrays.as_slice() {
            [] => Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(wanted))),
            [array] if scalar && !wanted.is_nested() => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(array, 0)?))
            }
            // A scalar would forget what its items are.
            [array] if scalar => {
                let all = UInt32Array::from(vec![0; number_rows]);
                Ok(ColumnarValue::Array(take(array, &all, None)?))
            }
            arrays => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
                Ok(ColumnarValue::Array(concat(&arrays)?))
            }
        }
    }
}

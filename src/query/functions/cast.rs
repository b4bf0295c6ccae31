//! Casts with Postgres' meaning: what rounds, which zone a timestamp is in, what text looks like.

use super::{cast_textual, text, text_array};
use crate::base::types::NUMERIC_DEFAULT;
use crate::base::value::{Style, Zone, read_text};
use crate::base::{Error, Kind, Result, Type};
use crate::query::operators::name_of;
use chrono::DateTime;
use chrono_tz::Tz;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, expr,
};
use std::sync::Arc;

/// A cast to a type, in a session's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cast {
    ty: Type,
    zone: Tz,
    name: String,
    signature: Signature,
}

impl Cast {
    pub fn new(ty: Type, zone: &str) -> Self {
        let name = format!("to {}", ty.to_string().replace('"', ""));
        let zone = zone.parse().unwrap_or(Tz::UTC);
        Cast { ty, zone, name, signature: Signature::any(1, Volatility::Stable) }
    }

    pub fn function(self) -> ScalarUDF {
        ScalarUDF::from(self)
    }

    /// The cast of one value.
    pub fn value(&self, value: &ScalarValue) -> Result<ScalarValue> {
        if value.is_null() {
            return Ok(ScalarValue::try_from(self.ty.arrow())?);
        }
        let array = self.array(&value.to_array()?)?;
        Ok(ScalarValue::try_from_array(&array, 0)?)
    }

    /// The cast of every value.
    pub fn array(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if let DataType::Dictionary(_, values) = array.data_type() {
            return self.array(&plain(array, values)?);
        }
        match (&self.ty, array.data_type()) {
            (_, DataType::Null) => plain(array, &self.ty.arrow()),
            (Type::Textual(ty), from) if !is_text(from) && !from.is_list() => {
                cast_textual::of(array, *ty, self.zone).and_then(|texts| self.checked(&texts))
            }
            (Type::Interval, DataType::Time64(_)) => cast_textual::interval_of_time(array),
            (Type::Time, DataType::Interval(_)) => cast_textual::time_of_interval(array),
            (Type::Numeric(_), DataType::Float32) => self.array(&cast_textual::six_digits(array)),
            (
                Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid,
                DataType::Float16 | DataType::Float32 | DataType::Float64,
            ) => self.rounded(array),
            (Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid, from) if from.is_decimal() => {
                plain(&plain(array, &DataType::Decimal256(76, 0))?, &self.ty.arrow()).map_err(|_| self.out_of_range())
            }
            (Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4, from) if from.is_numeric() => {
                plain(array, &self.ty.arrow()).map_err(|_| self.out_of_range())
            }
            (Type::Numeric(digits), from) if from.is_numeric() => plain(array, &self.ty.arrow()).map_err(|_| {
                let (precision, scale) = digits.unwrap_or(NUMERIC_DEFAULT);
                Error::new(Kind::NumericOutOfRange, "numeric field overflow")
                    .detail(format!("a field with precision {precision}, scale {scale} cannot hold the value"))
            }),
            (ty, from) if is_text(&ty.arrow()) && !matches!(ty, Type::Array(_)) => {
                let texts = if is_text(from) { plain(array, &DataType::Utf8)? } else { text::of(array, self.zone)? };
                self.checked(&texts)
            }
            (_, from) if is_text(from) => self.read(array),
            (Type::Timestamptz, DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64) => {
                let local = plain(array, &Type::Timestamp.arrow())?;
                in_zone(&local, self.zone)
            }
            (Type::Timestamp | Type::Date | Type::Time, DataType::Timestamp(_, Some(_))) => {
                plain(&local(array, self.zone)?, &self.ty.arrow())
            }
            (Type::Array(element), DataType::List(_)) => {
                let list = array.as_list::<i32>();
                let ty = if list.value_type().is_list() { self.ty.clone() } else { (**element).clone() };
                let values = Cast { ty, ..self.clone() }.array(list.values())?;
                let list = datafusion::arrow::array::ListArray::try_new(
                    Arc::new(Field::new("item", values.data_type().clone(), true)),
                    list.offsets().clone(),
                    values,
                    list.nulls().cloned(),
                )?;
                Ok(Arc::new(list))
            }
            _ => plain(array, &self.ty.arrow()).map_err(|_| self.impossible(array.data_type())),
        }
    }

    /// Floats to integers: the nearest, halves to even.
    fn rounded(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let rounded: ArrayRef = match array.data_type() {
            DataType::Float32 => {
                Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even)) as _
            }
            _ => {
                let wide = plain(array, &DataType::Float64)?;
                Arc::new(wide.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
            }
        };
        plain(&rounded, &self.ty.arrow()).map_err(|_| self.out_of_range())
    }

    /// Text of a type that is held as text: is it one?
    fn checked(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let check: &dyn Fn(&str) -> Result<String> = match &self.ty {
            Type::Uuid => &|text| match read_text(text, &Type::Uuid, &Style::default())? {
                ScalarValue::Utf8(Some(id)) => Ok(id),
                _ => Err(self.invalid(text)),
            },
            Type::Textual(ty) => &|text| cast_textual::checked(text, *ty, self.zone),
            Type::InternalChar => &|text| Ok(text.chars().take(1).collect()),
            Type::Json => &|text| {
                serde_json::from_str::<serde::de::IgnoredAny>(text)
                    .map_err(|error| self.invalid(text).detail(error.to_string()))?;
                Ok(text.to_string())
            },
            Type::Jsonb => &|text| {
                let value: serde_json::Value =
                    serde_json::from_str(text).map_err(|error| self.invalid(text).detail(error.to_string()))?;
                if text.contains("\\u0000") && cast_textual::has_nul(&value) {
                    return Err(Error::new(Kind::UntranslatableCharacter, "unsupported Unicode escape sequence")
                        .detail("\\u0000 cannot be converted to text"));
                }
                Ok(text::json(&value))
            },
            Type::Varchar(Some(n)) => &|text| Ok(text.chars().take(*n as usize).collect()),
            Type::Char(Some(n)) => &|text| {
                let n = *n as usize;
                let cut: String = text.chars().take(n).collect();
                Ok(format!("{cut}{}", " ".repeat(n - cut.chars().count())))
            },
            Type::Name => &|text| Ok(crate::query::rewrite::cut(text).to_string()),
            _ => return Ok(texts.clone()),
        };
        let texts = texts.as_string::<i32>();
        let checked: StringArray = texts.iter().map(|text| text.map(check).transpose()).collect::<Result<_>>()?;
        Ok(Arc::new(checked))
    }

    /// Text to a type that is not held as text.
    fn read(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let texts = plain(array, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        match &self.ty {
            Type::Bytea => text::bytea(texts).map_err(|text| self.invalid(&text)),
            Type::Timestamptz => text::timestamptz(texts, self.zone).or_else(|_| self.one_by_one(texts)),
            Type::Timestamp => text::timestamp(texts).or_else(|_| self.one_by_one(texts)),
            Type::Array(element) => {
                let cast = Cast { ty: (**element).clone(), ..self.clone() };
                text_array::array(texts, |items| cast.array(items)).map_err(|error| match error {
                    text_array::ArrayError::Malformed(text) => {
                        Error::new(Kind::InvalidText, format!("malformed array literal: \"{text}\""))
                    }
                    text_array::ArrayError::Element(error) => error,
                })
            }
            Type::Float4 | Type::Float8 => {
                let floats: Float64Array =
                    texts.iter().map(|text| text.map(|text| self.float(text)).transpose()).collect::<Result<_>>()?;
                match self.ty {
                    Type::Float4 => Ok(Arc::new(Float32Array::from_iter(
                        floats.iter().map(|value| value.map(|value| value as f32)),
                    ))),
                    _ => Ok(Arc::new(floats)),
                }
            }
            Type::Interval => self.one_by_one(texts),
            _ => {
                // Arrow takes digits alone for a time in seconds.
                let digits = |text: &str| !text.contains(':');
                if self.ty == Type::Time && texts.iter().flatten().any(digits) {
                    return self.one_by_one(texts);
                }
                let trimmed: StringArray = texts.iter().map(|text| text.map(str::trim)).collect();
                let trimmed: ArrayRef = Arc::new(trimmed);
                match plain(&trimmed, &self.ty.arrow()) {
                    Err(_) if matches!(self.ty, Type::Date | Type::Time) => self.one_by_one(texts),
                    read => read.map_err(|error| self.first_bad(&trimmed, error)),
                }
            }
        }
    }

    fn float(&self, text: &str) -> Result<f64> {
        let value: f64 = text.trim().parse().map_err(|_| self.invalid(text))?;
        // Infinity is what was said, not what did not fit.
        match value.is_infinite() && !text.to_lowercase().contains("inf") {
            true => {
                let message = format!("\"{}\" is out of range for type {}", text.trim(), self.ty);
                Err(Error::new(Kind::NumericOutOfRange, message))
            }
            false => Ok(value),
        }
    }

    /// As a client types them; slower than Arrow, and knows more forms.
    fn one_by_one(&self, texts: &StringArray) -> Result<ArrayRef> {
        let style = Style { zone: Zone::Named(self.zone), ..Style::default() };
        let null = ScalarValue::try_from(&self.ty.arrow())?;
        let values = texts.iter().map(|text| match text {
            Some(text) => read_text(text, &self.ty, &style),
            None => Ok(null.clone()),
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        match values.is_empty() {
            true => Ok(datafusion::arrow::array::new_empty_array(&self.ty.arrow())),
            false => Ok(ScalarValue::iter_to_array(values)?),
        }
    }

    /// The error of a column as that of the first value that cannot be read.
    fn first_bad(&self, texts: &ArrayRef, error: Error) -> Error {
        let strings = texts.as_string::<i32>();
        let bad = (0..strings.len())
            .find(|row| strings.is_valid(*row) && plain(&texts.slice(*row, 1), &self.ty.arrow()).is_err());
        match (bad.map(|row| strings.value(row)), &self.ty) {
            (Some(text), Type::Date | Type::Time | Type::Interval) => self.invalid_time(text),
            (Some(text), Type::Int2 | Type::Int4 | Type::Int8) if text.parse::<i128>().is_ok() => {
                Error::new(Kind::NumericOutOfRange, format!("value \"{text}\" is out of range for type {}", self.ty))
            }
            (Some(text), Type::Numeric(Some((precision, scale)))) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                Error::new(Kind::NumericOutOfRange, "numeric field overflow")
                    .detail(format!("a field with precision {precision}, scale {scale} cannot hold the value"))
            }
            (Some(text), _) => self.invalid(text),
            (None, _) => error,
        }
    }

    fn invalid(&self, text: &str) -> Error {
        Error::new(Kind::InvalidText, format!("invalid input syntax for type {}: \"{text}\"", self.ty))
    }

    fn invalid_time(&self, text: &str) -> Error {
        Error { kind: Kind::InvalidDatetime, ..self.invalid(text) }
    }

    fn out_of_range(&self) -> Error {
        Error::new(Kind::NumericOutOfRange, format!("{} out of range", self.ty))
    }

    fn impossible(&self, from: &DataType) -> Error {
        let from = Type::from_arrow(from);
        Error::new(Kind::CannotCoerce, format!("cannot cast type {} to {}", name_of(&from), name_of(&self.ty)))
    }

    /// Whether Arrow's own cast means the same, which more of the planner understands.
    fn is_plain(&self, from: &DataType) -> bool {
        match &self.ty {
            Type::Int2 | Type::Int4 | Type::Int8 => {
                from.is_signed_integer() && from.primitive_width() <= self.ty.arrow().primitive_width()
            }
            Type::Float8 => from.is_numeric(),
            Type::Float4 => from.is_integer() || from.is_floating(),
            Type::Numeric(_) => from.is_integer(),
            Type::Text => is_text(from),
            Type::Date => matches!(from, DataType::Date32 | DataType::Timestamp(_, None)),
            Type::Timestamp => matches!(from, DataType::Date32 | DataType::Timestamp(_, None)),
            Type::Timestamptz => {
                matches!(from, DataType::Timestamp(_, Some(_)))
                    || (self.zone == Tz::UTC && matches!(from, DataType::Timestamp(_, None)))
            }
            _ => false,
        }
    }
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(self.ty.arrow())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let from = &args.arg_fields[0];
        if !possible(from.data_type(), &self.ty.arrow()) {
            return Err(self.impossible(from.data_type()).into());
        }
        if self.ty == Type::Numeric(None) && matches!(from.data_type(), DataType::Decimal128(..)) {
            return Ok(Arc::new(Field::new(&self.name, from.data_type().clone(), from.is_nullable())));
        }
        let field = self.ty.field(&self.name, from.is_nullable());
        let held = cast_textual::deep(&self.ty, from.data_type());
        Ok(Arc::new(field.with_data_type(held)))
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        match info.get_data_type(&args[0]) {
            Ok(from) if args.len() == 1 && self.is_plain(&from) && self.ty != Type::Text => {
                let field = Arc::new(self.ty.field(&self.name, true));
                let cast = expr::Cast::new_from_field(Box::new(args.remove(0)), field);
                Ok(ExprSimplifyResult::Simplified(Expr::Cast(cast)))
            }
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        // A number keeps the digits that it has.
        if self.ty == Type::Numeric(None) && args.args[0].data_type().is_decimal() {
            return Ok(args.args[0].clone());
        }
        if Type::of(&args.arg_fields[0]).is_reference() {
            let array = cast_textual::named(&args.args[0].to_array(args.number_rows)?, self.ty == Type::Oid)?;
            return Ok(ColumnarValue::Array(self.array(&array)?));
        }
        let from = Type::of(&args.arg_fields[0]);
        if from.is_vector() && is_text(&self.ty.arrow()) {
            let array = cast_textual::spaced(&args.args[0].to_array(args.number_rows)?, &from)?;
            return Ok(ColumnarValue::Array(self.array(&array)?));
        }
        match &args.args[0] {
            ColumnarValue::Scalar(value) => Ok(ColumnarValue::Scalar(self.value(value)?)),
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(self.array(array)?)),
        }
    }
}

/// Whether Postgres, too, would try.
fn possible(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    let from = match from {
        Dictionary(_, values) => values,
        from => from,
    };
    match (from, to) {
        (Null, _) => true,
        (from, to) if is_text(from) || is_text(to) => true,
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (Boolean, Int32) | (Int32, Boolean) | (Boolean, Boolean) => true,
        (Date32 | Date64 | Timestamp(..), Date32 | Timestamp(..)) => true,
        (Timestamp(..) | Time32(_) | Time64(_), Time64(_)) => true,
        (Interval(_) | Duration(_) | Time64(_), Interval(_)) | (Interval(_), Time64(_)) => true,
        (Time32(_), Interval(_)) => true,
        (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (List(_) | LargeList(_) | FixedSizeList(..), List(_)) => true,
        _ => false,
    }
}

fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Arrow's cast, with an error for what does not fit.
pub(super) fn plain(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(array, to, &options)?)
}

/// Timestamps of a wall clock in `zone` as instants.
pub(super) fn in_zone(local: &ArrayRef, zone: Tz) -> Result<ArrayRef> {
    let zoned = DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, Some(zone.name().into()));
    plain(&plain(local, &zoned)?, &Type::Timestamptz.arrow())
}

/// Instants as timestamps of a wall clock in `zone`.
pub(super) fn local(instants: &ArrayRef, zone: Tz) -> Result<ArrayRef> {
    let instants = plain(instants, &Type::Timestamptz.arrow())?;
    let wall = |micros: i64| {
        let at = DateTime::from_timestamp_micros(micros)?.with_timezone(&zone).naive_local();
        Some(at.and_utc().timestamp_micros())
    };
    let local: TimestampMicrosecondArray = instants
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .map(|micros| micros.map(|micros| wall(micros).ok_or_else(out_of_range)).transpose())
        .collect::<Result<_>>()?;
    Ok(Arc::new(local))
}

fn out_of_range() -> Error {
    Error::new(Kind::DatetimeOverflow, "timestamp out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<ScalarValue>, ty: &str, expected: &str) {
        let cast = Cast::new(Type::parse(ty).unwrap(), "America/New_York");
        let shown = match cast.value(&value.into()) {
            Ok(value) => value.to_string(),
            Err(error) => format!("{}: {}", error.sqlstate(), error.message),
        };
        assert_eq!(shown, expected, "{ty}");
    }

    #[test]
    fn casts_mean_what_they_mean_in_postgres() {
        check(2.5f64, "int4", "2");
        check(3.5f64, "int4", "4");
        check(3e10f64, "int4", "22003: integer out of range");
        check(ScalarValue::Decimal128(Some(25), 2, 1), "int4", "3");
        check(" 12 ", "int8", "12");
        check("abc", "int4", "22P02: invalid input syntax for type integer: \"abc\"");
        check("99999999999", "int4", "22003: value \"99999999999\" is out of range for type integer");
        check("1e3", "float8", "1000");
        check(true, "text", "true");
        check(1.0f64, "text", "1");
        check(0.1f32, "text", "0.1");
        check("abcdef", "varchar(3)", "abc");
        check("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
        check("x", "uuid", "22P02: invalid input syntax for type uuid: \"x\"");
        check("{\"a\": 1", "json", "22P02: invalid input syntax for type json: \"{\"a\": 1\"");
        check("{\"bb\":1,\"a\":[1,2]}", "jsonb", "{\"a\": [1, 2], \"bb\": 1}");
        check("2024-02-30", "date", "22008: date/time field value out of range: \"2024-02-30\"");
        check(ScalarValue::TimestampMicrosecond(Some(0), Some("UTC".into())), "text", "1969-12-31 19:00:00-05");
        check(ScalarValue::TimestampMicrosecond(Some(1_500_000), None), "text", "1970-01-01 00:00:01.5");
        check("{1,NULL,3}", "int4[]", "[1, , 3]");
    }
}

//! Casts as functions with Postgres' meaning.

use super::{Rewriter, call};
use crate::base::{Error, Kind, Result, Textual, Type};
use crate::query::functions::cast::Cast;
use crate::query::operators::decimal;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, DateTimeField, ExactNumberInfo, Expr, ObjectName, Spanned, TypedString,
    Value, ValueWithSpan,
};

impl Rewriter<'_> {
    /// `x::type`, `CAST(x AS type)`, `date '…'`, `x AT TIME ZONE z`, `x COLLATE c`
    pub(super) fn conversion(&mut self, expr: &mut Expr) -> Result<()> {
        let taken = std::mem::replace(expr, Expr::value(Value::Null));
        *expr = match taken {
            Expr::Cast { array: true, .. } | Expr::Cast { format: Some(_), .. } => {
                return Err(Error::unsupported("this form of CAST is not supported"));
            }
            Expr::Cast { kind: CastKind::TryCast | CastKind::SafeCast, .. } => {
                return Err(Error::unsupported("TRY_CAST is not supported"));
            }
            Expr::Cast { expr: inner, data_type, .. } => self.precise(&data_type, *inner)?,
            Expr::TypedString(TypedString { data_type, value, .. }) => self.precise(&data_type, Expr::Value(value))?,
            Expr::AtTimeZone { timestamp, time_zone } => call("timezone", vec![*time_zone, *timestamp]),
            Expr::Collate { expr, collation } => {
                self.collation(&collation)?;
                *expr
            }
            other => other,
        };
        Ok(())
    }

    /// `B'101'`, `X'1F'`
    pub(super) fn bits(&mut self, expr: &mut Expr) -> Result<()> {
        let at = self.offset(expr);
        let text = match expr {
            Expr::Value(ValueWithSpan { value: Value::SingleQuotedByteStringLiteral(text), .. }) => text.clone(),
            Expr::Value(ValueWithSpan { value: Value::HexStringLiteral(text), .. }) => format!("x{text}"),
            _ => return Ok(()),
        };
        let ty = Type::Textual(Textual::Bit(None));
        let value = Cast::new(ty.clone(), "UTC").value(&ScalarValue::from(text.as_str())).map_err(|e| e.at(at))?;
        *expr = self.constant(&format!("bits '{text}'"), &ty, value);
        Ok(())
    }

    /// `interval '1' year`, `interval '1 day'`
    pub(super) fn interval(&mut self, expr: &mut Expr) -> Result<()> {
        let Expr::Interval(interval) = expr else { return Ok(()) };
        let Some(Literal::Text(text)) = literal(&interval.value) else { return Ok(()) };
        let unit = match (&interval.leading_field, &interval.last_field) {
            (Some(_), Some(DateTimeField::Month))
                if text.split_once('-').is_some_and(|(years, _)| !years.is_empty()) =>
            {
                let (years, months) = text.split_once('-').unwrap_or_default();
                *interval.value = Expr::value(Value::SingleQuotedString(format!("{years} years {months} months")));
                return self.interval(expr);
            }
            (Some(unit), None) if text.trim().parse::<f64>().is_ok() => format!(" {unit}").to_lowercase(),
            _ => String::new(),
        };
        let at = self.offset(&interval.value);
        let whole = ScalarValue::from(format!("{text}{unit}"));
        let value = Cast::new(Type::Interval, self.context.time_zone()).value(&whole).map_err(|error| error.at(at))?;
        *expr = self.constant(&format!("interval '{text}{unit}'"), &Type::Interval, value);
        Ok(())
    }

    /// A cast to a type that may say how many digits its seconds have.
    fn precise(&mut self, data_type: &DataType, inner: Expr) -> Result<Expr> {
        let cast = self.cast_to(data_type, inner)?;
        let digits = match data_type {
            DataType::Timestamp(digits, _) | DataType::Time(digits, _) => *digits,
            DataType::Interval { precision, .. } => *precision,
            _ => None,
        };
        Ok(match digits {
            Some(digits) => call("rounded time", vec![cast, Expr::value(Value::Number(digits.to_string(), false))]),
            None => cast,
        })
    }

    fn cast_to(&mut self, data_type: &DataType, inner: Expr) -> Result<Expr> {
        let at = self.offset(&inner);
        let ty = sql_type(data_type).ok_or_else(|| unknown(data_type).at(self.type_offset(data_type).or(at)))?;
        match literal(&inner) {
            Some(Literal::Text(text)) if ty == Type::Numeric(None) && decimal(text).is_some() => {
                let value = decimal(text).unwrap_or(ScalarValue::Null);
                let ty = Type::from_arrow(&value.data_type());
                Ok(self.constant(&format!("numeric '{text}'"), &ty, value))
            }
            Some(Literal::Text(text)) if self.moment(&ty, text).is_some() => {
                let value = self.moment(&ty, text).unwrap_or(ScalarValue::Null);
                Ok(self.constant(&format!("{ty} '{text}'"), &ty, value))
            }
            Some(Literal::Text(text)) => {
                let cast = Cast::new(ty.clone(), self.context.time_zone());
                let value = cast.value(&ScalarValue::from(text)).map_err(|error| error.at(at))?;
                Ok(self.constant(&format!("{ty} '{text}'"), &ty, value))
            }
            Some(Literal::Parameter(number)) => {
                let known = self.parameter(number).get_or_insert_with(|| ty.clone());
                if *known == ty { Ok(inner) } else { Ok(self.cast(&ty, inner)) }
            }
            None => Ok(self.cast(&ty, inner)),
        }
    }

    /// Every text is ordered by its bytes, so a collation that is known changes nothing.
    fn collation(&self, name: &ObjectName) -> Result<()> {
        let last = super::parts(name).pop().unwrap_or_default();
        let known =
            ["default", "C", "POSIX", "ucs_basic", "C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8", "c", "posix"];
        if known.contains(&last.as_str()) {
            return Ok(());
        }
        Err(Error::new(Kind::UndefinedObject, format!("collation \"{last}\" for encoding \"UTF8\" does not exist"))
            .hint("every text is ordered by its bytes: COLLATE \"C\"".to_string())
            .at(self.places.offset(name.span().start)))
    }

    /// `now`, `today`, `tomorrow` and `yesterday`, by the clock of the statement.
    fn moment(&self, ty: &Type, text: &str) -> Option<ScalarValue> {
        let days = match text.trim().to_lowercase().as_str() {
            "now" | "today" => 0,
            "tomorrow" => 1,
            "yesterday" => -1,
            _ => return None,
        };
        let local = self.local() + chrono::Duration::days(days);
        let midnight = local.date().and_time(chrono::NaiveTime::MIN);
        let local = if text.trim().eq_ignore_ascii_case("now") { local } else { midnight };
        let value = ScalarValue::TimestampMicrosecond(Some(local.and_utc().timestamp_micros()), None);
        match ty {
            Type::Date | Type::Timestamp | Type::Timestamptz => {
                Cast::new(ty.clone(), self.context.time_zone()).value(&value).ok()
            }
            _ => None,
        }
    }

    fn type_offset(&self, data_type: &DataType) -> Option<usize> {
        match data_type {
            DataType::Custom(name, _) => self.places.offset(name.span().start),
            _ => None,
        }
    }
}

/// A type that there is not, or not here.
pub(in crate::query) fn unknown(data_type: &DataType) -> Error {
    let name = data_type.to_string().to_lowercase();
    let instead = match name.trim_end_matches("[]") {
        "money" => "numeric(19,2) holds amounts of money",
        "xml" | "tsvector" | "tsquery" => "text holds it as it is written",
        "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" => "double precision[] holds coordinates",
        "hstore" => "jsonb holds keys with values",
        _ => return Error::new(Kind::UndefinedObject, format!("type \"{name}\" does not exist")),
    };
    Error::unsupported(format!("type {name} is not supported")).hint(instead.to_string())
}

pub(super) enum Literal<'a> {
    Text(&'a str),
    Parameter(usize),
}

pub(super) fn literal(expr: &Expr) -> Option<Literal<'_>> {
    let Expr::Value(ValueWithSpan { value, .. }) = expr else {
        return match expr {
            Expr::Nested(inner) => literal(inner),
            _ => None,
        };
    };
    match value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(Literal::Text(text)),
        Value::DollarQuotedString(text) => Some(Literal::Text(&text.value)),
        Value::Placeholder(name) => {
            let number = name.strip_prefix('$')?.parse().ok()?;
            (1..=u16::MAX as usize).contains(&number).then_some(Literal::Parameter(number))
        }
        _ => None,
    }
}

/// The type that a type in a statement means.
pub(in crate::query) fn sql_type(data_type: &DataType) -> Option<Type> {
    match data_type {
        DataType::Float(ExactNumberInfo::Precision(digits)) if *digits <= 24 => Some(Type::Float4),
        DataType::Float(_) => Some(Type::Float8),
        // Without a length, one.
        DataType::Char(None) | DataType::Character(None) => Some(Type::Char(Some(1))),
        DataType::Bit(None) => Some(Type::Textual(Textual::Bit(Some(1)))),
        // Dimensions are a matter of the value.
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => match sql_type(element)? {
            array @ Type::Array(_) => Some(array),
            element => Some(Type::Array(Box::new(element))),
        },
        other => Type::parse(&other.to_string()),
    }
}

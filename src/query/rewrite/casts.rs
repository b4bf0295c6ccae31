//! Casts as functions with Postgres' meaning.

use super::{Rewriter, call};
use crate::base::{Error, Kind, Result, Type};
use crate::query::functions::cast::Cast;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Spanned, TypedString, Value, ValueWithSpan,
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
            Expr::Cast { expr: inner, data_type, .. } => self.cast_to(&data_type, *inner)?,
            Expr::TypedString(TypedString { data_type, value, .. }) => self.cast_to(&data_type, Expr::Value(value))?,
            Expr::AtTimeZone { timestamp, time_zone } => call("timezone", vec![*time_zone, *timestamp]),
            Expr::Collate { expr, .. } => *expr,
            other => other,
        };
        Ok(())
    }

    fn cast_to(&mut self, data_type: &DataType, inner: Expr) -> Result<Expr> {
        let at = self.offset(&inner);
        let ty = sql_type(data_type).ok_or_else(|| {
            Error::new(
                Kind::UndefinedObject,
                format!("type \"{}\" does not exist", data_type.to_string().to_lowercase()),
            )
            .at(self.type_offset(data_type).or(at))
        })?;
        match literal(&inner) {
            Some(Literal::Text(text)) => {
                let cast = Cast::new(ty.clone(), self.context.time_zone());
                let value = cast.value(&ScalarValue::from(text)).map_err(|error| error.at(at))?;
                Ok(self.constant(&format!("{} '{text}'", ty.internal_name()), &ty, value))
            }
            Some(Literal::Parameter(number)) => {
                let known = self.parameter(number).get_or_insert_with(|| ty.clone());
                if *known == ty { Ok(inner) } else { Ok(self.cast(&ty, inner)) }
            }
            None => Ok(self.cast(&ty, inner)),
        }
    }

    fn type_offset(&self, data_type: &DataType) -> Option<usize> {
        match data_type {
            DataType::Custom(name, _) => self.places.offset(name.span().start),
            _ => None,
        }
    }
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
        other => Type::parse(&other.to_string()),
    }
}

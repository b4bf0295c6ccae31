//! Calls whose answer is fixed before the statement is planned: what a run knows of itself,
//! the time, and who asks.

use super::{Rewriter, call, parts};
use crate::base::error::did_you_mean;
use crate::base::value::textual::Timetz;
use crate::base::{Error, Kind, Result, Textual, Type, name};
use crate::query::functions::date_part::date_part;
use crate::query::functions::date_trunc::date_trunc;
use crate::query::functions::rows;
use crate::query::functions::to_char::to_char;

use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, Value,
};

/// Functions that answer the time.
const TIME: &[&str] = &[
    "now",
    "current_timestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
    "localtimestamp",
    "current_date",
    "localtime",
    "current_time",
];

/// The type whose name is a function that casts to it.
fn cast_named(name: &str) -> Option<Type> {
    match name {
        "int2" | "int4" | "int8" | "float4" | "float8" | "bool" | "text" | "varchar" | "numeric" | "timestamptz"
        | "uuid" | "jsonb" | "json" | "cidr" | "timetz" | "macaddr8" => Type::parse(name),
        _ => None,
    }
}

impl Rewriter<'_> {
    pub(super) fn function(&mut self, expr: &mut Expr) -> Result<()> {
        let unnested = self.kept.contains(&std::ptr::from_ref(expr));
        let Expr::Function(function) = expr else { return Ok(()) };
        let name = match parts(&function.name).as_slice() {
            [name] => name.clone(),
            [schema, name] if schema == "pg_catalog" || schema == "aqueduct" => name.clone(),
            _ => return Ok(()),
        };
        if self.collected(expr)? {
            return Ok(());
        }
        let Expr::Function(function) = expr else { return Ok(()) };
        if function.over.is_some() || function.filter.is_some() {
            return Ok(());
        }
        let at = self.places.offset(function.name.span().start);
        if let (Some(ty), [inner]) = (cast_named(&name), inner(function).as_slice()) {
            let inner = (*inner).clone();
            *expr = self.cast(&ty, inner);
            return Ok(());
        }
        let known = match (name.as_str(), arguments(function).as_deref()) {
            ("param", Some([Argument::Text(param)])) => Some(self.param(param).map_err(|error| error.at(at))?),
            ("param", _) => {
                return Err(Error::new(Kind::UndefinedFunction, "param() takes the name of a parameter as a literal")
                    .hint("param('name')".to_string())
                    .at(at));
            }
            ("gen_random_uuid", Some([])) => {
                *expr = self.cast(&Type::Uuid, call("uuid", vec![]));
                return Ok(());
            }
            (_, Some([])) => {
                self.rewritten.momentary |= TIME.contains(&name.as_str());
                self.without_arguments(&name).map_err(|error| error.at(at))?
            }
            ("date_part", Some([_, _])) => {
                let args = unnamed(function);
                *expr = self.own_call(date_part(false, self.context.time_zone()), args);
                return Ok(());
            }
            ("to_char", Some([_, _])) => {
                let args = unnamed(function);
                *expr = self.own_call(to_char(self.context.time_zone()), args);
                return Ok(());
            }
            ("date_trunc", Some([_, _])) => {
                let args = unnamed(function);
                *expr = self.own_call(date_trunc(self.context.time_zone()), args);
                return Ok(());
            }
            ("date_trunc", Some([_, _, Argument::Text(zone)])) => {
                let mut args = unnamed(function);
                args.truncate(2);
                let function = date_trunc(zone);
                *expr = self.named_call(&format!("date_trunc in {zone}"), function, args);
                return Ok(());
            }
            ("current_timestamp" | "localtimestamp" | "current_time" | "localtime", Some([Argument::Other])) => {
                let digits = match unnamed(function).first() {
                    Some(Expr::Cast { expr, .. }) => expr.to_string().parse().ok(),
                    _ => None,
                };
                let known = self.without_arguments(&name)?;
                known.map(|(ty, value)| (ty, rows::rounded(&value, digits.unwrap_or(6))))
            }
            ("make_interval", _) => {
                let args = interval_parts(function);
                *expr = call("make_interval", args);
                return Ok(());
            }
            ("mod", Some([_, _])) => {
                if let [left, right] = unnamed(function).as_slice() {
                    let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
                    *expr = Expr::BinaryOp { left, op: BinaryOperator::Modulo, right };
                }
                return self.expression(expr);
            }
            // Among the columns of a SELECT it stands for as many rows.
            (set, _) if !unnested && rows::is_set(set) => {
                let json = match set {
                    "json_array_elements" => Some(Type::Json),
                    "jsonb_array_elements" | "jsonb_path_query" => Some(Type::Jsonb),
                    _ => None,
                };
                let taken = std::mem::replace(expr, Expr::value(Value::Null));
                let rows = call("unnest", vec![taken]);
                // A list's items forget what they are.
                *expr = match json {
                    Some(ty) => self.cast(&ty, rows),
                    None => rows,
                };
                return Ok(());
            }
            _ => None,
        };
        if let Some((ty, value)) = known {
            let shown = match arguments(function).as_deref() {
                Some([Argument::Text(argument)]) => format!("{name} '{argument}'"),
                _ => name,
            };
            *expr = self.constant(&shown, &ty, value);
        }
        Ok(())
    }

    fn param(&self, param: &str) -> Result<(Type, ScalarValue)> {
        let run = self.run("param")?;
        run.params.get(param).cloned().ok_or_else(|| {
            Error::new(Kind::UndefinedParameter, format!("parameter \"{param}\" does not exist"))
                .hint(did_you_mean(param, run.params.keys().map(String::as_str)))
        })
    }

    fn without_arguments(&self, name: &str) -> Result<Option<(Type, ScalarValue)>> {
        let now = self.context.now;
        let text = |text: &str| Some((Type::Text, ScalarValue::from(text)));
        let instant = |at: chrono::DateTime<chrono::Utc>| {
            Some((
                Type::Timestamptz,
                ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into())),
            ))
        };
        Ok(match name {
            "run_id" => text(&self.run(name)?.run_id),
            "scheduled_at" => instant(self.run(name)?.scheduled_at),
            "interval_start" => instant(self.run(name)?.interval_start),
            "interval_end" => instant(self.run(name)?.interval_end),
            "run_status" => match &self.run(name)?.status {
                Some(status) => text(status),
                None => {
                    return Err(Error::new(Kind::WrongState, "run_status() is known only in FINALLY")
                        .hint("a step runs before its run has a status".to_string()));
                }
            },
            "now" | "current_timestamp" | "transaction_timestamp" | "statement_timestamp" | "clock_timestamp" => {
                instant(now)
            }
            "timeofday" => {
                let zone: chrono_tz::Tz = self.context.time_zone().parse().unwrap_or(chrono_tz::UTC);
                text(&now.with_timezone(&zone).format("%a %b %d %H:%M:%S%.6f %Y %Z").to_string())
            }
            "localtimestamp" => {
                let local = self.local();
                Some((
                    Type::Timestamp,
                    ScalarValue::TimestampMicrosecond(Some(local.and_utc().timestamp_micros()), None),
                ))
            }
            "current_date" => {
                let days = self.local().date().signed_duration_since(chrono::NaiveDate::default()).num_days();
                Some((Type::Date, ScalarValue::Date32(i32::try_from(days).ok())))
            }
            "current_time" => {
                let local = self.local();
                let east = local.signed_duration_since(now.naive_utc()).num_seconds();
                let time = Timetz {
                    micros: local
                        .signed_duration_since(local.date().and_time(chrono::NaiveTime::MIN))
                        .num_microseconds()
                        .unwrap_or_default(),
                    east: i32::try_from(east).unwrap_or_default(),
                };
                Some((Type::Textual(Textual::Timetz), ScalarValue::from(time.to_string())))
            }
            "localtime" => {
                let midnight = self.local().date().and_time(chrono::NaiveTime::MIN);
                let micros = self.local().signed_duration_since(midnight).num_microseconds();
                Some((Type::Time, ScalarValue::Time64Microsecond(micros)))
            }
            "current_user" | "user" | "session_user" | "current_role" => {
                Some((Type::Name, ScalarValue::from(self.context.user.as_str())))
            }
            "current_database" | "current_catalog" => Some((Type::Name, ScalarValue::from(name::database()))),
            "current_schema" => Some((Type::Name, ScalarValue::Utf8(self.context.creation_schema()))),
            _ => None,
        })
    }

    fn run(&self, name: &str) -> Result<&super::super::RunContext> {
        self.context.run.as_deref().ok_or_else(|| {
            Error::new(Kind::WrongState, format!("{name}() has a value only inside a run"))
                .hint("use it in a step, check or metric of a workflow".to_string())
        })
    }

    /// Now, in the session's zone.
    pub(super) fn local(&self) -> chrono::NaiveDateTime {
        let zone: chrono_tz::Tz = self.context.time_zone().parse().unwrap_or(chrono_tz::UTC);
        self.context.now.with_timezone(&zone).naive_local()
    }
}

/// The same, taken as they are.
fn unnamed(function: &Function) -> Vec<Expr> {
    inner(function).into_iter().cloned().collect()
}

/// The arguments of a call that have no name.
pub(super) fn inner(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return vec![] };
    let unnamed = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    unnamed.flatten().collect()
}

pub(super) enum Argument {
    Text(String),
    Other,
}

/// The arguments of a plain call; `None` when it has clauses.
pub(super) fn arguments(function: &Function) -> Option<Vec<Argument>> {
    match &function.args {
        FunctionArguments::None => Some(vec![]),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
            let argument = |arg: &FunctionArg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
                    Value::SingleQuotedString(text) => Argument::Text(text.clone()),
                    _ => Argument::Other,
                },
                _ => Argument::Other,
            };
            Some(list.args.iter().map(argument).collect())
        }
        FunctionArguments::List(_) => None,
    }
}

/// All parts of an interval in their order, zero when not given.
fn interval_parts(function: &Function) -> Vec<Expr> {
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let zero = || Expr::value(Value::Number("0".into(), false));
    let mut parts: Vec<Expr> = NAMES.iter().map(|_| zero()).collect();
    let FunctionArguments::List(list) = &function.args else { return parts };
    for (at, arg) in list.args.iter().enumerate() {
        let (place, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(at), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. }
            | FunctionArg::ExprNamed { name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                (NAMES.iter().position(|known| name.value.eq_ignore_ascii_case(known)), value)
            }
            _ => continue,
        };
        if let Some(part) = place.and_then(|place| parts.get_mut(place)) {
            *part = value.clone();
        }
    }
    parts
}

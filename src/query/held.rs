//! Calls whose meaning is told by a type that is held as text: `lower` of a range is no text.

use super::functions::cast::Cast;
use super::functions::rows;
use super::operators::type_of;
use crate::base::{Textual, Type};
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;

/// Whether an argument's type may give the call another meaning.
pub fn is_meant(call: &ScalarFunction, schema: &DFSchema) -> bool {
    let types = call.args.iter().take(2).filter_map(|arg| type_of(arg, schema));
    let clock = call.func.name() == "timezone";
    types.into_iter().any(|ty| matches!(ty, Type::Textual(_) | Type::Jsonb) || (clock && ty == Type::Time))
}

/// The call that is meant; `None` when it is as it is.
pub fn called(call: &ScalarFunction, schema: &DFSchema) -> Option<Expr> {
    let types: Vec<_> = call.args.iter().map(|arg| type_of(arg, schema)).collect();
    let first = types.first().cloned().flatten();
    let second = types.get(1).cloned().flatten();
    let args = || call.args.clone();
    let name = match (call.func.name(), first, second) {
        ("lower", Some(Type::Textual(Textual::Range(_) | Textual::Multirange(_))), _) => "range lower",
        ("upper", Some(Type::Textual(Textual::Range(_) | Textual::Multirange(_))), _) => "range upper",
        ("trunc", Some(Type::Textual(Textual::Macaddr)), _) => "macaddr trunc",
        ("timezone", _, Some(Type::Textual(Textual::Timetz))) => "timetz at zone",
        ("timezone", _, Some(Type::Time)) => {
            let mut args = args();
            let time = args.pop()?;
            let timetz = Cast::new(Type::Textual(Textual::Timetz), "UTC").function();
            args.push(timetz.call(vec![time]));
            return Some(rows::function("timetz at zone", "UTC")?.call(args));
        }
        ("to time without time zone", Some(Type::Textual(Textual::Timetz)), _) => "timetz to time",
        ("extract", _, Some(Type::Textual(Textual::Timetz))) => {
            let part = rows::function("timetz part", "UTC")?.call(args());
            return Some(Cast::new(Type::Numeric(Some((20, 6))), "UTC").function().call(vec![part]));
        }
        ("date_part", _, Some(Type::Textual(Textual::Timetz))) => "timetz part",
        ("text" | "to text", Some(Type::Textual(Textual::Inet)), _) => {
            // As text an address has its length.
            return Some(rows::function("inet text", "UTC")?.call(args()));
        }
        (name, Some(Type::Textual(Textual::Bit(_) | Textual::Varbit(_))), _) => bits(name)?,
        (
            name @ ("to integer" | "to bigint" | "to smallint" | "to real" | "to double precision"),
            Some(Type::Jsonb),
            _,
        ) => {
            return Some(scalar(name, "jsonb to number", call));
        }
        (name, Some(Type::Jsonb), _) if name.starts_with("to numeric") => {
            return Some(scalar(name, "jsonb to number", call));
        }
        ("to boolean", Some(Type::Jsonb), _) => return Some(scalar("to boolean", "jsonb to bool", call)),
        _ => return None,
    };
    Some(rows::function(name, "UTC")?.call(args()))
}

/// The function of bits that has another name here.
fn bits(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "character_length" | "char_length" | "bit_length" => "bit length",
        "octet_length" => "bit octets",
        "bit_count" => "bit count",
        "strpos" => "bit position",
        "substr" => "bit part",
        "overlay" => "bit overlay",
        "to integer" => "bit to int4",
        "to bigint" => "bit to int8",
        _ => return None,
    })
}

/// A `jsonb` made a value of its own before it is cast further.
fn scalar(name: &str, to: &str, call: &ScalarFunction) -> Expr {
    let ty = Expr::Literal(name.trim_start_matches("to ").into(), None);
    let value = rows::function(to, "UTC").map(|function| function.call(vec![call.args[0].clone(), ty]));
    Expr::ScalarFunction(ScalarFunction { func: call.func.clone(), args: value.into_iter().collect() })
}

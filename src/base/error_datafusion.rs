//! Errors of DataFusion, Arrow, Parquet and object stores as ours.
//!
//! Each match is exhaustive without `_`, so that an upgrade asks us to choose.

use super::{Error, Kind};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;
use parquet::errors::ParquetError;

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::ArrowError(error, _) => Error::from(*error),
            DataFusionError::ParquetError(error) => Error::from(*error),
            DataFusionError::ObjectStore(error) => object_store(&error),
            DataFusionError::IoError(error) => Error::from(error),
            DataFusionError::SQL(error, _) => Error::from(*error),
            DataFusionError::NotImplemented(message) => Error::unsupported(one_line(&message)),
            DataFusionError::Internal(message) => Error::internal(one_line(&message)),
            DataFusionError::Plan(message) => planning(&message),
            DataFusionError::Configuration(message) => Error::new(Kind::InvalidParameterValue, one_line(&message)),
            DataFusionError::SchemaError(error, _) => schema(*error),
            DataFusionError::Execution(message) => execution(&message),
            DataFusionError::ExecutionJoin(error) => match error.is_cancelled() {
                true => Error::new(Kind::Cancelled, "canceling statement due to user request"),
                false => Error::internal(one_line(&error.to_string())),
            },
            DataFusionError::ResourcesExhausted(message) => out_of_memory(&message),
            DataFusionError::External(error) => match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => match error.downcast::<DataFusionError>() {
                    Ok(error) => Error::from(*error),
                    Err(error) => Error::new(Kind::DataException, one_line(&error.to_string())),
                },
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => Error::from(*inner),
            DataFusionError::Collection(errors) => errors
                .into_iter()
                .next()
                .map_or_else(|| Error::internal("a collection of errors must not be empty"), Error::from),
            DataFusionError::Shared(error) => match std::sync::Arc::try_unwrap(error) {
                Ok(error) => Error::from(error),
                Err(shared) => shared_error(&shared),
            },
            DataFusionError::Substrait(message) | DataFusionError::Ffi(message) => Error::internal(one_line(&message)),
        }
    }
}

/// Lets our errors cross DataFusion and come back whole.
impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

/// An error that several streams hold can only be looked at.
fn shared_error(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::new(Kind::DataException, one_line(&inner.to_string())),
        },
        DataFusionError::Plan(message) => planning(message),
        DataFusionError::Execution(message) => execution(message),
        DataFusionError::ResourcesExhausted(message) => out_of_memory(message),
        other => execution(&other.strip_backtrace()),
    }
}

/// With who holds the memory, which is in the lines after the first.
fn out_of_memory(message: &str) -> Error {
    let lines: Vec<_> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Error::new(Kind::OutOfMemory, "out of memory")
        .detail(lines.join(" "))
        .hint("raise the setting memory_bytes, or make the statement read or sort less".to_string())
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::DivideByZero => Error::new(Kind::DivisionByZero, "division by zero"),
            ArrowError::ArithmeticOverflow(message) => {
                Error::new(Kind::NumericOutOfRange, "value out of range").detail(one_line(&message))
            }
            ArrowError::CastError(message) => cast(&message),
            ArrowError::ParseError(message) => Error::new(Kind::InvalidText, one_line(&message)),
            ArrowError::ComputeError(message) => execution(&message),
            ArrowError::ExternalError(error) => match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => match error.downcast::<DataFusionError>() {
                    Ok(error) => Error::from(*error),
                    Err(error) => Error::new(Kind::DataException, one_line(&error.to_string())),
                },
            },
            ArrowError::IoError(_, error) => Error::from(error),
            ArrowError::CsvError(message) | ArrowError::JsonError(message) | ArrowError::AvroError(message) => {
                Error::new(Kind::BadCopyFileFormat, one_line(&message))
            }
            ArrowError::ParquetError(message) | ArrowError::IpcError(message) => {
                Error::new(Kind::DataCorrupted, one_line(&message))
            }
            ArrowError::InvalidArgumentError(message) => execution(&message),
            ArrowError::SchemaError(message) => Error::new(Kind::DatatypeMismatch, one_line(&message)),
            ArrowError::NotYetImplemented(message) => Error::unsupported(one_line(&message)),
            ArrowError::MemoryError(message) => Error::new(Kind::OutOfMemory, one_line(&message)),
            ArrowError::CDataInterface(message) => Error::internal(one_line(&message)),
            ArrowError::DictionaryKeyOverflowError
            | ArrowError::RunEndIndexOverflowError
            | ArrowError::OffsetOverflowError(_) => Error::new(Kind::TooLarge, "a batch is too large for its encoding"),
        }
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        let message = one_line(&error.to_string());
        match error {
            ParquetError::External(inner) => match inner.downcast::<Error>() {
                Ok(error) => *error,
                Err(inner) => match inner.downcast::<std::io::Error>() {
                    Ok(error) => Error::from(*error),
                    Err(inner) => Error::new(Kind::BadCopyFileFormat, one_line(&inner.to_string())),
                },
            },
            _ => Error::new(Kind::BadCopyFileFormat, message),
        }
    }
}

impl From<ParserError> for Error {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                Error::new(Kind::Syntax, one_line(&message))
            }
            ParserError::RecursionLimitExceeded => Error::new(Kind::TooComplex, "statement is nested too deeply"),
        }
    }
}

fn object_store(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut source = Some(error);
    while let Some(at) = source {
        if let Some(io) = at.downcast_ref::<std::io::Error>() {
            return Error::from(std::io::Error::new(io.kind(), io.to_string()));
        }
        source = at.source();
    }
    let message = one_line(&error.to_string());
    let kind = if message.contains("not found") { Kind::UndefinedFile } else { Kind::Io };
    Error::new(kind, message)
}

fn schema(error: SchemaError) -> Error {
    match error {
        SchemaError::AmbiguousReference { field } => {
            Error::new(Kind::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", field.name))
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Error::new(Kind::DuplicateColumn, format!("column \"{name}\" specified more than once"))
        }
        SchemaError::FieldNotFound { field, valid_fields } => {
            let name = match &field.relation {
                Some(relation) => format!("column {}.{} does not exist", relation.table(), field.name),
                None => format!("column \"{}\" does not exist", field.name),
            };
            let known = valid_fields.iter().map(|column| column.name.as_str());
            Error::new(Kind::UndefinedColumn, name).hint(super::error::did_you_mean(&field.name, known))
        }
    }
}

/// Planning errors come as prose only; the phrases are DataFusion's.
fn planning(message: &str) -> Error {
    let message = one_line(message);
    let quoted = || message.split('\'').nth(1).unwrap_or_default().to_string();
    if message.starts_with("table '") && message.ends_with("not found") {
        let full = quoted();
        let name = full.strip_prefix("aqueduct.").unwrap_or(&full);
        let name = name.strip_prefix("public.").unwrap_or(name);
        return Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist"));
    }
    if let Some(rest) = message.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or_default();
        return Error::new(Kind::UndefinedFunction, format!("function {name} does not exist"));
    }
    let lower = message.to_lowercase();
    let kind = if lower.contains("must appear in the group by")
        || lower.contains("must be in group by")
        || lower.contains("could not be resolved from available columns")
    {
        Kind::Grouping
    } else if lower.contains("failed to coerce")
        || lower.contains("no function matches")
        || lower.contains("does not support")
    {
        Kind::UndefinedFunction
    } else if lower.contains("cannot infer common argument type")
        || lower.contains("cannot coerce")
        || lower.contains("incompatible")
        || lower.contains("mismatch")
        || lower.contains("cannot automatically convert")
    {
        Kind::DatatypeMismatch
    } else {
        Kind::Syntax
    };
    Error::new(kind, lower_first(&message))
}

fn execution(message: &str) -> Error {
    let message = one_line(message);
    let lower = message.to_lowercase();
    let kind = if lower.contains("divide by zero") || lower.contains("division by zero") {
        return Error::new(Kind::DivisionByZero, "division by zero");
    } else if lower.contains("overflow") || lower.contains("out of range") {
        Kind::NumericOutOfRange
    } else if lower.contains("cast") || lower.contains("parse") {
        return cast(&message);
    } else if lower.contains("more than one row") {
        return Error::new(
            Kind::CardinalityViolation,
            "more than one row returned by a subquery used as an expression",
        );
    } else {
        Kind::DataException
    };
    Error::new(kind, lower_first(&message))
}

/// `Cannot cast string 'x' to value of Int32 type` in Postgres' words.
fn cast(message: &str) -> Error {
    let message = one_line(message);
    let parts: Vec<_> = message.split('\'').collect();
    if let ([_, value, rest, ..], true) = (parts.as_slice(), message.starts_with("Cannot cast string")) {
        let ty = rest.trim().strip_prefix("to value of ").and_then(|rest| rest.strip_suffix(" type"));
        return Error::new(
            Kind::InvalidText,
            format!("invalid input syntax for type {}: \"{value}\"", ty.map_or("its column".into(), sql_type)),
        );
    }
    Error::new(Kind::InvalidText, lower_first(&message))
}

/// Arrow's name of a type in SQL's words.
fn sql_type(arrow: &str) -> String {
    match arrow {
        "Int16" => "smallint".into(),
        "Int32" => "integer".into(),
        "Int64" => "bigint".into(),
        "Float32" => "real".into(),
        "Float64" => "double precision".into(),
        "Boolean" => "boolean".into(),
        "Date32" => "date".into(),
        other => other.to_lowercase(),
    }
}

/// The first line, without the prefixes that DataFusion stacks in front of a message.
fn one_line(message: &str) -> String {
    let mut text = message.lines().next().unwrap_or_default().trim();
    const PREFIXES: &[&str] = &[
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "External error: ",
        "Parquet error: ",
        "SQL error: ",
        "Internal error: ",
        "This feature is not implemented: ",
        "Schema error: ",
        "Invalid argument error: ",
        "Compute error: ",
        "Cast error: ",
        "Parser error: ",
        "sql parser error: ",
        "Optimizer rule ",
        "type_coercion",
        "caused by ",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest.trim();
    }
    text.trim_end_matches('.').to_string()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_crosses_datafusion_whole() {
        let ours =
            Error::new(Kind::UndefinedObject, "model \"x\" does not exist").hint("SHOW MODELS".to_string()).at(7);
        let through = DataFusionError::from(ours.clone()).context("planning");
        assert_eq!(Error::from(through), ours);
    }

    #[test]
    fn messages_are_those_that_clients_match() {
        let error = Error::from(DataFusionError::Plan("table 'aqueduct.public.x' not found".into()));
        assert_eq!((error.kind, error.message.as_str()), (Kind::UndefinedTable, "relation \"x\" does not exist"));
        let error = Error::from(ArrowError::CastError("Cannot cast string 'abc' to value of Int32 type".into()));
        assert_eq!(error.message, "invalid input syntax for type integer: \"abc\"");
    }
}

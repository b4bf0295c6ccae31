//! DataFusion's sentences in PostgreSQL's words, with PostgreSQL's SQLSTATE.
//!
//! DataFusion tells of most mistakes in prose alone; the phrases here are its own.

use super::functions::missing::argument_type;
use crate::base::{Error, Kind};
use datafusion::arrow::datatypes::DataType;

pub const CASTS: &str =
    "No function matches the given name and argument types. You might need to add explicit type casts.";
const OPERATOR_CASTS: &str =
    "No operator matches the given name and argument types. You might need to add explicit type casts.";

/// The error as PostgreSQL would say it; `None` when its words are good enough.
pub fn postgres(message: &str) -> Option<Error> {
    let new = |kind, message: String| Some(Error::new(kind, message));
    let begins = |phrase: &str| message.strip_prefix(phrase);
    let number = |phrase: &str| Some(begins(phrase)?.split(|c: char| !c.is_ascii_digit()).next()?.to_string());
    for same in
        ["aggregate function calls cannot be nested", "aggregate function calls cannot contain window function calls"]
    {
        if begins(same).is_some() {
            return new(Kind::Grouping, same.into());
        }
    }
    if let Some(at) = number("order by column out of bounds, specified: ") {
        return new(Kind::InvalidColumnReference, format!("ORDER BY position {at} is not in select list"));
    }
    if begins("order by index starts at 1").is_some() {
        return new(Kind::InvalidColumnReference, "ORDER BY position 0 is not in select list".into());
    }
    if let Some(at) = number("cannot find column with position ") {
        return new(Kind::InvalidColumnReference, format!("GROUP BY position {at} is not in select list"));
    }
    if begins("LIMIT must be >= 0").is_some() {
        return new(Kind::InvalidLimit, "LIMIT must not be negative".into());
    }
    if begins("OFFSET must be >=0").is_some() {
        return new(Kind::InvalidOffset, "OFFSET must not be negative".into());
    }
    operators(message).or_else(|| clauses(message)).or_else(|| values(message))
}

fn operators(message: &str) -> Option<Error> {
    let missing = |operation: String| {
        Some(
            Error::new(Kind::UndefinedFunction, format!("operator does not exist: {operation}"))
                .hint(OPERATOR_CASTS.to_string()),
        )
    };
    let between = |from: &str, to: &str| Some(message.split_once(from)?.1.split(to).next()?.to_string());
    if let Some(types) = between("there isn't a common type to coerce ", " in LIKE") {
        return missing(in_sql(&types.replace(" and ", " ~~ ")));
    }
    if let Some(types) = between("annot infer common argument type for comparison operation ", "\n") {
        return missing(in_sql(&types));
    }
    if let Some(types) = between("annot infer common argument type for operation ", "\n") {
        return missing(in_sql(&types));
    }
    if let Some(types) = between("cannot coerce arithmetic expression ", " to valid types") {
        return missing(in_sql(&types));
    }
    if let Some(types) = between("cannot get result type for temporal operation ", ": ") {
        return missing(in_sql(&types));
    }
    if let Some(types) = between("cannot infer common string type for string concat operation ", "\n") {
        return missing(in_sql(&types));
    }
    if let Some(types) = between("expr type ", " in SetComparison") {
        return missing(in_sql(&types.replace(" can't cast to ", " = ")));
    }
    if let Some(types) = between("can not find compatible types to compare ", "\n") {
        return missing(in_sql(&types.replace(" with [", " = ").replace(']', "")));
    }
    if let Some(op) = between("unary operator '", "' only supports") {
        let message = format!("operator does not exist: {op} with a value of this type");
        return Some(Error::new(Kind::UndefinedFunction, message).hint(OPERATOR_CASTS.to_string()));
    }
    if let Some(types) = between("cannot automatically convert ", "\n") {
        return missing(in_sql(&types.replace(" to ", " with ")));
    }
    None
}

fn clauses(message: &str) -> Option<Error> {
    let new = |kind, message: String| Some(Error::new(kind, message));
    let begins = |phrase: &str| message.strip_prefix(phrase);
    let quoted = || message.split(['\'', '"']).nth(1).unwrap_or_default().to_string();
    if begins("HAVING clause references: ").is_some() {
        let rest = begins("HAVING clause references: ")?;
        let column: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
        return new(
            Kind::Grouping,
            format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"),
        );
    }
    if begins("SELECT DISTINCT ON expressions must match").is_some() {
        return new(Kind::InvalidColumnReference, message.into());
    }
    if begins("for SELECT DISTINCT, ORDER BY expressions").is_some() {
        let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
        return new(Kind::InvalidColumnReference, message.into());
    }
    if let Some(rest) = begins("the window ") {
        let name = rest.split(" is not defined").next()?;
        return new(Kind::UndefinedObject, format!("window \"{name}\" does not exist"));
    }
    if message.contains("frame offsets for ROWS / GROUPS must be non negative") {
        return new(Kind::InvalidFrame, "frame starting offset must not be negative".into());
    }
    if begins("invalid window frame: ").is_some() {
        return new(Kind::Windowing, message.into());
    }
    if begins("WITH query name ").is_some() {
        return new(Kind::DuplicateAlias, message.into());
    }
    if let Some(rest) = begins("source table contains ") {
        let mut counts = rest.split(|c: char| !c.is_ascii_digit()).filter(|count| !count.is_empty());
        let (has, given) = (counts.next()?, counts.next()?);
        let message = format!("table has {has} columns available but {given} columns specified");
        return new(Kind::InvalidColumnReference, message);
    }
    if let Some(name) = begins("invalid qualifier ") {
        return new(Kind::UndefinedTable, format!("missing FROM-clause entry for table \"{name}\""));
    }
    if begins("too many columns! The subquery should only return one column").is_some() {
        return new(Kind::Syntax, "subquery must return only one column".into());
    }
    if begins("field ").is_some() && message.contains("not found in struct") {
        let name = begins("field ")?.split(' ').next()?;
        return new(Kind::UndefinedColumn, format!("column \"{name}\" not found in data type record"));
    }
    if begins("cannot access field at argument").is_some() {
        let ty = message.split("type ").nth(1)?.split(" is not").next()?;
        let message = format!("column notation applied to type {}, which is not a composite type", in_sql(ty));
        return new(Kind::WrongObjectType, message);
    }
    if message == "COUNT DISTINCT with multiple arguments" {
        return new(Kind::UndefinedFunction, "function count() takes one argument".into());
    }
    if begins("unnest() can only be applied to array").is_some() {
        return new(Kind::UndefinedFunction, "function unnest() takes an array".into());
    }
    if message.contains("failed to match any signature") {
        let name = quoted();
        let given = message.split("(DataType: ").nth(1).and_then(|rest| rest.split(')').next());
        let given = given.map_or(String::new(), in_sql);
        return Some(
            Error::new(Kind::UndefinedFunction, format!("function {name}({given}) does not exist"))
                .hint(CASTS.to_string()),
        );
    }
    None
}

fn values(message: &str) -> Option<Error> {
    let new = |kind, message: String| Some(Error::new(kind, message));
    if let Some((_, types)) = message.split_once("inconsistent data type across values list") {
        let types = types.split_once("Was ")?.1.replace(" but found ", " and ");
        return new(Kind::DatatypeMismatch, format!("VALUES types {} cannot be matched", in_sql(&types)));
    }
    if message.starts_with("inconsistent data length across values list") {
        return new(Kind::Syntax, "VALUES lists must all be the same length".into());
    }
    if message.contains("is too large to store in a Decimal") {
        return new(Kind::NumericOutOfRange, "numeric field overflow".into());
    }
    if let Some((_, value)) = message.split_once("percentile value must be between 0.0 and 1.0 inclusive, ") {
        let value = value.split(' ').next()?;
        return new(Kind::NumericOutOfRange, format!("percentile value {value} is not between 0 and 1"));
    }
    if message.starts_with("expected LIMIT to be an integer") || message.starts_with("expected OFFSET to be an integer")
    {
        return new(Kind::InvalidText, "LIMIT and OFFSET take whole numbers".into());
    }
    if message.starts_with("invalid Unicode scalar value") {
        return new(Kind::InvalidParameterValue, "character number must be positive".into());
    }
    if message.starts_with("negative count not allowed") || message.starts_with("negative substring length") {
        return new(Kind::SubstringError, "negative substring length not allowed".into());
    }
    if let Some((_, rest)) = message.split_once("unsupported date_trunc granularity: '") {
        return new(Kind::InvalidParameterValue, format!("unit \"{}\" not recognized", rest.split('\'').next()?));
    }
    if message == "step cannot be zero" || message.starts_with("step can't be 0 for function generate_series") {
        return new(Kind::InvalidParameterValue, "step size cannot equal zero".into());
    }
    None
}

/// `abs(Utf8)` as `abs(text)`, `Timestamp(µs) + Int32` as `timestamp without time zone + integer`.
pub fn in_sql(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !c.is_alphanumeric() {
            words.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let whole = closing(&rest[end..]).map(|length| end + length);
        let typed = |end: usize| arrow(&rest[..end]).map(|ty| (argument_type(&ty), end));
        let (word, end) =
            whole.and_then(typed).or_else(|| typed(end)).unwrap_or_else(|| (rest[..end].to_string(), end));
        words.push_str(&word);
        rest = &rest[end..];
    }
    words
}

/// The length of what is in parentheses at the start.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.starts_with('(').then_some(at + 1);
        }
    }
    None
}

/// A type of Arrow as it is written in messages.
fn arrow(text: &str) -> Option<DataType> {
    if let Some(item) = text.strip_prefix("List(").and_then(|rest| rest.strip_suffix(')')) {
        let item = item.split(", field").next()?.trim_start_matches("non-null ");
        return Some(DataType::new_list(arrow(item)?, true));
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_in_sentences_are_those_of_sql() {
        for (given, expected) in [
            ("abs(Utf8)", "abs(text)"),
            ("Date32 + Date32", "date + date"),
            ("Timestamp(µs) + Int32", "timestamp without time zone + integer"),
            ("List(Int32, field: 'element') = Int32", "integer[] = integer"),
            ("Decimal128(10, 2) = Utf8", "numeric = text"),
        ] {
            assert_eq!(in_sql(given), expected, "{given}");
        }
    }

    #[test]
    fn sentences_have_the_sqlstate_of_postgres() {
        for (given, state, expected) in [
            (
                "order by column out of bounds, specified: 2, max: 1",
                "42P10",
                "ORDER BY position 2 is not in select list",
            ),
            ("LIMIT must be >= 0, '-1' was provided", "2201W", "LIMIT must not be negative"),
            (
                "there isn't a common type to coerce Int32 and Int32 in LIKE expression",
                "42883",
                "operator does not exist: integer ~~ integer",
            ),
            ("the window w is not defined!", "42704", "window \"w\" does not exist"),
        ] {
            let error = postgres(given).unwrap();
            assert_eq!((error.sqlstate(), error.message.as_str()), (state, expected), "{given}");
        }
        assert!(postgres("anything else").is_none());
    }
}

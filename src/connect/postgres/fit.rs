//! Whether rows fit a table of a PostgreSQL server, and how each column gets there.

use super::column::{Column, quoted};
use super::encode::staged;
use super::shape::Shape;
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::workflow::Mode;
use datafusion::arrow::datatypes::SchemaRef;

/// A column of ours on its way into a column of theirs.
#[derive(Debug)]
pub(super) struct Assignment {
    /// The column's name, quoted; staged and target column have the same.
    pub name: String,
    /// Its type in the staging table.
    pub staged: String,
    /// What the staged text is cast to; `None` leaves it to the server's own assignment.
    pub cast: Option<String>,
    /// The target's type without length, to compare keys in.
    pub compared: String,
}

impl Assignment {
    /// The value, out of a staging table called `s`.
    pub fn value(&self) -> String {
        match &self.cast {
            None => format!("s.{}", self.name),
            Some(ty) => format!("s.{}::{ty}", self.name),
        }
    }

    /// The value as the target will hold it.
    pub fn key(&self) -> String {
        format!("s.{}::{}", self.name, self.compared)
    }
}

/// How rows of `schema` get into the table `label`, or the first reason why they cannot.
pub(super) fn fit(label: &str, shape: &Shape, schema: &SchemaRef) -> Result<Vec<Assignment>> {
    if !matches!(shape.kind, 'r' | 'p') {
        return Err(Error::new(Kind::WrongObjectType, format!("target \"{label}\" is not a table")));
    }
    let mut assignments = vec![];
    for field in schema.fields() {
        let column = column(label, shape, field.name())?;
        if column.generated {
            let message = format!("column \"{}\" of target \"{label}\" is GENERATED ALWAYS", column.name);
            return Err(Error::new(Kind::DatatypeMismatch, message).hint("leave the column out".to_string()));
        }
        let ty = staged(field)?;
        let cast = assignable(&ty, column).ok_or_else(|| mismatch(label, column, &Type::of(field)))?;
        let compared = column.base.clone();
        assignments.push(Assignment { name: quoted(field.name()), staged: wire_name(&ty), cast, compared });
    }
    let unfilled = |column: &&Column| {
        column.not_null && !column.optional && !column.generated && schema.index_of(&column.name).is_err()
    };
    match shape.columns.iter().find(unfilled) {
        None => Ok(assignments),
        Some(column) => Err(Error::new(
            Kind::DatatypeMismatch,
            format!("column \"{}\" of target \"{label}\" is NOT NULL and gets no value", column.name),
        )
        .hint("select it, or give it a default on the server".to_string())),
    }
}

fn column<'a>(label: &str, shape: &'a Shape, name: &str) -> Result<&'a Column> {
    shape.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let known = shape.columns.iter().map(|column| column.name.as_str());
        Error::new(Kind::UndefinedColumn, format!("column \"{name}\" of target \"{label}\" does not exist"))
            .hint(did_you_mean(name, known))
    })
}

fn mismatch(label: &str, column: &Column, given: &Type) -> Error {
    let message =
        format!("column \"{}\" of target \"{label}\" is of type {} but gets {given}", column.name, column.declared);
    Error::new(Kind::DatatypeMismatch, message).hint(format!("CAST the column to {}", column.declared))
}

/// Refuses a key that is not among the columns.
pub(super) fn check_key(mode: &Mode, schema: &SchemaRef) -> Result<()> {
    let Mode::Upsert { key, .. } = mode else { return Ok(()) };
    match key.iter().find(|name| schema.index_of(name).is_err()) {
        None => Ok(()),
        Some(name) => {
            let known = schema.fields().iter().map(|field| field.name().as_str());
            Err(Error::new(Kind::UndefinedColumn, format!("key column \"{name}\" is not among the rows' columns"))
                .hint(did_you_mean(name, known)))
        }
    }
}

/// Whether the server assigns a value of `from` to the column: without help, or cast to the type named.
///
/// The casts are for text that we hold where the server has a type of its own. They go to the type
/// without length, since an explicit cast cuts off what an assignment refuses.
fn assignable(from: &Type, to: &Column) -> Option<Option<String>> {
    let (from, to_one) = match (from, &to.ty) {
        (Type::Array(from), Type::Array(to)) => (from.as_ref(), to.as_ref()),
        (Type::Array(_), _) | (_, Type::Array(_)) => return None,
        (from, to) => (from, to),
    };
    let needs_cast = one_assignable(from, to_one, to.as_text)?;
    Some(needs_cast.then(|| to.base.clone()))
}

/// Whether one value fits another type: `Some(true)` when it needs a cast.
fn one_assignable(from: &Type, to: &Type, as_text: bool) -> Option<bool> {
    use Type as T;
    if as_text {
        // An enum, `inet`, a range: text that the server reads.
        return matches!(from, T::Text).then_some(true);
    }
    let number = |ty: &T| matches!(ty, T::Int2 | T::Int4 | T::Int8 | T::Float4 | T::Float8 | T::Numeric(_));
    match (from, to) {
        // Everything has a text.
        (_, T::Text | T::Varchar(_) | T::Char(_) | T::Name) => Some(false),
        (T::Text, T::Uuid | T::Json | T::Jsonb | T::InternalChar) => Some(true),
        (from, to) if number(from) && number(to) => Some(false),
        (T::Numeric(_), T::Numeric(_)) => Some(false),
        (T::Int2 | T::Int4 | T::Int8, T::Oid) | (T::Oid, T::Int8 | T::Int4) => Some(false),
        (T::Date, T::Timestamp | T::Timestamptz) => Some(false),
        (T::Timestamp, T::Timestamptz | T::Date | T::Time) => Some(false),
        (T::Timestamptz, T::Timestamp | T::Date | T::Time) => Some(false),
        (T::Time, T::Interval) | (T::Interval, T::Time) => Some(false),
        (from, to) => (from == to).then_some(false),
    }
}

/// A type without length, by the name that no setting changes.
pub(super) fn wire_name(ty: &Type) -> String {
    format!("pg_catalog.\"{}\"", ty.internal_name())
}

/// What creates a table for rows of `schema`; the key of an upsert is its primary key.
pub(super) fn create(table: &str, schema: &SchemaRef, mode: &Mode) -> String {
    let mut parts: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let ty = match Type::of(field) {
                Type::Regclass | Type::Regtype | Type::Regproc => Type::Text,
                Type::Textual(ty) if ty.is_reference() => Type::Text,
                ty => ty,
            };
            format!("{} {ty}", quoted(field.name()))
        })
        .collect();
    if let Mode::Upsert { key, .. } = mode {
        let key: Vec<_> = key.iter().map(|name| quoted(name)).collect();
        parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {table} ({})", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Schema;
    use std::sync::Arc;

    fn target(name: &str, ty: Type, as_text: bool) -> Column {
        Column {
            name: name.into(),
            declared: ty.to_string(),
            base: if as_text { "mood".into() } else { ty.to_string() },
            ty,
            as_text,
            not_null: name == "id",
            generated: name == "made",
            optional: name == "made",
            deterministic: true,
        }
    }

    fn check(rows: &[(&str, Type)], expect: Result<&str, &str>) {
        let columns = vec![
            target("id", Type::Int4, false),
            target("short", Type::Varchar(Some(3)), false),
            target("mood", Type::Text, true),
            target("moods", Type::Array(Box::new(Type::Text)), true),
            target("at", Type::Timestamptz, false),
            target("doc", Type::Jsonb, false),
            target("made", Type::Int4, false),
        ];
        let shape = Shape { kind: 'r', rows: None, columns, utf8: true };
        let fields: Vec<_> = rows.iter().map(|(name, ty)| ty.field(name, true)).collect();
        let found = fit("ops.public.t", &shape, &Arc::new(Schema::new(fields)));
        let found = found.map(|all| all.iter().map(Assignment::value).collect::<Vec<_>>().join(", "));
        assert_eq!(found.as_deref().map_err(|error| error.message.as_str()), expect);
    }

    #[test]
    fn columns_fit_as_an_insert_would_have_it() {
        let moods = Type::Array(Box::new(Type::Text));
        check(
            &[("id", Type::Int8), ("short", Type::Float8), ("at", Type::Date)],
            Ok("s.\"id\", s.\"short\", s.\"at\""),
        );
        check(
            &[("id", Type::Int4), ("mood", Type::Text), ("moods", moods)],
            Ok("s.\"id\", s.\"mood\"::mood, s.\"moods\"::mood"),
        );
        check(&[("id", Type::Int4), ("doc", Type::Json)], Ok("s.\"id\", s.\"doc\"::jsonb"));
    }

    #[test]
    fn a_column_that_does_not_fit_is_named() {
        check(&[("id", Type::Text)], Err("column \"id\" of target \"ops.public.t\" is of type integer but gets text"));
        check(&[("ids", Type::Int4)], Err("column \"ids\" of target \"ops.public.t\" does not exist"));
        check(&[("at", Type::Date)], Err("column \"id\" of target \"ops.public.t\" is NOT NULL and gets no value"));
        check(&[("made", Type::Int4)], Err("column \"made\" of target \"ops.public.t\" is GENERATED ALWAYS"));
        check(
            &[("mood", Type::Int4)],
            Err("column \"mood\" of target \"ops.public.t\" is of type text but gets integer"),
        );
    }
}

//! Values on their way into columns: what may go where, and in which form it arrives.

use super::{Bound, Cast, Context, Query};
use crate::base::value::textual::{name_of_reference, read_textual};
use crate::base::value::{Style, converted};
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::{Column, Table};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use std::sync::Arc;

/// How the columns of rows go into columns of a table, one by one.
#[derive(Debug)]
pub struct Assignment {
    relation: Name,
    columns: Vec<(Column, Cast)>,
    /// Names and conditions of the table's CHECK constraints, over its columns.
    checks: Vec<(String, Bound)>,
    /// Which of the values are references to the catalog, of which the name is kept.
    references: Vec<bool>,
}

impl Assignment {
    /// Refuses types that do not go together, as the statement is planned.
    pub fn new(table: &Table, columns: &[Column], from: &SchemaRef, zone: &str) -> Result<Assignment> {
        for (column, field) in columns.iter().zip(from.fields()) {
            assignable(column, field)?;
        }
        let references = from.fields().iter().map(|field| Type::of(field).is_reference()).collect();
        Ok(Assignment { references, ..Assignment::unchecked(table, columns, zone) })
    }

    /// For text that is read as whatever its column is.
    pub fn unchecked(table: &Table, columns: &[Column], zone: &str) -> Assignment {
        let columns = columns.iter().map(|column| (column.clone(), Cast::new(unsized_type(&column.ty), zone)));
        Assignment { relation: table.name.clone(), columns: columns.collect(), checks: vec![], references: vec![] }
    }

    /// The same, for rows that hold the table's CHECK constraints.
    pub async fn checked(self, query: &Query, context: &Context, table: &Table) -> Result<Assignment> {
        let (mut checks, schema) = (vec![], table.schema());
        for (name, condition) in table.rules.checks() {
            let bound = query.condition(context, condition, &schema).await;
            checks.push((name.to_string(), bound.map_err(|error| Error { offset: None, ..error })?));
        }
        Ok(Assignment { checks, ..self })
    }

    /// Refuses rows of which a CHECK is not true; one that is unknown holds.
    fn check(&self, batch: &RecordBatch) -> Result<()> {
        for (name, condition) in &self.checks {
            let holds = condition.evaluate(batch)?;
            let holds = holds.as_boolean();
            if let Some(row) = (0..holds.len()).find(|row| holds.is_valid(*row) && !holds.value(*row)) {
                let message =
                    format!("new row for relation \"{}\" violates check constraint \"{name}\"", self.relation.name);
                return Err(Error::new(Kind::CheckViolation, message)
                    .of_constraint(&self.relation, name)
                    .detail(format!("failing row contains ({})", shown(batch.columns(), row))));
            }
        }
        Ok(())
    }

    /// The values in the form of their columns.
    pub fn arrays(&self, from: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let arrays = (0..self.columns.len()).zip(from).map(|(at, array)| self.array(at, array));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        self.refuse_nulls(&arrays)?;
        Ok(arrays)
    }

    /// The values of one column, which may still be NULL.
    pub fn array(&self, at: usize, from: &ArrayRef) -> Result<ArrayRef> {
        let (column, cast) = &self.columns[at];
        let array = match self.references.get(at) {
            Some(true) => cast.array(&named(from)?)?,
            _ => cast.array(from)?,
        };
        if matches!(array.data_type(), DataType::List(item) if item.data_type().is_list()) {
            return Err(Error::unsupported(format!("column \"{}\" holds arrays of one dimension", column.name)));
        }
        sized(&column.ty, array)
    }

    /// Where the first value stands that cannot go where it should: row and column.
    pub fn first_bad(&self, from: &[ArrayRef]) -> Option<(usize, &Column)> {
        let rows = from.first().map_or(0, |array| array.len());
        let bad = |at: usize, row: usize| match self.array(at, &from[at].slice(row, 1)) {
            Ok(value) => !self.columns[at].0.nullable && value.is_null(0),
            Err(_) => true,
        };
        let columns = 0..self.columns.len();
        let at = (0..rows).find_map(|row| columns.clone().find(|at| bad(*at, row)).map(|at| (row, at)))?;
        Some((at.0, &self.columns[at.1].0))
    }

    /// As [`Assignment::arrays`], for whole rows of a table.
    pub fn batch(&self, schema: &SchemaRef, from: &[ArrayRef]) -> Result<RecordBatch> {
        let rows = from.first().map_or(0, |array| array.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let arrays = self.arrays(from)?;
        // Arrays of lists differ in the names inside; the values are the same.
        let arrays = arrays.iter().zip(schema.fields()).map(|(array, field)| converted(array, field.data_type()));
        let batch = RecordBatch::try_new_with_options(schema.clone(), arrays.collect::<Result<_>>()?, &options)?;
        self.check(&batch)?;
        Ok(batch)
    }

    fn refuse_nulls(&self, arrays: &[ArrayRef]) -> Result<()> {
        for ((column, _), array) in self.columns.iter().zip(arrays) {
            if column.nullable || array.null_count() == 0 {
                continue;
            }
            let row = (0..array.len()).find(|row| array.is_null(*row)).unwrap_or_default();
            let message = format!(
                "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                column.name, self.relation.name
            );
            return Err(Error::new(Kind::NotNullViolation, message)
                .of_column(&self.relation, &column.name)
                .detail(format!("failing row contains ({})", shown(arrays, row))));
        }
        Ok(())
    }
}

/// The names of things of the catalog.
fn named(from: &ArrayRef) -> Result<ArrayRef> {
    let texts = converted(from, &DataType::Utf8)?;
    let texts: StringArray = texts.as_string::<i32>().iter().map(|text| text.map(name_of_reference)).collect();
    Ok(Arc::new(texts))
}

/// A row as Postgres shows it in a message.
fn shown(arrays: &[ArrayRef], row: usize) -> String {
    let text = |array: &ArrayRef| {
        if array.is_null(row) {
            return "null".to_string();
        }
        let texts = Cast::new(Type::Text, "UTC").array(&array.slice(row, 1));
        let text = texts.ok().map(|texts| texts.as_string::<i32>().value(0).to_string()).unwrap_or_default();
        match text.char_indices().nth(64) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    };
    arrays.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The type without the length, which an assignment checks where a cast would cut.
pub fn unsized_type(ty: &Type) -> Type {
    match ty {
        Type::Varchar(_) | Type::Char(_) => Type::Text,
        Type::Textual(ty) => Type::Textual(ty.plain()),
        Type::Array(element) => Type::Array(Box::new(unsized_type(element))),
        ty => ty.clone(),
    }
}

/// Text of a length: what is too long must be blank there.
fn sized(ty: &Type, array: ArrayRef) -> Result<ArrayRef> {
    let (length, padded) = match ty {
        Type::Varchar(Some(length)) => (*length as usize, false),
        Type::Char(length) => (length.unwrap_or(1) as usize, true),
        Type::Textual(held) if held.length().is_some() => {
            let texts = array.as_string::<i32>().iter();
            let checked = texts.map(|text| text.map(|text| read_textual(text, *held, &Style::default())).transpose());
            return Ok(Arc::new(checked.collect::<Result<StringArray>>()?));
        }
        _ => return Ok(array),
    };
    let texts = array.as_string::<i32>();
    // A text has no more characters than bytes; only for ASCII are they as many.
    let fits = |text: &str| if padded { text.len() == length && text.is_ascii() } else { text.len() <= length };
    if texts.iter().flatten().all(fits) {
        return Ok(array);
    }
    let fitted = |text: &str| -> Result<String> {
        let (kept, rest) = text.split_at(text.char_indices().nth(length).map_or(text.len(), |(at, _)| at));
        if !rest.chars().all(|c| c == ' ') {
            return Err(Error::new(Kind::StringTooLong, format!("value too long for type {ty}")));
        }
        let blanks = if padded { length - kept.chars().count() } else { 0 };
        Ok(format!("{kept}{}", " ".repeat(blanks)))
    };
    let fitted = texts.iter().map(|text| text.map(fitted).transpose()).collect::<Result<StringArray>>()?;
    Ok(Arc::new(fitted))
}

fn assignable(column: &Column, from: &Field) -> Result<()> {
    if *from.data_type() == DataType::Null {
        return Ok(());
    }
    let source = Type::of(from);
    if goes_into(&source, &column.ty) {
        return Ok(());
    }
    let plain = |ty: &Type| match unsized_type(ty) {
        Type::Numeric(_) => Type::Numeric(None),
        ty => ty,
    };
    let (into, source) = (plain(&column.ty), plain(&source));
    let message = format!("column \"{}\" is of type {into} but expression is of type {source}", column.name);
    Err(Error::new(Kind::DatatypeMismatch, message).hint("you will need to rewrite or cast the expression".to_string()))
}

/// Postgres' assignment casts.
pub fn goes_into(from: &Type, into: &Type) -> bool {
    use Type::*;
    match (from, into) {
        (from, into) if from == into => true,
        (_, Text | Varchar(_) | Char(_) | Name) => true,
        (
            Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) | Oid,
            Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_),
        ) => true,
        (Int2 | Int4 | Int8, Oid) => true,
        (Date | Timestamp | Timestamptz, Date | Timestamp | Timestamptz) => true,
        (Timestamp | Timestamptz | Interval, Time) => true,
        (Json | Jsonb, Json | Jsonb) => true,
        (Textual(from), Textual(into)) => {
            from.plain() == into.plain()
                || (from.is_network() && into.is_network())
                || (from.is_bits() && into.is_bits())
        }
        (Array(from), Array(into)) => goes_into(from, into),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Float64Array, Int64Array};
    use datafusion::arrow::datatypes::Schema;

    fn assign(array: ArrayRef, from: Type, into: &str, nullable: bool) -> Result<String> {
        let column = Column::new("c", Type::parse(into).unwrap(), nullable);
        let schema = crate::catalog::Schema { id: 0, uuid: String::new(), name: "public".into(), path: "p/".into() };
        let table = Table::staged(&schema, &Name::public("t"), vec![column]);
        let from: SchemaRef = Arc::new(Schema::new(vec![from.field("x", true)]));
        let assignment = Assignment::new(&table, &table.columns, &from, "UTC")?;
        let batch = assignment.batch(&table.schema(), &[array])?;
        Ok(shown(batch.columns(), 0))
    }

    fn check(outcome: Result<String>, expected: &str) {
        let shown = outcome.unwrap_or_else(|error| format!("{}: {}", error.sqlstate(), error.message));
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_value_arrives_in_the_form_of_its_column_or_is_refused() {
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let float = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
        let int = |value: Option<i64>| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
        check(assign(int(Some(70_000)), Type::Int8, "int2", true), "22003: smallint out of range");
        check(assign(int(Some(7)), Type::Int8, "text", true), "7");
        check(assign(float(2.5), Type::Float8, "int4", true), "2");
        check(
            assign(text("abcd"), Type::Text, "varchar(3)", true),
            "22001: value too long for type character varying(3)",
        );
        check(assign(text("abc   "), Type::Text, "varchar(3)", true), "abc");
        check(assign(text("äöü"), Type::Text, "varchar(3)", true), "äöü");
        check(assign(text("a"), Type::Text, "char(3)", true), "a  ");
        check(assign(text("ä "), Type::Text, "char(3)", true), "ä  ");
        check(
            assign(text("1"), Type::Text, "int4", true),
            "42804: column \"c\" is of type integer but expression is of type text",
        );
        check(
            assign(int(None), Type::Int8, "int4", false),
            "23502: null value in column \"c\" of relation \"t\" violates not-null constraint",
        );
    }
}

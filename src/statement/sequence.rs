//! Sequences: `CREATE SEQUENCE`, and those of serial and identity columns.

use super::create_index::taken;
use super::target::{Written, folded, ident_offset, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result, Type, quote_identifier, quote_literal};
use crate::catalog::{Change, Sequence};
use crate::query::Context;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    ColumnDef, ColumnOption, Expr, GeneratedAs, SequenceOptions, Statement as Tree, UnaryOperator, Value,
};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct CreateSequence {
    tree: Tree,
    name: Written,
    if_not_exists: bool,
    /// Without a name yet.
    sequence: Sequence,
    owner: Option<Written>,
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::CreateSequence { temporary, if_not_exists, name, data_type, sequence_options, owned_by } = &tree else {
        return Err(Error::internal("the statement must be CREATE SEQUENCE"));
    };
    refuse(*temporary, "CREATE TEMPORARY SEQUENCE")?;
    let ty = data_type.as_ref().and_then(|ty| Type::parse(&ty.to_string())).unwrap_or(Type::Int8);
    let mut sequence = Sequence::new(Name::public(""), largest(&ty));
    set(&mut sequence, sequence_options)?;
    let none = |owner: &&datafusion::sql::sqlparser::ast::ObjectName| !owner.to_string().eq_ignore_ascii_case("none");
    let owner = owned_by.as_ref().filter(none).map(|owner| Written::new(owner, text)).transpose()?;
    let (name, if_not_exists) = (Written::new(name, text)?, *if_not_exists);
    Ok(Arc::new(CreateSequence { name, if_not_exists, sequence, owner, tree }))
}

fn largest(ty: &Type) -> i64 {
    match ty {
        Type::Int2 => i64::from(i16::MAX),
        Type::Int4 => i64::from(i32::MAX),
        _ => i64::MAX,
    }
}

fn set(sequence: &mut Sequence, options: &[SequenceOptions]) -> Result<()> {
    let (mut start, mut least, mut greatest) = (None, None, None);
    for option in options {
        match option {
            SequenceOptions::IncrementBy(by, _) => sequence.increment = number(by)?,
            SequenceOptions::MinValue(Some(value)) => least = Some(number(value)?),
            SequenceOptions::MaxValue(Some(value)) => greatest = Some(number(value)?),
            SequenceOptions::MinValue(None) | SequenceOptions::MaxValue(None) | SequenceOptions::Cache(_) => {}
            SequenceOptions::StartWith(value, _) => start = Some(number(value)?),
            SequenceOptions::Cycle(no) => sequence.cycle = !no,
        }
    }
    if sequence.increment == 0 {
        return Err(Error::new(Kind::InvalidParameterValue, "INCREMENT must not be zero"));
    }
    if sequence.increment < 0 {
        (sequence.min, sequence.max) = (-sequence.max, -1);
    }
    (sequence.min, sequence.max) = (least.unwrap_or(sequence.min), greatest.unwrap_or(sequence.max));
    if sequence.min > sequence.max {
        let message = format!("MINVALUE ({}) must be less than MAXVALUE ({})", sequence.min, sequence.max);
        return Err(Error::new(Kind::InvalidParameterValue, message));
    }
    sequence.start = start.unwrap_or(if sequence.increment > 0 { sequence.min } else { sequence.max });
    for (what, wrong, limit) in [
        ("less than MINVALUE", sequence.start < sequence.min, sequence.min),
        ("greater than MAXVALUE", sequence.start > sequence.max, sequence.max),
    ] {
        if wrong {
            let message = format!("START value ({}) cannot be {what} ({limit})", sequence.start);
            return Err(Error::new(Kind::InvalidParameterValue, message));
        }
    }
    Ok(())
}

fn number(expr: &Expr) -> Result<i64> {
    let found = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => number(expr).ok().map(|value| -value),
        _ => None,
    };
    found.ok_or_else(|| Error::new(Kind::Syntax, format!("{expr} must be an integer")))
}

/// What a column's declaration asks for: a sequence, and for an identity whether its numbers are ALWAYS its own.
pub fn of_column(
    context: &Context,
    table: &Name,
    definition: &ColumnDef,
    text: &str,
) -> Result<Option<(Sequence, Option<bool>)>> {
    let column = folded(&definition.name);
    let wanted = format!("{}_{column}_seq", table.name);
    let numbered = (1..).map(|number| format!("{wanted}{number}"));
    let mut names = std::iter::once(wanted.clone()).chain(numbered).map(|name| Name::new(&table.schema, name));
    let used = |name: &Name| taken(context, name) || context.snapshot.sequences.contains_key(name);
    let name = names.find(|name| !used(name)).ok_or_else(|| Error::internal("a sequence must have a name"))?;
    if let Some(ty) = serial(definition) {
        return Ok(Some((Sequence::new(name, largest(&ty)), None)));
    }
    for option in &definition.options {
        let ColumnOption::Generated { generated_as, sequence_options, generation_expr, .. } = &option.option else {
            continue;
        };
        let at = ident_offset(text, &definition.name);
        let always = match (generated_as, generation_expr) {
            (GeneratedAs::Always, None) => true,
            (GeneratedAs::ByDefault, None) => false,
            _ => return Err(Error::unsupported("a generated column is not supported").at(at)),
        };
        let ty = Type::parse(&definition.data_type.to_string());
        let Some(ty @ (Type::Int2 | Type::Int4 | Type::Int8)) = ty else {
            let message = "identity column type must be smallint, integer, or bigint";
            return Err(Error::new(Kind::InvalidParameterValue, message).at(at));
        };
        let mut sequence = Sequence::new(name, largest(&ty));
        set(&mut sequence, sequence_options.as_deref().unwrap_or_default())?;
        return Ok(Some((sequence, Some(always))));
    }
    Ok(None)
}

/// The type that a serial column has.
pub fn serial(definition: &ColumnDef) -> Option<Type> {
    match definition.data_type.to_string().to_uppercase().as_str() {
        "SMALLSERIAL" | "SERIAL2" => Some(Type::Int2),
        "SERIAL" | "SERIAL4" => Some(Type::Int4),
        "BIGSERIAL" | "SERIAL8" => Some(Type::Int8),
        _ => None,
    }
}

/// `nextval('s.t_id_seq'::regclass)`
pub fn default(sequence: &Name) -> String {
    let name = format!("{}.{}", quote_identifier(&sequence.schema), quote_identifier(&sequence.name));
    format!("nextval({}::regclass)", quote_literal(&name))
}

impl fmt::Display for CreateSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for CreateSequence {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        let done = Response::Done { tag: "CREATE SEQUENCE".to_string() };
        let name = self.name.new_name(&context)?;
        if taken(&context, &name) || context.snapshot.sequences.contains_key(&name) {
            let message = format!("relation \"{}\" already exists", name.name);
            if self.if_not_exists {
                session.notice(format!("{message}, skipping"));
                return Ok(done);
            }
            return Err(Error::new(Kind::DuplicateTable, message).at(self.name.offset));
        }
        let owned_by = match &self.owner {
            Some(owner) => Some(owner.column(&context)?),
            None => None,
        };
        let sequence = Sequence { name, ..self.sequence.clone() };
        let changes = vec![Change::PutSequence { sequence, owned_by }];
        session.change(changes, "CREATE SEQUENCE")?;
        Ok(done)
    }
}

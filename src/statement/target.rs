//! The objects that a standard statement names: folded, looked up along the search path, or made anew.

use crate::base::name::{self, DEFAULT_SCHEMA};
use crate::base::{Error, Kind, Name, Result, sql};
use crate::catalog::{Relation, Snapshot, Table, temporary};
use crate::query::Context;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Spanned};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::sync::Arc;

/// Bytes of a name that count, as in Postgres.
const NAME_BYTES_MAX: usize = 63;

/// An identifier as it is looked up: folded unless quoted, cut when too long.
pub fn folded(ident: &Ident) -> String {
    let name = match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    };
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_string()
}

/// Byte offset of a piece of syntax in the statement's text.
pub fn offset(text: &str, part: &impl Spanned) -> Option<usize> {
    place(text, part.span())
}

/// As [`offset`], for an identifier by itself.
pub fn ident_offset(text: &str, ident: &Ident) -> Option<usize> {
    place(text, ident.span)
}

fn place(text: &str, span: Span) -> Option<usize> {
    (span.start.line > 0).then(|| sql::offset(text, span.start))
}

/// A name as it was written: up to three identifiers.
#[derive(Clone, Debug)]
pub struct Written {
    parts: Vec<String>,
    pub offset: Option<usize>,
}

impl Written {
    /// A name that was read word by word.
    pub fn of(parts: Vec<String>, offset: usize) -> Written {
        Written { parts, offset: Some(offset) }
    }

    pub fn new(name: &ObjectName, text: &str) -> Result<Written> {
        let offset = offset(text, name);
        let parts: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident().map(folded)).collect();
        let parts = parts.ok_or_else(|| Error::unsupported(format!("name {name} cannot be used here")).at(offset))?;
        Ok(Written { parts, offset })
    }

    /// The last part.
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The schema, when it is named.
    pub fn schema(&self) -> Option<&str> {
        self.parts.len().checked_sub(2).map(|at| self.parts[at].as_str())
    }

    /// What a new temporary table or view of this name is called.
    pub fn new_temporary(&self) -> Result<Name> {
        match self.local()? {
            (None | Some(temporary::SCHEMA), name) => Ok(Name::new(temporary::SCHEMA, name)),
            (Some(_), _) => {
                let message = "cannot create temporary relation in non-temporary schema";
                Err(Error::new(Kind::InvalidTableDefinition, message).at(self.offset))
            }
        }
    }

    /// What a new object of this name is called: in the schema that is named, or the first of the search path.
    pub fn new_name(&self, context: &Context) -> Result<Name> {
        match self.local()? {
            (Some(schema), name) => {
                context.snapshot.schema(schema).map_err(|error| error.at(self.offset))?;
                Ok(Name::new(schema, name))
            }
            (None, name) => {
                // New objects of no schema are not temporary ones, which are looked up first.
                let mut path = context.search_path.iter().filter(|schema| *schema != temporary::SCHEMA);
                let first = path.find(|schema| context.snapshot.schemas.contains_key(*schema));
                let none = || Error::new(Kind::UndefinedSchema, "no schema has been selected to create in");
                Ok(Name::new(first.ok_or_else(|| none().at(self.offset))?, name))
            }
        }
    }

    /// The name of the relation that is meant, when there is one.
    pub fn find(&self, context: &Context) -> Result<Option<Name>> {
        let known = |name: &Name| context.snapshot.relation(name).is_some();
        Ok(match self.local()? {
            (Some(schema), name) => Some(Name::new(schema, name)).filter(known),
            (None, name) => context.search_path.iter().map(|schema| Name::new(schema, name)).find(known),
        })
    }

    /// Where it may be, in the order in which it is looked for.
    pub fn places(&self, context: &Context) -> Vec<Name> {
        match self.local() {
            Ok((Some(schema), name)) => vec![Name::new(schema, name)],
            Ok((None, name)) => context.search_path.iter().map(|schema| Name::new(schema, name)).collect(),
            Err(_) => vec![],
        }
    }

    /// `table.column`: the table's name and the column's.
    pub fn column(&self, context: &Context) -> Result<(Name, String)> {
        let (table, column) = match self.parts.as_slice() {
            [table @ .., column] if !table.is_empty() => (table.to_vec(), column.clone()),
            _ => return Err(Error::new(Kind::Syntax, "invalid OWNED BY option").at(self.offset)),
        };
        let table = Written { parts: table, offset: self.offset }.table(context, "own a sequence by")?;
        match table.column(&column) {
            Some(_) => Ok((table.name.clone(), column)),
            None => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name.name);
                Err(Error::new(Kind::UndefinedColumn, message).at(self.offset))
            }
        }
    }

    /// The managed table that rows go to or from; `what` is the statement's word: `insert into`.
    pub fn table(&self, context: &Context, what: &str) -> Result<Arc<Table>> {
        if let (None, name) = self.local()?
            && context.relations.contains_key(name)
        {
            let message = format!("cannot {what} step \"{name}\"");
            return Err(Error::new(Kind::WrongObjectType, message).at(self.offset));
        }
        let Some(name) = self.find(context)? else { return Err(self.undefined(&context.snapshot)) };
        match context.snapshot.relation(&name) {
            Some(Relation::Table(table)) => {
                context.reads.lock().insert(name);
                Ok(table.clone())
            }
            Some(Relation::View(_)) => Err(self.wrong(format!("cannot {what} view \"{}\"", name.name))),
            Some(Relation::External(_)) => Err(self.wrong(format!("cannot {what} external table \"{}\"", name.name))),
            None => Err(self.undefined(&context.snapshot)),
        }
    }

    fn wrong(&self, message: String) -> Error {
        Error::new(Kind::WrongObjectType, message).at(self.offset)
    }

    /// `relation "x" does not exist`, the name as it was written.
    pub fn undefined(&self, snapshot: &Snapshot) -> Error {
        let (schema, name) = match self.parts.as_slice() {
            [.., schema, name] => (schema.as_str(), name),
            [name] => (DEFAULT_SCHEMA, name),
            [] => return Error::internal("a name must have a part"),
        };
        let error = snapshot.undefined_relation(&Name::new(schema, name));
        Error { message: format!("relation \"{}\" does not exist", self.parts.join(".")), ..error }.at(self.offset)
    }

    fn local(&self) -> Result<(Option<&str>, &str)> {
        match self.parts.as_slice() {
            [name] => Ok((None, name)),
            [schema, name] => Ok((Some(schema), name)),
            [database, schema, name] if database == name::database() => Ok((Some(schema), name)),
            [connection, _, _] => Err(Error::unsupported(format!("this statement cannot change \"{connection}\""))
                .hint("a step INTO its table, in a workflow, publishes rows to another system".to_string())
                .at(self.offset)),
            _ => Err(Error::new(
                Kind::Syntax,
                format!("improper relation name (too many dotted names): {}", self.parts.join(".")),
            )
            .at(self.offset)),
        }
    }
}

/// Refuses a clause that the parser takes and we do not.
pub fn refuse(present: bool, clause: &str) -> Result<()> {
    match present {
        true => Err(Error::unsupported(format!("{clause} is not supported"))),
        false => Ok(()),
    }
}

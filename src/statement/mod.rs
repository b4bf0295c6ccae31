//! What a user can say, one file each: syntax, meaning, manual entry, tests.
//!
//! A statement of ours is recognised by its lead words, which are not reserved;
//! everything else is standard SQL and goes through [`standard`].

mod alter_table;
mod constraint;
mod copy;
mod comment;
mod create_index;
mod create_schema;
mod maintain;
mod create_table;
mod create_view;
mod delete;
mod drop;
mod grant;
mod insert;
mod literal;
mod materialize;
mod merge;
mod on_conflict;
#[cfg(test)]
mod managed_tests;
mod returning;
mod select;
mod selection;
mod sequence;
mod target;
mod truncate;
mod update;

mod alter_model;
mod cancel_run;
mod create_connection;
mod create_external_table;
mod create_materialized_view;
mod create_model;
mod create_secret;
mod create_workflow;
mod declare;
mod describe_model;
mod drop_connection;
mod drop_external_table;
mod drop_materialized_view;
mod drop_model;
mod drop_secret;
mod drop_workflow;
mod execute_workflow;
mod explain_why;
mod explain_workflow;
mod listen;
mod pause_workflow;
mod prepare;
mod preview_workflow;
mod refresh_materialized_view;
mod reset;
mod set;
mod show;
mod show_create;
mod show_objects;
mod test_connection;
mod transaction;

mod clause;
mod cursor;
mod execute;
mod interval;
mod keep;
mod later;
mod manual;
mod never;
mod role;
mod rooms;
mod runner;
mod standard;
mod twin;

#[cfg(test)]
mod corpus;

use crate::base::{Error, Result, Type, sql};
use crate::query::assignment;
use crate::session::{Description, Effect, Response, Session};
use cursor::Cursor;
use datafusion::common::ScalarValue;
use futures::future::BoxFuture;
use manual::Manual;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use execute::execute;
pub use keep::{Kept, keep};
pub use manual::manual;
pub use runner::runner;

/// A statement that has been read; prints back as text that reads to the same.
pub trait Statement: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What it does to the world. One that only reads or changes its session says so, and then is dropped in the
    /// middle when it is cancelled.
    fn effect(&self) -> Effect {
        Effect::Write
    }

    /// Types of its parameters and shape of its answer, before it runs. `hints` are the types the client gave.
    fn describe(&self, session: &Session, hints: &[Option<Type>]) -> impl Future<Output = Result<Description>> + Send {
        let _ = (session, hints);
        std::future::ready(Ok(Description::default()))
    }

    /// Runs it. Positions in errors are offsets in the statement's own text.
    fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> impl Future<Output = Result<Response>> + Send;

    /// Places in its text that must not be kept or shown: each is masked in [`Parsed::text`].
    fn hidden(&self) -> Vec<Range<usize>> {
        vec![]
    }
}

/// Any [`Statement`], as those who run one hold it.
///
/// Two traits, because with one made dynamic by `async_trait` each statement costs the compiler
/// three seconds: its lifetime bounds keep rustc from remembering that a plan may be sent.
pub trait AnyStatement: fmt::Debug + fmt::Display + Send + Sync {
    fn effect(&self) -> Effect;

    fn describe<'a>(&'a self, session: &'a Session, hints: &'a [Option<Type>]) -> BoxFuture<'a, Result<Description>>;

    fn run<'a>(&'a self, session: &'a mut Session, parameters: &'a [ScalarValue]) -> BoxFuture<'a, Result<Response>>;

    fn hidden(&self) -> Vec<Range<usize>>;
}

impl<S: Statement> AnyStatement for S {
    fn effect(&self) -> Effect {
        Statement::effect(self)
    }

    fn describe<'a>(&'a self, session: &'a Session, hints: &'a [Option<Type>]) -> BoxFuture<'a, Result<Description>> {
        Box::pin(Statement::describe(self, session, hints))
    }

    fn run<'a>(&'a self, session: &'a mut Session, parameters: &'a [ScalarValue]) -> BoxFuture<'a, Result<Response>> {
        Box::pin(Statement::run(self, session, parameters))
    }

    fn hidden(&self) -> Vec<Range<usize>> {
        Statement::hidden(self)
    }
}

/// A statement and the text it was read from.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub text: String,
    /// Byte offset of `text` in what the client sent.
    pub offset: usize,
    pub statement: Arc<dyn AnyStatement>,
}

/// A statement of ours: how it begins, how it is read, what the manual says.
pub struct Form {
    pub manual: Manual,
    /// Words by which it is recognised; `_` stands for a name.
    leads: &'static [&'static str],
    read: fn(&mut Cursor) -> Result<Arc<dyn AnyStatement>>,
}

/// Every statement of ours, in the order of the manual.
pub const ALL: &[&Form] = &[
    &create_workflow::FORM,
    &execute_workflow::FORM,
    &pause_workflow::FORM,
    &cancel_run::FORM,
    &preview_workflow::FORM,
    &explain_workflow::FORM,
    &explain_why::FORM,
    &drop_workflow::FORM,
    &create_materialized_view::FORM,
    &refresh_materialized_view::FORM,
    &drop_materialized_view::FORM,
    &create_model::FORM,
    &alter_model::FORM,
    &describe_model::FORM,
    &drop_model::FORM,
    &create_secret::FORM,
    &drop_secret::FORM,
    &create_connection::FORM,
    &test_connection::FORM,
    &drop_connection::FORM,
    &create_external_table::FORM,
    &drop_external_table::FORM,
    &comment::FORM,
    &role::FORM,
    &grant::FORM,
    &show_objects::FORM,
    &show_create::FORM,
];

/// Statements that change the session alone.
pub const SESSION: &[&Form] =
    &[&transaction::FORM, &prepare::FORM, &declare::FORM, &set::FORM, &reset::FORM, &listen::FORM, &show::FORM];

/// Reads what a client sent: its statements, or the first error with its byte offset in `text`.
pub fn parse(text: &str) -> Result<Vec<Parsed>> {
    let tokens = sql::tokenize(text)?;
    sql::split(&tokens).map(|tokens| one(text, tokens)).collect()
}

fn one(text: &str, tokens: &[sql::Token]) -> Result<Parsed> {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return Err(Error::internal("a statement must have tokens"));
    };
    let (offset, text) = (first.start, &text[first.start..last.end]);
    let statement = read(text, &sql::rebase(tokens)).map_err(|error| error.shifted(offset))?;
    let mut text = text.to_string();
    // From the last, so that the places before it stay where they are.
    statement.hidden().into_iter().rev().for_each(|place| text.replace_range(place, "'***'"));
    Ok(Parsed { text, offset, statement })
}

fn read(text: &str, tokens: &[sql::Token]) -> Result<Arc<dyn AnyStatement>> {
    let mut cursor = Cursor::new(text, tokens);
    let form = ALL.iter().chain(SESSION).find(|form| form.leads.iter().any(|lead| cursor.sees(lead)));
    let Some(form) = form else {
        later::refuse(&cursor)?;
        never::refuse(&cursor)?;
        if let Some(statement) = maintain::read(&cursor)? {
            return Ok(statement);
        }
        if let Some(statement) = alter_table::relocated(&cursor)? {
            return Ok(statement);
        }
        if let Some(twin) = twin::read(&cursor)? {
            return Ok(twin);
        }
        return standard::read(text, tokens);
    };
    let statement = (form.read)(&mut cursor)?;
    cursor.end()?;
    Ok(statement)
}

//! `CREATE MODEL`: a model file becomes a function.

use super::clause::options::Opt;
use super::clause::target::format_name;
use super::clause::{Clauses, Once};
use super::create_workflow::if_not_exists;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Name, Result, quote_identifier, quote_literal};
use crate::catalog::{Change, Input, Model, ModelVersion, NullRule};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE MODEL",
        synopsis: "\
CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name FROM 'path'
  [FORMAT lightgbm | xgboost | onnx]
  [INPUT (name type [NOT NULL | NULL AS MISSING | NULL AS literal], …)]
  [OUTPUT (labels ('label', …))]
  [WITH (clause = 'text', …)]",
        about: "Reads a model file, checks it, and keeps a copy named by its hash; the file is not needed afterwards. \
Without FORMAT the file's own look decides. INPUT is for what the file does not say: names, where it has only positions, \
types, and what a NULL means. Every input is bound by name when a query is planned: a missing or mistyped one is 42883 \
with the signature as hint.

A model answers predict('name', …), predict_proba('name', …), predict_raw('name', …), and is a function of its own name. \
A file that is cut off or of another format is 22P06, with the place in the file. OR REPLACE adds a version; 'name@1' is \
the first.",
        example: "\
CREATE MODEL delay FROM 'models/delay.txt' FORMAT lightgbm;
SELECT id, predict('delay', *) FROM features;",
    },
    leads: &["CREATE MODEL _", "CREATE OR REPLACE MODEL _"],
    read,
};

#[derive(Debug)]
struct CreateModel {
    name: Name,
    or_replace: bool,
    if_not_exists: bool,
    source: String,
    clauses: Draft,
    offset: usize,
    source_at: usize,
}

/// The clauses of a version: FORMAT, INPUT, OUTPUT.
#[derive(Debug, Default)]
pub struct Draft {
    pub format: Option<String>,
    pub inputs: Vec<Input>,
    pub labels: Vec<String>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.eat("OR REPLACE");
    cursor.expect("MODEL")?;
    let if_not_exists = if_not_exists(cursor, or_replace)?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    cursor.expect("FROM")?;
    let source_at = cursor.offset();
    let source = cursor.string()?;
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    Ok(Arc::new(CreateModel { name, or_replace, if_not_exists, source, clauses, offset, source_at }))
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["FORMAT", "INPUT", "OUTPUT", "LABELS"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("FORMAT") {
            once.note("FORMAT", at)?;
            self.format = Some(format_name(cursor)?);
        } else if cursor.eat("INPUT") {
            once.note("INPUT", at)?;
            self.inputs = cursor.list(input)?;
        } else if cursor.eat("OUTPUT") {
            once.note("OUTPUT", at)?;
            cursor.expect_token(&Kinds::LParen)?;
            cursor.expect("LABELS")?;
            self.labels = cursor.list(Cursor::string)?;
            cursor.expect_token(&Kinds::RParen)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `WITH (labels = 'no, yes')` besides the clauses.
    fn option(&mut self, words: &'static str, option: &Opt, once: &mut Once) -> Result<()> {
        if words != "LABELS" {
            return super::clause::option(self, words, option, once);
        }
        once.note("OUTPUT", option.offset)?;
        self.labels = option.value.split(',').map(|label| label.trim().to_string()).collect();
        Ok(())
    }
}

/// `name type [NOT NULL | NULL AS MISSING | NULL AS literal]`
fn input(cursor: &mut Cursor) -> Result<Input> {
    let name = cursor.identifier()?;
    let ty = cursor.data_type()?;
    let null = if cursor.eat("NOT NULL") {
        Some(NullRule::Refused)
    } else if cursor.eat("NULL AS MISSING") {
        Some(NullRule::Missing)
    } else if cursor.eat("NULL AS") {
        Some(NullRule::Constant(literal(cursor)?))
    } else {
        cursor.eat("NULL");
        None
    };
    Ok(Input { name, ty, null })
}

/// A number or a string, as it would be typed.
fn literal(cursor: &mut Cursor) -> Result<String> {
    let at = cursor.offset();
    if let Ok(text) = cursor.string() {
        return Ok(quote_literal(&text));
    }
    let value = cursor.until(|_| false)?.text;
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(value),
        _ => Err(Error::syntax(&value, at).hint("expected MISSING, a number or 'text' here".to_string())),
    }
}

impl fmt::Display for CreateModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_replace = if self.or_replace { "OR REPLACE " } else { "" };
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(f, "CREATE {or_replace}MODEL {if_not_exists}{} FROM {}", self.name, quote_literal(&self.source))?;
        print_clauses(f, self.clauses.format.as_deref(), &self.clauses.inputs, &self.clauses.labels)
    }
}

/// ` FORMAT … INPUT (…) OUTPUT (…)`: each with a space in front.
pub fn print_clauses(
    f: &mut impl fmt::Write,
    format: Option<&str>,
    inputs: &[Input],
    labels: &[String],
) -> fmt::Result {
    if let Some(format) = format {
        write!(f, " FORMAT {}", quote_identifier(format))?;
    }
    if !inputs.is_empty() {
        write!(f, " INPUT ({})", inputs.iter().map(shown).collect::<Vec<_>>().join(", "))?;
    }
    if !labels.is_empty() {
        let labels: Vec<_> = labels.iter().map(|label| quote_literal(label)).collect();
        write!(f, " OUTPUT (labels ({}))", labels.join(", "))?;
    }
    Ok(())
}

fn shown(input: &Input) -> String {
    let null = match &input.null {
        None => String::new(),
        Some(NullRule::Refused) => " NOT NULL".to_string(),
        Some(NullRule::Missing) => " NULL AS MISSING".to_string(),
        Some(NullRule::Constant(literal)) => format!(" NULL AS {literal}"),
    };
    format!("{} {}{null}", quote_identifier(&input.name), input.ty)
}

/// The statements that make the model: one that creates it, one for each further version.
pub fn statement(model: &Model) -> String {
    let statement = |(at, version): (usize, &ModelVersion)| {
        let source = quote_literal(&version.source);
        let mut text = match at {
            0 => format!("CREATE MODEL {} FROM {source}", model.name),
            _ => format!("ALTER MODEL {} ADD VERSION FROM {source}", model.name),
        };
        // Writing to a String cannot fail.
        let _ = print_clauses(&mut text, Some(&version.format), &version.inputs, &version.labels);
        text
    };
    model.versions.iter().enumerate().map(statement).collect::<Vec<_>>().join(";\n")
}

impl Statement for CreateModel {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        snapshot.schema(&self.name.schema).map_err(|error| error.at(self.offset))?;
        if snapshot.models.contains_key(&self.name) && !self.or_replace {
            if self.if_not_exists {
                session.notice(format!("model \"{}\" already exists, skipping", self.name));
                return Ok(rooms::done("CREATE MODEL"));
            }
            let message = format!("model \"{}\" already exists", self.name.to_string().replace('"', ""));
            return Err(Error::new(Kind::DuplicateObject, message)
                .hint("use CREATE OR REPLACE MODEL or ALTER MODEL … ADD VERSION to add a version".to_string())
                .at(self.offset));
        }
        let known = if self.or_replace { None } else { Some(false) };
        add_version(session, &self.name, known, &self.source, &self.clauses, self.source_at).await?;
        Ok(rooms::done("CREATE MODEL"))
    }
}

/// Imports a file and makes it the model's next version. `known`: whether there must be a model of this name.
pub async fn add_version(
    session: &Session,
    name: &Name,
    known: Option<bool>,
    source: &str,
    draft: &Draft,
    source_at: usize,
) -> Result<()> {
    let engine = session.engine.clone();
    let (source, format) = (source.to_string(), draft.format.clone());
    let (inputs, labels) = (draft.inputs.clone(), draft.labels.clone());
    let at = crate::base::clock::stamp(engine.clock.now());
    // Reading a large file and hashing it would keep a socket's thread busy.
    let import = tokio::task::spawn_blocking(move || {
        engine.models.import(&engine.roots, &source, format.as_deref(), inputs, labels)
    });
    let imported = import.await.map_err(|error| Error::internal(format!("importing a model must end: {error}")))?;
    let (version, _) = imported.map_err(|error| error.at(source_at))?;
    let version = ModelVersion { created_at: at, ..version };
    rooms::define(session, vec![Change::AddModelVersion { name: name.clone(), version, known }], "CREATE MODEL")?;
    Ok(())
}

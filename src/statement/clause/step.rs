//! `STEP name [AFTER …] [WHEN (b)] [INTO … [MODE …]] [run clauses] AS (query | dml) | AS $$ statements $$`

use super::run::{Run, print_run};
use super::schedule::phrase;
use super::target::{mode, print_target, target};
use super::{Clauses, Once, names};
use crate::base::sql;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::workflow::{After, Body, Fragment, Mode, Outcome, RunClauses, Step};
use crate::statement::cursor::Cursor;
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Tree};
use std::fmt;

const OUTCOMES: &[(&str, Outcome)] =
    &[("SUCCESS", Outcome::Success), ("FAILURE", Outcome::Failure), ("ANY", Outcome::Any)];

/// A step, after the word STEP.
pub fn step(cursor: &mut Cursor) -> Result<Step> {
    let offset = cursor.offset();
    let mut draft = Draft {
        step: Step {
            name: cursor.identifier()?,
            after: vec![],
            when: None,
            target: None,
            mode: Mode::default(),
            run: RunClauses::default(),
            body: Body::Statements(vec![]),
            snapshot: false,
            offset,
            reads: vec![],
            sources: vec![],
            materialized: false,
        },
        run: Run { of_step: true, ..Run::default() },
        mode_at: 0,
    };
    let mut once = Once::default();
    draft.clauses(cursor, &mut once)?;
    let mut step = Step { run: draft.run.clauses, ..draft.step };
    if once.has("MODE") && step.target.is_none() {
        return Err(Error::new(Kind::InvalidDefinition, "MODE needs INTO").at(draft.mode_at));
    }
    cursor.expect("AS")?;
    let at = cursor.offset();
    step.body = body(cursor)?;
    if let (Body::Statements(_), Some(_)) = (&step.body, &step.target) {
        return Err(
            Error::new(Kind::InvalidDefinition, format!("step \"{}\" with INTO must be a query", step.name)).at(at)
        );
    }
    Ok(step)
}

struct Draft {
    step: Step,
    run: Run,
    mode_at: usize,
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["AFTER", "WHEN", "INTO", "MODE", "SNAPSHOT", "RETRY", "TIMEOUT"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("AFTER") {
            once.note("AFTER", at)?;
            self.step.after = after(cursor)?;
        } else if cursor.eat("WHEN") {
            once.note("WHEN", at)?;
            self.step.when = Some(condition(cursor)?);
        } else if cursor.eat("INTO") {
            once.note("INTO", at)?;
            self.step.target = Some(target(cursor)?);
        } else if cursor.eat("MODE") {
            once.note("MODE", at)?;
            self.mode_at = at;
            self.step.mode = mode(cursor)?;
        } else if cursor.eat("SNAPSHOT") {
            once.note("SNAPSHOT", at)?;
            self.step.snapshot = switch(cursor)?;
        } else {
            return self.run.clause(cursor, once);
        }
        Ok(true)
    }
}

fn after(cursor: &mut Cursor) -> Result<Vec<After>> {
    let mut steps = vec![];
    loop {
        steps.push((cursor.offset(), cursor.identifier()?));
        if !super::run::comma(cursor) {
            break;
        }
    }
    let outcome = match cursor.eat("ON") {
        true => cursor.one_of(OUTCOMES)?,
        false => Outcome::Success,
    };
    Ok(steps.into_iter().map(|(offset, step)| After { step, outcome, offset }).collect())
}

/// `on`, `off` and their other words, as such or as text.
pub fn switch(cursor: &mut Cursor) -> Result<bool> {
    let at = cursor.offset();
    let word = cursor.string().or_else(|_| cursor.identifier())?;
    match word.to_lowercase().as_str() {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err(Error::syntax(&word, at).hint("expected on or off here".to_string())),
    }
}

/// `( boolean )`, its syntax checked.
pub fn condition(cursor: &mut Cursor) -> Result<Fragment> {
    checked_expression(cursor.parenthesised()?)
}

/// A fragment that reads as one expression.
pub fn checked_expression(fragment: Fragment) -> Result<Fragment> {
    sql::parse_expression(&fragment.text).map_err(|error| error.shifted(fragment.offset))?;
    Ok(fragment)
}

/// `( query | dml )` or `$$ statements $$`
pub fn body(cursor: &mut Cursor) -> Result<Body> {
    let Some(text) = cursor.dollar_quoted() else {
        let text = cursor.parenthesised()?;
        return Ok(match is_query(&text)? {
            true => Body::Query(text),
            false => Body::Statements(vec![text]),
        });
    };
    let statements = statements(&text)?;
    match statements.as_slice() {
        [] => Err(Error::syntax("", text.offset).hint("expected statements between the dollar signs".to_string())),
        [only] if is_query(only)? => Ok(Body::Query(only.clone())),
        _ => {
            for statement in &statements {
                if is_query(statement)? {
                    return Err(Error::new(Kind::InvalidDefinition, "a query has no effect among several statements")
                        .hint("make it a step of its own".to_string())
                        .at(statement.offset));
                }
            }
            Ok(Body::Statements(statements))
        }
    }
}

fn statements(text: &Fragment) -> Result<Vec<Fragment>> {
    let tokens = sql::tokenize(&text.text).map_err(|error| error.shifted(text.offset))?;
    let fragments = sql::split(&tokens).filter_map(|tokens| {
        let (first, last) = (tokens.first()?, tokens.last()?);
        Some(Fragment { text: text.text[first.start..last.end].to_string(), offset: text.offset + first.start })
    });
    Ok(fragments.collect())
}

/// Whether the text is a query; it may be INSERT, UPDATE, DELETE or MERGE besides.
fn is_query(fragment: &Fragment) -> Result<bool> {
    match sql::parse_statement(&fragment.text).map_err(|error| error.shifted(fragment.offset))? {
        Tree::Query(query) => {
            Ok(!matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)))
        }
        Tree::Insert(_) | Tree::Update(_) | Tree::Delete(_) | Tree::Merge(_) | Tree::Truncate(_) => Ok(false),
        _ => Err(Error::unsupported("only queries, INSERT, UPDATE, DELETE and TRUNCATE can be in a workflow")
            .at(fragment.offset)),
    }
}

/// `STEP name …`
pub fn print_step(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    write!(f, "STEP {}", quote_identifier(&step.name))?;
    if let Some(first) = step.after.first() {
        let names: Vec<_> = step.after.iter().map(|after| quote_identifier(&after.step)).collect();
        write!(f, " AFTER {}", names.join(", "))?;
        if first.outcome != Outcome::Success {
            write!(f, " ON {}", phrase(OUTCOMES, first.outcome))?;
        }
    }
    if let Some(when) = &step.when {
        write!(f, " WHEN ({})", when.text)?;
    }
    if let Some(target) = &step.target {
        print_target(f, target, &step.mode)?;
    }
    print_run(f, &step.run)?;
    if step.snapshot {
        f.write_str(" WITH (snapshot = on)")?;
    }
    match &step.body {
        Body::Query(query) => print_body(f, std::slice::from_ref(query)),
        Body::Statements(statements) => print_body(f, statements),
    }
}

/// ` AS (…)`, or ` AS $$ … $$` for several statements.
pub fn print_body(f: &mut fmt::Formatter<'_>, statements: &[Fragment]) -> fmt::Result {
    if let [only] = statements {
        return write!(f, " AS (\n    {}\n  )", only.text);
    }
    let texts: Vec<_> = statements.iter().map(|statement| statement.text.as_str()).collect();
    let text = texts.join(";\n    ");
    let mut quote = "$$".to_string();
    while text.contains(&quote) {
        quote = format!("{}x$", &quote[..quote.len() - 1]);
    }
    write!(f, " AS {quote}\n    {text}\n  {quote}")
}

/// The columns of a list that must not be empty, as names.
pub fn columns(cursor: &mut Cursor) -> Result<Vec<String>> {
    cursor.expect_token(&sql::Kinds::LParen)?;
    let names = names(cursor)?;
    cursor.expect_token(&sql::Kinds::RParen)?;
    Ok(names)
}

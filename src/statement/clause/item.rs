//! The items of a workflow: `PARAM`, `STEP`, `CHECK`, `METRIC`, `FINALLY`.

use super::check::{check, print_check};
use super::metric::{metric, print_metric};
use super::step::{body, checked_expression, condition, print_body, print_step, step};
use super::{Once, refuse_later};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::Workflow;
use crate::catalog::workflow::{Body, Finally, Param};
use crate::statement::cursor::Cursor;
use std::fmt;

/// `( item, … )` into the workflow.
pub fn items(cursor: &mut Cursor, workflow: &mut Workflow) -> Result<()> {
    cursor.list(|cursor| item(cursor, workflow))?;
    Ok(())
}

fn item(cursor: &mut Cursor, workflow: &mut Workflow) -> Result<()> {
    if cursor.eat("PARAM") {
        workflow.params.push(param(cursor)?);
    } else if cursor.eat("STEP") {
        workflow.steps.push(step(cursor)?);
    } else if cursor.eat("CHECK") {
        workflow.checks.push(check(cursor)?);
    } else if cursor.eat("METRIC") {
        workflow.metrics.push(metric(cursor)?);
    } else if cursor.eat("FINALLY") {
        workflow.finally.push(finally(cursor)?);
    } else {
        return Err(cursor.expected("PARAM, STEP, CHECK, METRIC or FINALLY"));
    }
    // What cannot go on cannot be an item's clause either; a known one is refused by its name.
    if cursor.sees_token(&Kinds::Comma) || cursor.sees_token(&Kinds::RParen) { Ok(()) } else { refuse_later(cursor) }
}

fn param(cursor: &mut Cursor) -> Result<Param> {
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    let ty = cursor.data_type()?;
    let mut param = Param { name, ty, not_null: false, default: None, check: None, offset };
    let mut once = Once::default();
    loop {
        let at = cursor.offset();
        if cursor.eat("NOT NULL") {
            once.note("NOT NULL", at)?;
            param.not_null = true;
        } else if cursor.eat("NULL") {
            once.note("NOT NULL", at)?;
        } else if cursor.eat("DEFAULT") {
            once.note("DEFAULT", at)?;
            param.default = Some(checked_expression(cursor.until(ends_default)?)?);
        } else if cursor.eat("CHECK") {
            once.note("CHECK", at)?;
            param.check = Some(condition(cursor)?);
        } else {
            return Ok(param);
        }
    }
}

fn ends_default(cursor: &Cursor) -> bool {
    cursor.sees("CHECK") || cursor.sees("DEFAULT") || (cursor.sees("NOT NULL") && !cursor.follows("IS"))
}

fn finally(cursor: &mut Cursor) -> Result<Finally> {
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    let when = match cursor.eat("WHEN") {
        true => Some(condition(cursor)?),
        false => None,
    };
    cursor.expect("AS")?;
    let at = cursor.offset();
    match body(cursor)? {
        Body::Statements(body) => Ok(Finally { name, when, body, offset }),
        Body::Query(_) => {
            Err(Error::new(Kind::InvalidDefinition, format!("FINALLY \"{name}\" must be INSERT, UPDATE or DELETE"))
                .hint("a query there would have no effect".to_string())
                .at(at))
        }
    }
}

/// The items as they stood, each on a line of its own.
pub fn print_items(f: &mut fmt::Formatter<'_>, workflow: &Workflow) -> fmt::Result {
    let mut items: Vec<(usize, String)> = vec![];
    items.extend(workflow.params.iter().map(|param| (param.offset, Shown(param, print_param).to_string())));
    items.extend(workflow.steps.iter().map(|step| (step.offset, Shown(step, print_step).to_string())));
    items.extend(workflow.checks.iter().map(|check| (check.offset, Shown(check, print_check).to_string())));
    items.extend(workflow.metrics.iter().map(|metric| (metric.offset, Shown(metric, print_metric).to_string())));
    items.extend(workflow.finally.iter().map(|finally| (finally.offset, Shown(finally, print_finally).to_string())));
    items.sort_by_key(|(offset, _)| *offset);
    let items: Vec<_> = items.iter().map(|(_, item)| format!("\n  {item}")).collect();
    write!(f, "AS ({}\n)", items.join(","))
}

fn print_param(f: &mut fmt::Formatter<'_>, param: &Param) -> fmt::Result {
    write!(f, "PARAM {} {}", quote_identifier(&param.name), param.ty)?;
    if param.not_null {
        f.write_str(" NOT NULL")?;
    }
    if let Some(default) = &param.default {
        write!(f, " DEFAULT {}", default.text)?;
    }
    param.check.as_ref().map_or(Ok(()), |check| write!(f, " CHECK ({})", check.text))
}

fn print_finally(f: &mut fmt::Formatter<'_>, finally: &Finally) -> fmt::Result {
    write!(f, "FINALLY {}", quote_identifier(&finally.name))?;
    if let Some(when) = &finally.when {
        write!(f, " WHEN ({})", when.text)?;
    }
    print_body(f, &finally.body)
}

/// Something with the function that prints it.
pub struct Shown<'a, T>(pub &'a T, pub fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result);

impl<T> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1(f, self.0)
    }
}

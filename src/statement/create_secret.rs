//! `CREATE SECRET`: a value that can be used and never be read.

use super::create_workflow::if_not_exists;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal, seal};
use crate::catalog::{Change, Secret, SecretSource};
use datafusion::common::ScalarValue;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE SECRET",
        synopsis: "CREATE [OR REPLACE] SECRET [IF NOT EXISTS] name FROM ENV 'VARIABLE' | FILE 'path' | VALUE 'text'",
        about: "Names a value that options of a connection can refer to. ENV and FILE are read when a connection is \
made, so a rotated password needs no statement; VALUE is kept in the store, encrypted with the key in `secret.key` of the \
data folder. No statement, view, log or history \
shows it again: SHOW CREATE SECRET prints VALUE '***', which is refused when it is run.",
        example: "CREATE SECRET ops_password FROM ENV 'PGPASSWORD';",
    },
    leads: &["CREATE SECRET _", "CREATE OR REPLACE SECRET _"],
    read,
};

/// What is shown in place of a value.
const MASK: &str = "***";

#[derive(Debug)]
struct CreateSecret {
    secret: Secret,
    or_replace: bool,
    if_not_exists: bool,
    offset: usize,
    value_at: Range<usize>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.eat("OR REPLACE");
    cursor.expect("SECRET")?;
    let if_not_exists = if_not_exists(cursor, or_replace)?;
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    let (source, value_at) = source(cursor)?;
    if !cursor.at_end() {
        // The token that is too much may be the secret itself, so it is not shown.
        return Err(Error::new(Kind::Syntax, "syntax error after the secret's value").at(cursor.offset()));
    }
    Ok(Arc::new(CreateSecret { secret: Secret { name, source }, or_replace, if_not_exists, offset, value_at }))
}

/// The source, and where its text stands.
fn source(cursor: &mut Cursor) -> Result<(SecretSource, Range<usize>)> {
    cursor.expect("FROM").map_err(hidden)?;
    let kinds: [(&str, fn(String) -> SecretSource); 3] =
        [("ENV", SecretSource::Environment), ("FILE", SecretSource::File), ("VALUE", SecretSource::Value)];
    let kind = cursor.one_of(&kinds).map_err(hidden)?;
    let place = cursor.span();
    let text = cursor.string().map_err(hidden)?;
    let source = kind(text);
    if matches!(&source, SecretSource::Value(value) if value == MASK) {
        return Err(Error::new(Kind::InvalidParameterValue, format!("{MASK} stands for a value that is not shown"))
            .hint("write the secret itself, or FROM ENV or FILE".to_string())
            .at(place.start));
    }
    Ok((source, place))
}

/// A syntax error without the token that stands there.
fn hidden(error: Error) -> Error {
    Error { message: "syntax error in CREATE SECRET".to_string(), ..error }
}

impl fmt::Display for CreateSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_replace = if self.or_replace { "OR REPLACE " } else { "" };
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(
            f,
            "CREATE {or_replace}SECRET {if_not_exists}{} FROM {}",
            quote_identifier(&self.secret.name),
            shown(&self.secret)
        )
    }
}

fn shown(secret: &Secret) -> String {
    match &secret.source {
        SecretSource::Environment(variable) => format!("ENV {}", quote_literal(variable)),
        SecretSource::File(path) => format!("FILE {}", quote_literal(path)),
        SecretSource::Value(_) => format!("VALUE '{MASK}'"),
    }
}

/// The statement that makes the secret, its value masked.
pub fn statement(secret: &Secret) -> String {
    format!("CREATE SECRET {} FROM {}", quote_identifier(&secret.name), shown(secret))
}

impl Statement for CreateSecret {
    fn hidden(&self) -> Vec<Range<usize>> {
        match self.secret.source {
            SecretSource::Value(_) => vec![self.value_at.clone()],
            SecretSource::Environment(_) | SecretSource::File(_) => vec![],
        }
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let name = &self.secret.name;
        if session.snapshot().secrets.contains_key(name) && !self.or_replace {
            if !self.if_not_exists {
                let message = format!("secret \"{name}\" already exists");
                return Err(Error::new(Kind::DuplicateObject, message).at(self.offset));
            }
            session.notice(format!("secret \"{name}\" already exists, skipping"));
            return Ok(rooms::done("CREATE SECRET"));
        }
        if let SecretSource::Environment(variable) = &self.secret.source
            && std::env::var_os(variable).is_none()
        {
            session.warning("01000", format!("environment variable \"{variable}\" is not set in the server"));
        }
        let mut secret = self.secret.clone();
        if let SecretSource::Value(value) = &mut secret.source {
            *value = seal::seal(&session.engine.config.data, name, value)?;
        }
        rooms::define(session, vec![Change::PutSecret { secret, or_replace: self.or_replace }], "CREATE SECRET")
    }
}

#[cfg(test)]
mod tests {
    use crate::statement::parse;

    #[test]
    fn a_value_is_in_no_text_that_leaves_the_statement() {
        let parsed = parse("PAUSE WORKFLOW w; CREATE  SECRET s FROM VALUE 'hunter2' ; ").unwrap().remove(1);
        assert_eq!(parsed.text, "CREATE  SECRET s FROM VALUE '***'");
        for shown in [parsed.text.clone(), format!("{parsed:?}"), parsed.statement.to_string()] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for bad in [
            "CREATE SECRET s FROM VALUE hunter2",
            "CREATE SECRET s VALUE 'hunter2'",
            "CREATE SECRET s FROM 'hunter2'",
            "CREATE SECRET s FROM VALUE 'x' 'hunter2'",
            "CREATE SECRET s FROM VALUE 'x' hunter2",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

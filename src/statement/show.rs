//! `SHOW`: the value of a setting.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::{Result, Type};
use crate::query::Rows;
use crate::session::settings::entry;
use crate::session::{Description, Effect};
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "SHOW setting",
        synopsis: "SHOW {name | ALL | TIME ZONE | TRANSACTION ISOLATION LEVEL | SESSION AUTHORIZATION}",
        about: "Tells the value of a setting; ALL tells all of them with a word on each.",
        example: "SHOW search_path;",
    },
    leads: &["SHOW"],
    read,
};

#[derive(Debug)]
enum Show {
    All,
    One(String),
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("SHOW")?;
    let phrases = [
        ("TIME ZONE", "TimeZone"),
        ("TRANSACTION ISOLATION LEVEL", "transaction_isolation"),
        ("SESSION AUTHORIZATION", "session_authorization"),
    ];
    let show = if cursor.eat("ALL") {
        Show::All
    } else if let Some((_, name)) = phrases.into_iter().find(|(phrase, _)| cursor.eat(phrase)) {
        Show::One(name.to_string())
    } else {
        Show::One(cursor.dotted()?.join("."))
    };
    Ok(Arc::new(show))
}

impl Show {
    fn schema(&self) -> SchemaRef {
        let names: Vec<&str> = match self {
            Show::All => vec!["name", "setting", "description"],
            Show::One(name) => vec![entry(name).map_or(name, |setting| setting.name)],
        };
        Arc::new(Schema::new(names.into_iter().map(|name| Type::Text.field(name, false)).collect::<Vec<_>>()))
    }

    fn columns(&self, session: &Session) -> Result<Vec<ArrayRef>> {
        fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
            Arc::new(StringArray::from_iter_values(values))
        }
        let settings = &session.settings;
        Ok(match self {
            Show::All => vec![
                texts(settings.all().map(|(name, ..)| name)),
                texts(settings.all().map(|(_, value, _)| value)),
                texts(settings.all().map(|(.., about)| about)),
            ],
            Show::One(name) => vec![texts(std::iter::once(settings.get(name)?))],
        })
    }
}

impl Statement for Show {
    fn effect(&self) -> Effect {
        Effect::Session
    }

    async fn describe(&self, _: &Session, _: &[Option<Type>]) -> Result<Description> {
        Ok(Description { parameters: vec![], columns: Some(self.schema()) })
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let schema = self.schema();
        let columns = self.columns(session).map_err(|error| error.at("SHOW ".len()))?;
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(crate::base::Error::from)?;
        Ok(Response::Rows { rows: Rows::of(schema, vec![batch]), tag: "SHOW" })
    }
}

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Show::All => f.write_str("SHOW ALL"),
            Show::One(name) => write!(f, "SHOW {name}"),
        }
    }
}

//! `DESCRIBE MODEL`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Error, Kind, Name, Result};
use crate::model::DESCRIPTION;
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DESCRIBE MODEL",
        synopsis: "DESCRIBE MODEL name [VERSION n]",
        about: "What a version of a model is, takes and gives, by default of the newest: format, size and hash, its \
inputs with type, rule for NULL and categories, the functions that it answers with their types.",
        example: "DESCRIBE MODEL delay;",
    },
    leads: &["DESCRIBE MODEL _"],
    read,
};

#[derive(Debug)]
struct DescribeModel {
    name: Name,
    version: Option<u64>,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DESCRIBE MODEL")?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    let version = match cursor.eat("VERSION") {
        true => Some(cursor.integer()?),
        false => None,
    };
    Ok(Arc::new(DescribeModel { name, version, offset }))
}

impl fmt::Display for DescribeModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DESCRIBE MODEL {}", self.name)?;
        self.version.map_or(Ok(()), |version| write!(f, " VERSION {version}"))
    }
}

impl Statement for DescribeModel {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, _: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::texts(&DESCRIPTION))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        let model = snapshot.model(&self.name).map_err(|error| error.at(self.offset))?;
        let version = match self.version {
            None => model.versions.last(),
            Some(wanted) => model.versions.iter().find(|version| u64::try_from(version.version) == Ok(wanted)),
        };
        let Some(version) = version else {
            let name = self.name.to_string().replace('"', "");
            let message = format!("version {} of model \"{name}\" does not exist", self.version.unwrap_or_default());
            return Err(Error::new(Kind::UndefinedObject, message).at(self.offset));
        };
        let rows = session.engine.models.describe(&self.name, version)?;
        rooms::table(&DESCRIPTION, rows, "DESCRIBE")
    }
}

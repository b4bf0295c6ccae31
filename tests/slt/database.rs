//! sqllogictest's view of us: a Postgres client that speaks one of the two protocols.

use super::text::Text;
use async_trait::async_trait;
use sqllogictest::{AsyncDB, ColumnType, DBOutput};
use std::fmt;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    Simple,
    Extended,
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Simple => "simple",
            Protocol::Extended => "extended",
        }
    }
}

/// A column's letter: `I` integers, `R` other numbers, `B` booleans, `T` everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    Integer,
    Real,
    Boolean,
    Text,
    Untold,
}

const LETTERS: &[(char, Column)] =
    &[('I', Column::Integer), ('R', Column::Real), ('B', Column::Boolean), ('T', Column::Text), ('?', Column::Untold)];

impl ColumnType for Column {
    fn from_char(letter: char) -> Option<Self> {
        LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, column)| column.clone())
    }

    fn to_char(&self) -> char {
        LETTERS.iter().find(|(_, column)| column == self).map_or('?', |(letter, _)| *letter)
    }
}

impl From<&Type> for Column {
    fn from(ty: &Type) -> Self {
        match *ty {
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Column::Integer,
            Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => Column::Real,
            Type::BOOL => Column::Boolean,
            _ => Column::Text,
        }
    }
}

pub struct Database {
    client: Client,
    protocol: Protocol,
}

/// An error as a script matches it.
#[derive(Debug)]
pub struct Refused(tokio_postgres::Error);

impl Database {
    pub async fn connect(target: String, protocol: Protocol) -> Result<Self, Refused> {
        let (client, connection) = tokio_postgres::connect(&target, NoTls).await.map_err(Refused)?;
        tokio::spawn(connection);
        Ok(Database { client, protocol })
    }

    async fn simple(&self, sql: &str) -> Result<DBOutput<Column>, tokio_postgres::Error> {
        let (mut columns, mut rows, mut changed) = (None, vec![], 0);
        for message in self.client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(described) => columns = Some(described.len()),
                SimpleQueryMessage::Row(row) => rows.push((0..row.len()).map(|at| cell(row.get(at))).collect()),
                SimpleQueryMessage::CommandComplete(count) => changed = count,
                _ => {}
            }
        }
        Ok(match columns {
            Some(columns) => DBOutput::Rows { types: vec![Column::Untold; columns], rows },
            None => DBOutput::StatementComplete(changed),
        })
    }

    async fn extended(&self, sql: &str) -> Result<DBOutput<Column>, tokio_postgres::Error> {
        let statement = self.client.prepare(sql).await?;
        let types: Vec<_> = statement.columns().iter().map(|column| Column::from(column.type_())).collect();
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(self.client.execute(&statement, &[]).await?));
        }
        let mut rows = vec![];
        for row in self.client.query(&statement, &[]).await? {
            let value = |at| row.try_get::<_, Option<Text>>(at);
            let cells = (0..row.len()).map(|at| Ok(cell(value(at)?.as_ref().map(|text| text.0.as_str()))));
            rows.push(cells.collect::<Result<_, tokio_postgres::Error>>()?);
        }
        Ok(DBOutput::Rows { types, rows })
    }
}

fn cell(text: Option<&str>) -> String {
    match text {
        None => "NULL".into(),
        Some("") => "(empty)".into(),
        Some(text) => text.into(),
    }
}

#[async_trait]
impl AsyncDB for Database {
    type Error = Refused;
    type ColumnType = Column;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Column>, Refused> {
        let outcome = match self.protocol {
            Protocol::Simple => self.simple(sql).await,
            Protocol::Extended => self.extended(sql).await,
        };
        outcome.map_err(Refused)
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "aqueduct"
    }

    async fn sleep(time: std::time::Duration) {
        tokio::time::sleep(time).await;
    }

    fn error_sql_state(error: &Refused) -> Option<String> {
        error.0.code().map(|state| state.code().to_string())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_db_error() else { return write!(f, "{}", self.0) };
        write!(f, "({}) {}", error.code().code(), error.message())?;
        for (label, fact) in [("DETAIL", error.detail()), ("HINT", error.hint())] {
            if let Some(fact) = fact {
                write!(f, "; {label}: {fact}")?;
            }
        }
        match error.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(at)) => write!(f, "; at {at}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

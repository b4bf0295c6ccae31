//! Columns of system relations as text declares them: `CREATE VIEW name /* oid */ ( column type [NOT NULL], … );`

use crate::base::Type;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// A relation of a system schema: its name, its OID and the shape of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    pub schema: &'static str,
    pub name: String,
    pub oid: u32,
    /// As in `pg_class.relkind`.
    pub kind: char,
    pub columns: Vec<DeclaredColumn>,
    /// What it is for, as in `COMMENT`.
    pub about: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredColumn {
    pub name: String,
    pub ty: Type,
    pub nullable: bool,
    pub about: Option<String>,
}

impl Declared {
    pub fn arrow(&self) -> SchemaRef {
        let field = |column: &DeclaredColumn| column.ty.field(&column.name, column.nullable);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<Field>>()))
    }
}

/// The relations of `pg_catalog` and `information_schema`, in the order of their names.
pub fn postgres() -> &'static [Declared] {
    static ALL: LazyLock<Vec<Declared>> = LazyLock::new(|| {
        let catalog = include_str!("../../../sql/system/postgres/pg_catalog.sql");
        let information = include_str!("../../../sql/system/postgres/information_schema.sql");
        let mut all = read("pg_catalog", catalog);
        all.extend(read("information_schema", information));
        all
    });
    &ALL
}

/// Reads declarations; what is not one is left out, and a test counts.
fn read(schema: &'static str, text: &str) -> Vec<Declared> {
    text.split("\nCREATE ").skip(1).filter_map(|part| relation(schema, part)).collect()
}

fn relation(schema: &'static str, text: &str) -> Option<Declared> {
    let (head, body) = text.split_once("(\n")?;
    let mut words = head.split_whitespace();
    let kind = if words.next()? == "TABLE" { 'r' } else { 'v' };
    let name = words.next()?.to_string();
    let oid = words.nth(1)?.parse().ok()?;
    let (columns, _) = body.split_once("\n);")?;
    let columns = columns.split(',').map(column).collect::<Option<_>>()?;
    Some(Declared { schema, name, oid, kind, columns, about: None })
}

fn column(text: &str) -> Option<DeclaredColumn> {
    let (name, ty) = text.trim().split_once(' ')?;
    let (ty, nullable) = ty.strip_suffix(" NOT NULL").map_or((ty, true), |ty| (ty, false));
    Some(DeclaredColumn { name: name.to_string(), ty: Type::parse(ty)?, nullable, about: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_is_read() {
        for (schema, text) in [
            ("pg_catalog", include_str!("../../../sql/system/postgres/pg_catalog.sql")),
            ("information_schema", include_str!("../../../sql/system/postgres/information_schema.sql")),
        ] {
            assert_eq!(read(schema, text).len(), text.matches("CREATE ").count());
        }
        let class = postgres().iter().find(|declared| declared.name == "pg_class").unwrap();
        assert_eq!((class.oid, class.kind, class.columns.len()), (1259, 'r', 33));
        assert_eq!(class.columns[1].ty, Type::Name);
    }
}

//! How a view's text tells its columns: `expression AS "name type", -- what it is`, under a comment that is the manual's.

use crate::base::Type;
use crate::query::system::declared::{Declared, DeclaredColumn};
use crate::query::system::oid;

/// The view that a file of `sql/system` declares.
pub fn of_file(name: &str, file: &str) -> Option<Declared> {
    let mut about = vec![];
    let mut columns = vec![];
    for line in file.lines() {
        match line.strip_prefix("--") {
            Some(comment) if columns.is_empty() => about.push(comment.trim()),
            Some(_) => {}
            None => columns.extend(aliased(line)),
        }
    }
    declared(name, &about.join(" "), columns)
}

/// The view that `name: what it is for` declares, with one line `column type -- what it is` for each column.
pub fn of_declaration(text: &str) -> Option<Declared> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (name, about) = lines.next()?.split_once(": ")?;
    let columns = lines.map(|line| column(line.split(" -- "))).collect::<Option<_>>()?;
    declared(name, about, columns)
}

fn declared(name: &str, about: &str, columns: Vec<DeclaredColumn>) -> Option<Declared> {
    Some(Declared {
        schema: "aqueduct",
        name: name.to_string(),
        oid: oid::of_name("aqueduct", name),
        kind: 'v',
        columns,
        about: Some(about.to_string()).filter(|about| !about.is_empty()),
    })
}

/// The column of a line `… AS "name type"[,] [-- what it is]`.
fn aliased(line: &str) -> Option<DeclaredColumn> {
    let (_, rest) = line.split_once(" AS \"")?;
    let (alias, rest) = rest.split_once('"')?;
    let about = rest.split_once("-- ").map(|(_, about)| about);
    column([alias].into_iter().chain(about))
}

fn column<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<DeclaredColumn> {
    let (name, ty) = parts.next()?.trim().split_once(' ')?;
    let about = parts.next().map(|about| about.trim().to_string());
    Some(DeclaredColumn { name: name.to_string(), ty: Type::parse(ty)?, nullable: true, about })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_columns_and_comments() {
        let file =
            "-- All of it.\n-- Twice.\nSELECT a AS \"a text\", -- the first\n  b AS \"at timestamptz\"\nFROM t\n";
        let declared = of_file("v", file).unwrap();
        assert_eq!(declared.about.as_deref(), Some("All of it. Twice."));
        let columns: Vec<_> = declared.columns.iter().map(|it| (it.name.as_str(), it.about.as_deref())).collect();
        assert_eq!(columns, [("a", Some("the first")), ("at", None)]);
        assert_eq!(declared.columns[1].ty, Type::Timestamptz);
    }
}

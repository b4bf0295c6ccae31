//! What PostgreSQL has and this server has not by design: refused by name, with the way to go instead.

use super::cursor::Cursor;
use crate::base::{Error, Result};

pub fn refuse(cursor: &Cursor) -> Result<()> {
    for (lead, hint) in [
        (
            "CREATE DATABASE",
            "a server has one database; CREATE SCHEMA, or start a server with a data folder of its own",
        ),
        ("ALTER DATABASE", "its name is the setting database of the server"),
        ("DROP DATABASE", "a server has one database: stop it and remove its data folder"),
    ] {
        if cursor.sees(lead) {
            return Err(Error::unsupported(format!("{lead} is not supported"))
                .hint(hint.to_string())
                .at(cursor.offset()));
        }
    }
    if cursor.sees("UPDATE") || cursor.sees("DELETE") {
        let mut cursor = cursor.clone();
        let before = cursor.rest(|cursor| cursor.sees("WHERE CURRENT OF"));
        if before.is_ok() && cursor.sees("WHERE CURRENT OF") {
            return Err(Error::unsupported("WHERE CURRENT OF is not supported")
                .hint("name the row by its key".to_string())
                .at(cursor.offset()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn what_is_not_there_is_said_with_the_way_to_go() {
        for (text, message, at) in [
            ("create database x", "CREATE DATABASE is not supported", 0),
            ("drop database if exists x", "DROP DATABASE is not supported", 0),
            ("update t set a = (1) where current of c", "WHERE CURRENT OF is not supported", 21),
            ("delete from t where current of c", "WHERE CURRENT OF is not supported", 14),
        ] {
            let refused = parse(text).unwrap_err();
            assert_eq!((refused.message.as_str(), refused.offset), (message, Some(at)), "{text}");
            assert!(refused.hint.is_some());
        }
    }
}

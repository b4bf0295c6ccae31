//! The manual: `docs/reference.md`, written from what the code says.
//!
//! Nothing is told here that another file could tell: statements bring their entries, settings
//! their comments, views theirs. What is left is the order and the words between.

mod differences;
mod functions;
mod standard;

use super::ALL;
use crate::base::{Config, Kind};
use crate::connect::Connections;
use crate::query::system;
use crate::session::settings::{self, Setting};
use std::fmt::Write;

/// What the manual says of one statement.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// `CREATE WORKFLOW`
    pub title: &'static str,
    pub synopsis: &'static str,
    pub about: &'static str,
    pub example: &'static str,
}

const HEAD: &str = "\
<!-- Written by `aqueduct manual`. Change the code, then run it again. -->

# Reference

What can be said to Aqueduct, and what it means. The base is PostgreSQL 15's SQL; what is ours is added to it. Words are \
not reserved: tables and columns called `workflow`, `check`, `metric`, `step` or `model` work as ever. Clauses of our \
statements come in any order, each at most once, and each can be written `WITH (key = 'text')`, for tools that know no \
other form. Every definition prints back with `SHOW CREATE`.

An interval is text such as `'45 min'`, `'1 h 30 min'`, `'2 s'` or `'1 day'`. A name is folded to lower case unless it is \
quoted, and 63 bytes of it count.

- [Statements](#statements)
- [Standard SQL](#standard-sql)
- [Differences from PostgreSQL](#differences-from-postgresql)
- [Functions](#functions)
- [Connections](#connections)
- [The catalog](#the-catalog)
- [Settings of the server](#settings-of-the-server)
- [Settings of a session](#settings-of-a-session)
- [Errors](#errors)
";

/// The reference, as Markdown. Writing to a String cannot fail, so outcomes of `write!` are passed over.
pub fn manual() -> String {
    let mut out = HEAD.to_string();
    out.push_str("\n## Statements\n");
    ALL.iter().for_each(|form| entry(&mut out, &form.manual));
    out.push_str("\n## Standard SQL\n\nWhere nothing is said, a statement does what PostgreSQL's manual says.\n");
    standard::ALL.iter().for_each(|manual| entry(&mut out, manual));
    differences(&mut out);
    out.push_str("\n## Functions\n\nAll of PostgreSQL's that DataFusion has, and these:\n\n| function | answer |\n| --- | --- |\n");
    for (call, about) in functions::ALL {
        let _ = writeln!(out, "| `{}` | {} |", cell(call), cell(about));
    }
    out.push_str(
        "\nActions are functions as well, for tools that may only SELECT. Alone in a SELECT, with a name and then clauses as \
         `key => 'text'`, each is the statement beside it: `SELECT aqueduct.execute('ml.w', wait => 'on')`.\n\n\
         | function | statement |\n| --- | --- |\n",
    );
    for (function, action) in super::twin::ALL {
        let _ = writeln!(out, "| `aqueduct.{function}('name', …)` | `{action}` |");
    }
    connections(&mut out);
    catalog(&mut out);
    server_settings(&mut out);
    session_settings(&mut out);
    errors(&mut out);
    out
}

fn entry(out: &mut String, manual: &Manual) {
    let Manual { title, synopsis, about, example } = manual;
    let _ = write!(out, "\n### {title}\n\n```text\n{synopsis}\n```\n\n{about}\n");
    if !example.is_empty() {
        let _ = write!(out, "\n```sql\n{example}\n```\n");
    }
}

fn differences(out: &mut String) {
    out.push_str(
        "\n## Differences from PostgreSQL\n\nA query means what it means in PostgreSQL 15, and a mistake has its SQLSTATE, but for \
         these:\n\n| difference | why, or what to say instead |\n| --- | --- |\n",
    );
    for (difference, reason) in differences::ALL {
        let _ = writeln!(out, "| {} | {} |", cell(difference), cell(reason));
    }
}

fn connections(out: &mut String) {
    out.push_str("\n## Connections\n\nTypes of `CREATE CONNECTION` and their options.\n");
    for kind in Connections::kinds() {
        let _ = write!(
            out,
            "\n### {}\n\n{}\n\n| option | default | meaning |\n| --- | --- | --- |\n",
            kind.name, kind.summary
        );
        for option in kind.options {
            let secret = if option.secret { " Must come from a secret." } else { "" };
            let _ =
                writeln!(out, "| `{}` | {} | {}{secret} |", option.name, code(option.default), cell(option.summary));
        }
    }
}

fn catalog(out: &mut String) {
    out.push_str("\n## The catalog\n\nViews of schema `aqueduct`. History stays when an object is dropped; instants end in `_at`.\n");
    for view in system::views() {
        let declared = &view.declared;
        let about = declared.about.as_deref().unwrap_or_default();
        let _ = write!(
            out,
            "\n### aqueduct.{}\n\n{about}\n\n| column | type | meaning |\n| --- | --- | --- |\n",
            declared.name
        );
        for column in &declared.columns {
            let about = column.about.as_deref().unwrap_or_default();
            let _ = writeln!(out, "| `{}` | {} | {} |", column.name, column.ty, cell(about));
        }
    }
}

fn server_settings(out: &mut String) {
    out.push_str(
        "\n## Settings of the server\n\nA flag of `aqueduct serve` comes before the environment, the environment before \
         `aqueduct.toml` in the data folder.\n\n| setting | environment | default | meaning |\n| --- | --- | --- | --- |\n",
    );
    for setting in Config::documented() {
        let variable = format!("AQUEDUCT_{}", setting.name.to_uppercase());
        let default = code(&setting.default);
        let _ = writeln!(out, "| `{}` | `{variable}` | {default} | {} |", setting.name, cell(&setting.about));
    }
}

fn session_settings(out: &mut String) {
    out.push_str(
        "\n## Settings of a session\n\n`SET`, `SHOW` and `RESET` know these. \
         Those that are accepted without effect are the ones that clients of PostgreSQL send.\n\n\
         | setting | default | meaning |\n| --- | --- | --- |\n",
    );
    let (idle, used): (Vec<&Setting>, Vec<&Setting>) =
        settings::ALL.iter().partition(|setting| setting.about == "accepted, without effect");
    for setting in used {
        let _ = writeln!(out, "| `{}` | {} | {} |", setting.name, code(setting.default), cell(setting.about));
    }
    let names: Vec<_> = idle.iter().map(|setting| format!("`{}`", setting.name)).collect();
    let _ = writeln!(out, "\nAccepted without effect: {}.", names.join(", "));
}

fn errors(out: &mut String) {
    out.push_str(
        "\n## Errors\n\nAn error has a SQLSTATE, a message, the place in the statement where there is one, often a detail, \
         and a hint that says what to type next.\n\n| SQLSTATE | meaning |\n| --- | --- |\n",
    );
    let mut kinds: Vec<_> = Kind::ALL.iter().map(|kind| (kind.sqlstate(), kind.describe().trim())).collect();
    kinds.sort_unstable();
    for (state, about) in kinds {
        let _ = writeln!(out, "| `{state}` | {} |", cell(about));
    }
}

/// Text that stays inside its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", cell(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set to write the file instead of comparing it.
    const WRITE: &str = "AQUEDUCT_WRITE_REFERENCE";

    #[test]
    fn the_reference_on_the_disk_says_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
        let manual = manual();
        if std::env::var_os(WRITE).is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, &manual).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        let differs = manual.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
        assert!(
            found == manual,
            "docs/reference.md is not up to date at {differs:?}; run `aqueduct manual > docs/reference.md`"
        );
    }

    #[test]
    fn every_entry_has_a_title_of_its_own_and_words() {
        let mut titles: Vec<_> = ALL.iter().map(|form| form.manual).chain(standard::ALL.iter().copied()).collect();
        assert!(titles.iter().all(|manual| !manual.synopsis.is_empty() && manual.about.ends_with('.')));
        titles.sort_unstable_by_key(|manual| manual.title);
        titles.dedup_by_key(|manual| manual.title);
        assert_eq!(titles.len(), ALL.len() + standard::ALL.len());
    }
}

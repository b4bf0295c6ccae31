//! The house keeps its plan.

use super::instance::repository;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room with the rooms it may use, as in ARCHITECTURE.md.
const ROOMS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("store", &["base"]),
    ("catalog", &["store", "base"]),
    ("schedule", &["catalog", "store", "base"]),
    ("lake", &["catalog", "store", "base"]),
    ("connect", &["catalog", "store", "base"]),
    ("check", &["catalog", "store", "base"]),
    ("model", &["catalog", "store", "base"]),
    ("query", &["lake", "connect", "check", "model", "catalog", "store", "base"]),
    ("workflow", &["query", "lake", "connect", "check", "model", "schedule", "catalog", "store", "base"]),
    ("engine", &["workflow", "query", "lake", "connect", "check", "model", "schedule", "catalog", "store", "base"]),
    (
        "session",
        &["engine", "workflow", "query", "lake", "connect", "check", "model", "schedule", "catalog", "store", "base"],
    ),
    (
        "statement",
        &[
            "session", "engine", "workflow", "query", "lake", "connect", "check", "model", "schedule", "catalog",
            "store", "base",
        ],
    ),
    ("wire", &["statement", "session", "engine", "workflow", "query", "catalog", "store", "base"]),
    ("http", &["statement", "session", "engine", "workflow", "query", "catalog", "store", "base"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
    files
}

#[test]
fn a_room_uses_only_rooms_to_its_right() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = vec![];
    for (room, allowed) in ROOMS {
        for file in sources(&repository().join("src").join(room)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                for used in line.split("crate::").skip(1) {
                    let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                    if rooms.contains_key(used) && used != *room && !allowed.contains(&used) {
                        wrong.push(format!("{}:{}: {room} uses {used}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_stays_one_subject() {
    let mut wrong = vec![];
    for file in sources(&repository().join("src")).into_iter().chain(sources(&repository().join("udfs/src"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not begin with //!", file.display()));
        }
        let lines = text.lines().count();
        if lines > 450 {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_wire_says_pgwire() {
    let outside = |file: &PathBuf| !file.starts_with(repository().join("src/wire"));
    for file in sources(&repository().join("src")).into_iter().filter(outside) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("use pgwire"), "{}", file.display());
    }
}

//! The files that a location means: one file, all of a folder, or those that a pattern fits.

use crate::base::{Error, Kind, Result, Roots};
use glob::{MatchOptions, Pattern};
use std::path::{Path, PathBuf};

/// A file, and how messages call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub path: PathBuf,
    pub shown: String,
    pub bytes: u64,
}

/// The files of `location`, in order of their names; at least one. Each lies below a root with its links resolved.
pub(super) fn find(roots: &Roots, location: &str, endings: &[&str]) -> Result<Vec<Found>> {
    let (fixed, pattern) = split(location)?;
    let start = roots.resolve(fixed)?;
    let mut found = vec![];
    match std::fs::metadata(&start) {
        Ok(kind) if kind.is_dir() => {
            let fits = |relative: &Path| match &pattern {
                Some(pattern) => pattern.matches_path_with(relative, OPTIONS),
                None => has_ending(relative, endings),
            };
            walk(&start, Path::new(""), &fits, &mut found)?;
        }
        Ok(_) if pattern.is_none() => found.push(PathBuf::new()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(Kind::UndefinedFile, format!("file \"{location}\" does not exist")));
        }
        Err(error) => return Err(error.into()),
    }
    found.sort();
    let files: Vec<_> = found.iter().map(|relative| check(roots, &start, fixed, relative)).collect::<Result<_>>()?;
    if files.is_empty() {
        let what = if pattern.is_some() { "fits" } else { "of the format is in" };
        return Err(Error::new(Kind::UndefinedFile, format!("no file {what} \"{location}\"")));
    }
    Ok(files)
}

/// As a shell has it: `*` stays inside one folder, `**` does not, and a leading dot hides.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The part of a location before its first pattern, and the pattern below it.
fn split(location: &str) -> Result<(&str, Option<Pattern>)> {
    let Some(special) = location.find(['*', '?', '[']) else { return Ok((location, None)) };
    let (fixed, pattern) = match location[..special].rfind('/') {
        Some(0) => ("/", &location[1..]),
        Some(slash) => (&location[..slash], &location[slash + 1..]),
        None => (".", location),
    };
    let pattern = Pattern::new(pattern).map_err(|error| {
        Error::new(Kind::InvalidParameterValue, format!("pattern \"{location}\" is not valid: {}", error.msg))
    })?;
    Ok((fixed, Some(pattern)))
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Every file below a folder that fits; what begins with `.` or `_` is somebody's scratch.
fn walk(root: &Path, below: &Path, fits: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().starts_with(b"_") {
            continue;
        }
        let relative = below.join(&name);
        // A link to a folder is not followed: it may lead in a circle.
        if entry.file_type()?.is_dir() {
            walk(root, &relative, fits, found)?;
        } else if fits(&relative) {
            found.push(relative);
        }
    }
    Ok(())
}

fn check(roots: &Roots, start: &Path, fixed: &str, relative: &Path) -> Result<Found> {
    let named = start.join(relative);
    let named = if relative.as_os_str().is_empty() { start } else { named.as_path() };
    let shown = match relative.as_os_str().is_empty() {
        true => fixed.to_string(),
        false => Path::new(fixed).join(relative).display().to_string(),
    };
    let shown = shown.strip_prefix("./").unwrap_or(&shown).to_string();
    let path = roots.resolve(&named.display().to_string())?;
    let metadata = std::fs::metadata(&path).map_err(|error| {
        let error = Error::from(error);
        Error::new(error.kind, format!("file \"{shown}\": {}", error.message))
    })?;
    if !metadata.is_file() {
        return Err(Error::new(Kind::WrongObjectType, format!("\"{shown}\" is not a file")));
    }
    Ok(Found { path, shown, bytes: metadata.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(location: &str, expect: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base");
        for file in ["a.csv", "b.CSV", "c.txt", "d/e.csv", "d/.hidden.csv", "_tmp/x.csv", "d/f/g.csv"] {
            let path = base.join("in").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::fs::create_dir_all(base.join("out")).unwrap();
        std::fs::write(folder.path().join("secret.csv"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.csv"), base.join("out/link.csv")).unwrap();
        std::os::unix::fs::symlink(base.join("in/a.csv"), base.join("near.csv")).unwrap();
        let roots = Roots::new(&base, std::slice::from_ref(&base), &base.join("data"));
        let found = find(&roots, location, &["csv"]);
        let found = found.map(|files| files.into_iter().map(|file| file.shown).collect::<Vec<_>>());
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{location}"),
            (Err(error), Err(expect)) => assert!(error.message.contains(expect), "{location}: {error}"),
            (found, expect) => panic!("{location}: {found:?} is not {expect:?}"),
        }
    }

    #[test]
    fn a_location_is_a_file_a_folder_or_a_pattern() {
        check("in/a.csv", Ok(&["in/a.csv"]));
        check("in/c.txt", Ok(&["in/c.txt"]));
        check("near.csv", Ok(&["near.csv"]));
        check("in", Ok(&["in/a.csv", "in/b.CSV", "in/d/e.csv", "in/d/f/g.csv"]));
        check("in/*.csv", Ok(&["in/a.csv"]));
        check("in/**/*.csv", Ok(&["in/a.csv", "in/d/e.csv", "in/d/f/g.csv"]));
        check("*.csv", Ok(&["near.csv"]));
        check("in/?.[tc]*", Ok(&["in/a.csv", "in/c.txt"]));
    }

    #[test]
    fn nothing_outside_the_roots_is_found_not_even_through_a_link() {
        check("out", Err("is outside the allowed roots"));
        check("out/link.csv", Err("is outside the allowed roots"));
        check("../*.csv", Err("is outside the allowed roots"));
        check("/etc/*", Err("is outside the allowed roots"));
        check("in/nope.csv", Err("file \"in/nope.csv\" does not exist"));
        check("in/*.parquet", Err("no file fits \"in/*.parquet\""));
        check("in/[", Err("pattern \"in/[\" is not valid"));
    }
}

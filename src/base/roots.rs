//! Which files statements may touch: those below a configured root, never the store's own.

use super::{Error, Kind, Result};
use std::path::{Component, Path, PathBuf};

/// The folders below which files may be read and written.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    allowed: Vec<PathBuf>,
    /// The data folder: closed, but for `files` inside it.
    private: Option<PathBuf>,
    /// What a relative path is relative to.
    base: PathBuf,
}

impl Roots {
    /// `base` is what relative paths are relative to; `data` is closed except for `data/files`.
    pub fn new(base: &Path, allowed: &[PathBuf], data: &Path) -> Self {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let mut allowed: Vec<_> = allowed.iter().map(|path| real(path)).collect();
        allowed.push(real(&data.join("files")));
        Roots { allowed, private: Some(real(data)), base: real(base) }
    }

    /// The data folder, when there is one.
    pub fn data(&self) -> Option<&Path> {
        self.private.as_deref()
    }

    /// The path that `location` (a path or a `file://` address) names, links resolved, when it lies below a root.
    ///
    /// The file need not exist; of a path that does not, the deepest folder that does decides.
    pub fn resolve(&self, location: &str) -> Result<PathBuf> {
        let text = location.strip_prefix("file://").unwrap_or(location);
        if text.contains("://") {
            return Err(Error::unsupported(format!("location \"{location}\" is not a local file"))
                .hint("only files below the configured roots can be reached".to_string()));
        }
        let path = self.base.join(text);
        if path.components().any(|part| part == Component::ParentDir) && !path.exists() {
            return Err(self.refused(location));
        }
        let real = real_path(&path)?;
        let inside = |root: &Path| real.starts_with(root);
        let files = self.private.as_ref().map(|data| data.join("files"));
        let closed = self.private.as_deref().is_some_and(inside) && !files.as_deref().is_some_and(inside);
        if closed || !self.allowed.iter().any(|root| inside(root)) {
            return Err(self.refused(location));
        }
        Ok(real)
    }

    fn refused(&self, location: &str) -> Error {
        let roots: Vec<_> = self.allowed.iter().map(|root| root.display().to_string()).collect();
        Error::new(Kind::InsufficientPrivilege, format!("file \"{location}\" is outside the allowed roots"))
            .detail(format!("allowed are files below {}", roots.join(", ")))
            .hint("add a folder to the setting \"roots\" and restart".to_string())
    }
}

/// The real path of the deepest ancestor that exists, with the rest appended.
fn real_path(path: &Path) -> Result<PathBuf> {
    let mut rest = vec![];
    let mut at = path;
    loop {
        match at.canonicalize() {
            Ok(real) => return Ok(rest.iter().rev().fold(real, |path, part| path.join(part))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !at.is_symlink() => {
                let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return Err(error.into()) };
                rest.push(name);
                at = parent;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_a_root_and_outside_the_store_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("project");
        let data = base.join("data");
        std::fs::create_dir_all(data.join("files")).unwrap();
        std::fs::write(base.join("a.csv"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", base.join("link")).unwrap();
        let roots = Roots::new(&base, std::slice::from_ref(&base), &data);
        assert!(roots.resolve("a.csv").is_ok());
        assert!(roots.resolve("new/b.csv").is_ok());
        assert!(roots.resolve("data/files/c.csv").is_ok());
        for bad in ["/etc/passwd", "../x", "data/aqueduct.db", "data", "link", "new/../../x", "s3://b/x"] {
            assert!(roots.resolve(bad).is_err(), "{bad}");
        }
    }
}

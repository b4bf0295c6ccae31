//! Files that never change, named by the hash of their bytes.

use crate::base::digest::sha256;
use crate::base::{Error, Kind, Result, folder};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The folder `artifacts` of the data folder.
#[derive(Debug)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    pub fn open(data: &Path) -> Result<Artifacts> {
        let folder = data.join("artifacts");
        folder::create(&folder)?;
        Ok(Artifacts { folder })
    }

    /// Keeps the bytes and answers with their name. When this returns they are on the disk.
    pub fn put(&self, bytes: &[u8]) -> Result<String> {
        let name = sha256(bytes);
        let path = self.folder.join(&name);
        // What is there under this name may be the rest of a write that a power cut ended: it is read, not trusted.
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(name);
        }
        let draft = self.folder.join(format!("{name}.{}", uuid::Uuid::new_v4()));
        let outcome = write_synced(&draft, bytes)
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        if outcome.is_err() {
            let _ = fs::remove_file(&draft);
        }
        outcome?;
        Ok(name)
    }

    /// The bytes of that name; `XX001` when they are not there or not what was kept.
    pub fn get(&self, name: &str) -> Result<Vec<u8>> {
        let lost = |what: &str| Error::new(Kind::DataCorrupted, format!("artifact {name} {what}"));
        if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(lost("has no name of an artifact"));
        }
        let bytes = match fs::read(self.folder.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(lost("is missing")),
            Err(error) => return Err(error.into()),
        };
        if sha256(&bytes) == name { Ok(bytes) } else { Err(lost("is damaged")) }
    }
}

/// At most `max` bytes of a file; beyond that it is refused without being read.
pub fn read_at_most(path: &Path, shown: &str, max: u64) -> Result<Vec<u8>> {
    let place = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(Kind::UndefinedFile, format!("file \"{shown}\" does not exist")),
        _ => {
            let error = Error::from(error);
            Error { message: format!("file \"{shown}\" cannot be read: {}", error.message), ..error }
        }
    };
    let file = File::open(path).map_err(place)?;
    if !file.metadata().map_err(place)?.is_file() {
        return Err(Error::new(Kind::WrongObjectType, format!("\"{shown}\" is not a file")));
    }
    let mut bytes = vec![];
    file.take(max + 1).read_to_end(&mut bytes).map_err(place)?;
    if bytes.len() as u64 > max {
        return Err(Error::new(Kind::TooLarge, format!("file \"{shown}\" is larger than {max} bytes")));
    }
    Ok(bytes)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_its_hash_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        let name = artifacts.put(b"tree").unwrap();
        assert_eq!(artifacts.put(b"tree").unwrap(), name);
        assert_eq!(artifacts.get(&name).unwrap(), b"tree");
        let path = folder.path().join("artifacts").join(&name);
        fs::write(&path, b"tre").unwrap();
        assert_eq!(artifacts.get(&name).unwrap_err().kind, Kind::DataCorrupted);
        artifacts.put(b"tree").unwrap();
        assert_eq!(artifacts.get(&name).unwrap(), b"tree");
        fs::remove_file(&path).unwrap();
        assert_eq!(artifacts.get(&name).unwrap_err().message, format!("artifact {name} is missing"));
        assert!(artifacts.get("../aqueduct.db").is_err());
        assert_eq!(fs::read_dir(folder.path().join("artifacts")).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_too_large_or_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_at_most(&path, "m", 5).unwrap(), b"12345");
        assert_eq!(read_at_most(&path, "m", 4).unwrap_err().kind, Kind::TooLarge);
        assert_eq!(read_at_most(folder.path(), "f", 4).unwrap_err().kind, Kind::WrongObjectType);
        assert_eq!(read_at_most(&folder.path().join("x"), "x", 4).unwrap_err().kind, Kind::UndefinedFile);
    }
}

//! One process at a time has a data folder open.

use super::make_private;
use crate::base::{Error, Kind, Result};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Holds a data folder for this process. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code)] File);

impl Lock {
    /// Takes the folder, making it when it is not there; 55006 when another process has it.
    pub fn take(data: &Path) -> Result<Lock> {
        make_private(data)?;
        let path = data.join("lock");
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let message = format!("data folder \"{}\" is in use", data.display());
                return Err(Error::new(Kind::ObjectInUse, message)
                    .detail(format!("process {} has it open", pid.trim()))
                    .hint("stop that process, connect to it, or choose another folder with --data".to_string()));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Lock(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = Lock::take(&data).unwrap();
        let error = Lock::take(&data).unwrap_err();
        assert_eq!(error.kind, Kind::ObjectInUse);
        assert_eq!(error.detail, Some(format!("process {} has it open", std::process::id())));
        drop(first);
        assert!(Lock::take(&data).is_ok());
    }
}

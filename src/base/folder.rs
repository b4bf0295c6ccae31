//! Folders whose names are on the disk before anything in them is relied upon.

use super::Result;
use std::fs::File;
use std::path::Path;

/// Makes a folder and those above it, each name on the disk.
pub fn create(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        create(parent)?;
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => sync(parent)?,
        }
    }
    Ok(())
}

/// Puts the names in a folder on the disk.
pub fn sync(folder: &Path) -> Result<()> {
    Ok(File::open(folder)?.sync_all()?)
}

//! Publishing to one file: written beside it under another name, then renamed over it.
//!
//! A Parquet file carries the marker in its metadata. A text file has no place for one; it is
//! recognised by its bytes, which are the same however often they are made from the same rows.

use super::options::{FileFormat, format};
use super::text;
use super::write::{MARKER_KEY, write};
use crate::base::digest::{hex, sha256, sha256_of_files};
use crate::base::{Error, Kind, Result, Roots, folder};
use crate::catalog::workflow::Mode;
use crate::connect::{Act, Guarantee, Marker, Receipt, Sink};
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::file::reader::{FileReader, SerializedFileReader};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file, to be published to.
#[derive(Clone, Debug)]
pub(in crate::connect) struct FileSink {
    roots: Roots,
    uri: String,
    format: &'static FileFormat,
}

impl FileSink {
    /// Without a format, the file's ending decides.
    pub fn new(roots: Roots, uri: &str, name: &str) -> Result<Self> {
        let ending = Path::new(uri).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let name = match name {
            "" => super::FORMATS
                .iter()
                .find(|format| format.endings.contains(&ending.to_lowercase().as_str()))
                .map_or(ending, |format| format.name),
            name => name,
        };
        Ok(FileSink { roots, uri: uri.to_string(), format: format(name, &BTreeMap::new())? })
    }

    fn path(&self) -> Result<PathBuf> {
        let path = self.roots.resolve(&self.uri)?;
        match path.is_dir() {
            true => Err(Error::new(Kind::WrongObjectType, format!("target \"{}\" is a folder", self.uri))),
            false => Ok(path),
        }
    }

    fn check_mode(&self, mode: &Mode, exists: bool) -> Result<()> {
        match mode {
            Mode::Replace => Ok(()),
            Mode::Fail if exists => {
                Err(Error::new(Kind::DuplicateTable, format!("target \"{}\" already exists", self.uri))
                    .hint("MODE FAIL writes only what is not there yet".to_string()))
            }
            Mode::Fail => Ok(()),
            Mode::Append | Mode::Upsert { .. } => {
                Err(Error::unsupported("a file is written whole: its modes are REPLACE and FAIL")
                    .hint("publish to a table to append or upsert".to_string()))
            }
        }
    }

    /// Does the act, or finds that it is done. Blocks.
    fn act(&self, act: &Act) -> Result<Receipt> {
        let path = self.path()?;
        let folder = path.parent().ok_or_else(|| Error::internal("a file below a root must have a folder"))?;
        folder::create(folder)?;
        // Who publishes to the same folder, in this process or another, waits here.
        let lock = File::open(folder)?;
        lock.lock()?;
        let draft = Draft::create(folder, &path, &act.marker)?;
        let mut hashing = Hashing::new(&draft.file);
        write(self.format, &act.spool, &act.marker, &mut hashing)?;
        let sha256 = hashing.finish();
        if let Some(receipt) = self.landed(&path, act, &sha256)? {
            return Ok(receipt);
        }
        self.check_mode(&act.mode, path.exists())?;
        draft.file.sync_all()?;
        draft.rename(&path)?;
        lock.sync_all()?;
        Ok(receipt(act, &sha256))
    }

    /// Asks the file. Blocks.
    fn ask(&self, act: &Act) -> Result<Option<Receipt>> {
        let path = self.path()?;
        let lock = path.parent().filter(|folder| folder.exists()).map(File::open).transpose()?;
        lock.as_ref().map(File::lock).transpose()?;
        let mut hashing = Hashing::new(std::io::sink());
        // A Parquet file says what it is; only text has to be made again to be recognised.
        if self.format.name != "parquet" && path.exists() {
            write(self.format, &act.spool, &act.marker, &mut hashing)?;
        }
        match self.landed(&path, act, &hashing.finish()) {
            Err(late) if late.kind == Kind::WrongState => Ok(None),
            other => other,
        }
    }

    /// The receipt, when the file is what the act makes of it.
    fn landed(&self, path: &Path, act: &Act, sha256: &str) -> Result<Option<Receipt>> {
        if !path.exists() {
            return Ok(None);
        }
        let there = sha256_of_files([path])?;
        let Some(marker) = self.marker(path) else {
            return Ok((there == sha256).then(|| receipt(act, &there)));
        };
        let ours = &act.marker;
        if (&marker.server, &marker.target) != (&ours.server, &ours.target) {
            return Ok(None);
        }
        if marker.run_id == ours.run_id {
            return Ok(Some(receipt(act, &there)));
        }
        if ours.seq > 0 && ours.seq <= marker.seq {
            let detail = format!("publication {} was here, this is publication {}", marker.seq, ours.seq);
            return Err(Error::new(Kind::WrongState, format!("publication to \"{}\" comes too late", ours.target))
                .detail(detail));
        }
        Ok(None)
    }

    /// The marker in a Parquet file's metadata; a file of somebody else has none.
    fn marker(&self, path: &Path) -> Option<Marker> {
        if self.format.name != "parquet" {
            return None;
        }
        let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
        let values = reader.metadata().file_metadata().key_value_metadata()?;
        let value = values.iter().find(|value| value.key == MARKER_KEY)?.value.as_deref()?;
        serde_json::from_str(value).ok()
    }
}

fn receipt(act: &Act, sha256: &str) -> Receipt {
    Receipt { rows: act.spool.rows, reference: format!("sha256 {sha256}") }
}

#[async_trait]
impl Sink for FileSink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn check(&self, schema: &SchemaRef, mode: &Mode) -> Result<()> {
        if self.format.name != "parquet" {
            schema.fields().iter().try_for_each(|field| text::check(field).map(drop))?;
        }
        self.check_mode(mode, self.path()?.exists())
    }

    async fn publish(&self, act: &Act) -> Result<Receipt> {
        let (sink, act) = (self.clone(), act.clone());
        blocking(move || sink.act(&act)).await
    }

    async fn probe(&self, act: &Act) -> Result<Option<Receipt>> {
        let (sink, act) = (self.clone(), act.clone());
        blocking(move || sink.ask(&act)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("writing a file must not panic: {error}")))?
}

/// A file that has not got its name yet; dropped before, nothing is left of it.
struct Draft {
    file: File,
    path: PathBuf,
    named: std::cell::Cell<bool>,
}

impl Draft {
    /// Beside the target, so that renaming stays on one disk; the name is the run's own, so that the
    /// leavings of a crash are written over by the next attempt.
    fn create(folder: &Path, target: &Path, marker: &Marker) -> Result<Self> {
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let run = sha256(format!("{} {} {}", marker.server, marker.run_id, marker.epoch).as_bytes());
        let path = folder.join(format!(".{name}.{}.part", &run[..16]));
        Ok(Draft { file: File::create(&path)?, path, named: std::cell::Cell::new(false) })
    }

    fn rename(&self, target: &Path) -> Result<()> {
        std::fs::rename(&self.path, target)?;
        self.named.set(true);
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named.get() {
            // The next attempt does not need it gone.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Passes bytes on and hashes them.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Hashing<W> {
    fn new(out: W) -> Self {
        Hashing { out, hash: Sha256::new() }
    }

    fn finish(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

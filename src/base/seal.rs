//! Secrets at rest: sealed with a key that has a file of its own, so that a copy of the database
//! alone tells none of them.

use super::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The key's file in the data folder. Who has it and the database has the secrets.
const FILE: &str = "secret.key";
const KEY_BYTES: usize = 32;

/// The value as it is stored: it can be opened only under the same name. The first one makes the key.
pub fn seal(data: &Path, name: &str, value: &str) -> Result<String> {
    let key = read(data).and_then(|key| key.map_or_else(|| make(data), Ok))?;
    let mut sealed = random::<NONCE_LEN>()?.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| broken())?;
    let mut text = value.as_bytes().to_vec();
    aead(&key)?.seal_in_place_append_tag(nonce, Aad::from(name), &mut text).map_err(|_| broken())?;
    sealed.append(&mut text);
    Ok(STANDARD.encode(sealed))
}

/// What was sealed under `name`.
pub fn unseal(data: &Path, name: &str, sealed: &str) -> Result<String> {
    let unreadable = |why: &str| {
        Error::new(Kind::WrongState, format!("the value of secret \"{name}\" cannot be read"))
            .detail(why.to_string())
            .hint("create the secret again with CREATE OR REPLACE SECRET".to_string())
    };
    let key = read(data)?.ok_or_else(|| unreadable(&format!("its key, {FILE} in the data folder, is gone")))?;
    let mut bytes = STANDARD.decode(sealed).map_err(|_| unreadable("what is stored is damaged"))?;
    if bytes.len() < NONCE_LEN {
        return Err(unreadable("what is stored is damaged"));
    }
    let mut text = bytes.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| broken())?;
    let opened = aead(&key)?.open_in_place(nonce, Aad::from(name), &mut text);
    let opened = opened.map_err(|_| unreadable(&format!("it was not sealed with {FILE} of this data folder")))?;
    String::from_utf8(opened.to_vec()).map_err(|_| broken())
}

fn aead(key: &[u8]) -> Result<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).map(LessSafeKey::new).map_err(|_| broken())
}

fn read(data: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(data.join(FILE)) {
        Ok(key) if key.len() == KEY_BYTES => Ok(Some(key)),
        Ok(_) => Err(Error::new(Kind::DataCorrupted, format!("{FILE} in the data folder is damaged"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the key, whole or not at all; the first of two who do so wins.
fn make(data: &Path) -> Result<Vec<u8>> {
    let draft = data.join(format!("{FILE}.{}", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&random::<KEY_BYTES>()?)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, data.join(FILE));
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => File::open(data)?.sync_all()?,
    }
    read(data)?.ok_or_else(broken)
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| broken())?;
    Ok(bytes)
}

fn broken() -> Error {
    Error::internal("a secret must be sealed and opened without failing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_opens_with_its_key_and_under_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), "pw", "hunter2").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_ne!(sealed, seal(folder.path(), "pw", "hunter2").unwrap());
        assert_eq!(unseal(folder.path(), "pw", &sealed).unwrap(), "hunter2");
        assert_eq!(unseal(folder.path(), "other", &sealed).unwrap_err().kind, Kind::WrongState);
        assert_eq!(unseal(folder.path(), "pw", "AAAA").unwrap_err().kind, Kind::WrongState);
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(unseal(folder.path(), "pw", &sealed).unwrap_err().detail.unwrap().contains("is gone"));
    }
}

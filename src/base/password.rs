//! What is kept of a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The mechanism, with which each verifier begins.
pub const SCRAM: &str = "SCRAM-SHA-256";

/// A verifier's parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Verifier {
    pub iterations: usize,
    pub salt: Vec<u8>,
    pub stored_key: Vec<u8>,
    pub server_key: Vec<u8>,
}

/// Postgres' own form, from which the password cannot be read back.
pub fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}

/// Reads what [`verifier`] wrote, or a client did.
pub fn parse(verifier: &str) -> Option<Verifier> {
    let rest = verifier.strip_prefix(SCRAM)?.strip_prefix('$')?;
    let (head, keys) = rest.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (stored_key, server_key) = keys.split_once(':')?;
    let decode = |text: &str| STANDARD.decode(text).ok();
    let (stored_key, server_key) = (decode(stored_key)?, decode(server_key)?);
    let whole = stored_key.len() == 32 && server_key.len() == 32;
    let iterations = iterations.parse().ok().filter(|_| whole)?;
    Some(Verifier { iterations, salt: decode(salt)?, stored_key, server_key })
}

/// Under which name the store's settings keep the verifier of a role.
pub fn setting(role: &str) -> String {
    format!("role.{role}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_reads_back_and_never_twice_the_same() {
        let text = verifier("secret");
        assert!(text.starts_with("SCRAM-SHA-256$4096:"));
        assert!(parse(&text).is_some());
        assert_ne!(text, verifier("secret"));
        for broken in ["", "md5abc", "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA", "SCRAM-SHA-256$x:AAAA$AAAA:AAAA"] {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }
}

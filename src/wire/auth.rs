//! The SCRAM-SHA-256 exchange that proves a password.

use super::frame::broken;
use super::incoming::Body;
use super::socket::{Inbox, Outbox};
use crate::base::password::{self, SCRAM, Verifier};
use crate::base::{Error, Kind, Result};
use crate::catalog::OWNER;
use crate::store::{Store, Value};
use hmac::{Hmac, KeyInit, Mac};
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramSecret, ScramServerAuth};
use pgwire::error::PgWireError;
use pgwire::messages::startup::Authentication;
use sha2::Sha256;

const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

fn secret(verifier: Verifier) -> ScramSecret {
    let Verifier { iterations, salt, stored_key, server_key } = verifier;
    ScramSecret::Verifier { salt, iterations, stored_key, server_key }
}

/// A secret for a user who does not exist: always the same salt, and no password that fits.
fn mock(user: &str, seed: &str) -> ScramSecret {
    // The seed is as lasting as the roles, so a restart does not tell real users from others.
    let salt = match Hmac::<Sha256>::new_from_slice(seed.as_bytes()) {
        Ok(mut mac) => {
            mac.update(user.as_bytes());
            mac.finalize().into_bytes()[..16].to_vec()
        }
        Err(_) => vec![0; 16],
    };
    let random: [u8; 32] = rand::random();
    ScramSecret::Verifier {
        salt,
        iterations: SCRAM_ITERATIONS,
        stored_key: random.to_vec(),
        server_key: random.to_vec(),
    }
}

/// The verifiers of `user` and of the role that always exists, in one question whoever asks.
async fn look_up(store: &Store, user: &str) -> Result<ScramSecret> {
    let (own, first) = (password::setting(user), password::setting(OWNER));
    let names = [Value::from(own.clone()), Value::from(first.clone())];
    let rows = store.query("SELECT name, value FROM aqueduct_setting WHERE name IN (?, ?)", &names).await?;
    let mut found = None;
    let mut seed = String::new();
    for row in &rows {
        let (name, value) = (row.text("name")?, row.text("value")?);
        if name == first {
            seed = value.to_string();
        }
        if name == own {
            found = password::parse(value).map(secret);
        }
    }
    let mock = mock(user, &seed);
    Ok(found.unwrap_or(mock))
}

/// Lets the client prove that it knows the user's password. `binding` is there on TLS.
pub async fn prove(
    store: &Store,
    user: &str,
    binding: Option<&ScramServerAuth>,
    inbox: &mut Inbox,
    outbox: &mut Outbox,
) -> Result<()> {
    let plain = ScramServerAuth::new();
    let offered = if binding.is_some() { vec![SCRAM_PLUS, SCRAM] } else { vec![SCRAM] };
    outbox.put(&Authentication::SASL(offered.iter().map(|name| name.to_string()).collect()))?;
    outbox.flush().await?;

    let mut first = Body(answer(inbox).await?);
    let mechanism = first.text()?;
    let first = first.value()?.ok_or_else(|| broken("the first SASL message is empty"))?;
    let bound = first.starts_with(b"p=");
    if !offered.contains(&mechanism.as_str()) || bound != (mechanism == SCRAM_PLUS) {
        return Err(broken("client selected an invalid SASL authentication mechanism"));
    }
    let secret = look_up(store, user).await?;
    let scram = binding.unwrap_or(&plain);
    let (challenge, waiting) =
        scram.on_client_first_message_with_secret(&first, secret).map_err(|error| refused(user, error))?;
    outbox.put(&Authentication::SASLContinue(challenge.into()))?;
    outbox.flush().await?;

    let last = answer(inbox).await?;
    let signature = waiting.on_client_final_message(&last).map_err(|error| refused(user, error))?;
    outbox.put(&Authentication::SASLFinal(signature.into()))?;
    outbox.put(&Authentication::Ok)
}

async fn answer(inbox: &mut Inbox) -> Result<bytes::Bytes> {
    match inbox.frame().await? {
        Some(frame) if frame.kind == b'p' => Ok(frame.body),
        Some(frame) => Err(broken(format!("expected SASL response, got message type {}", frame.kind))),
        None => Err(Error::new(Kind::ConnectionFailure, "connection to client lost")),
    }
}

fn refused(user: &str, error: PgWireError) -> Error {
    match error {
        PgWireError::InvalidPassword(_) => {
            Error::new(Kind::InvalidPassword, format!("password authentication failed for user \"{user}\""))
        }
        other => broken("malformed SCRAM message").detail(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_does_not_exist_always_has_the_same_salt() {
        let salt = |user, seed| match mock(user, seed) {
            ScramSecret::Verifier { salt, .. } => salt,
            ScramSecret::SaltedPassword { .. } => vec![],
        };
        assert_eq!(salt("eve", "seed"), salt("eve", "seed"));
        assert_ne!(salt("eve", "seed"), salt("bob", "seed"));
        assert_ne!(salt("eve", "seed"), salt("eve", "other"));
    }
}

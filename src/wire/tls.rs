//! The server's certificate.

use crate::base::{Config, Error, Kind, Result};
use pgwire::api::auth::sasl::scram::ScramServerAuth;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What a TLS connection needs.
#[derive(Clone)]
pub struct Tls {
    pub acceptor: TlsAcceptor,
    /// SCRAM bound to the certificate (`tls-server-end-point`); `None` for a certificate whose signature names no hash.
    pub binding: Option<ScramServerAuth>,
}

/// The certificate of the configuration, when there is one. One that cannot be used is an error, never plaintext.
pub fn load(config: &Config) -> Result<Option<Tls>> {
    let (certificate, key) = match (&config.tls_certificate, &config.tls_key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(broken("tls_certificate and tls_key must be set together".into())),
    };
    let pem = std::fs::read(certificate).map_err(|error| unreadable(certificate, error))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unreadable(certificate, error))?;
    if chain.is_empty() {
        return Err(broken(format!("{} holds no certificate", certificate.display())));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| broken(format!("the certificate cannot be used: {error}")))?;
    let mut binding = ScramServerAuth::new();
    let bound = binding.configure_certificate(&pem).is_ok();
    Ok(Some(Tls { acceptor: TlsAcceptor::from(Arc::new(server)), binding: bound.then_some(binding) }))
}

fn broken(message: String) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    broken(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Writes a fresh certificate for `localhost` and its key, and names them in the configuration.
    pub fn with_certificate(folder: &Path, config: Config) -> Config {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Config { tls_certificate: Some(certificate), tls_key: Some(key), ..config }
    }

    #[test]
    fn a_certificate_works_or_is_an_error_but_never_plaintext() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(&Config::default()).unwrap().is_none());
        let config = with_certificate(folder.path(), Config::default());
        assert!(load(&config).unwrap().unwrap().binding.is_some());

        let alone = Config { tls_key: None, ..config.clone() };
        let other = rcgen::KeyPair::generate().unwrap();
        let refused = |config: &Config| load(config).err().map(|error| error.kind);
        assert_eq!(refused(&alone), Some(Kind::InvalidParameterValue));
        std::fs::write(config.tls_key.as_ref().unwrap(), other.serialize_pem()).unwrap();
        assert_eq!(refused(&config), Some(Kind::InvalidParameterValue));
        std::fs::write(config.tls_certificate.as_ref().unwrap(), "").unwrap();
        assert_eq!(refused(&config), Some(Kind::InvalidParameterValue));
        std::fs::remove_file(config.tls_certificate.as_ref().unwrap()).unwrap();
        assert_eq!(refused(&config), Some(Kind::InvalidParameterValue));
    }
}

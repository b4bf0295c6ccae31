//! Who is let in, and what the others are told.

use super::{PASSWORD, Server};
use crate::base::{Config, Kind};
use crate::engine::Engine;
use crate::statement;
use crate::wire::door::Limits;
use crate::wire::serve;
use crate::wire::tls::tests::with_certificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

async fn refused(server: &Server, parameters: &str) -> (SqlState, String) {
    let target = format!("host=127.0.0.1 port={} {parameters}", server.address.port());
    let error = tokio_postgres::connect(&target, NoTls).await.err().expect("this login must fail");
    let error = error.as_db_error().unwrap();
    (error.code().clone(), error.message().to_string())
}

#[tokio::test]
async fn only_the_right_password_for_the_right_database_gets_in() {
    let server = Server::start().await;
    let good = format!("user=aqueduct password='{PASSWORD}'");
    for (parameters, code, message) in [
        (
            "user=aqueduct dbname=aqueduct password=wrong".to_string(),
            SqlState::INVALID_PASSWORD,
            "password authentication failed for user \"aqueduct\"",
        ),
        (
            format!("user=eve dbname=aqueduct password='{PASSWORD}'"),
            SqlState::INVALID_PASSWORD,
            "password authentication failed for user \"eve\"",
        ),
        (format!("{good} dbname=other"), SqlState::UNDEFINED_DATABASE, "database \"other\" does not exist"),
        (
            format!("{good} dbname=aqueduct options='-c nonsense=1'"),
            SqlState::UNDEFINED_OBJECT,
            "unrecognized configuration parameter \"nonsense\"",
        ),
    ] {
        assert_eq!(refused(&server, &parameters).await, (code, message.to_string()), "{parameters}");
    }
}

#[tokio::test]
async fn sessions_run_out_but_not_for_the_role_that_must_get_in() {
    let server = Server::with(|config, _| Config { connections_max: 1, ..config }, Limits::default()).await;
    let mut clients = vec![];
    for _ in 0..4 {
        clients.push(server.client().await);
    }
    let (code, message) = refused(&server, &format!("user=aqueduct dbname=aqueduct password='{PASSWORD}'")).await;
    assert_eq!((code, message.as_str()), (SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already"));
}

#[tokio::test]
async fn tls_binds_the_password_to_the_certificate() {
    let server = Server::with(|config, folder| with_certificate(folder.path(), config), Limits::default()).await;
    let connect = |certificate: std::path::PathBuf, binding| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut config = tokio_postgres::Config::new();
        config.host("localhost").hostaddr([127, 0, 0, 1].into()).port(server.address.port());
        config.user("aqueduct").dbname("aqueduct").password(PASSWORD);
        config.ssl_mode(SslMode::Require).channel_binding(binding);
        async move {
            config
                .connect(MakeRustlsConnect::new(tls))
                .await
                .map(|(client, connection)| (client, tokio::spawn(connection)))
        }
    };
    let certificate = server.folder.path().join("server.crt");
    for binding in [ChannelBinding::Require, ChannelBinding::Disable] {
        let (client, _connection) = connect(certificate.clone(), binding).await.unwrap();
        assert_eq!(client.query("rows 3", &[]).await.unwrap().len(), 3);
    }
    // Without TLS there is no binding, and no way to ask for it.
    server.client().await;
}

#[tokio::test]
async fn an_open_address_is_not_served_in_plaintext_by_accident() {
    for (allow_plaintext, served) in [(false, false), (true, true)] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().join("data"), allow_plaintext, ..Config::default() };
        let engine = Engine::open(config, Arc::new(crate::base::clock::SystemClock), statement::runner).await.unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let outcome = serve(engine, listener, shutdown).await.map_err(|error| error.kind);
        assert_eq!(outcome, if served { Ok(()) } else { Err(Kind::InvalidParameterValue) });
    }
}

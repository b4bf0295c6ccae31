//! Health, metrics and one page that says what this is. Nothing here changes anything.

mod metrics;

use crate::base::Result;
use crate::engine::Engine;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A store that does not answer within this is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves HTTP on `listener` until `shutdown` trips.
pub async fn serve(engine: Arc<Engine>, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let routes = Router::new()
        .route("/", get(page))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(engine);
    Ok(axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await?)
}

/// 200 when the store answers.
async fn health(State(engine): State<Arc<Engine>>) -> (StatusCode, String) {
    match tokio::time::timeout(PATIENCE, engine.catalog.store().query("SELECT 1", &[])).await {
        Ok(Ok(_)) => (StatusCode::OK, "ok\n".to_string()),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {error}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time\n".to_string()),
    }
}

async fn metrics(State(engine): State<Arc<Engine>>) -> axum::response::Response {
    match metrics::text(&engine).await {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn page(State(engine): State<Arc<Engine>>) -> Html<String> {
    let (address, port) = (engine.config.listen.ip(), engine.config.listen.port());
    let version = env!("CARGO_PKG_VERSION");
    Html(format!(
        "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>Aqueduct</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em }} code {{ background: #eee }}</style>
<h1>Aqueduct {version}</h1>
<p>Prediction infrastructure in SQL: models, workflows, checks and exactly-once publishing, for any Postgres client.</p>
<p>Connect: <code>psql \"host={address} port={port} dbname=aqueduct user=aqueduct\"</code></p>
<p>Then: <code>SELECT * FROM aqueduct.workflows;</code> <code>SHOW MODELS;</code> <code>\\d</code></p>
<p><a href=\"/healthz\">Health</a> · <a href=\"/metrics\">Metrics</a></p>
</html>
"
    ))
}

//! What Prometheus reads: this process's counters, and the run ledger's.

use crate::base::Result;
use crate::engine::Engine;
use std::fmt::Write;

/// Prometheus' text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Every metric with its present value.
pub async fn text(engine: &Engine) -> Result<String> {
    let (counts, store) = (&engine.counts, engine.catalog.store());
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("sessions", "gauge", "Clients that are logged in", counts.sessions.get()),
        ("logins_total", "counter", "Clients that have logged in since the start", counts.logins.get()),
        ("statements_total", "counter", "Statements run since the start", counts.statements.get()),
        ("statement_errors_total", "counter", "Statements that ended in an error since the start", counts.errors.get()),
    ] {
        head(&mut text, name, kind, help);
        let _ = writeln!(text, "aqueduct_{name} {value}");
    }
    head(&mut text, "runs", "gauge", "Runs in the ledger by their status");
    for row in store.query("SELECT status, count(*) AS runs FROM aqueduct_run GROUP BY status ORDER BY 1", &[]).await? {
        let _ = writeln!(text, "aqueduct_runs{{status=\"{}\"}} {}", row.text("status")?, row.int("runs")?);
    }
    head(&mut text, "published_rows_total", "counter", "Rows published, by target");
    let published = "SELECT target, sum(row_count) AS published FROM aqueduct_publication WHERE state = 'published'
                     GROUP BY target ORDER BY target";
    for row in store.query(published, &[]).await? {
        let target = label(row.text("target")?);
        let _ = writeln!(text, "aqueduct_published_rows_total{{target=\"{target}\"}} {}", row.int("published")?);
    }
    Ok(text)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP aqueduct_{name} {help}\n# TYPE aqueduct_{name} {kind}");
}

/// A label's value as the format wants it.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

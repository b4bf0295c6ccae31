//! Models, connections, secrets, settings and errors.

use super::definitions::Definition;
use crate::base::{Kind, quote_identifier};
use crate::catalog::{Model, NullRule};
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::pg;
use crate::query::system::schema::Scope;

pub const ALL: &[Definition] = &[
    (
        "models: Models as they are now, each by its newest version.
         model text
         version int8 -- the newest
         versions int8 -- how many there are
         format text
         inputs text -- as its INPUT clause says
         labels text[] -- as its OUTPUT clause says
         sha256 text -- of the file
         bytes int8
         source text -- where the file came from
         created_at timestamptz",
        models,
    ),
    (
        "connections: Other systems that can be read and written.
         connection text
         type text
         options json
         secrets json -- option and name of the secret that holds its value",
        connections,
    ),
    (
        "secrets: Names of values that can be used and never be read.
         secret text
         source text -- env, file or value",
        secrets,
    ),
    (
        "settings: Settings of this session; SET changes them.
         name text
         value text
         default_value text
         description text",
        settings,
    ),
    (
        "errors: Every kind of error with the SQLSTATE that clients match on.
         sqlstate text
         name text
         description text",
        errors,
    ),
];

fn models(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.snapshot.models.values().filter_map(|model| {
        let newest = model.versions.last()?;
        let created_at = crate::base::clock::parse_stamp(&newest.created_at);
        Some(row![
            model.name.to_string(),
            newest.version,
            model.versions.len(),
            &newest.format,
            inputs(model),
            newest.labels.clone(),
            &newest.sha256,
            newest.bytes,
            &newest.source,
            created_at.map(|at| Instant(at.timestamp_micros())),
        ])
    });
    Page::of(
        ["model", "version", "versions", "format", "inputs", "labels", "sha256", "bytes", "source", "created_at"],
        rows,
    )
}

struct Instant(i64);

impl From<Instant> for Cell {
    fn from(at: Instant) -> Self {
        Cell::Instant(at.0)
    }
}

/// `carrier text, distance double precision NOT NULL`
fn inputs(model: &Model) -> Option<String> {
    let inputs = &model.versions.last()?.inputs;
    let shown = inputs.iter().map(|input| {
        let null = match &input.null {
            None | Some(NullRule::Missing) => String::new(),
            Some(NullRule::Refused) => " NOT NULL".into(),
            Some(NullRule::Constant(value)) => format!(" NULL AS {value}"),
        };
        format!("{} {}{null}", quote_identifier(&input.name), input.ty)
    });
    (!inputs.is_empty()).then(|| shown.collect::<Vec<_>>().join(", "))
}

fn connections(scope: &Scope<'_>) -> Page {
    let json = |map: &std::collections::BTreeMap<String, String>| serde_json::to_string(map).unwrap_or_default();
    let connections = scope.objects.snapshot.connections.values();
    let rows = connections.map(|it| row![&it.name, &it.kind, json(&it.options), json(&it.secrets)]);
    Page::of(["connection", "type", "options", "secrets"], rows)
}

fn secrets(scope: &Scope<'_>) -> Page {
    use crate::catalog::SecretSource;
    let rows = scope.objects.snapshot.secrets.values().map(|secret| {
        let source = match &secret.source {
            SecretSource::Environment(_) => "env",
            SecretSource::File(_) => "file",
            SecretSource::Value(_) => "value",
        };
        row![&secret.name, source]
    });
    Page::of(["secret", "source"], rows)
}

fn settings(scope: &Scope<'_>) -> Page {
    let rows =
        pg::parameters(scope.context).into_iter().map(|it| row![it.name.as_ref(), it.value, it.default, it.about]);
    Page::of(["name", "value", "default_value", "description"], rows)
}

fn errors(_: &Scope<'_>) -> Page {
    let rows = Kind::ALL.iter().map(|kind| row![kind.sqlstate(), format!("{kind:?}"), kind.describe().trim()]);
    Page::of(["sqlstate", "name", "description"], rows)
}

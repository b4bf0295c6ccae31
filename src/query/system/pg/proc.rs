//! Functions: models by their inputs, ours, and those of Postgres that answer here.

use crate::base::{Name, Type, quote_identifier};
use crate::catalog::Subject;
use crate::query::system::functions;
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;

/// A function as `pg_proc` tells of it.
#[derive(Clone, Debug)]
pub struct Procedure {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// Name (may be empty) and type.
    pub arguments: Vec<(String, Type)>,
    /// Takes any number of values of any type after its arguments.
    pub variadic: bool,
    pub result: Type,
    pub language: &'static str,
    pub volatile: char,
    pub about: Option<String>,
}

/// Name, arguments, whether more may follow, result, what for.
type Ours = (&'static str, &'static [(&'static str, Type)], bool, Type, &'static str);

/// Functions that take a model or ask about a run.
const OURS: &[Ours] = &[
    ("predict", &[("model", Type::Text)], true, Type::Float8, "the model's answer for one row of inputs"),
    ("predict_proba", &[("model", Type::Text)], true, Type::Float8, "a classifier's probability of its last class"),
    ("param", &[("name", Type::Text)], false, Type::Text, "the value of a parameter of this run"),
    ("run_id", &[], false, Type::Text, "the id of this run"),
    ("scheduled_at", &[], false, Type::Timestamptz, "the instant for which this run was due"),
    ("run_status", &[], false, Type::Text, "how this run ended; only FINALLY may ask"),
];

/// All of them; a model is there once it has been resolved.
pub fn procedures(scope: &Scope<'_>) -> Vec<Procedure> {
    let mut all: Vec<_> = scope.objects.snapshot.models.keys().filter_map(|name| of_model(scope, name)).collect();
    all.extend(OURS.iter().map(|(name, arguments, variadic, result, about)| Procedure {
        variadic: *variadic,
        about: Some((*about).to_string()),
        ..internal("aqueduct", name, arguments.iter().map(|(name, ty)| ((*name).to_string(), ty.clone())), result)
    }));
    all.extend(functions::signatures().map(|(name, arguments, result)| {
        internal("pg_catalog", name, arguments.into_iter().map(|ty| (String::new(), ty)), &result)
    }));
    let io = super::io_functions().into_iter();
    all.extend(io.map(|name| Procedure {
        oid: oid::of_name("function", &name),
        ..internal("pg_catalog", &name, std::iter::empty(), &Type::Text)
    }));
    all
}

fn of_model(scope: &Scope<'_>, name: &Name) -> Option<Procedure> {
    let signature = scope.objects.signature(name)?;
    let version = scope.objects.snapshot.models.get(name)?.versions.last()?;
    let said = scope.objects.snapshot.comment(&Subject::Model(name.clone()));
    let about = said.map_or_else(|| format!("{} model, version {}", version.format, version.version), String::from);
    Some(Procedure {
        oid: oid::of_name("model", &format!("{}.{}", name.schema, name.name)),
        schema: name.schema.clone(),
        name: name.name.clone(),
        arguments: signature.inputs.clone(),
        variadic: false,
        result: signature.output.clone(),
        language: MODEL,
        volatile: 's',
        about: Some(about),
    })
}

fn internal(schema: &str, name: &str, arguments: impl Iterator<Item = (String, Type)>, result: &Type) -> Procedure {
    let arguments: Vec<_> = arguments.collect();
    Procedure {
        oid: oid::of_name("function", &format!("{name}/{}", arguments.len())),
        schema: schema.to_string(),
        name: name.to_string(),
        arguments,
        variadic: false,
        result: result.clone(),
        language: "internal",
        volatile: 's',
        about: None,
    }
}

/// `carrier text, distance double precision`, as in `\df`.
pub fn arguments(procedure: &Procedure) -> String {
    let mut shown: Vec<_> = procedure
        .arguments
        .iter()
        .map(|(name, ty)| if name.is_empty() { ty.to_string() } else { format!("{} {ty}", quote_identifier(name)) })
        .collect();
    if procedure.variadic {
        shown.push("VARIADIC inputs \"any\"".into());
    }
    shown.join(", ")
}

pub fn result(procedure: &Procedure) -> String {
    procedure.result.to_string()
}

pub fn pg_proc(scope: &Scope<'_>) -> Page {
    let rows = procedures(scope).into_iter().map(|it| {
        let types: Vec<_> = it.arguments.iter().map(|(_, ty)| ty.oid().to_string()).collect();
        let named = it.arguments.iter().any(|(name, _)| !name.is_empty());
        let names: Vec<_> = it.arguments.iter().map(|(name, _)| name.clone()).collect();
        row![
            it.oid,
            &it.name,
            oid::of_schema(&scope.objects.snapshot, &it.schema),
            oid::ROLE,
            language(it.language),
            1.0,
            "f",
            it.volatile,
            "s",
            types.len(),
            it.result.oid(),
            types,
            named.then_some(names),
            Cell::from(it.name.as_str()),
            super::acl(&scope.objects.snapshot, &Subject::Model(Name::new(&it.schema, &it.name))),
        ]
    });
    Page::of(
        [
            "oid",
            "proname",
            "pronamespace",
            "proowner",
            "prolang",
            "procost",
            "prokind",
            "provolatile",
            "proparallel",
            "pronargs",
            "prorettype",
            "proargtypes",
            "proargnames",
            "prosrc",
            "proacl",
        ],
        rows,
    )
}

/// The language of models.
const MODEL: &str = "model";

fn language(name: &str) -> u32 {
    match name {
        "internal" => 12,
        "sql" => 14,
        name => oid::of_name("language", name),
    }
}

pub fn pg_language(_: &Scope<'_>) -> Page {
    let rows = ["internal", "sql", MODEL].map(|name| row![language(name), name, oid::ROLE, false, name != "internal"]);
    Page::of(["oid", "lanname", "lanowner", "lanispl", "lanpltrusted"], rows)
}

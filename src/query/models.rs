//! Models as the planner sees them: names resolved to versions, versions to functions.

use super::{Context, ModelUse};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Model, ModelVersion};
use aqueduct_udfs::{Output, PredictError};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ScalarUDF;
use std::fmt::Debug;
use std::sync::Arc;

/// What to ask a model for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// `predict`, and the model's own function
    Value,
    /// `predict_proba`
    Probability,
    /// `predict_raw`
    Raw,
}

/// A model version that has been read.
pub trait Scorer: Debug + Send + Sync {
    /// All declared inputs, in the model's order.
    fn inputs(&self) -> Vec<ScorerInput>;

    /// A function of the inputs that are used, in order.
    fn function(&self, name: &str, answer: Answer) -> ScalarUDF;

    /// The type of an answer, or why there is none.
    fn output(&self, answer: Answer) -> Result<DataType>;
}

/// One input of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ScorerInput {
    pub name: String,
    pub data_type: DataType,
    /// As in an INPUT clause: `distance float8 NOT NULL`.
    pub declaration: String,
    /// Whether any answer depends on it.
    pub used: bool,
}

/// Where model versions are read.
pub trait Scorers: Debug + Send + Sync {
    fn get(&self, version: &ModelVersion) -> Result<Arc<dyn Scorer>>;
}

/// A name in a call, resolved.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub used: ModelUse,
    pub scorer: Arc<dyn Scorer>,
}

/// The way from a name in a statement to a model.
#[derive(Clone, Debug)]
pub struct Models(pub Arc<dyn Scorers>);

impl Models {
    /// The version that `m`, `schema.m` or `m@7` means now.
    pub fn resolve(&self, context: &Context, text: &str) -> Result<Resolved> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let model = find(context, name)?;
        let version = match version {
            None => model.versions.last(),
            Some(number) => model.versions.iter().find(|known| known.version.to_string() == number),
        };
        let version = version.ok_or_else(|| no_version(model, text))?;
        self.version(model, version)
    }

    /// The newest version of a model that a function is named after.
    pub fn called(&self, context: &Context, parts: &[String]) -> Option<Result<Resolved>> {
        let model = match parts {
            [schema, name] => context.snapshot.models.get(&Name::new(schema, name)),
            [name] => lookup(context, name),
            _ => None,
        }?;
        let version = model.versions.last()?;
        Some(self.version(model, version))
    }

    fn version(&self, model: &Model, version: &ModelVersion) -> Result<Resolved> {
        let used = ModelUse { name: model.name.clone(), version: version.version, sha256: version.sha256.clone() };
        Ok(Resolved { used, scorer: self.0.get(version)? })
    }
}

fn find<'a>(context: &'a Context, text: &str) -> Result<&'a Arc<Model>> {
    match text.split_once('.') {
        Some((schema, name)) => context.snapshot.model(&Name::new(schema, name)),
        None => lookup(context, text).ok_or_else(|| {
            let known: Vec<_> = context.snapshot.models.keys().map(Name::to_string).collect();
            Error::new(Kind::UndefinedObject, format!("model \"{text}\" does not exist"))
                .hint(did_you_mean(text, known.iter().map(String::as_str)))
        }),
    }
}

fn lookup<'a>(context: &'a Context, name: &str) -> Option<&'a Arc<Model>> {
    context.search_path.iter().find_map(|schema| context.snapshot.models.get(&Name::new(schema, name)))
}

fn no_version(model: &Model, text: &str) -> Error {
    let known: Vec<_> = model.versions.iter().map(|version| version.version.to_string()).collect();
    Error::new(Kind::UndefinedObject, format!("model \"{text}\" does not exist")).detail(format!(
        "model \"{}\" has the versions {}",
        model.name,
        known.join(", ")
    ))
}

/// An error of scoring as ours: NULL where a model refuses it is 22004.
pub fn error_of(error: DataFusionError) -> DataFusionError {
    let DataFusionError::External(inner) = error.find_root() else { return error };
    match inner.downcast_ref::<PredictError>() {
        Some(scoring @ PredictError::NullInput { .. }) => Error::new(Kind::NullNotAllowed, scoring.to_string()).into(),
        Some(PredictError::Internal(message)) => Error::internal(message.clone()).into(),
        Some(scoring) => Error::new(Kind::DataException, scoring.to_string()).into(),
        None => error,
    }
}

impl Scorers for crate::model::Registry {
    fn get(&self, version: &ModelVersion) -> Result<Arc<dyn Scorer>> {
        Ok(Arc::new(Read(crate::model::Registry::get(self, version)?)))
    }
}

/// A model of the registry.
#[derive(Clone)]
struct Read(Arc<aqueduct_udfs::Model>);

impl Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} model", self.0.format())
    }
}

impl Scorer for Read {
    fn inputs(&self) -> Vec<ScorerInput> {
        let input = |input: &aqueduct_udfs::Input| ScorerInput {
            name: input.name.clone(),
            data_type: input.data_type.clone(),
            declaration: input.to_sql(),
            used: input.used,
        };
        self.0.inputs().iter().map(input).collect()
    }

    fn function(&self, name: &str, answer: Answer) -> ScalarUDF {
        aqueduct_udfs::function(self.0.clone(), name, output(answer))
    }

    fn output(&self, answer: Answer) -> Result<DataType> {
        self.0.output_type(output(answer)).map_err(|error| Error::new(Kind::UndefinedFunction, error.message))
    }
}

fn output(answer: Answer) -> Output {
    match answer {
        Answer::Value => Output::Value,
        Answer::Probability => Output::Probability,
        Answer::Raw => Output::Raw,
    }
}

impl Resolved {
    /// The name that plans and messages show.
    pub fn display(&self, answer: Answer) -> String {
        let name = format!("{}@{}", self.used.name, self.used.version);
        match answer {
            Answer::Value => name,
            Answer::Probability => format!("{name} probability"),
            Answer::Raw => format!("{name} margin"),
        }
    }

    /// What a call must give, as a hint.
    pub fn signature(&self) -> String {
        let inputs: Vec<_> =
            self.scorer.inputs().into_iter().filter(|input| input.used).map(|input| input.declaration).collect();
        format!("model \"{}\" takes ({})", self.used.name, inputs.join(", "))
    }
}

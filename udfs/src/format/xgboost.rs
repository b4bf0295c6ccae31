//! XGBoost's model file, JSON or UBJ: gbtree, dart and gblinear of versions 1.3 to 3.x.
mod categories;
mod doc;
mod json;
mod tree;
mod ubj;

use doc::View;

use super::{Declared, Parsed};
use crate::error::FormatError;
use crate::ir::{Dense, Graph, Kind, Label, Link, Op, Task, Trees, Unseen, WIDTH_MAX};

pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4096)];
    bytes.starts_with(b"{") && (bytes.get(1) == Some(&b'L') || start.windows(9).any(|window| window == b"\"learner\""))
}

pub(super) fn read(bytes: &[u8]) -> Result<Parsed, FormatError> {
    if bytes.starts_with(b"binf") {
        return Err(FormatError::new("this is xgboost's old binary format; save it again as .json or .ubj"));
    }
    // In UBJ the first key's length follows the brace, in JSON a quote or blank.
    let is_ubj = matches!(bytes, [b'{', b'L' | b'l' | b'I' | b'U' | b'i', ..]);
    let doc = if is_ubj { ubj::read(bytes)? } else { json::read(bytes)? };
    let root = View::root(&doc);
    let learner = root.get("learner")?;
    Learner::read(&learner)?.assemble(&learner)
}

/// What the learner says of itself beside the trees.
struct Learner {
    features: usize,
    names: Vec<String>,
    classes: usize,
    targets: usize,
    base_score: Vec<f32>,
    objective: Objective,
}

impl Learner {
    fn read(learner: &View) -> Result<Self, FormatError> {
        let parameters = learner.get("learner_model_param")?;
        let count = |key: &str| -> Result<usize, FormatError> {
            match parameters.find(key) {
                Some(value) => value.parsed(),
                None => Ok(0),
            }
        };
        let name = learner.get("objective")?.get("name")?;
        let names = learner.find("feature_names").map(|v| v.texts()).transpose()?.unwrap_or_default();
        let read = Self {
            features: count("num_feature")?,
            names,
            classes: count("num_class")?,
            targets: count("num_target")?.max(1),
            base_score: base_score(&parameters.get("base_score")?)?,
            objective: Objective::named(name.text()?)
                .ok_or_else(|| name.refuse("this xgboost objective is not supported"))?,
        };
        match read.names.len() {
            _ if read.features > WIDTH_MAX
                || read.classes.saturating_mul(read.targets) > WIDTH_MAX
                || read.targets > WIDTH_MAX =>
            {
                Err(parameters.refuse("too many features or outputs"))
            }
            0 => Ok(read),
            n if n == read.features => Ok(read),
            n => Err(learner.refuse(&format!("{n} feature_names for {} features", read.features))),
        }
    }

    /// Margins of a row.
    fn outputs(&self) -> usize {
        self.classes.max(1) * self.targets
    }

    /// The base score of each output, as a margin.
    fn base(&self) -> Result<Vec<f64>, FormatError> {
        let margins: Vec<f64> =
            self.base_score.iter().map(|score| f64::from((self.objective.margin)(*score))).collect();
        match margins.len() {
            1 => Ok(vec![margins[0]; self.outputs()]),
            n if n == self.outputs() => Ok(margins),
            n => Err(FormatError::new(format!("{n} base scores for {} outputs", self.outputs()))
                .at("learner.learner_model_param.base_score")),
        }
    }

    fn assemble(self, learner: &View) -> Result<Parsed, FormatError> {
        let booster = learner.get("gradient_booster")?;
        let categories = categories::read(&booster, self.features)?;
        let inputs: Vec<Declared> =
            (0..self.features).map(|index| self.input(index, categories.get(index).cloned().flatten())).collect();
        let mut graph = Graph::new(inputs.iter().map(Declared::kind).collect());
        let row = features(&mut graph, &inputs).map_err(FormatError::new)?;
        let head = match booster.get("name")?.text()? {
            "gblinear" => Op::Dense(self.linear(&booster)?),
            "gbtree" | "dart" => Op::Trees(Box::new(self.trees(learner, &booster)?)),
            _ => return Err(booster.get("name")?.refuse("this booster is not gbtree, dart or gblinear")),
        };
        let raw = graph.push(head, vec![row]).map_err(FormatError::new)?;
        self.answer(&mut graph, raw).map_err(FormatError::new)?;
        Ok(Parsed { graph, inputs, named: !self.names.is_empty() })
    }

    fn input(&self, index: usize, categories: Option<crate::ir::Values>) -> Declared {
        let name = self.names.get(index).cloned().unwrap_or_else(|| format!("f{index}"));
        match categories {
            Some(categories) => Declared::category(name, categories),
            None => Declared::number(name),
        }
    }

    fn trees(&self, learner: &View, booster: &View) -> Result<Trees, FormatError> {
        let weights = booster.find("weight_drop").map(|v| v.floats()).transpose()?;
        let model = match booster.find("gbtree") {
            Some(inner) => inner.get("model")?,
            None => booster.get("model")?,
        };
        let used = tree::used(learner, &model, self.outputs())?;
        let builder = tree::read_all(&model, used, weights.as_deref())?;
        let mut trees =
            builder.finish(Kind::F32, self.features, self.outputs()).map_err(|message| model.refuse(&message))?;
        trees.start = self.base()?;
        Ok(trees)
    }

    /// One weight per feature and output, then the biases.
    fn linear(&self, booster: &View) -> Result<Dense, FormatError> {
        let (at, outputs) = (booster.get("model")?.get("weights")?, self.outputs());
        let mut weights: Vec<f64> = at.floats()?.into_iter().map(f64::from).collect();
        if weights.len() != (self.features + 1) * outputs {
            return Err(at.refuse(&format!(
                "{} weights for {} features and {outputs} outputs",
                weights.len(),
                self.features
            )));
        }
        let bias = weights.split_off(self.features * outputs);
        // Every output starts from the first one's base score: so does the library, where each has its own.
        let base = self.base()?.first().copied().unwrap_or_default();
        let bias = bias.iter().map(|bias| f64::from(*bias as f32 + base as f32)).collect();
        Ok(Dense { inputs: self.features, outputs, weights, bias, missing_is_absent: true })
    }

    fn answer(&self, graph: &mut Graph, raw: usize) -> Result<(), String> {
        graph.raw = Some(raw);
        graph.scores = match self.objective.link {
            Some(link) => graph.push(Op::Link(link), vec![raw])?,
            None => raw,
        };
        (graph.task, graph.label) = match (self.objective.task, self.outputs()) {
            (Task::Multiclass { .. }, classes) if classes > 1 => {
                // multi:softmax answers by the margins, which the rounding of softmax cannot tie.
                let label = match self.objective.by_margin {
                    true => Label::Value(graph.push(Op::ArgMax, vec![raw])?),
                    false => Label::Best,
                };
                (Task::Multiclass { classes }, Some(label))
            }
            (Task::Multiclass { .. }, _) => return Err("a multiclass model with one class".into()),
            (Task::Binary, 1) => (Task::Binary, Some(Label::Best)),
            (task, 1) => (task, None),
            (_, outputs) => (Task::MultiOutput { outputs }, None),
        };
        Ok(())
    }
}

/// All inputs as one row of f32.
fn features(graph: &mut Graph, inputs: &[Declared]) -> Result<usize, String> {
    let mut columns = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        columns.push(match &input.categories {
            Some(table) => graph.push(
                Op::Codes { table: table.clone(), unseen: Unseen::Refuse, input: input.name.clone() },
                vec![index],
            )?,
            None => index,
        });
    }
    let row = graph.push(Op::Concat, columns)?;
    graph.push(Op::Cast(Kind::F32), vec![row])
}

/// `5E-1` up to 3.0, `[5E-1]` or one per output from 3.1 on.
fn base_score(value: &View) -> Result<Vec<f32>, FormatError> {
    let text = value.text()?;
    let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed: Option<Vec<f32>> = list.split(',').map(|word| word.trim().parse().ok()).collect();
    parsed.ok_or_else(|| value.refuse("the base score is not a number"))
}

/// What an objective does with a margin, and with the base score before it is one.
struct Objective {
    task: Task,
    link: Option<Link>,
    margin: fn(f32) -> f32,
    by_margin: bool,
}

impl Objective {
    fn named(name: &str) -> Option<Self> {
        let new = |task, link, margin| Some(Self { task, link, margin, by_margin: false });
        let same: fn(f32) -> f32 = |score| score;
        let logit: fn(f32) -> f32 = |score| -(1.0 / score - 1.0).ln();
        let log: fn(f32) -> f32 = |score| score.ln();
        match name {
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "binary:logitraw" => new(Task::Regression, None, same),
            "reg:logistic" => new(Task::Regression, Some(Link::XgbLogistic), logit),
            "binary:logistic" => new(Task::Binary, Some(Link::XgbLogistic), logit),
            "binary:hinge" => new(Task::Binary, Some(Link::XgbHinge), same),
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
                new(Task::Regression, Some(Link::Exp), log)
            }
            "multi:softprob" => new(Task::Multiclass { classes: 0 }, Some(Link::XgbSoftmax), same),
            "multi:softmax" => Some(Self {
                task: Task::Multiclass { classes: 0 },
                link: Some(Link::XgbSoftmax),
                margin: same,
                by_margin: true,
            }),
            "rank:pairwise" | "rank:ndcg" | "rank:map" => new(Task::Ranking, None, same),
            _ => None,
        }
    }
}

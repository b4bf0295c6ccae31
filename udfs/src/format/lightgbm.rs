//! LightGBM's text file, versions 3 and 4: `key=value` lines, a block per tree.
mod tree;

use super::{Declared, Parsed};
use crate::error::FormatError;
use crate::ir::{Arithmetic, Graph, Kind, Label, Link, Op, Task, TreesBuilder, Unseen, Values, WIDTH_MAX};

pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n")
}

pub(super) fn read(bytes: &[u8]) -> Result<Parsed, FormatError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| FormatError::new("the file is not UTF-8 text").at(format!("byte {}", e.valid_up_to())))?;
    if !looks_like(bytes) {
        return Err(FormatError::new("a lightgbm text file begins with the line \"tree\"").at("line 1"));
    }
    let mut lines = Lines { rest: text.lines().enumerate() };
    let header = Header::read(&mut lines)?;
    let (builder, trees) = tree::read_all(&mut lines, &header)?;
    let footer = Footer::read(&mut lines)?;
    assemble(&header, builder, trees, &footer).map_err(FormatError::new)
}

/// Lines with their numbers from 1.
struct Lines<'a> {
    rest: std::iter::Enumerate<std::str::Lines<'a>>,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        self.rest.next().map(|(index, line)| (index + 1, line.trim_end()))
    }
}

fn at(line: usize) -> String {
    format!("line {line}")
}

fn number<T: std::str::FromStr>(text: &str, what: &str, line: usize) -> Result<T, FormatError> {
    text.trim()
        .parse()
        .map_err(|_| FormatError::new(format!("{what} is not a number: \"{}\"", shortened(text))).at(at(line)))
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[derive(Debug, Default)]
struct Header {
    outputs: usize,
    features: usize,
    names: Vec<String>,
    infos: Vec<String>,
    objective: Vec<String>,
    averaged: bool,
    trees: Option<usize>,
}

impl Header {
    /// Up to the first blank line.
    fn read(lines: &mut Lines) -> Result<Self, FormatError> {
        let mut header = Self { outputs: 1, ..Self::default() };
        let mut features = None;
        while let Some((line, text)) = lines.next() {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            match key {
                "" => break,
                "version" if !matches!(value, "v3" | "v4") => {
                    return Err(FormatError::new(format!(
                        "lightgbm file version \"{}\" is not v3 or v4",
                        shortened(value)
                    ))
                    .at(at(line)));
                }
                "num_tree_per_iteration" => header.outputs = number(value, key, line)?,
                "max_feature_idx" => features = Some(number::<usize>(value, key, line)?),
                "feature_names" => header.names = value.split(' ').map(str::to_string).collect(),
                "feature_infos" => header.infos = value.split(' ').map(str::to_string).collect(),
                "objective" => header.objective = value.split_whitespace().map(str::to_string).collect(),
                "average_output" => header.averaged = true,
                "tree_sizes" => header.trees = Some(value.split_whitespace().count()),
                _ => {}
            }
        }
        let features = features.ok_or_else(|| FormatError::new("the file ends before max_feature_idx"))?;
        header.features = features
            .checked_add(1)
            .filter(|count| *count <= WIDTH_MAX)
            .ok_or_else(|| FormatError::new("too many features"))?;
        if header.names.len() != header.features {
            return Err(FormatError::new(format!(
                "{} feature_names for {} features",
                header.names.len(),
                header.features
            )));
        }
        if header.outputs == 0 || header.outputs > WIDTH_MAX {
            return Err(FormatError::new(format!("num_tree_per_iteration is {}", header.outputs)));
        }
        Ok(header)
    }

    /// A parameter of the objective: `sigmoid:1`.
    fn parameter(&self, name: &str) -> Option<f64> {
        self.objective.iter().filter_map(|word| word.split_once(':')).find(|(key, _)| *key == name)?.1.parse().ok()
    }
}

/// What follows the trees: parameters, and pandas' categories.
#[derive(Debug, Default)]
struct Footer {
    categorical: Vec<usize>,
    categories: Vec<Values>,
}

impl Footer {
    fn read(lines: &mut Lines) -> Result<Self, FormatError> {
        let mut footer = Self::default();
        while let Some((line, text)) = lines.next() {
            if let Some(list) = text.strip_prefix("[categorical_feature:").and_then(|rest| rest.strip_suffix(']')) {
                footer.categorical = list.trim().split(',').filter_map(|word| word.trim().parse().ok()).collect();
            }
            if let Some(json) = text.strip_prefix("pandas_categorical:") {
                footer.categories = categories(json).map_err(|message| FormatError::new(message).at(at(line)))?;
            }
        }
        Ok(footer)
    }
}

fn categories(json: &str) -> Result<Vec<Values>, String> {
    let lists: Option<Vec<Vec<serde_json::Value>>> =
        serde_json::from_str(json).map_err(|_| "pandas_categorical is not a list of lists")?;
    lists.unwrap_or_default().iter().map(|list| values(list)).collect()
}

fn values(list: &[serde_json::Value]) -> Result<Values, String> {
    let text: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_string)).collect();
    let ints: Option<Vec<i64>> = list.iter().map(|v| v.as_i64().or(v.as_bool().map(i64::from))).collect();
    let floats: Option<Vec<f64>> = list.iter().map(serde_json::Value::as_f64).collect();
    let read = text.map(Values::Text).or(ints.map(Values::Ints)).or(floats.map(Values::Floats));
    read.ok_or_else(|| "pandas_categorical mixes text and numbers".into())
}

fn assemble(header: &Header, builder: TreesBuilder, trees: usize, footer: &Footer) -> Result<Parsed, String> {
    let inputs = inputs(header, footer)?;
    let mut graph = Graph::new(inputs.iter().map(Declared::kind).collect());
    let mut columns = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        columns.push(match &input.categories {
            Some(table) => graph.push(
                Op::Codes { table: table.clone(), unseen: Unseen::Missing, input: input.name.clone() },
                vec![index],
            )?,
            None => index,
        });
    }
    let row = graph.push(Op::Concat, columns)?;
    let mut ensemble = builder.finish(Kind::F64, header.features, header.outputs)?;
    ensemble.tiny = Some(f64::from(1e-35f32));
    let raw = graph.push(Op::Trees(Box::new(ensemble)), vec![row])?;
    graph.raw = Some(raw);
    let mut margin = raw;
    if header.averaged && trees > 0 {
        let rounds = (trees / header.outputs) as f64;
        margin = graph.push(
            Op::Constant { op: Arithmetic::Div, with: vec![rounds; header.outputs], flipped: false },
            vec![raw],
        )?;
    }
    answer(header, &mut graph, margin)?;
    let named = !header.names.iter().enumerate().all(|(index, name)| *name == format!("Column_{index}"));
    Ok(Parsed { graph, inputs, named })
}

/// Task and link by the objective's name.
fn answer(header: &Header, graph: &mut Graph, margin: usize) -> Result<(), String> {
    let slope = header.parameter("sigmoid").unwrap_or(1.0);
    let name = header.objective.first().map_or("none", String::as_str);
    let several = header.outputs > 1;
    let (task, link) = match name {
        "binary" => (Task::Binary, Some(Link::LgbLogistic { slope })),
        "multiclass" => (Task::Multiclass { classes: header.outputs }, Some(Link::LgbSoftmax)),
        "multiclassova" => (Task::Multiclass { classes: header.outputs }, Some(Link::LgbLogistic { slope })),
        "lambdarank" | "rank_xendcg" => (Task::Ranking, None),
        "poisson" | "gamma" | "tweedie" => (Task::Regression, Some(Link::Exp)),
        "cross_entropy" => (Task::Regression, Some(Link::LgbLogistic { slope: 1.0 })),
        "cross_entropy_lambda" => (Task::Regression, Some(Link::Log1pExp)),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape"
            if header.objective.iter().any(|word| word == "sqrt") =>
        {
            (Task::Regression, Some(Link::SignedSquare))
        }
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => (Task::Regression, None),
        // Trained with an objective written in Python: the file has only margins.
        "none" | "custom" if several => (Task::MultiOutput { outputs: header.outputs }, None),
        "none" | "custom" => (Task::Regression, None),
        other => return Err(format!("lightgbm objective \"{}\" is not supported", shortened(other))),
    };
    if several != matches!(task, Task::Multiclass { .. } | Task::MultiOutput { .. }) {
        return Err(format!("{} trees per iteration under the objective {name}", header.outputs));
    }
    graph.task = task;
    graph.label = match task {
        Task::Binary => Some(Label::MoreThanRest),
        Task::Multiclass { .. } => Some(Label::Best),
        Task::Regression | Task::Ranking | Task::MultiOutput { .. } => None,
    };
    graph.scores = match link {
        Some(link) => graph.push(Op::Link(link), vec![margin])?,
        None => margin,
    };
    Ok(())
}

/// Features with pandas' categories are text or numbers to look up; the file lists the categories without saying of
/// which column, but in the columns' order.
fn inputs(header: &Header, footer: &Footer) -> Result<Vec<Declared>, String> {
    let mut inputs: Vec<Declared> = header.names.iter().map(Declared::number).collect();
    if footer.categories.is_empty() {
        return Ok(inputs);
    }
    let is_list = |info: &String| !info.starts_with('[') && info != "none";
    let by_info: Vec<usize> =
        (0..header.infos.len().min(header.features)).filter(|index| is_list(&header.infos[*index])).collect();
    let by_parameter: Vec<usize> =
        footer.categorical.iter().copied().filter(|index| *index < header.features).collect();
    let columns = [by_parameter, by_info].into_iter().find(|columns| columns.len() == footer.categories.len());
    let columns = columns.ok_or_else(|| {
        let message =
            "category lists but another number of categorical features (ordered categories of pandas are not recorded)";
        format!("the file has {} {message}", footer.categories.len())
    })?;
    for (index, categories) in columns.into_iter().zip(&footer.categories) {
        inputs[index] = Declared::category(&header.names[index], categories.clone());
    }
    Ok(inputs)
}

//! What a model is, takes and gives, as rows of text.

use super::Registry;
use crate::base::types::Type;
use crate::base::{Name, Result, quote_identifier};
use crate::catalog::ModelVersion;
use aqueduct_udfs::{Class, Input, Model, NullRule, Output, Summary, Task};

/// Columns of what [`Registry::describe`] answers.
pub const DESCRIPTION: [&str; 4] = ["item", "name", "type", "detail"];

/// Categories and classes that are shown one by one.
const SHOWN_MAX: usize = 12;

const OUTPUTS: [(&str, Output); 3] =
    [("predict", Output::Value), ("predict_proba", Output::Probability), ("predict_raw", Output::Raw)];

impl Registry {
    /// Rows of [`DESCRIPTION`]: the version, its inputs, its outputs.
    pub fn describe(&self, name: &Name, version: &ModelVersion) -> Result<Vec<Vec<Option<String>>>> {
        let model = self.get(version)?;
        let mut rows = vec![
            row("model", &format!("{name}@{}", version.version), model.format().name(), &about(&model)),
            row("file", &version.source, &format!("{} bytes", version.bytes), &format!("sha256 {}", version.sha256)),
        ];
        rows.extend(model.inputs().iter().map(input));
        rows.extend(OUTPUTS.iter().filter_map(|(function, output)| {
            let ty = model.output_type(*output).ok()?;
            let call = format!("{function}('{name}', *)");
            Some(row("output", &call, &Type::from_arrow(&ty).to_string(), &classes(&model, *output)))
        }));
        Ok(rows)
    }
}

/// `carrier text, distance double precision NOT NULL`: the inputs that a call must bind, as `\df` and hints show them.
pub fn signature(model: &Model) -> String {
    model
        .used_inputs()
        .map(|input| format!("{} {}", quote_identifier(&input.name), declared(input)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn row(item: &str, name: &str, ty: &str, detail: &str) -> Vec<Option<String>> {
    [item, name, ty, detail].map(|text| (!text.is_empty()).then(|| text.to_string())).to_vec()
}

fn input(input: &Input) -> Vec<Option<String>> {
    let mut facts = vec![];
    if !input.used {
        facts.push("not used by the model".to_string());
    }
    if let Some(categories) = &input.categories {
        facts.push(format!("{} categories: {}", categories.len(), listed(categories)));
    }
    row("input", &input.name, &declared(input), &facts.join("; "))
}

/// `double precision NOT NULL`
fn declared(input: &Input) -> String {
    let rule = match &input.null {
        NullRule::NotNull => " NOT NULL".to_string(),
        NullRule::Missing => String::new(),
        NullRule::Number(value) => format!(" NULL AS {value}"),
        NullRule::Text(value) => format!(" NULL AS {}", crate::base::quote_literal(value)),
    };
    format!("{}{rule}", Type::from_arrow(&input.data_type))
}

fn about(model: &Model) -> String {
    let Summary { trees, leaves, depth, weights, .. } = model.summary();
    let task = match model.task() {
        Task::Regression => "regression".to_string(),
        Task::Ranking => "ranking".to_string(),
        Task::Binary => "2 classes".to_string(),
        Task::Multiclass { classes } => format!("{classes} classes"),
        Task::MultiOutput { outputs } => format!("{outputs} outputs"),
    };
    let counts = [(trees, "trees"), (leaves, "leaves"), (depth, "deep"), (weights, "weights")];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let kernel = format!("kernel {}", model.kernel());
    std::iter::once(task).chain(counts).chain([kernel]).collect::<Vec<_>>().join(", ")
}

fn classes(model: &Model, output: Output) -> String {
    match (model.classes(), output) {
        (Some(classes), Output::Value) => format!("one of {}", listed(classes)),
        (Some(classes), Output::Probability) if classes.len() > 2 => format!("in the order {}", listed(classes)),
        (Some([.., last]), Output::Probability) => format!("of {last}"),
        _ => String::new(),
    }
}

fn listed(all: &[Class]) -> String {
    let shown: Vec<_> = all.iter().take(SHOWN_MAX).map(Class::to_string).collect();
    let more = if all.len() > SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

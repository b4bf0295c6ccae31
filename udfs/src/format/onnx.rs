//! ONNX: a graph of operators, of which those that shallow models and small networks need are read.
mod classifier;
mod graph;
mod operator;
mod proto;
mod tensor;
mod trees;

use datafusion::arrow::datatypes::DataType;
use prost::Message;

use super::{Declared, Parsed};
use crate::error::FormatError;
use crate::ir::{Activation, Graph, Kind, Label, Op, Task, Values, WIDTH_MAX};
use graph::{Scope, Value};

/// An ONNX file is protobuf, and its first field the small `ir_version`.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x40, tag, ..] if matches!(tag, 0x12 | 0x1a | 0x20 | 0x22 | 0x28 | 0x32 | 0x3a | 0x42))
}

pub(super) fn read(bytes: &[u8]) -> Result<Parsed, FormatError> {
    let model = proto::Model::decode(bytes)
        .map_err(|e| FormatError::new(format!("this is not an ONNX file, or it is truncated: {e}")))?;
    let file = model.graph.as_ref().filter(|_| model.ir_version.is_some());
    let file = file.ok_or_else(|| FormatError::new("this is not an ONNX file: it has no graph"))?;
    let constants = file.initializers.iter().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>();
    let (inputs, widths) = inputs(&model, file, &constants)?;
    let mut graph = Graph::new(inputs.iter().map(Declared::kind).collect());
    let mut scope = Scope::new(file, &mut graph, &widths)?;
    scope.run(file)?;
    let outputs = file
        .outputs
        .iter()
        .map(|output| scope.value(&output.name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(FormatError::new)?;
    let margin = scope.margin;
    answer(&mut graph, outputs, margin).map_err(|message| FormatError::new(message).at("the graph's outputs"))?;
    let named = inputs.len() == widths.len();
    Ok(Parsed { graph, inputs, named })
}

/// A tensor of the graph: its name, element kind, and the columns it takes.
struct Width {
    name: String,
    kind: Kind,
    columns: usize,
}

fn inputs(
    model: &proto::Model,
    file: &proto::Graph,
    constants: &[&str],
) -> Result<(Vec<Declared>, Vec<Width>), FormatError> {
    let tensors: Vec<&proto::ValueInfo> =
        file.inputs.iter().filter(|input| !constants.contains(&input.name.as_str())).collect();
    let names = model.metadata.iter().find(|entry| entry.key == "feature_names");
    let names: Vec<String> = names.and_then(|entry| serde_json::from_str(&entry.value).ok()).unwrap_or_default();
    let (mut inputs, mut widths) = (vec![], vec![]);
    for tensor in &tensors {
        let width = width(tensor)?;
        if inputs.len() + width.columns > WIDTH_MAX {
            return Err(FormatError::new("too many inputs"));
        }
        for column in 0..width.columns {
            let name = match (width.columns, tensors.len()) {
                (1, _) => tensor.name.clone(),
                (_, 1) => names.get(column).cloned().unwrap_or_else(|| format!("f{column}")),
                _ => format!("{}_{column}", tensor.name),
            };
            inputs.push(declared(name, width.kind));
        }
        widths.push(width);
    }
    Ok((inputs, widths))
}

fn width(tensor: &proto::ValueInfo) -> Result<Width, FormatError> {
    let refuse = |message: String| FormatError::new(message).at(format!("input \"{}\"", tensor.name));
    let of = tensor
        .of
        .as_ref()
        .and_then(|of| of.tensor.as_ref())
        .ok_or_else(|| refuse("this input is not a tensor".into()))?;
    let kind =
        tensor::kind(of.element).ok_or_else(|| refuse(format!("ONNX element type {} is not supported", of.element)))?;
    let dims: Vec<Option<i64>> = of.shape.iter().flat_map(|shape| &shape.dims).map(|dim| dim.value).collect();
    let columns = match dims.as_slice() {
        [_] => Some(1),
        [_, Some(columns)] => usize::try_from(*columns).ok().filter(|columns| *columns > 0),
        _ => None,
    };
    let columns = columns.ok_or_else(|| refuse("an input must have the shape [N, k] with k known".into()))?;
    Ok(Width { name: tensor.name.clone(), kind, columns })
}

fn declared(name: String, kind: Kind) -> Declared {
    let number = Declared::number(name);
    match kind {
        Kind::F32 | Kind::F64 => number,
        // Integers have no NaN to stand for what is missing.
        Kind::I64 => Declared { data_type: DataType::Int64, takes_missing: false, ..number },
        Kind::Text => Declared { data_type: DataType::Utf8, ..number },
    }
}

/// Which output is the label and which the scores: by type, as ONNX has no other sign.
fn answer(graph: &mut Graph, outputs: Vec<Value>, margin: Option<usize>) -> Result<(), String> {
    let kind = |value: &Value| graph.shape(value.id).map(|shape| (shape.kind, shape.width));
    let scores =
        outputs.iter().find(|value| value.classes.is_none() && matches!(kind(value), Some((Kind::F32 | Kind::F64, _))));
    let label = outputs.iter().find(|value| value.classes.is_some() || matches!(kind(value), Some((Kind::I64, 1))));
    let Some(scores) = scores else {
        return Err("no output has scores, that is floats".into());
    };
    let width = graph.shape(scores.id).map_or(1, |shape| shape.width);
    graph.scores = scores.id;
    graph.raw = margin.filter(|id| *id != scores.id || label.is_none());
    let Some(label) = label else {
        let is_softmax = graph
            .steps
            .get(scores.id.wrapping_sub(graph.inputs.len()))
            .is_some_and(|step| matches!(step.op, Op::Softmax));
        (graph.task, graph.label) = match width {
            1 => (Task::Regression, None),
            classes if is_softmax => (Task::Multiclass { classes }, Some(Label::Best)),
            outputs => (Task::MultiOutput { outputs }, None),
        };
        return Ok(());
    };
    graph.label = Some(Label::Value(label.id));
    graph.classes = label.classes.clone();
    let classes = label.classes.as_ref().map_or(width.max(2), Values::len);
    if width != classes && !(width == 1 && classes == 2) {
        return Err(format!("{width} scores for {classes} classes"));
    }
    graph.task = if classes == 2 { Task::Binary } else { Task::Multiclass { classes } };
    Ok(())
}

/// Element-wise functions, by the name of their operator.
fn activation(name: &str, attributes: &tensor::Attributes) -> Option<Activation> {
    Some(match name {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu { slope: attributes.float("alpha", 0.01) },
        "Elu" => Activation::Elu { alpha: attributes.float("alpha", 1.0) },
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Exp" => Activation::Exp,
        "Log" => Activation::Log,
        "Sqrt" => Activation::Sqrt,
        "Neg" => Activation::Neg,
        "Abs" => Activation::Abs,
        "Softplus" => Activation::Softplus,
        _ => return None,
    })
}

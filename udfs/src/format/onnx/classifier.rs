//! Classifiers of ai.onnx.ml: scores and a label, by the rules that ONNX Runtime has where the standard is silent.
use super::graph::{Scope, Thing, Value};
use super::operator::width;
use super::proto::Node;
use super::tensor::Attributes;
use super::trees as ensemble;
use crate::ir::{Dense, Kind, Link, Op, SecondClass, Trees, Values};

/// Applies `post_transform` and remembers what came before it as the margin.
pub(super) fn post_transform(scope: &mut Scope, id: usize, name: &str) -> Result<usize, String> {
    scope.margin = Some(id);
    let link = match name {
        "NONE" => return Ok(id),
        "LOGISTIC" => Link::OnnxLogistic,
        "SOFTMAX" => Link::OnnxSoftmax,
        "SOFTMAX_ZERO" => Link::OnnxSoftmaxZero,
        "PROBIT" => Link::OnnxProbit,
        other => return Err(format!("the post_transform {other} is not known")),
    };
    scope.push(Op::Link(link), vec![id])
}

/// A row of coefficients per output.
pub(super) fn by_rows(coefficients: Vec<f64>, bias: Vec<f64>, outputs: usize) -> Result<Op, String> {
    let inputs = coefficients.len().checked_div(outputs).unwrap_or(0);
    if inputs == 0 || inputs * outputs != coefficients.len() {
        return Err(format!("{} coefficients for {outputs} outputs", coefficients.len()));
    }
    let weights = (0..coefficients.len()).map(|at| coefficients[at % outputs * inputs + at / outputs]).collect();
    Ok(Op::Dense(Dense { inputs, outputs, weights, bias, missing_is_absent: false }))
}

/// The named input as floats.
fn floats(scope: &mut Scope, node: &Node) -> Result<usize, String> {
    let id = scope.value(node.inputs.first().ok_or("the classifier has no input")?)?.id;
    match scope.graph.shape(id).map(|shape| shape.kind) {
        Some(Kind::F32 | Kind::F64) => Ok(id),
        _ => scope.push(Op::Cast(Kind::F32), vec![id]),
    }
}

fn classes(attributes: &Attributes, ints: &str) -> Result<Values, String> {
    let texts = attributes.texts("classlabels_strings")?;
    let classes = if texts.is_empty() { Values::Ints(attributes.ints(ints).to_vec()) } else { Values::Text(texts) };
    if classes.is_empty() { Err("a classifier without classes".into()) } else { Ok(classes) }
}

fn outputs(label: usize, classes: Values, scores: usize) -> Vec<Thing> {
    vec![Thing::Value(Value { id: label, classes: Some(classes) }), Thing::Value(Value::plain(scores))]
}

pub(super) fn linear(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let attributes = Attributes(node);
    let classes = classes(&attributes, "classlabels_ints")?;
    let (coefficients, bias) = (attributes.floats("coefficients")?, attributes.floats("intercepts")?);
    let from = floats(scope, node)?;
    let from = scope.push(Op::Cast(Kind::F32), vec![from])?;
    let rows = coefficients.len().checked_div(width(scope, from)).unwrap_or(0);
    let bias = if bias.len() == rows { bias } else { vec![] };
    let raw = scope.push(by_rows(coefficients, bias, rows)?, vec![from])?;
    let post = attributes.text("post_transform", "NONE");
    if rows == 1 && classes.len() == 2 {
        let label = scope.push(Op::Above(0.0), vec![raw])?;
        let second = if post == "LOGISTIC" { SecondClass::Negation } else { SecondClass::Complement };
        let both = scope.push(Op::Second(second), vec![raw])?;
        return Ok(outputs(label, classes, post_transform(scope, both, &post)?));
    }
    let label = scope.push(Op::ArgMax, vec![raw])?;
    Ok(outputs(label, classes, post_transform(scope, raw, &post)?))
}

pub(super) fn trees(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let attributes = Attributes(node);
    let classes = classes(&attributes, "classlabels_int64s")?;
    let mut trees = ensemble::read(&attributes, "class", classes.len())?;
    let from = floats(scope, node)?;
    let post = attributes.text("post_transform", "NONE");
    let lone = classes.len() == 2 && trees.votes.windows(2).all(|pair| pair[0].output == pair[1].output);
    let positive = trees.votes.iter().all(|vote| vote.value >= 0.0);
    let base = trees.finish.len();
    if lone {
        one_score(&mut trees);
    }
    let shape = scope.graph.shape(from).ok_or("the classifier's input is not there")?;
    let raw = scope.push(Op::Trees(Box::new(ensemble::over(trees, shape))), vec![from])?;
    if !lone {
        let label = scope.push(Op::ArgMax, vec![raw])?;
        return Ok(outputs(label, classes, post_transform(scope, raw, &post)?));
    }
    // One score for two classes: a probability if no leaf is negative, else a margin.
    let label = scope.push(Op::Above(if positive { 0.5 } else { 0.0 }), vec![raw])?;
    let second = if positive && base < 2 { SecondClass::Complement } else { SecondClass::Negation };
    let both = scope.push(Op::Second(second), vec![raw])?;
    let post = if post == "LOGISTIC" && second == SecondClass::Negation { "LOGISTIC" } else { "NONE" };
    Ok(outputs(label, classes, post_transform(scope, both, post)?))
}

fn one_score(trees: &mut Trees) {
    trees.votes.iter_mut().for_each(|vote| vote.output = 0);
    trees.outputs = 1;
    trees.finish = trees.finish.last().map(|base| vec![*base]).unwrap_or_default();
}

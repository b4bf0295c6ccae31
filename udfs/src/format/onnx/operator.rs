//! Operators, one by one. What is not here is refused by its name.
use super::graph::{Scope, Thing, Value};
use super::proto::Node;
use super::tensor::{Attributes, Constant, kind};
use super::{activation, classifier, trees};
use crate::ir::{Activation, Arithmetic, Dense, Kind, Norm, Op, Values};

/// What the node's outputs are.
pub(super) fn read(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let attributes = Attributes(node);
    match node.op_type.as_str() {
        "Constant" => Ok(vec![Thing::Constant(attributes.constant("value")?.ok_or("a constant without a tensor")?)]),
        // Dictionaries of class and score: the scores are what they are made of.
        "ZipMap" | "Identity" | "Squeeze" | "Unsqueeze" | "Dropout" => Ok(vec![scope.thing(first(node)?)?.clone()]),
        "Flatten" if attributes.int("axis", 1) == 1 => Ok(vec![scope.thing(first(node)?)?.clone()]),
        "LinearClassifier" => classifier::linear(scope, node),
        "TreeEnsembleClassifier" => classifier::trees(scope, node),
        "LabelEncoder" => label_encoder(scope, node),
        "ArrayFeatureExtractor" => extractor(scope, node),
        "Gather" if attributes.int("axis", 0) == 1 => extractor(scope, node),
        "Reshape" => reshape(scope, node),
        "Cast" => cast(scope, node),
        _ => Ok(vec![Thing::Value(Value::plain(single(scope, node, &attributes)?))]),
    }
}

fn first(node: &Node) -> Result<&str, String> {
    node.inputs.first().map(String::as_str).ok_or_else(|| "the operator has no input".into())
}

/// An input's columns, with labels named.
fn columns(scope: &mut Scope, name: &str) -> Result<usize, String> {
    match scope.value(name)? {
        Value { id, classes: Some(classes) } => scope.push(Op::Pick(classes), vec![id]),
        Value { id, classes: None } => Ok(id),
    }
}

pub(super) fn width(scope: &Scope, id: usize) -> usize {
    scope.graph.shape(id).map_or(0, |shape| shape.width)
}

fn single(scope: &mut Scope, node: &Node, attributes: &Attributes) -> Result<usize, String> {
    if let Some(operator) = arithmetic(&node.op_type) {
        return calculation(scope, node, operator);
    }
    if matches!(node.op_type.as_str(), "Concat" | "FeatureVectorizer") {
        return concat(scope, node, attributes);
    }
    let op = operator(scope, node, attributes)?;
    let from = columns(scope, first(node)?)?;
    let from = match (&op, scope.graph.shape(from).map(|shape| shape.kind)) {
        // ai.onnx.ml takes integers where it computes with floats.
        (Op::Scale { .. } | Op::Normalise(_) | Op::Dense(_) | Op::Trees(_), Some(Kind::I64)) => {
            scope.push(Op::Cast(Kind::F32), vec![from])?
        }
        _ => from,
    };
    // Tree ensembles compare in the precision that their input has.
    let op = match (op, scope.graph.shape(from)) {
        (Op::Trees(ensemble), Some(shape)) => Op::Trees(Box::new(trees::over(*ensemble, shape))),
        (op, _) => op,
    };
    let is_head = matches!(op, Op::Trees(_));
    let id = scope.push(op, vec![from])?;
    match is_head {
        true => classifier::post_transform(scope, id, &attributes.text("post_transform", "NONE")),
        false => Ok(id),
    }
}

fn operator(scope: &mut Scope, node: &Node, attributes: &Attributes) -> Result<Op, String> {
    let name = node.op_type.as_str();
    if let Some(activation) = activation(name, attributes) {
        return Ok(Op::Activate(activation));
    }
    let from = scope.value(first(node)?)?.id;
    let columns = width(scope, from);
    let across = |axis: i64| {
        if axis == 1 || axis == -1 { Ok(()) } else { Err(format!("{name} along axis {axis} is not supported")) }
    };
    match name {
        "Scaler" => Ok(Op::Scale {
            offset: spread(attributes.floats("offset")?, columns, 0.0),
            scale: spread(attributes.floats("scale")?, columns, 1.0),
        }),
        "Imputer" => imputer(attributes, columns),
        "Normalizer" => match attributes.text("norm", "MAX").as_str() {
            "MAX" => Ok(Op::Normalise(Norm::Max)),
            "L1" => Ok(Op::Normalise(Norm::L1)),
            "L2" => Ok(Op::Normalise(Norm::L2)),
            other => Err(format!("the norm {other} is not known")),
        },
        "Binarizer" => Ok(Op::Binarise(attributes.float("threshold", 0.0))),
        "OneHotEncoder" => {
            let (texts, ints) = (attributes.texts("cats_strings")?, attributes.ints("cats_int64s").to_vec());
            let table = if texts.is_empty() { Values::Ints(ints) } else { Values::Text(texts) };
            if table.is_empty() {
                return Err("an encoder without categories".into());
            }
            Ok(Op::OneHot { table, zeros: attributes.int("zeros", 1) != 0 })
        }
        "Clip" => clip(scope, node, attributes),
        "Softmax" => across(attributes.int("axis", -1)).map(|()| Op::Softmax),
        "ArgMax" => across(attributes.int("axis", 0)).map(|()| Op::ArgMax),
        "ReduceSum" => {
            let axes = match node.inputs.get(1) {
                Some(name) => scope.constant(name)?.ints()?.to_vec(),
                None => attributes.ints("axes").to_vec(),
            };
            axes.first()
                .map_or(Err("a sum over all rows is not supported".into()), |axis| across(*axis))
                .map(|()| Op::RowSum)
        }
        "MatMul" => gemm(scope.constant(second(node)?)?, None, false, 1.0, 1.0),
        "Gemm" if attributes.int("transA", 0) == 0 => {
            let bias =
                node.inputs.get(2).filter(|name| !name.is_empty()).map(|name| scope.constant(name)).transpose()?;
            gemm(
                scope.constant(second(node)?)?,
                bias,
                attributes.int("transB", 0) != 0,
                attributes.float("alpha", 1.0),
                attributes.float("beta", 1.0),
            )
        }
        "LinearRegressor" => {
            let outputs = usize::try_from(attributes.int("targets", 1)).map_err(|_| "targets is negative")?;
            classifier::by_rows(attributes.floats("coefficients")?, attributes.floats("intercepts")?, outputs)
        }
        "TreeEnsembleRegressor" => {
            let outputs = usize::try_from(attributes.int("n_targets", 1)).map_err(|_| "n_targets is negative")?;
            Ok(Op::Trees(Box::new(trees::read(attributes, "target", outputs)?)))
        }
        other => Err(format!("the ONNX operator {other} is not supported")),
    }
}

fn second(node: &Node) -> Result<&str, String> {
    node.inputs.get(1).map(String::as_str).ok_or_else(|| "the operator lacks its second input".into())
}

/// One constant for all columns, or one each.
fn spread(list: Vec<f64>, columns: usize, default: f64) -> Vec<f64> {
    match list.as_slice() {
        [] => vec![default; columns],
        [one] => vec![*one; columns],
        _ => list,
    }
}

fn imputer(attributes: &Attributes, columns: usize) -> Result<Op, String> {
    let ints: Vec<f64> = attributes.ints("imputed_value_int64s").iter().map(|v| *v as f64).collect();
    let (fill, replaced) = match ints.is_empty() {
        true => (attributes.floats("imputed_value_floats")?, attributes.float("replaced_value_float", 0.0)),
        false => (ints, attributes.int("replaced_value_int64", 0) as f64),
    };
    Ok(Op::Impute { fill: spread(fill, columns, 0.0), replaced })
}

fn clip(scope: &Scope, node: &Node, attributes: &Attributes) -> Result<Op, String> {
    let bound = |place: usize, name: &str, default: f32| match node.inputs.get(place).filter(|name| !name.is_empty()) {
        Some(constant) => {
            scope.constant(constant)?.floats()?.first().copied().ok_or_else(|| "an empty bound".to_string())
        }
        None => Ok(attributes.float(name, default)),
    };
    Ok(Op::Activate(Activation::Clip { low: bound(1, "min", f32::MIN)?, high: bound(2, "max", f32::MAX)? }))
}

fn gemm(by: &Constant, bias: Option<&Constant>, transposed: bool, alpha: f64, beta: f64) -> Result<Op, String> {
    let (rows, columns) = match by.dims.as_slice() {
        [rows, columns] => (*rows, *columns),
        [rows] if !transposed => (*rows, 1),
        _ => return Err("a product with something that is not a matrix".into()),
    };
    let given = by.floats()?;
    let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
    let place =
        |input: usize, output: usize| if transposed { output * inputs + input } else { input * outputs + output };
    let weights = (0..inputs * outputs).map(|at| given[place(at / outputs, at % outputs)] * alpha).collect();
    let bias: Vec<f64> = bias.map(Constant::floats).transpose()?.unwrap_or_default().iter().map(|b| b * beta).collect();
    let bias = if bias.len() == 1 { vec![bias[0]; outputs] } else { bias };
    Ok(Op::Dense(Dense { inputs, outputs, weights, bias, missing_is_absent: false }))
}

fn concat(scope: &mut Scope, node: &Node, attributes: &Attributes) -> Result<usize, String> {
    if node.op_type == "Concat" && !matches!(attributes.int("axis", 1), 1 | -1 | 2) {
        return Err("concatenation of rows is not supported".into());
    }
    let mut from = vec![];
    for name in &node.inputs {
        let id = columns(scope, name)?;
        let is_int = scope.graph.shape(id).is_some_and(|shape| shape.kind == Kind::I64);
        let widen = node.op_type == "FeatureVectorizer" && is_int;
        from.push(if widen { scope.push(Op::Cast(Kind::F32), vec![id])? } else { id });
    }
    scope.push(Op::Concat, from)
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        "Add" => Arithmetic::Add,
        "Sub" => Arithmetic::Sub,
        "Mul" => Arithmetic::Mul,
        "Div" => Arithmetic::Div,
        _ => return None,
    })
}

fn calculation(scope: &mut Scope, node: &Node, op: Arithmetic) -> Result<usize, String> {
    let (left, right) = (first(node)?, second(node)?);
    let (name, constant, flipped) = match (scope.thing(left)?, scope.thing(right)?) {
        (Thing::Value(_), Thing::Value(_)) => {
            let from = vec![columns(scope, left)?, columns(scope, right)?];
            return scope.push(Op::Arithmetic(op), from);
        }
        (Thing::Value(_), Thing::Constant(constant)) => (left, constant, false),
        (Thing::Constant(constant), Thing::Value(_)) => (right, constant, true),
        (Thing::Constant(_), Thing::Constant(_)) => return Err("arithmetic between constants is not supported".into()),
    };
    let with = constant.floats()?;
    let from = columns(scope, name)?;
    let with = spread(with, width(scope, from), 0.0);
    scope.push(Op::Constant { op, with, flipped }, vec![from])
}

/// Only shapes that leave rows as they are.
fn reshape(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let value = scope.value(first(node)?)?;
    let shape = scope.constant(second(node)?)?.ints()?;
    let columns = width(scope, value.id) as i64;
    let mut sizes = shape.iter().filter(|dim| **dim > 0);
    let fixed = sizes.try_fold(1i64, |product, dim| product.checked_mul(*dim)).unwrap_or(-1);
    let rows_first = matches!(shape.first(), Some(-1 | 0));
    let keeps = match shape {
        [0, -1] => true,
        _ => (rows_first && fixed == columns) || (columns == 1 && fixed == 1),
    };
    match keeps {
        true => Ok(vec![Thing::Value(value)]),
        false => Err(format!("a reshape of {columns} columns to {shape:?} is not supported")),
    }
}

fn cast(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let to = i32::try_from(Attributes(node).int("to", 0))
        .ok()
        .and_then(kind)
        .ok_or("a cast to this type is not supported")?;
    let value = scope.value(first(node)?)?;
    // Labels stay indices as long as their type does.
    if value.classes.as_ref().is_some_and(|classes| classes.kind() == to) {
        return Ok(vec![Thing::Value(value)]);
    }
    let from = columns(scope, first(node)?)?;
    match (scope.graph.shape(from).map(|shape| shape.kind), to) {
        (Some(Kind::Text), Kind::F32 | Kind::F64 | Kind::I64) => Err("a cast from text is not supported".into()),
        (Some(Kind::F32 | Kind::F64), Kind::Text) => Err("a cast from floats to text is not supported".into()),
        _ => Ok(vec![Thing::Value(Value::plain(scope.push(Op::Cast(to), vec![from])?))]),
    }
}

fn label_encoder(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    let attributes = Attributes(node);
    let (keys, values) = (attributes.values("keys")?, attributes.values("values")?);
    let (Some(keys), Some(values)) = (keys, values) else {
        return Err("a label encoder without keys or values (opset 1 of ai.onnx.ml) is not supported".into());
    };
    let tensor = attributes.constant("default_tensor")?.map(|tensor| tensor.values);
    let default = tensor.unwrap_or_else(|| match &values {
        Values::Text(_) => Values::Text(vec![attributes.text("default_string", "_Unused")]),
        Values::Ints(_) => Values::Ints(vec![attributes.int("default_int64", -1)]),
        Values::Floats(_) => Values::Floats(vec![attributes.float("default_float", 0.0)]),
    });
    let value = scope.value(first(node)?)?;
    if let Some(classes) = &value.classes {
        // Labels are renamed rather than looked up.
        let renamed = rename(classes, &keys, &values).ok_or("a label encoder that does not know all classes")?;
        return Ok(vec![Thing::Value(Value { id: value.id, classes: Some(renamed) })]);
    }
    Ok(vec![Thing::Value(Value::plain(scope.push(Op::Map { keys, values, default }, vec![value.id])?))])
}

fn rename(classes: &Values, keys: &Values, values: &Values) -> Option<Values> {
    let places: Option<Vec<usize>> = match (classes, keys) {
        (Values::Text(classes), Values::Text(keys)) => {
            classes.iter().map(|class| keys.iter().position(|key| key == class)).collect()
        }
        (Values::Ints(classes), Values::Ints(keys)) => {
            classes.iter().map(|class| keys.iter().position(|key| key == class)).collect()
        }
        _ => None,
    };
    let places = places?;
    Some(match values {
        Values::Text(v) => Values::Text(places.iter().map(|at| v.get(*at).cloned()).collect::<Option<_>>()?),
        Values::Ints(v) => Values::Ints(places.iter().map(|at| v.get(*at).copied()).collect::<Option<_>>()?),
        Values::Floats(_) => return None,
    })
}

/// Columns by constant indices, or a class by a computed index.
fn extractor(scope: &mut Scope, node: &Node) -> Result<Vec<Thing>, String> {
    match (scope.thing(first(node)?)?, scope.thing(second(node)?)?) {
        (Thing::Constant(classes), Thing::Value(index)) => {
            Ok(vec![Thing::Value(Value { id: index.id, classes: Some(classes.values.clone()) })])
        }
        (Thing::Value(value), Thing::Constant(places)) => {
            let places: Option<Vec<usize>> = places.ints()?.iter().map(|at| usize::try_from(*at).ok()).collect();
            let op = Op::Select(places.ok_or("a column's index is negative")?);
            let from = value.id;
            Ok(vec![Thing::Value(Value::plain(scope.push(op, vec![from])?))])
        }
        _ => Err("one of the two inputs must be a constant".into()),
    }
}

//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor`: nodes as parallel lists, named by tree and number.
use std::collections::HashMap;

use super::tensor::Attributes;
use crate::ir::{Aggregate, Compare, Kind, Node, OnNan, Shape, Trees, TreesBuilder, Vote};

/// A node's name in the file.
type Id = (i64, i64);

/// Reads the ensemble; `votes` is the prefix of the leaves' lists, `target` or `class`.
pub(super) fn read(attributes: &Attributes, votes: &str, outputs: usize) -> Result<Trees, String> {
    let (trees, numbers, modes) =
        (attributes.ints("nodes_treeids"), attributes.ints("nodes_nodeids"), attributes.texts("nodes_modes")?);
    if trees.is_empty() || trees.len() != numbers.len() || trees.len() != modes.len() {
        return Err("the lists of nodes have several lengths".into());
    }
    let mut builder = TreesBuilder::default();
    let leaf_votes = leaf_votes(attributes, votes)?;
    let (mut places, mut inner): (HashMap<Id, i32>, i32) = (HashMap::new(), 0);
    for (index, mode) in modes.iter().enumerate() {
        let id = (trees[index], numbers[index]);
        let place = match mode.as_str() {
            "LEAF" => !builder.leaf(leaf_votes.get(&id).cloned().unwrap_or_default())?,
            _ => {
                inner = inner.checked_add(1).ok_or("too many nodes")?;
                inner - 1
            }
        };
        if places.insert(id, place).is_some() {
            return Err(format!("node {} of tree {} is there twice", id.1, id.0));
        }
        // A tree begins with the first of its nodes.
        if index == 0 || trees[index - 1] != id.0 {
            builder.roots.push(place);
        }
    }
    nodes(attributes, &modes, &places, &mut builder)?;
    let count = builder.roots.len() as f64;
    let features = builder.nodes.iter().map(|node| node.feature as usize + 1).max().unwrap_or(0);
    let mut ensemble = builder.finish(Kind::F32, features, outputs)?;
    ensemble.finish = base_values(attributes, outputs)?;
    ensemble.aggregate = match attributes.text("aggregate_function", "SUM").as_str() {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average(count),
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => return Err(format!("the aggregate_function {other} is not known")),
    };
    Ok(ensemble)
}

/// In the precision of its features; margins are f32 always.
pub(super) fn over(trees: Trees, shape: Shape) -> Trees {
    let features_kind = if shape.kind == Kind::F64 { Kind::F64 } else { Kind::F32 };
    Trees { features_kind, margins_kind: Kind::F32, ..trees }
}

fn base_values(attributes: &Attributes, outputs: usize) -> Result<Vec<f64>, String> {
    let base = attributes.floats("base_values")?;
    match base.len() {
        0 => Ok(base),
        n if n == outputs || (n == 1 && outputs == 2) => Ok(base),
        n => Err(format!("{n} base values for {outputs} outputs")),
    }
}

fn leaf_votes(attributes: &Attributes, prefix: &str) -> Result<HashMap<Id, Vec<Vote>>, String> {
    let list = |name: &str| attributes.ints(&format!("{prefix}_{name}"));
    let (trees, nodes, outputs, weights) =
        (list("treeids"), list("nodeids"), list("ids"), attributes.floats(&format!("{prefix}_weights"))?);
    if trees.len() != nodes.len() || trees.len() != outputs.len() || trees.len() != weights.len() {
        return Err("the lists of leaves' values have several lengths".into());
    }
    let mut votes: HashMap<Id, Vec<Vote>> = HashMap::new();
    for (index, value) in weights.into_iter().enumerate() {
        let output = u32::try_from(outputs[index]).map_err(|_| "an output is negative")?;
        votes.entry((trees[index], nodes[index])).or_default().push(Vote { output, value });
    }
    Ok(votes)
}

fn nodes(
    attributes: &Attributes,
    modes: &[String],
    places: &HashMap<Id, i32>,
    builder: &mut TreesBuilder,
) -> Result<(), String> {
    let (trees, features) = (attributes.ints("nodes_treeids"), attributes.ints("nodes_featureids"));
    let (yes, no) = (attributes.ints("nodes_truenodeids"), attributes.ints("nodes_falsenodeids"));
    let (tracks, values) = (attributes.ints("nodes_missing_value_tracks_true"), attributes.floats("nodes_values")?);
    if [features.len(), yes.len(), no.len(), values.len()].iter().any(|length| *length != modes.len()) {
        return Err("the lists of nodes have several lengths".into());
    }
    for (index, mode) in modes.iter().enumerate().filter(|(_, mode)| *mode != "LEAF") {
        let compare = compare(mode)?;
        let child = |number: i64| {
            places
                .get(&(trees[index], number))
                .copied()
                .ok_or_else(|| format!("node {number} of tree {} is not there", trees[index]))
        };
        // Without a track a NaN is compared, and only "not equal" holds for it.
        let nan_is_yes = tracks.get(index).is_some_and(|track| *track != 0) || compare == Compare::NotEqual;
        builder.nodes.push(Node {
            feature: u32::try_from(features[index]).map_err(|_| "a feature is negative")?,
            compare,
            on_nan: if nan_is_yes { OnNan::Yes } else { OnNan::No },
            on_zero: None,
            threshold: values[index],
            yes: child(yes[index])?,
            no: child(no[index])?,
        });
    }
    Ok(())
}

fn compare(mode: &str) -> Result<Compare, String> {
    Ok(match mode {
        "BRANCH_LEQ" => Compare::LessEqual,
        "BRANCH_LT" => Compare::Less,
        "BRANCH_GTE" => Compare::GreaterEqual,
        "BRANCH_GT" => Compare::Greater,
        "BRANCH_EQ" => Compare::Equal,
        "BRANCH_NEQ" => Compare::NotEqual,
        other => return Err(format!("the node mode {other} is not known")),
    })
}

//! What a step makes of what it is given: kinds, widths, and which columns it reads for which.
use super::*;

/// The shape an op gives, or why it cannot take these values.
pub(super) fn of(op: &Op, from: &[Shape]) -> Result<Shape, String> {
    let first = *from.first().ok_or("a step without a value to read")?;
    let arity = match op {
        Op::Concat => from.len(),
        Op::Arithmetic(_) => 2,
        _ => 1,
    };
    if from.len() != arity {
        return Err(format!("{} values given, {arity} expected", from.len()));
    }
    let per_column = |length: usize| match length == first.width {
        true => Ok(first),
        false => Err(format!("{length} constants for {} columns", first.width)),
    };
    match op {
        Op::Concat => match from.iter().all(|shape| shape.kind == first.kind) {
            true => Ok(Shape { kind: first.kind, width: from.iter().map(|shape| shape.width).sum() }),
            false => Err("columns of several types concatenated".into()),
        },
        Op::Select(at) => match at.iter().all(|index| *index < first.width) {
            true => Ok(Shape { kind: first.kind, width: at.len() }),
            false => Err(format!("a column beyond the {} there are", first.width)),
        },
        Op::Cast(kind) => Ok(Shape { kind: *kind, ..first }),
        Op::Codes { table, .. } => {
            matches_table(first, table)?;
            Ok(Shape { kind: Kind::F64, ..first })
        }
        Op::OneHot { table, .. } => {
            matches_table(first, table)?;
            let width = first.width.checked_mul(table.len()).ok_or("too many categories")?;
            Ok(Shape { kind: Kind::F32, width })
        }
        Op::Map { keys, values, default } => {
            matches_table(first, keys)?;
            if keys.len() != values.len() || default.len() != 1 || default.kind() != values.kind() {
                return Err(format!("{} keys, {} values and {} defaults", keys.len(), values.len(), default.len()));
            }
            Ok(Shape { kind: values.kind(), ..first })
        }
        Op::Pick(values) => {
            integers(first)?;
            Ok(Shape { kind: values.kind(), ..first })
        }
        Op::Impute { fill, .. } => numbers(first).and(per_column(fill.len())),
        Op::Scale { offset, scale } => numbers(first).and(per_column(offset.len())).and(per_column(scale.len())),
        Op::Constant { with, .. } if first.width == 1 => numbers(first).map(|_| Shape { width: with.len(), ..first }),
        Op::Constant { with, .. } => numbers(first).and(per_column(with.len())),
        Op::Arithmetic(_) => {
            let second = from[1];
            numbers(first)?;
            match (first.kind == second.kind, first.width, second.width) {
                (true, a, b) if a == b || b == 1 => Ok(first),
                (true, 1, _) => Ok(second),
                _ => Err(format!(
                    "arithmetic between {} columns and {} columns, or between types",
                    first.width, second.width
                )),
            }
        }
        Op::Normalise(_) | Op::Activate(_) | Op::Softmax | Op::Link(_) => floats(first),
        Op::Binarise(_) => numbers(first),
        Op::ArgMax | Op::Above(_) if first.width == 0 => Err("the best of no columns".into()),
        Op::ArgMax | Op::Above(_) => numbers(first).map(|_| Shape { kind: Kind::I64, width: 1 }),
        Op::RowSum => numbers(first).map(|_| Shape { width: 1, ..first }),
        Op::Second(_) => match first.width {
            1 => floats(first).map(|_| Shape { width: 2, ..first }),
            width => Err(format!("a second class made from {width} scores")),
        },
        Op::Dense(dense) => {
            floats(first)?;
            let sound =
                dense.inputs == first.width && dense.inputs.checked_mul(dense.outputs) == Some(dense.weights.len());
            match sound && (dense.bias.is_empty() || dense.bias.len() == dense.outputs) {
                true => Ok(Shape { width: dense.outputs, ..first }),
                false => Err(format!(
                    "{} weights for {} columns and {} outputs",
                    dense.weights.len(),
                    first.width,
                    dense.outputs
                )),
            }
        }
        Op::Trees(trees) => match floats(first)? {
            shape if shape.kind != trees.features_kind => Err("trees over columns of another precision".into()),
            shape if shape.width < trees.features => {
                Err(format!("trees over {} features, {} given", trees.features, shape.width))
            }
            _ => Ok(Shape { kind: trees.margins_kind, width: trees.outputs }),
        },
    }
}

fn numbers(shape: Shape) -> Result<Shape, String> {
    match shape.kind {
        Kind::Text => Err("arithmetic over text".into()),
        _ => Ok(shape),
    }
}

fn floats(shape: Shape) -> Result<Shape, String> {
    match shape.kind {
        Kind::F32 | Kind::F64 => Ok(shape),
        Kind::I64 => Err("floats needed, integers given".into()),
        Kind::Text => Err("floats needed, text given".into()),
    }
}

fn integers(shape: Shape) -> Result<Shape, String> {
    match shape.kind {
        Kind::I64 => Ok(shape),
        _ => Err("an index must be an integer".into()),
    }
}

fn matches_table(shape: Shape, table: &Values) -> Result<(), String> {
    match (shape.kind, table) {
        (Kind::Text, Values::Text(_)) | (Kind::F32 | Kind::F64 | Kind::I64, Values::Ints(_) | Values::Floats(_)) => {
            Ok(())
        }
        (Kind::Text, _) => Err("a table of numbers over text".into()),
        (_, Values::Text(_)) => Err("a table of text over numbers".into()),
    }
}

/// Marks the columns that `step` reads to make `columns` of its own.
pub(super) fn mark_needed(step: &Step, columns: &[bool], needed: &mut [Vec<bool>]) {
    let wanted = columns.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(index, _)| index);
    match &step.op {
        Op::Concat => {
            let mut at = 0;
            for &id in &step.from {
                for column in &mut needed[id] {
                    *column |= columns[at];
                    at += 1;
                }
            }
        }
        Op::Select(places) => wanted.for_each(|index| needed[step.from[0]][places[index]] = true),
        Op::OneHot { table, .. } => wanted.for_each(|index| needed[step.from[0]][index / table.len()] = true),
        Op::Trees(trees) => trees.used_features().for_each(|feature| needed[step.from[0]][feature] = true),
        Op::Cast(_)
        | Op::Codes { .. }
        | Op::Map { .. }
        | Op::Pick(_)
        | Op::Impute { .. }
        | Op::Scale { .. }
        | Op::Binarise(_)
        | Op::Activate(_) => {
            wanted.for_each(|index| needed[step.from[0]][index] = true);
        }
        Op::Above(_) => {
            if let Some(last) = needed[step.from[0]].last_mut() {
                *last = true;
            }
        }
        // Across the row, or broadcast: all of it.
        Op::Normalise(_)
        | Op::Constant { .. }
        | Op::Arithmetic(_)
        | Op::Softmax
        | Op::ArgMax
        | Op::RowSum
        | Op::Dense(_)
        | Op::Link(_)
        | Op::Second(_) => {
            step.from.iter().for_each(|&id| needed[id].fill(true));
        }
    }
}

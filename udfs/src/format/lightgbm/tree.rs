//! One block per tree: parallel lists over its nodes and leaves.
use std::collections::HashMap;
use std::str::FromStr;

use super::{Header, Lines, at, shortened};
use crate::error::FormatError;
use crate::ir::{Compare, Node, OnNan, TreesBuilder, Vote};

/// All blocks up to `end of trees`.
pub(super) fn read_all(lines: &mut Lines, header: &Header) -> Result<(TreesBuilder, usize), FormatError> {
    let mut builder = TreesBuilder::default();
    let mut trees = 0;
    while let Some((line, text)) = lines.next() {
        if text == "end of trees" {
            return match header.trees {
                Some(count) if count != trees => {
                    Err(FormatError::new(format!("{trees} trees, but the header announces {count}")).at(at(line)))
                }
                _ if trees % header.outputs != 0 => {
                    Err(FormatError::new(format!("{trees} trees for {} outputs", header.outputs)).at(at(line)))
                }
                _ => Ok((builder, trees)),
            };
        }
        if text.starts_with("Tree=") {
            Block::read(lines, line)?.add(&mut builder, (trees % header.outputs) as u32)?;
            trees += 1;
        }
    }
    Err(FormatError::new(format!("the file ends within the trees, after {trees}: it is truncated")))
}

/// The lines of a tree by their key.
struct Block<'a> {
    line: usize,
    values: HashMap<&'a str, (usize, &'a str)>,
}

impl<'a> Block<'a> {
    fn read(lines: &mut Lines<'a>, line: usize) -> Result<Self, FormatError> {
        let mut values = HashMap::new();
        while let Some((line, text)) = lines.next() {
            match text.split_once('=') {
                Some((key, value)) => values.insert(key, (line, value)),
                None if text.is_empty() => return Ok(Self { line, values }),
                None => return Err(FormatError::new(format!("\"{}\" within a tree", shortened(text))).at(at(line))),
            };
        }
        Err(FormatError::new("the file ends within a tree: it is truncated").at(at(line)))
    }

    fn list<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, FormatError> {
        let Some((line, text)) = self.values.get(key) else {
            return Err(FormatError::new(format!("the tree has no {key}")).at(at(self.line)));
        };
        let parsed: Result<Vec<T>, FormatError> =
            text.split_ascii_whitespace().map(|word| super::number(word, key, *line)).collect();
        let parsed = parsed?;
        match parsed.len() == count {
            true => Ok(parsed),
            false => {
                Err(FormatError::new(format!("{} numbers in {key}, {count} expected", parsed.len())).at(at(*line)))
            }
        }
    }

    fn one(&self, key: &str) -> Result<usize, FormatError> {
        Ok(self.list(key, 1)?[0])
    }

    fn add(&self, builder: &mut TreesBuilder, output: u32) -> Result<(), FormatError> {
        let here = |message: String| FormatError::new(message).at(at(self.line));
        if self.values.get("is_linear").is_some_and(|(_, value)| *value != "0") {
            return Err(here("linear trees (linear_tree=true) are not supported".into()));
        }
        let leaves = self.one("num_leaves")?;
        let (first_node, first_leaf) = (builder.nodes.len() as i64, builder.leaf_starts.len().saturating_sub(1) as i64);
        for value in self.list::<f64>("leaf_value", leaves)? {
            builder.leaf([Vote { output, value }]).map_err(here)?;
        }
        if leaves <= 1 {
            builder.roots.push(!(first_leaf as i32));
            return if leaves == 1 { Ok(()) } else { Err(here("a tree without leaves".into())) };
        }
        builder.roots.push(i32::try_from(first_node).map_err(|_| here("too many nodes".into()))?);
        let sets = self.sets(builder)?;
        self.nodes(builder, leaves - 1, &sets, |child| {
            let absolute = if child >= 0 { child + first_node } else { !(!child + first_leaf) };
            i32::try_from(absolute).ok().filter(|_| child < leaves as i64 - 1 && !child < leaves as i64)
        })
    }

    fn nodes(
        &self,
        builder: &mut TreesBuilder,
        count: usize,
        sets: &[f64],
        absolute: impl Fn(i64) -> Option<i32>,
    ) -> Result<(), FormatError> {
        let features: Vec<u32> = self.list("split_feature", count)?;
        let thresholds: Vec<f64> = self.list("threshold", count)?;
        let decisions: Vec<u8> = self.list("decision_type", count)?;
        let (left, right): (Vec<i64>, Vec<i64>) = (self.list("left_child", count)?, self.list("right_child", count)?);
        let refused = |message: &str| FormatError::new(message).at(at(self.line));
        for index in 0..count {
            let (Some(yes), Some(no)) = (absolute(left[index]), absolute(right[index])) else {
                return Err(refused("a child of a node is not a node nor a leaf of its tree"));
            };
            let node =
                Node { feature: features[index], threshold: thresholds[index], yes, no, ..rule(decisions[index]) };
            builder.nodes.push(match node.compare {
                Compare::TruncatedInSet => {
                    // A category's threshold is the number of its set.
                    let set = sets
                        .get(thresholds[index] as usize)
                        .ok_or_else(|| refused("a node tests a set of categories that is not there"))?;
                    Node { threshold: *set, ..node }
                }
                _ => node,
            });
        }
        Ok(())
    }

    /// The tree's bitsets, as numbers of the ensemble's.
    fn sets(&self, builder: &mut TreesBuilder) -> Result<Vec<f64>, FormatError> {
        let count = if self.values.contains_key("num_cat") { self.one("num_cat")? } else { 0 };
        if count == 0 {
            return Ok(vec![]);
        }
        let refused = || FormatError::new("cat_boundaries do not fit cat_threshold").at(at(self.line));
        let bounds: Vec<usize> = self.list("cat_boundaries", count.checked_add(1).ok_or_else(refused)?)?;
        let words: Vec<u32> = self.list("cat_threshold", *bounds.last().ok_or_else(refused)?)?;
        let mut set = |pair: &[usize]| builder.set(words.get(pair[0]..pair[1])?.to_vec()).ok();
        bounds.windows(2).map(&mut set).collect::<Option<_>>().ok_or_else(refused)
    }
}

/// `decision_type`: bit 0 categorical, bit 1 missing goes left, bits 2 and 3 what is missing: nothing, zero, NaN.
fn rule(decision: u8) -> Node {
    let left = decision & 2 != 0;
    let blank = Node {
        feature: 0,
        compare: Compare::LessEqual,
        on_nan: OnNan::Zero,
        on_zero: None,
        threshold: 0.0,
        yes: 0,
        no: 0,
    };
    match (decision & 1 != 0, decision >> 2 & 3) {
        (true, _) => Node { compare: Compare::TruncatedInSet, on_nan: OnNan::No, ..blank },
        (false, 1) => Node { on_zero: Some(left), ..blank },
        (false, 2) => Node { on_nan: if left { OnNan::Yes } else { OnNan::No }, ..blank },
        (false, _) => blank,
    }
}

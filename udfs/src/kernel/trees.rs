//! The exact walk: every row goes down every tree, and votes are added in the trees' order, as the libraries do.
use std::sync::Arc;

use datafusion::arrow::buffer::ScalarBuffer;

use super::{Columns, Kernel, number, number::Number};
use crate::error::PredictError;
use crate::ir::{Aggregate, Compare, Kind, OnNan, Trees, Vote};

pub(super) fn choose(trees: &Trees) -> Arc<dyn Kernel> {
    match trees.features_kind {
        Kind::F32 => Arc::new(Walk::<f32>::new(trees, "walk-f32")),
        _ => Arc::new(Walk::<f64>::new(trees, "walk-f64")),
    }
}

/// Rows whose features fit the second cache, gathered row by row for the walk.
const BLOCK: usize = 64;

/// LightGBM's bound for "is zero", a float there.
const ZERO: f64 = 1e-35f32 as f64;

#[derive(Debug, Clone, Copy)]
struct Node<T> {
    threshold: T,
    feature: u32,
    set: u32,
    yes: i32,
    no: i32,
    compare: Compare,
    nan_yes: bool,
    on_zero: Option<bool>,
}

#[derive(Debug)]
struct Walk<T> {
    name: &'static str,
    nodes: Vec<Node<T>>,
    sets: Vec<Vec<u32>>,
    roots: Vec<i32>,
    /// One vote per leaf for output 0, the common case.
    leaves: Option<Vec<T>>,
    leaf_starts: Vec<u32>,
    votes: Vec<Vote>,
    /// Columns that a node tests, in the order of the gathered row.
    used: Vec<usize>,
    rule: Rule,
    tiny: Option<T>,
    outputs: usize,
    start: Vec<T>,
    finish: Vec<T>,
    aggregate: Aggregate,
    margins: Kind,
}

/// The tests of all nodes, when they are of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Less,
    LessEqual,
    Mixed,
}

impl<T: Number> Walk<T> {
    fn new(trees: &Trees, name: &'static str) -> Self {
        let mut used: Vec<usize> = trees.used_features().collect();
        used.sort_unstable();
        used.dedup();
        let place = |feature: u32| used.binary_search(&(feature as usize)).unwrap_or_default() as u32;
        let nodes: Vec<Node<T>> = trees.nodes.iter().map(|node| pack(node, place(node.feature), &trees.sets)).collect();
        let only = |compare| nodes.iter().all(|node: &Node<T>| node.compare == compare && node.on_zero.is_none());
        let rule = match (only(Compare::Less), only(Compare::LessEqual)) {
            (true, _) => Rule::Less,
            (_, true) => Rule::LessEqual,
            _ => Rule::Mixed,
        };
        let single = trees.outputs == 1
            && trees.leaf_starts.windows(2).all(|span| span[1] - span[0] == 1)
            && trees.aggregate_is_sum();
        Self {
            name,
            rule,
            used,
            leaves: single.then(|| trees.votes.iter().map(|vote| T::of(vote.value)).collect()),
            nodes,
            sets: trees.sets.clone(),
            roots: trees.roots.clone(),
            leaf_starts: trees.leaf_starts.clone(),
            votes: trees.votes.clone(),
            tiny: trees.tiny.map(T::of),
            outputs: trees.outputs,
            start: trees.start.iter().map(|v| T::of(*v)).collect(),
            finish: trees.finish.iter().map(|v| T::of(*v)).collect(),
            aggregate: trees.aggregate,
            margins: trees.margins_kind,
        }
    }

    fn gather(&self, columns: &[ScalarBuffer<T>], start: usize, block: usize, rows: &mut [T]) {
        let width = self.used.len();
        for (place, feature) in self.used.iter().enumerate() {
            for (row, value) in columns[*feature][start..start + block].iter().enumerate() {
                let tiny = self.tiny.is_some_and(|tiny| value.abs() <= tiny);
                rows[row * width + place] = if tiny { T::ZERO } else { *value };
            }
        }
    }

    /// The leaf that a row reaches.
    #[inline(always)]
    fn leaf(&self, root: i32, row: &[T], says_yes: impl Fn(&Node<T>, T) -> bool) -> usize {
        let mut at = root;
        while at >= 0 {
            let node = &self.nodes[at as usize];
            at = if says_yes(node, row[node.feature as usize]) { node.yes } else { node.no };
        }
        !at as usize
    }

    fn each_leaf(&self, root: i32, row: &[T]) -> usize {
        match self.rule {
            Rule::Less => self.leaf(root, row, |node, v| v < node.threshold || (node.nan_yes && v.is_missing())),
            Rule::LessEqual => self.leaf(root, row, |node, v| v <= node.threshold || (node.nan_yes && v.is_missing())),
            Rule::Mixed => self.leaf(root, row, |node, v| says_yes(node, v, &self.sets)),
        }
    }

    fn score_block(&self, rows: &[T], count: usize, sums: &mut [T], seen: &mut [bool]) {
        let width = self.used.len();
        for &root in &self.roots {
            for index in 0..count {
                let leaf = self.each_leaf(root, &rows[index * width..(index + 1) * width]);
                match &self.leaves {
                    Some(values) => sums[index] = sums[index] + values[leaf],
                    None => {
                        let span = index * self.outputs..(index + 1) * self.outputs;
                        self.vote(leaf, &mut sums[span.clone()], &mut seen[span]);
                    }
                }
            }
        }
    }

    fn vote(&self, leaf: usize, sums: &mut [T], seen: &mut [bool]) {
        for vote in &self.votes[self.leaf_starts[leaf] as usize..self.leaf_starts[leaf + 1] as usize] {
            let (output, value) = (vote.output as usize, T::of(vote.value));
            let first = !std::mem::replace(&mut seen[output], true);
            sums[output] = match self.aggregate {
                Aggregate::Sum | Aggregate::Average(_) => sums[output] + value,
                Aggregate::Min if first || value < sums[output] => value,
                Aggregate::Max if first || value > sums[output] => value,
                Aggregate::Min | Aggregate::Max => sums[output],
            };
        }
    }

    fn last(&self, output: usize, sum: T) -> T {
        let sum = match self.aggregate {
            Aggregate::Average(count) => sum / T::of(count),
            Aggregate::Sum | Aggregate::Min | Aggregate::Max => sum,
        };
        self.finish.get(output).map_or(sum, |last| sum + *last)
    }
}

impl<T: Number> Kernel for Walk<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        let [columns] = from else {
            return Err(PredictError::internal("trees must have one value"));
        };
        let columns = number::of::<T>(columns)?;
        let mut out = vec![Vec::with_capacity(rows); self.outputs];
        let mut gathered = vec![T::ZERO; BLOCK * self.used.len()];
        let mut sums = vec![T::ZERO; BLOCK * self.outputs];
        let mut seen = vec![false; BLOCK * self.outputs];
        for start in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - start);
            self.gather(columns, start, count, &mut gathered);
            sums.iter_mut()
                .enumerate()
                .for_each(|(at, sum)| *sum = self.start.get(at % self.outputs).copied().unwrap_or(T::ZERO));
            seen.fill(false);
            self.score_block(&gathered, count, &mut sums, &mut seen);
            for (output, column) in out.iter_mut().enumerate() {
                column.extend((0..count).map(|row| self.last(output, sums[row * self.outputs + output])));
            }
        }
        T::wrap(out).cast(self.margins)
    }
}

/// With the way of a NaN worked out, so that the walk need not know the rule.
fn pack<T: Number>(node: &crate::ir::Node, feature: u32, sets: &[Vec<u32>]) -> Node<T> {
    let mut packed = Node {
        threshold: T::of(node.threshold),
        feature,
        set: node.threshold as u32,
        yes: node.yes,
        no: node.no,
        compare: node.compare,
        nan_yes: false,
        on_zero: node.on_zero,
    };
    packed.nan_yes = match node.on_nan {
        OnNan::Yes => true,
        OnNan::No => false,
        OnNan::Zero => says_yes(&packed, T::ZERO, sets),
    };
    packed
}

fn says_yes<T: Number>(node: &Node<T>, value: T, sets: &[Vec<u32>]) -> bool {
    if value.is_missing() {
        return node.nan_yes;
    }
    if let Some(yes) = node.on_zero
        && value.wide().abs() <= ZERO
    {
        return yes;
    }
    match node.compare {
        Compare::Less => value < node.threshold,
        Compare::LessEqual => value <= node.threshold,
        Compare::Greater => value > node.threshold,
        Compare::GreaterEqual => value >= node.threshold,
        Compare::Equal => value == node.threshold,
        Compare::NotEqual => value != node.threshold,
        Compare::InSet => value >= T::ZERO && contains(&sets[node.set as usize], value.truncated()),
        Compare::TruncatedInSet => contains(&sets[node.set as usize], value.truncated()),
    }
}

fn contains(set: &[u32], member: i64) -> bool {
    usize::try_from(member).is_ok_and(|member| set.get(member / 32).is_some_and(|word| word >> (member % 32) & 1 == 1))
}

impl Trees {
    fn aggregate_is_sum(&self) -> bool {
        matches!(self.aggregate, Aggregate::Sum | Aggregate::Average(_))
    }
}

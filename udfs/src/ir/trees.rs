//! Tree ensembles: nodes with their numeric rule as data, leaves that vote, and how votes are summed.
use super::{Kind, WIDTH_MAX};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    /// The value, which must be at least 0, truncated, is in the node's set of integers (XGBoost).
    InSet,
    /// The value truncated is in the set, so -0.5 counts as 0 (LightGBM).
    TruncatedInSet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNan {
    Yes,
    No,
    /// Compared as if it were 0.
    Zero,
}

/// A test and where it leads: `yes` and `no` are a node, or a leaf as `!leaf`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    pub feature: u32,
    pub compare: Compare,
    pub on_nan: OnNan,
    /// Where a value within ±1e-35f goes, if not by comparison (LightGBM's `zero_as_missing`).
    pub on_zero: Option<bool>,
    /// The number compared with, or for a set its index.
    pub threshold: f64,
    pub yes: i32,
    pub no: i32,
}

/// What a leaf adds, and to which output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote {
    pub output: u32,
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    Sum,
    /// The sum divided by this.
    Average(f64),
    Min,
    Max,
}

/// Head: a tree ensemble. Thresholds, votes and sums are in `features_kind`, and margins come out as `margins_kind`.
#[derive(Debug, Clone)]
pub struct Trees {
    pub features_kind: Kind,
    pub margins_kind: Kind,
    /// Columns read; every node's feature is below.
    pub features: usize,
    pub outputs: usize,
    /// Features this close to zero are zero (LightGBM's dense reader drops them).
    pub tiny: Option<f64>,
    pub nodes: Vec<Node>,
    /// Bitsets of categories.
    pub sets: Vec<Vec<u32>>,
    /// Votes of leaf `i` are `votes[leaf_starts[i]..leaf_starts[i + 1]]`.
    pub leaf_starts: Vec<u32>,
    pub votes: Vec<Vote>,
    /// One a tree, in the order of summation: a node, or `!leaf`.
    pub roots: Vec<i32>,
    pub aggregate: Aggregate,
    /// The sums begin here (XGBoost's base score); one per output or none.
    pub start: Vec<f64>,
    /// Added at last (ONNX's base values); one per output or none.
    pub finish: Vec<f64>,
}

impl Trees {
    pub fn used_features(&self) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().map(|node| node.feature as usize)
    }

    pub fn leaves(&self) -> usize {
        self.leaf_starts.len().saturating_sub(1)
    }

    /// Tests on the longest way from a root to a leaf.
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut open: Vec<(i32, usize)> = self.roots.iter().map(|root| (*root, 0)).collect();
        while let Some((at, depth)) = open.pop() {
            deepest = deepest.max(depth);
            if let Ok(index) = usize::try_from(at) {
                open.extend([(self.nodes[index].yes, depth + 1), (self.nodes[index].no, depth + 1)]);
            }
        }
        deepest
    }
}

/// Puts trees together one by one, and refuses what is not a tree: a walk must end at a leaf.
#[derive(Debug, Default)]
pub struct TreesBuilder {
    pub nodes: Vec<Node>,
    pub sets: Vec<Vec<u32>>,
    pub leaf_starts: Vec<u32>,
    pub votes: Vec<Vote>,
    pub roots: Vec<i32>,
    set_words: usize,
}

/// 256 MiB of categories.
const SET_WORDS_MAX: usize = 1 << 26;

impl TreesBuilder {
    /// Adds a leaf; its name among children is `!` of what is returned.
    pub fn leaf(&mut self, votes: impl IntoIterator<Item = Vote>) -> Result<i32, String> {
        if self.leaf_starts.is_empty() {
            self.leaf_starts.push(0);
        }
        self.votes.extend(votes);
        let end = u32::try_from(self.votes.len()).map_err(|_| "too many leaf values")?;
        self.leaf_starts.push(end);
        i32::try_from(self.leaf_starts.len() - 2).map_err(|_| "too many leaves".into())
    }

    /// Adds a bitset; a set is as long as its largest member, so a short file could ask for much.
    pub fn set(&mut self, members: Vec<u32>) -> Result<f64, String> {
        self.set_words += members.len();
        if self.set_words > SET_WORDS_MAX {
            return Err("the sets of categories are too large".into());
        }
        self.sets.push(members);
        Ok((self.sets.len() - 1) as f64)
    }

    /// The ensemble, once every child is known to have one parent and every feature to exist.
    pub fn finish(self, kind: Kind, features: usize, outputs: usize) -> Result<Trees, String> {
        self.check_is_forest()?;
        if features > WIDTH_MAX || outputs > WIDTH_MAX {
            return Err(format!("{features} features and {outputs} outputs, at most {WIDTH_MAX} are read"));
        }
        if let Some(node) = self.nodes.iter().find(|node| node.feature as usize >= features) {
            return Err(format!("a node tests feature {}, there are {features}", node.feature));
        }
        if let Some(vote) = self.votes.iter().find(|vote| vote.output as usize >= outputs) {
            return Err(format!("a leaf votes for output {}, there are {outputs}", vote.output));
        }
        let in_range = |node: &Node| {
            !matches!(node.compare, Compare::InSet | Compare::TruncatedInSet)
                || (node.threshold as usize) < self.sets.len()
        };
        if !self.nodes.iter().all(in_range) {
            return Err("a node tests a set that does not exist".into());
        }
        Ok(Trees {
            features_kind: kind,
            margins_kind: kind,
            features,
            outputs,
            tiny: None,
            nodes: self.nodes,
            sets: self.sets,
            leaf_starts: self.leaf_starts,
            votes: self.votes,
            roots: self.roots,
            aggregate: Aggregate::Sum,
            start: vec![],
            finish: vec![],
        })
    }

    /// Each node has at most one way to it, so no walk comes back to where it was.
    fn check_is_forest(&self) -> Result<(), String> {
        let leaves = self.leaf_starts.len().saturating_sub(1);
        let mut reached = vec![false; self.nodes.len()];
        let children = self.nodes.iter().flat_map(|node| [node.yes, node.no]);
        for child in self.roots.iter().copied().chain(children) {
            match usize::try_from(child) {
                Ok(node) if node >= reached.len() => {
                    return Err(format!("a child node {node} of {} does not exist", reached.len()));
                }
                Ok(node) if std::mem::replace(&mut reached[node], true) => {
                    return Err(format!("node {node} has two parents, so this is not a tree"));
                }
                Ok(_) => {}
                Err(_) if (!child) as usize >= leaves => {
                    return Err(format!("a leaf {} of {leaves} does not exist", !child));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

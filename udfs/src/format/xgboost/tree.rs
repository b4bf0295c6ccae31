//! Trees of a gbtree or dart booster: parallel lists over nodes, leaves among them.
use super::doc::View;
use crate::error::FormatError;
use crate::ir::{Compare, Node, OnNan, TreesBuilder, Vote};

/// How many trees count: after early stopping those up to the best iteration, as the scikit-learn wrapper predicts.
pub(super) fn used(learner: &View, model: &View, outputs: usize) -> Result<usize, FormatError> {
    let all = model.get("trees")?.items()?.len();
    let Some(best) = learner.find("attributes").and_then(|attributes| attributes.find("best_iteration")) else {
        return Ok(all);
    };
    let rounds = best.parsed()?.saturating_add(1);
    if let Some(starts) = model.find("iteration_indptr") {
        return Ok(starts
            .ints()?
            .get(rounds)
            .and_then(|end| usize::try_from(*end).ok())
            .map_or(all, |end| end.min(all)));
    }
    let parallel = model.get("gbtree_model_param")?.find("num_parallel_tree").map_or(Ok(1), |v| v.parsed())?;
    Ok(rounds.saturating_mul(outputs).saturating_mul(parallel.max(1)).min(all))
}

pub(super) fn read_all(model: &View, used: usize, weights: Option<&[f32]>) -> Result<TreesBuilder, FormatError> {
    let (trees, groups) = (model.get("trees")?.items()?, model.get("tree_info")?);
    let output_of: Vec<i64> = groups.reals()?.iter().map(|real| real.wide as i64).collect();
    if output_of.len() != trees.len() || weights.is_some_and(|weights| weights.len() != trees.len()) {
        return Err(groups.refuse("the number of trees is not that of their outputs or weights"));
    }
    let mut builder = TreesBuilder::default();
    for (index, tree) in trees.iter().take(used).enumerate() {
        let output = u32::try_from(output_of[index]).map_err(|_| groups.refuse("an output is negative"))?;
        let weight = weights.map_or(1.0, |weights| weights[index]);
        Lists::read(tree)?.add(tree, &mut builder, output, weight)?;
    }
    Ok(builder)
}

/// `width` values per leaf; until 3.0 there were as many for every node.
struct Vectors {
    width: usize,
    values: Vec<f32>,
    by_leaf: bool,
}

struct Lists {
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f32>,
    default_left: Vec<i64>,
    /// The sets of right-going categories, where the node splits on them.
    categories: Vec<Option<Vec<u32>>>,
    /// Leaves' values when a tree has several outputs.
    vectors: Option<Vectors>,
}

impl Lists {
    fn read(tree: &View) -> Result<Self, FormatError> {
        let left = tree.get("left_children")?.ints()?;
        let width = tree.get("tree_param")?.find("size_leaf_vector").map_or(Ok(1), |v| v.parsed())?;
        let vectors = match width > 1 {
            true => Some(vectors(tree, width)?),
            false => None,
        };
        let lists = Self {
            categories: categories(tree, left.len())?,
            right: tree.get("right_children")?.ints()?,
            feature: tree.get("split_indices")?.ints()?,
            threshold: tree.get("split_conditions")?.floats()?,
            default_left: tree.get("default_left")?.ints()?,
            vectors,
            left,
        };
        let count = lists.left.len();
        match [lists.right.len(), lists.feature.len(), lists.threshold.len(), lists.default_left.len()]
            .iter()
            .all(|length| *length == count)
            && count > 0
        {
            true => Ok(lists),
            false => Err(tree.refuse("the lists of a tree's nodes have several lengths")),
        }
    }

    fn add(&self, tree: &View, builder: &mut TreesBuilder, output: u32, weight: f32) -> Result<(), FormatError> {
        let ours = self.places(tree, builder, output, weight)?;
        for index in (0..self.left.len()).filter(|index| self.left[*index] != -1) {
            let child = |at: i64| usize::try_from(at).ok().and_then(|at| ours.get(at)).copied();
            let (Some(left), Some(right)) = (child(self.left[index]), child(self.right[index])) else {
                return Err(tree.refuse(&format!("a child of node {index} is not a node of this tree")));
            };
            let feature = u32::try_from(self.feature[index]).map_err(|_| tree.refuse("a feature is negative"))?;
            let node = self.node(index, feature, left, right, builder).map_err(|message| tree.refuse(&message))?;
            builder.nodes.push(node);
        }
        builder.roots.push(ours[0]);
        Ok(())
    }

    fn node(
        &self,
        index: usize,
        feature: u32,
        left: i32,
        right: i32,
        builder: &mut TreesBuilder,
    ) -> Result<Node, String> {
        let to_left = self.default_left[index] != 0;
        let nan = |yes| if yes { OnNan::Yes } else { OnNan::No };
        let node = Node {
            feature,
            compare: Compare::Less,
            on_nan: nan(to_left),
            on_zero: None,
            threshold: f64::from(self.threshold[index]),
            yes: left,
            no: right,
        };
        Ok(match &self.categories[index] {
            Some(set) => Node {
                compare: Compare::InSet,
                on_nan: nan(!to_left),
                threshold: builder.set(set.clone())?,
                yes: right,
                no: left,
                ..node
            },
            None => node,
        })
    }

    /// Our name for each node: inner nodes in order, leaves added as they come.
    fn places(
        &self,
        tree: &View,
        builder: &mut TreesBuilder,
        output: u32,
        weight: f32,
    ) -> Result<Vec<i32>, FormatError> {
        let mut next = builder.nodes.len();
        let mut places = Vec::with_capacity(self.left.len());
        for index in 0..self.left.len() {
            if self.left[index] != -1 {
                places.push(i32::try_from(next).map_err(|_| tree.refuse("too many nodes"))?);
                next += 1;
                continue;
            }
            let votes = self.votes(tree, index, output, weight)?;
            places.push(!builder.leaf(votes).map_err(|message| tree.refuse(&message))?);
        }
        Ok(places)
    }

    fn votes(&self, tree: &View, index: usize, output: u32, weight: f32) -> Result<Vec<Vote>, FormatError> {
        let vote = |output, value: f32| Vote { output, value: f64::from(value * weight) };
        let Some(vectors) = &self.vectors else {
            return Ok(vec![vote(output, self.threshold[index])]);
        };
        // Where leaves are numbered, the number is in place of the right child; a lone root has none.
        let number = if vectors.by_leaf { usize::try_from(self.right[index]).unwrap_or(0) } else { index };
        let start = number.checked_mul(vectors.width);
        let span = start.and_then(|start| vectors.values.get(start..start.checked_add(vectors.width)?));
        let span = span.ok_or_else(|| tree.refuse("a leaf's values are not in the list of them"))?;
        Ok(span.iter().enumerate().map(|(output, value)| vote(output as u32, *value)).collect())
    }
}

fn vectors(tree: &View, width: usize) -> Result<Vectors, FormatError> {
    let leaves = tree.find("leaf_weights");
    let by_leaf = leaves.is_some();
    let values = leaves.map_or_else(|| tree.get("base_weights"), Ok)?.floats()?;
    Ok(Vectors { width, values, by_leaf })
}

/// A set is as long as its largest member; a short file must not make long ones.
const SET_WORDS_MAX: usize = 1 << 22;

/// The bitset of each node that splits on categories: those in it go right.
fn categories(tree: &View, nodes: usize) -> Result<Vec<Option<Vec<u32>>>, FormatError> {
    let (mut sets, mut words) = (vec![None; nodes], 0);
    let list = |key: &str| -> Result<Vec<usize>, FormatError> {
        let Some(view) = tree.find(key) else { return Ok(vec![]) };
        let reals = view.reals()?;
        let counts: Option<Vec<usize>> = reals
            .iter()
            .map(|real| (0.0..f64::from(1 << 24)).contains(&real.wide).then_some(real.wide as usize))
            .collect();
        counts.ok_or_else(|| view.refuse("a number beyond what a category can be"))
    };
    let (places, starts, sizes, members) =
        (list("categories_nodes")?, list("categories_segments")?, list("categories_sizes")?, list("categories")?);
    for (index, node) in places.iter().enumerate() {
        let span = starts
            .get(index)
            .zip(sizes.get(index))
            .and_then(|(start, size)| members.get(*start..start.checked_add(*size)?));
        let (Some(span), Some(set)) = (span, sets.get_mut(*node)) else {
            return Err(tree.refuse("the lists of categories do not fit each other"));
        };
        words += span.iter().max().map_or(0, |max| max / 32 + 1);
        if words > SET_WORDS_MAX {
            return Err(tree.refuse("the sets of categories are too large"));
        }
        *set = Some(bitset(span));
    }
    Ok(sets)
}

fn bitset(members: &[usize]) -> Vec<u32> {
    let mut words = vec![0; members.iter().max().map_or(0, |max| max / 32 + 1)];
    for member in members {
        words[member / 32] |= 1 << (member % 32);
    }
    words
}

//! Names of a graph and what they stand for, and the order in which operators are read.
use std::collections::{HashMap, HashSet};

use super::operator;
use super::proto;
use super::tensor::Constant;
use super::{Kind, Width};
use crate::error::FormatError;
use crate::ir::{Graph, Op, ValueId, Values};

/// A value of our graph. With `classes` it holds indices of them: labels are named only when they are given out.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub id: ValueId,
    pub classes: Option<Values>,
}

impl Value {
    pub(super) fn plain(id: ValueId) -> Self {
        Self { id, classes: None }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Thing {
    Value(Value),
    Constant(Constant),
}

pub(super) struct Scope<'a> {
    pub graph: &'a mut Graph,
    things: HashMap<&'a str, Thing>,
    /// The scores before the last `post_transform`.
    pub margin: Option<ValueId>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(file: &'a proto::Graph, graph: &'a mut Graph, widths: &'a [Width]) -> Result<Self, FormatError> {
        let mut scope = Self { graph, things: HashMap::new(), margin: None };
        for tensor in &file.initializers {
            let constant = Constant::read(tensor)
                .map_err(|message| FormatError::new(message).at(format!("initializer \"{}\"", tensor.name)))?;
            scope.things.insert(&tensor.name, Thing::Constant(constant));
        }
        let mut first = 0;
        for width in widths {
            let id = scope
                .tensor(first, width)
                .map_err(|message| FormatError::new(message).at(format!("input \"{}\"", width.name)))?;
            scope.things.insert(&width.name, Thing::Value(Value::plain(id)));
            first += width.columns;
        }
        Ok(scope)
    }

    /// An input tensor: its columns side by side, in the tensor's own precision.
    fn tensor(&mut self, first: usize, width: &Width) -> Result<ValueId, String> {
        let row = match width.columns {
            1 => first,
            columns => self.push(Op::Concat, (first..first + columns).collect())?,
        };
        match width.kind {
            Kind::F32 => self.push(Op::Cast(Kind::F32), vec![row]),
            Kind::F64 | Kind::I64 | Kind::Text => Ok(row),
        }
    }

    pub(super) fn push(&mut self, op: Op, from: Vec<ValueId>) -> Result<ValueId, String> {
        self.graph.push(op, from)
    }

    pub(super) fn thing(&self, name: &str) -> Result<&Thing, String> {
        self.things.get(name).ok_or_else(|| format!("\"{name}\" is used before anything makes it"))
    }

    pub(super) fn value(&self, name: &str) -> Result<Value, String> {
        match self.thing(name)? {
            Thing::Value(value) => Ok(value.clone()),
            Thing::Constant(_) => Err(format!("\"{name}\" is a constant where a column is expected")),
        }
    }

    pub(super) fn constant(&self, name: &str) -> Result<&Constant, String> {
        match self.thing(name)? {
            Thing::Constant(constant) => Ok(constant),
            Thing::Value(_) => Err(format!("\"{name}\" is computed where a constant is expected")),
        }
    }

    /// Reads what the outputs need, in the file's order, which ONNX wants to be topological.
    pub(super) fn run(&mut self, file: &'a proto::Graph) -> Result<(), FormatError> {
        let needed = needed(file);
        for (index, node) in file.nodes.iter().enumerate().filter(|(index, _)| needed.contains(index)) {
            let things =
                operator::read(self, node).map_err(|message| FormatError::new(message).at(place(index, node)))?;
            for (name, thing) in node.outputs.iter().zip(things) {
                self.things.insert(name, thing);
            }
        }
        Ok(())
    }
}

fn place(index: usize, node: &proto::Node) -> String {
    match node.name.as_str() {
        "" => format!("node {index}, {}", node.op_type),
        name => format!("node {index}, {} \"{name}\"", node.op_type),
    }
}

/// The nodes that an output depends on.
fn needed(file: &proto::Graph) -> HashSet<usize> {
    let mut maker = HashMap::new();
    for (index, node) in file.nodes.iter().enumerate() {
        maker.extend(node.outputs.iter().map(|name| (name.as_str(), index)));
    }
    let mut needed = HashSet::new();
    let mut open: Vec<&str> = file.outputs.iter().map(|output| output.name.as_str()).collect();
    while let Some(name) = open.pop() {
        if let Some(index) = maker.get(name)
            && needed.insert(*index)
        {
            open.extend(file.nodes[*index].inputs.iter().map(String::as_str));
        }
    }
    needed
}

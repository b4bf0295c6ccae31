//! SQL/JSON paths: what `jsonb_path_query` and its kin, `@?` and `@@` look for.

mod parse;
mod run;

pub use parse::parse;
pub use run::Search;

use serde_json::Value;

/// A path that was read.
#[derive(Debug)]
pub struct Path {
    /// What is not there is an error.
    strict: bool,
    root: Node,
}

#[derive(Debug)]
enum Node {
    Root,
    Current,
    /// The last item of the array around.
    Last,
    Variable(String),
    Literal(Value),
    Access(Box<Node>, Box<Access>),
    Arithmetic(Operator, Box<Node>, Box<Node>),
    Negative(Box<Node>),
    Positive(Box<Node>),
    Predicate(Box<Predicate>),
}

#[derive(Debug)]
enum Access {
    Key(String),
    AnyKey,
    AnyItem,
    /// Items by their numbers, from one to another.
    Items(Vec<(Node, Option<Node>)>),
    /// `.**{1 to 2}`
    Levels(usize, usize),
    Filter(Predicate),
    Method(String, Option<String>),
}

#[derive(Debug)]
enum Predicate {
    Compare(Comparison, Node, Node),
    And(Box<Predicate>, Box<Predicate>),
    Or(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
    IsUnknown(Box<Predicate>),
    Exists(Node),
    Like(Node, Box<regex::Regex>),
    StartsWith(Node, Node),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

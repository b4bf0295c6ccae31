//! What a path finds in a value.

use super::{Access, Comparison, Node, Operator, Path, Predicate};
use crate::base::value::textual::order_of_number;
use crate::base::{Error, Kind, Result};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// A path, what it looks in, and the values of its variables.
pub struct Search<'a> {
    pub path: &'a Path,
    pub root: &'a Value,
    pub variables: &'a Value,
}

/// Where an expression is: the item of a filter, and how long the array around is.
#[derive(Clone, Copy)]
struct Place<'a> {
    current: Option<&'a Value>,
    length: Option<usize>,
}

impl Search<'_> {
    /// Everything that the path finds.
    pub fn found(&self) -> Result<Vec<Value>> {
        self.items(&self.path.root, Place { current: None, length: None })
    }

    fn lax(&self) -> bool {
        !self.path.strict
    }

    fn items(&self, node: &Node, place: Place<'_>) -> Result<Vec<Value>> {
        match node {
            Node::Root => Ok(vec![self.root.clone()]),
            Node::Current => match place.current {
                Some(value) => Ok(vec![value.clone()]),
                None => Err(Error::new(Kind::Syntax, "@ is not allowed in root expressions")),
            },
            Node::Last => match place.length {
                Some(length) => Ok(vec![Value::from(length as i64 - 1)]),
                None => Err(Error::new(Kind::Syntax, "LAST is allowed only in array subscripts")),
            },
            Node::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(vec![value.clone()]),
                None => Err(Error::new(Kind::UndefinedObject, format!("could not find jsonpath variable \"{name}\""))),
            },
            Node::Literal(value) => Ok(vec![value.clone()]),
            Node::Access(node, access) => {
                let mut found = vec![];
                for value in self.items(node, place)? {
                    self.access(&value, access, place, &mut found)?;
                }
                Ok(found)
            }
            Node::Arithmetic(operator, left, right) => {
                let (left, right) = (self.number(left, place)?, self.number(right, place)?);
                Ok(vec![computed(*operator, &left, &right)?])
            }
            Node::Negative(node) => self.signed(node, place, -1.0),
            Node::Positive(node) => self.signed(node, place, 1.0),
            Node::Predicate(predicate) => Ok(vec![self.holds(predicate, place).map_or(Value::Null, Value::Bool)]),
        }
    }

    /// The items, those of arrays one by one where the path is lax.
    fn unwrapped(&self, node: &Node, place: Place<'_>) -> Result<Vec<Value>> {
        let items = self.items(node, place)?;
        if self.path.strict {
            return Ok(items);
        }
        Ok(items
            .into_iter()
            .flat_map(|item| match item {
                Value::Array(items) => items,
                other => vec![other],
            })
            .collect())
    }

    fn access(&self, value: &Value, access: &Access, place: Place<'_>, found: &mut Vec<Value>) -> Result<()> {
        let each = |of: &dyn Fn(&Value, &mut Vec<Value>) -> Result<()>, found: &mut Vec<Value>| match value {
            Value::Array(items) if self.lax() => items.iter().try_for_each(|item| of(item, found)),
            other => of(other, found),
        };
        match access {
            Access::Key(key) => each(
                &|value, found| match value {
                    Value::Object(fields) => match fields.get(key) {
                        Some(value) => {
                            found.push(value.clone());
                            Ok(())
                        }
                        None if self.lax() => Ok(()),
                        None => Err(missing(format!("JSON object does not contain key \"{key}\""))),
                    },
                    _ if self.lax() => Ok(()),
                    _ => Err(Error::new(
                        Kind::JsonMemberNotFound,
                        "jsonpath member accessor can only be applied to an object",
                    )),
                },
                found,
            ),
            Access::AnyKey => each(
                &|value, found| match value {
                    Value::Object(fields) => {
                        found.extend(sorted(fields).into_iter().map(|(_, value)| value.clone()));
                        Ok(())
                    }
                    _ if self.lax() => Ok(()),
                    _ => Err(Error::new(
                        Kind::JsonObjectNotFound,
                        "jsonpath wildcard member accessor can only be applied to an object",
                    )),
                },
                found,
            ),
            Access::AnyItem => match value {
                Value::Array(items) => {
                    found.extend(items.iter().cloned());
                    Ok(())
                }
                other if self.lax() => {
                    found.push(other.clone());
                    Ok(())
                }
                _ => Err(Error::new(
                    Kind::JsonArrayNotFound,
                    "jsonpath wildcard array accessor can only be applied to an array",
                )),
            },
            Access::Items(ranges) => match value {
                Value::Array(items) => self.numbered(items, ranges, place, found),
                other if self.lax() => self.numbered(std::slice::from_ref(other), ranges, place, found),
                _ => {
                    Err(Error::new(Kind::JsonArrayNotFound, "jsonpath array accessor can only be applied to an array"))
                }
            },
            Access::Levels(from, to) => {
                levels(value, 0, *from, *to, found);
                Ok(())
            }
            Access::Filter(predicate) => each(
                &|value, found| {
                    if self.holds(predicate, Place { current: Some(value), ..place }) == Some(true) {
                        found.push(value.clone());
                    }
                    Ok(())
                },
                found,
            ),
            Access::Method(name, _) if name == "type" || name == "size" => self.whole(value, name, found),
            Access::Method(name, argument) => {
                each(&|value, found| self.method(value, name, argument.as_deref(), found), found)
            }
        }
    }

    fn numbered(
        &self,
        items: &[Value],
        ranges: &[(Node, Option<Node>)],
        place: Place<'_>,
        found: &mut Vec<Value>,
    ) -> Result<()> {
        let place = Place { length: Some(items.len()), ..place };
        for (from, to) in ranges {
            let from = self.place(from, place)?;
            let to = to.as_ref().map_or(Ok(from), |to| self.place(to, place))?;
            let outside = from < 0 || from > to || to >= items.len() as i64;
            if outside && self.path.strict {
                return Err(Error::new(Kind::InvalidJsonSubscript, "jsonpath array subscript is out of bounds"));
            }
            let (from, to) = (from.max(0), to.min(items.len() as i64 - 1));
            found.extend((from..=to).filter_map(|at| items.get(usize::try_from(at).ok()?).cloned()));
        }
        Ok(())
    }

    fn place(&self, node: &Node, place: Place<'_>) -> Result<i64> {
        match self.items(node, place)?.as_slice() {
            [Value::Number(number)] => {
                Ok(number.as_i64().or_else(|| number.as_f64().map(|number| number.trunc() as i64)).unwrap_or(-1))
            }
            _ => Err(Error::new(Kind::InvalidJsonSubscript, "jsonpath array subscript is not a single numeric value")),
        }
    }

    fn number(&self, node: &Node, place: Place<'_>) -> Result<Value> {
        match self.unwrapped(node, place)?.as_slice() {
            [number @ Value::Number(_)] => Ok(number.clone()),
            _ => Err(Error::new(Kind::JsonSingleton, "operand of a jsonpath operator is not a single numeric value")),
        }
    }

    fn signed(&self, node: &Node, place: Place<'_>, sign: f64) -> Result<Vec<Value>> {
        let values = self.unwrapped(node, place)?.into_iter().map(|value| match &value {
            Value::Number(number) => Ok(match number.as_i64() {
                Some(number) => Value::from(if sign < 0.0 { -number } else { number }),
                None => Value::from(sign * number.as_f64().unwrap_or_default()),
            }),
            _ => Err(Error::new(Kind::JsonNumberNotFound, "operand of unary jsonpath operator is not a numeric value")),
        });
        values.collect()
    }

    /// Methods of a value as it is, an array or not.
    fn whole(&self, value: &Value, name: &str, found: &mut Vec<Value>) -> Result<()> {
        found.push(match (name, value) {
            ("type", value) => Value::from(type_of(value)),
            (_, Value::Array(items)) => Value::from(items.len()),
            _ if self.lax() => Value::from(1),
            _ => {
                let message = "jsonpath item method .size() can only be applied to an array";
                return Err(Error::new(Kind::JsonArrayNotFound, message));
            }
        });
        Ok(())
    }

    fn method(&self, value: &Value, name: &str, argument: Option<&str>, found: &mut Vec<Value>) -> Result<()> {
        let only = |kind: Kind, what: &str| {
            Err(Error::new(kind, format!("jsonpath item method .{name}() can only be applied to {what}")))
        };
        let rounded = |of: fn(f64) -> f64| match value {
            Value::Number(number) if number.is_f64() => Some(whole(of(number.as_f64().unwrap_or_default()))),
            Value::Number(_) => Some(match (of(-1.0) == 1.0, value.as_i64()) {
                (true, Some(number)) => Value::from(number.abs()),
                _ => value.clone(),
            }),
            _ => None,
        };
        let answer = match name {
            "ceiling" => rounded(f64::ceil),
            "floor" => rounded(f64::floor),
            "abs" => rounded(f64::abs),
            "double" => match value {
                Value::Number(_) => Some(value.clone()),
                Value::String(text) => match text.trim().parse::<f64>().ok().filter(|number| number.is_finite()) {
                    Some(number) => Some(whole(number)),
                    None => {
                        let message = "string argument of jsonpath item method .double() is not a valid \
                                       representation of a double precision number";
                        return Err(Error::new(Kind::NonNumericJson, message));
                    }
                },
                _ => return only(Kind::NonNumericJson, "a string or numeric value"),
            },
            "datetime" if argument.is_some() => {
                return Err(Error::unsupported("the jsonpath method .datetime() takes no template here"));
            }
            "datetime" => match value {
                Value::String(text) if is_datetime(text) => Some(value.clone()),
                Value::String(text) => {
                    let message = format!("datetime format is not recognized: \"{text}\"");
                    return Err(Error::new(Kind::InvalidJsonDatetime, message));
                }
                _ => return only(Kind::InvalidJsonDatetime, "a string"),
            },
            _ => {
                let Value::Object(fields) = value else { return only(Kind::JsonObjectNotFound, "an object") };
                for (key, value) in sorted(fields) {
                    let mut pair = Map::new();
                    pair.insert("id".into(), Value::from(0));
                    pair.insert("key".into(), Value::from(key.as_str()));
                    pair.insert("value".into(), value.clone());
                    found.push(Value::Object(pair));
                }
                return Ok(());
            }
        };
        match answer {
            Some(answer) => {
                found.push(answer);
                Ok(())
            }
            None => only(Kind::NonNumericJson, "a numeric value"),
        }
    }

    /// True, false, or `None`: an error inside is not known to be either.
    fn holds(&self, predicate: &Predicate, place: Place<'_>) -> Option<bool> {
        match predicate {
            Predicate::And(left, right) => match (self.holds(left, place), self.holds(right, place)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Predicate::Or(left, right) => match (self.holds(left, place), self.holds(right, place)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Predicate::Not(inner) => self.holds(inner, place).map(|holds| !holds),
            Predicate::IsUnknown(inner) => Some(self.holds(inner, place).is_none()),
            Predicate::Exists(node) => self.items(node, place).ok().map(|items| !items.is_empty()),
            Predicate::Like(node, pattern) => self.any(node, place, |value| Some(pattern.is_match(value.as_str()?))),
            Predicate::StartsWith(node, begin) => {
                let begin = self.items(begin, place).ok()?;
                let begin = begin.first()?.as_str()?.to_string();
                self.any(node, place, |value| Some(value.as_str()?.starts_with(&begin)))
            }
            Predicate::Compare(comparison, left, right) => {
                let (left, right) = (self.unwrapped(left, place).ok()?, self.unwrapped(right, place).ok()?);
                let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
                self.first(pairs.map(|(left, right)| compared(*comparison, left, right)))
            }
        }
    }

    fn any(&self, node: &Node, place: Place<'_>, of: impl Fn(&Value) -> Option<bool>) -> Option<bool> {
        let items = self.unwrapped(node, place).ok()?;
        self.first(items.iter().map(of))
    }

    /// Whether one is true. A lax path is content with the first that is, a strict one looks for what is unknown.
    fn first(&self, mut found: impl Iterator<Item = Option<bool>>) -> Option<bool> {
        let (mut holds, mut unknown) = (false, false);
        for one in found.by_ref() {
            match one {
                Some(true) if self.lax() => return Some(true),
                Some(one) => holds |= one,
                None if self.path.strict => return None,
                None => unknown = true,
            }
        }
        if unknown && !holds { None } else { Some(holds) }
    }
}

fn missing(message: String) -> Error {
    Error::new(Kind::JsonMemberNotFound, message)
}

/// Fields in the order of `jsonb`.
fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(key, _)| (key.len(), key.as_str()));
    fields
}

fn levels(value: &Value, depth: usize, from: usize, to: usize, found: &mut Vec<Value>) {
    let leaf = !value.is_array() && !value.is_object();
    // `last` alone means the leaves.
    if (from..=to).contains(&depth) || (from == usize::MAX && leaf) {
        found.push(value.clone());
    }
    if depth >= to {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| levels(item, depth + 1, from, to, found)),
        Value::Object(fields) => {
            sorted(fields).into_iter().for_each(|(_, value)| levels(value, depth + 1, from, to, found));
        }
        _ => {}
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_datetime(text: &str) -> bool {
    use crate::base::value::{Style, read_text};
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let types = [crate::base::Type::Date, crate::base::Type::Time, crate::base::Type::Timestamptz];
    digits && types.iter().any(|ty| read_text(text, ty, &Style::default()).is_ok())
}

fn compared(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) | (_, Value::Null) => return Some(comparison == Comparison::NotEqual),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => {
            order_of_number(&left.to_string()).cmp(&order_of_number(&right.to_string()))
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn computed(operator: Operator, left: &Value, right: &Value) -> Result<Value> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        let exact = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide => left.checked_rem(right).filter(|rest| *rest == 0).and(left.checked_div(right)),
            Operator::Modulo => left.checked_rem(right),
        };
        if let Some(exact) = exact {
            return Ok(Value::from(exact));
        }
    }
    let (left, right) = (left.as_f64().unwrap_or_default(), right.as_f64().unwrap_or_default());
    Ok(whole(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide | Operator::Modulo if right == 0.0 => {
            return Err(Error::new(Kind::DivisionByZero, "division by zero"));
        }
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
    }))
}

/// A number without a fraction that is none.
fn whole(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => Value::from(number as i64),
        false => Value::from(number),
    }
}

//! What a user says about a model: the INPUT and OUTPUT clauses.
use std::collections::HashSet;

use datafusion::arrow::datatypes::DataType;
use sha2::{Digest, Sha256};

use super::{Class, Input, InputOverride, Model, NullRule, classes};
use crate::error::FormatError;
use crate::format::Declared;
use crate::function::sql_name;
use crate::ir::{Activation, Kind, Label, Link, Op, Task};

impl Input {
    pub(super) fn new(declared: Declared, used: bool) -> Self {
        Self {
            kind: declared.kind(),
            null: if declared.takes_missing { NullRule::Missing } else { NullRule::NotNull },
            takes_missing: declared.takes_missing,
            categories: declared.categories.as_ref().map(classes),
            name: declared.name,
            data_type: declared.data_type,
            used,
        }
    }

    /// The declaration in SQL: `carrier text NOT NULL`.
    pub fn to_sql(&self) -> String {
        let rule = match &self.null {
            NullRule::NotNull => " NOT NULL".to_string(),
            NullRule::Missing => String::new(),
            NullRule::Number(value) => format!(" NULL AS {value}"),
            NullRule::Text(value) => format!(" NULL AS '{}'", value.replace('\'', "''")),
        };
        format!("{} {}{rule}", self.name, sql_name(&self.data_type))
    }

    /// The type an argument is cast to before it arrives.
    fn argument_type(&self, given: &DataType) -> Option<DataType> {
        let plain = match given {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let is_text = matches!(plain, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let is_flag = matches!(plain, DataType::Null | DataType::Boolean);
        match self.kind {
            Kind::Text if is_text || *plain == DataType::Null => Some(DataType::Utf8),
            Kind::F32 | Kind::F64 if is_flag || plain.is_numeric() => Some(DataType::Float64),
            Kind::I64 if is_flag || plain.is_integer() => Some(DataType::Int64),
            Kind::Text | Kind::F32 | Kind::F64 | Kind::I64 => None,
        }
    }

    fn declare(&mut self, line: &InputOverride) -> Result<(), FormatError> {
        let refuse = |message: String| Err(FormatError::new(format!("input \"{}\" {message}", line.name)));
        if let Some(given) = &line.data_type {
            let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
            let is_number = given.is_numeric() || *given == DataType::Boolean;
            match (self.kind, is_text, is_number) {
                (Kind::Text, true, _) => self.data_type = DataType::Utf8,
                (Kind::I64, _, true) if given.is_floating() => {
                    return refuse(format!(
                        "is {} in the file, declared {}",
                        sql_name(&self.data_type),
                        sql_name(given)
                    ));
                }
                (Kind::F32 | Kind::F64 | Kind::I64, _, true) => self.data_type = given.clone(),
                _ => {
                    return refuse(format!(
                        "is {} in the file, declared {}",
                        sql_name(&self.data_type),
                        sql_name(given)
                    ));
                }
            }
        }
        match (&line.null, self.kind) {
            (None, _) => return Ok(()),
            (Some(NullRule::Missing), _) if !self.takes_missing => {
                return refuse("takes integers, which have no missing value: NOT NULL, or NULL AS a number".into());
            }
            (Some(NullRule::Number(_)), Kind::Text) => return refuse("is text, but its NULL AS is a number".into()),
            (Some(NullRule::Text(_)), Kind::F32 | Kind::F64 | Kind::I64) => {
                return refuse("is a number, but its NULL AS is text".into());
            }
            (Some(rule), _) => self.null = rule.clone(),
        }
        self.name = line.name.clone();
        Ok(())
    }
}

impl Model {
    /// The types that arguments of these types are cast to, for the inputs in use; or what is wrong, naming the input.
    /// `name` is what the user calls the model.
    pub fn argument_types(&self, name: &str, given: &[DataType]) -> Result<Vec<DataType>, FormatError> {
        let inputs: Vec<&Input> = self.used_inputs().collect();
        if inputs.len() != given.len() {
            let signature: Vec<String> = inputs.iter().map(|input| input.to_sql()).collect();
            let counts = format!("takes {} inputs, got {}", inputs.len(), given.len());
            return Err(FormatError::new(format!("model \"{name}\" {counts}: ({})", signature.join(", "))));
        }
        let types = inputs.iter().zip(given).map(|(input, given)| {
            let (wanted, got) = (sql_name(&input.data_type), sql_name(given));
            let refused = || format!("input \"{}\" of model \"{name}\" is {wanted}, got {got}", input.name);
            input.argument_type(given).ok_or_else(|| FormatError::new(refused()))
        });
        types.collect()
    }
}

/// A name that more than one input has.
pub(super) fn twice(inputs: &[Input]) -> Option<&str> {
    let mut seen = HashSet::new();
    inputs.iter().map(|input| input.name.as_str()).find(|name| !seen.insert(*name))
}

impl Model {
    /// Applies the INPUT clause: by name, or by position (all of them) when the file names no inputs.
    pub fn with_inputs(mut self, overrides: &[InputOverride]) -> Result<Model, FormatError> {
        if overrides.is_empty() {
            return Ok(self);
        }
        if self.named || overrides.iter().all(|line| self.inputs.iter().any(|input| input.name == line.name)) {
            overrides.iter().try_for_each(|line| self.declare_by_name(line))?;
        } else {
            self.declare_by_position(overrides)?;
        }
        if let Some(name) = twice(&self.inputs) {
            return Err(FormatError::new(format!("two inputs are named \"{name}\"")));
        }
        self.rehash(&format!("{overrides:?}"));
        Ok(self)
    }

    fn declare_by_name(&mut self, line: &InputOverride) -> Result<(), FormatError> {
        let names: Vec<&str> = self.inputs.iter().take(20).map(|input| input.name.as_str()).collect();
        let message = format!("the model has no input \"{}\"; its inputs are {}", line.name, names.join(", "));
        let input = self.inputs.iter_mut().find(|input| input.name == line.name);
        input.ok_or_else(|| FormatError::new(message))?.declare(line)
    }

    fn declare_by_position(&mut self, lines: &[InputOverride]) -> Result<(), FormatError> {
        if lines.len() != self.inputs.len() {
            return Err(FormatError::new(format!(
                "the file does not name its {} inputs, so INPUT must name all of them; it names {}",
                self.inputs.len(),
                lines.len()
            )));
        }
        for (input, line) in self.inputs.iter_mut().zip(lines) {
            input.name = line.name.clone();
            input.declare(line)?;
        }
        self.named = true;
        Ok(())
    }

    /// Names the classes, in the order of the model's probabilities: `OUTPUT (labels ('no', 'yes'))`.
    ///
    /// A network that ends in one sigmoid becomes a binary classifier by this.
    pub fn with_labels(mut self, labels: Vec<String>) -> Result<Model, FormatError> {
        let expected = match self.graph.task {
            Task::Binary => 2,
            Task::Multiclass { classes } => classes,
            Task::Regression if self.ends_in_sigmoid() => {
                self.graph.task = Task::Binary;
                self.graph.label = Some(Label::Best);
                2
            }
            Task::Regression | Task::Ranking | Task::MultiOutput { .. } => {
                return Err(FormatError::new("the model is not a classifier, so it has no labels"));
            }
        };
        if labels.len() != expected {
            return Err(FormatError::new(format!("{} labels for {expected} classes", labels.len())));
        }
        self.rehash(&format!("{labels:?}"));
        self.classes = Some(labels.into_iter().map(Class::Text).collect());
        Ok(self)
    }

    fn ends_in_sigmoid(&self) -> bool {
        let last = self.graph.scores.checked_sub(self.graph.inputs.len()).and_then(|step| self.graph.steps.get(step));
        last.is_some_and(|step| {
            step.shape.width == 1
                && matches!(
                    step.op,
                    Op::Activate(Activation::Sigmoid)
                        | Op::Link(Link::XgbLogistic | Link::OnnxLogistic | Link::LgbLogistic { .. })
                )
        })
    }

    fn rehash(&mut self, more: &str) {
        let hash = Sha256::new().chain_update(self.fingerprint).chain_update(more);
        self.fingerprint = hash.finalize().into();
    }
}

//! Postgres' functions about the catalog, the session and the server: one list, each entry its signature and its body.

mod arrays;
mod definitions;
mod lookup;
mod privileges;
mod sequences;
mod session;
mod sessions;
mod sizes;
mod text;

pub use lookup::{IDENTITY, SHOWN};

use super::objects::{Objects, Relation};
use super::page::{Cell, array};
use super::schema::Scope;
use super::{Context, System};
use crate::base::{Error, Result, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// A signature as Postgres writes it, and what it answers. `regclass` takes a name or an OID, `any` anything.
type Entry = (&'static str, fn(&Call<'_>) -> Result<Cell>);

const GROUPS: &[&[Entry]] = &[
    definitions::ALL,
    lookup::ALL,
    privileges::ALL,
    sequences::ALL,
    session::ALL,
    sessions::ALL,
    sizes::ALL,
    text::ALL,
];

/// Functions that act, so that they must not be folded away while planning, and act for each row.
const ACTING: &[&str] = &["nextval", "set_config", "setval"];

/// Functions that answer something for NULL; all others answer NULL.
const NOT_STRICT: &[&str] = &["format", "format_type", "pg_get_function_arg_default", "quote_nullable"];

/// One call for one row.
pub struct Call<'a> {
    pub scope: &'a Scope<'a>,
    pub values: &'a [Cell],
}

impl Call<'_> {
    pub fn objects(&self) -> &Objects {
        self.scope.objects
    }

    pub fn int(&self, at: usize) -> Option<i64> {
        match self.values.get(at)? {
            Cell::Int(value) => Some(*value),
            Cell::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub fn oid(&self, at: usize) -> Option<u32> {
        self.int(at)?.try_into().ok()
    }

    pub fn text(&self, at: usize) -> Option<&str> {
        match self.values.get(at)? {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The relation that an argument names or numbers.
    pub fn relation(&self, at: usize) -> Option<&Arc<Relation>> {
        match self.oid(at) {
            Some(oid) => self.objects().relation(oid),
            None => lookup::relation_named(self, self.text(at)?),
        }
    }

    pub fn path(&self) -> &[String] {
        &self.scope.context.search_path
    }
}

/// All functions of one name.
struct Overloads {
    name: &'static str,
    overloads: Vec<Overload>,
}

struct Overload {
    arguments: Vec<Argument>,
    result: Type,
    body: fn(&Call<'_>) -> Result<Cell>,
}

#[derive(Clone, PartialEq)]
enum Argument {
    Of(Type),
    /// A name or an OID.
    Object,
    Any,
}

fn all() -> &'static BTreeMap<&'static str, Overloads> {
    static ALL: LazyLock<BTreeMap<&'static str, Overloads>> = LazyLock::new(|| {
        let mut all = BTreeMap::new();
        for (signature, body) in GROUPS.iter().copied().flatten() {
            if let Some((name, overload)) = read(signature, *body) {
                all.entry(name).or_insert_with(|| Overloads { name, overloads: vec![] }).overloads.push(overload);
            }
        }
        all
    });
    &ALL
}

fn read(signature: &'static str, body: fn(&Call<'_>) -> Result<Cell>) -> Option<(&'static str, Overload)> {
    let (name, rest) = signature.split_once('(')?;
    let (arguments, result) = rest.split_once(") ")?;
    let argument = |text: &str| match text.trim() {
        "any" => Some(Argument::Any),
        "regclass" => Some(Argument::Object),
        ty => Type::parse(ty).map(Argument::Of),
    };
    let arguments = arguments.split(',').filter(|text| !text.trim().is_empty()).map(argument).collect::<Option<_>>()?;
    Some((name, Overload { arguments, result: Type::parse(result)?, body }))
}

/// Name, argument types and result of every function, for `pg_proc`.
pub fn signatures() -> impl Iterator<Item = (&'static str, Vec<Type>, Type)> {
    let shown = |argument: &Argument| match argument {
        Argument::Of(ty) => ty.clone(),
        Argument::Object => Type::Regclass,
        Argument::Any => Type::Text,
    };
    all().values().filter(|function| !function.name.starts_with("aqueduct_")).flat_map(move |function| {
        function.overloads.iter().map(move |overload| {
            (function.name, overload.arguments.iter().map(shown).collect(), overload.result.clone())
        })
    })
}

/// A function by its name, bound to one statement's context.
pub(super) fn function(system: &Arc<System>, context: &Arc<Context>, name: &str) -> Option<Arc<ScalarUDF>> {
    let Some(overloads) = all().get(name) else { return unbound().iter().find(|own| own.name() == name).cloned() };
    let volatility = if acts(overloads.name) { Volatility::Volatile } else { Volatility::Stable };
    let signature = Signature::user_defined(volatility);
    let function = Function { overloads, signature, system: system.clone(), context: context.clone() };
    Some(Arc::new(ScalarUDF::from(function)))
}

fn acts(name: &str) -> bool {
    name.contains("advisory") || ACTING.contains(&name) || sessions::ACTING.contains(&name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().keys().copied()
}

/// Those that ask nothing of the context.
fn unbound() -> &'static [Arc<ScalarUDF>] {
    static UNBOUND: LazyLock<[Arc<ScalarUDF>; 2]> = LazyLock::new(|| {
        [ScalarUDF::from(arrays::ArrayOrEmpty::default()), ScalarUDF::from(arrays::Pairs::default())].map(Arc::new)
    });
    &*UNBOUND
}

/// A function bound to one statement's context.
#[derive(Debug)]
struct Function {
    overloads: &'static Overloads,
    signature: Signature,
    system: Arc<System>,
    context: Arc<Context>,
}

impl Function {
    /// The overload for these arguments: by their number, then by which of them fit.
    fn overload(&self, types: &[DataType]) -> Option<&'static Overload> {
        let fits = |overload: &&Overload| {
            overload.arguments.iter().zip(types).filter(|(argument, ty)| argument.fits(ty)).count()
        };
        // The first of equals, so that the order of the list decides.
        let counted = self.overloads.overloads.iter().filter(|overload| overload.arguments.len() == types.len());
        counted.rev().max_by_key(fits)
    }
}

impl Argument {
    fn fits(&self, ty: &DataType) -> bool {
        match self {
            Argument::Of(wanted) => wanted.arrow().is_string() == is_string(ty),
            Argument::Object | Argument::Any => true,
        }
    }

    fn coerced(&self, ty: &DataType) -> DataType {
        match self {
            Argument::Of(wanted) => wanted.arrow(),
            Argument::Object | Argument::Any if is_string(ty) || *ty == DataType::Null => DataType::Utf8,
            Argument::Object => DataType::UInt32,
            Argument::Any => match ty {
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
                }
                ty if ty.is_integer() => DataType::Int64,
                ty if ty.is_numeric() => DataType::Float64,
                _ => DataType::Utf8,
            },
        }
    }
}

fn is_string(ty: &DataType) -> bool {
    ty.is_string() || matches!(ty, DataType::Dictionary(_, value) if value.is_string())
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.overloads.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        match self.overload(types) {
            Some(overload) => Ok(overload.result.arrow()),
            None => plan_err!("function {}({} arguments) does not exist", self.name(), types.len()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        self.return_type(&types)?;
        let result = self.overload(&types).map_or(Type::Text, |overload| overload.result.clone());
        Ok(Arc::new(result.field(self.name(), true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        self.return_type(types)?;
        let arguments = self.overload(types).map_or(&[][..], |overload| &overload.arguments);
        Ok(arguments.iter().zip(types).map(|(argument, ty)| argument.coerced(ty)).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let types: Vec<_> = args.args.iter().map(ColumnarValue::data_type).collect();
        let Some(overload) = self.overload(&types) else { return plan_err!("{} must be planned", self.name()) };
        let scalars = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let constant = scalars && !acts(self.overloads.name);
        let count = if constant { 1 } else { args.number_rows };
        let columns = args.args.into_iter().map(|arg| cells(&arg.into_array(count)?)).collect::<Result<Vec<_>, _>>()?;
        let answers = self.answers(overload, &columns, count)?;
        let array = array(&overload.result.arrow(), answers.iter())
            .ok_or_else(|| Error::internal(format!("{} must answer a {}", self.name(), overload.result)))?;
        Ok(match constant {
            true => ColumnarValue::Scalar(scalar(&array)?),
            false => ColumnarValue::Array(array),
        })
    }
}

impl Function {
    fn answers(&self, overload: &Overload, columns: &[Vec<Cell>], count: usize) -> Result<Vec<Cell>> {
        let objects = self.system.objects(&self.context.snapshot);
        let scope = Scope { objects: &objects, context: &self.context, system: &self.system };
        let strict = !NOT_STRICT.contains(&self.overloads.name);
        let row = |at: usize| {
            let values: Vec<_> = columns.iter().map(|column| column.get(at).cloned().unwrap_or(Cell::Null)).collect();
            if strict && values.contains(&Cell::Null) {
                return Ok(Cell::Null);
            }
            (overload.body)(&Call { scope: &scope, values: &values })
        };
        (0..count).map(row).collect()
    }
}

/// The only value of an array. A list's items keep the type that their field says.
fn scalar(array: &ArrayRef) -> DataFusionResult<ScalarValue> {
    match array.data_type() {
        DataType::List(_) => Ok(ScalarValue::List(Arc::new(array.as_list::<i32>().clone()))),
        _ => ScalarValue::try_from_array(array, 0),
    }
}

/// The values of an array, one cell each.
fn cells(array: &ArrayRef) -> DataFusionResult<Vec<Cell>> {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, None);
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(Cell::from).collect(),
        ty if ty.is_integer() => {
            cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().iter().map(Cell::from).collect()
        }
        DataType::Timestamp(..) => {
            let array = cast(array, &instant)?;
            let values = array.as_primitive::<TimestampMicrosecondType>().iter();
            values.map(|value| value.map_or(Cell::Null, Cell::Instant)).collect()
        }
        ty if ty.is_numeric() => {
            let array = cast(array, &DataType::Float64)?;
            array.as_primitive::<datafusion::arrow::datatypes::Float64Type>().iter().map(Cell::from).collect()
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>().iter();
            lists.map(|list| list.map_or(Ok(Cell::Null), |list| items(&list))).collect::<Result<_, _>>()?
        }
        _ => cast(array, &DataType::Utf8)?.as_string::<i32>().iter().map(Cell::from).collect(),
    })
}

fn items(list: &ArrayRef) -> DataFusionResult<Cell> {
    let texts = cast(list, &DataType::Utf8)?;
    Ok(Cell::List(texts.as_string::<i32>().iter().flatten().map(String::from).collect()))
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.overloads.name == other.overloads.name && Arc::ptr_eq(&self.context, &other.context)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.overloads.name.hash(state);
    }
}

impl std::fmt::Debug for Overloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_read() {
        for (signature, body) in GROUPS.iter().copied().flatten() {
            assert!(read(signature, *body).is_some(), "{signature}");
        }
    }
}

//! SQL types: their Postgres name and OID, and how a column of one is held in Arrow.
//!
//! Arrow has no `uuid`, `json` or `varchar(10)`: such a field carries its SQL
//! type in its metadata under [`METADATA_KEY`], and [`Type::of`] reads it back.

use super::textual::Textual;
use super::type_names::{Entry, NAMES};
use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Where a field says which SQL type it is when Arrow's type does not tell.
pub const METADATA_KEY: &str = "aqueduct.type";

/// Marks a `numeric` whose digits nobody has said: they are just those that it is held with.
const COMPUTED_KEY: &str = "aqueduct.computed";

/// A field of a `numeric` as clients see one without digits.
pub fn wholly(field: Field) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(COMPUTED_KEY.to_string(), "true".to_string());
    field.with_metadata(metadata)
}

/// The type modifier that a client is told for a column.
pub fn typmod_of(field: &Field) -> i32 {
    if field.metadata().contains_key(COMPUTED_KEY) { -1 } else { Type::of(field).typmod() }
}

/// The SQL type of a column or value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Precision and scale. `numeric` without them is held with 38 digits, 10 of them after the point.
    Numeric(Option<(u8, i8)>),
    Text,
    Varchar(Option<u32>),
    Char(Option<u32>),
    Bytea,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Json,
    Jsonb,
    /// Catalog types that clients expect in `pg_catalog`.
    Oid,
    Name,
    InternalChar,
    Regclass,
    Regtype,
    Regproc,
    Record,
    /// Arrays of the catalog that count from zero and print without braces.
    Int2Vector,
    OidVector,
    /// Those that are held as their own text.
    Textual(Textual),
    Array(Box<Type>),
}

/// Digits of a `numeric` without precision.
pub const NUMERIC_DEFAULT: (u8, i8) = (38, 10);

impl Type {
    /// Every type that is not an array, without length or precision.
    pub fn all() -> impl Iterator<Item = &'static Type> {
        NAMES.iter().map(|(ty, ..)| ty)
    }

    fn entry(&self) -> &'static Entry {
        let textual;
        let plain = match self {
            Type::Textual(ty) => {
                textual = Type::Textual(ty.plain());
                &textual
            }
            Type::Numeric(_) => &Type::Numeric(None),
            Type::Varchar(_) => &Type::Varchar(None),
            Type::Char(_) => &Type::Char(None),
            Type::Array(element) => return element.entry(),
            other => other,
        };
        // The list names every variant but `Array`; the first row stands in so that this cannot fail.
        NAMES.iter().find(|(ty, ..)| ty == plain).unwrap_or(&NAMES[0])
    }

    /// The type by any of its names, `[]` and `(n)` understood: `numeric(10,2)`, `_int4`, `text[]`.
    pub fn parse(text: &str) -> Option<Type> {
        let text = text.trim().to_ascii_lowercase();
        let bare =
            |text: &str| text.strip_prefix("pg_catalog.").or(text.strip_prefix("\"pg_catalog\".")).map(str::to_string);
        let text = bare(&text).unwrap_or(text);
        // The type that has its quotes in its name keeps them.
        let quoted = text.strip_prefix('"').and_then(|text| text.split_once('"')).filter(|(name, _)| *name != "char");
        let text = &quoted.map_or(text.clone(), |(name, rest)| format!("{name}{rest}"));
        if text == "_char" {
            return Some(Type::Array(Box::new(Type::InternalChar)));
        }
        if let Some(element) = text.strip_suffix("[]").or_else(|| text.strip_prefix('_')) {
            return Some(Type::Array(Box::new(Type::parse(element)?)));
        }
        let (name, numbers) = match text.split_once('(') {
            None => (text.to_string(), vec![]),
            Some((name, rest)) => {
                let (inside, after) = rest.split_once(')')?;
                let numbers = inside.split(',').map(|n| n.trim().parse::<i32>().ok()).collect::<Option<Vec<_>>>()?;
                (format!("{}{}", name.trim(), after), numbers)
            }
        };
        let plain =
            NAMES.iter().find(|(_, sql, others, ..)| *sql == name || others.contains(&name.as_str()))?.0.clone();
        Some(match (plain, numbers.as_slice()) {
            (Type::Numeric(_), [p]) => Type::Numeric(Some(((*p).try_into().ok()?, 0))),
            (Type::Numeric(_), [p, s]) => Type::Numeric(Some(((*p).try_into().ok()?, (*s).try_into().ok()?))),
            (Type::Varchar(_), [n]) => Type::Varchar(Some((*n).try_into().ok()?)),
            (Type::Char(_), [n]) => Type::Char(Some((*n).try_into().ok()?)),
            (Type::Textual(Textual::Bit(_)), [n]) => Type::Textual(Textual::Bit(Some((*n).try_into().ok()?))),
            (Type::Textual(Textual::Varbit(_)), [n]) => Type::Textual(Textual::Varbit(Some((*n).try_into().ok()?))),
            (plain, _) => plain,
        })
    }

    pub fn oid(&self) -> u32 {
        let entry = self.entry();
        if matches!(self, Type::Array(_)) { entry.4 } else { entry.3 }
    }

    /// The type of an OID; arrays of arrays are arrays.
    pub fn from_oid(oid: u32) -> Option<Type> {
        NAMES.iter().find_map(|(ty, _, _, plain, array, _)| match oid {
            oid if oid == *plain => Some(ty.clone()),
            oid if oid == *array => Some(Type::Array(Box::new(ty.clone()))),
            _ => None,
        })
    }

    /// OID of the array of this type.
    pub fn array_oid(&self) -> u32 {
        self.entry().4
    }

    /// The internal name, as in `pg_type.typname`: `int4`, `_int4`, `timestamptz`.
    pub fn internal_name(&self) -> String {
        let (_, sql, others, ..) = self.entry();
        let plain = match self.element() {
            Type::Int4 => "int4",
            Type::Char(_) => "bpchar",
            Type::Numeric(_) => "numeric",
            Type::Text => "text",
            Type::Bytea => "bytea",
            Type::InternalChar => "char",
            Type::Textual(Textual::Varbit(_)) => "varbit",
            _ => others.first().copied().unwrap_or(sql),
        };
        if matches!(self, Type::Array(_)) { format!("_{plain}") } else { plain.to_string() }
    }

    /// Size in bytes, -1 when it varies.
    pub fn length(&self) -> i16 {
        if matches!(self, Type::Array(_)) { -1 } else { self.entry().5 }
    }

    /// The type modifier that Postgres would store for the length or precision.
    pub fn typmod(&self) -> i32 {
        match self {
            Type::Numeric(Some((precision, scale))) => {
                ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4
            }
            Type::Varchar(Some(n)) | Type::Char(Some(n)) => *n as i32 + 4,
            Type::Textual(ty) => ty.length().map_or(-1, |n| n as i32),
            Type::Array(element) => element.typmod(),
            _ => -1,
        }
    }

    /// Whether it is a number that prints as the name of something in the catalog.
    pub fn is_reference(&self) -> bool {
        match self {
            Type::Regclass | Type::Regtype | Type::Regproc => true,
            Type::Textual(ty) => ty.is_reference(),
            _ => false,
        }
    }

    /// The array that it can be used as.
    pub fn as_array(&self) -> Option<Type> {
        match self {
            Type::Array(_) => Some(self.clone()),
            Type::Int2Vector => Some(Type::Array(Box::new(Type::Int2))),
            Type::OidVector => Some(Type::Array(Box::new(Type::Oid))),
            _ => None,
        }
    }

    pub fn is_vector(&self) -> bool {
        matches!(self, Type::Int2Vector | Type::OidVector)
    }

    fn element(&self) -> &Type {
        match self {
            Type::Array(element) => element,
            other => other,
        }
    }

    /// How a column of this type is held in Arrow.
    pub fn arrow(&self) -> DataType {
        match self {
            Type::Bool => DataType::Boolean,
            Type::Int2 => DataType::Int16,
            Type::Int4 => DataType::Int32,
            Type::Int8 => DataType::Int64,
            Type::Float4 => DataType::Float32,
            Type::Float8 => DataType::Float64,
            Type::Numeric(digits) => {
                let (precision, scale) = digits.unwrap_or(NUMERIC_DEFAULT);
                DataType::Decimal128(precision, scale)
            }
            Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Uuid | Type::Json | Type::Jsonb => DataType::Utf8,
            Type::Name | Type::InternalChar | Type::Regclass | Type::Regtype | Type::Regproc | Type::Record => {
                DataType::Utf8
            }
            Type::Textual(_) => DataType::Utf8,
            Type::Bytea => DataType::Binary,
            Type::Date => DataType::Date32,
            Type::Time => DataType::Time64(TimeUnit::Microsecond),
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Type::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Type::Oid => DataType::UInt32,
            Type::Int2Vector => DataType::List(Arc::new(Field::new("item", DataType::Int16, true))),
            Type::OidVector => DataType::List(Arc::new(Field::new("item", DataType::UInt32, true))),
            // What its items are is said by the field of the whole: functions on lists forget what is inside.
            Type::Array(element) => DataType::List(Arc::new(Field::new("item", element.arrow(), true))),
        }
    }

    /// An Arrow field of this type that remembers it.
    pub fn field(&self, name: &str, nullable: bool) -> Field {
        let field = Field::new(name, self.arrow(), nullable);
        if Type::from_arrow(field.data_type()) == *self {
            return field;
        }
        field.with_metadata(HashMap::from([(METADATA_KEY.to_string(), self.to_string())]))
    }

    /// The SQL type of a field: what its metadata says, else what its Arrow type means.
    pub fn of(field: &Field) -> Type {
        field
            .metadata()
            .get(METADATA_KEY)
            .and_then(|text| Type::parse(text))
            .filter(|ty| ty.is_held_as(field.data_type()))
            .unwrap_or_else(|| Type::from_arrow(field.data_type()))
    }

    /// Whether a column of this type can look like that in Arrow: an expression may have kept its input's metadata.
    fn is_held_as(&self, arrow: &DataType) -> bool {
        let text = |arrow: &DataType| matches!(arrow, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match (self.arrow(), arrow) {
            (held, DataType::Dictionary(_, values)) => self.is_held_as(values) || held == **values,
            (DataType::List(_), DataType::List(item)) => match (self, item.data_type()) {
                (Type::Array(element), item) => {
                    **element == Type::Record || element.is_held_as(item) || (item.is_list() && self.is_held_as(item))
                }
                (Type::Int2Vector, item) => *item == DataType::Int16,
                (Type::OidVector, item) => *item == DataType::UInt32,
                _ => true,
            },
            (held, arrow) => held == *arrow || (text(&held) && text(arrow)),
        }
    }

    /// The SQL type that an Arrow type means by itself.
    pub fn from_arrow(arrow: &DataType) -> Type {
        match arrow {
            DataType::Boolean => Type::Bool,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Type::Int2,
            DataType::UInt16 | DataType::Int32 => Type::Int4,
            DataType::Int64 => Type::Int8,
            DataType::UInt32 => Type::Oid,
            DataType::UInt64 => Type::Numeric(Some((20, 0))),
            DataType::Float16 | DataType::Float32 => Type::Float4,
            DataType::Float64 => Type::Float8,
            DataType::Decimal32(p, s)
            | DataType::Decimal64(p, s)
            | DataType::Decimal128(p, s)
            | DataType::Decimal256(p, s) => Type::Numeric(Some((*p, *s)).filter(|digits| *digits != NUMERIC_DEFAULT)),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Type::Bytea
            }
            DataType::Date32 | DataType::Date64 => Type::Date,
            DataType::Time32(_) | DataType::Time64(_) => Type::Time,
            DataType::Timestamp(_, None) => Type::Timestamp,
            DataType::Timestamp(_, Some(_)) => Type::Timestamptz,
            DataType::Interval(_) | DataType::Duration(_) => Type::Interval,
            DataType::Dictionary(_, value) => Type::from_arrow(value),
            DataType::RunEndEncoded(_, value) => Type::of(value),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => match Type::of(item) {
                array @ Type::Array(_) => array,
                element => Type::Array(Box::new(element)),
            },
            DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => Type::Record,
            DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Type::Text,
        }
    }

    /// The type whose columns another writer of a DuckLake catalog names so, when we can read it.
    pub fn from_ducklake(text: &str) -> Option<Type> {
        if text.starts_with("decimal(") {
            return Type::parse(text).filter(|ty| matches!(ty, Type::Numeric(Some(_))));
        }
        Some(match text {
            "boolean" => Type::Bool,
            "int8" | "uint8" | "int16" => Type::Int2,
            "uint16" | "int32" => Type::Int4,
            "uint32" | "int64" => Type::Int8,
            "uint64" => Type::Numeric(Some((20, 0))),
            "float32" => Type::Float4,
            "float64" => Type::Float8,
            "varchar" => Type::Text,
            "json" => Type::Json,
            "blob" => Type::Bytea,
            "date" => Type::Date,
            "time" => Type::Time,
            "timestamp" | "timestamp_s" | "timestamp_ms" | "timestamp_ns" => Type::Timestamp,
            "timestamptz" => Type::Timestamptz,
            _ => return None,
        })
    }

    /// How a DuckLake catalog names the type of a column.
    pub fn ducklake(&self) -> String {
        match self {
            Type::Bool => "boolean".into(),
            Type::Int2 => "int16".into(),
            Type::Int4 => "int32".into(),
            Type::Int8 => "int64".into(),
            Type::Float4 => "float32".into(),
            Type::Float8 => "float64".into(),
            Type::Numeric(digits) => {
                let (precision, scale) = digits.unwrap_or(NUMERIC_DEFAULT);
                format!("decimal({precision},{scale})")
            }
            Type::Bytea => "blob".into(),
            Type::Date => "date".into(),
            Type::Time => "time".into(),
            Type::Timestamp => "timestamp".into(),
            Type::Timestamptz => "timestamptz".into(),
            Type::Interval => "interval".into(),
            Type::Oid => "uint32".into(),
            Type::Array(_) | Type::Int2Vector | Type::OidVector => "list".into(),
            _ => "varchar".into(),
        }
    }
}

/// The SQL name, as `format_type` gives it: `integer`, `numeric(10,2)`, `text[]`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Array(element) => write!(f, "{element}[]"),
            Type::Numeric(Some((precision, scale))) => write!(f, "numeric({precision},{scale})"),
            Type::Varchar(Some(n)) => write!(f, "character varying({n})"),
            Type::Char(Some(n)) => write!(f, "character({n})"),
            Type::Textual(Textual::Bit(Some(n))) => write!(f, "bit({n})"),
            Type::Textual(Textual::Varbit(Some(n))) => write!(f, "bit varying({n})"),
            plain => f.write_str(plain.entry().1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_its_name_its_oid_and_its_field() {
        let sized = [Type::Numeric(Some((10, 2))), Type::Varchar(Some(8)), Type::Array(Box::new(Type::Uuid))];
        for ty in Type::all().cloned().chain(sized) {
            assert_eq!(Type::parse(&ty.to_string()), Some(ty.clone()));
            assert_eq!(Type::of(&ty.field("c", true)), ty);
            assert_eq!(Type::from_oid(ty.oid()).map(|found| found.oid()), Some(ty.oid()));
            let array = Type::Array(Box::new(ty.clone()));
            assert_eq!(Type::parse(&array.internal_name()).map(|found| found.oid()), Some(array.oid()), "{ty}");
        }
    }

    #[test]
    fn a_type_that_the_column_no_longer_has_is_not_believed() {
        let field = Type::Uuid.field("c", true).with_data_type(DataType::Int64);
        assert_eq!(Type::of(&field), Type::Int8);
        let field = Type::Uuid.field("c", true).with_data_type(DataType::Utf8View);
        assert_eq!(Type::of(&field), Type::Uuid);
    }

    #[test]
    fn types_have_all_their_names() {
        for (text, ty) in [
            ("INT", Type::Int4),
            ("float8", Type::Float8),
            ("timestamp with time zone", Type::Timestamptz),
            ("numeric(12, 3)", Type::Numeric(Some((12, 3)))),
            ("varchar(20)[]", Type::Array(Box::new(Type::Varchar(Some(20))))),
            ("pg_catalog.int8", Type::Int8),
        ] {
            assert_eq!(Type::parse(text), Some(ty));
        }
        assert_eq!(Type::parse("\"pg_catalog\".\"int4\"[]"), Some(Type::Array(Box::new(Type::Int4))));
        assert_eq!(Type::parse("\"numeric\"(5,2)"), Some(Type::Numeric(Some((5, 2)))));
        assert_eq!(Type::parse("\"char\""), Some(Type::InternalChar));
        assert_eq!(Type::parse("money"), None);
    }
}

//! Output columns named as Postgres names them.
//!
//! DataFusion wants the columns of a SELECT to have different names and Postgres does not:
//! a name that repeats is told apart by a suffix, which [`shown`] takes off again.

use super::checks::{factors, named};
use super::{folded, parts};
use crate::base::Type;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, FunctionArguments, Ident, Query, SelectItem, SetExpr, TrimWhereField,
    UnaryOperator, Value,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Begins the suffix that tells columns of one name apart.
const SUFFIX: char = '\u{1}';

/// The name of a column as a client sees it.
pub fn shown(name: &str) -> &str {
    name.split(SUFFIX).next().unwrap_or_default()
}

/// The same name, told apart from others by a number.
pub fn apart(name: &str, number: usize) -> String {
    format!("{name}{SUFFIX}{number}")
}

/// Names the columns of every SELECT of a query's body.
///
/// Of the outermost query (`top`), returns the names that had to be changed, for ORDER BY.
pub(super) fn name(body: &mut SetExpr, top: bool) -> HashMap<String, String> {
    match body {
        SetExpr::Select(select) => {
            let relations = factors(&select.from).into_iter().filter_map(|factor| Some(named(factor)?.0)).collect();
            name_items(&mut select.projection, top, &relations)
        }
        SetExpr::SetOperation { left, right, .. } => {
            name(left, top);
            name(right, top);
            HashMap::new()
        }
        _ => HashMap::new(),
    }
}

fn name_items(items: &mut [SelectItem], top: bool, relations: &HashSet<String>) -> HashMap<String, String> {
    // What a wildcard brings is not known here; at the top its columns keep their names and the others step aside.
    let wildcard = items.iter().any(is_wildcard);
    let aside = wildcard && items.len() > 1 && top;
    let mut taken = HashSet::new();
    let mut renamed = HashMap::new();
    for (position, item) in items.iter_mut().enumerate() {
        let (name, plain) = match item {
            SelectItem::UnnamedExpr(expr) => (figure(expr), is_column(expr, relations)),
            SelectItem::ExprWithAlias { alias, .. } => (folded(alias), false),
            _ => continue,
        };
        let fresh = taken.insert(name.clone());
        if fresh && plain && !aside {
            continue;
        }
        let internal = if fresh && !aside { name.clone() } else { apart(&name, position) };
        if internal != name && matches!(item, SelectItem::ExprWithAlias { .. }) {
            renamed.entry(name).or_insert_with(|| internal.clone());
        }
        let alias = Ident::with_quote('"', internal);
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let expr = std::mem::replace(expr, Expr::value(Value::Null));
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
            SelectItem::ExprWithAlias { alias: old, .. } => *old = Ident { span: old.span, ..alias },
            _ => {}
        }
    }
    renamed
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
}

/// Whether it is a column, which keeps its name by itself: no relation as a whole, and no word that is a function.
fn is_column(expr: &Expr, relations: &HashSet<String>) -> bool {
    match expr {
        Expr::Identifier(name) => {
            !relations.contains(&folded(name)) && !name.value.eq_ignore_ascii_case("current_schema")
        }
        Expr::CompoundIdentifier(_) => true,
        _ => false,
    }
}

/// The name that Postgres gives the column of an expression.
pub fn figure(expr: &Expr) -> String {
    strong(expr).or_else(|| weak(expr)).unwrap_or_else(|| "?column?".into())
}

/// A name that also holds through a cast: of a column or a function.
fn strong(expr: &Expr) -> Option<String> {
    let named = |name: &str| Some(name.to_string());
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(names) => names.last().map(folded),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(field) => strong(field),
                AccessExpr::Subscript(_) => None,
            });
            field.or_else(|| strong(root))
        }
        Expr::Nested(inner) => strong(inner),
        Expr::Collate { expr, .. } => strong(expr),
        Expr::Cast { expr, .. } => strong(expr),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => strong(expr),
        Expr::Function(function) => {
            let name = parts(&function.name).pop()?;
            Some(match (&function.args, name.as_str()) {
                (FunctionArguments::None, "user") => "user".into(),
                _ => name,
            })
        }
        Expr::Case { else_result: Some(otherwise), .. } => strong(otherwise),
        Expr::Extract { .. } => named("extract"),
        Expr::Ceil { .. } => named("ceil"),
        Expr::Floor { .. } => named("floor"),
        Expr::Position { .. } => named("position"),
        Expr::Substring { .. } => named("substring"),
        Expr::Overlay { .. } => named("overlay"),
        Expr::AtTimeZone { .. } => named("timezone"),
        Expr::Trim { trim_where, .. } => named(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            Some(TrimWhereField::Both) | None => "btrim",
        }),
        Expr::Array(_) => named("array"),
        Expr::Tuple(_) => named("row"),
        Expr::Exists { negated: false, .. } => named("exists"),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => named("overlaps"),
        Expr::Subquery(query) => first_column(query),
        _ => None,
    }
}

/// A name for want of a better one.
fn weak(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => weak(inner),
        Expr::CompoundFieldAccess { root, .. } => weak(root),
        Expr::Collate { expr, .. } => weak(expr),
        Expr::Cast { data_type, .. } => Some(type_name(data_type)),
        Expr::TypedString(typed) => Some(type_name(&typed.data_type)),
        Expr::Interval(_) => Some("interval".into()),
        Expr::Case { .. } => Some("case".into()),
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => Some("bool".into()),
        _ => None,
    }
}

fn first_column(query: &Query) -> Option<String> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => {
                return match select.projection.first()? {
                    SelectItem::UnnamedExpr(expr) => Some(figure(expr)),
                    SelectItem::ExprWithAlias { alias, .. } => Some(shown(&folded(alias)).to_string()),
                    _ => None,
                };
            }
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(inner) => body = &inner.body,
            _ => return None,
        }
    }
}

fn type_name(ty: &DataType) -> String {
    let text = match ty {
        DataType::Custom(name, _) => parts(name).pop().unwrap_or_default(),
        ty => ty.to_string(),
    };
    Type::parse(&text).map_or_else(|| text.to_lowercase(), |ty| ty.internal_name().trim_start_matches('_').to_string())
}

/// Names for the columns of a whole answer, each once, by the names that clients see.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeMap::new();
    names
        .enumerate()
        .map(|(position, name)| match seen.insert(name.to_string(), ()) {
            None => name.to_string(),
            Some(()) => apart(name, position),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sql::parse_expression;

    #[test]
    fn columns_are_named_as_postgres_names_them() {
        for (text, name) in [
            ("1", "?column?"),
            ("'a'", "?column?"),
            ("true", "bool"),
            ("a.\"B\"", "B"),
            ("Count(*)", "count"),
            ("pg_catalog.lower('A')", "lower"),
            ("1::int8", "int8"),
            ("cast(x AS text)", "x"),
            ("lower(x)::text", "lower"),
            ("date '2024-01-01'", "date"),
            ("interval '1 day'", "interval"),
            ("CASE WHEN a THEN 1 END", "case"),
            ("CASE WHEN a THEN 1 ELSE b END", "b"),
            ("extract(year FROM d)", "extract"),
            ("a + 1", "?column?"),
            ("(SELECT max(b) FROM t)", "max"),
            ("EXISTS (SELECT 1)", "exists"),
            ("ARRAY[1]", "array"),
            ("current_user", "current_user"),
            ("trim(x)", "btrim"),
            ("NOT a", "?column?"),
            ("coalesce(a, b)", "coalesce"),
            ("predict('m', *)", "predict"),
        ] {
            assert_eq!(figure(&parse_expression(text).unwrap()), name, "{text}");
        }
    }
}

//! FROM in a form that [`Relations`](crate::query::from::Relations) plans: joins by USING, functions of columns
//! beside them, and set operations, each in a pair of parentheses of its own with a marked alias.
//!
//! A column that USING merges keeps its two originals under hidden names, for whoever says `left.key`.

use super::checks::{factors, named};
use super::{Rewriter, folded, parts};
use crate::base::{Error, Result};
use crate::query::from::{self, Special, hidden};
use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, OrderBy, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, Spanned, Statement, TableAlias, TableFactor,
    TableWithJoins, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// New names of merged columns, by the relation and the name they had.
type Renamed = HashMap<(String, String), String>;

impl Rewriter<'_> {
    /// Of a query whose parts have been rewritten.
    pub(super) fn from(&mut self, query: &mut Query) -> Result<()> {
        let mut order = query.order_by.take();
        let done = self.body(&mut query.body, order.as_mut());
        query.order_by = order;
        done
    }

    fn body(&mut self, body: &mut SetExpr, order: Option<&mut OrderBy>) -> Result<()> {
        match body {
            SetExpr::Select(select) => self.select_from(select, order),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, None)?;
                self.body(right, None)
            }
            _ => Ok(()),
        }
    }

    fn select_from(&mut self, select: &mut Select, order: Option<&mut OrderBy>) -> Result<()> {
        if !select.from.iter().any(is_special) && !laterals(&select.from) {
            return Ok(());
        }
        let mut said = Said::default();
        let _ = Visit::visit(select, &mut said);
        if let Some(order) = &order {
            let _ = Visit::visit(&**order, &mut said);
        }
        let mut renamed = Renamed::new();
        let mut gone = vec![];
        let mut left: Option<TableWithJoins> = None;
        let mut from = vec![];
        for item in std::mem::take(&mut select.from) {
            let item = self.nested(item, &said, &mut renamed, &mut gone)?;
            let lateral = is_function(&item.relation).is_some_and(|args| from::has_columns(&args));
            match left.take() {
                Some(before) if lateral => {
                    let join = Join {
                        relation: item.relation,
                        global: false,
                        join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
                    };
                    let all = from.drain(..).chain([before]).reduce(crossed).into_iter().collect::<Vec<_>>();
                    for mut all in all {
                        all.joins.push(join.clone());
                        left =
                            Some(TableWithJoins { relation: marked(all, Special::Lateral), joins: item.joins.clone() });
                    }
                }
                before => {
                    from.extend(before);
                    left = Some(item);
                }
            }
        }
        from.extend(left);
        select.from = from;
        if !renamed.is_empty() {
            let mut renamer = Renamer { renamed: &renamed, shadows: vec![] };
            let _ = VisitMut::visit(&mut select.projection, &mut renamer);
            let _ = VisitMut::visit(&mut select.selection, &mut renamer);
            let _ = VisitMut::visit(&mut select.group_by, &mut renamer);
            let _ = VisitMut::visit(&mut select.having, &mut renamer);
            let _ = VisitMut::visit(&mut select.named_window, &mut renamer);
            let _ = VisitMut::visit(&mut select.distinct, &mut renamer);
            if let Some(order) = order {
                let _ = order.visit(&mut renamer);
            }
            exclude(&mut select.projection, &gone);
        }
        Ok(())
    }

    /// Wraps everything up to each special join in parentheses of its own.
    fn nested(
        &mut self,
        item: TableWithJoins,
        said: &Said,
        renamed: &mut Renamed,
        gone: &mut Vec<Ident>,
    ) -> Result<TableWithJoins> {
        let relation = self.parenthesised(item.relation, said, renamed, gone)?;
        let mut built = TableWithJoins { relation, joins: vec![] };
        for mut join in item.joins {
            join.relation = self.parenthesised(join.relation, said, renamed, gone)?;
            let mut renamer = Renamer { renamed, shadows: vec![] };
            let _ = VisitMut::visit(&mut join.join_operator, &mut renamer);
            let lateral = is_function(&join.relation).is_some_and(|args| from::has_columns(&args));
            let special = match constraint(&join.join_operator) {
                Some(JoinConstraint::Using(keys)) => Some(self.using(keys, &built, &join, said, renamed, gone)),
                Some(JoinConstraint::Natural) => {
                    let relations = aliases(&built).chain(alias(&join.relation)).collect::<HashSet<_>>();
                    if let Some(name) = said.wholes.iter().find(|name| relations.contains(*name)) {
                        return Err(Error::unsupported(format!("{name}.* beside a NATURAL JOIN is not supported"))
                            .hint("JOIN … USING (key) says which columns are merged".to_string())
                            .at(self.places.offset(join.relation.span().start)));
                    }
                    Some(Special::Using(None))
                }
                _ if lateral => Some(Special::Lateral),
                _ => None,
            };
            built.joins.push(join);
            if let Some(special) = special {
                built = TableWithJoins { relation: marked(built, special), joins: vec![] };
            }
        }
        Ok(built)
    }

    fn parenthesised(
        &mut self,
        relation: TableFactor,
        said: &Said,
        renamed: &mut Renamed,
        gone: &mut Vec<Ident>,
    ) -> Result<TableFactor> {
        match relation {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let inner = self.nested(*table_with_joins, said, renamed, gone)?;
                Ok(TableFactor::NestedJoin { table_with_joins: Box::new(inner), alias: None })
            }
            // Outside only its alias is known.
            TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } if Special::read(&alias).is_none() => {
                let inner = self.nested(*table_with_joins, &Said::default(), &mut Renamed::new(), &mut vec![])?;
                Ok(TableFactor::NestedJoin { table_with_joins: Box::new(inner), alias: Some(alias) })
            }
            other => Ok(other),
        }
    }

    fn using(
        &mut self,
        keys: &[ObjectName],
        left: &TableWithJoins,
        join: &Join,
        said: &Said,
        renamed: &mut Renamed,
        gone: &mut Vec<Ident>,
    ) -> Special {
        let keys: Vec<String> = keys.iter().filter_map(|key| parts(key).pop()).collect();
        let lefts: Vec<String> = aliases(left).collect();
        let rights: Vec<String> = alias(&join.relation).into_iter().collect();
        let all = || lefts.iter().chain(&rights);
        let columns =
            all().any(|relation| keys.iter().any(|key| said.columns.contains(&(relation.clone(), key.clone()))));
        let wholes = all().any(|relation| said.wholes.contains(relation));
        if !columns && !wholes {
            return Special::Using(None);
        }
        self.joins += 1;
        for key in &keys {
            for (side, relations) in [("left", &lefts), ("right", &rights)] {
                let name = hidden(key, self.joins, side);
                for relation in relations {
                    // What an earlier join has hidden keeps that name.
                    renamed.entry((relation.clone(), key.clone())).or_insert_with(|| name.clone());
                }
                gone.push(Ident::with_quote('"', name));
            }
        }
        Special::Using(Some(self.joins))
    }

    /// A set operation as a relation whose columns the planner brings to one type.
    pub(super) fn sets(query: &mut Query) {
        if let SetExpr::SetOperation {
            set_quantifier: SetQuantifier::None | SetQuantifier::All | SetQuantifier::Distinct,
            ..
        } = query.body.as_ref()
            && let Some(mut outer) = everything()
        {
            let inner = crate::base::sql::query_of(std::mem::replace(&mut *query.body, SetExpr::Select(outer.clone())));
            outer.from = vec![TableWithJoins {
                relation: TableFactor::Derived {
                    lateral: false,
                    subquery: Box::new(inner),
                    alias: Some(label(&Special::Set)),
                    sample: None,
                },
                joins: vec![],
            }];
            *query.body = SetExpr::Select(outer);
        }
    }
}

/// `SELECT *`
fn everything() -> Option<Box<Select>> {
    let Statement::Query(query) = super::super::expression::select(vec![], None) else { return None };
    let SetExpr::Select(mut select) = *query.body else { return None };
    select.projection = vec![SelectItem::Wildcard(Default::default())];
    Some(select)
}

fn label(special: &Special) -> TableAlias {
    TableAlias { explicit: true, name: Ident::with_quote('"', special.alias()), columns: vec![], at: None }
}

fn marked(joined: TableWithJoins, special: Special) -> TableFactor {
    TableFactor::NestedJoin { table_with_joins: Box::new(joined), alias: Some(label(&special)) }
}

fn crossed(left: TableWithJoins, right: TableWithJoins) -> TableWithJoins {
    let relation = match right.joins.is_empty() {
        true => right.relation,
        false => TableFactor::NestedJoin { table_with_joins: Box::new(right), alias: None },
    };
    let mut crossed = left;
    crossed.joins.push(Join { relation, global: false, join_operator: JoinOperator::CrossJoin(JoinConstraint::None) });
    crossed
}

/// What a join is on.
pub fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

fn is_special(from: &TableWithJoins) -> bool {
    let relations = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
    let inside = relations.clone().any(|relation| match relation {
        TableFactor::NestedJoin { table_with_joins, .. } => is_special(table_with_joins),
        _ => false,
    });
    let functions = relations.skip(1).any(|relation| is_function(relation).is_some());
    let merged = from.joins.iter().any(|join| {
        matches!(constraint(&join.join_operator), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
    });
    inside || functions || merged
}

fn laterals(from: &[TableWithJoins]) -> bool {
    from.iter().skip(1).any(|item| is_function(&item.relation).is_some())
}

/// The arguments of a function in FROM.
fn is_function(relation: &TableFactor) -> Option<Vec<Expr>> {
    from::arguments(relation)
}

fn alias(relation: &TableFactor) -> Option<String> {
    named(relation).map(|(name, ..)| name)
}

fn aliases(from: &TableWithJoins) -> impl Iterator<Item = String> {
    let found: Vec<String> = factors(std::slice::from_ref(from)).into_iter().flat_map(inside).collect();
    found.into_iter()
}

/// The relations in what was wrapped before.
fn inside(factor: &TableFactor) -> Vec<String> {
    match factor {
        TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } if Special::read(alias).is_some() => {
            aliases(table_with_joins).collect()
        }
        other => alias(other).into_iter().collect(),
    }
}

/// `*` without the hidden columns.
fn exclude(items: &mut [SelectItem], gone: &[Ident]) {
    for item in items {
        if let SelectItem::Wildcard(options) = item
            && options.opt_exclude.is_none()
        {
            let names = gone.iter().map(|name| ObjectName::from(vec![name.clone()])).collect();
            options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
        }
    }
}

/// What a statement says of relations: `relation.column` and `relation.*`.
#[derive(Default)]
struct Said {
    columns: HashSet<(String, String)>,
    wholes: HashSet<String>,
}

impl Visitor for Said {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::CompoundIdentifier(names) => {
                if let [.., relation, column] = names.as_slice() {
                    self.columns.insert((folded(relation), folded(column)));
                }
            }
            Expr::QualifiedWildcard(name, _) => self.wholes.extend(parts(name).pop()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                self.wholes.extend(parts(name).pop());
            }
        }
        ControlFlow::Continue(())
    }
}

struct Renamer<'a> {
    renamed: &'a Renamed,
    /// Relations of subqueries, which hide those of the same name outside.
    shadows: Vec<HashSet<String>>,
}

impl VisitorMut for Renamer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let mut names = HashSet::new();
        if let SetExpr::Select(select) = query.body.as_ref() {
            names.extend(select.from.iter().flat_map(aliases));
        }
        self.shadows.push(names);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.shadows.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(names) = expr
            && let [.., relation, column] = names.as_mut_slice()
            && let Some(name) = self.renamed.get(&(folded(relation), folded(column)))
            && !self.shadows.iter().any(|shadow| shadow.contains(&folded(relation)))
        {
            *column = Ident { value: name.clone(), quote_style: Some('"'), span: column.span };
        }
        ControlFlow::Continue(())
    }
}

//! `MERGE`: rows of a source change, add to or take away rows of a table.
//!
//! One query joins both, tells for each pair which clause it comes under, and gives the values of each
//! clause, which are computed for its own rows only.

use super::assignment::Assignment;
use super::insert::{position, template};
use super::literal::{default, typed};
use super::returning::types;
use super::selection::{Qualified, Selection, in_turn, writable};
use super::target::{folded, offset, refuse};
use super::update::assignments;
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Change, Table};
use crate::lake::{FILE_COLUMN, POSITION_COLUMN, Positions};
use crate::query::{Context, Plan};
use datafusion::arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{Int32Type, Int64Type, Schema};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Ident, JoinConstraint, JoinOperator, Merge as Tree, MergeAction, MergeClause,
    MergeClauseKind, MergeInsertExpr, MergeInsertKind, ObjectName, Query, SelectItem, SetExpr, Statement as AnyTree,
    TableAlias, TableFactor, Value, VisitMut, VisitorMut, With, helpers::attached_token::AttachedToken,
};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Under this name the query finds the table with places; no user can type it.
const TARGET: &str = "\u{1}target";
/// A clause whose action is nothing writes this column; no user can type it.
const NOTHING: &str = "\u{1}nothing";

#[derive(Debug)]
struct Merge {
    tree: Tree,
    text: String,
    selection: Selection,
}

pub fn read(tree: AnyTree, with: Option<With>, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Merge(tree) = tree else { return Err(Error::internal("the statement must be MERGE")) };
    refuse(tree.output.is_some(), "this form of MERGE")?;
    for clause in &tree.clauses {
        let plain = matches!(clause.clause_kind, MergeClauseKind::Matched | MergeClauseKind::NotMatched);
        refuse(!plain, &format!("WHEN {}", clause.clause_kind))?;
        let (matched, what) = match &clause.action {
            _ if is_nothing(clause) => continue,
            MergeAction::Insert(insert) => {
                refuse(insert.insert_predicate.is_some(), "INSERT … WHERE in MERGE")?;
                (false, "INSERT")
            }
            MergeAction::Update(update) => {
                refuse(
                    update.update_predicate.is_some() || update.delete_predicate.is_some(),
                    "UPDATE … WHERE in MERGE",
                )?;
                (true, "UPDATE")
            }
            MergeAction::Delete { .. } => (true, "DELETE"),
        };
        if matched != (clause.clause_kind == MergeClauseKind::Matched) {
            return Err(Error::syntax(what, text.len()).hint(format!("WHEN {} cannot {what}", clause.clause_kind)));
        }
    }
    let selection = Selection::of(&tree.table, with, text)?;
    Ok(Arc::new(Merge { selection, text: text.to_string(), tree }))
}

fn is_nothing(clause: &MergeClause) -> bool {
    let column = match &clause.action {
        MergeAction::Update(update) => update.assignments.first().map(|it| it.target.to_string()),
        MergeAction::Insert(insert) => insert.columns.first().map(ToString::to_string),
        MergeAction::Delete { .. } => None,
    };
    column.is_some_and(|column| column.trim_matches('"') == NOTHING)
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A MERGE whose rows are planned: places, the number of the clause, then for each clause that writes
/// the table's columns.
struct Bound {
    table: Arc<Table>,
    plan: Plan,
    /// For each clause that writes.
    assignments: Vec<Option<Assignment>>,
}

impl Merge {
    async fn bind(&self, session: &Session, context: Context, hints: &[Option<Type>]) -> Result<Bound> {
        let table = self.selection.target.table(&context, "merge into")?;
        writable(&context, &table, &self.selection.target)?;
        let query = self.query(&table)?;
        let zone = context.time_zone().to_string();
        let context = context.with_relation(TARGET, session.engine.lake.provider_with_positions(&table));
        let plan = session.engine.query.plan_with(&context, &query, &self.text, hints).await?;
        let (mut all, mut first) = (vec![], 3);
        for clause in &self.tree.clauses {
            if !writes(clause) {
                all.push(None);
                continue;
            }
            let fields = plan.schema().fields().iter().skip(first).take(table.columns.len());
            let schema = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
            let assignment = Assignment::new(&table, &table.columns, &schema, &zone)?;
            all.push(Some(assignment.checked(&session.engine.query, &context, &table).await?));
            first += table.columns.len();
        }
        Ok(Bound { table, plan, assignments: all })
    }

    fn query(&self, table: &Table) -> Result<AnyTree> {
        let mut query = template("SELECT 1 FROM source LEFT JOIN target AS target ON true")?;
        query.with = self.selection.with.clone();
        let mut items: Vec<Expr> = [FILE_COLUMN, POSITION_COLUMN].map(|name| self.selection.column(name)).into();
        items.push(self.clause(table));
        for (number, clause) in self.tree.clauses.iter().enumerate().filter(|(_, clause)| writes(clause)) {
            for value in self.values(clause, table)? {
                items.push(case(vec![(binary(self.clause(table), BinaryOperator::Eq, number_of(number)), value)]));
            }
        }
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Error::internal("must be a SELECT")) };
        let named = |(at, expr): (usize, Expr)| SelectItem::ExprWithAlias {
            expr,
            alias: Ident::with_quote('"', format!("value {at}")),
        };
        select.projection = items.into_iter().enumerate().map(named).collect();
        let Some(from) = select.from.first_mut() else { return Err(Error::internal("must be FROM a relation")) };
        from.relation = self.tree.source.clone();
        for join in &mut from.joins {
            if let TableFactor::Table { name, alias, .. } = &mut join.relation {
                *name = ObjectName::from(vec![Ident::with_quote('"', TARGET)]);
                *alias = alias.take().map(|alias| TableAlias { name: self.selection.alias.clone(), ..alias });
            }
            let on = JoinConstraint::On(self.tree.on.as_ref().clone());
            let unmatched = self.tree.clauses.iter().any(|it| it.clause_kind != MergeClauseKind::Matched);
            join.join_operator = if unmatched { JoinOperator::Left(on) } else { JoinOperator::Inner(on) };
        }
        let _ = query.visit(&mut Qualified { table, alias: &self.selection.alias });
        Ok(AnyTree::Query(Box::new(query)))
    }

    /// The number of the first clause that a pair of rows comes under.
    fn clause(&self, table: &Table) -> Expr {
        let file = || Box::new(self.selection.column(FILE_COLUMN));
        let clauses = self.tree.clauses.iter().enumerate().map(|(number, clause)| {
            let matched = match clause.clause_kind {
                MergeClauseKind::Matched => Expr::IsNotNull(file()),
                _ => Expr::IsNull(file()),
            };
            let condition = match &clause.predicate {
                Some(more) => {
                    let more = match clause.clause_kind {
                        MergeClauseKind::Matched => more.clone(),
                        _ => self.of_source(more, table),
                    };
                    binary(matched, BinaryOperator::And, Expr::Nested(Box::new(more)))
                }
                None => matched,
            };
            (condition, number_of(number))
        });
        case(clauses.collect())
    }

    /// An expression of rows that are not matched, where a bare name is a column of the source alone.
    fn of_source(&self, expr: &Expr, table: &Table) -> Expr {
        let mut expr = expr.clone();
        let source = match &self.tree.source {
            TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
                Some(alias.name.clone())
            }
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).cloned(),
            _ => None,
        };
        if let Some(source) = source {
            let _ = expr.visit(&mut Bare { source, table, depth: 0 });
        }
        expr
    }

    /// What a clause writes: a value for each of the table's columns.
    fn values(&self, clause: &MergeClause, table: &Table) -> Result<Vec<Expr>> {
        match &clause.action {
            MergeAction::Update(update) => {
                let mut values: Vec<_> =
                    table.columns.iter().map(|column| self.selection.column(&column.name)).collect();
                for (at, expr) in assignments(&update.assignments, table, &self.text)? {
                    values[at] = expr;
                }
                Ok(values)
            }
            MergeAction::Insert(insert) => self.inserted(insert, table),
            MergeAction::Delete { .. } => Ok(vec![]),
        }
    }

    fn inserted(&self, insert: &MergeInsertExpr, table: &Table) -> Result<Vec<Expr>> {
        let MergeInsertKind::Values(values) = &insert.kind else {
            return Err(Error::unsupported("INSERT ROW in MERGE is not supported"));
        };
        let [row] = values.rows.as_slice() else {
            return Err(Error::new(Kind::Syntax, "INSERT of MERGE takes one row"));
        };
        let mut positions: Vec<usize> = vec![];
        for name in &insert.columns {
            let column = name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
            let at = position(table, &column).map_err(|error| error.at(offset(&self.text, name)))?;
            if positions.contains(&at) {
                let message = format!("column \"{column}\" specified more than once");
                return Err(Error::new(Kind::DuplicateColumn, message).at(offset(&self.text, name)));
            }
            positions.push(at);
        }
        if insert.columns.is_empty() {
            positions = (0..table.columns.len()).collect();
        }
        let at = row.content.first().and_then(|expr| offset(&self.text, expr));
        if row.content.len() > positions.len() {
            return Err(Error::new(Kind::Syntax, "INSERT has more expressions than target columns").at(at));
        }
        if row.content.len() < positions.len() && !insert.columns.is_empty() {
            return Err(Error::new(Kind::Syntax, "INSERT has more target columns than expressions").at(at));
        }
        let mut all = table.columns.iter().map(default).collect::<Result<Vec<_>>>()?;
        for (expr, at) in row.content.iter().zip(positions) {
            let mut expr = self.of_source(expr, table);
            typed(&mut expr, &table.columns[at])?;
            all[at] = expr;
        }
        Ok(all)
    }
}

/// Gives columns that both sides have the name of the source.
struct Bare<'a> {
    source: Ident,
    table: &'a Table,
    /// Queries around the node; a bare name in a subquery may be one of its own.
    depth: usize,
}

impl VisitorMut for Bare<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr
            && self.depth == 0
            && self.table.column(&folded(name)).is_some()
        {
            *expr = Expr::CompoundIdentifier(vec![self.source.clone(), name.clone()]);
        }
        ControlFlow::Continue(())
    }
}

impl Statement for Merge {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let bound = self.bind(session, session.context(), hints).await?;
        Ok(Description { parameters: bound.plan.parameters().to_vec(), columns: None })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let context = in_turn(session, &self.selection.target).await?;
        let Bound { table, plan, assignments } = self.bind(session, context, &types(parameters)).await?;
        let engine = &session.engine;
        let mut rows = engine.query.run(&plan, parameters, session.cancel.clone()).await?;
        let mut writer = engine.lake.writer(&table);
        let (schema, width, mut positions, mut count) = (table.schema(), table.columns.len(), Positions::default(), 0);
        while let Some(batch) = rows.next().await {
            let (batch, mut first) = (batch?, 3);
            for (number, assignment) in assignments.iter().enumerate() {
                let clause = &self.tree.clauses[number];
                let rows = of_clause(&batch, number)?;
                if is_nothing(clause) {
                    continue;
                }
                if clause.clause_kind == MergeClauseKind::Matched {
                    once(&mut positions, &rows)?;
                }
                count += rows.num_rows();
                if let Some(assignment) = assignment {
                    writer.write(&assignment.batch(&schema, &rows.columns()[first..first + width])?).await?;
                    first += width;
                }
            }
        }
        let files = writer.finish().await?;
        if count > 0 {
            let deletes = engine.lake.delete(&table, &positions).await?;
            let name = table.name.clone();
            let changes = vec![
                Change::Expect { table: table.clone(), rows: false },
                Change::DeleteRows { table: name.clone(), deletes },
                Change::AppendFiles { table: name, files },
            ];
            session.write(&table, changes, "MERGE").await?;
        }
        Ok(Response::Done { tag: format!("MERGE {count}") })
    }
}

/// The rows that come under a clause.
fn of_clause(batch: &RecordBatch, number: usize) -> Result<RecordBatch> {
    let clauses = batch.columns().get(2).and_then(|column| column.as_primitive_opt::<Int32Type>());
    let clauses = clauses.ok_or_else(|| Error::internal("the number of a clause must be an integer"))?;
    let here = clauses.iter().map(|clause| Some(clause == Some(number as i32)));
    Ok(filter_record_batch(batch, &BooleanArray::from_iter(here))?)
}

/// Adds the places of rows that change; each may do so once.
fn once(positions: &mut Positions, batch: &RecordBatch) -> Result<()> {
    let column = |at: usize| batch.columns().get(at).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(files), Some(places)) = (column(0), column(1)) else {
        return Err(Error::internal("rows to change must have places"));
    };
    let value = |array: &Int64Array, row: usize| array.is_valid(row).then(|| array.value(row));
    for row in 0..batch.num_rows() {
        let (Some(file), Some(place)) = (value(files, row), value(places, row)) else { continue };
        if !positions.add(file, place as u64) {
            let message = "MERGE command cannot affect row a second time";
            let hint = "Ensure that not more than one source row matches any one target row.";
            return Err(Error::new(Kind::CardinalityViolation, message).hint(hint.to_string()));
        }
    }
    Ok(())
}

fn writes(clause: &MergeClause) -> bool {
    !is_nothing(clause) && !matches!(clause.action, MergeAction::Delete { .. })
}

fn number_of(clause: usize) -> Expr {
    Expr::value(Value::Number(clause.to_string(), false))
}

fn case(conditions: Vec<(Expr, Expr)>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: conditions.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: None,
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

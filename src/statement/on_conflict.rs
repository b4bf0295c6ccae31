//! `INSERT … ON CONFLICT`: rows that meet others by a unique key are left out, or change those.

use super::assignment::Assignment;
use super::selection::{Selection, first_of};
use super::target::{folded, ident_offset};
use super::update::assignments;
use super::{Session, returning};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Rule, Table};
use crate::lake::{Fate, Positions};
use crate::query::{Context, Plan};
use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ConflictTarget, DoUpdate, Expr, Ident, ObjectName, OnConflict as Tree, OnConflictAction, SetExpr,
    Statement as AnyTree, TableFactor, TableWithJoins,
};
use std::sync::Arc;

/// The rows that were to be inserted and met others; no user can type it.
const PROPOSED: &str = "\u{1}proposed";
const MET_FILE: &str = "\u{1}file";
const MET_POSITION: &str = "\u{1}position";

/// The clause of an INSERT into `table`.
pub struct OnConflict<'a> {
    tree: &'a Tree,
    selection: &'a Selection,
    text: &'a str,
    pub table: Arc<Table>,
    /// Columns of the keys by which rows meet, with whether NULLs differ.
    keys: Vec<(Vec<String>, bool)>,
}

/// What the rows of an INSERT turned out to be.
pub struct Settled {
    pub new: Vec<RecordBatch>,
    pub changed: Vec<RecordBatch>,
    /// The rows that were changed, as they were.
    pub positions: Positions,
}

impl<'a> OnConflict<'a> {
    pub fn new(tree: &'a Tree, selection: &'a Selection, text: &'a str, table: Arc<Table>) -> Result<OnConflict<'a>> {
        let keys = keys(tree, text, &table)?;
        if tree.conflict_target.is_none() && matches!(tree.action, OnConflictAction::DoUpdate(_)) {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            return Err(Error::new(Kind::Syntax, message).hint("for example, ON CONFLICT (column_name)".to_string()));
        }
        Ok(OnConflict { tree, selection, text, table, keys })
    }

    fn update(&self) -> Option<&DoUpdate> {
        match &self.tree.action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => Some(update),
        }
    }

    /// Plans the change of the rows of `table`, which has only the files that matter, that were met by `proposed`.
    pub async fn plan(
        &self,
        session: &Session,
        context: &Context,
        (table, proposed): (&Arc<Table>, Vec<RecordBatch>),
        types: &[Option<Type>],
    ) -> Result<Option<(Plan, Assignment)>> {
        let Some(update) = self.update() else { return Ok(None) };
        let mut values: Vec<_> = table.columns.iter().map(|column| self.selection.column(&column.name)).collect();
        for (at, expr) in assignments(&update.assignments, table, self.text)? {
            values[at] = expr;
        }
        let proposed = Arc::new(MemTable::try_new(self.proposed_schema(), vec![proposed])?);
        let query = self.query(values, update.selection.as_ref(), table)?;
        let context = context.clone().with_relation(PROPOSED, proposed as Arc<dyn TableProvider>);
        let zone = context.time_zone().to_string();
        let context = self.selection.context(context, &session.engine.lake, table);
        let plan = session.engine.query.plan_with(&context, &query, self.text, types).await?;
        let fields: Vec<_> = plan.schema().fields().iter().skip(2).cloned().collect();
        let assignment = Assignment::new(table, &table.columns, &Arc::new(Schema::new(fields)), &zone)?;
        let assignment = assignment.checked(&session.engine.query, &context, table).await?;
        Ok(Some((plan, assignment)))
    }

    /// `SELECT place, values FROM table, proposed AS excluded WHERE place = the place it met AND condition`
    fn query(&self, values: Vec<Expr>, condition: Option<&Expr>, table: &Table) -> Result<AnyTree> {
        let AnyTree::Query(query) = crate::base::sql::parse_statement("SELECT 1 FROM proposed AS excluded")? else {
            return Err(Error::internal("a template must be a query"));
        };
        let mut others: Vec<TableWithJoins> = match *query.body {
            SetExpr::Select(select) => select.from,
            _ => vec![],
        };
        for other in &mut others {
            if let TableFactor::Table { name, .. } = &mut other.relation {
                *name = ObjectName::from(vec![Ident::with_quote('"', PROPOSED)]);
            }
        }
        let excluded =
            |name: &str| Expr::CompoundIdentifier(vec![Ident::new("excluded"), Ident::with_quote('"', name)]);
        let places = [(crate::lake::FILE_COLUMN, MET_FILE), (crate::lake::POSITION_COLUMN, MET_POSITION)];
        let met = places.map(|(own, met)| binary(self.selection.column(own), BinaryOperator::Eq, excluded(met)));
        let condition = condition.map(|condition| Expr::Nested(Box::new(condition.clone())));
        let all = met.into_iter().chain(condition).reduce(|one, other| binary(one, BinaryOperator::And, other));
        self.selection.query(values, &others, all.as_ref(), table)
    }

    fn proposed_schema(&self) -> SchemaRef {
        let own = self.table.columns.iter().map(|column| column.field().with_nullable(true));
        let places = [MET_FILE, MET_POSITION].map(|name| Field::new(name, DataType::Int64, false));
        Arc::new(Schema::new(own.chain(places).collect::<Vec<_>>()))
    }

    /// Parts the rows into those that are new and what becomes of those that are there.
    pub async fn settle(
        &self,
        session: &Session,
        context: &Context,
        batches: Vec<RecordBatch>,
        parameters: &[ScalarValue],
    ) -> Result<Settled> {
        let lake = &session.engine.lake;
        let fates = lake.fates(&self.table, &self.keys, &batches).await?;
        let (mut new, mut proposed, mut row) = (vec![], vec![], 0);
        for batch in batches {
            let fates = &fates[row..row + batch.num_rows()];
            row += batch.num_rows();
            let is_new = BooleanArray::from_iter(fates.iter().map(|fate| Some(*fate == Fate::New)));
            new.push(filter_record_batch(&batch, &is_new)?);
            proposed.push(self.met(&batch, fates)?);
        }
        let mut settled = Settled { new, changed: vec![], positions: Positions::default() };
        if self.update().is_none() || fates.iter().all(|fate| *fate == Fate::New) {
            return Ok(settled);
        }
        if fates.contains(&Fate::Earlier) {
            let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            let hint =
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.";
            return Err(Error::new(Kind::CardinalityViolation, message).hint(hint.to_string()));
        }
        let mut table = (*self.table).clone();
        table.files.retain(|file| fates.iter().any(|fate| matches!(fate, Fate::Existing(id, _) if *id == file.id)));
        let types = returning::types(parameters);
        let planned = self.plan(session, context, (&Arc::new(table), proposed), &types).await?;
        let Some((plan, assignment)) = planned else { return Ok(settled) };
        let values = &parameters[..plan.parameters().len().min(parameters.len())];
        let mut rows = session.engine.query.run(&plan, values, session.cancel.clone()).await?;
        while let Some(batch) = rows.next().await {
            let batch = first_of(&mut settled.positions, batch?)?;
            settled.changed.push(assignment.batch(&self.table.schema(), &batch.columns()[2..])?);
        }
        Ok(settled)
    }

    /// The rows that met others, with the places of those.
    fn met(&self, batch: &RecordBatch, fates: &[Fate]) -> Result<RecordBatch> {
        let place = |fate: &Fate| match fate {
            Fate::Existing(file, position) => (*file, *position as i64),
            Fate::New | Fate::Earlier => (0, 0),
        };
        let files: ArrayRef = Arc::new(fates.iter().map(|fate| place(fate).0).collect::<Int64Array>());
        let positions: ArrayRef = Arc::new(fates.iter().map(|fate| place(fate).1).collect::<Int64Array>());
        let columns = batch.columns().iter().cloned().chain([files, positions]).collect();
        let all = RecordBatch::try_new(self.proposed_schema(), columns)?;
        let met = fates.iter().map(|fate| Some(matches!(fate, Fate::Existing(..))));
        Ok(filter_record_batch(&all, &BooleanArray::from_iter(met))?)
    }
}

/// The unique keys that the clause speaks of.
fn keys(tree: &Tree, text: &str, table: &Table) -> Result<Vec<(Vec<String>, bool)>> {
    let all = table.rules.keys();
    match &tree.conflict_target {
        None => Ok(all.iter().map(|key| (key.columns.to_vec(), key.nulls_distinct)).collect()),
        Some(ConflictTarget::OnConstraint(name)) => {
            let name = name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
            let found = all.iter().find(|key| key.name == name && !key.index);
            let found = found.map(|key| (key.columns.to_vec(), key.nulls_distinct));
            found.map(|key| vec![key]).ok_or_else(|| match table.rules.constraint(&name).map(|it| &it.rule) {
                Some(Rule::Check { .. } | Rule::ForeignKey { .. }) => {
                    Error::new(Kind::WrongObjectType, "constraint in ON CONFLICT clause has no associated index")
                }
                _ => {
                    let message = format!("constraint \"{name}\" for table \"{}\" does not exist", table.name.name);
                    Error::new(Kind::UndefinedObject, message)
                }
            })
        }
        Some(ConflictTarget::Columns(columns)) => {
            let mut names = vec![];
            for column in columns {
                let name = folded(column);
                if table.column(&name).is_none() {
                    let message = format!("column \"{name}\" does not exist");
                    return Err(Error::new(Kind::UndefinedColumn, message).at(ident_offset(text, column)));
                }
                names.push(name);
            }
            let same =
                |key: &[String]| key.iter().all(|it| names.contains(it)) && names.iter().all(|name| key.contains(name));
            let found: Vec<_> = all.iter().filter(|key| same(key.columns)).collect();
            let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
            let none = || Error::new(Kind::InvalidColumnReference, message);
            found.first().map(|key| vec![(key.columns.to_vec(), key.nulls_distinct)]).ok_or_else(none)
        }
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

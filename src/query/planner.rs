//! From a statement's tree to a plan.

use super::functions::Functions;
use super::models::Models;
use super::names::Names;
use super::places::Places;
use super::relations::named;
use super::system::{self, Shapes, Signature, System};
use super::{Context, Explain, Plan, References, called, errors, meaning, output, parameters, rewrite, unfolded};
use crate::base::{Error, Kind, Name, Result, Type, sql};
use crate::catalog::{Live, Model, View, temporary};
use crate::connect::Connections;
use crate::lake::Lake;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::ContextProvider;
use datafusion::sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{DescribeAlias, Expr, Statement};
use futures::future::BoxFuture;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Views inside views that a query may go through.
const VIEW_DEPTH_MAX: usize = 32;
/// Steps of a view's plan, everything inside it expanded.
const VIEW_STEPS_MAX: usize = 5_000;

/// Everything that statements are planned with.
#[derive(Debug)]
pub struct Planner {
    pub state: Arc<SessionState>,
    pub functions: Arc<Functions>,
    pub system: Arc<System>,
    pub catalog: Arc<Live>,
    pub lake: Arc<Lake>,
    pub connections: Arc<Connections>,
    pub models: Models,
}

impl Planner {
    /// Plans a query or the EXPLAIN of one.
    pub async fn plan(
        self: &Arc<Self>,
        context: Arc<Context>,
        statement: Statement,
        text: &str,
        hints: &[Option<Type>],
    ) -> Result<Plan> {
        let (explain, statement) = match statement {
            Statement::Explain {
                describe_alias: DescribeAlias::Explain,
                analyze,
                verbose,
                statement,
                query_plan,
                estimate,
                format,
                options,
            } => {
                let explain = Explain::read(analyze, verbose, query_plan || estimate || format.is_some(), options)?;
                (Some(explain), *statement)
            }
            other => (None, other),
        };
        let plan = self.query(context, statement, text, hints, &[]).await?;
        Ok(match explain {
            Some(explain) => explain.of(plan),
            None => plan,
        })
    }

    async fn query(
        self: &Arc<Self>,
        context: Arc<Context>,
        mut statement: Statement,
        text: &str,
        hints: &[Option<Type>],
        views: &[Name],
    ) -> Result<Plan> {
        if !matches!(statement, Statement::Query(_)) {
            return Err(Error::new(Kind::WrongObjectType, "this statement is not a query")
                .hint("only SELECT, VALUES and WITH … SELECT give rows here".to_string()));
        }
        let places = Places::new(text);
        unfolded::check(&statement, &places)?;
        called::check(&statement, &self.functions, &places)?;
        system::rewrite(&mut statement, &context)?;
        let rewritten = rewrite::rewrite(&context, &self.models, &places, hints, &mut statement)?;
        let (sources, mut references) =
            self.relations(&context, &statement, &rewritten.versions, &places, views).await?;
        references.models.extend(rewritten.calls.iter().map(|call| call.model.used.clone()));
        references.momentary |= rewritten.momentary || !rewritten.versions.is_empty();
        let wanted = parameters::wanted(&statement, &rewritten.parameters)?;
        let inference = rewritten.inference.clone();
        let names = Names::new(self, &context, rewritten, sources);
        let planned = |types: &[Option<Type>]| self.logical(&names, statement.clone(), types);
        let located = |error| errors::located(error, &statement, &places);
        let (logical, parameters) = match wanted.is_empty() {
            true => (planned(&[]).map_err(located)?, vec![]),
            false => {
                let first = planned(&wanted).map_err(located)?;
                let types = parameters::inferred(&first, wanted, &inference)?;
                let hints: Vec<_> = types.iter().cloned().map(Some).collect();
                (planned(&hints).map_err(located)?, types)
            }
        };
        only_reads(&logical)?;
        let options = self.state.config_options();
        let logical = self.state.analyzer().execute_and_check(logical, options, |_, _| {}).map_err(located)?;
        let (logical, schema) = output::shaped(logical)?;
        Ok(Plan { logical, schema, parameters, references, context, explain: None, physical: Arc::default() })
    }

    fn logical(
        &self,
        names: &Names,
        statement: Statement,
        types: &[Option<Type>],
    ) -> datafusion::error::Result<LogicalPlan> {
        let fields = types.iter().map(|ty| ty.as_ref().map(|ty| Arc::new(ty.field("parameter", true)))).collect();
        let mut context = PlannerContext::new().with_prepare_param_data_types(fields);
        meaning::applied(planning(names).sql_statement_to_plan_with_context(statement, &mut context)?)
    }

    /// Plans a view by what its names mean now.
    pub(super) fn view<'a>(
        self: &'a Arc<Self>,
        context: &'a Arc<Context>,
        view: &'a View,
        views: &'a [Name],
    ) -> Pin<Box<dyn Future<Output = Result<Plan>> + Send + 'a>> {
        Box::pin(async move {
            if views.contains(&view.name) {
                return Err(Error::new(
                    Kind::InvalidDefinition,
                    format!("infinite recursion detected in view \"{}\"", view.name),
                ));
            }
            if views.len() >= VIEW_DEPTH_MAX {
                return Err(Error::new(Kind::TooComplex, format!("view \"{}\" is nested too deeply", view.name))
                    .detail(format!("the limit is {VIEW_DEPTH_MAX} views inside each other")));
            }
            let inside = |error: Error| Error {
                offset: None,
                detail: Some(match error.detail {
                    Some(detail) => format!("{detail}, in view \"{}\"", view.name),
                    None => format!("in view \"{}\"", view.name),
                }),
                ..error
            };
            let statement = sql::parse_statement(&view.sql).map_err(inside)?;
            let chain: Vec<_> = views.iter().cloned().chain([view.name.clone()]).collect();
            let context = Arc::new(view_context(context, view));
            let plan = self.query(context, statement, &view.sql, &[], &chain).await.map_err(inside)?;
            let plan = plan.renamed(&view.column_aliases).map_err(inside)?;
            match steps(&plan.logical)? {
                steps if steps > VIEW_STEPS_MAX => {
                    Err(Error::new(Kind::TooComplex, format!("view \"{}\" is too large when expanded", view.name)))
                }
                _ => Ok(plan),
            }
        })
    }

    /// The value of an expression without columns.
    pub(super) fn constant<'a>(
        self: &'a Arc<Self>,
        context: &'a Arc<Context>,
        expr: Expr,
    ) -> Pin<Box<dyn Future<Output = Result<datafusion::common::ScalarValue>> + Send + 'a>> {
        Box::pin(async move {
            let statement = super::expression::select(vec![expr], None);
            let plan = self.query(context.clone(), statement, "", &[], &[]).await?;
            super::expression::single(&self.state, plan).await
        })
    }

    pub(super) fn system_schema(
        self: &Arc<Self>,
        context: &Arc<Context>,
        name: &str,
    ) -> Option<Arc<dyn SchemaProvider>> {
        let shapes: Arc<dyn Shapes> = Arc::new(Shaper(self.clone()));
        self.system.schema(name, context, &shapes)
    }

    /// What a statement reads, writes and calls.
    pub(super) async fn references(self: &Arc<Self>, context: Arc<Context>, text: &str) -> Result<References> {
        let mut statement = sql::parse_statement(text)?;
        let writes = super::references::targets(&statement);
        let places = Places::new(text);
        system::rewrite(&mut statement, &context)?;
        let rewritten = rewrite::rewrite(&context, &self.models, &places, &[], &mut statement)?;
        let mut references = References { writes: writes.iter().cloned().collect(), ..References::default() };
        references.models.extend(rewritten.calls.iter().map(|call| call.model.used.clone()));
        let mut targets = writes;
        for named in named(&statement) {
            if let Some(at) = targets.iter().position(|target| *target == named.parts) {
                targets.remove(at);
                continue;
            }
            let found = match named.parts.as_slice() {
                [name] if rewritten.versions.contains_key(name) => self.past(&context, &rewritten.versions[name]).await,
                parts => self.relation(&context, parts, &[]).await,
            };
            references.include(found.map_err(|error| error.at(places.offset(named.at)))?.references);
        }
        Ok(references)
    }
}

/// Lets the system catalog ask for shapes.
#[derive(Debug)]
struct Shaper(Arc<Planner>);

impl Shapes for Shaper {
    fn view<'a>(&'a self, context: &'a Context, view: &'a View) -> BoxFuture<'a, Result<SchemaRef>> {
        Box::pin(async move {
            let context = Arc::new(context.clone());
            Ok(self.0.view(&context, view, &[]).await?.schema().clone())
        })
    }

    fn model(&self, _: &Context, model: &Model) -> Result<Signature> {
        let version = model.versions.last().ok_or_else(|| Error::internal("a model must have a version"))?;
        let scorer = self.0.models.0.get(version)?;
        let inputs = scorer.inputs().into_iter().filter(|input| input.used);
        Ok(Signature {
            inputs: inputs.map(|input| (input.name, Type::from_arrow(&input.data_type))).collect(),
            output: Type::from_arrow(&scorer.output(super::models::Answer::Value)?),
        })
    }
}

/// DataFusion's planner with Postgres' habits.
pub(super) fn planning<P: ContextProvider>(names: &P) -> SqlToRel<'_, P> {
    let options = ParserOptions {
        parse_float_as_decimal: true,
        enable_ident_normalization: true,
        support_varchar_with_length: true,
        enable_options_value_normalization: false,
        collect_spans: true,
        map_string_types_to_utf8view: false,
        default_null_ordering: NullOrdering::NullsMax,
    };
    SqlToRel::new_with_options(names, options)
}

/// A view sees neither the steps of a run nor what the run knows.
fn view_context(context: &Context, view: &View) -> Context {
    let mut search_path = vec![view.name.schema.clone()];
    // A view for everybody means nothing of this session's own.
    let hidden = |schema: &str| schema == view.name.schema || schema == temporary::SCHEMA;
    search_path.extend(context.search_path.iter().filter(|schema| !hidden(schema)).cloned());
    let (relations, reads) = (Default::default(), Default::default());
    Context { relations, reads, run: None, search_path, ..context.clone() }
}

/// Queries read; what does more is planned by the statements that do it.
fn only_reads(plan: &LogicalPlan) -> Result<()> {
    let mut reads = true;
    plan.apply_with_subqueries(|node| {
        reads &= !matches!(
            node,
            LogicalPlan::Dml(_) | LogicalPlan::Ddl(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_)
        );
        Ok(if reads { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    if reads { Ok(()) } else { Err(Error::unsupported("this statement is not a query")) }
}

fn steps(plan: &LogicalPlan) -> Result<usize> {
    let mut steps = 0;
    plan.apply(|_| {
        steps += 1;
        Ok(if steps > VIEW_STEPS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(steps)
}

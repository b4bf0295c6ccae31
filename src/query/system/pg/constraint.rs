//! Constraints and indexes of managed tables.

use crate::base::quote_identifier;
use crate::catalog::{self, Action, Index, Rule, Snapshot, Subject, Table};
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;
use std::sync::Arc;

/// An index: by itself, or the one that a key stands on.
pub struct Indexed<'a> {
    pub oid: u32,
    pub table: &'a Arc<Table>,
    pub name: &'a str,
    pub method: &'a str,
    pub unique: bool,
    pub nulls_distinct: bool,
    pub primary: bool,
    /// As they are typed.
    pub elements: Vec<String>,
    pub condition: Option<&'a str>,
}

pub fn index_oid(table: &Table, name: &str) -> u32 {
    oid::of_name("index", &format!("{}.{name}", table.id))
}

fn constraint_oid(table: &Table, name: &str) -> u32 {
    oid::of_name("constraint", &format!("{}.{name}", table.id))
}

fn tables(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<Table>> {
    snapshot.relations.values().filter_map(|relation| match relation {
        catalog::Relation::Table(table) => Some(table),
        _ => None,
    })
}

/// All indexes of a table, those of constraints first.
pub fn indexes(table: &Arc<Table>) -> Vec<Indexed<'_>> {
    let keys = table.rules.keys().into_iter().filter(|key| !key.index).map(|key| Indexed {
        oid: index_oid(table, key.name),
        table,
        name: key.name,
        method: "btree",
        unique: true,
        nulls_distinct: key.nulls_distinct,
        primary: key.primary,
        elements: key.columns.iter().map(|column| quote_identifier(column)).collect(),
        condition: None,
    });
    let own = |index: &'_ Index| (index_oid(table, &index.name), index.elements.clone());
    let indexes = table.rules.indexes.iter().map(|index| Indexed {
        oid: own(index).0,
        table,
        name: &index.name,
        method: &index.method,
        unique: index.unique,
        nulls_distinct: index.nulls_distinct,
        primary: false,
        elements: own(index).1,
        condition: index.condition.as_deref(),
    });
    keys.chain(indexes).collect()
}

impl Indexed<'_> {
    /// The numbers of its columns; 0 for an expression.
    fn keys(&self) -> Vec<String> {
        let number = |element: &String| {
            let columns = &self.table.columns;
            let at = columns.iter().position(|column| quote_identifier(&column.name) == *element);
            at.map_or(0, |at| at + 1).to_string()
        };
        self.elements.iter().map(number).collect()
    }

    /// `CREATE UNIQUE INDEX name ON table USING btree (columns)`
    pub fn definition(&self, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let (name, elements) = (quote_identifier(self.name), self.elements.join(", "));
        let nulls = if self.nulls_distinct { "" } else { " NULLS NOT DISTINCT" };
        let condition = self.condition.map_or_else(String::new, |condition| format!(" WHERE ({condition})"));
        format!("CREATE {unique}INDEX {name} ON {table} USING {} ({elements}){nulls}{condition}", self.method)
    }
}

pub fn pg_index(scope: &Scope<'_>) -> Page {
    let rows = tables(&scope.objects.snapshot).flat_map(indexes).map(|index| {
        let count = index.elements.len();
        row![
            index.oid,
            oid::of_lake(index.table.id),
            count,
            count,
            index.unique,
            !index.nulls_distinct,
            index.primary,
            true,
            true,
            true,
            true,
            index.keys(),
            vec!["0".to_string(); count],
            vec!["0".to_string(); count],
            vec!["0".to_string(); count],
            index.condition,
        ]
    });
    Page::of(
        [
            "indexrelid",
            "indrelid",
            "indnatts",
            "indnkeyatts",
            "indisunique",
            "indnullsnotdistinct",
            "indisprimary",
            "indimmediate",
            "indisvalid",
            "indisready",
            "indislive",
            "indkey",
            "indcollation",
            "indclass",
            "indoption",
            "indpred",
        ],
        rows.collect::<Vec<_>>(),
    )
}

pub fn pg_indexes(scope: &Scope<'_>) -> Page {
    let rows = tables(&scope.objects.snapshot).flat_map(indexes).map(|index| {
        let name = &index.table.name;
        let table = format!("{}.{}", quote_identifier(&name.schema), quote_identifier(&name.name));
        row![&name.schema, &name.name, index.name, index.definition(&table)]
    });
    Page::of(["schemaname", "tablename", "indexname", "indexdef"], rows.collect::<Vec<_>>())
}

/// What is said of constraints, by their OIDs.
pub fn constraint_descriptions<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = (u32, &'a str)> {
    let snapshot = &scope.objects.snapshot;
    snapshot.comments.values().filter_map(|comment| {
        let Subject::Constraint(table, constraint) = &comment.subject else { return None };
        let table = snapshot.relation(table)?.table()?;
        Some((constraint_oid(table, constraint), comment.text.as_str()))
    })
}

pub fn pg_constraint(scope: &Scope<'_>) -> Page {
    let snapshot = &scope.objects.snapshot;
    let rows = tables(snapshot).flat_map(|table| {
        table.rules.constraints.iter().map(move |constraint| {
            let numbers = |columns: &[String], of: &Table| {
                let number = |name: &String| of.columns.iter().position(|column| column.name == *name);
                let numbers = columns.iter().filter_map(number).map(|at| (at + 1).to_string());
                numbers.collect::<Vec<_>>()
            };
            let own = || Cell::from(numbers(constraint.rule.columns(), table));
            let index = index_oid(table, &constraint.name);
            let (kind, index, other, key, other_key, text) = match &constraint.rule {
                Rule::PrimaryKey { .. } => ("p", index, 0, own(), Cell::Null, Cell::Null),
                Rule::Unique { .. } => ("u", index, 0, own(), Cell::Null, Cell::Null),
                Rule::Check { condition } => {
                    let columns = mentioned(condition, table);
                    ("c", 0, 0, numbers(&columns, table).into(), Cell::Null, condition.as_str().into())
                }
                Rule::ForeignKey { table: id, references, .. } => {
                    let parent = parent(snapshot, *id);
                    let known = parent.map(|parent| numbers(references, parent));
                    let same = |key: &catalog::Key<'_>| key.columns == references.as_slice();
                    let index = parent.and_then(|parent| {
                        parent.rules.keys().into_iter().find(same).map(|key| index_oid(parent, key.name))
                    });
                    ("f", index.unwrap_or(0), oid::of_lake(*id), own(), known.into(), Cell::Null)
                }
            };
            let foreign = kind == "f";
            let (on_update, on_delete) = actions(&constraint.rule);
            row![
                constraint_oid(table, &constraint.name),
                &constraint.name,
                oid::of_schema(snapshot, &table.name.schema),
                kind,
                true,
                oid::of_lake(table.id),
                index,
                other,
                if foreign { code(on_update) } else { " " },
                if foreign { code(on_delete) } else { " " },
                if foreign { "s" } else { " " },
                true,
                key,
                other_key,
                text,
            ]
        })
    });
    Page::of(
        [
            "oid",
            "conname",
            "connamespace",
            "contype",
            "convalidated",
            "conrelid",
            "conindid",
            "confrelid",
            "confupdtype",
            "confdeltype",
            "confmatchtype",
            "conislocal",
            "conkey",
            "confkey",
            "conbin",
        ],
        rows.collect::<Vec<_>>(),
    )
}

fn parent(snapshot: &Snapshot, id: i64) -> Option<&Arc<Table>> {
    tables(snapshot).find(|table| table.id == id)
}

/// Columns of a table that a condition speaks of.
pub fn mentioned(condition: &str, table: &Table) -> Vec<String> {
    let tokens = crate::base::sql::tokenize(condition).unwrap_or_default();
    let named = |name: &str| {
        tokens.iter().any(|token| match &token.token {
            crate::base::sql::Kinds::Word(word) if word.quote_style.is_some() => word.value == name,
            crate::base::sql::Kinds::Word(word) => word.value.to_lowercase() == name,
            _ => false,
        })
    };
    table.columns.iter().filter(|column| named(&column.name)).map(|column| column.name.clone()).collect()
}

/// `pg_get_constraintdef`: `FOREIGN KEY (a) REFERENCES p(id)`; `path` is where names need no schema.
pub fn constraint_definition(scope: &Scope<'_>, oid: u32, pretty: bool) -> Option<String> {
    let snapshot = &scope.objects.snapshot;
    let found = tables(snapshot).find_map(|table| {
        let constraint = table.rules.constraints.iter().find(|it| constraint_oid(table, &it.name) == oid);
        constraint.map(|constraint| (table, constraint))
    });
    let (_, constraint) = found?;
    let list = |columns: &[String]| columns.iter().map(|it| quote_identifier(it)).collect::<Vec<_>>().join(", ");
    Some(match &constraint.rule {
        Rule::PrimaryKey { columns } => format!("PRIMARY KEY ({})", list(columns)),
        Rule::Unique { columns, nulls_distinct: true } => format!("UNIQUE ({})", list(columns)),
        Rule::Unique { columns, .. } => format!("UNIQUE NULLS NOT DISTINCT ({})", list(columns)),
        Rule::Check { condition } if pretty => format!("CHECK ({condition})"),
        Rule::Check { condition } => format!("CHECK (({condition}))"),
        Rule::ForeignKey { columns, table, references, on_delete, on_update } => {
            let parent = scope.objects.relation(oid::of_lake(*table))?;
            let name = parent.shown(&scope.context.search_path);
            let acts =
                [("UPDATE", on_update), ("DELETE", on_delete)].into_iter().filter(|it| *it.1 != Action::NoAction);
            let acts: String = acts.map(|(event, action)| format!(" ON {event} {}", action.name())).collect();
            format!("FOREIGN KEY ({}) REFERENCES {name}({}){acts}", list(columns), list(references))
        }
    })
}

/// ON UPDATE and ON DELETE.
pub fn actions(rule: &Rule) -> (Action, Action) {
    match rule {
        Rule::ForeignKey { on_delete, on_update, .. } => (*on_update, *on_delete),
        _ => Default::default(),
    }
}

fn code(action: Action) -> &'static str {
    match action {
        Action::NoAction => "a",
        Action::Restrict => "r",
        Action::Cascade => "c",
    }
}

/// `pg_get_indexdef`, of the whole index or one of its columns.
pub fn index_definition(scope: &Scope<'_>, oid: u32, column: i64, pretty: bool) -> Option<String> {
    let index = tables(&scope.objects.snapshot).flat_map(indexes).find(|index| index.oid == oid)?;
    if let Ok(at @ 1..) = usize::try_from(column) {
        return index.elements.get(at - 1).cloned();
    }
    let path: &[String] = if pretty { &scope.context.search_path } else { &[] };
    let relation = scope.objects.relation(oid::of_lake(index.table.id))?;
    Some(index.definition(&relation.shown(path)))
}

pub fn pg_sequence(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.snapshot.sequences.values().map(|it| {
        let oid = oid::of_name("sequence", &it.uuid);
        row![oid, 20u32, it.start, it.increment, it.max, it.min, 1, it.cycle]
    });
    let columns = ["seqrelid", "seqtypid", "seqstart", "seqincrement", "seqmax", "seqmin", "seqcache", "seqcycle"];
    Page::of(columns, rows.collect::<Vec<_>>())
}

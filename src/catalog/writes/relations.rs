//! Schemas, tables and views: what DuckLake's tables say of them.

use super::files;
use crate::base::types::NUMERIC_DEFAULT;
use crate::base::{Name, Type};
use crate::catalog::{Column, Relation, Snapshot, Table, View};
use crate::store::{Value, Write};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds the rows, and returns DuckLake's words for what changed.
pub(super) fn relations(before: &Snapshot, after: &Snapshot, writes: &mut Vec<Write>) -> Vec<String> {
    let mut changes = Changes { before, after, writes, words: vec![] };
    let (old_tables, old_views) = differing(before, after);
    let (new_tables, new_views) = differing(after, before);
    for id in old_tables.keys().filter(|id| !new_tables.contains_key(id)) {
        changes.drop_table(*id);
    }
    for (id, view) in &old_views {
        if new_views.get(id) != Some(view) {
            changes.end_view(*id, !new_views.contains_key(id));
        }
    }
    changes.schemas();
    for (id, table) in &new_tables {
        changes.table(old_tables.get(id).copied(), table);
    }
    for (id, view) in &new_views {
        if old_views.get(id) != Some(view) {
            changes.begin_view(view);
        }
    }
    changes.words
}

type ById<'a, T> = BTreeMap<i64, &'a Arc<T>>;

/// Tables and views of `these` that `those` do not have in the same form.
fn differing<'a>(these: &'a Snapshot, those: &Snapshot) -> (ById<'a, Table>, ById<'a, View>) {
    let (mut tables, mut views) = (BTreeMap::new(), BTreeMap::new());
    for (name, relation) in &these.relations {
        match (relation, those.relations.get(name)) {
            (Relation::Table(this), Some(Relation::Table(that))) if Arc::ptr_eq(this, that) => {}
            (Relation::View(this), Some(Relation::View(that))) if Arc::ptr_eq(this, that) => {}
            (Relation::Table(this), _) => drop(tables.insert(this.id, this)),
            (Relation::View(this), _) => drop(views.insert(this.id, this)),
            (Relation::External(_), _) => {}
        }
    }
    (tables, views)
}

/// A commit that is being written down.
pub(super) struct Changes<'a> {
    before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    pub(super) writes: &'a mut Vec<Write>,
    pub(super) words: Vec<String>,
}

impl Changes<'_> {
    pub(super) fn now(&self) -> Value {
        self.after.lake.into()
    }

    pub(super) fn write(&mut self, sql: &'static str, values: impl Into<Vec<Value>>) {
        self.writes.push(Write::new(sql, values));
    }

    fn schemas(&mut self) {
        for (name, schema) in &self.before.schemas {
            if self.after.schemas.get(name).is_none_or(|kept| kept.id != schema.id) {
                self.words.push(format!("dropped_schema:{}", schema.id));
                self.write(
                    "UPDATE ducklake_schema SET end_snapshot = ? WHERE schema_id = ? AND end_snapshot IS NULL",
                    [self.now(), schema.id.into()],
                );
            }
        }
        for (name, schema) in &self.after.schemas {
            if self.before.schemas.get(name).is_none_or(|kept| kept.id != schema.id) {
                self.words.push(format!("created_schema:{}", quoted(name)));
                self.write(
                    "INSERT INTO ducklake_schema(schema_id, schema_uuid, begin_snapshot, schema_name, path, \
                     path_is_relative) VALUES (?, ?, ?, ?, ?, 1)",
                    [
                        schema.id.into(),
                        schema.uuid.as_str().into(),
                        self.now(),
                        name.as_str().into(),
                        schema.path.as_str().into(),
                    ],
                );
            }
        }
    }

    fn drop_table(&mut self, id: i64) {
        self.words.push(format!("dropped_table:{id}"));
        for sql in [
            "UPDATE ducklake_table SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            "UPDATE ducklake_column SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            "UPDATE ducklake_tag SET end_snapshot = ? WHERE object_id = ? AND end_snapshot IS NULL",
            "UPDATE ducklake_column_tag SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            "UPDATE ducklake_data_file SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            "UPDATE ducklake_delete_file SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            "UPDATE aqueduct_column SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
            END_RULES,
        ] {
            self.write(sql, [self.now(), id.into()]);
        }
    }

    fn table(&mut self, old: Option<&Arc<Table>>, new: &Arc<Table>) {
        let renamed = old.is_some_and(|old| old.name != new.name);
        if renamed {
            self.write(
                "UPDATE ducklake_table SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL",
                [self.now(), new.id.into()],
            );
        }
        if renamed || old.is_none() {
            self.words.push(format!("created_table:{}", full(&new.name)));
            self.begin_table(new);
        }
        let old_columns = old.map_or(&[][..], |old| &old.columns);
        let other_rules = old.map_or(!new.rules.is_empty(), |old| old.rules != new.rules);
        if old.is_some() && (old_columns != new.columns || other_rules) {
            self.words.push(format!("altered_table:{}", new.id));
        }
        if old_columns != new.columns {
            self.columns(new, old_columns);
        }
        if other_rules {
            self.rules(new);
        }
        if renamed || other_rules || old_columns != new.columns {
            self.write(
                "INSERT INTO ducklake_schema_versions(begin_snapshot, schema_version, table_id) VALUES (?, ?, ?)",
                [self.now(), self.after.schema_version.into(), new.id.into()],
            );
        }
        files::files(self, old, new);
    }

    fn rules(&mut self, table: &Table) {
        self.write(END_RULES, [self.now(), table.id.into()]);
        // Names and texts only: they are JSON in any case.
        let rules = serde_json::to_string(&table.rules).unwrap_or_default();
        if !table.rules.is_empty() {
            self.write(
                "INSERT INTO aqueduct_table(table_id, begin_snapshot, rules) VALUES (?, ?, ?)",
                [table.id.into(), self.now(), rules.into()],
            );
        }
    }

    fn begin_table(&mut self, table: &Table) {
        let schema = self.after.schemas.get(&table.name.schema);
        let (schema_id, path) = schema.map_or((0, table.folder.as_str()), |schema| {
            (schema.id, table.folder.strip_prefix(&schema.path).unwrap_or(&table.folder))
        });
        self.write(
            "INSERT INTO ducklake_table(table_id, table_uuid, begin_snapshot, schema_id, table_name, path, \
             path_is_relative) VALUES (?, ?, ?, ?, ?, ?, 1)",
            [
                table.id.into(),
                table.uuid.as_str().into(),
                self.now(),
                schema_id.into(),
                table.name.name.as_str().into(),
                path.into(),
            ],
        );
    }

    fn columns(&mut self, table: &Table, old: &[Column]) {
        for gone in old.iter().filter(|column| !table.columns.contains(column)) {
            for sql in [
                "UPDATE ducklake_column SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL \
                 AND (column_id = ? OR parent_column = ?)",
                "UPDATE aqueduct_column SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL \
                 AND (column_id = ? OR column_id = ?)",
            ] {
                self.write(sql, [self.now(), table.id.into(), gone.id.into(), gone.id.into()]);
            }
        }
        for column in table.columns.iter().filter(|column| !old.contains(column)) {
            self.column(table.id, column);
        }
    }

    fn column(&mut self, table: i64, column: &Column) {
        let default = column.default.as_deref().and_then(literal);
        let initial = column.initial.clone();
        self.ducklake_column(table, column.id, &column.name, &column.ty, (initial, default), column.nullable, None);
        if let Type::Array(element) = &column.ty {
            self.ducklake_column(table, column.id + 1, "element", element, (None, None), true, Some(column.id));
        }
        self.write(
            "INSERT INTO aqueduct_column(table_id, column_id, begin_snapshot, type, default_sql) \
             VALUES (?, ?, ?, ?, ?)",
            [
                table.into(),
                column.id.into(),
                self.now(),
                column.ty.to_string().into(),
                column.default.as_deref().into(),
            ],
        );
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn ducklake_column(
        &mut self,
        table: i64,
        id: i64,
        name: &str,
        ty: &Type,
        (initial, default): (Option<String>, Option<String>),
        nullable: bool,
        parent: Option<i64>,
    ) {
        let kind = if matches!(ty, Type::Array(_)) { "" } else { "literal" };
        self.write(
            "INSERT INTO ducklake_column(column_id, begin_snapshot, table_id, column_order, column_name, column_type, \
             initial_default, default_value, nulls_allowed, parent_column, default_value_type, default_value_dialect) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'duckdb')",
            [
                id.into(),
                self.now(),
                table.into(),
                id.into(),
                name.into(),
                ducklake_type(ty).into(),
                initial.as_deref().into(),
                default.unwrap_or_else(|| "NULL".into()).into(),
                nullable.into(),
                parent.into(),
                kind.into(),
            ],
        );
    }

    fn end_view(&mut self, id: i64, dropped: bool) {
        if dropped {
            self.words.push(format!("dropped_view:{id}"));
        }
        self.write(
            "UPDATE ducklake_view SET end_snapshot = ? WHERE view_id = ? AND end_snapshot IS NULL",
            [self.now(), id.into()],
        );
    }

    fn begin_view(&mut self, view: &View) {
        self.words.push(format!("created_view:{}", full(&view.name)));
        let schema = self.after.schemas.get(&view.name.schema).map_or(0, |schema| schema.id);
        let aliases = view.column_aliases.iter().map(|alias| quoted(alias)).collect::<Vec<_>>().join(",");
        self.write(
            "INSERT INTO ducklake_view(view_id, view_uuid, begin_snapshot, schema_id, view_name, dialect, sql, \
             column_aliases) VALUES (?, ?, ?, ?, ?, 'postgres', ?, ?)",
            [
                view.id.into(),
                view.uuid.as_str().into(),
                self.now(),
                schema.into(),
                view.name.name.as_str().into(),
                view.sql.as_str().into(),
                aliases.into(),
            ],
        );
    }
}

const END_RULES: &str = "UPDATE aqueduct_table SET end_snapshot = ? WHERE table_id = ? AND end_snapshot IS NULL";

/// DuckLake's word for a type, by what is in the file.
fn ducklake_type(ty: &Type) -> String {
    match ty {
        Type::Numeric(None) => Type::Numeric(Some(NUMERIC_DEFAULT)).ducklake(),
        ty => ty.ducklake(),
    }
}

/// The value of a default that is a plain literal; others only we can evaluate.
fn literal(sql: &str) -> Option<String> {
    let sql = sql.trim();
    if let Some(text) = sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        let text = text.replace("''", "\u{0}");
        return (!text.contains('\'')).then(|| text.replace('\u{0}', "'"));
    }
    let plain = sql.parse::<f64>().is_ok_and(f64::is_finite) || ["true", "false"].contains(&sql);
    plain.then(|| sql.to_string())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn full(name: &Name) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.name))
}

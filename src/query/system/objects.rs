//! Everything of a snapshot that has an OID, flat and easy to look up.

use super::declared::{self, Declared};
use super::page::Cell;
use super::{Shapes, Signature, aqueduct, oid, pg};
use crate::base::Type;
use crate::catalog::workflow::{Body, Target};
use crate::catalog::{self, Snapshot, Subject};
use crate::query::Context;
use datafusion::arrow::array::RecordBatch;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use tokio::sync::OnceCell;

/// What exists, with OIDs.
#[derive(Debug)]
pub struct Objects {
    pub snapshot: Arc<Snapshot>,
    /// OID and name, system schemas first.
    pub namespaces: Vec<(u32, String)>,
    pub relations: Vec<Arc<Relation>>,
    by_oid: HashMap<u32, usize>,
    shapes: OnceCell<Arc<Resolved>>,
    /// Tables that depend on nothing but the snapshot, once made.
    pub batches: Mutex<HashMap<(&'static str, &'static str, bool), RecordBatch>>,
}

/// A relation as `pg_class` tells of it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// As in `pg_class.relkind`.
    pub kind: char,
    /// `None` for a view: see [`Objects::columns`].
    pub columns: Option<Vec<Column>>,
    pub rows: Option<i64>,
    pub bytes: i64,
    pub about: Option<String>,
    /// A view's query.
    pub definition: Option<String>,
    /// Of external tables: `key=value`.
    pub options: Option<Vec<String>>,
    /// Of managed tables.
    pub rules: Option<Ruled>,
}

/// Which kinds of rules a table has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ruled {
    pub indexed: bool,
    pub checks: i64,
    /// Whether it refers to a table, or one to it.
    pub refers: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: Type,
    pub nullable: bool,
    pub default: Option<String>,
    pub about: Option<String>,
    /// Whether an identity column's values are ALWAYS generated.
    pub identity: Option<bool>,
}

/// What the planner found out about a snapshot.
#[derive(Debug, Default)]
pub struct Resolved {
    views: HashMap<u32, Vec<Column>>,
    pub models: BTreeMap<crate::base::Name, Signature>,
}

impl Relation {
    /// What grants on it are about.
    pub fn subject(&self) -> Subject {
        let name = crate::base::Name::new(&self.schema, &self.name);
        match self.kind {
            'S' => Subject::Sequence(name),
            'i' => Subject::Index(name),
            _ => Subject::Relation(name),
        }
    }
}

impl Objects {
    pub fn new(snapshot: &Arc<Snapshot>) -> Self {
        let mut namespaces: Vec<_> = super::SCHEMAS.iter().map(|name| (*name).to_string()).collect();
        namespaces.extend(snapshot.schemas.keys().filter(|name| !super::SCHEMAS.contains(&name.as_str())).cloned());
        let namespaces = namespaces.into_iter().map(|name| (oid::of_schema(snapshot, &name), name)).collect();
        let mut relations = system_relations().to_vec();
        let own = snapshot.relations.values().map(|relation| relation_of(snapshot, relation));
        let all =
            own.chain(snapshot.relations.values().flat_map(indexes)).chain(snapshot.sequences.values().map(sequence));
        relations.extend(all.map(|relation| Arc::new(described(snapshot, relation))));
        let by_oid = relations.iter().enumerate().map(|(at, relation)| (relation.oid, at)).collect();
        Objects {
            snapshot: snapshot.clone(),
            namespaces,
            relations,
            by_oid,
            shapes: OnceCell::new(),
            batches: Mutex::default(),
        }
    }

    /// Asks the planner for what the snapshot does not hold, once. A view that cannot be planned has no columns.
    pub async fn resolve(&self, context: &Context, shapes: &dyn Shapes, known: &Mutex<Known>) {
        let resolved = self.shapes.get_or_init(|| async {
            let fingerprint = self.fingerprint();
            if let Some((of, resolved)) = &*known.lock()
                && *of == fingerprint
            {
                return resolved.clone();
            }
            let resolved = Arc::new(self.ask(context, shapes).await);
            *known.lock() = Some((fingerprint, resolved.clone()));
            resolved
        });
        resolved.await;
    }

    pub fn is_resolved(&self) -> bool {
        self.shapes.initialized()
    }

    async fn ask(&self, context: &Context, shapes: &dyn Shapes) -> Resolved {
        let mut resolved = Resolved::default();
        for relation in self.snapshot.relations.values() {
            let catalog::Relation::View(view) = relation else { continue };
            if let Ok(schema) = shapes.view(context, view).await {
                let columns = schema.fields().iter().map(|field| {
                    let subject = Subject::Column(view.name.clone(), field.name().clone());
                    let about = self.snapshot.comment(&subject).map(String::from);
                    Column { about, ..Column::plain(field.name(), Type::of(field), true) }
                });
                resolved.views.insert(oid::of_lake(view.id), columns.collect());
            }
        }
        for model in self.snapshot.models.values() {
            if let Ok(signature) = shapes.model(context, model) {
                resolved.models.insert(model.name.clone(), signature);
            }
        }
        resolved
    }

    /// Of all that decides a view's columns: appending rows must not make us plan every view again.
    fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for relation in self.relations.iter().skip(system_relations().len()) {
            (relation.oid, &relation.schema, &relation.name, &relation.definition).hash(&mut hasher);
            for column in relation.columns.iter().flatten() {
                (&column.name, &column.ty, column.nullable).hash(&mut hasher);
            }
        }
        for model in self.snapshot.models.values() {
            model.name.hash(&mut hasher);
            model.versions.last().map(|version| (&version.sha256, version.version)).hash(&mut hasher);
        }
        self.snapshot.connections.keys().for_each(|name| name.hash(&mut hasher));
        self.snapshot.comments.values().for_each(|comment| (&comment.subject, &comment.text).hash(&mut hasher));
        hasher.finish()
    }

    /// The columns of a relation, a view's once they have been resolved.
    pub fn columns<'a>(&'a self, relation: &'a Relation) -> &'a [Column] {
        let resolved = || self.shapes.get().and_then(|resolved| resolved.views.get(&relation.oid));
        relation.columns.as_ref().or_else(resolved).map_or(&[], Vec::as_slice)
    }

    /// A model as a function, once it has been resolved.
    pub fn signature(&self, model: &crate::base::Name) -> Option<&Signature> {
        self.shapes.get()?.models.get(model)
    }

    pub fn relation(&self, oid: u32) -> Option<&Arc<Relation>> {
        self.relations.get(*self.by_oid.get(&oid)?)
    }

    /// The relation of a name, in the first schema of the path that has one when it is given without.
    pub fn relation_named(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<&Arc<Relation>> {
        let inside = |schema: &str| self.relations.iter().find(|it| it.schema == schema && it.name == name);
        match schema {
            Some(schema) => inside(schema),
            None => inside("pg_catalog").or_else(|| path.iter().find_map(|schema| inside(schema))),
        }
    }

    pub fn namespace(&self, oid: u32) -> Option<&str> {
        self.namespaces.iter().find(|(of, _)| *of == oid).map(|(_, name)| name.as_str())
    }
}

/// The last fingerprint and what was found for it.
pub type Known = Option<(u64, Arc<Resolved>)>;

impl Column {
    pub fn plain(name: &str, ty: Type, nullable: bool) -> Self {
        Column { name: name.to_string(), ty, nullable, default: None, about: None, identity: None }
    }
}

impl Relation {
    /// As one types it: without the schema when the search path leads there.
    pub fn shown(&self, path: &[String]) -> String {
        use crate::base::quote_identifier;
        let name = quote_identifier(&self.name);
        let bare = self.schema == "pg_catalog" || path.contains(&self.schema);
        if bare { name } else { format!("{}.{name}", quote_identifier(&self.schema)) }
    }

    pub fn schema_oid(&self, objects: &Objects) -> Cell {
        oid::of_schema(&objects.snapshot, &self.schema).into()
    }

    pub fn is_temporary(&self) -> bool {
        self.schema == catalog::temporary::SCHEMA
    }

    pub fn is_system(&self) -> bool {
        super::SCHEMAS.contains(&self.schema.as_str())
    }
}

fn system_relations() -> &'static [Arc<Relation>] {
    static ALL: LazyLock<Vec<Arc<Relation>>> = LazyLock::new(|| {
        let ours = aqueduct::views().iter().map(|view| &view.declared);
        ours.chain(declared::postgres()).map(|declared| Arc::new(system_relation(declared))).collect()
    });
    &ALL
}

fn system_relation(declared: &Declared) -> Relation {
    let columns = declared.columns.iter().map(|column| Column {
        about: column.about.clone(),
        ..Column::plain(&column.name, column.ty.clone(), column.nullable)
    });
    Relation {
        oid: declared.oid,
        schema: declared.schema.to_string(),
        name: declared.name.clone(),
        kind: declared.kind,
        columns: Some(columns.collect()),
        rows: None,
        bytes: 0,
        about: declared.about.clone(),
        definition: None,
        options: None,
        rules: None,
    }
}

fn relation_of(snapshot: &Snapshot, relation: &catalog::Relation) -> Relation {
    match relation {
        catalog::Relation::Table(table) => managed(snapshot, table),
        catalog::Relation::View(view) => {
            Relation { definition: Some(view.sql.clone()), ..bare(oid::of_lake(view.id), &view.name, 'v', None) }
        }
        catalog::Relation::External(external) => {
            let columns =
                external.columns.iter().map(|(name, ty, nullable)| Column::plain(name, ty.clone(), *nullable));
            let mut options = vec![format!("location={}", external.location), format!("format={}", external.format)];
            options.extend(external.options.iter().map(|(key, value)| format!("{key}={value}")));
            let oid = oid::of_name("external", &format!("{}.{}", external.name.schema, external.name.name));
            Relation { options: Some(options), ..bare(oid, &external.name, 'f', Some(columns.collect())) }
        }
    }
}

fn managed(snapshot: &Snapshot, table: &Arc<catalog::Table>) -> Relation {
    let columns = table.columns.iter().map(|column| Column {
        default: column.default.clone().filter(|_| !table.rules.identities.contains_key(&column.name)),
        identity: table.rules.identities.get(&column.name).copied(),
        ..Column::plain(&column.name, column.ty.clone(), column.nullable)
    });
    let bytes = |file: &Arc<catalog::DataFile>| file.bytes + file.deletes.as_ref().map_or(0, |deletes| deletes.bytes);
    let definition = materialized_view(snapshot, &table.name);
    let kind = if definition.is_some() { 'm' } else { 'r' };
    Relation {
        rows: Some(table.rows()),
        bytes: table.files.iter().map(bytes).sum(),
        rules: Some(Ruled {
            indexed: !pg::indexes(table).is_empty(),
            checks: table.rules.checks().count() as i64,
            refers: table.rules.foreign_keys().next().is_some() || snapshot.referring(table.id).next().is_some(),
        }),
        definition,
        ..bare(oid::of_lake(table.id), &table.name, kind, Some(columns.collect()))
    }
}

/// With what was said about it and its columns.
fn described(snapshot: &Snapshot, mut relation: Relation) -> Relation {
    if snapshot.comments.is_empty() {
        return relation;
    }
    let name = crate::base::Name::new(&relation.schema, &relation.name);
    let subject = if relation.kind == 'i' { Subject::Index(name.clone()) } else { Subject::Relation(name.clone()) };
    relation.about = snapshot.comment(&subject).map(String::from);
    for column in relation.columns.iter_mut().flatten() {
        let subject = Subject::Column(name.clone(), column.name.clone());
        column.about = snapshot.comment(&subject).map(String::from);
    }
    relation
}

fn sequence(sequence: &Arc<catalog::Sequence>) -> Relation {
    let columns = [("last_value", Type::Int8), ("log_cnt", Type::Int8), ("is_called", Type::Bool)];
    let columns = columns.map(|(name, ty)| Column::plain(name, ty, false)).to_vec();
    bare(oid::of_name("sequence", &sequence.uuid), &sequence.name, 'S', Some(columns))
}

/// The indexes of a table, relations of their own.
fn indexes(relation: &catalog::Relation) -> Vec<Relation> {
    let catalog::Relation::Table(table) = relation else { return vec![] };
    let relation = |index: pg::Indexed<'_>| {
        let column = |element: &String| {
            let known = table.columns.iter().find(|column| crate::base::quote_identifier(&column.name) == *element);
            let (name, ty) = known.map_or(("expr", Type::Text), |column| (column.name.as_str(), column.ty.clone()));
            Column::plain(name, ty, true)
        };
        let columns = index.elements.iter().map(column).collect();
        let name = crate::base::Name::new(&table.name.schema, index.name);
        bare(index.oid, &name, 'i', Some(columns))
    };
    pg::indexes(table).into_iter().map(relation).collect()
}

/// The query of the materialized view whose rows this table holds.
fn materialized_view(snapshot: &Snapshot, table: &crate::base::Name) -> Option<String> {
    let mut views = snapshot.workflows.values().filter(|workflow| workflow.materialized_view);
    let step = views.find_map(|workflow| {
        let step = workflow.steps.first()?;
        let here = step.target.as_ref().is_some_and(|target| *target == Target::Table(table.clone()));
        here.then_some(step)
    })?;
    match &step.body {
        Body::Query(query) => Some(query.text.clone()),
        Body::Statements(_) => None,
    }
}

fn bare(oid: u32, name: &crate::base::Name, kind: char, columns: Option<Vec<Column>>) -> Relation {
    Relation {
        oid,
        schema: name.schema.clone(),
        name: name.name.clone(),
        kind,
        columns,
        rows: None,
        bytes: 0,
        about: None,
        definition: None,
        options: None,
        rules: None,
    }
}

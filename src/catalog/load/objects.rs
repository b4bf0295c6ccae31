//! Models, connections, secrets, external tables, workflows.

use super::Source;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{
    Comment, Connection, External, Grant, Model, ModelVersion, Relation, Role, Secret, Sequence, Snapshot, Workflow,
};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Puts the objects that exist into the snapshot.
pub(super) async fn objects(source: &mut Source<'_>, snapshot: &mut Snapshot) -> Result<()> {
    let rows = source
        .rows(
            "SELECT kind, schema_name, name, version, body FROM aqueduct_object WHERE ended_at IS NULL \
             ORDER BY kind, schema_name, name, version",
            &[],
        )
        .await?;
    for row in &rows {
        let name = Name::new(row.text("schema_name")?, row.text("name")?);
        let body = row.text("body")?;
        match row.text("kind")? {
            "secret" => {
                let secret: Secret = read(&name, body)?;
                snapshot.secrets.insert(name.name, Arc::new(secret));
            }
            "connection" => {
                let connection: Connection = read(&name, body)?;
                snapshot.connections.insert(name.name, Arc::new(connection));
            }
            "external" => {
                let external: External = read(&name, body)?;
                snapshot.relations.insert(name, Relation::External(Arc::new(external)));
            }
            "sequence" => {
                let sequence: Sequence = read(&name, body)?;
                snapshot.sequences.insert(name, Arc::new(sequence));
            }
            "comment" => {
                let comment: Comment = read(&name, body)?;
                snapshot.comments.insert(comment.subject.clone(), Arc::new(comment));
            }
            "role" => {
                let role: Role = read(&name, body)?;
                snapshot.roles.insert(role.name.clone(), Arc::new(role));
            }
            "grant" => {
                let grant: Grant = read(&name, body)?;
                snapshot.grants.insert((grant.subject.clone(), grant.grantee.clone()), Arc::new(grant));
            }
            "model" => {
                let version: ModelVersion = read(&name, body)?;
                let model =
                    snapshot.models.entry(name.clone()).or_insert_with(|| Arc::new(Model { name, versions: vec![] }));
                Arc::make_mut(model).versions.push(version);
            }
            "workflow" => {
                let workflow: Workflow = read(&name, body)?;
                snapshot.workflows.insert(name, Arc::new(workflow));
            }
            other => return Err(Error::internal(format!("an object of kind \"{other}\" must be known"))),
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(name: &Name, body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(|error| {
        Error::new(Kind::DataCorrupted, format!("the store's definition of \"{name}\" cannot be read"))
            .detail(error.to_string())
    })
}

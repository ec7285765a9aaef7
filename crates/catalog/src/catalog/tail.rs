//! Whom a script's `tail_consumers` may name: Workers that are there, that the actor may see, and whose
//! default export has a `tail` handler. Looked at when they are sent, not later.

use serde_json::Value;

use super::{Actor, Catalog};
use crate::{CatalogError, Scope, ScriptRef, TailConsumer};

impl Catalog {
    /// `None`: the edit says nothing of them, or that there are none.
    ///
    /// # Errors
    /// [`CatalogError::TailConsumer`], [`CatalogError::Invalid`].
    pub(super) async fn tail_consumers_check(
        &self,
        actor: &Actor,
        at: &ScriptRef,
        sent: Option<&Value>,
    ) -> Result<(), CatalogError> {
        let Some(sent) = sent else { return Ok(()) };
        for consumer in TailConsumer::read(sent).map_err(CatalogError::Invalid)? {
            // A Worker may name itself before it exists; it never hears of its own tail handler.
            if consumer.service == at.name && consumer.namespace == at.namespace {
                continue;
            }
            let scope = match &consumer.namespace {
                None => Scope::Account,
                Some(name) => {
                    let found = self.storage.namespace_find(&actor.account, name).await?;
                    Scope::Namespace(found.ok_or_else(|| CatalogError::TailConsumer(consumer.to_string()))?.id)
                }
            };
            let row = self.storage.script_find(&actor.account, scope, &consumer.service).await?;
            // A narrow token names nothing beyond its scope: else it would call what it must not see.
            let row = row.filter(|row| actor.sees_account() || actor.may_see(&row.script));
            let row = row.ok_or_else(|| CatalogError::TailConsumer(consumer.to_string()))?;
            let version = row.deployed.as_deref().or(row.latest.as_deref());
            if !version.is_some_and(|version| version.handlers.iter().any(|handler| handler == "tail")) {
                let message = format!(
                    "the Worker {consumer} in tail_consumers has no tail handler: its default export must have one"
                );
                return Err(CatalogError::Invalid(message));
            }
        }
        Ok(())
    }
}

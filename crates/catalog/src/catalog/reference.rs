//! Whether a Worker may go: who else needs it (contract §3.4, `force`).

use super::{Actor, Catalog};
use crate::{CatalogError, Reference, Scope, ScriptRef, ScriptRow};

/// Of one Worker, looked up and shown.
const MOST: u32 = 100;
/// Named in a refusal.
const NAMED: usize = 10;

impl Catalog {
    /// Who else needs the script, by name, at most 100. Nobody needs one of a dispatch namespace: what
    /// dispatches to it looks it up by a name that comes with the request. A token of less than the account
    /// is shown none, since the others are beyond its scope.
    ///
    /// # Errors
    /// As [`Catalog::script_find`].
    pub async fn script_references(&self, actor: &Actor, script: &ScriptRef) -> Result<Vec<Reference>, CatalogError> {
        let row = self.row_of(actor, script).await?;
        if actor.sees_account() { self.references_to(&row).await } else { Ok(Vec::new()) }
    }

    /// # Errors
    /// [`CatalogError::InUse`], which names those whom the actor may see.
    pub(super) async fn unused_check(&self, actor: &Actor, row: &ScriptRow) -> Result<(), CatalogError> {
        let mut users: Vec<String> = self.references_to(row).await?.iter().map(Reference::to_string).collect();
        users.extend(self.namespaces_that_name(row).await?);
        if users.is_empty() {
            return Ok(());
        }
        let users = if actor.sees_account() {
            let more = users.len() > NAMED;
            users.truncate(NAMED);
            users.join(", ") + if more { ", and others" } else { "" }
        } else {
            "other Workers".to_owned()
        };
        Err(CatalogError::InUse(users))
    }

    /// Those whose outbound or inbound Worker it is.
    async fn namespaces_that_name(&self, row: &ScriptRow) -> Result<Vec<String>, CatalogError> {
        let Scope::Account = row.script.scope else { return Ok(Vec::new()) };
        let mut named = Vec::new();
        for namespace in self.storage.namespace_list(&row.script.account).await? {
            let settings = [("outbound", &namespace.settings.outbound), ("inbound", &namespace.settings.inbound)];
            for (what, worker) in settings {
                if worker.as_ref().is_some_and(|worker| worker.service == row.script.name) {
                    named.push(format!("the namespace {} ({what} Worker)", namespace.name));
                }
            }
        }
        Ok(named)
    }

    async fn references_to(&self, row: &ScriptRow) -> Result<Vec<Reference>, CatalogError> {
        let Scope::Account = row.script.scope else { return Ok(Vec::new()) };
        Ok(self.storage.script_references(&row.script, MOST).await?)
    }
}

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
        let references = self.references_to(row).await?;
        if references.is_empty() {
            return Ok(());
        }
        let users = if actor.sees_account() {
            let named: Vec<String> = references.iter().take(NAMED).map(Reference::to_string).collect();
            named.join(", ") + if references.len() > NAMED { ", and others" } else { "" }
        } else {
            "other Workers".to_owned()
        };
        Err(CatalogError::InUse(users))
    }

    async fn references_to(&self, row: &ScriptRow) -> Result<Vec<Reference>, CatalogError> {
        let Scope::Account = row.script.scope else { return Ok(Vec::new()) };
        Ok(self.storage.script_references(&row.script, MOST).await?)
    }
}

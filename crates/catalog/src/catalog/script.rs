//! Scripts: list, details, delete, content, tags (contract §§3.1, 3.2, 3.4, 3.7, 3.9).

use super::{Actor, Catalog, RETRIES, after, rules};
use crate::{
    BlobDigest, CatalogError, Code, NamespaceName, Scope, Script, ScriptFilter, ScriptId, ScriptName, ScriptRef,
    ScriptRow, StorageError, Tag, TokenScope,
};

/// One page of a list of scripts.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptPage {
    /// By name, bytewise. Their versions come without bindings ([`crate::Storage::script_list`]).
    pub rows: Vec<ScriptRow>,
    /// There are more, after this name.
    pub next: Option<ScriptName>,
}

/// Contract §1.4.
const MAX_PAGE: u32 = 1_000;

impl Catalog {
    /// The scripts of a namespace after a name, at most `limit` (1 to 1000, else the nearer of these).
    ///
    /// # Errors
    /// [`CatalogError::NamespaceNotFound`].
    pub async fn script_list(
        &self,
        actor: &Actor,
        namespace: &NamespaceName,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
        limit: u32,
    ) -> Result<ScriptPage, CatalogError> {
        let namespace = self.namespace_or_not_found(actor, namespace).await?;
        self.script_page(actor, Scope::Namespace(namespace.id), filter, after, limit).await
    }

    /// As [`Catalog::script_list`], of the account's own Workers.
    pub async fn script_list_account(
        &self,
        actor: &Actor,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
        limit: u32,
    ) -> Result<ScriptPage, CatalogError> {
        self.script_page(actor, Scope::Account, filter, after, limit).await
    }

    async fn script_page(
        &self,
        actor: &Actor,
        scope: Scope,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
        limit: u32,
    ) -> Result<ScriptPage, CatalogError> {
        let limit = limit.clamp(1, MAX_PAGE);
        // One more than asked for says whether there is a next page.
        let mut rows = match actor.scope {
            TokenScope::Script(id) => self.own_row(actor, scope, id, filter, after).await?,
            TokenScope::Namespace(id) if scope != Scope::Namespace(id) => Vec::new(),
            _ => self.storage.script_list(&actor.account, scope, filter, after, limit + 1).await?,
        };
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = if more { rows.last().map(|row| row.script.name.clone()) } else { None };
        Ok(ScriptPage { rows, next })
    }

    /// All that a script's token sees of a list: its script, if the list would show it.
    async fn own_row(
        &self,
        actor: &Actor,
        scope: Scope,
        id: ScriptId,
        filter: &ScriptFilter,
        after: Option<&ScriptName>,
    ) -> Result<Vec<ScriptRow>, CatalogError> {
        let own = self.storage.script_by_id(id).await?.filter(|script| {
            let tagged = |tag: &Tag| script.tags.contains(tag);
            script.scope == scope
                && after.is_none_or(|after| script.name > *after)
                && filter.with.iter().all(tagged)
                && !filter.without.iter().any(tagged)
        });
        let Some(own) = own else { return Ok(Vec::new()) };
        let row = self.storage.script_find(&actor.account, scope, &own.name).await?;
        Ok(row.into_iter().filter(|row| row.script.id == id).collect())
    }

    /// # Errors
    /// [`CatalogError::NamespaceNotFound`], then [`CatalogError::ScriptNotFound`]; so for every
    /// operation on one script.
    pub async fn script_find(&self, actor: &Actor, script: &ScriptRef) -> Result<ScriptRow, CatalogError> {
        self.row_of(actor, script).await
    }

    /// Its versions, deployments and secrets go with it.
    ///
    /// # Errors
    /// Without `force`, [`CatalogError::InUse`] when others need it.
    pub async fn script_delete(&self, actor: &Actor, script: &ScriptRef, force: bool) -> Result<(), CatalogError> {
        let row = self.row_of(actor, script).await?;
        if !force {
            self.unused_check(actor, &row).await?;
        }
        let versions = self.storage.version_list(row.script.id, u32::MAX).await?;
        let wake = self.wakeup.guard();
        if self.storage.script_delete(&[row.script.id]).await?.is_empty() {
            return Err(CatalogError::ScriptNotFound);
        }
        wake.done().await;
        let versions: Vec<_> = versions.iter().map(|version| version.id).collect();
        self.validator.forget(&versions).await;
        Ok(())
    }

    /// Deletes what the filter matches, by name, at most `limit` (1 to 1000). Returns the ids of the
    /// deleted, and whether more matched.
    pub async fn script_delete_by_filter(
        &self,
        actor: &Actor,
        namespace: &NamespaceName,
        filter: &ScriptFilter,
        limit: u32,
    ) -> Result<(Vec<ScriptId>, bool), CatalogError> {
        let page = self.script_list(actor, namespace, filter, None, limit).await?;
        let ids: Vec<_> = page.rows.iter().map(|row| row.script.id).collect();
        let wake = self.wakeup.guard();
        let deleted = self.storage.script_delete(&ids).await?;
        wake.done().await;
        Ok((deleted, page.next.is_some()))
    }

    /// The code in force (of a script that is not deployed, the newest), and its etag.
    ///
    /// # Errors
    /// [`CatalogError::VersionNotFound`] when it has none.
    pub async fn script_content(&self, actor: &Actor, script: &ScriptRef) -> Result<(Code, BlobDigest), CatalogError> {
        let row = self.row_of(actor, script).await?;
        let version = row.deployed.or(row.latest).ok_or(CatalogError::VersionNotFound)?;
        let etag = version.code.digest();
        Ok((self.code_load(&version.code).await?, etag))
    }

    /// Replaces all tags; returns the new ones.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for more than 8.
    pub async fn script_tags_put(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        tags: Vec<Tag>,
    ) -> Result<Vec<Tag>, CatalogError> {
        let tags = rules::tags(tags)?;
        let changed = self.script_change(actor, script, |script| {
            script.tags.clone_from(&tags);
            Ok(())
        });
        Ok(changed.await?.script.tags)
    }

    /// Adds one; one that is set already stays.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when it would be the ninth.
    pub async fn script_tag_add(&self, actor: &Actor, script: &ScriptRef, tag: &Tag) -> Result<(), CatalogError> {
        let changed = self.script_change(actor, script, |script| {
            let mut tags = script.tags.clone();
            tags.push(tag.clone());
            script.tags = rules::tags(tags)?;
            Ok(())
        });
        changed.await.map(drop)
    }

    /// # Errors
    /// [`CatalogError::TagNotFound`] when it is not set.
    pub async fn script_tag_delete(&self, actor: &Actor, script: &ScriptRef, tag: &Tag) -> Result<(), CatalogError> {
        let changed = self.script_change(actor, script, |script| {
            let at = script.tags.iter().position(|set| set == tag).ok_or(CatalogError::TagNotFound)?;
            script.tags.remove(at);
            Ok(())
        });
        changed.await.map(drop)
    }

    /// Changes tags or settings of what is there now, again if someone else was faster.
    pub(super) async fn script_change(
        &self,
        actor: &Actor,
        at: &ScriptRef,
        change: impl Fn(&mut Script) -> Result<(), CatalogError>,
    ) -> Result<ScriptRow, CatalogError> {
        for _ in 0..=RETRIES {
            let mut row = self.row_of(actor, at).await?;
            let seen = row.script.modified_on;
            change(&mut row.script)?;
            row.script.modified_on = after(seen);
            let wake = self.wakeup.guard();
            match self.storage.script_update(&row.script, seen).await {
                Ok(()) => {
                    wake.done().await;
                    return Ok(row);
                }
                Err(StorageError::Conflict) => {}
                Err(StorageError::Gone(_)) => return Err(CatalogError::ScriptNotFound),
                Err(other) => return Err(other.into()),
            }
        }
        Err(CatalogError::Conflict)
    }
}

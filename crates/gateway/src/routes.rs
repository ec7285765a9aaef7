//! From a script's name to the version that is live: in memory, filled at start, fed by the change
//! feed. A request never asks the database. Lookups allocate nothing.
//!
//! An account's table never goes away once asked for, so resolvers keep it; namespaces and scripts
//! in it come and go. A namespace that is renamed takes its scripts along.

mod named;
mod route;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use switchyard_catalog::{
    AccountId, Change, ChangeKind, Follower, NamespaceId, NamespaceName, NamespaceSettings, RouteRow, Scope, ScriptId,
    Storage, StorageError, VersionId,
};
use switchyard_runtime::Remembered;

use crate::admission::Usage;
use crate::terms::KnownTerms;
pub use named::Named;
pub use route::Route;

/// Scripts of one scope, by name.
type Table = DashMap<Box<str>, Arc<Route>>;

/// One account's Workers and namespaces.
#[derive(Default)]
pub struct AccountRoutes {
    own: Table,
    names: DashMap<Box<str>, (NamespaceId, Arc<Table>)>,
    namespaces: DashMap<NamespaceId, Arc<Table>>,
    /// Counts the changes of `names`, each after it was made.
    renamings: AtomicU64,
}

impl AccountRoutes {
    /// One of the account's own Workers.
    pub fn worker(&self, name: &str) -> Option<Arc<Route>> {
        self.own.get(name).map(|route| route.clone())
    }

    /// A script in a dispatch namespace, both by their names now.
    pub fn dispatched(&self, namespace: &str, name: &str) -> Option<Arc<Route>> {
        let entry = self.names.get(namespace)?;
        entry.1.get(name).map(|route| route.clone())
    }

    fn table(&self, id: NamespaceId) -> Arc<Table> {
        self.namespaces.entry(id).or_default().clone()
    }
}

/// What a namespace's scripts go by.
#[derive(Debug, Clone, PartialEq, Default)]
struct Ruled {
    settings: Arc<NamespaceSettings>,
    trusted: bool,
}

/// Every deployed script of this node.
#[derive(Default)]
pub struct Routes {
    accounts: DashMap<AccountId, Arc<AccountRoutes>>,
    scripts: DashMap<ScriptId, Arc<Route>>,
    /// A namespace's account and name, and what holds for its scripts, as this table has them.
    namespaces: DashMap<NamespaceId, (AccountId, NamespaceName, Ruled)>,
    /// Changes up to here are in the table.
    revision: AtomicU64,
}

/// Changes read at once.
const CHANGES: u32 = 256;

impl Routes {
    /// Fills a table from the database.
    ///
    /// # Errors
    /// What the database says.
    pub async fn load(storage: &dyn Storage) -> Result<Self, StorageError> {
        let routes = Self::default();
        for account in storage.account_list().await? {
            for namespace in storage.namespace_list(&account.id).await? {
                let ruled = Ruled { settings: Arc::new(namespace.settings), trusted: namespace.trusted_workers };
                routes.namespace_set(namespace.account, namespace.id, namespace.name, ruled);
            }
        }
        let (revision, rows) = storage.routes_load().await?;
        for row in rows {
            routes.script_set(row);
        }
        routes.revision.store(revision, Ordering::Relaxed);
        Ok(routes)
    }

    /// The account's table; an empty one for an account that has nothing yet.
    pub fn account(&self, account: &AccountId) -> Arc<AccountRoutes> {
        match self.accounts.get(account) {
            Some(found) => found.clone(),
            None => self.accounts.entry(account.clone()).or_default().clone(),
        }
    }

    /// By its id, if something of it is deployed.
    pub fn script(&self, id: ScriptId) -> Option<Arc<Route>> {
        self.scripts.get(&id).map(|route| route.clone())
    }

    /// The versions of all scripts that requests may get.
    pub fn live_versions(&self) -> HashSet<VersionId> {
        self.scripts.iter().flat_map(|route| route.versions().collect::<Vec<_>>()).collect()
    }

    /// How many scripts are deployed.
    pub fn scripts(&self) -> usize {
        self.scripts.len()
    }

    /// Applies changes as they come, until the catalog is gone. The catalog lets the writer of a
    /// change wait for it, so a reply to an upload means that the next request sees it.
    ///
    /// `gone` hears of versions that are not deployed any more.
    pub async fn follow(
        self: Arc<Self>,
        storage: Arc<dyn Storage>,
        mut follower: Follower,
        gone: impl Fn(Vec<VersionId>) + Send,
    ) {
        while let Some(number) = follower.changed().await {
            let versions = loop {
                match self.catch_up(&*storage).await {
                    Ok(versions) => break versions,
                    Err(error) => tracing::error!(%error, "could not read the change feed; routes may be old"),
                }
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            };
            follower.applied(number);
            if !versions.is_empty() {
                gone(versions);
            }
        }
    }

    /// Reads the change feed to its end. One caller at a time. Returns the versions that are not
    /// deployed any more.
    ///
    /// # Errors
    /// What the database says; what was read before is applied.
    pub async fn catch_up(&self, storage: &dyn Storage) -> Result<Vec<VersionId>, StorageError> {
        let mut gone = Vec::new();
        loop {
            let changes = storage.changes_after(self.revision.load(Ordering::Relaxed), CHANGES).await?;
            if changes.is_empty() {
                return Ok(gone);
            }
            for change in changes {
                gone.extend(self.apply(storage, &change).await?);
                self.revision.store(change.revision, Ordering::Relaxed);
            }
        }
    }

    /// The feed says what moved; how it stands now is read from its row, so that applying a change
    /// twice, or late, is harmless.
    async fn apply(&self, storage: &dyn Storage, change: &Change) -> Result<Vec<VersionId>, StorageError> {
        Ok(match change.kind {
            ChangeKind::Script(id) => match storage.route_find(id).await? {
                Some(row) => self.script_set(row),
                None => self.script_remove(id),
            },
            ChangeKind::Namespace(id) => match storage.namespace_by_id(id).await? {
                Some(namespace) => {
                    let ruled = Ruled { settings: Arc::new(namespace.settings), trusted: namespace.trusted_workers };
                    self.namespace_set(namespace.account, id, namespace.name, ruled);
                    Vec::new()
                }
                None => self.namespace_remove(id),
            },
        })
    }

    fn script_set(&self, row: RouteRow) -> Vec<VersionId> {
        let account = self.account(&row.account);
        let Ruled { settings, trusted } = match row.scope {
            Scope::Account => Ruled::default(),
            Scope::Namespace(id) => self.namespaces.get(&id).map(|known| known.2.clone()).unwrap_or_default(),
        };
        let known = self.script(row.script);
        let route = Arc::new(Route {
            account: row.account,
            scope: row.scope,
            namespace: row.namespace,
            script: row.script,
            name: row.name,
            settings,
            trusted,
            plan: row.plan,
            versions: row.versions,
            with_assets: row.with_assets,
            version_tags: row.version_tags,
            upstreams: row.upstreams,
            tags: row.tags,
            tail_consumers: row.tail_consumers,
            remembered: Remembered::default(),
            usage: known.map_or_else(|| Usage::of(row.script), |known| known.usage.clone()),
            terms: KnownTerms::default(),
            told: OnceLock::new(),
        });
        match route.scope {
            Scope::Account => drop(account.own.insert(route.name.as_str().into(), route.clone())),
            Scope::Namespace(id) => {
                if let Some(name) = &route.namespace
                    && !self.namespaces.contains_key(&id)
                {
                    self.namespace_set(route.account.clone(), id, name.clone(), Ruled::default());
                }
                account.table(id).insert(route.name.as_str().into(), route.clone());
            }
        }
        let before = self.scripts.insert(route.script, route.clone());
        let before = before.iter().flat_map(|before| before.versions());
        before.filter(|version| route.versions().all(|now| now != *version)).collect()
    }

    /// A script with one version and nothing else but these.
    #[cfg(test)]
    pub fn set_sample(
        &self,
        account: AccountId,
        namespace: Option<(NamespaceId, &str)>,
        name: &str,
        plan: Option<&str>,
    ) {
        self.script_set(RouteRow {
            account,
            plan: plan.map(|plan| switchyard_catalog::PlanName::parse(plan).expect("a plan")),
            ..tests::row(namespace, name)
        });
    }

    fn script_remove(&self, id: ScriptId) -> Vec<VersionId> {
        let Some((_, route)) = self.scripts.remove(&id) else { return Vec::new() };
        let account = self.account(&route.account);
        // A script made anew under the name may be there already: only this one goes.
        match route.scope {
            Scope::Account => drop(account.own.remove_if(route.name.as_str(), |_, there| there.script == id)),
            Scope::Namespace(namespace) => {
                let table = account.namespaces.get(&namespace).map(|table| table.clone());
                if let Some(table) = table {
                    table.remove_if(route.name.as_str(), |_, there| there.script == id);
                }
            }
        }
        route.versions().collect()
    }

    fn namespace_set(&self, account: AccountId, id: NamespaceId, name: NamespaceName, ruled: Ruled) {
        let before = self.namespaces.insert(id, (account.clone(), name.clone(), ruled.clone()));
        let routes = self.account(&account);
        let table = routes.table(id);
        if let Some((_, before, ruled_before)) = before
            && (before != name || ruled_before != ruled)
        {
            if before != name {
                routes.names.remove_if(before.as_str(), |_, there| there.0 == id);
            }
            let scripts: Vec<Arc<Route>> = table.iter().map(|entry| entry.clone()).collect();
            for script in scripts {
                let changed = Arc::new(Route {
                    account: script.account.clone(),
                    scope: script.scope,
                    namespace: Some(name.clone()),
                    script: script.script,
                    name: script.name.clone(),
                    settings: ruled.settings.clone(),
                    trusted: ruled.trusted,
                    plan: script.plan.clone(),
                    versions: script.versions.clone(),
                    with_assets: script.with_assets.clone(),
                    version_tags: script.version_tags.clone(),
                    upstreams: script.upstreams.clone(),
                    tags: script.tags.clone(),
                    tail_consumers: script.tail_consumers.clone(),
                    remembered: Remembered::default(),
                    usage: script.usage.clone(),
                    terms: KnownTerms::default(),
                    told: OnceLock::new(),
                });
                table.insert(changed.name.as_str().into(), changed.clone());
                self.scripts.insert(changed.script, changed);
            }
        }
        routes.names.insert(name.as_str().into(), (id, table));
        routes.renamings.fetch_add(1, Ordering::Release);
    }

    fn namespace_remove(&self, id: NamespaceId) -> Vec<VersionId> {
        let mut gone = Vec::new();
        let Some((_, (account, name, _))) = self.namespaces.remove(&id) else { return gone };
        let routes = self.account(&account);
        routes.names.remove_if(name.as_str(), |_, there| there.0 == id);
        routes.renamings.fetch_add(1, Ordering::Release);
        if let Some((_, table)) = routes.namespaces.remove(&id) {
            for entry in table.iter() {
                self.scripts.remove(&entry.script);
                gone.extend(entry.versions());
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use switchyard_catalog::{Isolation, Limits, ScriptName, VersionShare};

    use super::*;

    pub fn row(namespace: Option<(NamespaceId, &str)>, name: &str) -> RouteRow {
        RouteRow {
            account: AccountId::parse("a").unwrap(),
            scope: namespace.map_or(Scope::Account, |(id, _)| Scope::Namespace(id)),
            namespace: namespace.map(|(_, name)| NamespaceName::parse(name).unwrap()),
            script: ScriptId::random(),
            name: ScriptName::parse(name).unwrap(),
            versions: vec![VersionShare { version: VersionId::random(), percentage: 100.0 }],
            with_assets: Vec::new(),
            plan: None,
            version_tags: Vec::new(),
            upstreams: Vec::new(),
            tags: Vec::new(),
            tail_consumers: Vec::new(),
        }
    }

    #[test]
    fn scripts_come_move_and_go() {
        let routes = Routes::default();
        let account = routes.account(&AccountId::parse("a").unwrap());
        let id = NamespaceId::random();
        let (first, own) = (row(Some((id, "prod")), "x"), row(None, "x"));
        routes.script_set(first.clone());
        routes.script_set(own.clone());
        assert_eq!(account.dispatched("prod", "x").unwrap().script, first.script);
        assert_eq!(account.worker("x").unwrap().script, own.script);
        assert!(account.dispatched("prod", "y").is_none() && account.dispatched("dev", "x").is_none());

        // Renamed: found under the new name alone.
        let limits = Limits { cpu_ms: Some(7), ..Limits::default() };
        let settings =
            NamespaceSettings { limits, isolation: Some(Isolation::Request), ..NamespaceSettings::default() };
        let settings = Arc::new(settings);
        let name = NamespaceName::parse("live").unwrap();
        let ruled = Ruled { settings: settings.clone(), trusted: true };
        routes.namespace_set(first.account.clone(), id, name, ruled.clone());
        assert_eq!(account.dispatched("live", "x").unwrap().settings, settings);
        assert!(account.dispatched("live", "x").unwrap().trusted);
        assert!(account.dispatched("prod", "x").is_none());
        assert_eq!(account.dispatched("live", "x").unwrap().namespace.as_ref().unwrap().as_str(), "live");

        // Deleted and made again, with the delete heard late: the new one stays.
        let again = row(Some((id, "live")), "x");
        routes.script_set(again.clone());
        assert_eq!(account.dispatched("live", "x").unwrap().settings, settings);
        routes.script_remove(first.script);
        assert_eq!(account.dispatched("live", "x").unwrap().script, again.script);

        assert!(Named::new("prod").find(&account, "x").is_none());
        let live = Named::new("live");
        for _ in 0..2 {
            assert_eq!(live.find(&account, "x").unwrap().script, again.script);
        }
        let other = NamespaceName::parse("other").unwrap();
        routes.namespace_set(first.account.clone(), id, other, ruled.clone());
        assert!(live.find(&account, "x").is_none());
        routes.namespace_set(first.account.clone(), id, NamespaceName::parse("live").unwrap(), ruled);
        assert_eq!(live.find(&account, "x").unwrap().script, again.script);

        routes.namespace_remove(id);
        assert!(account.dispatched("live", "x").is_none() && live.find(&account, "x").is_none());
        assert_eq!(routes.scripts(), 1);
    }

    #[test]
    fn two_versions_share_by_weight() {
        let share = |percentage| VersionShare { version: VersionId::random(), percentage };
        let mut row = RouteRow { versions: vec![share(10.0), share(90.0)], ..row(None, "x") };
        let (a, b) = (row.versions[0].version, row.versions[1].version);
        row.version_tags = vec![(b, "canary".to_owned())];
        let routes = Routes::default();
        routes.script_set(row);
        let route = routes.account(&AccountId::parse("a").unwrap()).worker("x").unwrap();
        assert_eq!(route.pick(|| 0), Some(a));
        assert_eq!(route.pick(|| u64::MAX / 100 * 9), Some(a));
        assert_eq!(route.pick(|| u64::MAX / 100 * 11), Some(b));
        assert_eq!(route.pick(|| u64::MAX), Some(b));
        assert_eq!(route.live(b), Some(b));
        assert_eq!(route.live(VersionId::random()), None);
        assert_eq!((route.named("canary"), route.named(&a.to_string())), (Some(b), Some(a)));
        assert_eq!((route.named("stable"), route.named(&VersionId::random().to_string())), (None, None));
    }
}

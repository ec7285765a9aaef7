//! A dispatch namespace as a resolver's configuration names it, for all requests to come. Which one that is, is kept as
//! long as no namespace of the account comes, goes or is renamed, so that a request looks up its script and no more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwapOption;

use super::{AccountRoutes, Route, Table};

/// Of one account: always ask with the same one's routes.
pub struct Named {
    name: Box<str>,
    known: ArcSwapOption<Known>,
}

struct Known {
    /// As many renamings had there been before the name was looked up.
    after: u64,
    table: Option<Arc<Table>>,
}

impl Named {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), known: ArcSwapOption::empty() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A script in it, both by their names now.
    pub fn find(&self, routes: &AccountRoutes, script: &str) -> Option<Arc<Route>> {
        let now = routes.renamings.load(Ordering::Acquire);
        let known = self.known.load();
        if let Some(known) = known.as_ref().filter(|known| known.after == now) {
            return known.table.as_ref().and_then(|table| Some(table.get(script)?.clone()));
        }
        // A renaming in between is counted after it: then this is not believed next time.
        let table = routes.names.get(&*self.name).map(|entry| entry.1.clone());
        let route = table.as_ref().and_then(|table| Some(table.get(script)?.clone()));
        self.known.store(Some(Arc::new(Known { after: now, table })));
        route
    }
}

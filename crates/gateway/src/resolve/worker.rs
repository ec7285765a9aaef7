//! The platform's own dispatch Worker decides: every request goes to one account-level Worker, which
//! finds the tenant through its dispatch-namespace binding.

use std::sync::Arc;

use async_trait::async_trait;
use http::request;
use switchyard_catalog::ScriptName;

use super::Resolver;
use crate::authority::Authority;
use crate::error::Failure;
use crate::routes::{AccountRoutes, Route};

pub struct DispatchWorker {
    script: ScriptName,
    routes: Arc<AccountRoutes>,
}

impl DispatchWorker {
    pub fn new(script: ScriptName, routes: Arc<AccountRoutes>) -> Self {
        Self { script, routes }
    }
}

#[async_trait]
impl Resolver for DispatchWorker {
    async fn resolve(&self, _: &Authority, _: &request::Parts) -> Result<Option<Arc<Route>>, Failure> {
        match self.routes.worker(self.script.as_str()) {
            Some(route) => Ok(Some(route)),
            None => Err(Failure::DispatcherMissing(self.script.clone())),
        }
    }
}

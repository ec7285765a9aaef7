//! The platform's own dispatch Worker decides: every request goes to one account-level Worker, which
//! finds the tenant through its dispatch-namespace binding.

use std::sync::Arc;

use switchyard_catalog::ScriptName;

use super::Answer;
use crate::error::Failure;
use crate::routes::AccountRoutes;

pub struct DispatchWorker {
    script: ScriptName,
    routes: Arc<AccountRoutes>,
}

impl DispatchWorker {
    pub fn new(script: ScriptName, routes: Arc<AccountRoutes>) -> Self {
        Self { script, routes }
    }

    /// # Errors
    /// [`Failure::DispatcherMissing`]: nobody after it is asked, since it decides all.
    pub fn resolve(&self) -> Result<Answer, Failure> {
        match self.routes.worker(self.script.as_str()) {
            Some(route) => Ok(Answer::Mine(route.into())),
            None => Err(Failure::DispatcherMissing(self.script.clone())),
        }
    }
}

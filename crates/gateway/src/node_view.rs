//! What the admin API asks the node: which plans it has, which scripts use the most of it, how far a compilation is.

use std::sync::Arc;

use switchyard_api::{Compilation, Node, Top, TopBy, TopScript, TopValue};
use switchyard_catalog::{AccountId, PlanName, ScriptId, ScriptRef};
use switchyard_runtime::Standing;

use crate::dispatch::Dispatcher;
use crate::observe::Observer;

/// The node as [`switchyard_api::Node`].
pub struct NodeView {
    pub dispatcher: Arc<Dispatcher>,
    pub observer: Arc<Observer>,
}

impl Node for NodeView {
    fn has_plan(&self, name: &PlanName) -> bool {
        self.dispatcher.node_terms().plan(name).is_some()
    }

    /// Scripts that are gone are left out.
    fn top(&self, account: Option<&AccountId>, by: TopBy, limit: usize) -> Top {
        let routes = &self.dispatcher.routes;
        let wanted = |script: ScriptId| {
            routes.script(script).is_some_and(|route| account.is_none_or(|account| route.account == *account))
        };
        let (back, scripts) = self.observer.top.read(by, limit, wanted);
        let scripts = scripts.into_iter().filter_map(|(script, [requests, cpu_us, errors])| {
            let route = routes.script(script)?;
            let value = |value: Option<(u64, u64)>| value.map(|(value, over)| TopValue { value, over });
            Some(TopScript {
                account: route.account.to_string(),
                namespace: route.namespace.as_ref().map(ToString::to_string),
                script: route.name.to_string(),
                tag: script.as_uuid().simple().to_string(),
                requests: value(requests),
                cpu_us: value(cpu_us),
                errors: value(errors),
            })
        });
        Top { by, seconds: back.as_secs_f64(), scripts: scripts.collect() }
    }

    fn compilation(&self, script: &ScriptRef) -> Compilation {
        let ScriptRef { account, namespace, name } = script;
        match self.dispatcher.runtime.compile_standing(account, namespace.as_ref(), name) {
            None => Compilation::None,
            Some(Standing::Waits(place)) => Compilation::Waiting { place },
            Some(Standing::Compiles(since)) => Compilation::Compiling { seconds: since.as_secs() },
        }
    }
}

//! What holds for one call of a script: the limits of node, namespace, plans, tenant row and caller, of
//! which the smallest wins, and the weight that is its share of the CPU. Combined here and nowhere else,
//! once a call; what the version itself says is tightened in when its Worker is known.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use switchyard_catalog::{Limits, PlanName};

use crate::config;
use crate::dispatch::Call;
use crate::routes::Route;

/// What one plan of the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub limits: Limits,
    pub weight: u16,
}

/// What holds for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub limits: Limits,
    /// Of the plans that hold, the smallest; 1 without any.
    pub weight: u16,
}

/// The node's own limits, and its plans. Replaced as a whole when the configuration is read again.
#[derive(Debug)]
pub struct NodeTerms {
    /// No two have the same.
    number: u64,
    limits: Limits,
    plans: HashMap<PlanName, Plan>,
}

/// What holds for the calls of a route, whoever calls it, as it was combined by the first of them.
#[derive(Debug, Default)]
pub struct KnownTerms(ArcSwapOption<Known>);

#[derive(Debug)]
struct Known {
    /// Of the node's terms that it was combined from.
    node: u64,
    limits: Limits,
    /// `None`: no plan holds.
    weight: Option<u16>,
    /// Plans that it names and the node does not have.
    missing: u32,
}

impl Known {
    fn add(&mut self, node: &NodeTerms, plan: &PlanName) {
        match node.plans.get(plan) {
            Some(plan) => {
                self.limits = self.limits.tighten(plan.limits);
                self.weight = Some(self.weight.map_or(plan.weight, |least| least.min(plan.weight)));
            }
            None => self.missing += 1,
        }
    }
}

impl NodeTerms {
    pub fn of(config: &config::Config, limits: Limits) -> Self {
        let plans = config.plan.iter().filter_map(|(name, plan)| {
            // The configuration is checked before it gets here.
            Some((PlanName::parse(name).ok()?, Plan { limits: plan.limits(), weight: plan.weight }))
        });
        Self::new(limits, plans.collect())
    }

    fn new(limits: Limits, plans: HashMap<PlanName, Plan>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), limits, plans }
    }

    pub fn plan(&self, name: &PlanName) -> Option<&Plan> {
        self.plans.get(name)
    }

    /// What holds for a call; with how many plans that it names the node does not have. Those say nothing.
    pub fn for_call(&self, route: &Route, call: &Call) -> (Terms, u32) {
        let known = route.terms.0.load();
        match &*known {
            Some(known) if known.node == self.number => self.with_caller(known, call),
            _ => {
                let known = Arc::new(self.of_route(route));
                route.terms.0.store(Some(known.clone()));
                self.with_caller(&known, call)
            }
        }
    }

    fn of_route(&self, route: &Route) -> Known {
        let limits = self.limits.tighten(route.settings.limits);
        let mut known = Known { node: self.number, limits, weight: None, missing: 0 };
        let plans = [route.settings.plan.as_ref(), route.plan.as_ref()];
        plans.into_iter().flatten().for_each(|plan| known.add(self, plan));
        known
    }

    fn with_caller(&self, known: &Known, call: &Call) -> (Terms, u32) {
        let mut all = Known { limits: known.limits.tighten(call.limits), ..*known };
        call.plan.iter().for_each(|plan| all.add(self, plan));
        (Terms { limits: all.limits, weight: all.weight.unwrap_or(1) }, all.missing)
    }
}

impl Default for NodeTerms {
    fn default() -> Self {
        Self::new(Limits::default(), HashMap::new())
    }
}

#[cfg(test)]
mod tests {
    use switchyard_catalog::NamespaceSettings;

    use super::*;

    fn name(text: &str) -> PlanName {
        PlanName::parse(text).unwrap()
    }

    fn cpu(ms: u32) -> Limits {
        Limits { cpu_ms: Some(ms), ..Limits::default() }
    }

    fn node() -> NodeTerms {
        let gold = Plan { limits: Limits { subrequests: Some(50), ..cpu(400) }, weight: 8 };
        let free = Plan { limits: cpu(20), weight: 2 };
        NodeTerms::new(cpu(1_000), HashMap::from([(name("gold"), gold), (name("free"), free)]))
    }

    fn terms(namespace: (Limits, Option<&str>), script: Option<&str>, call: (Limits, Option<&str>)) -> (Terms, u32) {
        let settings =
            NamespaceSettings { limits: namespace.0, plan: namespace.1.map(name), ..NamespaceSettings::default() };
        let route = Route::sample(settings, script.map(name));
        let call = Call { limits: call.0, plan: call.1.map(|text| Arc::new(name(text))), ..Call::default() };
        let node = node();
        let first = node.for_call(&route, &call);
        assert_eq!(node.for_call(&route, &call), first, "known from the first call");
        first
    }

    #[test]
    fn the_smallest_wins_from_wherever_it_is() {
        let none = (Limits::default(), None);
        let ms = |(terms, _): (Terms, u32)| (terms.limits.cpu_ms.unwrap(), terms.weight);
        assert_eq!(ms(terms(none, None, none)), (1_000, 1));
        assert_eq!(ms(terms((cpu(5), None), None, none)), (5, 1));
        assert_eq!(ms(terms(none, None, (cpu(5), None))), (5, 1));
        // A plan, in each of its places.
        assert_eq!(ms(terms((Limits::default(), Some("gold")), None, none)), (400, 8));
        assert_eq!(ms(terms(none, Some("gold"), none)), (400, 8));
        assert_eq!(ms(terms(none, None, (Limits::default(), Some("gold")))), (400, 8));
        // Of two plans, and of a plan and a limit beside it.
        assert_eq!(ms(terms((Limits::default(), Some("gold")), Some("free"), none)), (20, 2));
        assert_eq!(ms(terms((Limits::default(), Some("free")), None, (Limits::default(), Some("gold")))), (20, 2));
        let (both, missing) = terms((cpu(300), Some("gold")), None, none);
        assert_eq!((both.limits.cpu_ms, both.limits.subrequests, missing), (Some(300), Some(50), 0));
    }

    #[test]
    fn a_plan_that_is_not_there_says_nothing_and_is_counted() {
        let (terms, missing) = terms((Limits::default(), Some("gone")), Some("gold"), (Limits::default(), Some("too")));
        assert_eq!((terms.limits.cpu_ms, terms.weight, missing), (Some(400), 8, 2));
    }
    #[test]
    fn what_is_known_ends_with_the_terms_it_was_made_of() {
        let route = Route::sample(NamespaceSettings::default(), Some(name("gold")));
        let (before, _) = node().for_call(&route, &Call::default());
        assert_eq!(before.limits.cpu_ms, Some(400));
        let other = NodeTerms::new(cpu(100), HashMap::new());
        let (after, missing) = other.for_call(&route, &Call::default());
        assert_eq!((after.limits.cpu_ms, after.weight, missing), (Some(100), 1, 1));
    }
}

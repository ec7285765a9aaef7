//! What holds for one call of a script: the limits of node, namespace, plans, tenant row and caller, of
//! which the smallest wins, and the weight that is its share of the CPU. Combined here and nowhere else,
//! once a call; what the version itself says is tightened in when its Worker is known.

use std::collections::HashMap;

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
#[derive(Debug, Default)]
pub struct NodeTerms {
    limits: Limits,
    plans: HashMap<PlanName, Plan>,
}

impl NodeTerms {
    pub fn of(config: &config::Config, limits: Limits) -> Self {
        let plans = config.plan.iter().filter_map(|(name, plan)| {
            // The configuration is checked before it gets here.
            Some((PlanName::parse(name).ok()?, Plan { limits: plan.limits(), weight: plan.weight }))
        });
        Self { limits, plans: plans.collect() }
    }

    pub fn plan(&self, name: &PlanName) -> Option<&Plan> {
        self.plans.get(name)
    }

    /// What holds for a call; with how many plans that it names the node does not have. Those say nothing.
    pub fn for_call(&self, route: &Route, call: &Call) -> (Terms, u32) {
        let mut limits = self.limits.tighten(route.settings.limits).tighten(call.limits);
        let (mut weight, mut missing) = (None, 0);
        let named = [call.plan.as_deref(), route.settings.plan.as_ref(), route.plan.as_ref()];
        for name in named.into_iter().flatten() {
            match self.plans.get(name) {
                Some(plan) => {
                    limits = limits.tighten(plan.limits);
                    weight = Some(weight.map_or(plan.weight, |least: u16| least.min(plan.weight)));
                }
                None => missing += 1,
            }
        }
        (Terms { limits, weight: weight.unwrap_or(1) }, missing)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        NodeTerms { limits: cpu(1_000), plans: HashMap::from([(name("gold"), gold), (name("free"), free)]) }
    }

    fn terms(namespace: (Limits, Option<&str>), script: Option<&str>, call: (Limits, Option<&str>)) -> (Terms, u32) {
        let settings =
            NamespaceSettings { limits: namespace.0, plan: namespace.1.map(name), ..NamespaceSettings::default() };
        let route = Route::sample(settings, script.map(name));
        let call = Call { limits: call.0, plan: call.1.map(|text| Arc::new(name(text))), ..Call::default() };
        node().for_call(&route, &call)
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
}

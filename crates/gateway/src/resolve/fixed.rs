//! One script for every request, or for every request of some hosts: a landing page, an API of the
//! operator's own, what is left when no other resolver answered.

use std::sync::Arc;

use super::{Answer, HostPattern, Question, Why};
use crate::routes::{AccountRoutes, Named};

pub struct Fixed {
    script: String,
    /// `None`: one of the account's own Workers.
    namespace: Option<Named>,
    /// `None`: all.
    hosts: Option<Vec<HostPattern>>,
    routes: Arc<AccountRoutes>,
}

impl Fixed {
    /// `hosts` that are none have been refused already.
    pub fn new(script: String, namespace: Option<&str>, hosts: Option<&[String]>, routes: Arc<AccountRoutes>) -> Self {
        let hosts = hosts.map(|hosts| hosts.iter().filter_map(|host| HostPattern::parse(host)).collect());
        Self { script, namespace: namespace.map(Named::new), hosts, routes }
    }

    pub fn resolve(&self, question: Question<'_>) -> Answer {
        let host = question.authority.host();
        if self.hosts.as_ref().is_some_and(|hosts| !hosts.iter().any(|pattern| pattern.fits(host))) {
            return Answer::NotMine(Why::OtherHost);
        }
        Answer::of(match &self.namespace {
            Some(namespace) => namespace.find(&self.routes, &self.script),
            None => self.routes.worker(&self.script),
        })
    }
}

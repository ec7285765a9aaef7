//! `hello.example.com` → the script `hello` of a dispatch namespace.
//!
//! One label below the suffix, no more: `a.b.example.com` is nobody's. A script name that cannot be
//! a DNS label (capitals, dots, longer than 63) is not reachable this way.

use std::sync::Arc;

use super::hosts::label;
use super::{Answer, Question, Why};
use crate::routes::AccountRoutes;

pub struct Subdomain {
    /// With its leading dot, lower case.
    suffix: String,
    namespace: String,
    routes: Arc<AccountRoutes>,
}

impl Subdomain {
    pub fn new(suffix: &str, namespace: String, routes: Arc<AccountRoutes>) -> Self {
        let suffix = suffix.trim_matches('.').to_ascii_lowercase();
        Self { suffix: format!(".{suffix}"), namespace, routes }
    }

    pub fn resolve(&self, question: Question<'_>) -> Answer {
        match label(question.authority.host(), &self.suffix) {
            Some(label) => Answer::of(self.routes.dispatched(&self.namespace, label)),
            None => Answer::NotMine(Why::NotOneLabel),
        }
    }
}

//! `hello.example.com` → the script `hello` of a dispatch namespace.
//!
//! One label below the suffix, no more: `a.b.example.com` is nobody's. A script name that cannot be
//! a DNS label (capitals, dots, longer than 63) is not reachable this way.

use std::sync::Arc;

use super::hosts::label;
use super::{Answer, Question, Why};
use crate::routes::{AccountRoutes, Named};

pub struct Subdomain {
    /// With its leading dot, lower case.
    suffix: String,
    namespace: Named,
    routes: Arc<AccountRoutes>,
}

impl Subdomain {
    pub fn new(suffix: &str, namespace: &str, routes: Arc<AccountRoutes>) -> Self {
        let suffix = suffix.trim_matches('.').to_ascii_lowercase();
        Self { suffix: format!(".{suffix}"), namespace: Named::new(namespace), routes }
    }

    pub fn resolve(&self, question: Question<'_>) -> Answer {
        match label(question.authority.host(), &self.suffix) {
            Some(label) => Answer::of(self.namespace.find(&self.routes, label)),
            None => Answer::NotMine(Why::NotOneLabel),
        }
    }
}

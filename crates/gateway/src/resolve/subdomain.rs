//! `hello.example.com` → the script `hello` of a dispatch namespace.
//!
//! One label below the suffix, no more: `a.b.example.com` is nobody's. A script name that cannot be
//! a DNS label (capitals, dots, longer than 63) is not reachable this way.

use std::sync::Arc;

use async_trait::async_trait;
use http::request;

use super::Resolver;
use crate::authority::Authority;
use crate::error::Failure;
use crate::routes::{AccountRoutes, Route};

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

    fn label<'a>(&self, host: &'a str) -> Option<&'a str> {
        host.strip_suffix(&*self.suffix).filter(|label| !label.is_empty() && !label.contains('.'))
    }
}

#[async_trait]
impl Resolver for Subdomain {
    async fn resolve(&self, authority: &Authority, _: &request::Parts) -> Result<Option<Arc<Route>>, Failure> {
        Ok(self.label(authority.host()).and_then(|label| self.routes.dispatched(&self.namespace, label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_below_the_suffix() {
        let resolver = Subdomain::new("Example.com.", "prod".into(), Arc::default());
        assert_eq!(resolver.label("a.example.com"), Some("a"));
        for other in ["example.com", ".example.com", "a.b.example.com", "aexample.com", "a.example.org"] {
            assert_eq!(resolver.label(other), None, "{other}");
        }
    }
}

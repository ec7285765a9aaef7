//! A header of a trusted peer (a load balancer, the operator's own proxy) names the script:
//! `x-tenant: hello`, or `x-tenant: prod/hello` where the resolver has no namespace.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use switchyard_catalog::{NamespaceName, ScriptName};

use super::guard::trusts;
use super::{Answer, Question, Why, find};
use crate::error::Failure;
use crate::routes::{AccountRoutes, Named};

pub struct Header {
    name: HeaderName,
    namespace: Option<Named>,
    trusted: Vec<IpNet>,
    routes: Arc<AccountRoutes>,
}

impl Header {
    pub fn new(
        name: HeaderName,
        namespace: Option<&str>,
        trusted: Option<Vec<IpNet>>,
        routes: Arc<AccountRoutes>,
    ) -> Self {
        Self { name, namespace: namespace.map(Named::new), trusted: trusted.unwrap_or_default(), routes }
    }

    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// # Errors
    /// [`Failure::TenantHeader`]: a trusted peer sent it twice, or what it says is no script's name.
    pub fn resolve(&self, question: Question<'_>) -> Result<Answer, Failure> {
        let Some(value) = believed(&self.name, &self.trusted, question)? else {
            return Ok(Answer::NotMine(Why::NoHeader));
        };
        let value = value.to_str().unwrap_or_default();
        let (namespace, script, route) = match &self.namespace {
            Some(namespace) => (Some(namespace.name()), value, namespace.find(&self.routes, value)),
            None => {
                let (namespace, script) = match value.split_once('/') {
                    Some((namespace, script)) => (Some(namespace), script),
                    None => (None, value),
                };
                (namespace, script, find(&self.routes, namespace, script))
            }
        };
        if let Some(route) = route {
            return Ok(Answer::Mine(route.into()));
        }
        let are_names = ScriptName::parse(script).is_ok()
            && namespace.is_none_or(|namespace| NamespaceName::parse(namespace).is_ok());
        if are_names { Ok(Answer::NotMine(Why::NoScript)) } else { Err(Failure::TenantHeader(self.name.clone())) }
    }
}

/// A header's one value, if the peer is trusted with it.
///
/// # Errors
/// [`Failure::TenantHeader`]: there are two.
pub(super) fn believed<'a>(
    name: &HeaderName,
    trusted: &[IpNet],
    question: Question<'a>,
) -> Result<Option<&'a HeaderValue>, Failure> {
    if !question.vouched && !trusts(trusted, question.peer) {
        return Ok(None);
    }
    let mut values = question.head.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Failure::TenantHeader(name.clone())),
        (value, None) => Ok(value),
    }
}

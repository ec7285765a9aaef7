//! Who gets a request first? Resolvers are asked in the configured order; the first that answers
//! wins. A new kind is a file beside these two and an arm in [`Resolvers::build`].

mod subdomain;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use http::request;
use switchyard_catalog::{AccountId, ScriptName};

use crate::authority::Authority;
use crate::config::{self, ResolverKind};
use crate::error::Failure;
use crate::routes::{Route, Routes};
use subdomain::Subdomain;
use worker::DispatchWorker;

/// Answers for the requests that are its own.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// `None`: not mine, ask the next one.
    ///
    /// # Errors
    /// The request is mine, but cannot be served.
    async fn resolve(&self, authority: &Authority, head: &request::Parts) -> Result<Option<Arc<Route>>, Failure>;
}

/// All of a node's resolvers, in order.
pub struct Resolvers {
    list: Vec<Box<dyn Resolver>>,
}

/// A resolver cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    #[error("a resolver needs its account, since the node has {0} accounts")]
    WhichAccount(usize),
    #[error("a resolver's account {0} does not exist")]
    NoAccount(String),
    #[error("a resolver's {key} is missing or not valid")]
    Value { key: &'static str },
}

impl Resolvers {
    /// `accounts` are those there are now.
    ///
    /// # Errors
    /// [`ResolverError`].
    pub fn build(configs: &[config::Resolver], accounts: &[AccountId], routes: &Routes) -> Result<Self, ResolverError> {
        let list = configs.iter().map(|config| Self::one(config, accounts, routes)).collect::<Result<_, _>>()?;
        Ok(Self { list })
    }

    fn one(
        config: &config::Resolver,
        accounts: &[AccountId],
        routes: &Routes,
    ) -> Result<Box<dyn Resolver>, ResolverError> {
        let account = match (&config.account, accounts) {
            (Some(name), _) => accounts
                .iter()
                .find(|account| account.as_str() == name)
                .ok_or_else(|| ResolverError::NoAccount(name.clone()))?,
            (None, [only]) => only,
            (None, several) => return Err(ResolverError::WhichAccount(several.len())),
        };
        let routes = routes.account(account);
        let text = |key, value: &Option<String>| value.clone().ok_or(ResolverError::Value { key });
        Ok(match config.kind {
            ResolverKind::Subdomain => Box::new(Subdomain::new(
                &text("suffix", &config.suffix)?,
                text("namespace", &config.namespace)?,
                routes,
            )),
            ResolverKind::Worker => {
                let script = ScriptName::parse(&text("script", &config.script)?);
                let script = script.map_err(|_| ResolverError::Value { key: "script" })?;
                Box::new(DispatchWorker::new(script, routes))
            }
        })
    }

    /// # Errors
    /// [`Failure::NoTenant`] when nobody answers; else what a resolver says.
    pub async fn resolve(&self, authority: &Authority, head: &request::Parts) -> Result<Arc<Route>, Failure> {
        for resolver in &self.list {
            if let Some(route) = resolver.resolve(authority, head).await? {
                return Ok(route);
            }
        }
        Err(Failure::NoTenant)
    }
}

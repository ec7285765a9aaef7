//! Who gets a request first? Resolvers are asked in the configured order; the first that answers
//! wins. A new kind is a file beside these and a variant of [`Resolver`].

mod explain;
mod fixed;
mod guard;
mod header;
mod hosts;
mod sql;
mod subdomain;
mod worker;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, request};
use serde_json::value::RawValue;
use switchyard_catalog::{AccountId, Limits, PlanName, ScriptName, VersionId};

use crate::authority::Authority;
use crate::config::{self, ResolverKind, Wrong};
use crate::error::Failure;
use crate::observe::LookupMetrics;
use crate::routes::{AccountRoutes, Route, Routes};
pub use explain::Explainer;
use fixed::Fixed;
use guard::Guards;
pub(crate) use guard::trusts;
use header::Header;
pub(crate) use hosts::HostPattern;
pub use sql::Source;
use sql::Sql;
pub(crate) use sql::{Dialect, Key};
use subdomain::Subdomain;
use worker::DispatchWorker;

/// What a resolver may go by.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub authority: &'a Authority,
    /// Headers that only trusted peers may send are gone from it if the peer is not ([`Resolvers::strip`]).
    pub head: &'a request::Parts,
    pub peer: IpAddr,
    /// The listener believes this peer.
    pub vouched: bool,
}

/// Who gets the request, and on what terms.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub route: Arc<Route>,
    /// They only tighten.
    pub limits: Limits,
    pub plan: Option<Arc<PlanName>>,
    /// Runs instead of what the deployment's shares would choose, if it is live.
    pub version: Option<VersionId>,
    /// Parameters for outbound Workers: a JSON object.
    pub outbound: Option<Arc<RawValue>>,
}

impl From<Arc<Route>> for Resolved {
    fn from(route: Arc<Route>) -> Self {
        Self { route, limits: Limits::default(), plan: None, version: None, outbound: None }
    }
}

/// What a resolver says to a request.
#[derive(Debug)]
pub enum Answer {
    Mine(Resolved),
    /// Ask the next one.
    NotMine(Why),
}

/// Why a request is not a resolver's. Told to operators alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("the host is not one of its hosts")]
    OtherHost,
    #[error("the host is not one label below its suffix")]
    NotOneLabel,
    #[error("the request has no such header, or its peer is not trusted with it")]
    NoHeader,
    #[error("the request has nothing to look up: the path has no such segment, or it is too long")]
    NoKey,
    #[error("the database has no row for it")]
    NoRow,
    #[error("the script it leads to is not deployed")]
    NoScript,
}

impl Answer {
    /// A script that is not deployed is nobody's: the next resolver is asked.
    fn of(route: Option<Arc<Route>>) -> Self {
        route.map_or(Self::NotMine(Why::NoScript), |route| Self::Mine(route.into()))
    }
}

/// One way to find the tenant.
pub enum Resolver {
    Fixed(Fixed),
    Header(Header),
    Sql(Sql),
    Subdomain(Subdomain),
    Worker(DispatchWorker),
}

impl Resolver {
    /// # Errors
    /// The request is this resolver's, but cannot be served.
    pub async fn resolve(&self, question: Question<'_>) -> Result<Answer, Failure> {
        match self {
            Self::Sql(sql) => sql.resolve(question).await,
            // Nobody else has anything to wait for.
            other => other.resolve_now(question).unwrap_or(Ok(Answer::NotMine(Why::NoRow))),
        }
    }

    /// The answer, where there is nothing to wait for.
    fn resolve_now(&self, question: Question<'_>) -> Option<Result<Answer, Failure>> {
        Some(match self {
            Self::Fixed(fixed) => Ok(fixed.resolve(question)),
            Self::Header(header) => header.resolve(question),
            Self::Sql(sql) => return sql.known(question),
            Self::Subdomain(subdomain) => Ok(subdomain.resolve(question)),
            Self::Worker(worker) => worker.resolve(),
        })
    }
}

/// Which resolver has something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits(usize);

/// All of a node's resolvers, in order. Replaced as a whole when the configuration is read again.
pub struct Resolvers {
    list: Vec<(config::Resolver, Arc<Resolver>)>,
    guards: Guards,
}

impl Resolvers {
    /// `accounts` are those there are now. What `before` has made of the same configuration, and what
    /// it has learnt, is taken over.
    ///
    /// # Errors
    /// [`Wrong`]: which resolver, and which key of it.
    pub fn build(
        configs: &[config::Resolver],
        accounts: &[AccountId],
        routes: &Arc<Routes>,
        metrics: &LookupMetrics,
        before: Option<&Self>,
    ) -> Result<Self, Wrong> {
        let mut list = Vec::with_capacity(configs.len());
        let mut guards = Guards::default();
        for (number, config) in configs.iter().enumerate() {
            let wrong = |(key, message): (&'static str, String)| Wrong {
                key: Some(key),
                ..Wrong::new("resolver", number, format!("{key}: {message}"))
            };
            let account = account(config, accounts).map_err(wrong)?;
            let kept = before.and_then(|before| before.list.iter().find(|(known, _)| known == config));
            let resolver = match kept {
                Some((_, resolver)) => resolver.clone(),
                None => Arc::new(one(config, account, routes, metrics).map_err(wrong)?),
            };
            match &*resolver {
                Resolver::Header(header) => guards.add(header.name(), config.trusted.as_deref()),
                Resolver::Sql(sql) => {
                    if let Key::Header(name) = sql.key() {
                        guards.add(name, config.trusted.as_deref());
                    }
                }
                _ => {}
            }
            list.push((config.clone(), resolver));
        }
        Ok(Self { list, guards })
    }

    /// Removes headers that name a tenant where the peer is not trusted with them, in every spelling.
    /// Call it before anything reads the headers.
    pub fn strip(&self, headers: &mut HeaderMap, peer: IpAddr, vouched: bool) -> Vec<HeaderName> {
        self.guards.strip(headers, peer, vouched)
    }

    /// Who gets the request, as far as nothing has to be waited for, or the failure that [`Resolvers::resolve_from`]
    /// tells; else whom to go on with.
    pub fn resolve_now(&self, question: Question<'_>) -> Result<Result<Resolved, Failure>, Waits> {
        for (number, (_, resolver)) in self.list.iter().enumerate() {
            match resolver.resolve_now(question).ok_or(Waits(number))? {
                Ok(Answer::Mine(resolved)) => return Ok(Ok(resolved)),
                Ok(Answer::NotMine(_)) => {}
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Err(Failure::NoTenant))
    }

    /// Goes on where those before have said that the request is not theirs.
    ///
    /// # Errors
    /// [`Failure::NoTenant`] when nobody answers; else what a resolver says.
    pub async fn resolve_from(&self, Waits(first): Waits, question: Question<'_>) -> Result<Resolved, Failure> {
        for (_, resolver) in self.list.iter().skip(first) {
            if let Answer::Mine(resolved) = resolver.resolve(question).await? {
                return Ok(resolved);
            }
        }
        Err(Failure::NoTenant)
    }

    /// In order, with what each was made of.
    pub fn list(&self) -> impl Iterator<Item = (&config::Resolver, &Resolver)> {
        self.list.iter().map(|(config, resolver)| (config, &**resolver))
    }
}

/// Whose scripts a resolver leads to. Only a `sql` resolver can do without: its rows may say.
fn account<'a>(
    config: &config::Resolver,
    accounts: &'a [AccountId],
) -> Result<Option<&'a AccountId>, (&'static str, String)> {
    match (&config.account, accounts) {
        (Some(name), _) => accounts
            .iter()
            .find(|account| account.as_str() == name)
            .map(Some)
            .ok_or_else(|| ("account", format!("the account {name} does not exist"))),
        (None, [only]) => Ok(Some(only)),
        (None, _) if config.kind == ResolverKind::Sql => Ok(None),
        (None, several) => Err(("account", format!("is needed, since the node has {} accounts", several.len()))),
    }
}

fn one(
    config: &config::Resolver,
    account: Option<&AccountId>,
    routes: &Arc<Routes>,
    metrics: &LookupMetrics,
) -> Result<Resolver, (&'static str, String)> {
    let needed = |key: &'static str, value: &Option<String>| value.clone().ok_or((key, "is missing".to_owned()));
    let own = || account.map(|account| routes.account(account)).ok_or(("account", "is missing".to_owned()));
    Ok(match config.kind {
        ResolverKind::Fixed => {
            let script = needed("script", &config.script)?;
            Resolver::Fixed(Fixed::new(script, config.namespace.as_deref(), config.hosts.as_deref(), own()?))
        }
        ResolverKind::Header => {
            let name = HeaderName::try_from(needed("name", &config.name)?);
            let name = name.map_err(|_| ("name", "is not a header's name".to_owned()))?;
            Resolver::Header(Header::new(name, config.namespace.as_deref(), config.trusted.clone(), own()?))
        }
        ResolverKind::Sql => Resolver::Sql(Sql::new(config, account, routes, metrics)?),
        ResolverKind::Subdomain => {
            let suffix = needed("suffix", &config.suffix)?;
            Resolver::Subdomain(Subdomain::new(&suffix, &needed("namespace", &config.namespace)?, own()?))
        }
        ResolverKind::Worker => {
            let script = ScriptName::parse(&needed("script", &config.script)?);
            Resolver::Worker(DispatchWorker::new(script.map_err(|error| ("script", error.to_string()))?, own()?))
        }
    })
}

/// A script by its names now: in a dispatch namespace, or one of the account's own.
fn find(routes: &AccountRoutes, namespace: Option<&str>, script: &str) -> Option<Arc<Route>> {
    match namespace {
        Some(namespace) => routes.dispatched(namespace, script),
        None => routes.worker(script),
    }
}

//! `switchyard resolve`: what each resolver would say to a request that is only told, not sent.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, request};
use switchyard_api::{Outcome, Resolution, ResolveRequest, ResolveStep, Tenant};
use url::Url;

use super::{Answer, Question, Resolved, Resolver};
use crate::authority::Authority;
use crate::config;
use crate::dispatch::Call;
use crate::error::Failure;
use crate::gateway::Gateway;

/// More than a request may have is not read.
const MAX_HEADERS: usize = 1_000;

/// The running node's resolvers, for the admin API. `listeners`: their addresses in the configuration.
pub struct Explainer {
    pub gateway: Arc<Gateway>,
    pub listeners: Vec<String>,
}

#[async_trait]
impl switchyard_api::Resolvers for Explainer {
    async fn explain(&self, asked: ResolveRequest) -> Result<Resolution, (&'static str, String)> {
        let live = self.gateway.live();
        let (authority, mut head) = read(&asked)?;
        let listener = match &asked.listener {
            None => 0,
            Some(address) => {
                let found = self.listeners.iter().position(|own| own == address);
                found.ok_or_else(|| ("listener", format!("there is none at {address:?}")))?
            }
        };
        let vouched = live.vouches(listener, asked.peer);
        let removed = live.resolvers.strip(&mut head.headers, asked.peer, vouched);
        let question = Question { authority: &authority, head: &head, peer: asked.peer, vouched };

        let mut steps = Vec::new();
        let mut end: Option<Result<Resolved, Failure>> = None;
        for (config, resolver) in live.resolvers.list() {
            let (outcome, why) = if end.is_some() {
                (Outcome::NotAsked, None)
            } else {
                match ask(resolver, question).await {
                    (Ok(Answer::Mine(resolved)), told) => {
                        end = Some(Ok(resolved));
                        (Outcome::Mine, told)
                    }
                    (Ok(Answer::NotMine(why)), told) => (Outcome::NotMine, Some(join(told, &why.to_string()))),
                    (Err(failure), told) => {
                        let why = join(told, &failure.to_string());
                        end = Some(Err(failure));
                        (Outcome::Failed, Some(why))
                    }
                }
            };
            steps.push(ResolveStep { kind: config.kind.as_str(), about: about(config), outcome, why });
        }
        let (tenant, failure) = match end {
            Some(Ok(resolved)) => (Some(self.tenant(resolved)), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, Some(Failure::NoTenant)),
        };
        let status =
            failure.map(|failure| failure.response(false, &HeaderValue::from_static(""), None).status().as_u16());
        let removed_headers = removed.iter().map(ToString::to_string).collect();
        Ok(Resolution { host: authority.as_str().to_owned(), removed_headers, steps, tenant, status })
    }
}

/// As the gateway asks; with what a look-up has to tell besides.
async fn ask(resolver: &Resolver, question: Question<'_>) -> (Result<Answer, Failure>, Option<String>) {
    match resolver {
        Resolver::Sql(sql) => sql.explain(question).await,
        other => (other.resolve(question).await, None),
    }
}

fn join(told: Option<String>, why: &str) -> String {
    told.map_or_else(|| why.to_owned(), |told| format!("{told}: {why}"))
}

/// The request as it would come in.
fn read(asked: &ResolveRequest) -> Result<(Authority, request::Parts), (&'static str, String)> {
    let url = Url::parse(&asked.url).map_err(|error| ("url", error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(("url", "it must begin with http:// or https://".to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let own = if url.scheme() == "https" { 443 } else { 80 };
    let authority = Authority::read(&host, own).map_err(|error| ("url", error.to_string()))?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let target: Uri = target.parse().map_err(|_| ("url", "its path cannot be sent".to_owned()))?;
    let mut headers = HeaderMap::new();
    if asked.headers.len() > MAX_HEADERS {
        return Err(("headers", format!("there are more than {MAX_HEADERS}")));
    }
    for (name, value) in &asked.headers {
        let wrong = || ("headers", format!("{name:?} is not a header that can be sent"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    let mut head = Request::new(()).into_parts().0;
    head.uri = target;
    head.headers = headers;
    Ok((authority, head))
}

/// A resolver's configuration in a few words, without anything secret.
fn about(config: &config::Resolver) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let place = match &config.namespace {
        Some(namespace) => format!("namespace {namespace}"),
        None => "the account's own Workers".to_owned(),
    };
    let about = match config.kind {
        config::ResolverKind::Fixed => {
            let hosts = config.hosts.as_ref().map_or_else(|| "every host".to_owned(), |hosts| hosts.join(", "));
            format!("{hosts} -> {} of {place}", text(&config.script))
        }
        config::ResolverKind::Header => format!("header {} -> {place}", text(&config.name)),
        config::ResolverKind::Sql => format!("{} -> {}", text(&config.key), text(&config.query)),
        config::ResolverKind::Subdomain => format!("*.{} -> {place}", text(&config.suffix).trim_matches('.')),
        config::ResolverKind::Worker => format!("every host -> the Worker {}", text(&config.script)),
    };
    match &config.account {
        Some(account) => format!("{about} (account {account})"),
        None => about,
    }
}

impl Explainer {
    fn tenant(&self, resolved: Resolved) -> Tenant {
        let Resolved { route, limits, plan, version, outbound } = resolved;
        let call = Call { limits, plan, ..Call::default() };
        let (terms, _) = self.gateway.dispatcher.node_terms().for_call(&route, &call);
        let plans = [call.plan.as_deref(), route.settings.plan.as_ref(), route.plan.as_ref()];
        Tenant {
            account: route.account.to_string(),
            namespace: route.namespace.as_ref().map(ToString::to_string),
            script: route.name.to_string(),
            tag: route.script.as_uuid().simple().to_string(),
            version: version.map(|version| version.to_string()),
            limits,
            plans: plans.into_iter().flatten().map(ToString::to_string).collect(),
            terms: switchyard_api::Terms { limits: terms.limits, weight: terms.weight },
            outbound: outbound.map(|outbound| (*outbound).to_owned()),
        }
    }
}

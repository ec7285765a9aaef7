//! Live logs: Cloudflare's tail sessions, which wrangler opens and then reads over a WebSocket, and ours
//! as server-sent events, which a namespace's scripts have too.

use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use switchyard_catalog::{TailFilters, TailOwner, TailSession, TailStream, TailTarget, TooManyTails, VersionId};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    router::BASE,
};

/// Filters of one session, and values of one filter.
const MOST: usize = 50;
/// Bytes of a text to look for.
const LONGEST: usize = 1_024;
/// Longest silence of an event stream: proxies cut those that say nothing.
const SILENCE: Duration = Duration::from_secs(15);

/// `POST …/tails`.
pub(crate) async fn tail_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let target = target(context).await?;
    let filters = sent(context).await?;
    let opened = context.tails().open(&owner(context), target, filters).map_err(too_many)?;
    Ok(Reply::of(view(context, &opened)))
}

/// `GET …/tails`.
pub(crate) async fn tail_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let target = target(context).await?;
    let sessions = context.tails().list(target);
    Ok(Reply::of(sessions.iter().map(|session| view(context, session)).collect::<Vec<_>>()))
}

/// `DELETE …/tails/{tail}`.
pub(crate) async fn tail_delete(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let target = target(context).await?;
    if context.tails().close(target, context.params.get("tail")) {
        Ok(Reply::null())
    } else {
        Err(ApiError::new(StatusCode::NOT_FOUND, 10007, "There is no such tail of this Worker.").into())
    }
}

/// Ours: `GET …/tail`, of a script or of all scripts of a namespace.
pub(crate) async fn tail_follow(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let target = target(context).await?;
    let filters = asked(context)?;
    let events = context.tails().follow(&owner(context), target, filters).map_err(too_many)?;
    Ok(Reply::events(server_sent(events)))
}

/// Whom the path names, by its id: one made later under the name is another tenant's.
async fn target(context: &mut Context<'_>) -> Result<TailTarget, Refusal> {
    if context.params.find("script").is_some() {
        let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
        return Ok(TailTarget::Script(row.script.id));
    }
    let namespace = context.catalog().namespace_find(&context.actor, &context.namespace()?).await?;
    Ok(TailTarget::Namespace(namespace.id))
}

fn owner(context: &Context<'_>) -> TailOwner {
    TailOwner { account: context.actor.account.clone(), token: context.token.hash }
}

fn too_many(error: TooManyTails) -> Refusal {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, 10013, error.to_string()).into()
}

/// The id in the URL is the listener's credential. The host is the one that the caller has reached.
fn view(context: &Context<'_>, session: &TailSession) -> Value {
    let proto = context.headers().get("x-forwarded-proto").map(|proto| proto.as_bytes());
    let scheme = if proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")) { "wss" } else { "ws" };
    let host = context.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| context.authority()).unwrap_or("localhost");
    json!({
        "id": session.id,
        "url": format!("{scheme}://{host}{BASE}/switchyard/tails/{}", session.id),
        "expires_at": session.expires_on.to_string(),
    })
}

fn server_sent(events: TailStream) -> impl Stream<Item = Bytes> + Send + 'static {
    let begun = stream::once(async { Bytes::from_static(b": listening\n\n") });
    begun.chain(stream::unfold(events, |mut events| async move {
        let text = match tokio::time::timeout(SILENCE, events.next()).await {
            // An event has no line breaks.
            Ok(event) => Bytes::from(format!("data: {}\n\n", event?)),
            Err(_) => Bytes::from_static(b":\n\n"),
        };
        Some((text, events))
    }))
}

/// What wrangler makes of its flags.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    filters: Option<Vec<Object<SentFilter>>>,
}

/// One of these, at Cloudflare; an unknown one must not mean "everything".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentFilter {
    sampling_rate: Option<f64>,
    outcome: Option<Vec<String>>,
    method: Option<Vec<String>>,
    header: Option<Object<SentHeader>>,
    client_ip: Option<Vec<String>>,
    query: Option<String>,
    #[serde(rename = "scriptVersion")]
    version: Option<String>,
}

#[derive(Deserialize)]
struct SentHeader {
    key: String,
    query: Option<String>,
}

async fn sent(context: &mut Context<'_>) -> Result<TailFilters, Refusal> {
    let Some(Object(sent)) = context.json_or_nothing::<Object<Sent>>().await? else {
        return Ok(TailFilters::default());
    };
    let mut filters = TailFilters::default();
    let sent = bounded("filters", sent.filters.unwrap_or_default())?;
    for Object(filter) in sent {
        if let Some(rate) = filter.sampling_rate {
            filters.sampling_rate = Some(share(rate)?);
        }
        filters.outcomes.extend(bounded("outcome", filter.outcome.unwrap_or_default())?);
        filters.methods.extend(bounded("method", filter.method.unwrap_or_default())?);
        if let Some(Object(SentHeader { key, query })) = filter.header {
            filters.header = Some((text("header", key)?.to_ascii_lowercase(), query));
        }
        for ip in bounded("client_ip", filter.client_ip.unwrap_or_default())? {
            filters.client_ips.push(address(context, &ip)?);
        }
        if let Some(query) = filter.query {
            filters.query = Some(text("query", query)?);
        }
        if let Some(id) = filter.version {
            filters.version = Some(version(&id)?);
        }
    }
    Ok(filters)
}

/// The same by query parameters, named as wrangler's flags.
fn asked(context: &Context<'_>) -> Result<TailFilters, Refusal> {
    let mut filters = TailFilters::default();
    let asked: Vec<_> = context.queries().filter(|(_, value)| !value.is_empty()).take(MOST + 1).collect();
    for (name, value) in bounded("query", asked)? {
        match name.as_str() {
            "sampling_rate" => {
                let rate = value.parse().map_err(|_| wrong("sampling_rate is not a number"))?;
                filters.sampling_rate = Some(share(rate)?);
            }
            "status" => status(&mut filters, &value)?,
            "method" => filters.methods.push(text("method", value)?),
            "header" => {
                let (name, value) = value.split_once(':').map_or((value.as_str(), None), |(n, v)| (n, Some(v.trim())));
                filters.header = Some((name.trim().to_ascii_lowercase(), value.map(str::to_owned)));
            }
            "search" => filters.query = Some(text("search", value)?),
            "ip" => filters.client_ips.push(address(context, &value)?),
            "version_id" => filters.version = Some(version(&value)?),
            _ => {}
        }
    }
    Ok(filters)
}

/// How it ended, as wrangler says it; or the response's status.
fn status(filters: &mut TailFilters, word: &str) -> Result<(), Refusal> {
    const ERRORS: [&str; 7] =
        ["exception", "exceededCpu", "exceededMemory", "exceededWallTime", "loadShed", "internalError", "unknown"];
    match word {
        "ok" | "canceled" => filters.outcomes.push(word.to_owned()),
        "error" => filters.outcomes.extend(ERRORS.map(str::to_owned)),
        code => filters.statuses.push(codes(code).ok_or_else(|| {
            wrong("status must be ok, error or canceled, a status code such as 404, or a class such as 5xx")
        })?),
    }
    Ok(())
}

fn codes(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class))?;
        return Some(class * 100..=class * 100 + 99);
    }
    let code = text.parse().ok().filter(|code| (100..=999).contains(code))?;
    Some(code..=code)
}

fn share(rate: f64) -> Result<f64, Refusal> {
    if rate > 0.0 && rate <= 1.0 { Ok(rate) } else { Err(wrong("sampling_rate must be above 0 and at most 1")) }
}

fn address(context: &Context<'_>, text: &str) -> Result<IpAddr, Refusal> {
    if text == "self" {
        return Ok(context.peer.to_canonical());
    }
    let address: Result<IpAddr, _> = text.parse();
    address.map(|address| address.to_canonical()).map_err(|_| wrong("client_ip must be an IP address, or self"))
}

fn version(text: &str) -> Result<VersionId, Refusal> {
    VersionId::parse(text).ok_or_else(|| wrong("the version is not a version's id"))
}

fn text(what: &str, text: String) -> Result<String, Refusal> {
    if text.len() <= LONGEST { Ok(text) } else { Err(wrong(&format!("{what} is longer than {LONGEST} bytes"))) }
}

fn bounded<T>(what: &str, values: Vec<T>) -> Result<Vec<T>, Refusal> {
    if values.len() <= MOST { Ok(values) } else { Err(wrong(&format!("{what} has more than {MOST} values"))) }
}

fn wrong(rule: &str) -> Refusal {
    ApiError::unparsable(rule).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_words_codes_and_classes() {
        assert_eq!((codes("404"), codes("5xx")), (Some(404..=404), Some(500..=599)));
        for wrong in ["", "x", "99", "1000", "0xx", "10xx", "xx", "-1"] {
            assert_eq!(codes(wrong), None, "{wrong}");
        }
        let mut filters = TailFilters::default();
        status(&mut filters, "error").expect("a word");
        assert!(filters.outcomes.iter().any(|outcome| outcome == "exceededCpu") && filters.statuses.is_empty());
    }
}

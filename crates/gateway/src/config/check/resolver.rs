//! The keys of each kind of resolver: those it needs, those it may have, and no others.

use switchyard_catalog::{AccountId, NamespaceName, ScriptName};

use crate::authority::Authority;
use crate::config::{Resolver, ResolverKind};
use crate::headers::is_free;
use crate::resolve::{HostPattern, Key};

impl ResolverKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Header => "header",
            Self::Sql => "sql",
            Self::Subdomain => "subdomain",
            Self::Worker => "worker",
        }
    }

    /// What it needs, and what it may have besides; `account` belongs to all.
    fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Fixed => (&["script"], &["namespace", "hosts"]),
            Self::Header => (&["name"], &["namespace", "trusted"]),
            Self::Sql => (
                &["key", "query"],
                &[
                    "url",
                    "url_env",
                    "namespace",
                    "suffix",
                    "trusted",
                    "connections",
                    "acquire_timeout",
                    "statement_timeout",
                    "pooler",
                    "cache",
                ],
            ),
            Self::Subdomain => (&["suffix", "namespace"], &[]),
            Self::Worker => (&["script"], &[]),
        }
    }
}

/// # Errors
/// The key that is at fault, and the rule.
pub(super) fn check(resolver: &Resolver) -> Result<(), (&'static str, String)> {
    let kind = resolver.kind.as_str();
    let (needed, optional) = resolver.kind.keys();
    for (key, given) in given(resolver) {
        if needed.contains(&key) && !given {
            return Err((key, format!("a resolver of kind {kind:?} needs {key:?}")));
        }
        if given && !needed.contains(&key) && !optional.contains(&key) {
            return Err((key, format!("{key:?} does not belong to a resolver of kind {kind:?}")));
        }
    }
    if let Some(account) = &resolver.account
        && AccountId::parse(account).is_none()
    {
        return Err(("account", "account must be 1 to 32 of A-Z a-z 0-9 _ -".into()));
    }
    if let Some(namespace) = &resolver.namespace {
        NamespaceName::parse(namespace).map_err(|error| ("namespace", error.to_string()))?;
    }
    if let Some(script) = &resolver.script {
        ScriptName::parse(script).map_err(|error| ("script", error.to_string()))?;
    }
    if let Some(suffix) = &resolver.suffix {
        let domain = Authority::parse(suffix).ok().filter(|authority| authority.host() == authority.as_str());
        domain.ok_or_else(|| ("suffix", format!("suffix {suffix:?} is not a domain")))?;
    }
    for host in resolver.hosts.iter().flatten() {
        HostPattern::parse(host).ok_or_else(|| {
            ("hosts", format!("hosts: {host:?} is neither a host without a port nor \"*.\" and a domain"))
        })?;
    }
    if resolver.hosts.as_ref().is_some_and(Vec::is_empty) {
        return Err(("hosts", "hosts is empty: no request would match; without the key every host does".into()));
    }
    if let Some(name) = &resolver.name {
        free_header("name", name)?;
    }
    if resolver.kind == ResolverKind::Sql { sql(resolver) } else { Ok(()) }
}

fn free_header(key: &'static str, name: &str) -> Result<(), (&'static str, String)> {
    match http::HeaderName::from_bytes(name.as_bytes()) {
        Err(_) => Err((key, format!("{name:?} is not a header's name"))),
        Ok(name) if is_free(&name) => Ok(()),
        Ok(name) => Err((key, format!("the header {name} has a meaning of its own and cannot name a tenant"))),
    }
}

fn sql(resolver: &Resolver) -> Result<(), (&'static str, String)> {
    let text = resolver.key.as_deref().unwrap_or_default();
    let key = Key::parse(text).ok_or_else(|| {
        ("key", format!("key {text:?} is none of \"host\", \"label\", \"header:NAME\", \"path:0\" to \"path:15\""))
    })?;
    if let Key::Header(name) = &key {
        free_header("key", name.as_str())?;
    } else if resolver.trusted.is_some() {
        return Err(("trusted", "trusted is for key = \"header:NAME\"".into()));
    }
    if resolver.suffix.is_some() && !matches!(key, Key::Label) {
        return Err(("suffix", "suffix is for key = \"label\"".into()));
    }
    match (&resolver.url, &resolver.url_env) {
        (Some(_), Some(_)) => return Err(("url_env", "url and url_env exclude each other".into())),
        (None, None) => return Err(("url", "a resolver of kind \"sql\" needs \"url\" or \"url_env\"".into())),
        (Some(url), None) => {
            crate::resolve::Dialect::of(url).map_err(|message| ("url", message))?;
        }
        (None, Some(_)) => {}
    }
    let query = resolver.query.as_deref().unwrap_or_default();
    let first = query.trim_start().get(..6).unwrap_or_default().to_ascii_lowercase();
    if first != "select" && !first.starts_with("with") {
        return Err(("query", "query must be one SELECT (or WITH … SELECT)".into()));
    }
    if query.trim_end().trim_end_matches(';').contains(';') {
        return Err(("query", "query must be one statement, without a ; in it".into()));
    }
    if !query.contains('?') && !query.contains("$1") {
        return Err(("query", "query must have one parameter: $1 (PostgreSQL, SQLite) or ? (MySQL, SQLite)".into()));
    }
    if resolver.connections == Some(0) {
        return Err(("connections", "connections is too small".into()));
    }
    for (key, time) in
        [("acquire_timeout", resolver.acquire_timeout), ("statement_timeout", resolver.statement_timeout)]
    {
        if time.is_some_and(|time| time.as_millis() == 0) {
            return Err((key, format!("{key} is too small")));
        }
    }
    if let Some(cache) = &resolver.cache
        && (cache.entries == 0 || cache.negative_entries == 0)
    {
        return Err(("cache", "cache: entries and negative_entries must be at least 1".into()));
    }
    Ok(())
}

/// Every key but `kind` and `account`, and whether the table has it.
fn given(resolver: &Resolver) -> [(&'static str, bool); 15] {
    let Resolver {
        kind: _,
        account: _,
        suffix,
        namespace,
        script,
        hosts,
        name,
        trusted,
        url,
        url_env,
        key,
        query,
        connections,
        acquire_timeout,
        statement_timeout,
        pooler,
        cache,
    } = resolver;
    [
        ("suffix", suffix.is_some()),
        ("namespace", namespace.is_some()),
        ("script", script.is_some()),
        ("hosts", hosts.is_some()),
        ("name", name.is_some()),
        ("trusted", trusted.is_some()),
        ("url", url.is_some()),
        ("url_env", url_env.is_some()),
        ("key", key.is_some()),
        ("query", query.is_some()),
        ("connections", connections.is_some()),
        ("acquire_timeout", acquire_timeout.is_some()),
        ("statement_timeout", statement_timeout.is_some()),
        ("pooler", pooler.is_some()),
        ("cache", cache.is_some()),
    ]
}

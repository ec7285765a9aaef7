//! A database of the operator's knows the tenants: one statement with one parameter, in any schema,
//! says who gets a request. Requests go by what is cached; the database is asked on a miss.

mod away;
mod database;
mod dialect;
mod flights;
mod lookup;
mod row;

pub use lookup::Source;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use switchyard_catalog::AccountId;

use super::header::believed;
use super::hosts::label;
use super::{Answer, Question, Why};
use crate::config;
use crate::error::Failure;
use crate::observe::LookupMetrics;
use crate::routes::Routes;
use database::Database;
pub(crate) use dialect::Dialect;
use lookup::Lookup;
use row::{Reader, Target};

/// What is looked up may be this long; nothing longer is in a database.
const MAX_KEY: usize = 256;
/// Segments of a path that are told apart.
const MAX_SEGMENT: usize = 15;

/// What of a request is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Host,
    /// The host's first label; where there is a suffix, the one label below it.
    Label,
    /// From a trusted peer.
    Header(HeaderName),
    /// The path's segment of this number, decoded; 0 is the first.
    Path(usize),
}

impl Key {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "host" => Some(Self::Host),
            None if text == "label" => Some(Self::Label),
            Some(("header", name)) => HeaderName::from_bytes(name.as_bytes()).ok().map(Self::Header),
            Some(("path", number)) => number.parse().ok().filter(|number| *number <= MAX_SEGMENT).map(Self::Path),
            _ => None,
        }
    }
}

pub struct Sql {
    key: Key,
    /// With its leading dot.
    suffix: Option<String>,
    trusted: Vec<IpNet>,
    lookup: Arc<Lookup>,
}

impl Sql {
    /// Connects to nothing yet: a node starts without its database.
    ///
    /// # Errors
    /// The key that is at fault, and why.
    pub fn new(
        config: &config::Resolver,
        account: Option<&AccountId>,
        routes: &Arc<Routes>,
        metrics: &LookupMetrics,
    ) -> Result<Self, (&'static str, String)> {
        let key = config.key.as_deref().and_then(Key::parse).ok_or(("key", "is not valid".to_owned()))?;
        let suffix =
            config.suffix.as_deref().map(|suffix| format!(".{}", suffix.trim_matches('.')).to_ascii_lowercase());
        let database = Database::new(config)?;
        let reader = Reader::new(account, config.namespace.clone(), routes);
        let lookup = Lookup::new(database, reader, config.cache.clone().unwrap_or_default(), metrics.clone());
        Ok(Self { key, suffix, trusted: config.trusted.clone().unwrap_or_default(), lookup: Arc::new(lookup) })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// # Errors
    /// [`Failure::LookupFailed`]; [`Failure::TenantHeader`] where the key is a header that is there twice.
    pub async fn resolve(&self, question: Question<'_>) -> Result<Answer, Failure> {
        match self.value(question)? {
            Some(key) => self.lookup.find(&key).await.1.map_or(Err(Failure::LookupFailed), |found| Ok(answer(found))),
            None => Ok(Answer::NotMine(self.without_value())),
        }
    }

    /// As [`Sql::resolve`], where what it would say is in memory.
    pub fn known(&self, question: Question<'_>) -> Option<Result<Answer, Failure>> {
        match self.value(question) {
            Ok(Some(key)) => self.lookup.known(&key).map(|found| Ok(answer(found))),
            Ok(None) => Some(Ok(Answer::NotMine(self.without_value()))),
            Err(failure) => Some(Err(failure)),
        }
    }

    /// As [`Sql::resolve`], with what was looked up and how that went, for operators.
    pub async fn explain(&self, question: Question<'_>) -> (Result<Answer, Failure>, Option<String>) {
        let key = match self.value(question) {
            Ok(Some(key)) => key,
            Ok(None) => return (Ok(Answer::NotMine(self.without_value())), None),
            Err(failure) => return (Err(failure), None),
        };
        match self.lookup.find(&key).await {
            (source, Ok(found)) => (Ok(answer(found)), Some(format!("{key:?}: {}", source.about()))),
            (_, Err(error)) => (Err(Failure::LookupFailed), Some(format!("{key:?}: {error}"))),
        }
    }

    /// What of this request is looked up, if it has it.
    fn value<'a>(&self, question: Question<'a>) -> Result<Option<Cow<'a, str>>, Failure> {
        let host = question.authority.host();
        let value = match &self.key {
            Key::Host => Some(host.into()),
            Key::Label => match &self.suffix {
                Some(suffix) => label(host, suffix).map(Cow::from),
                None => host.split('.').next().map(Cow::from),
            },
            Key::Header(name) => {
                believed(name, &self.trusted, question)?.map(HeaderValue::to_str).and_then(Result::ok).map(Cow::from)
            }
            Key::Path(number) => {
                let path = question.head.uri.path();
                let segment = path.strip_prefix('/').and_then(|path| path.split('/').nth(*number));
                segment.and_then(|segment| percent_decode_str(segment).decode_utf8().ok())
            }
        };
        // No database takes a NUL in a text, and nobody calls a tenant by a control character.
        let fits = |value: &Cow<'_, str>| (1..=MAX_KEY).contains(&value.len()) && !value.contains(char::is_control);
        Ok(value.filter(fits))
    }

    fn without_value(&self) -> Why {
        match self.key {
            Key::Label => Why::NotOneLabel,
            Key::Header(_) => Why::NoHeader,
            Key::Host | Key::Path(_) => Why::NoKey,
        }
    }
}

fn answer(found: Option<Arc<Target>>) -> Answer {
    found.map_or(Answer::NotMine(Why::NoRow), |target| target.answer())
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn keys_are_read() {
        assert_eq!(Key::parse("host"), Some(Key::Host));
        assert_eq!(Key::parse("header:X-Tenant"), Some(Key::Header("x-tenant".parse().unwrap())));
        assert_eq!(Key::parse("path:15"), Some(Key::Path(15)));
        for wrong in ["", "Host", "header", "header:", "header:a b", "path", "path:", "path:16", "path:-1", "cookie:x"]
        {
            assert_eq!(Key::parse(wrong), None, "{wrong}");
        }
    }
}

//! A Script as replies show it (contract §3.2), written straight to bytes: a page holds a thousand.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use switchyard_catalog::{CodeSyntax, NamedHandlers, NamespaceName, ScriptRow, Tag, Timestamp, Version};

use crate::upstream;

/// Of what is deployed of it, else of its newest version.
#[derive(Serialize)]
pub(crate) struct ScriptView<'a> {
    /// Its name.
    id: &'a str,
    /// Its immutable id.
    tag: String,
    #[serde(serialize_with = "tags")]
    tags: &'a [Tag],
    has_assets: bool,
    logpush: bool,
    observability: Option<&'a Value>,
    placement: Cow<'a, Value>,
    tail_consumers: Option<&'a Value>,
    last_deployed_from: &'a str,
    #[serde(serialize_with = "time")]
    created_on: Timestamp,
    #[serde(serialize_with = "time")]
    modified_on: Timestamp,
    #[serde(flatten)]
    version: Option<VersionView<'a>>,
}

#[derive(Serialize)]
struct VersionView<'a> {
    etag: String,
    handlers: &'a [String],
    #[serde(serialize_with = "named_handlers")]
    named_handlers: &'a [NamedHandlers],
    has_modules: bool,
    compatibility_date: &'a str,
    compatibility_flags: &'a [String],
    usage_model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    migration_tag: Option<&'a str>,
    /// Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Value>,
}

impl<'a> ScriptView<'a> {
    pub(crate) fn of(row: &'a ScriptRow) -> Self {
        let (script, settings) = (&row.script, &row.script.settings);
        let version = row.deployed.as_deref().or(row.latest.as_deref());
        let empty = || Cow::Owned(Value::Object(Map::new()));
        Self {
            id: script.name.as_str(),
            tag: script.id.simple(),
            tags: &script.tags,
            has_assets: version.is_some_and(|version| version.assets.is_some()),
            logpush: settings.logpush,
            observability: settings.observability.as_ref(),
            placement: settings.placement.as_ref().map_or_else(empty, Cow::Borrowed),
            tail_consumers: settings.tail_consumers.as_ref(),
            last_deployed_from: settings.last_deployed_from.as_deref().unwrap_or("api"),
            created_on: script.created_on,
            modified_on: script.modified_on,
            version: version.map(VersionView::of),
        }
    }

    /// The same as a value, for replies that add to it.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // It is an object, and there is nothing in it that JSON cannot say.
            _ => Map::new(),
        }
    }
}

impl<'a> VersionView<'a> {
    fn of(version: &'a Version) -> Self {
        Self {
            etag: version.etag().hex(),
            handlers: &version.handlers,
            named_handlers: &version.named_handlers,
            has_modules: version.code.syntax == CodeSyntax::Modules && !version.code.modules.is_empty(),
            compatibility_date: &version.compatibility_date,
            compatibility_flags: &version.compatibility_flags,
            usage_model: &version.usage_model,
            migration_tag: version.migration_tag.as_deref(),
            upstream: version.code.upstream.as_ref().map(upstream::show),
        }
    }
}

/// A page of a list of the account's own Workers, as JSON.
pub(crate) fn page(rows: &[ScriptRow]) -> Vec<u8> {
    array(rows, |row, out| write(&ScriptView::of(row), out))
}

/// A page of a list of a namespace's scripts, as JSON.
pub(crate) fn page_in_namespace(namespace: &NamespaceName, rows: &[ScriptRow]) -> Vec<u8> {
    array(rows, |row, out| write_in_namespace(namespace, row, out))
}

/// One script of a namespace, as JSON.
pub(crate) fn script_in_namespace(namespace: &NamespaceName, row: &ScriptRow) -> Vec<u8> {
    let mut out = Vec::new();
    write_in_namespace(namespace, row, &mut out);
    out
}

/// The fields are there twice: nested, as the schema has them, and flat, as the vendor's sample platform
/// reads them. What is nested is a copy of the bytes.
fn write_in_namespace(namespace: &NamespaceName, row: &ScriptRow, out: &mut Vec<u8>) {
    let begin = out.len();
    write(&ScriptView::of(row), out);
    let end = out.len();
    out.pop();
    out.extend_from_slice(b",\"dispatch_namespace\":");
    write(namespace.as_str(), out);
    out.extend_from_slice(b",\"script\":");
    out.extend_from_within(begin..end - 1);
    out.extend_from_slice(b"}}");
}

fn array(rows: &[ScriptRow], mut item: impl FnMut(&ScriptRow, &mut Vec<u8>)) -> Vec<u8> {
    /// Of a small script, both times.
    const TYPICAL: usize = 1_200;
    let mut out = Vec::with_capacity(2 + rows.len() * TYPICAL);
    out.push(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(row, &mut out);
    }
    out.push(b']');
    out
}

fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Memory takes all, and there is nothing in these types that JSON cannot say.
    let _ = serde_json::to_writer(out, value);
}

fn tags<S: Serializer>(tags: &[Tag], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter().map(Tag::as_str))
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn named_handlers<S: Serializer>(handlers: &[NamedHandlers], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        name: &'a str,
        handlers: &'a [String],
    }
    serializer.collect_seq(handlers.iter().map(|named| Shown { name: &named.name, handlers: &named.handlers }))
}

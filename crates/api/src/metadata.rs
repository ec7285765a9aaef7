//! The `metadata` part of an upload (contract §3.3), typed. Unknown fields are ignored; a field of a
//! wrong type is refused by name.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use switchyard_catalog::{Code, Limits, NewAssets, NewBinding, NewScript, Precondition, Tag, Upstream};

use crate::{
    assets, bindings,
    error::ApiError,
    object::{self, Misfit, Object},
    upstream,
};

/// What an upload says besides its modules. `Default` says nothing.
#[derive(Default)]
pub(crate) struct Metadata {
    pub(crate) entry: Option<Entry>,
    bindings: Vec<NewBinding>,
    keep_bindings: Option<Vec<String>>,
    compatibility_date: Option<String>,
    compatibility_flags: Vec<String>,
    tags: Option<Vec<Tag>>,
    limits: Limits,
    tail_consumers: Option<Value>,
    observability: Option<Value>,
    placement: Option<Value>,
    logpush: bool,
    annotations: Map<String, Value>,
    usage_model: Option<String>,
    migration_tag: Option<String>,
    assets: Option<NewAssets>,
    keep_assets: bool,
    /// Ours.
    upstream: Option<Upstream>,
}

/// Which module is started, by the name that metadata gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `main_module`
    Module(String),
    /// `body_part`
    Body(String),
}

#[derive(Deserialize)]
struct Migrations {
    #[serde(default)]
    new_tag: Option<String>,
}

/// Cloudflare's `limits`, in its own units.
#[derive(Deserialize)]
struct SentLimits {
    #[serde(default)]
    cpu_ms: Option<u32>,
    #[serde(default)]
    subrequests: Option<u32>,
}

/// An object of which fields are taken one by one, so that an error can name the field.
pub(crate) struct Fields<'a> {
    /// `metadata`, `settings`: what the message begins with.
    what: &'static str,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// # Errors
    /// 10026 when the text is not a JSON object.
    pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
        let value = serde_json::from_slice::<Value>(bytes)
            .map_err(|error| ApiError::unparsable(format!("{what} is not JSON: {error}")))?;
        match value {
            Value::Object(object) => Ok(object),
            _ => Err(ApiError::unparsable(format!("{what} is not a JSON object"))),
        }
    }

    pub(crate) fn new(what: &'static str, object: &'a Map<String, Value>) -> Self {
        Self { what, object }
    }

    /// The field, if it is there and not null.
    ///
    /// # Errors
    /// 10021 when it has another type.
    pub(crate) fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => object::read(value.clone()).map(Some).map_err(|Misfit { pointer, message }| {
                let within = pointer.replace('/', ".");
                ApiError::invalid(format!("{}.{name}{within}: {message}", self.what)).at(format!("/{name}{pointer}"))
            }),
        }
    }

    /// Whether the field is there at all; null counts.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A list of objects, kept as sent.
    fn array(&self, name: &str) -> Result<Option<Value>, ApiError> {
        Ok(self.take::<Vec<Map<String, Value>>>(name)?.map(Value::from_iter))
    }

    pub(crate) fn map(&self, name: &str) -> Result<Option<Value>, ApiError> {
        Ok(self.take::<Map<String, Value>>(name)?.map(Value::Object))
    }

    pub(crate) fn bindings(&self) -> Result<Option<Vec<NewBinding>>, ApiError> {
        /// What is parsed is bounded; how many a Worker may have is the catalog's rule.
        const MOST: usize = 1_000;
        let Some(entries) = self.take::<Vec<Value>>("bindings")? else { return Ok(None) };
        if entries.len() > MOST {
            return Err(ApiError::invalid(format!("{}.bindings has more than {MOST} entries", self.what)));
        }
        entries
            .iter()
            .enumerate()
            .map(|(at, entry)| bindings::parse(entry, at).map_err(|error| error.below(&format!("/bindings/{at}"))))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// As [`Fields::bindings`], of a settings patch: an entry with nothing but name and type stands
    /// for the binding that is there (`wrangler secret bulk` sends what it wants to keep so).
    pub(crate) fn bindings_or_kept(&self) -> Result<Option<Vec<NewBinding>>, ApiError> {
        let mut object = Map::new();
        if let Some(mut entries) = self.take::<Vec<Value>>("bindings")? {
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                if entry.len() == 2 && entry.contains_key("name") && entry.get("type").is_some_and(Value::is_string) {
                    entry.insert("type".to_owned(), "inherit".into());
                }
            }
            object.insert("bindings".to_owned(), Value::Array(entries));
        }
        Fields::new(self.what, &object).bindings()
    }

    pub(crate) fn tags(&self) -> Result<Option<Vec<Tag>>, ApiError> {
        let Some(tags) = self.take::<Vec<String>>("tags")? else { return Ok(None) };
        parse_tags(&tags).map(Some)
    }

    pub(crate) fn limits(&self) -> Result<Option<Limits>, ApiError> {
        let sent = self.take::<Object<SentLimits>>("limits")?;
        Ok(sent.map(|Object(sent)| Limits { cpu_ms: sent.cpu_ms, subrequests: sent.subrequests, ..Limits::default() }))
    }

    pub(crate) fn tail_consumers(&self) -> Result<Option<Value>, ApiError> {
        let consumers = self.array("tail_consumers")?;
        let entries = consumers.iter().filter_map(Value::as_array).flatten();
        for entry in entries {
            if !entry.get("service").is_some_and(Value::is_string) {
                return Err(ApiError::invalid(format!("{}.tail_consumers: an entry has no service", self.what)));
            }
        }
        Ok(consumers)
    }

    pub(crate) fn migration_tag(&self) -> Result<Option<String>, ApiError> {
        Ok(self.take::<Object<Migrations>>("migrations")?.and_then(|Object(migrations)| migrations.new_tag))
    }
}

/// # Errors
/// 10021 for a text that cannot be a tag.
pub(crate) fn parse_tags(tags: &[String]) -> Result<Vec<Tag>, ApiError> {
    tags.iter().map(|tag| Tag::parse(tag).map_err(|error| ApiError::invalid(error.to_string()))).collect()
}

impl Metadata {
    /// # Errors
    /// 10026 when it is not a JSON object, 10021 naming the field otherwise.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let object = Fields::object("metadata", bytes)?;
        let fields = Fields::new("metadata", &object);
        let module = fields.take::<String>("main_module")?.map(Entry::Module);
        let body = fields.take::<String>("body_part")?.map(Entry::Body);
        Ok(Self {
            entry: module.or(body),
            bindings: fields.bindings()?.unwrap_or_default(),
            keep_bindings: fields.take("keep_bindings")?,
            compatibility_date: fields.take("compatibility_date")?,
            compatibility_flags: fields.take("compatibility_flags")?.unwrap_or_default(),
            tags: fields.tags()?,
            limits: fields.limits()?.unwrap_or_default(),
            tail_consumers: fields.tail_consumers()?,
            observability: fields.map("observability")?,
            placement: fields.map("placement")?,
            logpush: fields.take("logpush")?.unwrap_or_default(),
            annotations: fields.take("annotations")?.unwrap_or_default(),
            usage_model: fields.take("usage_model")?,
            migration_tag: fields.migration_tag()?,
            assets: assets::parse(&fields)?,
            keep_assets: fields.take("keep_assets")?.unwrap_or_default(),
            upstream: upstream::parse(&fields)?,
        })
    }

    /// The service-worker form: a bare body has no metadata, only an entry.
    pub(crate) fn of_bare_body(entry: &str) -> Self {
        Self { entry: Some(Entry::Body(entry.to_owned())), ..Self::default() }
    }

    /// # Errors
    /// 10021 for an upstream with modules.
    pub(crate) fn into_new_script(
        self,
        code: Option<Code>,
        strict_inherit: bool,
        source: String,
    ) -> Result<NewScript, ApiError> {
        // Nothing to start is named, so that nothing is to stay either.
        let alone = code.is_none() && self.assets.is_some() && self.entry.is_none();
        let code = match self.upstream {
            Some(_) if code.is_some() || self.entry.is_some() => {
                let message = "an upload has either modules with main_module or an upstream, not both";
                return Err(ApiError::invalid(message).at("/upstream".to_owned()));
            }
            Some(upstream) => Some(Code::of_upstream(upstream)),
            None if alone => Some(Code::none()),
            None => code,
        };
        Ok(NewScript {
            code,
            bindings: self.bindings,
            keep_bindings: self.keep_bindings,
            strict_inherit,
            compatibility_date: self.compatibility_date,
            compatibility_flags: self.compatibility_flags,
            tags: self.tags,
            limits: self.limits,
            tail_consumers: self.tail_consumers,
            observability: self.observability,
            placement: self.placement,
            logpush: self.logpush,
            annotations: self.annotations,
            usage_model: self.usage_model,
            migration_tag: self.migration_tag,
            assets: self.assets,
            keep_assets: self.keep_assets,
            source,
            precondition: Precondition::None,
        })
    }
}

//! The parts of an OpenAPI 3.1 document that this API uses, as they are serialised.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub(super) struct Document {
    pub(super) openapi: &'static str,
    pub(super) info: Info,
    pub(super) servers: Vec<Server>,
    pub(super) tags: Vec<TagInfo>,
    pub(super) security: Vec<Security>,
    pub(super) paths: BTreeMap<&'static str, PathItem>,
    pub(super) components: Components,
}

#[derive(Serialize)]
pub(super) struct Info {
    pub(super) title: &'static str,
    pub(super) version: &'static str,
    pub(super) description: &'static str,
}

#[derive(Serialize)]
pub(super) struct Server {
    pub(super) url: &'static str,
}

#[derive(Serialize)]
pub(super) struct TagInfo {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

/// One way to be let in: the name of a scheme.
#[derive(Serialize)]
pub(super) struct Security(BTreeMap<&'static str, [(); 0]>);

impl Security {
    pub(super) fn bearer() -> Self {
        Self(BTreeMap::from([("token", [])]))
    }
}

/// Operations by method, lower case.
#[derive(Serialize, Default)]
pub(super) struct PathItem(pub(super) BTreeMap<String, Operation>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) operation_id: String,
    pub(super) summary: &'static str,
    pub(super) tags: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_body: Option<RequestBody>,
    pub(super) responses: BTreeMap<String, Reply>,
    /// `Some`: other than the document's; empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security: Option<Vec<Security>>,
    /// What the token must be allowed: `read`, `write`.
    #[serde(rename = "x-switchyard-access")]
    pub(super) access: &'static str,
    /// The narrowest scope of tokens that may call it.
    #[serde(rename = "x-switchyard-scope")]
    pub(super) scope: &'static str,
    /// Ours, not Cloudflare's.
    #[serde(rename = "x-switchyard-own", skip_serializing_if = "std::ops::Not::not")]
    pub(super) own: bool,
}

#[derive(Serialize)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    #[serde(rename = "in")]
    pub(super) place: &'static str,
    pub(super) required: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) description: &'static str,
    pub(super) schema: Schema,
}

#[derive(Serialize)]
pub(super) struct RequestBody {
    pub(super) required: bool,
    pub(super) content: BTreeMap<&'static str, MediaType>,
}

#[derive(Serialize)]
pub(super) struct MediaType {
    pub(super) schema: Schema,
}

impl MediaType {
    pub(super) fn of(schema: Schema) -> Self {
        Self { schema }
    }
}

#[derive(Serialize)]
pub(super) struct Reply {
    pub(super) description: String,
    pub(super) content: BTreeMap<&'static str, MediaType>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Components {
    pub(super) schemas: BTreeMap<&'static str, Schema>,
    pub(super) security_schemes: BTreeMap<&'static str, Value>,
}

pub(super) fn security_schemes() -> BTreeMap<&'static str, Value> {
    let scheme = serde_json::json!({ "type": "http", "scheme": "bearer", "description": "an API token" });
    BTreeMap::from([("token", scheme)])
}

/// A JSON schema, as far as it is used here. `Default` allows everything.
#[derive(Serialize, Default, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<u64>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    values: Vec<Value>,
    #[serde(rename = "const", skip_serializing_if = "Option::is_none")]
    constant: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_items: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_schema: Option<Box<Schema>>,
    /// Not Cloudflare's.
    #[serde(rename = "x-switchyard-own", skip_serializing_if = "std::ops::Not::not")]
    own: bool,
}

impl Schema {
    pub(super) fn any() -> Self {
        Self::default()
    }

    pub(super) fn reference(name: &str) -> Self {
        Self { reference: Some(format!("#/components/schemas/{name}")), ..Self::default() }
    }

    fn kind(kind: &'static str) -> Self {
        Self { kinds: vec![kind], ..Self::default() }
    }

    pub(super) fn null() -> Self {
        Self::kind("null")
    }

    pub(super) fn string() -> Self {
        Self::kind("string")
    }

    pub(super) fn boolean() -> Self {
        Self::kind("boolean")
    }

    pub(super) fn number() -> Self {
        Self::kind("number")
    }

    pub(super) fn integer() -> Self {
        Self { minimum: Some(0), ..Self::kind("integer") }
    }

    pub(super) fn array(items: Self) -> Self {
        Self { items: Some(Box::new(items)), ..Self::kind("array") }
    }

    /// `?` at a name's end: it may be absent.
    pub(super) fn object(fields: Vec<(&'static str, Self)>) -> Self {
        let required = fields.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
        let properties = fields.into_iter().map(|(name, schema)| (name.trim_end_matches('?'), schema)).collect();
        Self { properties, required, ..Self::kind("object") }
    }

    pub(super) fn map(values: Self) -> Self {
        Self { additional_properties: Some(Box::new(values)), ..Self::kind("object") }
    }

    pub(super) fn one_of(schemas: Vec<Self>) -> Self {
        Self { one_of: schemas, ..Self::default() }
    }

    pub(super) fn values(values: &[&str]) -> Self {
        Self { values: values.iter().map(|value| Value::from(*value)).collect(), ..Self::string() }
    }

    pub(super) fn constant(value: impl Into<Value>) -> Self {
        Self { constant: Some(value.into()), ..Self::default() }
    }

    pub(super) fn or_null(mut self) -> Self {
        if self.reference.is_some() || self.kinds.is_empty() {
            return Self::one_of(vec![Self::null(), self]);
        }
        self.kinds.push("null");
        if !self.values.is_empty() {
            self.values.push(Value::Null);
        }
        self
    }

    pub(super) fn format(self, format: &'static str) -> Self {
        Self { format: Some(format), ..self }
    }

    pub(super) fn pattern(self, pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    pub(super) fn length(self, least: u64, most: u64) -> Self {
        Self { min_length: Some(least), max_length: Some(most), ..self }
    }

    pub(super) fn within(self, least: u64, most: u64) -> Self {
        Self { minimum: Some(least), maximum: Some(most), ..self }
    }

    pub(super) fn items(self, least: u64, most: u64) -> Self {
        Self { min_items: Some(least), max_items: Some(most), ..self }
    }

    pub(super) fn about(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    /// A text that is JSON.
    pub(super) fn json(content: Self) -> Self {
        Self { content_media_type: Some("application/json"), content_schema: Some(Box::new(content)), ..Self::string() }
    }

    /// Ours, not Cloudflare's.
    pub(super) fn own(self) -> Self {
        Self { own: true, ..self }
    }

    /// With these fields besides.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.properties.extend(more.properties);
        self.required.extend(more.required);
        self
    }
}

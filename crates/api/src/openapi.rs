//! The OpenAPI 3.1 document of this API, and a page of it for people.
//!
//! One source of truth: the rows of `router`'s table. Method, path, path parameters, access and scope
//! are read from the row that routes; what a row cannot say (summary, query, body, result) stands in
//! `operations`, by the name of the row's handler, since one handler serves several rows. utoipa's
//! derive would need a second list of paths beside the table, on functions whose bodies and replies
//! are not types: it does not fit, so the document is built of small typed structs (`document`).
//! Tests hold every row to have an entry, and every reply they get to be as the document says.

mod document;
mod operations;
mod page;
mod replies;
mod schemas;

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use switchyard_catalog::Access;

use crate::router::{BASE, ENDPOINTS, Endpoint, Reach};
use document::{
    Components, Document, Info, MediaType, Operation, Parameter, PathItem, RequestBody, Schema, Security, Server,
    TagInfo,
};
use operations::{Body, Doc, Outcome};

/// Served without a token: it says nothing that the source does not.
pub(crate) const PATH: &str = "/client/v4/openapi.json";

static DOCUMENT: LazyLock<Document> = LazyLock::new(build);
static JSON: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(serde_json::to_vec_pretty(&*DOCUMENT).unwrap_or_default()));
static PAGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(page::page(&DOCUMENT)));

/// The answer at [`PATH`].
pub(crate) fn json() -> Response<Full<Bytes>> {
    answer(openapi_json(), "application/json")
}

/// The document's text.
pub fn openapi_json() -> Bytes {
    JSON.clone()
}

/// The page `/docs`: HTML and CSS in one file, without a script and without anything from elsewhere.
pub fn docs_page() -> Response<Full<Bytes>> {
    let mut response = answer(PAGE.clone(), "text/html; charset=utf-8");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn answer(body: Bytes, content_type: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn build() -> Document {
    let mut paths: BTreeMap<&'static str, PathItem> = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let item = paths.entry(endpoint.path).or_default();
        item.0.insert(endpoint.method.as_str().to_ascii_lowercase(), operation(endpoint));
    }
    Document {
        openapi: "3.1.0",
        info: Info {
            title: "Switchyard",
            version: env!("CARGO_PKG_VERSION"),
            description: "Cloudflare's API for Workers and dispatch namespaces, as this server speaks it, and a few \
                          endpoints of its own (tag \"Switchyard\", x-switchyard-own).",
        },
        servers: vec![Server { url: BASE }],
        tags: operations::TAGS.iter().map(|(name, description)| TagInfo { name, description }).collect(),
        security: vec![Security::bearer()],
        paths,
        components: Components { schemas: schemas::all(), security_schemes: document::security_schemes() },
    }
}

fn operation(endpoint: &Endpoint) -> Operation {
    let doc = operations::find(endpoint.name);
    let own = endpoint.path.starts_with("/switchyard/");
    let mut parameters: Vec<Parameter> = path_parameters(endpoint.path).map(replies::path_parameter).collect();
    parameters.extend(doc.query.iter().map(|query| query.parameter()));
    parameters.extend(doc.headers.iter().map(|name| replies::header_parameter(name)));
    let mut responses = BTreeMap::new();
    match doc.outcome {
        Outcome::Refused => {}
        _ => {
            responses.insert("200".to_owned(), replies::success(&doc.outcome));
        }
    }
    for status in statuses(endpoint, doc) {
        responses.insert(status.to_string(), replies::failure(status));
    }
    for (status, schema) in doc.also {
        responses.insert(status.to_string(), replies::success_as(schema));
    }
    Operation {
        operation_id: operation_id(endpoint),
        summary: doc.summary,
        tags: vec![operations::tag(endpoint.path)],
        parameters,
        request_body: request_body(&doc.body),
        responses,
        security: doc.open.then(Vec::new),
        access: if endpoint.access == Access::Write { "write" } else { "read" },
        scope: match endpoint.reach() {
            Reach::Script => "script",
            Reach::Namespace => "namespace",
            Reach::Account => "account",
            Reach::Admin => "admin",
        },
        own,
    }
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// From method and path, so unique.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(endpoint.method.as_str().to_ascii_lowercase(), |id, word| id + "_" + word)
}

/// What an endpoint can answer besides success, by what it takes and does.
fn statuses(endpoint: &Endpoint, doc: &Doc) -> Vec<u16> {
    let mut statuses = vec![400, 401, 403, 429, 500];
    let write = endpoint.method != Method::GET;
    if endpoint.path.contains('{') || endpoint.name == "resolve::resolve" {
        statuses.push(404);
    }
    if write {
        // 10035, and names that are taken.
        statuses.push(409);
    }
    if !matches!(doc.body, Body::None) {
        statuses.extend([408, 413]);
    }
    if matches!(doc.body, Body::Upload | Body::Code | Body::Settings) {
        statuses.push(415);
    }
    if doc.headers.contains(&"If-Match") {
        statuses.push(412);
    }
    if write && endpoint.path.contains("{script}") {
        // It starts the Worker, and there is no room for it now.
        statuses.push(503);
    }
    statuses
}

fn request_body(body: &Body) -> Option<RequestBody> {
    let content = |kind: &'static str, schema: &'static str| (kind, MediaType::of(Schema::reference(schema)));
    let (required, content) = match body {
        Body::None => return None,
        Body::Json(schema) => (true, vec![content("application/json", schema)]),
        Body::OptionalJson(schema) => (false, vec![content("application/json", schema)]),
        Body::Upload => (true, vec![content("multipart/form-data", "Upload"), bare_script()]),
        Body::Code => (true, vec![content("multipart/form-data", "CodeUpload"), bare_script()]),
        Body::Settings => {
            (true, vec![content("multipart/form-data", "SettingsForm"), content("application/json", "SettingsPatch")])
        }
        Body::Form(schema) => (true, vec![content("multipart/form-data", schema)]),
    };
    Some(RequestBody { required, content: content.into_iter().collect() })
}

fn bare_script() -> (&'static str, MediaType) {
    ("application/javascript", MediaType::of(Schema::string()))
}

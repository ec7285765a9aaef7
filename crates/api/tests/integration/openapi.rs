//! The OpenAPI document says what the table routes, and what is answered: every reply that any test
//! of this suite gets is held against it ([`holds`], called by the harness).

use std::{collections::BTreeSet, sync::LazyLock};

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use switchyard_api::{docs_page, endpoints, openapi_json};

use crate::harness::Harness;

fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_slice(&openapi_json()).expect("JSON"));
    &DOCUMENT
}

/// The status is one that the document names for the row, and the body is as it says.
pub fn holds(method: &str, path: &str, status: StatusCode, body: &Value) {
    let document = document();
    let path = path.trim_start_matches("/client/v4").trim_end_matches('/');
    let segments: Vec<_> = path.split('/').collect();
    let fits = |row: &&switchyard_api::EndpointName| {
        let template: Vec<_> = row.path.split('/').collect();
        row.method == method
            && template.len() == segments.len()
            && template.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let Some(row) = endpoints().iter().find(fits) else { return };
    let operation = &document["paths"][row.path][row.method.to_ascii_lowercase()];
    let reply = &operation["responses"][status.as_str()];
    assert!(reply.is_object(), "{method} {} answers {status}, which the document does not name: {body}", row.path);
    let schema = &reply["content"]["application/json"]["schema"];
    if schema.is_object() && !body.is_null() {
        let mut faults = Vec::new();
        check(document, schema, body, "", &mut faults);
        assert!(faults.is_empty(), "{method} {} {status}: {faults:?}: {body}", row.path);
    }
}

/// As much of JSON Schema as the document uses.
fn check(document: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#'));
        return check(document, target.expect("references resolve"), value, at, faults);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| {
            let mut faults = Vec::new();
            check(document, choice, value, at, &mut faults);
            faults.is_empty()
        });
        if fits.count() == 0 {
            faults.push(format!("{at}: none of oneOf"));
        }
    }
    if let Some(kinds) = schema["type"].as_array() {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !kinds.iter().any(|k| k == kind || (k == "number" && kind == "integer")) {
            faults.push(format!("{at}: is {kind}, not {kinds:?}"));
        }
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        faults.push(format!("{at}: {value} is none of {values:?}"));
    }
    if schema.get("const").is_some_and(|constant| constant != value) {
        faults.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                faults.push(format!("{at}/{name}: is missing"));
            }
        }
        for (name, value) in object {
            let known = &schema["properties"][name];
            let schema = if known.is_object() { known } else { &schema["additionalProperties"] };
            if schema.is_object() {
                check(document, schema, value, &format!("{at}/{name}"), faults);
            }
        }
    }
    if let (Some(items), true) = (value.as_array(), schema["items"].is_object()) {
        for (index, item) in items.iter().enumerate() {
            check(document, &schema["items"], item, &format!("{at}/{index}"), faults);
        }
    }
}

#[test]
fn every_row_is_in_the_document() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for row in endpoints() {
        let operation = &document["paths"][row.path][row.method.to_ascii_lowercase()];
        let what = format!("{} {}", row.method, row.path);
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{what} has no entry in operations.rs");
        assert!(ids.insert(operation["operationId"].as_str().expect("text")), "{what}");
        assert_eq!(operation["x-switchyard-own"] == json!(true), row.path.starts_with("/switchyard/"), "{what}");
        let named: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| {
                assert_eq!(parameter["required"], true, "{what}");
                parameter["name"].as_str().expect("text")
            })
            .collect();
        let wanted: Vec<&str> =
            row.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, wanted, "{what}");
        for status in ["400", "401", "403", "429", "500"] {
            let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Failure", "{what} {status}");
        }
        let success =
            operation["responses"].as_object().expect("an object").keys().any(|status| status.starts_with('2'));
        assert!(success || row.handler == "account::account_subdomain_get", "{what}");
        if ["POST", "PUT", "PATCH"].contains(&row.method)
            && !["tags::tag_add", "tokens::token_roll"].contains(&row.handler)
        {
            let required = row.handler != "tails::tail_create";
            assert_eq!(operation["requestBody"]["required"], required, "{what}");
            assert!(operation["responses"]["413"].is_object() && operation["responses"]["408"].is_object(), "{what}");
        }
    }
    let operations = document["paths"].as_object().expect("an object").values().flat_map(|item| item.as_object());
    assert_eq!(operations.map(|item| item.len()).sum::<usize>(), endpoints().len());
}

#[test]
fn all_references_resolve_and_all_schemas_are_used() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some(name)) => drop(found.insert(name)),
                _ => references(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(document, &mut found);
    for name in &found {
        assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
    }
    for name in document["components"]["schemas"].as_object().expect("an object").keys() {
        let path = format!("#/components/schemas/{name}");
        // Told in a description: it is JSON within a part of a form.
        assert!(found.contains(path.as_str()), "{name} is not used");
    }
}

#[tokio::test]
async fn the_document_is_served_without_a_token_and_only_read() {
    let h = Harness::new().await;
    let request = Request::builder().uri("/client/v4/openapi.json").body(Default::default()).expect("a request");
    let reply = h.send(request).await;
    assert_eq!(
        (reply.status, reply.headers["content-type"].to_str().expect("text")),
        (StatusCode::OK, "application/json")
    );
    assert_eq!(&reply.json, document());
    h.send(
        Request::builder()
            .method(Method::POST)
            .uri("/client/v4/openapi.json")
            .body(Default::default())
            .expect("a request"),
    )
    .await
    .refused(404, 7003);
}

#[tokio::test]
async fn the_page_names_every_endpoint_and_nothing_from_elsewhere() {
    use http_body_util::BodyExt;
    let page = docs_page();
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let body = page.into_body().collect().await.expect("a body").to_bytes();
    let html = String::from_utf8(body.to_vec()).expect("text");
    for row in endpoints() {
        assert!(html.contains(&format!("<code>{}</code>", row.path)), "{}", row.path);
    }
    for foreign in ["://", "<script", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

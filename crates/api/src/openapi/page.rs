//! The document as a page for people: every endpoint with what it takes and answers.

use super::document::{Document, Operation, Parameter};

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8884; }
details { border-bottom: 1px solid #8882; }
summary { padding: .35rem 0; cursor: pointer; }
code { font: 13px ui-monospace, monospace; }
.method { display: inline-block; width: 4.5rem; font-weight: 600; }
.what { opacity: .75; margin-left: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .25rem 0 1rem 4.5rem; }
dt { opacity: .7; } dd { margin: 0; }
";

pub(super) fn page(document: &Document) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>{title} {version}</h1><p>{about}</p>\
         <p>All paths are below <code>/client/v4</code>. The document for programs: \
         <a href=\"/client/v4/openapi.json\">/client/v4/openapi.json</a>.</p>\n",
        title = escape(document.info.title),
        version = escape(document.info.version),
        about = escape(document.info.description),
    );
    for tag in &document.tags {
        html += &format!("<h2>{}</h2><p>{}</p>\n", escape(tag.name), escape(tag.description));
        for (path, item) in &document.paths {
            for (method, operation) in item.0.iter().filter(|(_, operation)| operation.tags.contains(&tag.name)) {
                html += &entry(method, path, operation);
            }
        }
    }
    html + "</body></html>\n"
}

fn entry(method: &str, path: &str, operation: &Operation) -> String {
    let mut rows = String::new();
    let mut row = |what: &str, text: &str| {
        if !text.is_empty() {
            rows.push_str(&format!("<dt>{}</dt><dd>{}</dd>", escape(what), escape(text)));
        }
    };
    let listed = |place: &str| -> String {
        let names = operation.parameters.iter().filter(|parameter| parameter.place == place).map(described);
        names.collect::<Vec<_>>().join(", ")
    };
    row("token", &format!("{}, scope {} or wider", operation.access, operation.scope));
    row("query", &listed("query"));
    row("headers", &listed("header"));
    let body = operation.request_body.iter().flat_map(|body| body.content.keys().copied());
    row("body", &body.collect::<Vec<_>>().join(" or "));
    row("answers", &operation.responses.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    format!(
        "<details><summary><span class=\"method\">{}</span><code>{}</code><span class=\"what\">{}</span></summary>\
         <dl>{rows}</dl></details>\n",
        escape(&method.to_ascii_uppercase()),
        escape(path),
        escape(operation.summary),
    )
}

fn described(parameter: &Parameter) -> String {
    if parameter.description.is_empty() {
        return parameter.name.to_owned();
    }
    format!("{} ({})", parameter.name, parameter.description)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

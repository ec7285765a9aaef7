//! A script's code, out and in (contract §3.9).

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use switchyard_catalog::{Code, CodeSyntax, Module, ModuleKind};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    metadata::Metadata,
    upload::{self, Upload},
    views,
};

/// One part a module, with a `cf-entrypoint` header that names the entry.
pub(crate) async fn content_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let (code, etag) = context.catalog().script_content(&context.actor, &script).await?;
    let (content_type, body) = match code.syntax {
        CodeSyntax::Modules => form(&code),
        CodeSyntax::ServiceWorker => {
            let entry = code.modules.into_iter().find(|module| module.name == code.entry);
            ("application/javascript".to_owned(), entry.map(|module| module.content).unwrap_or_default())
        }
    };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    let texts = [
        (header::CONTENT_TYPE, content_type),
        (header::ETAG, format!("\"{}\"", etag.hex())),
        (header::HeaderName::from_static("cf-entrypoint"), code.entry.clone()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
    Ok(Reply::Raw(response))
}

/// Replaces the code alone. The entry is named by metadata, or by a header.
pub(crate) async fn content_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // Missing things are told before the body is read.
    context.catalog().script_find(&context.actor, &script).await?;
    let precondition = context.precondition()?;
    let by_header = upload::entry_from_headers(context.headers());
    let (entry, form) = match upload::read(context, "metadata").await? {
        Upload::Form(mut form) => match form.json.take() {
            Some(json) => (Metadata::parse(&json)?.entry.or(by_header), form),
            None => (by_header, form),
        },
        Upload::Bare(body) => (Metadata::of_bare_body(upload::BARE_NAME).entry, upload::Form::of_bare_body(body)),
    };
    let code = form.into_code(entry)?.ok_or_else(|| ApiError::invalid("the upload has no module"))?;
    context.upload_has(Some(&code))?;
    let source = context.source();
    let uploaded = context.catalog().script_content_put(&context.actor, &script, code, precondition, source).await?;
    Ok(Reply::of(views::ScriptView::of(&uploaded.row).to_map()))
}

fn form(code: &Code) -> (String, Bytes) {
    // Random, so that no module can contain it on purpose.
    let boundary = format!("switchyard-{}", uuid::Uuid::new_v4().simple());
    let mut body = BytesMut::new();
    for module in &code.modules {
        let name = quoted(&module.name);
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {}\r\n\r\n",
            content_type(module)
        );
        body.put(head.as_bytes());
        body.put(module.content.as_ref());
        body.put(&b"\r\n"[..]);
    }
    body.put(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.freeze())
}

fn content_type(module: &Module) -> &'static str {
    match module.kind {
        ModuleKind::EsModule => "application/javascript+module",
        ModuleKind::CommonJs => "application/javascript",
        ModuleKind::Text => "text/plain",
        ModuleKind::Data => "application/octet-stream",
        ModuleKind::Json => "application/json",
        ModuleKind::Wasm => "application/wasm",
        ModuleKind::SourceMap => "application/source-map",
    }
}

/// As browsers write names in a form: quotes and line ends percent-encoded.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

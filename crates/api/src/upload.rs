//! Reads uploads: `multipart/form-data` in every form the clients send (contract §3.3), or a bare
//! script. Streamed under caps: the whole, the number of parts, the JSON part.

use bytes::Bytes;
use futures_util::TryFutureExt;
use http::HeaderMap;
use multer::{Constraints, Multipart, SizeLimit};
use switchyard_catalog::{Code, CodeSyntax, Module, ModuleKind};

use crate::{body::ReadError, context::Context, error::ApiError, metadata::Entry};

/// What a bare script's only module is called.
pub(crate) const BARE_NAME: &str = "worker.js";

/// An upload, read and not yet understood.
pub(crate) enum Upload {
    Form(Form),
    /// A bare `application/javascript` or `text/plain` body: a service-worker script.
    Bare(Bytes),
}

/// The parts of a multipart upload.
#[derive(Default)]
pub(crate) struct Form {
    /// The part `metadata` (or `settings`); may come first, last or not at all.
    pub(crate) json: Option<Bytes>,
    parts: Vec<Part>,
}

struct Part {
    name: String,
    file_name: Option<String>,
    /// Lower case, without parameters; empty when there is none.
    content_type: String,
    content: Bytes,
}

/// Reads the body. `json_part` is the name of the part that holds JSON.
///
/// # Errors
/// 10001 for another content type, 10026 for broken multipart, 10027 over the cap, 10021 for the
/// forms that are known to be wrong.
pub(crate) async fn read(context: &mut Context<'_>, json_part: &str) -> Result<Upload, ApiError> {
    context.upload_begins().await?;
    let cap = context.config().max_upload_bytes;
    if context.body.expected() > cap {
        return Err(ApiError::upload_too_large(cap));
    }
    let content_type = context.content_type();
    match essence(content_type).as_str() {
        "multipart/form-data" => {
            let boundary = multer::parse_boundary(content_type)
                .map_err(|_| ApiError::unparsable("the Content-Type multipart/form-data has no boundary"))?;
            read_form(context, boundary, json_part, cap).await.map(Upload::Form)
        }
        "application/javascript" | "text/javascript" | "text/plain" => {
            let body = context.body.bytes(cap, ApiError::upload_too_large).await?;
            if let Some(form) = without_files(&body, json_part) {
                return Ok(Upload::Form(form));
            }
            if looks_like_multipart(&body) {
                return Err(ApiError::invalid(format!(
                    "the body is multipart, but its Content-Type is {content_type:?}: scripts.update of the npm \
                     package cloudflare 7.0 to 7.3 sends this, which no server can read; use its release 6"
                )));
            }
            Ok(Upload::Bare(body))
        }
        "application/json" => {
            let body = context.body.bytes(context.config().max_json_bytes, ApiError::json_too_large).await?;
            without_files(&body, json_part).map(Upload::Form).ok_or_else(|| {
                ApiError::content_type(format!(
                    "a JSON body is an object with the key {json_part:?}; modules need multipart/form-data"
                ))
            })
        }
        "" => Err(ApiError::content_type("the request has no Content-Type; an upload is multipart/form-data")),
        other => Err(ApiError::content_type(format!(
            "the Content-Type {other:?} cannot be read; an upload is multipart/form-data, or application/javascript"
        ))),
    }
}

async fn read_form(context: &mut Context<'_>, boundary: String, json_part: &str, cap: u64) -> Result<Form, ApiError> {
    let (most_parts, most_json) = (context.config().max_parts, context.config().max_json_bytes);
    let limit = SizeLimit::new().whole_stream(cap).for_field(json_part, most_json);
    let constraints = Constraints::new().size_limit(limit);
    let mut multipart = Multipart::with_constraints(context.body.stream(), boundary, constraints);
    let mut form = Form::default();
    let mut count = 0;
    let refuse = |error| of_multer(error, cap);
    while let Some(field) = multipart.next_field().map_err(refuse).await? {
        count += 1;
        if count > most_parts {
            return Err(ApiError::invalid(format!("the upload has more than {most_parts} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name.starts_with("metadata[") || name.starts_with("settings[") {
            return Err(ApiError::invalid(format!(
                "part {name:?}: {json_part} must be one part holding JSON; the npm package cloudflare 7.0 to 7.3 \
                 flattens it into fields, use its release 6"
            )));
        }
        let file_name = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned);
        let content_type = field.content_type().map(|mime| mime.essence_str().to_ascii_lowercase());
        let is_json = name == json_part;
        let content = field.bytes().map_err(refuse).await?;
        if !is_json {
            form.parts.push(Part { name, file_name, content_type: content_type.unwrap_or_default(), content });
        } else if form.json.replace(content).is_some() {
            return Err(ApiError::unparsable(format!("the part {json_part:?} is there twice")));
        }
    }
    Ok(form)
}

pub(crate) fn of_multer(error: multer::Error, cap: u64) -> ApiError {
    match error {
        multer::Error::StreamSizeExceeded { .. } => ApiError::upload_too_large(cap),
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            let name = field_name.unwrap_or_default();
            ApiError::unparsable(format!("the part {name:?} is larger than {limit} bytes"))
        }
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<ReadError>() {
            Some(error) => ApiError::from(*error),
            None => ApiError::from(ReadError::Broken),
        },
        other => ApiError::unparsable(format!("the multipart body cannot be read: {other}")),
    }
}

/// The media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// An upload without modules as the SDKs send it when they are given no files: their whole parameters
/// as JSON, from npm under the method's fixed `application/javascript`. It is never JavaScript too: a
/// program cannot begin with `{"metadata":`.
fn without_files(body: &[u8], json_part: &str) -> Option<Form> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let json = object.get(json_part).filter(|json| json.is_object())?;
    Some(Form { json: Some(Bytes::from(json.to_string())), parts: Vec::new() })
}

fn looks_like_multipart(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(1024)]).to_ascii_lowercase();
    head.starts_with("--") && head.contains("content-disposition:") && head.contains("form-data")
}

impl Form {
    /// A bare script as if it were the only part of a form.
    pub(crate) fn of_bare_body(content: Bytes) -> Self {
        let content_type = "application/javascript".to_owned();
        let part = Part { name: BARE_NAME.to_owned(), file_name: None, content_type, content };
        Self { json: None, parts: vec![part] }
    }

    /// The code of the upload; `None` when it has no module part, so that the old code stays.
    ///
    /// # Errors
    /// 10021 when no part is the entry, or a part is of a kind that is not built.
    pub(crate) fn into_code(self, entry: Option<Entry>) -> Result<Option<Code>, ApiError> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let entry = entry
            .ok_or_else(|| ApiError::invalid("metadata has neither main_module nor body_part: nothing to start"))?;
        let (syntax, wanted) = match entry {
            Entry::Module(name) => (CodeSyntax::Modules, name),
            Entry::Body(name) => (CodeSyntax::ServiceWorker, name),
        };
        let by_module = self.parts.iter().position(|part| part.module_name() == wanted);
        let at = by_module.or_else(|| self.parts.iter().position(|part| part.name == wanted));
        let at = at.ok_or_else(|| ApiError::invalid(format!("No such module {wanted:?}.")))?;
        let entry = self.parts[at].module_name().to_owned();
        let mut modules = Vec::with_capacity(self.parts.len());
        for (index, part) in self.parts.into_iter().enumerate() {
            let is_main = index == at && syntax == CodeSyntax::Modules;
            let kind = part.kind(is_main)?;
            modules.push(Module { name: part.file_name.unwrap_or(part.name), kind, content: part.content });
        }
        Ok(Some(Code { syntax, entry, modules, upstream: None }))
    }
}

impl Part {
    /// The module name rule: the file name if there is one, else the part's name.
    fn module_name(&self) -> &str {
        self.file_name.as_deref().unwrap_or(&self.name)
    }

    fn kind(&self, is_main: bool) -> Result<ModuleKind, ApiError> {
        let name = self.module_name();
        if name.is_empty() {
            return Err(ApiError::invalid("a module part has neither a name nor a filename"));
        }
        let kind = match self.content_type.as_str() {
            "application/javascript+module" | "text/javascript+module" => ModuleKind::EsModule,
            "application/javascript" | "text/javascript" if is_main => ModuleKind::EsModule,
            "application/javascript" | "text/javascript" => ModuleKind::CommonJs,
            "application/wasm" => ModuleKind::Wasm,
            "text/plain" => ModuleKind::Text,
            "application/octet-stream" => ModuleKind::Data,
            "application/json" => ModuleKind::Json,
            "application/source-map" => ModuleKind::SourceMap,
            kind @ ("text/x-python" | "text/x-python-requirement") => {
                return Err(ApiError::invalid(format!(
                    "module {name:?} is {kind}: Python is not implemented by this server"
                )));
            }
            _ => kind_by_name(name),
        };
        // curl labels a .js or .mjs file as it likes; what is named as the main module must be one.
        let unclear = matches!(kind, ModuleKind::Text | ModuleKind::Data | ModuleKind::CommonJs);
        Ok(if is_main && unclear && kind_by_name(name) == ModuleKind::EsModule { ModuleKind::EsModule } else { kind })
    }
}

fn kind_by_name(name: &str) -> ModuleKind {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" | "mjs" => ModuleKind::EsModule,
        "cjs" => ModuleKind::CommonJs,
        "json" => ModuleKind::Json,
        "wasm" => ModuleKind::Wasm,
        "map" => ModuleKind::SourceMap,
        "txt" | "html" | "css" | "md" | "sql" | "svg" | "xml" => ModuleKind::Text,
        _ => ModuleKind::Data,
    }
}

/// What `PUT …/content` may say in headers instead of metadata.
pub(crate) fn entry_from_headers(headers: &HeaderMap) -> Option<Entry> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let module = text("cf-worker-main-module-part").map(Entry::Module);
    module.or_else(|| text("cf-worker-body-part").map(Entry::Body))
}

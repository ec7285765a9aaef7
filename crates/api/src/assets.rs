//! Uploads of static assets (contract §3.8): a session for a manifest, under the API's token; then
//! the files that are missing, under the session's own. Files are read one at a time.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{
    AssetConfig, AssetHash, AssetSite, BlobContent, CatalogError, NewAsset, NewAssets, RunWorkerFirst,
};

use crate::{
    auth,
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    metadata::Fields,
    object::Object,
    upload,
};

/// Bytes of a manifest: 100,000 files with names of ordinary length.
const MAX_MANIFEST: u64 = 16 << 20;
/// Bytes of one upload. A bucket of ours has at most a third of it; memory holds one file at a time.
const MAX_UPLOAD: u64 = 100 << 20;
/// Files of one upload; a bucket of ours has at most 500.
const MAX_FILES: usize = 2_000;

#[derive(Deserialize)]
struct Sent {
    manifest: BTreeMap<String, Object<SentFile>>,
}

#[derive(Deserialize)]
struct SentFile {
    hash: String,
    size: u64,
}

/// `POST …/assets-upload-session`. The script need not exist: wrangler does this before its first upload.
pub(crate) async fn assets_upload_session(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // A missing namespace is told before the manifest is read.
    if let Some(namespace) = &script.namespace {
        context.catalog().namespace_find(&context.actor, namespace).await?;
    }
    context.upload_begins().await?;
    let Object(sent): Object<Sent> = context.body.json(MAX_MANIFEST).await?;
    let mut files = Vec::with_capacity(sent.manifest.len());
    for (path, Object(file)) in sent.manifest {
        let hash = AssetHash::parse(&file.hash).ok_or_else(|| {
            let shown: String = path.chars().take(80).collect();
            ApiError::invalid(format!("manifest: the hash of {shown:?} is not 32 lower-case hex digits"))
        })?;
        files.push(NewAsset { path, hash, size: file.size });
    }
    let session = context.catalog().assets_session_start(&context.actor, &script, files).await?;
    let buckets: Vec<Vec<String>> =
        session.buckets.iter().map(|bucket| bucket.iter().map(ToString::to_string).collect()).collect();
    Ok(Reply::of(json!({ "jwt": session.token, "buckets": buckets })))
}

/// `POST …/assets/upload`: 202 while files are missing, 201 with the completion token when none is.
pub(crate) async fn assets_upload(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let session = auth::asset_session(context.catalog(), context.headers())?;
    if context.query("base64").as_deref() != Some("true") {
        return Err(ApiError::invalid("the files must be sent in base64, and the query say base64=true").into());
    }
    context.upload_begins().await?;
    let announced = context.catalog().assets_session_hashes(&session).await?;
    let boundary = multer::parse_boundary(context.content_type())
        .map_err(|_| ApiError::content_type("an upload of assets is multipart/form-data with a boundary"))?;
    let catalog = context.catalog();
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(MAX_UPLOAD));
    let mut multipart = Multipart::with_constraints(context.body.stream(), boundary, constraints);
    let refuse = |error| upload::of_multer(error, MAX_UPLOAD);
    let mut count = 0;
    while let Some(field) = multipart.next_field().await.map_err(refuse)? {
        count += 1;
        if count > MAX_FILES {
            return Err(ApiError::invalid(format!("the upload has more than {MAX_FILES} files")).into());
        }
        let name = field.name().unwrap_or_default();
        let shown: String = name.chars().take(80).collect();
        let hash = AssetHash::parse(name).filter(|hash| announced.contains(hash)).ok_or_else(|| {
            ApiError::invalid(format!("the part {shown:?} is not the hash of a file of this session's manifest"))
        })?;
        let content_type = match field.headers().get(header::CONTENT_TYPE).map(|value| value.to_str()) {
            None => None,
            Some(Ok(text)) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Some(Err(_)) => {
                return Err(ApiError::invalid(format!("the part {shown:?} has an unreadable content type")).into());
            }
        };
        let bytes = decoded(field, hash, catalog.max_asset_bytes()).await?;
        catalog.asset_put(&session, hash, content_type, bytes).await?;
    }
    drop(multipart);
    match catalog.assets_session_finish(&session).await? {
        Some(token) => Ok(Reply::with_status(StatusCode::CREATED, json!({ "jwt": token }))),
        // An object, not null: wrangler looks into it.
        None => Ok(Reply::with_status(StatusCode::ACCEPTED, json!({}))),
    }
}

/// A part's bytes, decoded as they arrive, so that the text is never whole in memory.
async fn decoded(mut field: Field<'_>, hash: AssetHash, most: u64) -> Result<Bytes, ApiError> {
    let fault = || ApiError::invalid(format!("the file {hash} is not base64"));
    let mut bytes = BytesMut::new();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| upload::of_multer(error, MAX_UPLOAD))? {
        rest.extend(chunk.iter().filter(|byte| !byte.is_ascii_whitespace()));
        // Whole groups of four; padding can only be in the last, which is decoded at the end.
        let whole = rest.len().saturating_sub(1) / 4 * 4;
        bytes.extend_from_slice(&STANDARD.decode(&rest[..whole]).map_err(|_| fault())?);
        rest.drain(..whole);
        if bytes.len() as u64 > most {
            return Err(ApiError::invalid(format!("the file {hash} has more than {most} bytes")));
        }
    }
    bytes.extend_from_slice(&STANDARD.decode(&rest).map_err(|_| fault())?);
    Ok(bytes.freeze())
}

/// `GET …/assets`, ours: what is live of a script serves so beside its code. With it a script can be deployed elsewhere.
pub(crate) async fn assets_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let Some(site) = live(context).await? else { return Ok(Reply::of(json!({ "config": {}, "files": {} }))) };
    let files = site.manifest.0.iter().map(|(path, file)| {
        let shown = json!({ "hash": file.hash.to_string(), "size": file.size, "content_type": file.content_type });
        (path.clone(), shown)
    });
    let files: Map<String, Value> = files.collect();
    Ok(Reply::of(json!({ "config": show_config(&site.config), "files": files })))
}

/// `GET …/assets/{asset}`, ours: a file of that list, by its hash; whole in memory.
pub(crate) async fn asset_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let absent = || ApiError::new(StatusCode::NOT_FOUND, 10007, "no asset of this script has that hash");
    let site = live(context).await?.ok_or_else(absent)?;
    let hash = AssetHash::parse(context.params.get("asset")).ok_or_else(absent)?;
    let file = site.manifest.0.iter().map(|(_, file)| file).find(|file| file.hash == hash).ok_or_else(absent)?;
    // As many at once as there may be uploads: each is in memory.
    context.upload_begins().await?;
    let bytes = match context.catalog().asset_open(file.digest, 0..file.size).await? {
        BlobContent::Whole(bytes) => bytes,
        BlobContent::Stream(mut chunks) => {
            let mut bytes = BytesMut::new();
            while let Some(chunk) = chunks.try_next().await.map_err(CatalogError::from)? {
                bytes.extend_from_slice(&chunk);
            }
            bytes.freeze()
        }
    };
    let mut response = Response::new(Full::new(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Reply::Raw(response))
}

async fn live(context: &mut Context<'_>) -> Result<Option<AssetSite>, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    match row.deployed.or(row.latest).filter(|version| version.assets.is_some()) {
        Some(version) => Ok(context.catalog().assets_site(version.id).await?),
        None => Ok(None),
    }
}

/// As an upload's metadata has it.
fn show_config(config: &AssetConfig) -> Value {
    let mut shown = Map::new();
    shown.insert("html_handling".to_owned(), json!(config.html_handling));
    shown.insert("not_found_handling".to_owned(), json!(config.not_found_handling));
    shown.insert("run_worker_first".to_owned(), json!(config.run_worker_first));
    for (name, text) in
        [("_headers", &config.headers), ("_redirects", &config.redirects), ("base_path", &config.base_path)]
    {
        if let Some(text) = text {
            shown.insert(name.to_owned(), text.as_str().into());
        }
    }
    Value::Object(shown)
}

/// The field `assets` of an upload's metadata.
///
/// # Errors
/// 10021, naming the field.
pub(crate) fn parse(fields: &Fields<'_>) -> Result<Option<NewAssets>, ApiError> {
    let Some(Value::Object(assets)) = fields.map("assets")? else { return Ok(None) };
    let assets = Fields::new("metadata.assets", &assets);
    let config = match assets.map("config")? {
        Some(Value::Object(config)) => Some(parse_config(&config)?),
        _ => None,
    };
    Ok(Some(NewAssets { token: assets.take("jwt")?, config }))
}

/// One value, or a list of patterns.
#[derive(Deserialize)]
#[serde(untagged)]
enum SentFirst {
    Always(bool),
    Paths(Vec<String>),
}

fn parse_config(config: &Map<String, Value>) -> Result<AssetConfig, ApiError> {
    const WHAT: &str = "metadata.assets.config";
    let fields = Fields::new(WHAT, config);
    let word = |name: &str| fields.take::<String>(name);
    let fault = |name: &str, error: &dyn std::fmt::Display| ApiError::invalid(format!("{WHAT}.{name}: {error}"));
    let mut parsed = AssetConfig {
        headers: word("_headers")?,
        redirects: word("_redirects")?,
        base_path: word("base_path")?.map(|path| path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty()),
        ..AssetConfig::default()
    };
    if let Some(text) = word("html_handling")? {
        parsed.html_handling = text.parse().map_err(|error| fault("html_handling", &error))?;
    }
    if let Some(text) = word("not_found_handling")? {
        parsed.not_found_handling = text.parse().map_err(|error| fault("not_found_handling", &error))?;
    }
    parsed.run_worker_first = match (fields.take("run_worker_first")?, fields.take::<bool>("serve_directly")?) {
        (Some(SentFirst::Always(always)), _) => RunWorkerFirst::Always(always),
        (Some(SentFirst::Paths(paths)), _) => RunWorkerFirst::Paths(paths),
        // Its older name, the other way round.
        (None, Some(serve)) => RunWorkerFirst::Always(!serve),
        (None, None) => RunWorkerFirst::default(),
    };
    Ok(parsed)
}

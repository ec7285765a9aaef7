//! `export`: asks a node's API for all that an upload would say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::{BufMut, Bytes, BytesMut};
use clap::Args;
use http::header;
use serde_json::{Map, Value, json};

use super::archive::{FORMAT, NAMESPACE, Writing, asset_name, form_name, script_name};
use super::{Assets, Exported, Script, list, ours, scripts_of};
use crate::cli::client::{CliError, Client, Connection, segment};
use crate::cli::print::Shown;
use crate::cli::script::part;

/// Settings that an upload takes as they are shown.
const CARRIED: [&str; 9] = [
    "compatibility_date",
    "compatibility_flags",
    "limits",
    "logpush",
    "observability",
    "placement",
    "tags",
    "tail_consumers",
    "usage_model",
];
/// Of them, those that an origin has.
const OF_AN_ORIGIN: [&str; 4] = ["limits", "observability", "tags", "tail_consumers"];

#[derive(Debug, Args)]
pub struct Export {
    /// The dispatch namespace
    #[arg(value_name = "NS")]
    namespace: String,
    /// The file to make; one that exists is not touched
    #[arg(value_name = "FILE.tar")]
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

impl Export {
    pub(in crate::cli) async fn run(&self) -> Result<Shown, CliError> {
        if self.file.exists() {
            return Err(CliError::usage(format!("{} exists already", self.file.display())));
        }
        let client = Client::open(&self.connection)?;
        let account = segment(&client.account().await?);
        let (ours, theirs) = (ours(&account, &self.namespace), scripts_of(&account, &self.namespace));
        let settings = client.get(&format!("{ours}/settings")).await?.result;
        let all = list(&client, &theirs).await?;
        let mut out = Writing::begin(&self.file)?;
        let head = Exported { format: FORMAT, namespace: self.namespace.clone(), settings, scripts: all.len() };
        out.add_json(NAMESPACE, &head)?;
        let (mut secrets, mut files) = (0, BTreeSet::new());
        for listed in &all {
            let name = listed["id"].as_str().unwrap_or_default();
            let (script, form) = one(&client, &ours, &theirs, name, listed).await?;
            secrets += script.secrets.len();
            // Within a namespace files are shared by hash.
            for file in script.assets.iter().flat_map(|assets| assets.files.values()) {
                if files.insert(file.hash.clone()) {
                    let path = format!("{ours}/scripts/{}/assets/{}", segment(name), segment(&file.hash));
                    out.add(&asset_name(&file.hash), &client.raw(&path).await?.1)?;
                }
            }
            out.add_json(&script_name(name), &script)?;
            if let Some(form) = form {
                out.add(&form_name(name), &form)?;
            }
        }
        out.finish()?;
        let scripts = all.len();
        let file = self.file.display().to_string();
        let text = format!(
            "exported {scripts} scripts of {} to {file}; {secrets} secrets are in it by name alone\n",
            self.namespace
        );
        let result = json!({ "file": file, "scripts": scripts, "secrets": secrets, "assets": files.len() });
        Ok(Shown::new(&self.connection, result, text))
    }
}

/// One script, and its modules as a form.
async fn one(
    client: &Client,
    ours: &str,
    theirs: &str,
    name: &str,
    listed: &Value,
) -> Result<(Script, Option<Bytes>), CliError> {
    let (at, own) = (format!("{theirs}/{}", segment(name)), format!("{ours}/scripts/{}", segment(name)));
    let mut settings = client.get(&format!("{at}/settings")).await?.result;
    let plan = client.get(&format!("{own}/plan")).await?.result["plan"].as_str().map(str::to_owned);
    let origin = !listed["upstream"].is_null();
    let mut metadata = Map::new();
    for key in CARRIED.into_iter().filter(|key| !origin || OF_AN_ORIGIN.contains(key)) {
        let value = settings[key].take();
        // What is not set is not sent: null would be of the wrong type.
        if !value.is_null() {
            metadata.insert(key.to_owned(), value);
        }
    }
    if origin {
        metadata.insert("upstream".to_owned(), listed["upstream"].clone());
        let script = Script { metadata, secrets: BTreeMap::new(), plan, content_type: None, assets: None };
        return Ok((script, None));
    }
    let (mut bindings, mut secrets) = (Vec::new(), BTreeMap::new());
    for binding in settings["bindings"].as_array_mut().into_iter().flatten() {
        let kind = binding["type"].as_str().unwrap_or_default().to_owned();
        match (kind.as_str(), binding["name"].as_str()) {
            ("secret_text" | "secret_key", Some(name)) => {
                secrets.insert(name.to_owned(), kind);
            }
            _ => bindings.push(binding.take()),
        }
    }
    metadata.insert("bindings".to_owned(), bindings.into());
    let assets = match listed["has_assets"] == true {
        true => {
            let shown = client.get(&format!("{own}/assets")).await?.result;
            let misread = |error| CliError::usage(format!("the assets of {name:?} are not understood: {error}"));
            Some(serde_json::from_value::<Assets>(shown).map_err(misread)?)
        }
        false => None,
    };
    let (head, content) = client.raw(&format!("{at}/content")).await?;
    let said = |name: &str| head.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (entry, content_type) = (said("cf-entrypoint"), said(header::CONTENT_TYPE.as_str()));
    if entry.is_empty() {
        return Ok((Script { metadata, secrets, plan, content_type: None, assets }, None));
    }
    let (content_type, form) = if content_type.starts_with("multipart/") {
        metadata.insert("main_module".to_owned(), entry.into());
        (content_type, content)
    } else {
        // A service worker's one part.
        let boundary = format!("switchyard-{}", uuid::Uuid::new_v4().simple());
        let mut form = BytesMut::new();
        part(&mut form, &boundary, &format!("name=\"{entry}\"; filename=\"{entry}\""), &content_type, &content);
        form.put(format!("--{boundary}--\r\n").as_bytes());
        metadata.insert("body_part".to_owned(), entry.into());
        (format!("multipart/form-data; boundary={boundary}"), form.freeze())
    };
    Ok((Script { metadata, secrets, plan, content_type: Some(content_type), assets }, Some(form)))
}

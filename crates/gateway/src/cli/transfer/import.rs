//! `import`: deploys what an export has, script by script, as anyone would. One that is refused does not stop the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use clap::Args;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::archive::{Archive, asset_name, form_name, script_name};
use super::{Assets, Script, list, ours, scripts_of};
use crate::cli::client::{CliError, Client, Connection, LONG_PATIENCE, segment};
use crate::cli::print::{Shown, printable};
use crate::cli::script::part;

#[derive(Debug, Args)]
pub struct Import {
    /// What `export` made
    #[arg(value_name = "FILE.tar")]
    file: PathBuf,
    /// The dispatch namespace, made if need be; left out: of the same name
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Also scripts that are there already
    #[arg(long)]
    replace: bool,
    /// Values of secrets, as JSON: {"script": {"NAME": "value"}}
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// By script, then by name.
type Secrets = BTreeMap<String, BTreeMap<String, String>>;

impl Import {
    pub(in crate::cli) async fn run(&self) -> Result<Shown, CliError> {
        let (mut archive, head) = Archive::open(&self.file)?;
        let mut given = self.given()?;
        let client = Client::open(&self.connection)?;
        let account = segment(&client.account().await?);
        let namespace = self.namespace.as_ref().unwrap_or(&head.namespace);
        let target = Target {
            ours: ours(&account, namespace),
            theirs: scripts_of(&account, namespace),
            uploads: format!("/accounts/{account}/workers/assets/upload?base64=true"),
            client,
        };
        let there = target.there(&account, namespace).await?;
        let names = archive.scripts();
        let taken: Vec<&str> = names.iter().map(String::as_str).filter(|name| there.contains(*name)).collect();
        if !taken.is_empty() && !self.replace {
            return Err(CliError::usage(format!(
                "these are in {namespace} already: {}; --replace deploys over them",
                taken.join(", ")
            )));
        }
        target.client.json(Method::PUT, &format!("{}/settings", target.ours), &head.settings).await?;
        let (mut done, mut failed, mut missing) = (0, BTreeMap::new(), BTreeMap::new());
        for name in names {
            let script: Script = archive.json(&script_name(&name))?;
            let values = given.remove(&name).unwrap_or_default();
            let absent: Vec<String> = script.secrets.keys().filter(|key| !values.contains_key(*key)).cloned().collect();
            match target.deploy(&mut archive, &name, script, values).await {
                Ok(()) => {
                    done += 1;
                    // Those of a script that was there stay.
                    if !absent.is_empty() && !there.contains(&name) {
                        missing.insert(name, absent);
                    }
                }
                // The others go on: a missing binding of one is no reason to stop in the middle.
                Err(error) => {
                    failed.insert(name, crate::chain(&error));
                }
            }
        }
        if !failed.is_empty() {
            let lines = failed.iter().map(|(name, error)| format!("  {}: {}", printable(name), printable(error)));
            return Err(CliError::usage(format!(
                "{done} scripts were imported, {} were not; give the command again with --replace when that is mended\n{}",
                failed.len(),
                lines.collect::<Vec<_>>().join("\n")
            )));
        }
        let mut text = format!("imported {done} scripts into {namespace}\n");
        for (script, names) in &missing {
            text += &format!("{script} lacks its secrets {}\n", names.join(", "));
        }
        let result = json!({ "namespace": namespace, "scripts": done, "missing_secrets": missing });
        Ok(Shown::new(&self.connection, result, text))
    }

    fn given(&self) -> Result<Secrets, CliError> {
        let Some(file) = &self.secrets else { return Ok(Secrets::new()) };
        let text = std::fs::read(file).map_err(CliError::file("read", file))?;
        // Where it is wrong, not what is there: it is a secret.
        let wrong = |error: serde_json::Error| {
            CliError::usage(format!(
                "{}:{}: is not {{\"script\": {{\"NAME\": \"value\"}}}}",
                file.display(),
                error.line()
            ))
        };
        serde_json::from_slice(&text).map_err(wrong)
    }
}

/// A namespace of a node.
struct Target {
    client: Client,
    ours: String,
    theirs: String,
    uploads: String,
}

impl Target {
    /// The scripts that it has; it is made if it is not there.
    async fn there(&self, account: &str, namespace: &str) -> Result<BTreeSet<String>, CliError> {
        match list(&self.client, &self.theirs).await {
            Ok(there) => Ok(there.iter().filter_map(|script| script["id"].as_str()).map(str::to_owned).collect()),
            Err(CliError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
                let all = format!("/accounts/{account}/workers/dispatch/namespaces");
                self.client.json(Method::POST, &all, &json!({ "name": namespace })).await?;
                Ok(BTreeSet::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn deploy(
        &self,
        archive: &mut Archive,
        name: &str,
        script: Script,
        secrets: BTreeMap<String, String>,
    ) -> Result<(), CliError> {
        let Script { mut metadata, secrets: wanted, plan, content_type, assets } = script;
        let values = secrets.into_iter().filter(|(key, _)| wanted.get(key).is_some_and(|kind| kind == "secret_text"));
        let values = values.map(|(key, value)| json!({ "type": "secret_text", "name": key, "text": value }));
        if let Some(bindings) = metadata.get_mut("bindings").and_then(Value::as_array_mut) {
            bindings.extend(values);
            metadata.insert("keep_bindings".to_owned(), json!(["secret_text", "secret_key"]));
        }
        let path = format!("{}/{}", self.theirs, segment(name));
        if let Some(assets) = assets {
            let token = self.assets(archive, &path, &assets).await?;
            metadata.insert("assets".to_owned(), json!({ "jwt": token, "config": assets.config }));
        }
        let (content_type, body) = match content_type {
            Some(content_type) => {
                // Before the parts that are there, with their boundary.
                let boundary = content_type.split("boundary=").nth(1).unwrap_or_default().trim_matches('"').to_owned();
                let mut body = BytesMut::new();
                let text = Value::Object(metadata).to_string();
                part(&mut body, &boundary, "name=\"metadata\"", "application/json", text.as_bytes());
                body.put(archive.read(&form_name(name))?.as_slice());
                (content_type, body.freeze())
            }
            None => ("application/json".to_owned(), Bytes::from(json!({ "metadata": metadata }).to_string())),
        };
        self.client.send_within(LONG_PATIENCE, Method::PUT, &path, Some((content_type, body))).await?;
        if let Some(plan) = plan {
            let path = format!("{}/scripts/{}/plan", self.ours, segment(name));
            self.client.json(Method::PUT, &path, &json!({ "plan": plan })).await?;
        }
        Ok(())
    }

    /// Uploads the files that the node lacks, as wrangler does; the token that an upload of the script names.
    async fn assets(&self, archive: &mut Archive, script: &str, assets: &Assets) -> Result<String, CliError> {
        let manifest: BTreeMap<&str, Value> = assets
            .files
            .iter()
            .map(|(path, file)| (path.as_str(), json!({ "hash": file.hash, "size": file.size })))
            .collect();
        let path = format!("{script}/assets-upload-session");
        let session = self.client.json(Method::POST, &path, &json!({ "manifest": manifest })).await?.result;
        let nameless = || CliError::usage("the node gave no token for the assets");
        let mut token = session["jwt"].as_str().ok_or_else(nameless)?.to_owned();
        let begun = token.clone();
        for bucket in session["buckets"].as_array().into_iter().flatten() {
            let boundary = format!("switchyard-{}", uuid::Uuid::new_v4().simple());
            let mut form = BytesMut::new();
            for hash in bucket.as_array().into_iter().flatten().filter_map(Value::as_str) {
                let file = assets.files.values().find(|file| file.hash == hash);
                let kind = file.and_then(|file| file.content_type.as_deref());
                let kind = kind.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
                let content = STANDARD.encode(archive.read(&asset_name(hash))?);
                let head = format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{hash}\"; filename=\"{hash}\"\r\n{kind}\r\n"
                );
                form.put(head.as_bytes());
                form.put(content.as_bytes());
                form.put(&b"\r\n"[..]);
            }
            form.put(format!("--{boundary}--\r\n").as_bytes());
            let body = Some((format!("multipart/form-data; boundary={boundary}"), form.freeze()));
            let answer = self.client.send_as(&begun, LONG_PATIENCE, Method::POST, &self.uploads, body).await?;
            if let Some(completed) = answer.result["jwt"].as_str() {
                completed.clone_into(&mut token);
            }
        }
        Ok(token)
    }
}

//! `script`, `deploy` and `rollback`: scripts of a namespace (`NS/NAME`), or the account's own (`NAME`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};
use switchyard_catalog::Timestamp;

use super::client::{Answer, CliError, Client, Connection, LONG_PATIENCE, segment};
use super::print::{Shown, table};

#[derive(Debug, Subcommand)]
pub enum Script {
    /// The scripts of a namespace, or the account's own Workers
    List {
        /// The namespace; left out: the account's own Workers
        namespace: Option<String>,
        /// Only those that match, such as customer:yes,beta:no
        #[arg(long, value_name = "FILTER")]
        tags: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// One script
    Get {
        #[arg(value_name = "NS/NAME")]
        script: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show which plan of the configuration holds for a script, or set it from the next request on
    Plan {
        #[arg(value_name = "NS/NAME")]
        script: String,
        /// "none": none of its own
        #[arg(value_name = "PLAN")]
        plan: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Delete a script
    Delete {
        #[arg(value_name = "NS/NAME")]
        script: String,
        /// Although other Workers bind to it
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Args)]
pub struct Deploy {
    /// The script, in a namespace; NAME alone is one of the account's own Workers
    #[arg(value_name = "NS/NAME")]
    pub script: String,
    /// Its modules; the first one is started. Or a wasm component
    #[arg(required_unless_present = "upstreams", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The module that is started, if not the first
    #[arg(long, value_name = "FILE")]
    pub main: Option<PathBuf>,
    /// A variable
    #[arg(long = "var", value_name = "K=V")]
    pub vars: Vec<String>,
    /// A secret; K alone takes the value from the environment variable of that name. Others stay
    #[arg(long = "secret", value_name = "K=V")]
    pub secrets: Vec<String>,
    /// A tag; without any, the tags stay
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Today, if left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub compatibility_date: Option<String>,
    #[arg(long = "compatibility-flag", value_name = "FLAG")]
    pub compatibility_flags: Vec<String>,
    /// Instead of modules, an origin that requests are proxied to: http(s)://host:port, or with its share beside others,
    /// as in "http://10.0.0.1:3000;weight=2"
    #[arg(
        long = "upstream",
        value_name = "URL",
        conflicts_with_all = ["files", "main", "vars", "secrets", "compatibility_date", "compatibility_flags"]
    )]
    pub upstreams: Vec<String>,
    /// A path by which the origins' health is checked while they are used
    #[arg(long, value_name = "PATH", requires = "upstreams", conflicts_with = "files")]
    pub health_path: Option<String>,
    /// Which Host an origin gets: the client's, or its own
    #[arg(long, value_name = "WHOSE", value_parser = ["keep", "origin"], requires = "upstreams", conflicts_with = "files")]
    pub upstream_host: Option<String>,
    /// What the origins are spoken to in; http2 without TLS is spoken at once (gRPC servers want it)
    #[arg(long, value_name = "HTTP", value_parser = ["http1", "http2"], requires = "upstreams", conflicts_with = "files")]
    pub upstream_protocol: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Rollback {
    #[arg(value_name = "NS/NAME")]
    pub script: String,
    /// A version's id; left out: the one that was live before
    pub version: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
}

/// The script's path below the account.
async fn path_of(client: &Client, script: &str) -> Result<String, CliError> {
    let account = segment(&client.account().await?);
    Ok(match script.split_once('/') {
        Some((namespace, name)) => {
            format!("/accounts/{account}/workers/dispatch/namespaces/{}/scripts/{}", segment(namespace), segment(name))
        }
        None => format!("/accounts/{account}/workers/scripts/{}", segment(script)),
    })
}

impl Script {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        match self {
            Self::List { namespace, tags, connection } => {
                let client = Client::open(connection)?;
                let account = segment(&client.account().await?);
                let path = match namespace {
                    Some(namespace) => {
                        format!("/accounts/{account}/workers/dispatch/namespaces/{}/scripts", segment(namespace))
                    }
                    None => format!("/accounts/{account}/workers/scripts"),
                };
                let filter = tags.as_ref().map_or_else(String::new, |tags| format!("&tags={}", segment(tags)));
                let (mut all, mut cursor) = (Vec::new(), String::new());
                loop {
                    let answer = client.get(&format!("{path}?limit=1000{filter}{cursor}")).await?;
                    if let Value::Array(page) = answer.result {
                        all.extend(page);
                    }
                    match answer.cursor {
                        Some(next) => cursor = format!("&cursor={}", segment(&next)),
                        None => break,
                    }
                }
                let rows = all.iter().map(|script| {
                    let tags: Vec<&str> =
                        script["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    vec![text(&script["id"]), text(&script["modified_on"]), tags.join(",")]
                });
                let text = table(&["NAME", "MODIFIED", "TAGS"], rows);
                Ok(Shown::new(connection, Value::Array(all), text))
            }
            Self::Get { script, connection } => {
                let client = Client::open(connection)?;
                let path = path_of(&client, script).await?;
                // The account's own have no endpoint of this kind but `services`.
                let result = if script.contains('/') {
                    client.get(&path).await?.result["script"].take()
                } else {
                    let path = path.replacen("/workers/scripts/", "/workers/services/", 1);
                    client.get(&path).await?.result["default_environment"]["script"].take()
                };
                let rows = result.as_object().into_iter().flatten().map(|(key, value)| vec![key.clone(), text(value)]);
                let text = table(&[], rows);
                Ok(Shown::new(connection, result, text))
            }
            Self::Plan { script, plan, connection } => {
                let client = Client::open(connection)?;
                let account = segment(&client.account().await?);
                let path = format!("/switchyard/accounts/{account}/{}/plan", place_of(script));
                let result = match plan.as_deref() {
                    None => client.get(&path).await?.result,
                    Some(plan) => {
                        let plan = Some(plan).filter(|plan| *plan != "none");
                        client.json(Method::PUT, &path, &json!({ "plan": plan })).await?.result
                    }
                };
                let shown = format!("{}\n", result["plan"].as_str().unwrap_or("none"));
                Ok(Shown::new(connection, result, shown))
            }
            Self::Delete { script, force, connection } => {
                let client = Client::open(connection)?;
                let path = format!("{}?force={force}", path_of(&client, script).await?);
                client.send(Method::DELETE, &path, None).await?;
                Ok(Shown::new(connection, json!({ "deleted": script }), format!("deleted {script}\n")))
            }
        }
    }
}

impl Deploy {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let client = Client::open(&self.connection)?;
        if !self.upstreams.is_empty() {
            return self.upstream(&client).await;
        }
        let main = self.main.as_ref().or(self.files.first()).ok_or_else(|| CliError::usage("there is no module"))?;
        let mut files = self.files.clone();
        if !files.contains(main) {
            files.push(main.clone());
        }
        let boundary = format!("switchyard-{}", uuid::Uuid::new_v4().simple());
        let metadata = self.metadata(&module_name(main, main))?;
        let mut form = BytesMut::new();
        part(&mut form, &boundary, "name=\"metadata\"", "application/json", metadata.to_string().as_bytes());
        for file in &files {
            let name = module_name(file, main);
            let content = std::fs::read(file).map_err(CliError::file("read", file))?;
            let disposition = format!("name=\"{name}\"; filename=\"{name}\"");
            part(&mut form, &boundary, &disposition, content_type(file), &content);
        }
        form.put(format!("--{boundary}--\r\n").as_bytes());
        let path = path_of(&client, &self.script).await?;
        let body: Bytes = form.freeze();
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let upload = Some((content_type, body));
        let answer = if is_wasm(main) {
            self.compiled(&client, &path, upload).await?
        } else {
            client.send(Method::PUT, &path, upload).await?
        };
        let result = answer.result;
        let text = format!(
            "deployed {} (version {}, started in {} ms)\n",
            self.script,
            text(&result["deployment_id"]),
            text(&result["startup_time_ms"])
        );
        Ok(Shown::new(&self.connection, result, text))
    }

    /// An upload that is compiled before it is answered: meanwhile it is told how far that is.
    async fn compiled(&self, client: &Client, path: &str, upload: Option<(String, Bytes)>) -> Result<Answer, CliError> {
        let upload = client.send_within(LONG_PATIENCE, Method::PUT, path, upload);
        let mut upload = std::pin::pin!(upload);
        let account = segment(&client.account().await?);
        let asked = format!("/switchyard/accounts/{account}/{}/compilation", place_of(&self.script));
        let mut shown = String::new();
        loop {
            let pause = tokio::time::sleep(Duration::from_millis(500));
            tokio::select! {
                answer = &mut upload => return answer,
                () = pause => {}
            }
            let standing = tokio::select! {
                answer = &mut upload => return answer,
                standing = client.get(&asked) => standing,
            };
            // The upload's answer is what counts.
            let Ok(Answer { result, .. }) = standing else { continue };
            if let Some(line) = progress(&result)
                && line != shown
                && !self.connection.json
            {
                eprintln!("{line}");
                shown = line;
            }
        }
    }

    /// An upload of metadata alone.
    async fn upstream(&self, client: &Client) -> Result<Shown, CliError> {
        let origins: Vec<Value> = self.upstreams.iter().map(|text| origin(text)).collect::<Result<_, _>>()?;
        let mut metadata = json!({ "upstream": { "origins": origins } });
        if let Some(path) = &self.health_path {
            metadata["upstream"]["health"] = json!({ "path": path });
        }
        if let Some(host) = &self.upstream_host {
            metadata["upstream"]["host"] = host.as_str().into();
        }
        if let Some(protocol) = &self.upstream_protocol {
            metadata["upstream"]["protocol"] = protocol.as_str().into();
        }
        if !self.tags.is_empty() {
            metadata["tags"] = json!(self.tags);
        }
        let path = path_of(client, &self.script).await?;
        let result = client.json(Method::PUT, &path, &json!({ "metadata": metadata })).await?.result;
        let version = text(&result["deployment_id"]);
        let text = format!("deployed {} (version {version}, proxied to {} origins)\n", self.script, origins.len());
        Ok(Shown::new(&self.connection, result, text))
    }

    fn metadata(&self, main: &str) -> Result<Value, CliError> {
        let mut bindings = Vec::new();
        for var in &self.vars {
            let (name, value) =
                var.split_once('=').ok_or_else(|| CliError::usage(format!("--var {var}: is not K=V")))?;
            bindings.push(json!({ "type": "plain_text", "name": name, "text": value }));
        }
        for secret in &self.secrets {
            let (name, value) = match secret.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => {
                    let missing = |_| CliError::usage(format!("--secret {secret}: the variable {secret} is not set"));
                    (secret.as_str(), std::env::var(secret).map_err(missing)?)
                }
            };
            bindings.push(json!({ "type": "secret_text", "name": name, "text": value }));
        }
        let today = Timestamp::now().to_string();
        let today = today.split('T').next().unwrap_or_default();
        let mut metadata = json!({
            "main_module": main,
            "bindings": bindings,
            "keep_bindings": ["secret_text", "secret_key"],
            "compatibility_date": self.compatibility_date.as_deref().unwrap_or(today),
            "compatibility_flags": self.compatibility_flags,
        });
        if !self.tags.is_empty() {
            metadata["tags"] = json!(self.tags);
        }
        Ok(metadata)
    }
}

impl Rollback {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let client = Client::open(&self.connection)?;
        let path = path_of(&client, &self.script).await?;
        let version = match &self.version {
            Some(version) => version.clone(),
            None => {
                let history = client.get(&format!("{path}/deployments")).await?.result;
                before(&history)
                    .ok_or_else(|| CliError::usage(format!("{} has no earlier version to go back to", self.script)))?
            }
        };
        let body = json!({
            "strategy": "percentage",
            "versions": [{ "version_id": version, "percentage": 100 }],
            "annotations": { "workers/message": "rollback", "workers/triggered_by": "rollback" },
        });
        let result = client.json(Method::POST, &format!("{path}/deployments"), &body).await?.result;
        let text = format!("{} is at version {version}\n", self.script);
        Ok(Shown::new(&self.connection, result, text))
    }
}

/// What a person is told of a compilation.
fn progress(standing: &Value) -> Option<String> {
    match standing["state"].as_str()? {
        "waiting" => Some(format!("waiting for the compiler: number {} in the queue", standing["place"])),
        "compiling" => Some("compiling the component".to_owned()),
        _ => None,
    }
}

fn is_wasm(file: &Path) -> bool {
    content_type(file) == "application/wasm"
}

/// The script's path below an account in our own part of the API.
fn place_of(script: &str) -> String {
    match script.split_once('/') {
        Some((namespace, name)) => format!("namespaces/{}/scripts/{}", segment(namespace), segment(name)),
        None => format!("scripts/{}", segment(script)),
    }
}

/// `URL` or `URL;weight=N`.
fn origin(text: &str) -> Result<Value, CliError> {
    let Some((url, weight)) = text.split_once(';') else { return Ok(json!({ "url": text })) };
    let weight = weight.strip_prefix("weight=").and_then(|weight| weight.parse::<u16>().ok());
    let weight = weight.ok_or_else(|| CliError::usage(format!("--upstream {text}: is not URL or URL;weight=N")))?;
    Ok(json!({ "url": url, "weight": weight }))
}

/// The version with the largest share of the newest deployment whose version is not the one in force.
fn before(history: &Value) -> Option<String> {
    let mut largest = history["deployments"].as_array()?.iter().filter_map(|deployment| {
        let shares = deployment["versions"].as_array()?;
        let largest = shares.iter().max_by(|a, b| {
            let share = |value: &Value| value["percentage"].as_f64().unwrap_or_default();
            share(a).total_cmp(&share(b))
        });
        largest?["version_id"].as_str()
    });
    let now = largest.next()?;
    largest.find(|version| *version != now).map(str::to_owned)
}

/// Below the main module's folder, its path from there, so that relative imports hold; else the file's name.
fn module_name(file: &Path, main: &Path) -> String {
    let folder = main.parent().unwrap_or(Path::new(""));
    let below = file
        .strip_prefix(folder)
        .ok()
        .filter(|rest| rest.components().all(|part| matches!(part, std::path::Component::Normal(_))));
    let name = below.map(Path::to_path_buf).or_else(|| file.file_name().map(PathBuf::from)).unwrap_or_default();
    name.to_string_lossy().replace(['"', '\r', '\n'], "_")
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "js" | "mjs" => "application/javascript+module",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "map" => "application/source-map",
        "txt" | "html" | "css" | "md" | "sql" | "svg" | "xml" => "text/plain",
        _ => "application/octet-stream",
    }
}

pub(super) fn part(form: &mut BytesMut, boundary: &str, disposition: &str, content_type: &str, content: &[u8]) {
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    );
    form.put(head.as_bytes());
    form.put(content);
    form.put(&b"\r\n"[..]);
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_from_the_main_modules_folder() {
        let main = Path::new("dist/index.js");
        assert_eq!(module_name(main, main), "index.js");
        assert_eq!(module_name(Path::new("dist/lib/a.js"), main), "lib/a.js");
        assert_eq!(module_name(Path::new("other/b.js"), main), "b.js");
        assert_eq!(module_name(Path::new("dist/../c.js"), main), "c.js");
    }

    #[test]
    fn a_compilation_is_told_in_words() {
        let waits = progress(&json!({ "state": "waiting", "place": 3 }));
        assert_eq!(waits.as_deref(), Some("waiting for the compiler: number 3 in the queue"));
        let compiles = progress(&json!({ "state": "compiling", "seconds": 7 }));
        assert_eq!(compiles.as_deref(), Some("compiling the component"));
        assert_eq!(progress(&json!({ "state": "none" })), None);
        assert_eq!(place_of("ns/a"), "namespaces/ns/scripts/a");
        assert_eq!(place_of("a"), "scripts/a");
    }

    #[test]
    fn the_version_before_skips_repetitions() {
        let of = |ids: &[&str]| {
            let shown = ids.iter().map(|id| json!({ "versions": [{ "version_id": id, "percentage": 100 }] }));
            json!({ "deployments": shown.collect::<Vec<_>>() })
        };
        assert_eq!(before(&of(&["c", "c", "b", "a"])).as_deref(), Some("b"));
        assert_eq!(before(&of(&["c"])), None);
        assert_eq!(before(&json!({})), None);
    }
}

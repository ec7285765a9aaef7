//! `export` and `import`: a dispatch namespace, from one node to another through their APIs. What is live of each
//! script goes over: its source, static assets, settings, bindings and plan; not its history, and not the values of its
//! secrets, which no API tells. An import is given them, or names those that are missing.

mod archive;
mod export;
mod import;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{CliError, Client, segment};

pub use export::Export;
pub use import::Import;

/// `namespace.json`
#[derive(Serialize, Deserialize)]
struct Exported {
    format: u32,
    namespace: String,
    settings: Value,
    scripts: usize,
}

/// `scripts/NAME.json`
#[derive(Serialize, Deserialize)]
struct Script {
    /// The metadata of its upload.
    metadata: Map<String, Value>,
    /// Names of its secrets, and of which type each is.
    secrets: BTreeMap<String, String>,
    plan: Option<String>,
    /// Of `scripts/NAME.form`; without: it has no code.
    content_type: Option<String>,
    /// As the API lists them; each file's bytes are `assets/HASH`.
    assets: Option<Assets>,
}

#[derive(Serialize, Deserialize)]
struct Assets {
    config: Value,
    files: BTreeMap<String, Asset>,
}

#[derive(Serialize, Deserialize)]
struct Asset {
    hash: String,
    size: u64,
    content_type: Option<String>,
}

/// The scripts of a namespace, in Cloudflare's part of the API.
fn scripts_of(account: &str, namespace: &str) -> String {
    format!("/accounts/{account}/workers/dispatch/namespaces/{}/scripts", segment(namespace))
}

/// A namespace, in our own.
fn ours(account: &str, namespace: &str) -> String {
    format!("/switchyard/accounts/{account}/namespaces/{}", segment(namespace))
}

async fn list(client: &Client, scripts: &str) -> Result<Vec<Value>, CliError> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("{scripts}?limit=1000{cursor}")).await?;
        if let Value::Array(page) = answer.result {
            all.extend(page);
        }
        match answer.cursor {
            Some(next) => cursor = format!("&cursor={}", segment(&next)),
            None => return Ok(all),
        }
    }
}

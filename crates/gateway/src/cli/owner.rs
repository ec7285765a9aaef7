//! `account`, `token` and `namespace`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};
use switchyard_catalog::{Limit, Timestamp};

use super::client::{CliError, Client, Connection, segment};
use super::print::{Shown, table};
use crate::bootstrap::replace_private_file;
use crate::config::{parse_duration, parse_size};

#[derive(Debug, Subcommand)]
pub enum Account {
    /// The accounts that the token is for
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Make an account; needs an admin's token
    Create {
        name: String,
        /// A random one, if left out
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give the account another name
    Rename {
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Account {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let path = "/switchyard/accounts";
        match self {
            Self::List { connection } => {
                let result = Client::open(connection)?.get(path).await?.result;
                let text = table(&["ID", "NAME"], columns(&result, &["id", "name"]));
                Ok(Shown::new(connection, result, text))
            }
            Self::Create { name, id, connection } => {
                let client = Client::open(connection)?;
                let result = client.json(Method::POST, path, &json!({ "id": id, "name": name })).await?.result;
                let text = format!("made the account {}\n", cell(&result["id"]));
                Ok(Shown::new(connection, result, text))
            }
            Self::Rename { name, connection } => {
                let client = Client::open(connection)?;
                let account = client.account().await?;
                let path = format!("{path}/{}", segment(&account));
                let result = client.json(Method::PATCH, &path, &json!({ "name": name })).await?.result;
                Ok(Shown::new(connection, result, format!("the account {account} is called {name:?}\n")))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TokenAccess {
    Read,
    Write,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; its value is printed once
    Create {
        /// For people
        name: String,
        /// admin, account, namespace:NS, script:NS/NAME, or script:NAME for one of the account's own
        #[arg(long, default_value = "account")]
        scope: String,
        #[arg(long, value_enum, default_value_t = TokenAccess::Read)]
        access: TokenAccess,
        /// When it ends: a duration such as 30d, or a time such as 2030-01-02T03:04:05Z
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// What the token deploys is held to this plan
        #[arg(long, value_name = "PLAN")]
        plan: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Tokens of the account
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Give a token another value; the old one ends
    Roll {
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a token
    Revoke {
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
}

async fn tokens(client: &Client) -> Result<String, CliError> {
    Ok(format!("/switchyard/accounts/{}/tokens", segment(&client.account().await?)))
}

impl Token {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        match self {
            Self::Create { name, scope, access, expires, plan, connection } => {
                let client = Client::open(connection)?;
                let access = match access {
                    TokenAccess::Read => "read",
                    TokenAccess::Write => "write",
                };
                let mut body = json!({ "name": name, "access": access, "plan": plan });
                scope_into(scope, &mut body)?;
                if let Some(expires) = expires {
                    body["expires_on"] = expiry(expires)?.into();
                }
                let result = client.json(Method::POST, &tokens(&client).await?, &body).await?.result;
                let text = format!("id     {}\nvalue  {}\n", cell(&result["id"]), cell(&result["value"]));
                Ok(Shown::new(connection, result, text))
            }
            Self::List { connection } => {
                let client = Client::open(connection)?;
                let result = client.get(&tokens(&client).await?).await?.result;
                let rows = result.as_array().into_iter().flatten().map(|token| {
                    let place: Vec<&str> =
                        [&token["namespace"], &token["script"]].into_iter().filter_map(Value::as_str).collect();
                    let scope = [cell(&token["scope"]), place.join("/")].join(" ");
                    let plain = ["access", "status", "expires_on"].map(|key| cell(&token[key]));
                    let mut row = vec![cell(&token["id"]), cell(&token["name"]), scope.trim_end().to_owned()];
                    row.extend(plain);
                    row
                });
                let text = table(&["ID", "NAME", "SCOPE", "ACCESS", "STATUS", "EXPIRES"], rows);
                Ok(Shown::new(connection, result, text))
            }
            Self::Roll { id, connection } => {
                let client = Client::open(connection)?;
                let own = client.get("/user/tokens/verify").await?.result["id"] == id.as_str();
                let path = format!("{}/{}/roll", tokens(&client).await?, segment(id));
                let result = client.send(Method::POST, &path, None).await?.result;
                let mut text = format!("id     {id}\nvalue  {}\n", cell(&result["value"]));
                // The folder's own token: what reads it must go on.
                if own && let (Some(file), Some(value)) = (&client.token_file, result["value"].as_str()) {
                    replace_private_file(file, &format!("{value}\n")).map_err(CliError::file("write", file))?;
                    text += &format!("       and written to {}\n", file.display());
                }
                Ok(Shown::new(connection, result, text))
            }
            Self::Revoke { id, connection } => {
                let client = Client::open(connection)?;
                let path = format!("{}/{}", tokens(&client).await?, segment(id));
                client.send(Method::DELETE, &path, None).await?;
                Ok(Shown::new(connection, json!({ "revoked": id }), format!("revoked {id}\n")))
            }
        }
    }
}

fn scope_into(scope: &str, body: &mut Value) -> Result<(), CliError> {
    let (kind, place) = scope.split_once(':').unwrap_or((scope, ""));
    body["scope"] = kind.into();
    match (kind, place.split_once('/')) {
        ("admin" | "account", _) if place.is_empty() => {}
        ("namespace", None) if !place.is_empty() => body["namespace"] = place.into(),
        ("script", Some((namespace, script))) => {
            body["namespace"] = namespace.into();
            body["script"] = script.into();
        }
        ("script", None) if !place.is_empty() => body["script"] = place.into(),
        _ => {
            return Err(CliError::usage(format!(
                "--scope {scope}: is none of admin, account, namespace:NS, script:NS/NAME, script:NAME"
            )));
        }
    }
    Ok(())
}

fn expiry(text: &str) -> Result<String, CliError> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at.to_string());
    }
    let wrong = |_| CliError::usage(format!("--expires {text}: is neither a duration such as 30d nor a time"));
    let duration: Duration = parse_duration(text).map_err(wrong)?;
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_micros(Timestamp::now().micros().saturating_add(micros)).to_string())
}

#[derive(Debug, Subcommand)]
pub enum Namespace {
    /// Dispatch namespaces of the account
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a namespace
    Create {
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Delete a namespace and all its scripts
    Delete {
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show what holds for all scripts of a namespace, or change it from the next request on
    Settings(Box<NamespaceSettings>),
}

#[derive(Debug, Args)]
pub struct NamespaceSettings {
    name: String,
    /// CPU of one request in milliseconds; "none": the node's
    #[arg(long, value_name = "MS")]
    cpu_ms: Option<String>,
    /// fetch and binding calls of one request; "none": the node's
    #[arg(long, value_name = "N")]
    subrequests: Option<String>,
    /// Memory of one instance, such as 64MiB; "none": the node's
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Milliseconds from the call to the end of all it started; "none": the node's
    #[arg(long, value_name = "MS")]
    wall_ms: Option<String>,
    /// Body of one request, such as 10MiB; "none": the node's
    #[arg(long, value_name = "SIZE")]
    request_bytes: Option<String>,
    /// Body of one response, such as 10MiB; "none": the node's
    #[arg(long, value_name = "SIZE")]
    response_bytes: Option<String>,
    /// Requests of one script under way at once; "none": the node's
    #[arg(long, value_name = "N")]
    concurrent_requests: Option<String>,
    /// Requests of one script that begin in a second; "none": the node's
    #[arg(long, value_name = "N")]
    requests_per_second: Option<String>,
    /// Requests of one to the network that wait for their head at once; "none": the node's
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// console lines of one request, such as 16KiB; "none": the node's
    #[arg(long, value_name = "SIZE")]
    log_bytes: Option<String>,
    /// Plan of the configuration that holds for its scripts; "none": none
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// auto, request, warm; "none": the node's
    #[arg(long)]
    isolation: Option<String>,
    /// Whether the Workers in it trust each other
    #[arg(long, value_name = "BOOL")]
    trusted: Option<bool>,
    /// Worker of the account that gets what Workers in it fetch, or NAME#ENTRYPOINT; "none": the network
    #[arg(long, value_name = "NAME")]
    outbound: Option<String>,
    /// Worker of the account that gets clients' requests first, or NAME#ENTRYPOINT; "none": nobody
    #[arg(long, value_name = "NAME")]
    inbound: Option<String>,
    /// What its Workers reach beyond the public internet, within what the node grants, with commas between:
    /// 10.1.0.0/16, [fd00::/8]:443, *.corp.example:8000-8999; "none": nothing
    #[arg(long, value_name = "LIST")]
    egress_also: Option<String>,
    /// What its Workers reach at all, written likewise; "nothing"; "none": all that the node allows
    #[arg(long, value_name = "LIST")]
    egress_only: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Namespace {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let all = |account: String| format!("/accounts/{}/workers/dispatch/namespaces", segment(&account));
        match self {
            Self::List { connection } => {
                let client = Client::open(connection)?;
                let result = client.get(&all(client.account().await?)).await?.result;
                let rows = columns(&result, &["namespace_name", "script_count", "namespace_id"]);
                let text = table(&["NAME", "SCRIPTS", "ID"], rows);
                Ok(Shown::new(connection, result, text))
            }
            Self::Create { name, connection } => {
                let client = Client::open(connection)?;
                let path = all(client.account().await?);
                let result = client.json(Method::POST, &path, &json!({ "name": name })).await?.result;
                Ok(Shown::new(connection, result, format!("made the namespace {name}\n")))
            }
            Self::Delete { name, connection } => {
                let client = Client::open(connection)?;
                let path = format!("{}/{}", all(client.account().await?), segment(name));
                client.send(Method::DELETE, &path, None).await?;
                Ok(Shown::new(connection, json!({ "deleted": name }), format!("deleted {name}\n")))
            }
            Self::Settings(settings) => settings.run().await,
        }
    }
}

impl NamespaceSettings {
    async fn run(&self) -> Result<Shown, CliError> {
        let client = Client::open(&self.connection)?;
        let (account, name) = (segment(&client.account().await?), segment(&self.name));
        let path = format!("/switchyard/accounts/{account}/namespaces/{name}/settings");
        let before = client.get(&path).await?.result;
        let mut wanted = before.clone();
        let numbers = [
            ("cpu_ms", &self.cpu_ms),
            ("subrequests", &self.subrequests),
            ("wall_ms", &self.wall_ms),
            ("concurrent_requests", &self.concurrent_requests),
            ("requests_per_second", &self.requests_per_second),
            ("connections", &self.connections),
        ];
        for (key, text) in numbers {
            if let Some(text) = text {
                let wrong = |_| CliError::usage(format!("{key}: {text:?} is neither a number nor none"));
                wanted["limits"][key] =
                    if text == "none" { Value::Null } else { text.parse::<u32>().map_err(wrong)?.into() };
            }
        }
        let sizes = [
            ("memory", &self.memory),
            ("request_bytes", &self.request_bytes),
            ("response_bytes", &self.response_bytes),
            ("log_bytes", &self.log_bytes),
        ];
        for (key, text) in sizes {
            if let Some(text) = text {
                let wrong = |_| CliError::usage(format!("{key}: {text:?} is neither a size such as 64MiB nor none"));
                wanted["limits"][key] =
                    if text == "none" { Value::Null } else { parse_size(text).map_err(wrong)?.into() };
            }
        }
        for (key, text) in [("plan", &self.plan), ("isolation", &self.isolation)] {
            if let Some(text) = text {
                wanted[key] = if text == "none" { Value::Null } else { text.as_str().into() };
            }
        }
        if let Some(trusted) = self.trusted {
            wanted["trusted"] = trusted.into();
        }
        for (key, name) in [("outbound", &self.outbound), ("inbound", &self.inbound)] {
            if let Some(name) = name {
                let (service, entrypoint) = match name.split_once('#') {
                    Some((service, entrypoint)) => (service, Some(entrypoint)),
                    None => (name.as_str(), None),
                };
                let worker = json!({ "service": service, "entrypoint": entrypoint });
                wanted[key] = if name == "none" { Value::Null } else { worker };
            }
        }
        for (key, list) in [("also", &self.egress_also), ("only", &self.egress_only)] {
            if let Some(list) = list {
                wanted["egress"][key] = match list.as_str() {
                    "none" if key == "only" => Value::Null,
                    "none" | "nothing" => json!([]),
                    list => list.split(',').map(str::trim).collect(),
                };
            }
        }
        let result = if wanted == before { before } else { client.json(Method::PUT, &path, &wanted).await?.result };
        let limits =
            Limit::ALL.map(|limit| vec![limit.as_str().to_owned(), or_node(&result["limits"][limit.as_str()])]);
        let plan = if result["plan"].is_null() { "none".to_owned() } else { cell(&result["plan"]) };
        let plan = [vec!["plan".to_owned(), plan]];
        let rest = ["isolation", "trusted"].map(|key| vec![key.to_owned(), or_node(&result[key])]);
        let workers = ["outbound", "inbound"].map(|key| vec![key.to_owned(), worker(&result[key])]);
        let egress = ["also", "only"].map(|key| vec![format!("egress_{key}"), destinations(&result["egress"][key])]);
        let text = table(&[], limits.into_iter().chain(plan).chain(rest).chain(workers).chain(egress));
        Ok(Shown::new(&self.connection, result, text))
    }
}

/// As the flag takes it.
fn worker(value: &Value) -> String {
    match (&value["service"], &value["entrypoint"]) {
        (Value::Null, _) => "none".to_owned(),
        (service, Value::Null) => cell(service),
        (service, entrypoint) => format!("{}#{}", cell(service), cell(entrypoint)),
    }
}

/// As the flag takes it; an empty `also` is none.
fn destinations(value: &Value) -> String {
    match value.as_array() {
        None => "none".to_owned(),
        Some(list) if list.is_empty() => "nothing".to_owned(),
        Some(list) => list.iter().map(cell).collect::<Vec<_>>().join(","),
    }
}

fn or_node(value: &Value) -> String {
    if value.is_null() { "the node's".to_owned() } else { cell(value) }
}

fn columns<'a>(list: &'a Value, keys: &'a [&str]) -> impl Iterator<Item = Vec<String>> + 'a {
    list.as_array().into_iter().flatten().map(move |item| keys.iter().map(|key| cell(&item[*key])).collect())
}

/// Nothing for null.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_ends_are_read() {
        let scope = |text: &str| {
            let mut body = json!({});
            scope_into(text, &mut body).map(|()| body)
        };
        assert_eq!(scope("account").unwrap(), json!({ "scope": "account" }));
        assert_eq!(scope("script:a/b").unwrap(), json!({ "scope": "script", "namespace": "a", "script": "b" }));
        assert_eq!(scope("script:b").unwrap(), json!({ "scope": "script", "script": "b" }));
        for wrong in ["", "world", "namespace", "namespace:a/b", "account:x", "script:"] {
            assert!(scope(wrong).is_err(), "{wrong}");
        }
        assert_eq!(expiry("2030-01-02T03:04:05Z").unwrap(), "2030-01-02T03:04:05.000000Z");
        assert!(expiry("30d").is_ok() && expiry("soon").is_err());
    }
}

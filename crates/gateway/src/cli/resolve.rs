//! `switchyard resolve`: who would get a request, step by step.

use std::net::IpAddr;

use clap::Args;
use http::Method;
use serde_json::{Value, json};
use switchyard_catalog::Limit;

use super::client::{CliError, Client, Connection};
use super::print::{Shown, printable};

#[derive(Debug, Args)]
pub struct Resolve {
    /// The request's URL
    pub url: String,
    /// A header of the request, such as 'X-Tenant: hello'; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Where the request would come from
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub peer: IpAddr,
    /// Through which listener, by its address in the configuration; the first, if left out
    #[arg(long, value_name = "ADDR")]
    pub listener: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Resolve {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let headers = self.headers.iter().map(|line| match line.split_once(':') {
            Some((name, value)) => Ok(json!({ "name": name.trim(), "value": value.trim() })),
            None => Err(CliError::usage(format!("the header {line:?} is not NAME: VALUE"))),
        });
        let headers: Vec<Value> = headers.collect::<Result<_, _>>()?;
        let body = json!({ "url": self.url, "headers": headers, "peer": self.peer, "listener": self.listener });
        let client = Client::open(&self.connection)?;
        let result = client.json(Method::POST, "/switchyard/resolve", &body).await?.result;
        let text = text(&result);
        Ok(Shown::new(&self.connection, result, text))
    }
}

fn text(result: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = format!("host  {}\n", printable(&word(&result["host"])));
    let removed: Vec<String> = result["removed_headers"].as_array().into_iter().flatten().map(word).collect();
    if !removed.is_empty() {
        text += &format!("removed, since the peer is not trusted with them: {}\n", removed.join(", "));
    }
    for (number, step) in result["steps"].as_array().into_iter().flatten().enumerate() {
        let outcome = match step["outcome"].as_str().unwrap_or_default() {
            "mine" => "mine",
            "not_mine" => "not mine",
            "not_asked" => "not asked",
            _ => "failed",
        };
        let why = step["why"].as_str().map_or_else(String::new, |why| format!(": {}", printable(why)));
        // A statement may be written in several lines.
        let about = word(&step["about"]).split_whitespace().collect::<Vec<_>>().join(" ");
        text += &format!("{}  {:<9}  {}\n   {outcome}{why}\n", number + 1, word(&step["kind"]), printable(&about));
    }
    let tenant = &result["tenant"];
    if tenant.is_null() {
        return text + &format!("nobody's: a client gets {}\n", result["status"]);
    }
    let script = match tenant["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{}", word(&tenant["script"])),
        None => word(&tenant["script"]),
    };
    text += &format!("goes to {} of the account {}\n", printable(&script), printable(&word(&tenant["account"])));
    let plans: Vec<String> = tenant["plans"].as_array().into_iter().flatten().map(word).collect();
    if !plans.is_empty() {
        text += &format!("  plan {}\n", printable(&plans.join(", ")));
    }
    text += &format!("  weight {}\n", tenant["terms"]["weight"]);
    for limit in Limit::ALL.map(Limit::as_str) {
        let (own, all) = (&tenant["limits"][limit], &tenant["terms"]["limits"][limit]);
        if !all.is_null() {
            let whose = if own == all { " (of the resolver)" } else { "" };
            text += &format!("  {limit} at most {all}{whose}\n");
        }
    }
    for key in ["version", "outbound"] {
        if !tenant[key].is_null() {
            text += &format!("  {key} {}\n", printable(&tenant[key].to_string()));
        }
    }
    text
}

//! `switchyard top`: which scripts use the most of a node.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::client::{CliError, Client, Connection, segment};
use super::print::{Shown, table};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum By {
    Requests,
    Cpu,
    Errors,
}

#[derive(Debug, Args)]
pub struct Top {
    /// What scripts are ordered by
    #[arg(long, value_enum, default_value_t = By::Requests)]
    by: By,
    /// How many, at most 100
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: u32,
    /// Of all accounts; needs an admin's token
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Top {
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let client = Client::open(&self.connection)?;
        let by = match self.by {
            By::Requests => "requests",
            By::Cpu => "cpu",
            By::Errors => "errors",
        };
        let place = match self.all {
            true => String::new(),
            false => format!("/accounts/{}", segment(&client.account().await?)),
        };
        let path = format!("/switchyard{place}/top?by={by}&limit={}", self.limit);
        let result = client.get(&path).await?.result;
        let rows = result["scripts"].as_array().into_iter().flatten().map(|script| {
            let name = match script["namespace"].as_str() {
                Some(namespace) => format!("{namespace}/{}", word(&script["script"])),
                None => word(&script["script"]),
            };
            let mut row = vec![name, count(&script["requests"]), millis(&script["cpu_us"]), count(&script["errors"])];
            if self.all {
                row.push(word(&script["account"]));
            }
            row
        });
        let heads = ["SCRIPT", "REQUESTS", "CPU MS", "ERRORS", "ACCOUNT"];
        let mut text = table(&heads[..if self.all { 5 } else { 4 }], rows);
        text += &format!("in the last {:.0} s; ~: it may be less\n", result["seconds"].as_f64().unwrap_or_default());
        Ok(Shown::new(&self.connection, result, text))
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn shown(value: &Value, show: impl Fn(u64) -> String) -> String {
    let Some(count) = value["value"].as_u64() else { return "-".to_owned() };
    let about = if value["over"].as_u64().unwrap_or_default() > 0 { "~" } else { "" };
    format!("{about}{}", show(count))
}

fn count(value: &Value) -> String {
    shown(value, |count| count.to_string())
}

fn millis(value: &Value) -> String {
    shown(value, |micros| format!("{:.1}", micros as f64 / 1e3))
}

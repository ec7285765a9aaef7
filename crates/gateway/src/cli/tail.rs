//! `tail`: the live log of a script, of all scripts of a namespace, or of one of the account's own Workers
//! with what it dispatches to; for people, or each event in a line of JSON.
//!
//! Everything in an event is a tenant's: control characters are shown escaped, whatever stdout is, and
//! lines after the first are indented, so that no text can pass for another event.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;
use http_body_util::BodyExt;
use serde_json::Value;
use switchyard_catalog::Timestamp;

use super::client::{CliError, Client, Connection, segment};
use super::print::Shown;
use crate::tail::escape_controls;

/// The node says something every 15 s; it is gone when this has passed without.
const SILENCE: Duration = Duration::from_secs(60);
/// Longer than any event.
const MOST_LINE: usize = 8 << 20;

#[derive(Debug, Args)]
pub struct Tail {
    /// The script; NS/ is all of a namespace, NAME alone one of the account's own Workers
    #[arg(value_name = "NS/NAME")]
    pub script: String,
    /// How it ended (ok, error, canceled), or the response's status (404, 5xx); may be repeated
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<String>,
    /// The request's method; may be repeated
    #[arg(long, value_name = "METHOD")]
    pub method: Vec<String>,
    /// The request has this header, or NAME:TEXT, one that contains it
    #[arg(long, value_name = "NAME")]
    pub header: Option<String>,
    /// Some console line contains this text
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// The share of events, above 0 and at most 1
    #[arg(long, value_name = "SHARE")]
    pub sampling_rate: Option<f64>,
    /// The client's address; self is this machine's, as the node sees it; may be repeated
    #[arg(long, value_name = "IP")]
    pub ip: Vec<String>,
    /// The script's version
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
}

impl Tail {
    /// Prints until the node ends it.
    pub(super) async fn run(&self) -> Result<Shown, CliError> {
        let client = Client::open(&self.connection)?;
        let mut body = client.stream(&self.path(&segment(&client.account().await?))).await?;
        let gone = || CliError::usage("the node has ended the tail");
        let mut text = Vec::new();
        loop {
            let frame = tokio::time::timeout(SILENCE, body.frame()).await.map_err(|_| gone())?.ok_or_else(gone)?;
            let frame = frame.map_err(|_| gone())?;
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                if !self.print(&line) {
                    return Ok(Shown(String::new()));
                }
            }
            if text.len() > MOST_LINE {
                return Err(CliError::usage("the node sent a line that is no event"));
            }
        }
    }

    fn path(&self, account: &str) -> String {
        let base = format!("/switchyard/accounts/{account}");
        let mut path = match self.script.split_once('/') {
            Some((namespace, "")) => format!("{base}/namespaces/{}/tail", segment(namespace)),
            Some((namespace, name)) => {
                format!("{base}/namespaces/{}/scripts/{}/tail", segment(namespace), segment(name))
            }
            None => format!("{base}/scripts/{}/tail", segment(&self.script)),
        };
        let mut query: Vec<(&str, String)> = Vec::new();
        query.extend(self.status.iter().map(|status| ("status", status.clone())));
        query.extend(self.method.iter().map(|method| ("method", method.clone())));
        query.extend(self.header.iter().map(|header| ("header", header.clone())));
        query.extend(self.search.iter().map(|search| ("search", search.clone())));
        query.extend(self.sampling_rate.iter().map(|rate| ("sampling_rate", rate.to_string())));
        query.extend(self.ip.iter().map(|ip| ("ip", ip.clone())));
        query.extend(self.version_id.iter().map(|id| ("version_id", id.clone())));
        for (at, (name, value)) in query.iter().enumerate() {
            let _ = write!(path, "{}{name}={}", if at == 0 { '?' } else { '&' }, segment(value));
        }
        path
    }

    /// False: nobody reads any more.
    fn print(&self, line: &[u8]) -> bool {
        let Some(data) = line.strip_prefix(b"data: ") else { return true };
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return true };
        let shown = if self.connection.json { escape_controls(&event.to_string()) + "\n" } else { for_people(&event) };
        let mut out = io::stdout().lock();
        out.write_all(shown.as_bytes()).and_then(|()| out.flush()).is_ok()
    }
}

/// A line of the request, then what it printed and threw.
fn for_people(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut shown = String::new();
    let time = event["eventTimestamp"].as_i64().unwrap_or_default();
    let time = Timestamp::from_micros(time.saturating_mul(1_000)).to_string();
    let request = &event["event"]["request"];
    if request.is_object() {
        let script = [&event["dispatchNamespace"], &event["scriptName"]].map(|name| name.as_str().unwrap_or_default());
        let script = script.join("/");
        let status = event["event"]["response"]["status"].as_u64().map_or("-".to_owned(), |status| status.to_string());
        let line = format!(
            "{time} [{}] {} {} {status} {} cpu {} ms wall {} ms",
            script.trim_start_matches('/'),
            text(&request["method"]),
            text(&request["url"]),
            text(&event["outcome"]),
            event["cpuTime"],
            event["wallTime"],
        );
        indented(&mut shown, "", &line);
    } else if let Some(events) = event["event"]["consumedEvents"].as_array() {
        let mut names: Vec<String> = events.iter().map(|event| text(&event["scriptName"])).collect();
        names.sort();
        names.dedup();
        let line = format!(
            "{time} [{}] told of {} {} cpu {} ms wall {} ms",
            text(&event["scriptName"]),
            names.join(", "),
            text(&event["outcome"]),
            event["cpuTime"],
            event["wallTime"],
        );
        indented(&mut shown, "", &line);
    } else {
        indented(&mut shown, "", &format!("{time} {}", text(&event["event"]["message"])));
    }
    for log in event["logs"].as_array().into_iter().flatten() {
        let parts: Vec<String> = log["message"].as_array().into_iter().flatten().map(text).collect();
        indented(&mut shown, "  ", &format!("({}) {}", text(&log["level"]), parts.join(" ")));
    }
    if event["truncated"] == true {
        shown.push_str("  (more lines did not fit)\n");
    }
    for exception in event["exceptions"].as_array().into_iter().flatten() {
        let stack = exception["stack"].as_str().unwrap_or_default();
        let line = format!("{}: {}\n{stack}", text(&exception["name"]), text(&exception["message"]));
        indented(&mut shown, "  ", line.trim_end());
    }
    shown
}

fn indented(shown: &mut String, indent: &str, text: &str) {
    for (at, line) in text.split('\n').enumerate() {
        let _ = writeln!(shown, "{indent}{}{}", if at == 0 { "" } else { "    " }, escape_controls(line));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tenants_text_stays_in_its_place() {
        let event = json!({
            "eventTimestamp": 1_767_323_045_123_u64, "outcome": "exception", "cpuTime": 1, "wallTime": 2, "truncated": true,
            "scriptName": "shop", "dispatchNamespace": "prod",
            "event": { "request": { "method": "GET", "url": "http://x/\u{1b}[2J" } },
            "logs": [{ "level": "log", "message": ["a\n2026 [x] GET\u{9b}", { "b": 1 }] }],
            "exceptions": [{ "name": "Error", "message": "no", "stack": "    at f\r\n    at g" }],
        });
        let lines = [
            "2026-01-02T03:04:05.123000Z [prod/shop] GET http://x/\\u001b[2J - exception cpu 1 ms wall 2 ms",
            "  (log) a",
            "      2026 [x] GET\\u009b {\"b\":1}",
            "  (more lines did not fit)",
            "  Error: no",
            "          at f\\u000d",
            "          at g",
            "",
        ];
        assert_eq!(for_people(&event), lines.join("\n"));
        let told = json!({
            "eventTimestamp": 0, "outcome": "ok", "cpuTime": 1, "wallTime": 2, "scriptName": "logs",
            "event": { "consumedEvents": [{ "scriptName": "b\r" }, { "scriptName": "a" }, { "scriptName": "a" }] },
        });
        let line = "1970-01-01T00:00:00.000000Z [logs] told of a, b\\u000d ok cpu 1 ms wall 2 ms\n";
        assert_eq!(for_people(&told), line);
        let notice = json!({ "eventTimestamp": 0, "event": { "type": "overload", "message": "3 dropped" } });
        assert_eq!(for_people(&notice), "1970-01-01T00:00:00.000000Z 3 dropped\n");
    }
}

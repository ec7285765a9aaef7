//! One event as `wrangler tail --format json` prints it (`trace-v1`), and as tail Workers get it, in one line
//! of JSON in which every control character is escaped.

use std::io;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::value::RawValue;
use switchyard_catalog::{ScriptName, Tag};
use switchyard_runtime::{Ending, Exception, LogLevel, LogLine};

use super::redact::{REDACTED, is_sensitive};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// Milliseconds.
    pub wall_time: u64,
    /// Milliseconds.
    pub cpu_time: u64,
    /// Console lines were left out.
    pub truncated: bool,
    pub execution_model: &'static str,
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_version: Option<VersionView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script_tags: Vec<&'a str>,
    pub script_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<&'a str>,
    pub diagnostics_channel_events: [(); 0],
    pub exceptions: Vec<ExceptionView<'a>>,
    pub logs: Vec<LogView<'a>>,
    /// Milliseconds since 1970.
    pub event_timestamp: u64,
    pub event: What<'a>,
}

#[derive(Serialize)]
pub struct VersionView<'a> {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum What<'a> {
    Fetch {
        request: RequestView<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseView>,
    },
    /// Of a tail handler: whose events it was told.
    #[serde(rename_all = "camelCase")]
    Tail { consumed_events: Vec<Consumed<'a>> },
    /// About the tail itself, as Cloudflare tells that it leaves events out.
    Info {
        #[serde(rename = "type")]
        kind: &'static str,
        message: String,
        dropped: u64,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumed<'a> {
    pub script_name: &'a str,
}

#[derive(Serialize)]
pub struct RequestView<'a> {
    pub url: String,
    pub method: &'a str,
    pub headers: Headers<'a>,
    /// What is shown instead of the above; with it, the above is as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<RedactedView<'a>>,
}

#[derive(Serialize)]
pub struct RedactedView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub headers: Headers<'a>,
}

#[derive(Serialize)]
pub struct ResponseView {
    pub status: u16,
}

#[derive(Serialize)]
pub struct ExceptionView<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub stack: &'a str,
    pub name: &'a str,
    pub message: &'a str,
    pub timestamp: u64,
}

impl<'a> ExceptionView<'a> {
    pub fn of(exception: &'a Exception) -> Self {
        let Exception { name, message, stack, at_ms } = exception;
        Self { name, message, stack: frames(stack), timestamp: *at_ms }
    }
}

/// The engine's stack without the line of name and message, which are told beside it.
fn frames(stack: &str) -> &str {
    let at = if stack.trim_start().starts_with("at ") { Some(0) } else { stack.find("\n    at ").map(|at| at + 1) };
    at.map_or("", |at| stack[at..].trim_end())
}

#[derive(Serialize)]
pub struct LogView<'a> {
    /// The arguments, as an array.
    pub message: &'a RawValue,
    pub level: &'static str,
    pub timestamp: u64,
}

impl<'a> LogView<'a> {
    pub fn of(line: &'a LogLine) -> Self {
        let level = match line.level {
            LogLevel::Debug => "debug",
            LogLevel::Log => "log",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        Self { message: arguments(line), level, timestamp: line.at_ms }
    }
}

fn arguments(line: &LogLine) -> &RawValue {
    serde_json::from_str(&line.values).unwrap_or(RawValue::NULL)
}

/// A line as `search` sees it: the arguments with spaces between.
pub fn text_of(line: &LogLine) -> String {
    let values: Vec<Value> = serde_json::from_str(&line.values).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// The script's, as texts.
pub fn tags(tags: &[Tag]) -> Vec<&str> {
    tags.iter().map(Tag::as_str).collect()
}

pub fn consumed(names: &[ScriptName]) -> What<'_> {
    What::Tail { consumed_events: names.iter().map(|name| Consumed { script_name: name.as_str() }).collect() }
}

/// Names once each, several values joined as `Headers` joins them.
pub enum Headers<'a> {
    /// What is sensitive is redacted.
    Shown(&'a HeaderMap),
    AsTheyCame(&'a HeaderMap),
    /// Only those that are redacted.
    Redacted(&'a HeaderMap),
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Shown(map) => serializer.collect_map(map.keys().map(|name| (name.as_str(), value_of(map, name)))),
            Self::AsTheyCame(map) => serializer.collect_map(map.keys().map(|name| (name.as_str(), joined(map, name)))),
            Self::Redacted(map) => {
                let redacted = map.keys().filter(|name| is_sensitive(name));
                serializer.collect_map(redacted.map(|name| (name.as_str(), REDACTED)))
            }
        }
    }
}

/// As events show it.
fn value_of(headers: &HeaderMap, name: &HeaderName) -> String {
    if is_sensitive(name) { REDACTED.to_owned() } else { joined(headers, name) }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.get_all(name).iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Whether a filter's header is there and, as events show it, contains the text: a filter must not tell
/// what an event hides.
pub fn filters_header(headers: &HeaderMap, name: &str, text: Option<&str>) -> bool {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return false };
    headers.contains_key(&name) && text.is_none_or(|text| value_of(headers, &name).contains(text))
}

/// Cloudflare's word for how a run ended.
pub fn outcome(ending: Ending) -> &'static str {
    match ending {
        Ending::Ok => "ok",
        Ending::Exception | Ending::Hung | Ending::Crashed => "exception",
        Ending::ExceededCpu => "exceededCpu",
        Ending::ExceededMemory => "exceededMemory",
        Ending::Canceled => "canceled",
        Ending::ExceededWall | Ending::WaitUntilCut => "exceededWallTime",
        Ending::Overloaded => "loadShed",
        Ending::Internal => "internalError",
    }
}

/// Whether a filter names this outcome. `unknown` stands for all that wrangler has no word for.
pub fn is_wanted(wanted: &[String], outcome: &str) -> bool {
    const KNOWN: [&str; 5] = ["ok", "canceled", "exception", "exceededCpu", "exceededMemory"];
    wanted.iter().any(|wanted| wanted == outcome || (wanted == "unknown" && !KNOWN.contains(&outcome)))
}

/// One line of JSON.
pub fn json(event: &Event<'_>) -> String {
    let mut text = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Escaped);
    // Strings and numbers only: there is nothing that JSON cannot say.
    let _ = event.serialize(&mut serializer);
    String::from_utf8(text).unwrap_or_default()
}

/// Tells a listener that it missed events.
pub fn dropped(count: u64, now: u64) -> String {
    let message = format!("{count} events were dropped: they came faster than they were read. Filters leave less.");
    info(None, None, What::Info { kind: "overload", message, dropped: count }, now)
}

/// Tells who listens to a script how the compilation of an upload goes.
pub fn compilation(script: &str, namespace: Option<&str>, message: String, now: u64) -> String {
    info(Some(script), namespace, What::Info { kind: "compilation", message, dropped: 0 }, now)
}

/// An event of no run.
fn info(script: Option<&str>, namespace: Option<&str>, what: What<'_>, now: u64) -> String {
    json(&Event {
        wall_time: 0,
        cpu_time: 0,
        truncated: false,
        execution_model: "stateless",
        outcome: "unknown",
        script_version: None,
        script_tags: Vec::new(),
        script_name: script,
        dispatch_namespace: namespace,
        entrypoint: None,
        diagnostics_channel_events: [],
        exceptions: Vec::new(),
        logs: Vec::new(),
        event_timestamp: now,
        event: what,
    })
}

/// Compact JSON; of the characters that need no escape by the standard, control characters get one.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| c.is_control()) {
            CompactFormatter.write_string_fragment(writer, &fragment[plain..at])?;
            write!(writer, "\\u{:04x}", c as u32)?;
            plain = at + c.len_utf8();
        }
        CompactFormatter.write_string_fragment(writer, &fragment[plain..])
    }
}

/// Text that cannot move a terminal's cursor, change its colours or forge a line: control characters
/// as `\u001b`, but tabs.
pub fn escape_controls(text: &str) -> String {
    use std::fmt::Write as _;
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            let _ = write!(shown, "\\u{:04x}", c as u32);
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let text = "a\r\n\u{0}\u{1b}[2J\u{7f}\u{9b}31m\u{85}\"\\ä😀\u{2028}";
        let values = serde_json::to_string(&[text]).unwrap().replace('\u{7f}', "\\u007f");
        let values = values.replace('\u{9b}', "\\u009b").replace('\u{85}', "\\u0085");
        let line = LogLine { level: LogLevel::Warn, text: String::new(), values, at_ms: 5 };
        let exception = Exception { name: text.into(), message: text.into(), stack: String::new(), at_ms: 7 };
        let mut headers = HeaderMap::new();
        headers.append("a", HeaderValue::from_static("1"));
        headers.append("a", HeaderValue::from_static("2"));
        headers.append("cookie", HeaderValue::from_static("s=1"));
        headers.append("b", HeaderValue::from_bytes(b"\xff\x9b").unwrap());
        let event = Event {
            wall_time: 3,
            cpu_time: 2,
            truncated: false,
            execution_model: "stateless",
            outcome: outcome(Ending::Exception),
            script_version: Some(VersionView { id: "v".into(), tag: None }),
            script_tags: vec!["gold"],
            script_name: Some("shop"),
            dispatch_namespace: Some("prod"),
            entrypoint: None,
            diagnostics_channel_events: [],
            exceptions: vec![ExceptionView::of(&exception)],
            logs: vec![LogView::of(&line)],
            event_timestamp: 1,
            event: What::Fetch {
                request: RequestView {
                    url: "http://x/".into(),
                    method: "GET",
                    headers: Headers::Shown(&headers),
                    redacted: None,
                },
                response: Some(ResponseView { status: 200 }),
            },
        };
        let json = json(&event);
        assert!(!json.chars().any(char::is_control), "{json:?}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["logs"], serde_json::json!([{ "message": [text], "level": "warn", "timestamp": 5 }]));
        assert_eq!(read["exceptions"], serde_json::json!([{ "name": text, "message": text, "timestamp": 7 }]));
        let headers = &read["event"]["request"]["headers"];
        assert_eq!((&headers["a"], &headers["cookie"]), (&"1, 2".into(), &"REDACTED".into()));
        assert_eq!(read["event"]["response"]["status"], 200);
        assert_eq!(read["scriptVersion"]["id"], "v");
    }

    #[test]
    fn a_line_is_searched_as_it_reads() {
        let values = r#"["from",1,{"b":["c"]}]"#.to_owned();
        let line = LogLine { level: LogLevel::Log, text: String::new(), values, at_ms: 0 };
        assert_eq!(text_of(&line), r#"from 1 {"b":["c"]}"#);
    }

    #[test]
    fn outcomes_without_a_word_are_unknown() {
        // What wrangler sends for `--status error`.
        let error = ["exception", "exceededCpu", "exceededMemory", "unknown"].map(str::to_owned);
        for outcome in ["exception", "exceededCpu", "exceededWallTime", "loadShed", "internalError", "unknown"] {
            assert!(is_wanted(&error, outcome), "{outcome}");
        }
        assert!(
            !is_wanted(&error, "ok") && !is_wanted(&error, "canceled") && !is_wanted(&["ok".to_owned()], "unknown")
        );
    }

    #[test]
    fn a_stack_is_its_frames() {
        assert_eq!(frames("Error: boom\n    at f (index.js:1:1)\n    at g\n"), "    at f (index.js:1:1)\n    at g");
        assert_eq!(frames("    at f"), "    at f");
        assert_eq!(frames("Error: boom"), "");
    }

    #[test]
    fn a_header_filter_sees_what_events_show() {
        let mut headers = HeaderMap::new();
        headers.append("accept", HeaderValue::from_static("text/html"));
        headers.append("authorization", HeaderValue::from_static("Bearer abc"));
        let sees = |name, text| filters_header(&headers, name, text);
        assert!(sees("accept", None) && sees("accept", Some("html")) && sees("authorization", None));
        assert!(!sees("accept", Some("json")) && !sees("authorization", Some("Bearer")) && !sees("a b", None));
    }

    #[test]
    fn terminals_are_safe() {
        assert_eq!(escape_controls("a\u{1b}[2Jb\r\tc\u{9b}ä"), "a\\u001b[2Jb\\u000d\tc\\u009bä");
    }
}

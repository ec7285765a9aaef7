//! One line a request, JSON for machines or text for people. Lines are collected in memory and a
//! thread writes them in lumps, so that a request pays for no system call and a slow disk stops
//! nobody. What finds no room is dropped and counted.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::Write as _;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use switchyard_catalog::{Timestamp, TimestampText};

use crate::config::{AccessFormat, AccessTarget};
use crate::context::RequestContext;
use crate::ids::write_hex;
use crate::routes::Route;

/// Bytes that a thread keeps for its next line.
const LONG_LINE: usize = 4 << 10;
/// How long lines are collected before they are written.
const COLLECT: Duration = Duration::from_millis(50);

pub struct AccessLog {
    shared: Arc<Shared>,
    format: AccessFormat,
}

struct Shared {
    lines: Mutex<Lines>,
    /// Told when the first line comes into an empty buffer, and when something was written.
    changed: Condvar,
    dropped: AtomicU64,
    most: usize,
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    writing: bool,
    closed: bool,
    hurry: bool,
}

impl AccessLog {
    /// `most`: bytes kept that are not written yet.
    pub fn start(target: AccessTarget, format: AccessFormat, most: usize) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { lines: Mutex::default(), changed: Condvar::new(), dropped: AtomicU64::new(0), most });
        let writer = shared.clone();
        std::thread::Builder::new().name("access-log".into()).spawn(move || writer.run(target))?;
        Ok(Self { shared, format })
    }

    pub fn write(&self, ctx: &RequestContext) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(512));
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            line.shrink_to(LONG_LINE);
            match self.format {
                AccessFormat::Json => json(line, ctx),
                AccessFormat::Text => text(line, ctx),
            }
            self.shared.push(line);
        });
    }

    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    pub fn flush(&self) {
        let mut lines = self.shared.lines.lock();
        lines.hurry = true;
        self.shared.changed.notify_all();
        while lines.writing || !lines.text.is_empty() {
            // A writer that hangs (a full pipe that nobody reads) must not hold up the exit.
            if self.shared.changed.wait_for(&mut lines, Duration::from_secs(1)).timed_out() {
                return;
            }
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.shared.lines.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn push(&self, line: &[u8]) {
        let mut lines = self.lines.lock();
        if lines.text.len() + line.len() > self.most {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = lines.text.is_empty();
        lines.text.extend_from_slice(line);
        drop(lines);
        if first {
            self.changed.notify_all();
        }
    }

    fn run(&self, target: AccessTarget) {
        let mut lump = Vec::new();
        loop {
            {
                let mut lines = self.lines.lock();
                while lines.text.is_empty() {
                    lines.hurry = false;
                    if lines.closed {
                        return;
                    }
                    self.changed.wait(&mut lines);
                }
                if !lines.hurry && !lines.closed {
                    self.changed.wait_while_for(&mut lines, |lines| !lines.hurry && !lines.closed, COLLECT);
                }
                mem::swap(&mut lines.text, &mut lump);
                lines.writing = true;
            }
            // Nobody to tell when it fails.
            let _ = match target {
                AccessTarget::Stdout => std::io::stdout().lock().write_all(&lump),
                AccessTarget::Stderr => std::io::stderr().lock().write_all(&lump),
                AccessTarget::Off => Ok(()),
            };
            lump.clear();
            lump.shrink_to(1 << 20);
            self.lines.lock().writing = false;
            self.changed.notify_all();
        }
    }
}

/// Without the machinery of formatting, and in few pieces: written member by member this was a third of what a gateway
/// does itself for a small answer. As bytes, since nothing here is in doubt to be text.
fn json(line: &mut Vec<u8>, ctx: &RequestContext) {
    line.extend_from_slice(b"{\"time\":\"");
    now(line);
    line.extend_from_slice(b"\",\"ray\":\"");
    line.extend_from_slice(ctx.ray.as_bytes());
    line.extend_from_slice(b"\",\"client\":\"");
    line.extend_from_slice(ctx.address.as_bytes());
    line.extend_from_slice(b"\",\"trace\":\"");
    let mut trace = [0; 32];
    write_hex(&mut trace, &ctx.trace.id.to_be_bytes());
    line.extend_from_slice(&trace);
    line.extend_from_slice(if ctx.http2 {
        b"\",\"protocol\":\"h2\",\"method\":"
    } else {
        b"\",\"protocol\":\"h1\",\"method\":"
    });
    quote(line, ctx.method.as_str());
    if let Some(version) = ctx.tls {
        line.extend_from_slice(b",\"tls\":\"");
        line.extend_from_slice(version.as_str().as_bytes());
        line.push(b'"');
    }
    line.extend_from_slice(b",\"host\":");
    quote(line, ctx.host());
    line.extend_from_slice(b",\"path\":");
    quote(line, ctx.path());
    let kind = ctx.kind();
    number(line, b",\"status\":", ctx.status().into());
    line.extend_from_slice(b",\"kind\":\"");
    line.extend_from_slice(kind.as_str().as_bytes());
    line.extend_from_slice(b"\",\"side\":\"");
    line.extend_from_slice(kind.side().as_str().as_bytes());
    number(line, b"\",\"bytes\":", ctx.sent());
    millis(line, b",\"ms\":", ctx.wall());
    millis(line, b",\"cpu_ms\":", ctx.cpu());
    number(line, b",\"subrequests\":", ctx.subrequests().into());
    let mut limits = ctx.limits().iter();
    if let Some(first) = limits.next() {
        line.extend_from_slice(b",\"limits\":\"");
        line.extend_from_slice(first.as_str().as_bytes());
        for limit in limits {
            line.push(b' ');
            line.extend_from_slice(limit.as_str().as_bytes());
        }
        line.push(b'"');
    }
    if let Some(route) = ctx.route() {
        line.extend_from_slice(route.told.get_or_init(|| members(route)).as_bytes());
    }
    line.extend_from_slice(b"}\n");
}

/// Whose request it was, which is the same for all of a route's. Names hold no character that JSON would have to escape.
fn members(route: &Route) -> Box<str> {
    let mut text = format!(",\"account\":\"{}\",\"script\":\"{}\"", route.account, route.name);
    if let Some(namespace) = &route.namespace {
        let _ = write!(text, ",\"namespace\":\"{namespace}\"");
    }
    let _ = write!(text, ",\"script_id\":\"{}\"", route.script.as_uuid().simple());
    text.into()
}

/// The time, whose seconds a thread writes once.
fn now(line: &mut Vec<u8>) {
    const SECOND: i64 = 1_000_000;
    thread_local! {
        static WRITTEN: Cell<(i64, TimestampText)> = Cell::new((0, Timestamp::from_micros(0).text()));
    }
    let now = Timestamp::now();
    let (second, mut text) = WRITTEN.get();
    if now.micros().div_euclid(SECOND) == second {
        text.set_micros(now.micros().rem_euclid(SECOND) as u32);
    } else {
        text = now.text();
        WRITTEN.set((now.micros().div_euclid(SECOND), text));
    }
    line.extend_from_slice(text.as_str().as_bytes());
}

fn number(line: &mut Vec<u8>, name: &[u8], number: u64) {
    line.extend_from_slice(name);
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// With three digits behind the point: microseconds.
fn millis(line: &mut Vec<u8>, name: &[u8], time: Duration) {
    let micros = time.as_micros() as u64;
    number(line, name, micros / 1_000);
    let rest = (micros % 1_000) as u16;
    let digit = |number: u16| b'0' + number as u8;
    line.extend_from_slice(&[b'.', digit(rest / 100), digit(rest / 10 % 10), digit(rest % 10)]);
}

fn text(line: &mut Vec<u8>, ctx: &RequestContext) {
    let script = ctx.route().map_or("-", |route| route.name.as_str());
    let _ = writeln!(
        line,
        "{} {} {}{} {} {}B {:.1}ms cpu {:.2}ms [{script}]",
        ctx.status(),
        ctx.kind().as_str(),
        super::harmless(ctx.host()),
        super::harmless(ctx.path()),
        ctx.method,
        ctx.sent(),
        ctx.wall().as_secs_f64() * 1e3,
        ctx.cpu().as_secs_f64() * 1e3,
    );
}

/// A JSON string; every control character is escaped.
fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // Of all bytes, without a way out at the first: compilers make few instructions of that.
    let is_plain = |plain, byte| plain & matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    if text.bytes().fold(true, is_plain) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use switchyard_catalog::Limit;

    use super::*;

    #[test]
    fn the_time_goes_on_and_is_as_it_is_everywhere() {
        let mut before = String::new();
        for _ in 0..1_000 {
            let mut line = Vec::new();
            now(&mut line);
            let line = String::from_utf8(line).unwrap();
            let read = Timestamp::parse(&line).unwrap();
            assert_eq!(read.text().as_str(), line);
            assert!(line >= before && (Timestamp::now().micros() - read.micros()) < 10_000_000);
            before = line;
        }
    }

    #[test]
    fn quoted_text_is_json_of_one_line() {
        for text in ["plain", "a\"b\\c", "a\r\nb\u{0}\u{1b}[0m\u{9b}", "ä\u{2028}😀"] {
            let mut out = Vec::new();
            quote(&mut out, text);
            let out = String::from_utf8(out).unwrap();
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert!(!out.chars().any(char::is_control));
        }
    }

    /// Whatever a client sends as host, path and method: one line, which parses, with what was sent.
    #[test]
    fn no_bytes_break_a_line() {
        let config = crate::config::Log { access: AccessTarget::Stderr, ..crate::config::Log::default() };
        let observer = crate::observe::Observer::new(&config, &crate::config::Trace::default()).unwrap();
        let observer = Arc::new(observer);
        let mut random = 1_u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize
        };
        for _ in 0..10_000 {
            let bytes: Vec<u8> = (0..next() % 40).map(|_| next() as u8).collect();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mut head = http::Request::get("/").body(()).unwrap().into_parts().0;
            if let Ok(path) = http::uri::PathAndQuery::try_from(format!("/{text}")) {
                head.uri = path.into();
            }
            if let Ok(host) = http::HeaderValue::from_bytes(&bytes) {
                head.headers.insert(http::header::HOST, host);
            }
            head.method = http::Method::from_bytes(&bytes).unwrap_or_default();
            let wanted = (head.uri.path().to_owned(), head.method.as_str().to_owned());
            let ray = http::HeaderValue::from_static("0");
            let ctx = RequestContext::new(observer.clone(), ray, &peer(), false, &head);
            for (write, is_json) in [(json as fn(&mut Vec<u8>, &RequestContext), true), (text_line, false)] {
                let mut line = Vec::new();
                write(&mut line, &ctx);
                let line = String::from_utf8(line).unwrap();
                let body = line.strip_suffix('\n').unwrap();
                assert!(!body.chars().any(|c| c.is_control() && c != '\t'), "{body:?}");
                if is_json {
                    let read: serde_json::Value = serde_json::from_str(body).unwrap();
                    assert_eq!((read["path"].as_str(), read["method"].as_str()), (Some(&*wanted.0), Some(&*wanted.1)));
                }
            }
            std::mem::forget(ctx); // dropped, it would be written to this test's own output
        }
    }

    fn peer() -> crate::listen::Peer {
        crate::listen::Peer::plain(([127, 0, 0, 1], 1).into())
    }

    fn text_line(line: &mut Vec<u8>, ctx: &RequestContext) {
        text(line, ctx);
    }

    #[test]
    fn limits_that_were_reached_are_named() {
        let config = crate::config::Log { access: AccessTarget::Off, ..crate::config::Log::default() };
        let observer = Arc::new(crate::observe::Observer::new(&config, &crate::config::Trace::default()).unwrap());
        let head = http::Request::get("http://x.test/").body(()).unwrap().into_parts().0;
        let ray = http::HeaderValue::from_static("0");
        let ctx = RequestContext::new(observer, ray, &peer(), false, &head);
        let shown = || {
            let mut line = Vec::new();
            json(&mut line, &ctx);
            serde_json::from_slice::<serde_json::Value>(&line).unwrap()["limits"].clone()
        };
        assert_eq!(shown(), serde_json::Value::Null);
        for limit in [Limit::Wall, Limit::Cpu, Limit::Cpu] {
            ctx.met_one(limit);
        }
        assert_eq!(shown(), "cpu_ms wall_ms");
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let shared = Shared { lines: Mutex::default(), changed: Condvar::new(), dropped: AtomicU64::new(0), most: 10 };
        shared.push(b"12345\n");
        shared.push(b"12345\n");
        assert_eq!(shared.dropped.load(Ordering::Relaxed), 1);
        assert_eq!(shared.lines.lock().text, b"12345\n");
    }
}

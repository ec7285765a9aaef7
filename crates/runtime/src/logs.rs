//! The console lines of one request, bounded where they come in.

use crate::outcome::now_ms;
use crate::{LogLevel, LogLine};

/// Log bytes of one request (contract §5.2: 128 KB).
const MAX_BYTES: usize = 128 * 1024;
/// What a line counts beside its text, so that empty ones are bounded too.
const LINE: usize = 16;

/// Lines in order, up to the bound.
#[derive(Debug, Default)]
pub struct Logs {
    pub lines: Vec<LogLine>,
    /// Lines that did not fit.
    pub dropped: u32,
    bytes: usize,
}

impl Logs {
    pub fn add(&mut self, level: i32, text: &str) {
        let bytes = self.bytes + text.len() + LINE;
        if bytes > MAX_BYTES {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes = bytes;
        let level = match level {
            0 => LogLevel::Debug,
            2 => LogLevel::Info,
            3 => LogLevel::Warn,
            4 => LogLevel::Error,
            _ => LogLevel::Log,
        };
        self.lines.push(LogLine { level, text: text.to_owned(), at_ms: now_ms() });
    }
}

//! The console lines of one request, bounded where they come in.

use switchyard_js::abi::{Malformed, Reader};

use crate::outcome::now_ms;
use crate::values::clean;
use crate::{Console, LogLevel, LogLine};

/// What a line counts beside its text, so that empty ones are bounded too.
const LINE: usize = 16;

/// Lines in order, up to the bound.
#[derive(Debug)]
pub struct Logs {
    pub lines: Vec<LogLine>,
    /// Lines that did not fit.
    pub dropped: u32,
    /// Bytes that there may be yet.
    pub left: usize,
}

impl Default for Logs {
    /// As much as Cloudflare keeps (contract §5.2: 128 KB).
    fn default() -> Self {
        Self { lines: Vec::new(), dropped: 0, left: 128 << 10 }
    }
}

impl Logs {
    /// The values of a LOG.
    ///
    /// # Errors
    /// When they are not as ABI.md has them.
    pub fn add(&mut self, level: i32, mut values: Reader<'_>) -> Result<(), Malformed> {
        let text = values.text_or_null()?.unwrap_or_default();
        let values = values.text_or_null()?.unwrap_or_default();
        // One line, however many read it.
        let Some(left) = self.left.checked_sub(text.len().max(values.len()) + LINE) else {
            self.dropped = self.dropped.saturating_add(1);
            return Ok(());
        };
        self.left = left;
        let level = match level {
            0 => LogLevel::Debug,
            2 => LogLevel::Info,
            3 => LogLevel::Warn,
            4 => LogLevel::Error,
            _ => LogLevel::Log,
        };
        let values = if values.is_empty() { String::new() } else { clean(values) };
        self.lines.push(LogLine { level, text: text.to_owned(), values, at_ms: now_ms() });
        Ok(())
    }

    /// A line of text, for those who listen.
    pub fn line(&mut self, level: LogLevel, line: &str, console: Console) {
        let values = if console.values { serde_json::json!([line]).to_string() } else { String::new() };
        let text = if console.text { line.to_owned() } else { String::new() };
        match self.left.checked_sub(text.len().max(values.len()) + LINE) {
            Some(left) => {
                self.left = left;
                self.lines.push(LogLine { level, text, values, at_ms: now_ms() });
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
    }
}

//! What a guest writes to its standard output and error, line by line, as `console` lines are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::state::Current;
use crate::logs::Logs;
use crate::{Console, LogLevel};

/// Bytes of a line that is cut there.
const MAX_LINE: usize = 16 << 10;
/// Bytes that may be written at once.
const MAX_WRITE: usize = 64 << 10;

/// The lines of one request.
pub struct Output {
    console: Console,
    pub logs: Logs,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Output {
    /// Nothing is kept for nobody.
    pub fn new(console: Console, log_bytes: Option<u64>) -> Self {
        let mut logs = Logs::default();
        if let Some(bytes) = log_bytes {
            logs.left = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        Self { console, logs, out: Vec::new(), err: Vec::new() }
    }

    fn write(&mut self, level: LogLevel, mut bytes: &[u8]) {
        if !self.console.text && !self.console.values {
            return;
        }
        let mut line = std::mem::take(self.rest(level));
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&bytes[..end]);
            self.line(level, &line);
            line.clear();
            bytes = &bytes[end + 1..];
        }
        line.extend_from_slice(bytes);
        while line.len() > MAX_LINE {
            let rest = line.split_off(MAX_LINE);
            self.line(level, &line);
            line = rest;
        }
        *self.rest(level) = line;
    }

    fn rest(&mut self, level: LogLevel) -> &mut Vec<u8> {
        if level == LogLevel::Error { &mut self.err } else { &mut self.out }
    }

    fn line(&mut self, level: LogLevel, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        for part in line.chunks(MAX_LINE) {
            self.logs.line(level, &String::from_utf8_lossy(part), self.console);
        }
        if line.is_empty() {
            self.logs.line(level, "", self.console);
        }
    }

    /// The lines, with what was not ended by a newline.
    pub fn finish(&mut self) -> Logs {
        for level in [LogLevel::Log, LogLevel::Error] {
            let rest = std::mem::take(self.rest(level));
            if !rest.is_empty() {
                self.line(level, &rest);
            }
        }
        std::mem::take(&mut self.logs)
    }
}

/// One of the two streams.
#[derive(Clone)]
pub struct Stdio {
    pub current: Arc<Current>,
    pub level: LogLevel,
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(MAX_WRITE)];
        self.current.get().output.lock().write(self.level, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Stdio {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.current.get().output.lock().write(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

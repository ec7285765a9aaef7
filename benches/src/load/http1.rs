//! A connection of HTTP/1.1: requests are bytes of which only the host changes, answers are read by framing alone, so
//! that the generator costs less than the server that it loads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::{Bytes, Link};
use super::framing::Answer;
use super::plan::Plan;
use super::tally::{Failed, Kind};
use super::target::Origin;

/// An idle connection is looked at before it is used again: the server may have closed it.
const IDLE: Duration = Duration::from_millis(500);
/// A larger body is not copied behind each head.
const COPIED: usize = 16 << 10;
const BUFFER: usize = 16 << 10;

/// What all requests to one origin have around their hosts.
pub struct Template {
    /// For each path, up to the host.
    before: Vec<Vec<u8>>,
    /// From the host on; a small body with it.
    after: Vec<u8>,
    /// A large one.
    body: bytes::Bytes,
    head_only: bool,
}

impl Template {
    pub fn new(plan: &Plan, origin: &Origin) -> Self {
        let request = &plan.request;
        let before =
            origin.paths.iter().map(|path| format!("{} {path} HTTP/1.1\r\nhost: ", request.method).into_bytes());
        let mut after = b"\r\n".to_vec();
        for (name, value) in &request.headers {
            after.extend_from_slice(name.as_str().as_bytes());
            after.extend_from_slice(b": ");
            after.extend_from_slice(value.as_bytes());
            after.extend_from_slice(b"\r\n");
        }
        let needs_length = ["POST", "PUT", "PATCH"].contains(&request.method.as_str());
        if !request.body.is_empty() || needs_length {
            after.extend_from_slice(format!("content-length: {}\r\n", request.body.len()).as_bytes());
        }
        after.extend_from_slice(b"\r\n");
        let mut body = request.body.clone();
        if body.len() <= COPIED {
            after.extend_from_slice(&body);
            body.clear();
        }
        Self { before: before.collect(), after, body, head_only: request.method == http::Method::HEAD }
    }
}

/// One keep-alive connection, made anew when it is gone.
pub struct Connection {
    link: Option<Link>,
    /// Received and not understood yet.
    buffer: Vec<u8>,
    request: Vec<u8>,
    used: Instant,
    next_path: usize,
}

impl Connection {
    pub fn new(number: usize) -> Self {
        Self {
            link: None,
            buffer: Vec::with_capacity(BUFFER),
            request: Vec::new(),
            used: Instant::now(),
            next_path: number,
        }
    }

    /// Connects, unless it is.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub async fn open(&mut self, plan: &Plan, origin: &Origin, bytes: &Arc<Bytes>) -> Result<(), Failed> {
        if let Some(link) = &mut self.link
            && self.used.elapsed() > IDLE
            && link.is_stale()
        {
            self.link = None;
        }
        if self.link.is_none() {
            self.buffer.clear();
            self.link = Some(Link::open(plan, origin, bytes.clone()).await?);
            self.used = Instant::now();
        }
        Ok(())
    }

    /// One request on an open connection, and its answer's status, within the time-out.
    ///
    /// # Errors
    /// [`Kind::Timeout`], [`Kind::Closed`] or [`Kind::Broken`]; the connection is gone then.
    pub async fn call(&mut self, template: &Template, host: &str, timeout: Duration) -> Result<u16, Failed> {
        let answer = tokio::time::timeout(timeout, self.exchange(template, host)).await;
        let answer = answer.unwrap_or_else(|_| Err(Failed::new(Kind::Timeout, "no whole answer in time")));
        match &answer {
            Ok((_, false)) => self.used = Instant::now(),
            _ => self.link = None,
        }
        answer.map(|(status, _)| status)
    }

    /// The status, and whether the connection ends with it.
    async fn exchange(&mut self, template: &Template, host: &str) -> Result<(u16, bool), Failed> {
        let Some(link) = &mut self.link else { return Err(Failed::new(Kind::Closed, "no connection")) };
        self.request.clear();
        let path = self.next_path % template.before.len();
        self.next_path = path + 1;
        self.request.extend_from_slice(&template.before[path]);
        self.request.extend_from_slice(host.as_bytes());
        self.request.extend_from_slice(&template.after);
        let written = async {
            link.write_all(&self.request).await?;
            link.write_all(&template.body).await?;
            link.flush().await
        };
        // A server may answer, and close, before it has read all of a request: its answer counts.
        let unwritten = written.await.err();
        let mut answer = Answer::new(template.head_only);
        let broken = |broken: super::framing::Broken| Failed::new(Kind::Broken, broken);
        loop {
            let read = match (link.read_buf(&mut self.buffer).await, &unwritten) {
                (Ok(read @ 1..), _) => read,
                (Ok(0) | Err(_), Some(error)) => return Err(Failed::new(Kind::Closed, error)),
                (Err(error), None) => return Err(Failed::new(Kind::Closed, error)),
                (Ok(_), None) => {
                    answer.end().map_err(|broken| Failed::new(Kind::Closed, broken))?;
                    return Ok((answer.status(), true));
                }
            };
            debug_assert!(read <= self.buffer.len());
            let taken = answer.advance(&self.buffer).map_err(broken)?;
            if answer.is_done() {
                if taken < self.buffer.len() {
                    return Err(Failed::new(Kind::Broken, "more than the answer came"));
                }
                self.buffer.clear();
                return Ok((answer.status(), answer.closes()));
            }
            self.buffer.drain(..taken);
        }
    }
}

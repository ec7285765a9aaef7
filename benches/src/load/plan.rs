//! What a run does, after all options have been held against the rules.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::hosts::{Hosts, Pick, Picker};
use super::target::Targets;
use super::tls::Tls;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum Arrivals {
    /// When the one before it is answered.
    Closed,
    /// So many a second, at even times.
    Even(f64),
    /// So many a second, at random times.
    Poisson(f64),
}

impl Arrivals {
    /// A second.
    pub fn rate(self) -> Option<f64> {
        match self {
            Self::Closed => None,
            Self::Even(rate) | Self::Poisson(rate) => Some(rate),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Length {
    Time(Duration),
    Requests(u64),
}

/// What is the same in every request.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug)]
pub struct Plan {
    pub targets: Targets,
    /// `None`: the URL's.
    pub hosts: Option<Hosts>,
    pub pick: Pick,
    /// One for each thread.
    pub pickers: Vec<Picker>,
    /// Where there is an https URL.
    pub tls: Option<Tls>,
    pub request: Request,
    pub arrivals: Arrivals,
    pub length: Length,
    pub connections: usize,
    pub threads: usize,
    pub timeout: Duration,
    pub http2: bool,
    pub streams: usize,
    pub seed: u64,
    pub expect: Option<u16>,
    pub json: bool,
    pub hdr: Option<PathBuf>,
}

impl Plan {
    /// How long it should take, where that is known.
    pub fn time(&self) -> Option<Duration> {
        match (self.length, self.arrivals.rate()) {
            (Length::Time(time), _) => Some(time),
            (Length::Requests(requests), Some(rate)) => Some(Duration::from_secs_f64(requests as f64 / rate)),
            (Length::Requests(_), None) => None,
        }
    }

    /// Whether an answer is what was wanted.
    pub fn is_right(&self, status: u16) -> bool {
        self.expect.map_or(status < 400, |expected| status == expected)
    }
}

/// What it will load, to be read before it does.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} connections", self.targets, self.connections)?;
        if self.http2 {
            write!(f, " of HTTP/2, {} streams each", self.streams)?;
        } else {
            f.write_str(" of HTTP/1.1")?;
        }
        write!(f, ", {} thread{}, ", self.threads, if self.threads == 1 { "" } else { "s" })?;
        match self.arrivals {
            Arrivals::Closed => f.write_str("closed loop")?,
            Arrivals::Even(rate) => write!(f, "open loop of {rate} a second")?,
            Arrivals::Poisson(rate) => write!(f, "open loop of {rate} a second (Poisson)")?,
        }
        match self.length {
            Length::Time(time) => write!(f, ", for {}", humantime::format_duration(time))?,
            Length::Requests(requests) => write!(f, ", {requests} requests")?,
        }
        if let Some(hosts) = &self.hosts {
            let (mut first, mut last) = (String::new(), String::new());
            hosts.write(0, &mut first);
            hosts.write(hosts.count() - 1, &mut last);
            match hosts.count() {
                1 => write!(f, ", host {first}")?,
                count => write!(f, ", {count} hosts from {first} to {last} ({:?})", self.pick)?,
            }
        }
        Ok(())
    }
}

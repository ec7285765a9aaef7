//! What `benches load` understands, and the rules that it is held against before anything is sent.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use http::{HeaderName, HeaderValue, Method};

use super::hosts::{Hosts, Pick, Picker};
use super::plan::{Arrivals, Length, Plan, Request};
use super::target::Targets;
use super::tls;

/// Above these a mistyped number does harm to a machine that is somebody's: `--beyond-bounds` allows it.
pub const MAX_RATE: f64 = 20_000.0;
pub const MAX_CONNECTIONS: usize = 1_000;
/// Connections by streams.
pub const MAX_UNDER_WAY: usize = 10_000;
pub const MAX_DURATION: Duration = Duration::from_secs(3_600);
const MAX_BODY: u64 = 64 << 20;

#[derive(Args, Debug)]
pub struct Load {
    /// Where to: http:// or https://, an IP address or a name; several are taken in turn
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Requests a second, sent when they are due, whether or not earlier ones are answered (an open loop); without it,
    /// each connection sends its next request when the last is answered (a closed loop)
    #[arg(long, short = 'r', value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Random gaps between requests, as independent users make them, instead of even ones
    #[arg(long, requires = "rate")]
    poisson: bool,
    /// How long
    #[arg(long, short = 'd', value_name = "TIME", value_parser = humantime::parse_duration, default_value = "10s")]
    duration: Duration,
    /// So many requests in all, instead of a time
    #[arg(long, short = 'n', conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Connections that are kept open, all threads' together
    #[arg(long, short = 'c', default_value_t = 32)]
    connections: usize,
    /// Threads; a connection belongs to one
    #[arg(long, short = 't', default_value_t = 1)]
    threads: usize,
    /// Of one request, from its sending to the answer's end; and of making a connection
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "10s")]
    timeout: Duration,
    /// HTTP/2: over TLS by ALPN, without TLS from the first byte on (prior knowledge)
    #[arg(long)]
    http2: bool,
    /// Requests under way at once on one HTTP/2 connection
    #[arg(long, short = 'm', default_value_t = 1)]
    streams: usize,
    /// Host of the requests instead of the URL's: a name, or a pattern such as t{0..9999}.example.com
    #[arg(long, value_name = "PATTERN")]
    host: Option<String>,
    /// Hosts, one a line
    #[arg(long, value_name = "FILE", conflicts_with = "host")]
    hosts_file: Option<PathBuf>,
    /// Which of the hosts a request is for
    #[arg(long, value_enum, default_value_t = Pick::Random)]
    pick: Pick,
    /// How steep zipf is; 1 is what is seen in the wild
    #[arg(long, default_value_t = 1.0)]
    zipf_exponent: f64,
    /// Of all random numbers: the same requests again
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Method
    #[arg(long, short = 'X', default_value = "GET")]
    method: String,
    /// One more header; may be given again
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Body of every request
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// The same, from a file
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<PathBuf>,
    /// The one status that is right; without it, all below 400 are
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..600))]
    expect: Option<u16>,
    /// Believe any certificate
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
    /// Believe the authorities of this PEM file, instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name to ask TLS for, and that the certificate must have, instead of the URL's
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
    /// The result as one JSON object on stdout, instead of a table
    #[arg(long)]
    json: bool,
    /// Latency of every second, to be read by the HdrHistogram tools
    #[arg(long, value_name = "FILE")]
    hdr: Option<PathBuf>,
    /// Rates above 20,000, connections above 1,000, requests under way above 10,000, hours above one
    #[arg(long)]
    beyond_bounds: bool,
}

impl Load {
    /// # Errors
    /// When an option breaks a rule, nobody listens, or nothing at all was answered.
    pub fn run(self) -> anyhow::Result<()> {
        super::run::run(self.plan()?)
    }

    /// Held against the rules.
    fn plan(self) -> anyhow::Result<Plan> {
        self.bounds()?;
        let targets = Targets::parse(&self.urls)?;
        let (origins, connections) = (targets.0.len(), self.connections);
        ensure!(
            origins <= connections,
            "--connections {connections}: the URLs are of {origins} servers, which each need one"
        );
        let hosts = match (&self.host, &self.hosts_file) {
            (Some(pattern), _) => Some(Hosts::pattern(pattern).context("--host")?),
            (None, Some(file)) => Some(Hosts::file(file).context("--hosts-file")?),
            (None, None) => None,
        };
        let count = hosts.as_ref().map_or(1, Hosts::count);
        let pickers = Picker::for_threads(self.pick, count, self.zipf_exponent, self.seed, self.threads as u64)?;
        let tls = targets
            .any_tls()
            .then(|| tls::Tls::new(self.insecure, self.ca.as_deref(), self.sni.as_deref(), self.http2));
        if tls.is_none() {
            ensure!(
                !self.insecure && self.ca.is_none() && self.sni.is_none(),
                "--insecure, --ca and --sni: no URL is https"
            );
        }
        let request = self.request()?;
        let length = match self.requests {
            Some(requests) => Length::Requests(requests),
            None => Length::Time(self.duration),
        };
        Ok(Plan {
            targets,
            hosts,
            pick: self.pick,
            pickers,
            tls: tls.transpose()?,
            request,
            arrivals: match self.rate {
                None => Arrivals::Closed,
                Some(rate) if self.poisson => Arrivals::Poisson(rate),
                Some(rate) => Arrivals::Even(rate),
            },
            length,
            connections: self.connections,
            threads: self.threads,
            timeout: self.timeout,
            http2: self.http2,
            streams: self.streams,
            seed: self.seed,
            expect: self.expect,
            json: self.json,
            hdr: self.hdr,
        })
    }

    fn bounds(&self) -> anyhow::Result<()> {
        let bounded = |fits: bool, what: String| -> anyhow::Result<()> {
            ensure!(fits || self.beyond_bounds, "{what}: this can take a machine down; --beyond-bounds allows it");
            Ok(())
        };
        if let Some(rate) = self.rate {
            ensure!(rate.is_finite() && rate >= 0.01, "--rate {rate}: at least 0.01 a second");
            ensure!(rate <= 10_000_000.0, "--rate {rate}: at most 10,000,000 a second");
            bounded(rate <= MAX_RATE, format!("--rate {rate} is above {MAX_RATE}"))?;
        }
        ensure!((1..=1_000_000).contains(&self.connections), "--connections {}: from 1 to 1,000,000", self.connections);
        ensure!((1..=256).contains(&self.threads), "--threads {}: from 1 to 256", self.threads);
        ensure!(
            self.threads <= self.connections,
            "--threads {}: more than --connections {}; a thread needs one",
            self.threads,
            self.connections
        );
        ensure!(self.streams == 1 || self.http2, "--streams {}: HTTP/1.1 has one at a time; --http2", self.streams);
        ensure!((1..=1_000).contains(&self.streams), "--streams {}: from 1 to 1,000", self.streams);
        let (connections, under_way) = (self.connections, self.connections * self.streams);
        bounded(connections <= MAX_CONNECTIONS, format!("--connections {connections} is above {MAX_CONNECTIONS}"))?;
        bounded(
            under_way <= MAX_UNDER_WAY,
            format!("--connections by --streams, {under_way}, is above {MAX_UNDER_WAY}"),
        )?;
        let timeout = humantime::format_duration(self.timeout);
        let sensible = Duration::from_millis(1)..=Duration::from_secs(600);
        ensure!(sensible.contains(&self.timeout), "--timeout {timeout}: from 1ms to 10m");
        let duration = humantime::format_duration(self.duration);
        ensure!(self.duration >= Duration::from_millis(100), "--duration {duration}: at least 100ms");
        ensure!(self.duration <= Duration::from_secs(30 * 86_400), "--duration {duration}: at most 30 days");
        bounded(self.duration <= MAX_DURATION, format!("--duration {duration} is above an hour"))?;
        if let (Some(requests), Some(rate)) = (self.requests, self.rate) {
            let seconds = requests as f64 / rate;
            let long = format!("--requests {requests} at --rate {rate} take {seconds:.0} s, above an hour");
            bounded(seconds <= MAX_DURATION.as_secs_f64(), long)?;
        }
        Ok(())
    }

    fn request(&self) -> anyhow::Result<Request> {
        let method =
            self.method.parse::<Method>().with_context(|| format!("--method {:?}: not a method", self.method))?;
        ensure!(method != Method::CONNECT, "--method CONNECT: a tunnel is no request to measure");
        let body = match (&self.body, &self.body_file) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(file)) => {
                let named = || format!("--body-file {}", file.display());
                let size = std::fs::metadata(file).with_context(named)?.len();
                ensure!(size <= MAX_BODY, "{}: larger than 64 MiB", named());
                std::fs::read(file).with_context(named)?
            }
            (None, None) => Vec::new(),
        };
        let mut headers = http::HeaderMap::new();
        for text in &self.header {
            let wrong = || format!("--header {text:?}: a header is NAME: VALUE");
            let (name, value) = text.split_once(':').with_context(wrong)?;
            let name: HeaderName = name.trim().parse().with_context(wrong)?;
            let rule = "are what the options above make them; --host, --body";
            ensure!(name != "host" && name != "content-length", "--header {text:?}: host and content-length {rule}");
            let own = ["transfer-encoding", "connection", "upgrade", "te", "keep-alive"].contains(&name.as_str());
            ensure!(!own, "--header {text:?}: what belongs to the connection is not a request's");
            let value = HeaderValue::from_str(value.trim()).with_context(wrong)?;
            headers.append(name, value);
            ensure!(headers.len() <= 100, "--header: at most 100");
        }
        if !headers.contains_key("user-agent") {
            headers.insert("user-agent", HeaderValue::from_static("switchyard-load"));
        }
        if !headers.contains_key("accept") {
            headers.insert("accept", HeaderValue::from_static("*/*"));
        }
        Ok(Request { method, headers, body: body.into() })
    }
}

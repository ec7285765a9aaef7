//! Spans on their way to a collector, as OTLP over HTTP: a queue of bounded length, and one task that
//! sends what is in it, in lumps. A collector that is slow or away costs spans, never requests.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind as OtelKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tokio::sync::{mpsc, oneshot};

use super::{Counts, Span, SpanKind};
use crate::config;

/// Spans sent at once, and how long fewer are collected.
const LUMP: usize = 512;
const COLLECT: Duration = Duration::from_secs(1);
/// What is left at the end has this long.
const END: Duration = Duration::from_secs(2);
/// Of a collector's answer.
const ANSWER_BYTES: usize = 64 << 10;

/// The way in.
pub struct Queue {
    spans: mpsc::Sender<Span>,
    end: mpsc::Sender<oneshot::Sender<()>>,
}

impl Queue {
    pub fn start(config: &config::Trace, counts: Arc<Counts>) -> Result<Self, String> {
        let client = Http::new()?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client).with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_endpoint(&config.endpoint).with_timeout(config.timeout);
        let mut exporter = exporter.build().map_err(|error| error.to_string())?;
        exporter.set_resource(&Resource::builder_empty().with_service_name("switchyard").build());
        let (spans, queued) = mpsc::channel(config.queue.max(1) as usize);
        let (end, ends) = mpsc::channel(1);
        let sender = Sender { exporter, counts, timeout: config.timeout };
        tokio::spawn(sender.run(queued, ends));
        Ok(Self { spans, end })
    }

    /// Whether there was room.
    pub fn push(&self, span: Span) -> bool {
        self.spans.try_send(span).is_ok()
    }

    pub async fn end(&self) {
        let (tell, told) = oneshot::channel();
        if self.end.send(tell).await.is_ok() {
            let _ = tokio::time::timeout(END, told).await;
        }
    }
}

struct Sender {
    exporter: SpanExporter,
    counts: Arc<Counts>,
    timeout: Duration,
}

impl Sender {
    async fn run(self, mut queued: mpsc::Receiver<Span>, mut ends: mpsc::Receiver<oneshot::Sender<()>>) {
        let mut lump = Vec::with_capacity(LUMP);
        loop {
            let end = tokio::select! {
                many = queued.recv_many(&mut lump, LUMP) => {
                    if many == 0 {
                        return;
                    }
                    None
                }
                end = ends.recv() => end,
            };
            if let Some(told) = end {
                while let Ok(span) = queued.try_recv() {
                    lump.push(span);
                }
                self.send(&mut lump).await;
                let _ = told.send(());
                return;
            }
            if lump.len() < LUMP {
                // A few more, should they come soon.
                let left = LUMP - lump.len();
                let _ = tokio::time::timeout(COLLECT, async {
                    let wanted = lump.len() + left;
                    while lump.len() < wanted && queued.recv_many(&mut lump, left).await > 0 {}
                })
                .await;
            }
            self.send(&mut lump).await;
        }
    }

    async fn send(&self, lump: &mut Vec<Span>) {
        if lump.is_empty() {
            return;
        }
        let many = lump.len() as u64;
        let batch = lump.drain(..).map(data).collect();
        let sent = tokio::time::timeout(self.timeout, self.exporter.export(batch)).await;
        match sent {
            Ok(Ok(())) => drop(self.counts.sent.fetch_add(many, Ordering::Relaxed)),
            Ok(Err(error)) => {
                self.counts.failed.fetch_add(many, Ordering::Relaxed);
                tracing::debug!(%error, many, "spans could not be sent");
            }
            Err(_) => {
                self.counts.failed.fetch_add(many, Ordering::Relaxed);
                tracing::debug!(many, "the collector did not answer in time");
            }
        }
    }
}

fn data(span: Span) -> SpanData {
    let trace = TraceId::from_bytes(span.trace.to_be_bytes());
    let id = |number: u64| SpanId::from_bytes(number.to_be_bytes());
    let attributes = span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect();
    SpanData {
        span_context: SpanContext::new(trace, id(span.id), TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: id(span.parent),
        parent_span_is_remote: span.kind == SpanKind::Server,
        span_kind: match span.kind {
            SpanKind::Server => OtelKind::Server,
            SpanKind::Internal => OtelKind::Internal,
            SpanKind::Client => OtelKind::Client,
        },
        name: span.name.into(),
        start_time: span.began,
        end_time: span.ended,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.failed.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("switchyard").build(),
    }
}

/// The HTTP client that the exporter sends by.
#[derive(Debug, Clone)]
struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    fn new() -> Result<Self, String> {
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|error| error.to_string())?;
        let connector = tls.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (head, body) = self.0.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
        Ok(http::Response::from_parts(head, body))
    }
}

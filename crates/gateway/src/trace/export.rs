//! How spans get to a collector: as OTLP over HTTP, by OpenTelemetry's exporter over a client of ours.

use std::sync::Arc;

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

use super::queue::{Export, Queue};
use super::{Counts, Span, SpanKind};
use crate::config;

/// Of a collector's answer.
const ANSWER_BYTES: usize = 64 << 10;

/// The queue in front of the collector that the configuration names.
///
/// # Errors
/// The exporter cannot be made.
pub fn start(config: &config::Trace, counts: Arc<Counts>) -> Result<Queue, String> {
    let client = Http::new()?;
    let exporter = SpanExporter::builder().with_http().with_http_client(client).with_protocol(Protocol::HttpBinary);
    let exporter = exporter.with_endpoint(&config.endpoint).with_timeout(config.timeout);
    let mut exporter = exporter.build().map_err(|error| error.to_string())?;
    exporter.set_resource(&Resource::builder_empty().with_service_name("switchyard").build());
    Ok(Queue::start(Otlp(exporter), config.queue as usize, config.timeout, counts))
}

struct Otlp(SpanExporter);

impl Export for Otlp {
    async fn export(&self, spans: Vec<Span>) -> Result<(), String> {
        self.0.export(spans.into_iter().map(data).collect()).await.map_err(|error| error.to_string())
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

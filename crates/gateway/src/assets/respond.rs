//! The response with a file: validators, ranges, media type, and a body that is streamed.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use switchyard_catalog::{Asset, BlobContent, BlobsError, CatalogError};
use switchyard_runtime::{Body, BodyError};

use super::AssetsError;
use super::range::{Asked, asked};

/// Fresh on every use: a new version shows at once, and costs no more than a 304.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");
/// The content type of a file that has none.
const NO_TYPE: &str = "application/null";

/// A response's head, and which bytes of the file are its body.
pub struct Plan {
    pub head: Response<()>,
    pub body: Option<Range<u64>>,
}

/// `status` is the file's own: 200, or 404 for a page that says so.
pub fn plan(method: &Method, headers: &HeaderMap, path: &str, asset: &Asset, status: u16) -> Plan {
    let etag = format!("\"{}\"", asset.hash);
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let out = head.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, etag);
    }
    if let Some(kind) = content_type(path, asset).and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        out.insert(header::CONTENT_TYPE, kind);
    }
    // What only some may see, or is only a part, is for no cache on the way.
    if !headers.contains_key(header::AUTHORIZATION) && !headers.contains_key(header::RANGE) {
        out.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    }
    if is_known(headers, &etag) {
        *head.status_mut() = StatusCode::NOT_MODIFIED;
        return Plan { head, body: None };
    }
    let mut range = 0..asset.size;
    if status == 200 {
        out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        match if *method == Method::GET { asked(headers, &etag, asset.size) } else { Asked::Whole } {
            Asked::Whole => {}
            Asked::Part(part) => {
                let shown = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), asset.size);
                out.extend(HeaderValue::from_str(&shown).ok().map(|shown| (header::CONTENT_RANGE, shown)));
                *head.status_mut() = StatusCode::PARTIAL_CONTENT;
                range = part;
            }
            Asked::Unsatisfiable => {
                let shown = format!("bytes */{}", asset.size);
                out.extend(HeaderValue::from_str(&shown).ok().map(|shown| (header::CONTENT_RANGE, shown)));
                out.remove(header::CONTENT_TYPE);
                *head.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                return Plan { head, body: None };
            }
        }
    }
    if *method == Method::HEAD {
        head.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(asset.size));
        return Plan { head, body: None };
    }
    Plan { head, body: Some(range) }
}

/// The client has this file already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn content_type(path: &str, asset: &Asset) -> Option<String> {
    match asset.content_type.as_deref() {
        Some(NO_TYPE) => None,
        Some(kind) => Some(kind.to_owned()),
        None => {
            let guessed = mime_guess::from_path(path).first_raw()?;
            let is_text = guessed.starts_with("text/") && !guessed.contains("charset");
            Some(if is_text { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() })
        }
    }
}

/// The body of a plan, of what the store gave.
pub fn body(content: Result<BlobContent, CatalogError>, plan: &Plan) -> Result<Body, AssetsError> {
    let content = content.map_err(|error| AssetsError::Catalog(error.into()))?;
    Ok(match content {
        BlobContent::Whole(bytes) if bytes.is_empty() => Body::Empty,
        BlobContent::Whole(bytes) => Body::Whole(bytes),
        BlobContent::Stream(chunks) => {
            let left = plan.body.as_ref().map_or(0, |range| range.end.saturating_sub(range.start));
            Body::stream(Chunks { chunks, left })
        }
    })
}

/// A body of known length.
struct Chunks {
    chunks: BoxStream<'static, Result<Bytes, BlobsError>>,
    left: u64,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        Poll::Ready(match ready!(Pin::new(&mut this.chunks).poll_next(cx)) {
            None => None,
            Some(Ok(bytes)) => {
                this.left = this.left.saturating_sub(bytes.len() as u64);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => {
                tracing::error!(%error, "an asset could not be read to its end");
                Some(Err(BodyError("the asset could not be read".into())))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

pub fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = empty(status);
    // A URL is ASCII already; one of a rule that is not is no place to go to.
    match HeaderValue::from_str(location) {
        Ok(location) => drop(response.headers_mut().insert(header::LOCATION, location)),
        Err(_) => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

pub fn method_not_allowed() -> Response<Body> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

pub fn nothing() -> Response<Body> {
    empty(StatusCode::NOT_FOUND)
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_catalog::{AssetHash, BlobDigest};

    fn asset(content_type: Option<&str>) -> Asset {
        let content_type = content_type.map(str::to_owned);
        Asset { hash: AssetHash([0xab; 16]), digest: BlobDigest([1; 32]), size: 10, content_type }
    }

    fn planned(method: Method, headers: &[(&str, &str)], content_type: Option<&str>) -> Plan {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        plan(&method, &headers, "/a.css", &asset(content_type), 200)
    }

    #[test]
    fn media_types_are_as_uploaded_or_by_the_name() {
        let kind = |uploaded| {
            let plan = planned(Method::GET, &[], uploaded);
            plan.head.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned())
        };
        assert_eq!(kind(Some("text/html")).as_deref(), Some("text/html"));
        assert_eq!(kind(Some("application/null")), None);
        assert_eq!(kind(None).as_deref(), Some("text/css; charset=utf-8"));
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let etag = "\"abababababababababababababababab\"";
        for (known, status) in
            [(etag, 304), (&format!("W/{etag}"), 304), (&format!("\"x\", {etag}"), 304), ("*", 304), ("\"x\"", 200)]
        {
            let plan = planned(Method::GET, &[("if-none-match", known)], None);
            assert_eq!(plan.head.status(), status, "{known}");
            assert_eq!(plan.head.headers()[header::ETAG], etag);
            assert_eq!(plan.body.is_some(), status == 200);
        }
    }

    #[test]
    fn parts_heads_and_caches() {
        let part = planned(Method::GET, &[("range", "bytes=2-4")], None);
        assert_eq!((part.head.status().as_u16(), part.body), (206, Some(2..5)));
        assert_eq!(part.head.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
        assert!(!part.head.headers().contains_key(header::CACHE_CONTROL));
        let beyond = planned(Method::GET, &[("range", "bytes=10-")], None);
        assert_eq!((beyond.head.status().as_u16(), beyond.body), (416, None));
        assert_eq!(beyond.head.headers()[header::CONTENT_RANGE], "bytes */10");
        let head = planned(Method::HEAD, &[("range", "bytes=2-4")], None);
        assert_eq!((head.head.status().as_u16(), head.body), (200, None));
        assert_eq!(head.head.headers()[header::CONTENT_LENGTH], "10");
        let whole = planned(Method::GET, &[], None);
        assert_eq!((whole.head.headers()[header::CACHE_CONTROL].clone(), whole.body), (CACHE_CONTROL, Some(0..10)));
    }
}

//! Content codings. A Worker works with plain bytes: what it fetches is decoded, what it answers with
//! a `content-encoding` is encoded, as in Cloudflare's runtime: gzip and brotli. Other codings pass
//! through both ways untouched.

use async_compression::tokio::bufread::{BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderMap, header};
use http_body::Frame;
use http_body_util::{BodyDataStream, StreamBody};
use switchyard_runtime::{Body, BodyError};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader};
use tokio_util::io::{ReaderStream, StreamReader};

/// A coding we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Brotli,
}

/// Bytes handed on at once.
const CHUNK: usize = 16 << 10;

impl Coding {
    /// The one coding of a body; `None` for none, several, or one that is passed through.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let value = values.next()?.as_bytes().trim_ascii();
        if values.next().is_some() {
            return None;
        }
        if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") {
            Some(Self::Gzip)
        } else if value.eq_ignore_ascii_case(b"br") {
            Some(Self::Brotli)
        } else {
            None
        }
    }

    /// Decodes as it is read; holds some ten KiB (gzip) to some MiB (brotli's window).
    pub fn decode(self, body: Body) -> Body {
        let reader = reader(body);
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                from_reader(decoder)
            }
            Self::Brotli => from_reader(BrotliDecoder::new(reader)),
        }
    }

    /// Encodes as it is read.
    pub fn encode(self, body: Body) -> Body {
        let reader = reader(body);
        match self {
            Self::Gzip => from_reader(GzipEncoder::with_quality(reader, async_compression::Level::Precise(5))),
            Self::Brotli => from_reader(BrotliEncoder::with_quality(reader, async_compression::Level::Precise(4))),
        }
    }
}

fn reader(body: Body) -> impl AsyncBufRead + Send + 'static {
    let stream = BodyDataStream::new(body).map_err(std::io::Error::other);
    BufReader::with_capacity(CHUNK, StreamReader::new(stream))
}

fn from_reader(reader: impl AsyncRead + Send + 'static) -> Body {
    let stream = ReaderStream::with_capacity(reader, CHUNK);
    let stream = stream.map_ok(Frame::<Bytes>::data).map_err(|error| BodyError(error.to_string()));
    Body::stream(StreamBody::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn there_and_back() {
        let text: String = (0..20_000).map(|n| n.to_string()).collect();
        for coding in [Coding::Gzip, Coding::Brotli] {
            let encoded = coding.encode(Body::from(text.clone())).collect().await.unwrap().to_bytes();
            assert!(encoded.len() < text.len() / 2);
            let body = Body::stream(Full::new(encoded.clone()));
            assert_eq!(coding.decode(body).collect().await.unwrap().to_bytes(), text);
            // Cut short: an error, not a short body.
            let cut = Body::Whole(encoded.slice(..encoded.len() - 4));
            assert!(coding.decode(cut).collect().await.is_err());
        }
    }

    #[test]
    fn codings_are_recognised() {
        let of = |values: &[&str]| {
            Coding::of(&values.iter().map(|value| (header::CONTENT_ENCODING, value.parse().unwrap())).collect())
        };
        assert_eq!(of(&["GZIP"]), Some(Coding::Gzip));
        assert_eq!(of(&["br"]), Some(Coding::Brotli));
        for passed in [&[][..], &["zstd"], &["deflate"], &["gzip, br"], &["gzip", "br"], &["identity"]] {
            assert_eq!(of(passed), None, "{passed:?}");
        }
    }
}

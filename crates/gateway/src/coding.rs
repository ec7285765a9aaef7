//! Content codings. A Worker works with plain bytes: what it fetches is decoded, what it answers with
//! a `content-encoding` is encoded, as in Cloudflare's runtime: gzip and brotli. Other codings pass
//! through both ways untouched, and so does a body that no Worker has read on its way.

use async_compression::tokio::bufread::{BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderMap, header};
use http_body::Frame;
use http_body_util::{BodyDataStream, StreamBody};
use switchyard_runtime::{Body, BodyError, Coded};
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
        match value {
            b"gzip" => Some(Self::Gzip),
            b"br" => Some(Self::Brotli),
            _ => None,
        }
    }

    /// What it is called.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// Decodes as it is read; holds some ten KiB (gzip) to some MiB (brotli's window), and nothing before.
    pub fn decode(self, body: Body) -> Body {
        let decode: fn(Body) -> Body = match self {
            Self::Gzip => |body| Self::Gzip.decode_now(body),
            Self::Brotli => |body| Self::Brotli.decode_now(body),
        };
        Body::Coded(Coded::new(self.name(), body, decode))
    }

    fn decode_now(self, body: Body) -> Body {
        let reader = reader(body);
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                from_reader(decoder, move |error| self.explain(error))
            }
            Self::Brotli => from_reader(BrotliDecoder::new(reader), move |error| self.explain(error)),
        }
    }

    /// Encodes as it is read. What came in this coding and was not read is given back as it came.
    pub fn encode(self, body: Body) -> Body {
        let body = match body {
            Body::Coded(coded) => match coded.untouched(self.name()) {
                Ok(body) => return body,
                Err(coded) => Body::Coded(coded),
            },
            body => body,
        };
        let reader = reader(body);
        match self {
            Self::Gzip => from_reader(GzipEncoder::with_quality(reader, async_compression::Level::Precise(5)), inner),
            Self::Brotli => {
                from_reader(BrotliEncoder::with_quality(reader, async_compression::Level::Precise(4)), inner)
            }
        }
    }

    /// What a Worker hears of a body that cannot be decoded.
    fn explain(self, error: std::io::Error) -> BodyError {
        if error.get_ref().is_some_and(|source| source.is::<BodyError>()) {
            return inner(error);
        }
        let name = match self {
            Self::Gzip => "Gzip",
            Self::Brotli => "Brotli",
        };
        BodyError(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => format!("TypeError: {name} compressed stream ended prematurely."),
            _ => format!("TypeError: {name} decompression failed."),
        })
    }
}

fn reader(body: Body) -> impl AsyncBufRead + Send + 'static {
    let stream = BodyDataStream::new(body).map_err(std::io::Error::other);
    BufReader::with_capacity(CHUNK, StreamReader::new(stream))
}

/// Of the body that is read.
fn inner(error: std::io::Error) -> BodyError {
    BodyError(error.to_string())
}

fn from_reader(
    reader: impl AsyncRead + Send + 'static,
    explain: impl Fn(std::io::Error) -> BodyError + Send + 'static,
) -> Body {
    let stream = ReaderStream::with_capacity(reader, CHUNK);
    let stream = stream.map_ok(Frame::<Bytes>::data).map_err(explain);
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

    #[tokio::test]
    async fn what_nobody_reads_stays_as_it_is() {
        let text: String = (0..20_000).map(|n| n.to_string()).collect();
        // Not as we would encode it: both members are seen again only where nothing was decoded.
        let half = |text: &str| Coding::Gzip.encode(Body::from(text.to_owned())).collect();
        let (first, second) = text.split_at(9);
        let came = [half(first).await.unwrap().to_bytes(), half(second).await.unwrap().to_bytes()].concat();
        let fetched = || Coding::Gzip.decode(Body::Whole(Bytes::from(came.clone())));
        assert_eq!(Coding::Gzip.encode(fetched()).collect().await.unwrap().to_bytes(), came);
        assert_eq!(fetched().collect().await.unwrap().to_bytes(), text);
        // Another coding, and what was begun to be read, is decoded.
        let other = Coding::Brotli.encode(fetched()).collect().await.unwrap().to_bytes();
        assert_eq!(Coding::Brotli.decode(Body::Whole(other)).collect().await.unwrap().to_bytes(), text);
        let mut begun = fetched();
        let read = begun.frame().await.unwrap().unwrap().into_data().unwrap();
        let rest = Coding::Gzip.encode(begun).collect().await.unwrap().to_bytes();
        let rest = Coding::Gzip.decode(Body::Whole(rest)).collect().await.unwrap().to_bytes();
        assert_eq!([read, rest].concat(), text.as_bytes());
    }

    #[test]
    fn codings_are_recognised() {
        let of = |values: &[&str]| {
            Coding::of(&values.iter().map(|value| (header::CONTENT_ENCODING, value.parse().unwrap())).collect())
        };
        assert_eq!(of(&["gzip"]), Some(Coding::Gzip));
        assert_eq!(of(&["br"]), Some(Coding::Brotli));
        for passed in
            [&[][..], &["GZIP"], &["x-gzip"], &["zstd"], &["deflate"], &["gzip, br"], &["gzip", "br"], &["identity"]]
        {
            assert_eq!(of(passed), None, "{passed:?}");
        }
    }
}

//! Heads on the wire between host and guest: one text of `name\nvalue` pairs for headers, and the
//! values of a DISPATCH and of a completed FETCH (ABI.md).

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use switchyard_js::abi::{self, Writer};

use crate::Body;

/// The text after the status code, when a Worker set one: an extension of the response, for the
/// server that writes HTTP/1.
#[derive(Debug, Clone)]
pub struct StatusText(pub String);

/// Marks a response whose body is in the coding that its header names: as an origin sent it, or by the Worker's
/// word (`encodeBody: "manual"`). What a Worker answers otherwise is plain, and encoded as its header says.
#[derive(Debug, Clone, Copy)]
pub struct Verbatim;

/// Headers as one text. Values that are not UTF-8 are read as Latin-1.
fn header_text(text: &mut abi::Text<'_>, headers: &HeaderMap) {
    for (number, (name, value)) in headers.iter().enumerate() {
        if number > 0 {
            text.push("\n");
        }
        text.push(name.as_str()).push("\n");
        match std::str::from_utf8(value.as_bytes()) {
            Ok(value) => _ = text.push(value),
            Err(_) => {
                value.as_bytes().iter().for_each(|byte| _ = text.push(char::from(*byte).encode_utf8(&mut [0; 2])))
            }
        }
    }
}

/// What [`header_text`] writes, mostly.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.len() * 48
}

/// Whether a request asks for a WebSocket.
pub fn wants_socket(headers: &HeaderMap) -> bool {
    headers.get(http::header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Bytes of a message's headers (contract §5.2: 128 KB).
const MAX_HEADERS: usize = 128 * 1024;

/// The other way. An empty name is left out, as workerd does.
///
/// # Errors
/// The text for the script when a name or value is not allowed.
pub fn header_map(text: &str) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    if text.is_empty() {
        return Ok(headers);
    }
    if text.len() > MAX_HEADERS {
        return Err("Headers are larger than 128 KB.");
    }
    let mut lines = text.split('\n');
    while let Some(name) = lines.next() {
        let value = lines.next().unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "Invalid header name.")?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "Invalid header value.")?;
        headers.try_append(name, value).map_err(|_| "There are too many headers.")?;
    }
    Ok(headers)
}

/// A guest's response.
///
/// # Errors
/// The text for the script when its status, its text or its headers are none.
pub fn response(
    status: i32,
    status_text: Option<&str>,
    headers: &str,
    body: Body,
) -> Result<Response<Body>, &'static str> {
    let verbatim = status & abi::VERBATIM != 0;
    let status = u16::try_from(status & !abi::VERBATIM)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or("Invalid status.")?;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = header_map(headers)?;
    if verbatim {
        response.extensions_mut().insert(Verbatim);
    }
    // A standard phrase is what the server writes anyhow.
    if let Some(text) = status_text.filter(|text| status.canonical_reason() != Some(text)) {
        if text.len() > MAX_HEADERS || text.chars().any(|c| c.is_control() && c != '\t') {
            return Err("Invalid statusText");
        }
        response.extensions_mut().insert(StatusText(text.to_owned()));
    }
    Ok(response)
}

/// The values of a DISPATCH; `stream` is the body's number and length.
pub fn dispatch_values(
    request: &Request<Body>,
    stream: Option<(i32, Option<u64>)>,
    entrypoint: Option<&str>,
    props: Option<&str>,
    parameters: Option<&str>,
) -> Vec<u8> {
    let (uri, headers) = (request.uri(), request.headers());
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let mut values = Vec::with_capacity(256 + path + header_bytes(headers));
    let mut write = Writer::new(&mut values);
    write.text(request.method().as_str());
    write.text_of(|text| _ = write!(text, "{uri}")).text_of(|text| header_text(text, headers));
    write.int(stream.map_or(-1, |(number, _)| number)).number_or_null(stream.and_then(|(_, length)| length));
    write.text_or_null(entrypoint).text_or_null(props).text_or_null(parameters);
    values
}

/// The values of a TAIL.
pub fn tail_values(items: &str) -> Vec<u8> {
    let mut values = Vec::with_capacity(items.len() + 16);
    Writer::new(&mut values).text(items).null();
    values
}

/// The values of a completed FETCH.
pub fn fetch_values(
    status: u16,
    status_text: &str,
    headers: &HeaderMap,
    url: &str,
    redirected: bool,
    stream: Option<(i32, Option<u64>)>,
) -> Vec<u8> {
    let mut values = Vec::with_capacity(256 + url.len() + header_bytes(headers));
    let mut write = Writer::new(&mut values);
    write.int(i32::from(status)).text(status_text).text_of(|text| header_text(text, headers)).text(url);
    write.bool(redirected);
    write.int(stream.map_or(-1, |(number, _)| number)).number_or_null(stream.and_then(|(_, length)| length));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_way_there_and_back() {
        let mut headers = HeaderMap::new();
        headers.append("a", HeaderValue::from_static("1"));
        headers.append("set-cookie", HeaderValue::from_static("x=1"));
        headers.append("set-cookie", HeaderValue::from_static("y=2"));
        headers.append("u", HeaderValue::from_bytes("grüß".as_bytes()).unwrap());
        headers.append("empty", HeaderValue::from_static(""));
        let mut values = Vec::new();
        Writer::new(&mut values).text_of(|text| header_text(text, &headers));
        let Some(Ok(abi::Value::Text(text))) = abi::Reader::new(&values).next() else { panic!("no text") };
        assert_eq!(header_map(text), Ok(headers));
        assert_eq!(header_map(""), Ok(HeaderMap::new()));
        assert_eq!(header_map("a b\nx"), Err("Invalid header name."));
        assert_eq!(header_map("a\n\u{0}"), Err("Invalid header value."));
        assert_eq!(header_map(&format!("a\n{}", "x".repeat(MAX_HEADERS))), Err("Headers are larger than 128 KB."));
    }
}

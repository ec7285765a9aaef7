//! Heads on the wire between host and guest: one text of `name\nvalue` pairs for headers, and the
//! values of a DISPATCH and of a completed FETCH (ABI.md).

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use switchyard_js::abi::Writer;

use crate::Body;

/// The text after the status code, when a Worker set one: an extension of the response, for the
/// server that writes HTTP/1.
#[derive(Debug, Clone)]
pub struct StatusText(pub String);

/// Headers as one text. Values that are not UTF-8 are read as Latin-1.
pub fn header_text(headers: &HeaderMap) -> String {
    let mut text = String::with_capacity(headers.len() * 48);
    for (name, value) in headers {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(name.as_str());
        text.push('\n');
        match std::str::from_utf8(value.as_bytes()) {
            Ok(value) => text.push_str(value),
            Err(_) => text.extend(value.as_bytes().iter().map(|byte| char::from(*byte))),
        }
    }
    text
}

/// The other way. An empty name is left out, as workerd does; `None`: a name or value is not allowed.
pub fn header_map(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if text.is_empty() {
        return Some(headers);
    }
    let mut lines = text.split('\n');
    while let Some(name) = lines.next() {
        let value = lines.next()?;
        if name.is_empty() {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        headers.try_append(name, value).ok()?;
    }
    Some(headers)
}

/// A guest's response; `None` when its status or headers are none.
pub fn response(status: i32, status_text: Option<&str>, headers: &str, body: Body) -> Option<Response<Body>> {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok())?;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = header_map(headers)?;
    if let Some(text) = status_text {
        response.extensions_mut().insert(StatusText(text.to_owned()));
    }
    Some(response)
}

/// The values of a DISPATCH; `stream` is the body's number and length.
pub fn dispatch_values(request: &Request<Body>, stream: Option<(i32, Option<u64>)>, entrypoint: Option<&str>, props: Option<&str>) -> Vec<u8> {
    let mut values = Vec::with_capacity(512);
    let mut write = Writer::new(&mut values);
    write.text(request.method().as_str()).text(&request.uri().to_string()).text(&header_text(request.headers()));
    write.int(stream.map_or(-1, |(number, _)| number)).number_or_null(stream.and_then(|(_, length)| length));
    write.text_or_null(entrypoint).text_or_null(props);
    values
}

/// The values of a completed FETCH.
pub fn fetch_values(status: u16, status_text: &str, headers: &HeaderMap, url: &str, redirected: bool, stream: Option<(i32, Option<u64>)>) -> Vec<u8> {
    let mut values = Vec::with_capacity(512);
    let mut write = Writer::new(&mut values);
    write.int(i32::from(status)).text(status_text).text(&header_text(headers)).text(url).bool(redirected);
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
        assert_eq!(header_map(&header_text(&headers)), Some(headers));
        assert_eq!(header_map(""), Some(HeaderMap::new()));
        assert!(header_map("a b\nx").is_none() && header_map("a").is_none() && header_map("a\n\u{0}").is_none());
    }
}

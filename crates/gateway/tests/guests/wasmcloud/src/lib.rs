//! A component of wasmCloud with its library: its server's trait, bodies that pass through, and a request that goes out by
//! the bindings which the library hands on.

use common::{fail_if_asked, greet, origin};
use wasmcloud_component::http::{
    self, ErrorCode, IncomingBody, IncomingRequest, OutgoingBody, Response, StatusCode, Uri,
};
use wasmcloud_component::wasi::http::{outgoing_handler, types};
use wasmcloud_component::wasi::io::streams::OutputStream;

struct Component;

http::export!(Component);

enum Body {
    Text(String),
    Passed(IncomingBody),
}

impl OutgoingBody for Body {
    fn write(self, body: types::OutgoingBody, stream: OutputStream) -> std::io::Result<()> {
        match self {
            Self::Text(text) => text.write(body, stream),
            Self::Passed(from) => from.write(body, stream),
        }
    }
}

impl http::Server for Component {
    fn handle(request: IncomingRequest) -> http::Result<Response<impl OutgoingBody>> {
        let path = request.uri().path().to_owned();
        fail_if_asked(&path);
        let (status, body) = match path.as_str() {
            "/echo" => (StatusCode::OK, Body::Passed(request.into_body())),
            "/fetch" => match fetch(&origin()) {
                Ok((status, body)) => (status, Body::Passed(body)),
                Err(error) => (StatusCode::BAD_GATEWAY, Body::Text(format!("no answer: {error}"))),
            },
            _ => (StatusCode::CREATED, Body::Text(greet(request.method().as_str(), &path))),
        };
        let made = Response::builder().status(status).header("x-made-with", "wasmcloud").body(body);
        made.map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
    }
}

fn fetch(url: &str) -> Result<(StatusCode, IncomingBody), ErrorCode> {
    let url: Uri = url.parse().expect("ORIGIN is a URL");
    let request = types::OutgoingRequest::new(types::Fields::new());
    request.set_method(&types::Method::Post).expect("a method");
    request.set_scheme(Some(&types::Scheme::Http)).expect("a scheme");
    request.set_authority(url.authority().map(|authority| authority.as_str())).expect("an authority");
    request.set_path_with_query(Some(url.path())).expect("a path");
    let body = request.body().expect("the body, once");
    let stream = body.write().expect("its stream, once");
    let answer = outgoing_handler::handle(request, None)?;
    // Where it is not let out, the answer says so.
    let _ = "asked by a guest".write(body, stream);
    answer.subscribe().block();
    let answer = answer.get().expect("it is ready").expect("it is asked once")?;
    let status = StatusCode::from_u16(answer.status()).expect("a status");
    let body = answer.consume().expect("the body, once").try_into().expect("its stream, once");
    Ok((status, body))
}

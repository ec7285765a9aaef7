//! A component of bindings alone, which wit-bindgen makes of a WIT: `wasi:http` 0.2 without any library.

use common::{fail_if_asked, greet, origin};

use exports::wasi::http0_2_0::incoming_handler::Guest;
use wasi::http0_2_0::outgoing_handler;
use wasi::http0_2_0::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasi::io::streams::StreamError;

wit_bindgen::generate!({ path: "../../../../runtime/tests/guests/worlds.wit", world: "proxy", generate_all });

struct Component;

export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        fail_if_asked(&path);
        match path.as_str() {
            "/echo" => pass(&request.consume().expect("the body, once"), start(out, 200)),
            "/fetch" => match fetch() {
                Ok(answer) => {
                    let body = start(out, answer.status());
                    pass(&answer.consume().expect("the body, once"), body);
                }
                Err(error) => say(start(out, 502), &format!("no answer: {error:?}")).expect("the text goes out"),
            },
            _ => {
                let text = greet(method(&request.method()), &path);
                say(start(out, 201), &text).expect("the text goes out");
            }
        }
    }
}

fn method(method: &Method) -> &str {
    match method {
        Method::Put => "PUT",
        _ => "something else",
    }
}

/// The head goes out; the body is to follow.
fn start(out: ResponseOutparam, status: u16) -> OutgoingBody {
    let headers = Fields::new();
    headers.append("x-made-with", b"bindings").expect("a header that is allowed");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a status that is one");
    let body = response.body().expect("the body, once");
    ResponseOutparam::set(out, Ok(response));
    body
}

fn say(body: OutgoingBody, text: &str) -> Result<(), StreamError> {
    let stream = body.write().expect("its stream, once");
    stream.blocking_write_and_flush(text.as_bytes())?;
    drop(stream);
    OutgoingBody::finish(body, None).expect("all of it");
    Ok(())
}

/// Piece by piece through this memory. What fails is not finished.
fn pass(from: &IncomingBody, body: OutgoingBody) {
    let (source, stream) = (from.stream().expect("its stream, once"), body.write().expect("its stream, once"));
    loop {
        match source.blocking_read(64 << 10) {
            Ok(bytes) => {
                for piece in bytes.chunks(4096) {
                    stream.blocking_write_and_flush(piece).expect("a piece goes out");
                }
            }
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => panic!("{}", error.to_debug_string()),
        }
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("all of it");
}

fn fetch() -> Result<IncomingResponse, ErrorCode> {
    let url = origin();
    let (authority, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("ORIGIN is a URL");
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Post).expect("a method");
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(&format!("/{path}"))).expect("a path");
    let body = request.body().expect("the body, once");
    let answer = outgoing_handler::handle(request, None)?;
    // Where it is not let out, the answer says so.
    let _ = say(body, "asked by a guest");
    answer.subscribe().block();
    answer.get().expect("it is ready").expect("it is asked once")
}

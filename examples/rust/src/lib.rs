//! A Worker in Rust, for `wasi:http` 0.2: it greets by path, with a word from its environment, and gives back what is
//! posted, piece by piece.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::StreamError;

struct Worker;

wasip2::http::proxy::export!(Worker);

impl Guest for Worker {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        let _ = headers.append("content-type", b"text/plain; charset=utf-8");
        let response = OutgoingResponse::new(headers);
        let Ok(body) = response.body() else { return };
        // The head goes out now; the body follows.
        ResponseOutparam::set(out, Ok(response));
        let written = match request.method() {
            Method::Post => echo(&request, &body),
            _ => greet(&request, &body),
        };
        // What was cut off is not ended: the client sees that it is not whole.
        if written.is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn greet(request: &IncomingRequest, body: &OutgoingBody) -> Result<(), StreamError> {
    // Variables and secrets of the Worker are environment variables.
    let word = std::env::var("GREETING").unwrap_or_else(|_| "hello".to_owned());
    let path = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    stream.blocking_write_and_flush(format!("{word} from Rust at {path}\n").as_bytes())
}

fn echo(request: &IncomingRequest, body: &OutgoingBody) -> Result<(), StreamError> {
    let incoming = request.consume().map_err(|()| StreamError::Closed)?;
    let (from, to) = (
        incoming.stream().map_err(|()| StreamError::Closed)?,
        body.write().map_err(|()| StreamError::Closed)?,
    );
    loop {
        // The host moves the bytes: they never enter this memory.
        match to.blocking_splice(&from, 64 << 10) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

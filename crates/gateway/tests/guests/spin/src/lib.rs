//! A component of Spin with its SDK for `wasi:http` 0.3: an async function from a request of the crate `http` to a response.

use common::{fail_if_asked, greet, origin};
use spin_sdk::http::{BoxBody, FullBody, Request, Response, box_body, post};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> Response<BoxBody> {
    let path = request.uri().path().to_owned();
    fail_if_asked(&path);
    match path.as_str() {
        "/echo" => respond(200, box_body(request.into_body())),
        "/fetch" => match post(origin(), "asked by a guest").await {
            Ok(answer) => respond(answer.status().as_u16(), box_body(answer.into_body())),
            Err(error) => say(502, format!("no answer: {error}")),
        },
        _ => say(201, greet(request.method().as_str(), &path)),
    }
}

fn respond(status: u16, body: BoxBody) -> Response<BoxBody> {
    let made = Response::builder().status(status).header("x-made-with", "spin").body(body);
    made.expect("a response that is one")
}

fn say(status: u16, text: String) -> Response<BoxBody> {
    respond(status, box_body(FullBody::new(text.into())))
}

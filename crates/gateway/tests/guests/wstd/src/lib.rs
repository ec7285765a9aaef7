//! A component of `wasi:http` 0.2 by wstd: an async function on an executor inside of the guest, which waits for all that it
//! waits for in one poll.

use common::{fail_if_asked, greet, origin};
use wstd::http::{Body, Client, Error, Request, Response};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let path = request.uri().path().to_owned();
    fail_if_asked(&path);
    match path.as_str() {
        "/echo" => respond(200, request.into_body()),
        "/fetch" => {
            let asks = Request::post(origin()).body(Body::from("asked by a guest"))?;
            match Client::new().send(asks).await {
                Ok(answer) => respond(answer.status().as_u16(), answer.into_body()),
                Err(error) => respond(502, Body::from(format!("no answer: {error:?}"))),
            }
        }
        _ => respond(201, Body::from(greet(request.method().as_str(), &path))),
    }
}

fn respond(status: u16, body: Body) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(status).header("x-made-with", "wstd").body(body)?)
}

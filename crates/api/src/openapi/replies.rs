//! Parameters, and replies in their envelope: what all operations share.

use std::collections::BTreeMap;

use super::document::{MediaType, Parameter, Reply, Schema};
use super::operations::Outcome;
use super::schemas::{namespace_name, script_name, tag};

type S = Schema;

pub(super) fn path_parameter(name: &'static str) -> Parameter {
    let schema = match name {
        "account" => S::string().pattern("^[A-Za-z0-9_-]{1,32}$"),
        "namespace" => namespace_name(),
        "script" => script_name(),
        "version" => S::string().format("uuid"),
        "token" | "tail" | "asset" => S::string().pattern("^[0-9a-f]{32}$"),
        "tag" => tag(),
        _ => S::string().length(1, 255),
    };
    Parameter { name, place: "path", required: true, description: "", schema }
}

pub(super) fn header_parameter(name: &'static str) -> Parameter {
    let (description, schema) = match name {
        "If-Match" => ("the etag of the code in force, or *: only if it is still there (10018)", S::string()),
        _ => ("*: only if there is no such script (10018)", S::values(&["*"])),
    };
    Parameter { name, place: "header", required: false, description, schema }
}

pub(super) fn success(outcome: &Outcome) -> Reply {
    let result = match outcome {
        Outcome::Result(name) | Outcome::PagedObject(name) => S::reference(name),
        Outcome::List(name) | Outcome::Paged(name) => S::array(S::reference(name)),
        Outcome::Null | Outcome::Refused => S::null(),
        Outcome::Events => {
            let content = [("text/event-stream", MediaType::of(S::string()))];
            return Reply { description: "events as they come".to_owned(), content: content.into() };
        }
        Outcome::File => {
            let content = [("application/octet-stream", MediaType::of(S::string()))];
            return Reply { description: "the file's bytes".to_owned(), content: content.into() };
        }
        Outcome::Content => {
            let content = [
                (
                    "multipart/form-data",
                    MediaType::of(S::string().about("one part a module; cf-entrypoint names the entry")),
                ),
                ("application/javascript", MediaType::of(S::string())),
            ];
            return Reply { description: "the modules".to_owned(), content: content.into() };
        }
    };
    let mut envelope = envelope(result, true);
    if matches!(outcome, Outcome::Paged(_) | Outcome::PagedObject(_)) {
        envelope = envelope.and(S::object(vec![("result_info", S::reference("ResultInfo"))]));
    }
    Reply { description: "done".to_owned(), content: json(envelope) }
}

pub(super) fn success_as(name: &str) -> Reply {
    Reply { description: "done".to_owned(), content: json(envelope(S::reference(name), true)) }
}

pub(super) fn failure(status: u16) -> Reply {
    let description = match status {
        400 => "a name, the body or the code breaks a rule; no credentials (9106)",
        401 => "the token is unknown, has expired or was revoked (10000)",
        403 => "the token is not for this (9109, 10000)",
        404 => "it is not there (10007, 10090, 10092, 100119 …)",
        408 => "the body did not arrive in time",
        409 => "it exists already (100120), or was changed at the same time (10035)",
        412 => "the etag does not match (10018)",
        413 => "the body is too large (10026, 10027)",
        415 => "another Content-Type is needed (10001)",
        429 => "too many wrong tokens (10502) or uploads at once; see Retry-After",
        500 => "an internal error (10002)",
        _ => "no room at the moment (10013); see Retry-After",
    };
    Reply { description: description.to_owned(), content: json(S::reference("Failure")) }
}

fn json(schema: Schema) -> BTreeMap<&'static str, MediaType> {
    BTreeMap::from([("application/json", MediaType::of(schema))])
}

fn envelope(result: Schema, success: bool) -> Schema {
    S::object(vec![
        ("result", result),
        ("success", S::constant(success)),
        ("errors", S::array(S::reference("Fault"))),
        ("messages", S::array(S::any())),
    ])
}

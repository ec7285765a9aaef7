//! What a node tells a Worker of a client's request as `request.cf`: of what Cloudflare tells, that which a node knows.

use serde_json::json;

use crate::context::RequestContext;
use crate::tls::Version;

/// The text of a JSON object.
pub fn cf(ctx: &RequestContext) -> String {
    json!({
        "clientIp": ctx.address.to_str().unwrap_or_default(),
        "httpProtocol": if ctx.http2 { "HTTP/2" } else { "HTTP/1.1" },
        "tlsVersion": ctx.tls.map_or("", Version::as_str),
    })
    .to_string()
}

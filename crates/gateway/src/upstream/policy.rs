//! Whether an origin may be set at all, asked by the catalog. It is asked again of each connection.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use switchyard_catalog::{Origin, OriginPolicy};

use super::Upstreams;
use super::connect::ConnectError;

/// A name server may take this long.
const LOOKUP: Duration = Duration::from_secs(5);

#[async_trait]
impl OriginPolicy for Upstreams {
    /// A name that cannot be looked up is refused like one that leads inside: whoever sets origins could
    /// else find out which names there are.
    async fn may_reach(&self, origin: &Origin, inside: bool) -> Result<(), String> {
        if !self.connector.allows_port(origin.port) {
            return Err(format!("the origin {origin} has a port that this node does not connect to"));
        }
        if let Some(address) = origin.address()
            && self.connector.is_own(SocketAddr::new(address, origin.port))
        {
            return Err(format!("the origin {origin} is this node itself"));
        }
        match tokio::time::timeout(LOOKUP, self.connector.addresses(origin, inside)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(ConnectError::Forbidden | ConnectError::Lookup)) | Err(_) => {}
            Ok(Err(error)) => return Err(format!("the origin {origin}: {error}")),
        }
        let what = if origin.address().is_some() { "is not a public address" } else { "has no public address" };
        Err(if inside {
            format!("the origin {origin} {what}, and [upstream] allow in the node's configuration does not open it")
        } else {
            format!(
                "the origin {origin} {what}: other networks need a token of the account, and the node's configuration"
            )
        })
    }
}

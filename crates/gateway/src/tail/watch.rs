//! Ends the live logs of those whose token was revoked, rolled, or has expired since they began to listen.

use std::sync::Arc;
use std::time::Duration;

use switchyard_catalog::Catalog;

use super::hub::TailHub;

/// How often tokens are looked at: the longest that a stream outlives its token on this node.
const EVERY: Duration = Duration::from_secs(1);

/// As long as the node. Asks nobody where nobody listens.
pub async fn watch(hub: TailHub, catalog: Arc<Catalog>) {
    loop {
        tokio::time::sleep(EVERY).await;
        for token in hub.tokens() {
            match catalog.token_holds(&token).await {
                Ok(true) => {}
                Ok(false) => hub.end_of_token(&token),
                Err(error) => tracing::warn!(%error, "could not look at the token of a live log"),
            }
        }
    }
}

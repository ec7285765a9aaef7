//! What a WebSocket may take.

use std::time::Duration;

use crate::harness::PATIENCE;

/// Waits until something is so.
pub async fn until(so: impl AsyncFn() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in time");
}

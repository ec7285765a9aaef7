//! Streams, URL, encoding, structuredClone, events and the global scope: every probe answers as on workerd.

use crate::workerd;

#[tokio::test]
async fn streams() {
    workerd::probes_of("streams").await;
}

#[tokio::test]
async fn urls() {
    workerd::probes_of("url").await;
}

#[tokio::test]
async fn encodings() {
    workerd::probes_of("encoding").await;
}

#[tokio::test]
async fn clones() {
    workerd::probes_of("clone").await;
}

#[tokio::test]
async fn events() {
    workerd::probes_of("events").await;
}

#[tokio::test]
async fn intl() {
    workerd::probes_of("intl").await;
}

#[tokio::test]
async fn globals() {
    workerd::probes_of("globals").await;
}

//! Starting: again on the same data, and when it cannot be.

use std::path::Path;

use switchyard_gateway::config::Listener;
use switchyard_gateway::{App, Config, chain};

use crate::basics::HELLO;
use crate::harness::{TestGateway, config, data};

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_ended() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    let token = std::fs::read_to_string(gateway.data.path().join("token")).unwrap();
    let data = gateway.stop().await;
    let gateway = TestGateway::on(data, |_| {}).await.unwrap();
    gateway.get("hello", "/").await.is(200, "hello");
    assert_eq!(std::fs::read_to_string(gateway.data.path().join("token")).unwrap(), token);
}

#[tokio::test]
async fn without_sealed_files_scripts_are_made_of_their_source() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    let old = gateway.stop().await;
    let fresh = data().await;
    // The newest rows may be in the log still.
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "secret.key"] {
        if old.path().join(file).exists() {
            std::fs::copy(old.path().join(file), fresh.path().join(file)).unwrap();
        }
    }
    std::fs::rename(old.path().join("blobs"), fresh.path().join("blobs")).unwrap();
    let gateway = TestGateway::on(fresh, |_| {}).await.unwrap();
    gateway.get("hello", "/").await.is(200, "hello");
}

async fn refused(config: Config) -> String {
    match App::start(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => chain(&error),
    }
}

#[tokio::test]
async fn one_process_uses_a_data_folder() {
    let gateway = TestGateway::start().await;
    let error = refused(config(gateway.data.path())).await;
    assert!(error.contains("is in use by another process"), "{error}");
    gateway.admin("/readyz").await.is(200, "ok\n");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let gateway = TestGateway::start().await;
    let other = data().await;
    let mut config = config(other.path());
    config.listener = vec![Listener::at(gateway.address())];
    let error = refused(config).await;
    assert!(error.starts_with(&format!("could not listen on {}: ", gateway.address())), "{error}");
    gateway.admin("/readyz").await.is(200, "ok\n");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("data");
    let error = refused(config(&path)).await;
    assert!(error.contains(&path.display().to_string()), "{error}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let error = Config::parse("[limits]\nrequest = 1\n", Path::new("a/b.toml")).unwrap_err().to_string();
    assert_eq!(error, "a/b.toml:2: unknown key \"request\" in [limits], did you mean \"requests\"?");
}

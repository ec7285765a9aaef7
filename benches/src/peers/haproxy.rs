//! HAProxy, from its Debian package, as a proxy that passes on: one thread, no log, which ours have.

use std::fs;
use std::net::SocketAddr;

use super::fetch;
use crate::server::{Ready, Server, free_address};

/// What it is asked goes to an origin, over connections that are kept, with the headers that every proxy adds.
///
/// # Errors
/// When HAProxy cannot be had, or does not serve.
pub fn proxy(origin: SocketAddr) -> anyhow::Result<Server> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let config = folder.path().join("haproxy.cfg");
    fs::write(
        &config,
        format!(
            "global\n  nbthread 1\n  maxconn 4096\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1m\n  http-reuse always\n\
             frontend in\n  bind {address}\n  http-request set-header X-Forwarded-For %[src]\n  \
             http-request set-header X-Forwarded-Proto http\n  default_backend out\n\
             backend out\n  server origin {origin}\n"
        ),
    )?;
    let mut command = fetch::debian("haproxy", "haproxy")?;
    command.arg("-db").arg("-f").arg(&config);
    Server::peer(command, folder, Ready::Listens(address))
}

//! nginx, from its Debian package: a constant answer, and a proxy that passes on. One process, one worker, no access
//! log, which ours have.

use std::fs;
use std::net::SocketAddr;

use super::fetch;
use crate::server::{Ready, Server, free_address};

/// A constant answer.
///
/// # Errors
/// When nginx cannot be had, or does not serve.
pub fn constant() -> anyhow::Result<Server> {
    serve("", "default_type text/plain; return 200 \"hello from a tenant\\n\";")
}

/// What it is asked goes to an origin, over connections that are kept, with the headers that every proxy adds.
///
/// # Errors
/// As [`constant`].
pub fn proxy(origin: SocketAddr) -> anyhow::Result<Server> {
    serve(
        &format!("upstream origin {{ server {origin}; keepalive 128; keepalive_requests 1000000000; }}"),
        "proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; \
         proxy_set_header X-Forwarded-Proto $scheme;",
    )
}

fn serve(upstream: &str, location: &str) -> anyhow::Result<Server> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let place = folder.path().display().to_string();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|of| format!("{of}_temp_path {place}/{of};"));
    let config = folder.path().join("nginx.conf");
    fs::write(
        &config,
        format!(
            "daemon off; master_process off; worker_processes 1; pid {place}/pid; error_log stderr;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log off; tcp_nodelay on; keepalive_timeout 1h; keepalive_requests 1000000000;\n  {}\n  \
             {upstream}\n  server {{ listen {address}; location / {{ {location} }} }}\n}}\n",
            temporary.join(" ")
        ),
    )?;
    let mut command = fetch::debian("nginx", "nginx")?;
    command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "stderr"]);
    Server::peer(command, folder, Ready::Listens(address))
}

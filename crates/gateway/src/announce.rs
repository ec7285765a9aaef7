//! What `switchyard dev` tells people once it is ready.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::app::App;
use crate::bootstrap::sample_names;
use crate::cli::Dev;
use crate::config;

/// The one line that programs wait for.
pub fn ready(app: &App) -> String {
    let gateway = app.gateway().first().map_or_else(String::new, |address| reachable(*address).to_string());
    let scheme = |tls: Option<&config::Tls>| if tls.is_some() { "https" } else { "http" };
    let first = scheme(app.config().listener.first().and_then(|listener| listener.tls.as_ref()));
    let inside = scheme(app.config().admin.tls.as_ref());
    format!("ready gateway={first}://{gateway} admin={inside}://{}/client/v4", reachable(app.admin()))
}

/// Account, token, URLs and the command to copy.
pub fn people(app: &App, dev: &Dev) -> String {
    let Some(known) = app.bootstrapped() else { return String::new() };
    let gateway = app.gateway().first().map_or_else(String::new, |address| reachable(*address).to_string());
    let port = app.gateway().first().map_or(80, SocketAddr::port);
    let admin = reachable(app.admin());
    let mut text = format!("\n  account   {}\n  token     {}\n", known.actor.account, known.token);
    match &dev.dispatcher {
        Some(script) => {
            let _ = writeln!(text, "\n  every request goes to the account's Worker {script:?} first");
        }
        None => {
            let _ = writeln!(text, "\n  tenants   http://<script>.{}:{port}/", dev.suffix);
            if !dev.no_samples {
                for name in sample_names() {
                    let _ = writeln!(text, "    curl http://{name}.{}:{port}/", dev.suffix);
                    let _ = writeln!(text, "    curl -H 'Host: {name}.{}' http://{gateway}/", dev.suffix);
                }
            }
        }
    }
    let _ = write!(
        text,
        "\n  upload with wrangler:\n    CLOUDFLARE_API_BASE_URL=http://{admin}/client/v4 \\\n    \
         CLOUDFLARE_API_TOKEN={} \\\n    CLOUDFLARE_ACCOUNT_ID={} \\\n    \
         npx wrangler deploy --dispatch-namespace {}\n",
        known.token, known.actor.account, dev.namespace,
    );
    text
}

/// An address that can be dialled: one bound to all is met on loopback.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

//! Whether the configured addresses can be listened on.

use std::io::ErrorKind;
use std::net::SocketAddr;

use switchyard_storage::DataLock;
use tokio::net::TcpListener;

use super::Finding;
use crate::config::Config;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let serving = DataLock::is_held(&config.data).unwrap_or_default();
    let mut findings = Vec::new();
    for listener in &config.listener {
        findings.push(port("listener", listener.bind, serving).await);
    }
    findings.push(port("admin", config.admin.bind, serving).await);
    let outside = !config.admin.bind.ip().is_loopback();
    if outside && let Some(admin) = findings.last_mut().filter(|admin| admin.advice.is_none()) {
        admin.found += "; keep it inside: who reaches it and has a token deploys";
    }
    findings
}

async fn port(check: &'static str, address: SocketAddr, serving: bool) -> Finding {
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && serving => {
            Finding::ok(check, format!("{address} is in use, as the node on this data folder serves"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let advice =
                format!("end what listens there (`ss -ltnp 'sport = {}'`), or name another port", address.port());
            Finding::fail(check, format!("{address} is in use"), advice)
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::fail(
            check,
            format!("{address} is not allowed to this user"),
            "AmbientCapabilities=CAP_NET_BIND_SERVICE of the unit, or sysctl net.ipv4.ip_unprivileged_port_start",
        ),
        Err(error) => {
            Finding::fail(check, format!("{address}: {error}"), "name an address that this machine has, or 0.0.0.0")
        }
    }
}

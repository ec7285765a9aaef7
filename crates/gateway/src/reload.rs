//! SIGHUP: what of a configuration that was read again holds from the next request on, and what has
//! to wait for a restart.

use crate::config::Config;

/// The running configuration with what can change in it taken from the one read, and the keys that
/// differ all the same.
pub fn merge(running: &Config, read: &Config) -> (Config, Vec<String>) {
    let mut next = running.clone();
    next.resolver = read.resolver.clone();
    next.plan = read.plan.clone();
    next.upstream = read.upstream.clone();
    let (limits, from) = (&mut next.limits, &read.limits);
    limits.cpu = from.cpu;
    limits.subrequests = from.subrequests;
    limits.memory = from.memory;
    limits.wall = from.wall;
    limits.response_bytes = from.response_bytes;
    limits.fetches_at_once = from.fetches_at_once;
    limits.log_bytes = from.log_bytes;
    limits.connections_per_address = from.connections_per_address;
    limits.requests_per_second = from.requests_per_second;
    limits.requests = from.requests;
    limits.requests_per_script = from.requests_per_script;
    limits.body_bytes = from.body_bytes;
    limits.uri_bytes = from.uri_bytes;
    for (listener, read) in next.listener.iter_mut().zip(&read.listener) {
        if listener.bind == read.bind {
            listener.trusted = read.trusted.clone();
            listener.redirect = read.redirect;
            listener.redirect_port = read.redirect_port;
            replace(&mut listener.tls, &read.tls);
            replace(&mut listener.proxy_protocol, &read.proxy_protocol);
        }
    }
    replace(&mut next.admin.tls, &read.admin.tls);
    let mut waiting = Vec::new();
    if let (Ok(next), Ok(read)) = (toml::Value::try_from(&next), toml::Value::try_from(read)) {
        differences(&next, &read, "", &mut waiting);
    }
    (next, waiting)
}

/// What is said of a thing can change; whether there is one can not.
fn replace<T: Clone>(running: &mut Option<T>, read: &Option<T>) {
    if let (Some(running), Some(read)) = (running, read) {
        *running = read.clone();
    }
}

fn differences(a: &toml::Value, b: &toml::Value, at: &str, out: &mut Vec<String>) {
    match (a, b) {
        (toml::Value::Table(a), toml::Value::Table(b)) => {
            let absent = toml::Value::Boolean(false);
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                differences(a.get(key).unwrap_or(&absent), b.get(key).unwrap_or(&absent), &at, out);
            }
        }
        (a, b) if a != b => out.push(at.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Listener, Resolver};

    #[test]
    fn what_cannot_change_is_named() {
        let running = Config::default();
        let mut read = running.clone();
        read.resolver = vec![Resolver::worker("x")];
        read.limits.cpu = std::time::Duration::from_millis(50);
        read.limits.wall = std::time::Duration::from_secs(5);
        read.limits.response_bytes = 1;
        read.limits.fetches_at_once = 2;
        read.limits.log_bytes = 3;
        read.limits.requests_per_second = 4;
        read.limits.connections_per_address = 5;
        read.upstream.allow = vec!["10.0.0.0/8".parse().unwrap()];
        read.listener[0].trusted = vec!["10.0.0.0/8".parse().unwrap()];
        let (next, waiting) = merge(&running, &read);
        assert_eq!((next, waiting), (read.clone(), Vec::new()));

        read.limits.connections = 1;
        read.runtime.threads = 3;
        read.listener.push(Listener::at("127.0.0.1:1".parse().unwrap()));
        let (next, waiting) = merge(&running, &read);
        assert_eq!(waiting, ["limits.connections", "listener", "runtime.threads"]);
        assert_eq!((next.resolver, next.runtime), (read.resolver, running.runtime));
    }
}

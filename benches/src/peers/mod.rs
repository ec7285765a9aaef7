//! The peers: programs of others that do what one of our rows does. Each is started beside ours in the same run, on
//! the same core, and loaded by the same generator. They are fetched by package name, once, and only where that is
//! asked for; one that cannot be had leaves its rows out, and says so.

pub mod fetch;
pub mod haproxy;
pub mod miniflare;
pub mod nginx;
pub mod wasmtime;
pub mod workerd;
pub mod wrk;

use std::collections::BTreeMap;

use crate::report::{Row, Turn};
use crate::server::Server;

/// What the names of their rows begin with.
pub const NAMES: &[&str] = &["haproxy", "miniflare", "nginx", "wasmtime", "workerd", "wrk"];

/// A peer that a bench may have beside it. Dropping it ends its process.
pub enum Peer<T = Server> {
    NotAsked,
    /// It could not be had: why.
    LeftOut(String),
    Here(T),
}

impl<T> Peer<T> {
    /// Starts it, where it is asked for.
    pub fn of(asked: bool, name: &str, start: impl FnOnce() -> anyhow::Result<T>) -> Self {
        if !asked {
            return Self::NotAsked;
        }
        match start() {
            Ok(peer) => Self::Here(peer),
            Err(error) => {
                eprintln!("{name} IS LEFT OUT: {error:#}");
                Self::LeftOut(format!("{error:#}"))
            }
        }
    }

    /// What is made of it, where it is here.
    pub fn then<U>(&self, name: &str, start: impl FnOnce(&T) -> anyhow::Result<U>) -> Peer<U> {
        match self {
            Self::NotAsked => Peer::NotAsked,
            Self::LeftOut(why) => Peer::LeftOut(why.clone()),
            Self::Here(peer) => Peer::of(true, name, || start(peer)),
        }
    }

    pub fn here(&self) -> Option<&T> {
        match self {
            Self::Here(peer) => Some(peer),
            Self::NotAsked | Self::LeftOut(_) => None,
        }
    }

    /// Has it do something, where it is here; where that fails, it is left out from then on.
    pub fn turn_of(&mut self, act: impl FnOnce(&mut T) -> anyhow::Result<()>) {
        let Self::Here(peer) = self else { return };
        if let Err(error) = act(peer) {
            *self = Self::LeftOut(format!("{error:#}"));
        }
    }

    /// In place of its row, where it is not here though it was asked for.
    pub fn left_out(&self, bench: &'static str, row: &str) -> Option<Row> {
        match self {
            Self::LeftOut(why) => Some(Row::left_out(bench, row, why)),
            Self::NotAsked | Self::Here(_) => None,
        }
    }
}

impl Peer {
    /// Its turn of a bench's rounds, where it is here.
    pub fn turn(&self, name: &'static str, requests: Vec<Vec<u8>>) -> Option<Turn<'_>> {
        self.here().map(|server| Turn::peer(name, server, requests))
    }
}

/// What the peers that are here are, by name. Nothing is fetched.
pub fn versions() -> BTreeMap<&'static str, String> {
    let mut versions = BTreeMap::new();
    for (name, package, version) in
        [("workerd", "workerd", workerd::VERSION), ("miniflare", "miniflare", miniflare::VERSION)]
    {
        if fetch::is_here(&format!("{package}-{version}")) {
            versions.insert(name, version.to_owned());
        }
    }
    if let Some(program) = wasmtime::here() {
        versions.extend(wasmtime::version(&program).ok().map(|version| ("wasmtime", version)));
    }
    for name in ["haproxy", "nginx", "wrk"] {
        if fetch::in_path(name).is_none() && !fetch::is_here(&format!("debian-{name}")) {
            continue;
        }
        // nginx writes it to its error output, and wrk, which also explains itself, fails.
        let Ok(output) = fetch::debian(name, name).and_then(|mut peer| Ok(peer.arg("-v").output()?)) else { continue };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        versions.extend(said.lines().next().and_then(number).map(|version| (name, version)));
    }
    versions
}

/// The first thing in a line that looks like a version: `1.22.1` of `nginx version: nginx/1.22.1`.
fn number(line: &str) -> Option<String> {
    let words = line.split([' ', '/']).map(|word| word.trim_matches(|c: char| c == ',' || c == ')'));
    let mut numbers = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    numbers.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (line, version) in [
            ("nginx version: nginx/1.22.1", Some("1.22.1")),
            ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - a page", Some("2.6.12-1+deb12u4")),
            ("wrk 4.1.0 [epoll] Copyright (C) 2012", Some("4.1.0")),
            ("wrk debian/4.1.0-3+b2 [epoll]", Some("4.1.0-3+b2")),
            ("nothing", None),
        ] {
            assert_eq!(number(line).as_deref(), version, "{line}");
        }
    }

    #[test]
    fn a_peer_that_cannot_be_had_leaves_a_row_that_says_so() {
        let none: Peer = Peer::of(false, "workerd", || anyhow::bail!("nobody asked"));
        assert!(none.here().is_none() && none.left_out("hello", "workerd-hello").is_none());
        let missing: Peer = Peer::of(true, "workerd", || Err(anyhow::anyhow!("no npm").context("could not install")));
        let row = missing.left_out("hello", "workerd-hello").expect("a row");
        assert_eq!((row.row.as_str(), row.left_out.as_deref()), ("workerd-hello", Some("could not install: no npm")));
        let mut here = Peer::of(true, "wrk", || Ok(7));
        assert!(here.here() == Some(&7) && here.left_out("generator", "wrk").is_none());
        here.turn_of(|_| anyhow::bail!("it ended"));
        assert!(here.here().is_none() && here.left_out("generator", "wrk").is_some());
    }
}

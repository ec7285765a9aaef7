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

#[cfg(test)]
mod tests {
    use super::*;

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

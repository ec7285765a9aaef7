//! What the runs of one request have to tell tail Workers: put together, so that one call of a handler is
//! told of a dispatch Worker and of the user Workers that it called, as Cloudflare documents it.

use std::sync::Arc;

use parking_lot::Mutex;
use switchyard_catalog::{ScriptId, ScriptName};

use super::consumers::Consumers;

/// More of one request than this goes to its tail Worker before the request has ended.
const MOST_ITEMS: usize = 64;
const MOST_BYTES: usize = 256 << 10;

/// One run, as a JSON object.
#[derive(Clone)]
pub struct Item {
    pub text: Arc<str>,
    /// Whose run.
    pub script: ScriptName,
}

/// The runs of one request for one tail Worker, in the order in which they ended.
pub struct Tree {
    pub consumer: ScriptId,
    pub items: Vec<Item>,
    pub bytes: usize,
    pub origin: Origin,
}

/// Where events come from: by what a tail Worker's own requests, and their events, are kept from going round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Passes through this node's egress before the request.
    pub hops: u32,
    /// The tail Workers of whose handlers it is a consequence, the first one first.
    pub tailed: Vec<ScriptId>,
}

/// Part of a request's context; its last holder sends what is kept.
#[derive(Default)]
pub struct Traces {
    tailed: Vec<ScriptId>,
    kept: Mutex<Vec<(Arc<Consumers>, Tree)>>,
}

impl Traces {
    /// Of a call of a tail handler; the last of these is its own.
    pub fn below(tailed: Vec<ScriptId>) -> Self {
        Self { tailed, kept: Mutex::default() }
    }

    /// The tail Workers of whose handlers the request is a consequence.
    pub fn tailed(&self) -> &[ScriptId] {
        &self.tailed
    }

    pub fn add(&self, workers: &Arc<Consumers>, consumer: ScriptId, hops: u32, item: Item) {
        if !workers.reserve(item.text.len()) {
            return;
        }
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(_, tree)| tree.consumer == consumer).unwrap_or_else(|| {
            let origin = Origin { hops, tailed: self.tailed.clone() };
            kept.push((workers.clone(), Tree { consumer, items: Vec::new(), bytes: 0, origin }));
            kept.len() - 1
        });
        let tree = &mut kept[at].1;
        tree.bytes += item.text.len();
        tree.items.push(item);
        if tree.items.len() >= MOST_ITEMS || tree.bytes >= MOST_BYTES {
            let (_, tree) = kept.swap_remove(at);
            drop(kept);
            workers.push(tree);
        }
    }

    /// The request has ended.
    pub fn send(&mut self) {
        for (workers, tree) in self.kept.get_mut().drain(..) {
            workers.push(tree);
        }
    }
}

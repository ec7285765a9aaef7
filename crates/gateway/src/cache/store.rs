//! Where responses lie: by key, in the order of their last use, for all and for each space, so that whoever needs room
//! takes it from what was used least lately: first of its own, then of anybody's. What is being written counts
//! from its first byte.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Key, Space};
use crate::config;

/// What an entry takes beside its key, headers and body, about.
pub const OVERHEAD: usize = 512;

/// One stored response.
#[derive(Debug)]
pub struct Entry {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub stored: Instant,
    /// It is fresh before that.
    pub until: Instant,
    /// What it had when it was stored.
    pub age: std::time::Duration,
}

/// For a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Those being written too.
    pub bytes: u64,
    pub entries: u64,
    /// Taken out to make room, since the start.
    pub evicted: u64,
}

pub struct Store {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    entries: HashMap<Key, Slot>,
    /// By last use, which is a number that only grows.
    order: BTreeMap<u64, Key>,
    spaces: HashMap<Arc<Space>, Use>,
    uses: u64,
    bytes: usize,
    evicted: u64,
    most: usize,
    most_each: usize,
}

struct Slot {
    entry: Arc<Entry>,
    size: usize,
    used: u64,
}

/// Of one space.
#[derive(Default)]
struct Use {
    bytes: usize,
    order: BTreeMap<u64, Key>,
}

impl Store {
    pub fn new(config: &config::Cache) -> Self {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            inner: Arc::new(Mutex::new(Inner {
                entries: HashMap::new(),
                order: BTreeMap::new(),
                spaces: HashMap::new(),
                uses: 0,
                bytes: 0,
                evicted: 0,
                most: size(config.bytes),
                most_each: size(config.bytes_per_script),
            })),
        }
    }

    pub fn usage(&self) -> Usage {
        let inner = self.inner.lock();
        Usage { bytes: inner.bytes as u64, entries: inner.entries.len() as u64, evicted: inner.evicted }
    }

    /// How many there were.
    pub fn clear(&self) -> u64 {
        let mut inner = self.inner.lock();
        let all: Vec<Key> = inner.entries.keys().cloned().collect();
        for key in &all {
            inner.remove(key);
        }
        inner.evicted += all.len() as u64;
        all.len() as u64
    }

    /// What lies under a key and is fresh.
    pub fn get(&self, key: &Key, now: Instant) -> Option<Arc<Entry>> {
        let mut inner = self.inner.lock();
        let entry = inner.entries.get(key)?.entry.clone();
        if entry.until <= now {
            inner.remove(key);
            return None;
        }
        inner.touch(key);
        Some(entry)
    }

    /// True: there was one.
    pub fn remove(&self, key: &Key) -> bool {
        let mut inner = self.inner.lock();
        let now = Instant::now();
        let fresh = inner.entries.get(key).is_some_and(|slot| slot.entry.until > now);
        inner.remove(key);
        fresh
    }

    /// Room for an entry that is about to be written; `None`: there is none.
    pub fn reserve(&self, key: &Key, bytes: usize) -> Option<Room> {
        let mut room = Room { inner: self.inner.clone(), space: key.space.clone(), bytes: 0 };
        room.grow(bytes).then_some(room)
    }

    /// In the place of what lay there before.
    pub fn insert(&self, key: Key, entry: Entry, mut room: Room) {
        let mut inner = self.inner.lock();
        inner.remove(&key);
        inner.uses += 1;
        let (used, size) = (inner.uses, std::mem::take(&mut room.bytes));
        inner.order.insert(used, key.clone());
        inner.spaces.entry(key.space.clone()).or_default().order.insert(used, key.clone());
        inner.entries.insert(key, Slot { entry: Arc::new(entry), size, used });
    }
}

impl Inner {
    fn touch(&mut self, key: &Key) {
        let Some(slot) = self.entries.get_mut(key) else { return };
        self.uses += 1;
        let before = std::mem::replace(&mut slot.used, self.uses);
        if let Some(own) = self.order.remove(&before) {
            self.order.insert(self.uses, own);
        }
        if let Some(space) = self.spaces.get_mut(&key.space)
            && let Some(own) = space.order.remove(&before)
        {
            space.order.insert(self.uses, own);
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(slot) = self.entries.remove(key) else { return };
        self.order.remove(&slot.used);
        if let Some(space) = self.spaces.get_mut(&key.space) {
            space.order.remove(&slot.used);
        }
        self.give_back(&key.space, slot.size);
    }

    fn give_back(&mut self, space: &Arc<Space>, bytes: usize) {
        self.bytes -= bytes;
        if let Some(used) = self.spaces.get_mut(space) {
            used.bytes -= bytes;
            if used.bytes == 0 && used.order.is_empty() {
                self.spaces.remove(space);
            }
        }
    }

    /// Takes so many bytes for a space. False: what is left of others' cannot be taken.
    fn take(&mut self, space: &Arc<Space>, bytes: usize) -> bool {
        loop {
            let own = self.spaces.get(space).map_or(0, |used| used.bytes);
            let oldest = if own.saturating_add(bytes) > self.most_each {
                self.spaces.get(space).and_then(|used| used.order.values().next().cloned())
            } else if self.bytes.saturating_add(bytes) > self.most {
                self.order.values().next().cloned()
            } else {
                break;
            };
            let Some(oldest) = oldest else { return false };
            self.remove(&oldest);
            self.evicted += 1;
        }
        self.bytes += bytes;
        self.spaces.entry(space.clone()).or_default().bytes += bytes;
        true
    }
}

/// Bytes taken for an entry that is not there yet; given back unless it comes.
pub struct Room {
    inner: Arc<Mutex<Inner>>,
    space: Arc<Space>,
    bytes: usize,
}

impl Room {
    /// Takes more. False: there is no more room.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.inner.lock().take(&self.space, bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.inner.lock().give_back(&self.space, self.bytes);
        }
    }
}

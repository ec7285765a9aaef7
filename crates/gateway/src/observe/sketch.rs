//! Heavy hitters in fixed memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005) with weights. What is
//! not kept takes the place of the lightest, and its count, which is then the most by which it is too
//! large; whoever has more than the total over the number of places is always there.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use switchyard_catalog::ScriptId;

/// See the module's paragraph. A binary heap by weight, the lightest first, and where each key is in it.
pub struct Sketch {
    most: usize,
    entries: Vec<Entry>,
    /// Numbers of entries, as a heap.
    heap: Vec<u32>,
    /// By entry: its place in the heap.
    places: Vec<u32>,
    numbers: HashMap<ScriptId, u32, RandomState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub key: ScriptId,
    pub count: u64,
    /// The most by which `count` is too large.
    pub over: u64,
}

impl Sketch {
    /// With `most` places.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            entries: Vec::new(),
            heap: Vec::new(),
            places: Vec::new(),
            numbers: HashMap::default(),
        }
    }

    pub fn add(&mut self, key: ScriptId, weight: u64) {
        if weight == 0 {
            return;
        }
        let number = match self.numbers.get(&key) {
            Some(number) => *number as usize,
            None if self.entries.len() < self.most => {
                let number = self.entries.len();
                self.entries.push(Entry { key, count: 0, over: 0 });
                self.places.push(number as u32);
                self.heap.push(number as u32);
                self.numbers.insert(key, number as u32);
                self.up(number);
                number
            }
            None => {
                let number = self.heap[0] as usize;
                let lightest = self.entries[number];
                self.numbers.remove(&lightest.key);
                self.numbers.insert(key, number as u32);
                self.entries[number] = Entry { key, count: lightest.count, over: lightest.count };
                number
            }
        };
        self.entries[number].count = self.entries[number].count.saturating_add(weight);
        self.down(self.places[number] as usize);
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What a key that is not among the entries may have at most.
    #[cfg(test)]
    fn floor(&self) -> u64 {
        if self.entries.len() < self.most { 0 } else { self.entries[self.heap[0] as usize].count }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.heap.clear();
        self.places.clear();
        self.numbers.clear();
    }

    fn count_at(&self, place: usize) -> u64 {
        self.entries[self.heap[place] as usize].count
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a] as usize] = a as u32;
        self.places[self.heap[b] as usize] = b as u32;
    }

    fn up(&mut self, mut place: usize) {
        while place > 0 && self.count_at(place) < self.count_at((place - 1) / 2) {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    fn down(&mut self, mut place: usize) {
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heap.len() && self.count_at(child) < self.count_at(least) {
                    least = child;
                }
            }
            if least == place {
                return;
            }
            self.swap(place, least);
            place = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(many: usize) -> Vec<ScriptId> {
        (0..many).map(|_| ScriptId::random()).collect()
    }

    #[test]
    fn counts_are_exact_while_there_is_room() {
        let (mut sketch, keys) = (Sketch::new(8), keys(8));
        for round in 1..=5 {
            for (number, key) in keys.iter().enumerate() {
                sketch.add(*key, round * number as u64);
            }
        }
        for (number, key) in keys.iter().enumerate().skip(1) {
            let entry = sketch.entries().iter().find(|entry| entry.key == *key).unwrap();
            assert_eq!((entry.count, entry.over), (15 * number as u64, 0));
        }
        assert_eq!(sketch.entries().len(), 7, "no weight, no place");
        assert_eq!(sketch.floor(), 0);
    }

    /// True counts beside the sketch, over a stream in which few are heavy and most are light.
    #[test]
    fn the_heavy_are_there_and_no_count_is_wrong_by_more_than_it_says() {
        const PLACES: usize = 64;
        let (mut sketch, keys) = (Sketch::new(PLACES), keys(10_000));
        let mut truth: HashMap<ScriptId, u64> = HashMap::new();
        let mut state = 1_u64;
        let mut total = 0;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = (state >> 33) as usize;
            // A third of the stream is of ten keys.
            let key = keys[if draw.is_multiple_of(3) { draw / 3 % 10 } else { draw / 3 % keys.len() }];
            let weight = (draw % 7) as u64;
            sketch.add(key, weight);
            *truth.entry(key).or_default() += weight;
            total += weight;
        }
        assert_eq!(sketch.entries().len(), PLACES);
        for entry in sketch.entries() {
            let real = truth[&entry.key];
            assert!(entry.count >= real && entry.count - entry.over <= real, "{entry:?}, really {real}");
        }
        for (key, real) in &truth {
            let kept = sketch.entries().iter().any(|entry| entry.key == *key);
            assert!(kept || *real <= sketch.floor(), "{real} and not kept, floor {}", sketch.floor());
            assert!(kept || *real <= total / PLACES as u64);
        }
        assert!(keys[..10].iter().all(|key| sketch.entries().iter().any(|entry| entry.key == *key)));
        // The heap is one.
        for place in 1..sketch.heap.len() {
            assert!(sketch.count_at(place) >= sketch.count_at((place - 1) / 2));
            assert_eq!(sketch.places[sketch.heap[place] as usize] as usize, place);
        }
        sketch.clear();
        assert_eq!((sketch.entries().len(), sketch.floor()), (0, 0));
    }
}

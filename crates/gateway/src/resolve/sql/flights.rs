//! One look-up a key at a time: who asks while it is under way waits for the same answer.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::{FutureExt, Shared};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::database::LookupError;
use super::row::Target;

pub(super) type Found = Result<Option<Arc<Target>>, LookupError>;
/// Ends with the look-up; an error: the node stops.
pub(super) type Flight = Shared<oneshot::Receiver<Found>>;

/// Look-ups under way at once; beyond it a request for yet another key is told that there is no room.
const MOST: usize = 256;

/// Look-ups under way, by key. Its lock is taken on misses alone, for a moment.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Box<str>, Flight>>);

pub(super) enum Joined {
    /// Somebody else looks it up.
    Passenger(Flight),
    /// The caller looks it up, tells the sender, and calls [`Flights::landed`].
    Pilot(oneshot::Sender<Found>, Flight),
}

impl Flights {
    /// `None`: too many are under way.
    pub(super) fn join(&self, key: &str) -> Option<Joined> {
        let mut flights = self.0.lock();
        if let Some(flight) = flights.get(key) {
            return Some(Joined::Passenger(flight.clone()));
        }
        if flights.len() >= MOST {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let flight = receiver.shared();
        flights.insert(key.into(), flight.clone());
        Some(Joined::Pilot(sender, flight))
    }

    pub(super) fn landed(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pilot_a_key_and_a_bound() {
        let flights = Flights::default();
        assert!(matches!(flights.join("a"), Some(Joined::Pilot(..))));
        assert!(matches!(flights.join("a"), Some(Joined::Passenger(_))));
        for number in 1..MOST {
            assert!(matches!(flights.join(&number.to_string()), Some(Joined::Pilot(..))));
        }
        assert!(flights.join("b").is_none());
        assert!(matches!(flights.join("a"), Some(Joined::Passenger(_))));
        flights.landed("a");
        assert!(matches!(flights.join("b"), Some(Joined::Pilot(..))));
    }
}

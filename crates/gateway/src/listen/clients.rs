//! How many connections each client has open: a bound for one address, so that none has all the places of the listeners
//! to itself. Who a client is says the socket, or the load balancer that may speak for others (PROXY protocol); peers
//! whose headers a listener believes stand for many clients and are not counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use ipnet::IpNet;
use parking_lot::Mutex;
use prometheus::IntCounter;
use tokio::time::Instant;

use crate::resolve::trusts;

/// How often the log is told of refusals.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Of all listeners. One entry an address that has a connection, so at most as many as there are connections; each
/// connection locks one of the map's parts twice, for an addition.
pub struct Clients {
    /// Of one address; 0: as many as there are places.
    most: AtomicU32,
    open: DashMap<Address, u32>,
    refused: IntCounter,
    /// When the log was told last, and what was refused by then.
    told: Mutex<Option<(Instant, u64)>>,
}

/// An IPv4 address, or an IPv6 /64: one customer usually has a whole one.
type Address = IpAddr;

fn address(of: IpAddr) -> Address {
    match of.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

impl Clients {
    pub fn new(most: u32, refused: IntCounter) -> Arc<Self> {
        Arc::new(Self { most: AtomicU32::new(most), open: DashMap::new(), refused, told: Mutex::default() })
    }

    /// From the next connection on; those that are open stay.
    pub fn set_most(&self, most: u32) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Counts one more connection of a client for as long as it is held. `None`: it has as many as it may have, which
    /// was counted.
    fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Admitted> {
        let most = match self.most.load(Ordering::Relaxed) {
            0 => return Some(Admitted(None)),
            most => most,
        };
        let address = address(client);
        {
            let mut open = self.open.entry(address).or_insert(0);
            if *open < most {
                *open += 1;
                return Some(Admitted(Some((Arc::clone(self), address))));
            }
        }
        self.refused.inc();
        self.tell(address, most);
        None
    }

    /// Now and then: who floods a node does not flood its log.
    fn tell(&self, address: Address, most: u32) {
        let Some(mut told) = self.told.try_lock() else { return };
        let (now, refused) = (Instant::now(), self.refused.get());
        let before = match *told {
            Some((at, _)) if now - at < TOLD_EVERY => return,
            Some((_, before)) => before,
            None => 0,
        };
        *told = Some((now, refused));
        let refused = refused - before;
        tracing::warn!(%address, most, refused, "connections of an address were closed: limits.connections_per_address");
    }

    fn leave(&self, address: Address) {
        if let Entry::Occupied(mut open) = self.open.entry(address) {
            match open.get_mut() {
                0 | 1 => drop(open.remove()),
                more => *more -= 1,
            }
        }
    }
}

/// A connection that is counted, where it is.
pub struct Admitted(Option<(Arc<Clients>, Address)>);

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some((clients, address)) = self.0.take() {
            clients.leave(address);
        }
    }
}

/// What a listener asks of them.
pub struct PerAddress {
    clients: Arc<Clients>,
    trusted: ArcSwap<Vec<IpNet>>,
}

impl PerAddress {
    /// `trusted`: peers that stand for many clients.
    pub fn new(clients: Arc<Clients>, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { clients, trusted: ArcSwap::from_pointee(trusted) })
    }

    /// From the next connection on.
    pub fn trust(&self, trusted: Vec<IpNet>) {
        self.trusted.store(Arc::new(trusted));
    }

    /// `None`: the connection is to be closed.
    pub fn admit(&self, client: SocketAddr) -> Option<Admitted> {
        if trusts(&self.trusted.load(), client.ip()) {
            return Some(Admitted(None));
        }
        self.clients.admit(client.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(most: u32) -> Arc<Clients> {
        Clients::new(most, IntCounter::new("refused", "x").unwrap())
    }

    #[test]
    fn each_address_has_its_own_and_gives_it_back() {
        let clients = clients(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = clients.admit(ip("192.0.2.1")).unwrap();
        let second = clients.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert!(clients.admit(ip("192.0.2.1")).is_none(), "mapped, it is the same");
        let other = clients.admit(ip("192.0.2.2")).unwrap();
        assert_eq!(clients.refused.get(), 1);
        drop(first);
        let third = clients.admit(ip("192.0.2.1")).unwrap();
        assert!(clients.admit(ip("192.0.2.1")).is_none());
        drop((second, third, other));
        assert!(clients.open.is_empty(), "nothing is kept of those who have gone");
    }

    #[test]
    fn a_64_is_one_client() {
        let clients = clients(1);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let held = clients.admit(ip("2001:db8:0:1::1")).unwrap();
        assert!(clients.admit(ip("2001:db8:0:1:ffff::")).is_none());
        let next = clients.admit(ip("2001:db8:0:2::1"));
        assert!(next.is_some());
        drop(held);
        assert!(clients.admit(ip("2001:db8:0:1:ffff::")).is_some());
    }

    #[test]
    fn it_can_be_off_and_change() {
        let clients = clients(0);
        let ip = "192.0.2.1".parse().unwrap();
        let many: Vec<_> = (0..1_000).map(|_| clients.admit(ip).unwrap()).collect();
        assert!(clients.open.is_empty());
        clients.set_most(1);
        let one = clients.admit(ip).unwrap();
        assert!(clients.admit(ip).is_none());
        // Those that came uncounted leave so.
        drop(many);
        assert!(clients.admit(ip).is_none());
        clients.set_most(2);
        let two = clients.admit(ip).unwrap();
        clients.set_most(0);
        drop((one, two));
        assert!(clients.open.is_empty());
    }

    #[test]
    fn who_stands_for_many_is_not_counted() {
        let clients = clients(1);
        let door = PerAddress::new(clients.clone(), vec!["10.0.0.0/8".parse().unwrap()]);
        let (inside, outside) = ("10.1.2.3:4".parse().unwrap(), "192.0.2.1:4".parse().unwrap());
        let many: Vec<_> = (0..10).map(|_| door.admit(inside).unwrap()).collect();
        let _one = door.admit(outside).unwrap();
        assert!(door.admit(outside).is_none());
        door.trust(vec!["192.0.2.0/24".parse().unwrap()]);
        assert!(door.admit(outside).is_some());
        drop(many);
        let _counted = door.admit(inside).unwrap();
        assert!(door.admit(inside).is_none());
    }

    #[test]
    fn many_threads_never_pass_the_line() {
        let clients = clients(5);
        let most = AtomicU32::new(0);
        let open = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        if let Some(admitted) = clients.admit([192, 0, 2, 1].into()) {
                            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            std::thread::yield_now();
                            open.fetch_sub(1, Ordering::SeqCst);
                            drop(admitted);
                        }
                    }
                });
            }
        });
        assert!((1..=5).contains(&most.into_inner()));
        assert!(clients.open.is_empty());
    }
}

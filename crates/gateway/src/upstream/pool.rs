//! What is kept of a tenant's origins between requests: connections, and how well each origin is. The
//! last one that was put back is the first to be used, so that a pool shrinks to what is needed.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::HeaderValue;
use parking_lot::Mutex;
use switchyard_catalog::{Origin, Upstream};

use super::health::Health;
use super::link::Link;
use super::shared::SharedLinks;
use crate::config;

/// A tenant that was used lately.
pub struct Tenant {
    pub upstream: Arc<Upstream>,
    pub origins: Vec<OriginPool>,
    /// For smooth weighted round robin: what each origin is ahead of or behind its share.
    turns: Mutex<Vec<i32>>,
    in_use: Arc<AtomicU32>,
    used_at: AtomicU64,
}

/// One origin of a tenant.
pub struct OriginPool {
    pub origin: Origin,
    /// Its own `Host`.
    pub host: HeaderValue,
    pub health: Health,
    idle: Mutex<Vec<Link>>,
    /// Where HTTP/2 is spoken.
    pub shared: SharedLinks,
    kept: Arc<AtomicU32>,
}

impl Tenant {
    /// `in_use` and `kept`: where its exchanges, and the node's idle connections, are counted.
    pub fn new(upstream: Arc<Upstream>, in_use: Arc<AtomicU32>, kept: Arc<AtomicU32>) -> Self {
        let origins = upstream.origins.iter().map(|origin| OriginPool {
            origin: origin.clone(),
            // The host of a URL is always one.
            host: HeaderValue::try_from(origin.authority()).unwrap_or_else(|_| HeaderValue::from_static("")),
            health: Health::default(),
            idle: Mutex::default(),
            shared: SharedLinks::default(),
            kept: kept.clone(),
        });
        Self {
            origins: origins.collect(),
            turns: Mutex::new(vec![0; upstream.origins.len()]),
            upstream,
            in_use,
            used_at: AtomicU64::new(0),
        }
    }

    /// The same with nothing known of its origins, and no connections.
    pub fn anew(&self) -> Self {
        let kept = self.origins.first().map(|origin| origin.kept.clone()).unwrap_or_default();
        let anew = Self::new(self.upstream.clone(), self.in_use.clone(), kept);
        anew.used(self.used_at());
        anew
    }

    pub fn in_use(&self) -> &Arc<AtomicU32> {
        &self.in_use
    }

    pub fn is_used(&self) -> bool {
        self.in_use.load(Ordering::Relaxed) > 0
    }

    pub fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }

    pub fn used(&self, now: u64) {
        self.used_at.store(now, Ordering::Relaxed);
    }

    /// Whose turn it is, by weight, among those that are well and not in `tried` (one bit each).
    pub fn pick(&self, tried: u32, now: u64) -> Option<usize> {
        let may = |at: usize| tried & (1 << at) == 0 && self.origins[at].health.is_well(now);
        if self.origins.len() == 1 {
            return may(0).then_some(0);
        }
        let mut turns = self.turns.lock();
        let mut total = 0;
        let mut best: Option<usize> = None;
        for at in (0..self.origins.len()).filter(|at| may(*at)) {
            let weight = i32::from(self.origins[at].origin.weight);
            turns[at] += weight;
            total += weight;
            if best.is_none_or(|best| turns[at] > turns[best]) {
                best = Some(at);
            }
        }
        turns[best?] -= total;
        best
    }

    /// Closes what was kept for too long.
    pub fn forget_idle(&self, now: u64, config: &config::Upstream) {
        let keep = keep(config);
        for origin in &self.origins {
            let mut idle = origin.idle.lock();
            let old = idle.iter().take_while(|link| is_old(link, now, keep)).count();
            let old: Vec<Link> = idle.drain(..old).collect();
            drop(idle);
            drop(old);
            origin.shared.forget_idle(now, keep);
        }
    }
}

impl OriginPool {
    /// A connection that was kept, if one is still good. Where HTTP/2 is wanted (`http2`) one of those, or another
    /// if the origin speaks none.
    pub async fn take(&self, http2: bool, now: u64, config: &config::Upstream) -> Option<Link> {
        if http2 && let Some(stream) = self.shared.take(now) {
            return Some(Link::shared(stream));
        }
        if http2 && !self.shared.declined.load(Ordering::Relaxed) {
            return None;
        }
        let keep = keep(config);
        loop {
            let mut link = self.idle.lock().pop()?;
            link.kept = None;
            let ready = poll_fn(|cx| Poll::Ready(matches!(link.poll_ready(cx), Poll::Ready(true)))).await;
            if ready && !is_old(&link, now, keep) {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for the next request, if there is room and it can take one.
    pub fn keep(&self, mut link: Link, now: u64, config: &config::Upstream, cx: &mut Context<'_>) -> Result<(), Link> {
        match link.poll_ready(cx) {
            Poll::Ready(true) => self.put(link, now, config),
            Poll::Ready(false) => {}
            Poll::Pending => return Err(link),
        }
        Ok(())
    }

    /// A place for a connection that stays.
    pub fn place(&self, config: &config::Upstream) -> Option<Counted> {
        Counted::take(&self.kept, config.idle_connections)
    }

    /// As [`OriginPool::keep`], of one that is ready.
    pub fn put(&self, mut link: Link, now: u64, config: &config::Upstream) {
        let Some(kept) = self.place(config) else { return };
        (link.kept, link.idle_since) = (Some(kept), now);
        link.rest();
        let mut idle = self.idle.lock();
        if idle.len() < config.idle_per_origin as usize {
            idle.push(link);
        }
    }
}

/// Milliseconds for which a connection is kept.
fn keep(config: &config::Upstream) -> u64 {
    u64::try_from(config.keep_alive.as_millis()).unwrap_or(u64::MAX)
}

fn is_old(link: &Link, now: u64, keep: u64) -> bool {
    link.idle_since.saturating_add(keep) <= now
}

/// One of a bounded number.
pub struct Counted(Arc<AtomicU32>);

impl Counted {
    /// `None`: there are as many as there may be.
    pub fn take(count: &Arc<AtomicU32>, most: u32) -> Option<Self> {
        // Only the count itself has to be right.
        if count.fetch_add(1, Ordering::Relaxed) >= most {
            count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(count.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchyard_catalog::{UpstreamHost, UpstreamProtocol};

    use super::*;

    fn tenant(weights: &[u16]) -> Tenant {
        let origins = weights.iter().enumerate();
        let origins = origins.map(|(at, weight)| Origin::parse(&format!("http://a{at}"), *weight).unwrap());
        let upstream = Upstream {
            origins: origins.collect(),
            host: UpstreamHost::Keep,
            protocol: UpstreamProtocol::Http1,
            health: None,
            connect_timeout_ms: None,
            head_timeout_ms: None,
            idle_timeout_ms: None,
            retries: None,
            inside: false,
        };
        Tenant::new(Arc::new(upstream), Arc::default(), Arc::default())
    }

    #[test]
    fn turns_go_by_weight_and_evenly() {
        let tenant = tenant(&[3, 1, 1]);
        let order: Vec<usize> = (0..5).map(|_| tenant.pick(0, 0).unwrap()).collect();
        assert_eq!(order, [0, 1, 0, 2, 0]);
        let again: Vec<usize> = (0..5).map(|_| tenant.pick(0, 0).unwrap()).collect();
        assert_eq!(again, order);
    }

    #[test]
    fn who_was_tried_or_is_out_has_no_turn() {
        let tenant = tenant(&[1, 1]);
        assert_eq!(tenant.pick(0b01, 0), Some(1));
        assert_eq!(tenant.pick(0b11, 0), None);
        for _ in 0..3 {
            tenant.origins[1].health.failed(0, 3, Duration::from_millis(10));
        }
        assert_eq!((0..4).filter_map(|_| tenant.pick(0, 9)).collect::<Vec<_>>(), [0; 4]);
        assert_eq!(tenant.pick(0b01, 9), None);
        assert_eq!(tenant.pick(0b01, 10), Some(1));
    }

    #[test]
    fn a_count_has_a_most() {
        let count = Arc::default();
        let held = [Counted::take(&count, 2), Counted::take(&count, 2)];
        assert!(held.iter().all(Option::is_some) && Counted::take(&count, 2).is_none());
        drop(held);
        assert!(Counted::take(&count, 1).is_some());
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}

//! How well an origin is: by what requests meet (too many failures in a row, and it gets none for a
//! while), and by checks of our own, where the upstream asks for them and is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, header};
use switchyard_catalog::{HealthCheck, UpstreamProtocol};
use switchyard_runtime::Body;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Upstreams;
use super::link::Link;
use super::pool::{OriginPool, Tenant};

#[derive(Default)]
pub struct Health {
    /// Of requests, in a row.
    failures: AtomicU32,
    /// No requests until then, in milliseconds of [`Upstreams`].
    out_until: AtomicU64,
    /// Its checks fail.
    down: AtomicBool,
    checks: Checks,
}

/// Written by the one check that is under way, and by whoever starts it.
#[derive(Default)]
struct Checks {
    under_way: AtomicBool,
    /// When the last one began; 0: none.
    at: AtomicU64,
    /// In a row.
    good: AtomicU32,
    bad: AtomicU32,
}

impl Health {
    /// Whether it may get requests.
    pub fn is_well(&self, now: u64) -> bool {
        !self.down.load(Ordering::Relaxed) && self.out_until.load(Ordering::Relaxed) <= now
    }

    pub fn answered(&self) {
        // Mostly it is zero already: then nothing is written that other threads read.
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A request met the origin's failure. True: it is taken out now. After that a first failure takes it
    /// out again, a first answer clears it.
    pub fn failed(&self, now: u64, most: u32, out: Duration) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < most || self.out_until.load(Ordering::Relaxed) > now {
            return false;
        }
        let out = u64::try_from(out.as_millis()).unwrap_or(u64::MAX);
        self.out_until.store(now.saturating_add(out), Ordering::Relaxed);
        true
    }

    /// A check ended. True: it is taken out now.
    fn checked(&self, good: bool, rules: &HealthCheck) -> bool {
        let Checks { good: goods, bad: bads, .. } = &self.checks;
        if good {
            bads.store(0, Ordering::Relaxed);
            if goods.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= rules.healthy.into() {
                self.down.store(false, Ordering::Relaxed);
                // What requests met is history.
                self.failures.store(0, Ordering::Relaxed);
                self.out_until.store(0, Ordering::Relaxed);
            }
            return false;
        }
        goods.store(0, Ordering::Relaxed);
        let bad = bads.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        bad >= rules.unhealthy.into() && !self.down.swap(true, Ordering::Relaxed)
    }

    /// Whether a check is to begin now; then it is under way.
    fn begins(&self, now: u64, interval: u64) -> bool {
        let at = self.checks.at.load(Ordering::Relaxed);
        if at != 0 && at.saturating_add(interval) > now || self.checks.under_way.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.checks.at.store(now.max(1), Ordering::Relaxed);
        true
    }
}

/// Begins the checks that are due of a tenant that was used lately. Those that find no place among
/// `places` are due again at the next look.
pub fn check(upstreams: &Arc<Upstreams>, tenant: &Arc<Tenant>, now: u64, places: &Arc<Semaphore>) {
    let Some(rules) = &tenant.upstream.health else { return };
    for at in 0..tenant.origins.len() {
        let Ok(place) = places.clone().try_acquire_owned() else { return };
        if !tenant.origins[at].health.begins(now, rules.interval_ms.into()) {
            continue;
        }
        let (upstreams, tenant) = (upstreams.clone(), tenant.clone());
        tokio::spawn(async move {
            let (Some(rules), origin) = (&tenant.upstream.health, &tenant.origins[at]) else { return };
            let until = Instant::now() + Duration::from_millis(rules.timeout_ms.into());
            let good = tokio::time::timeout_at(until, upstreams.ask(&tenant, origin, rules, until));
            let good = good.await.unwrap_or(false);
            if origin.health.checked(good, rules) {
                upstreams.metrics.taken_out_by_checks();
            }
            origin.health.checks.under_way.store(false, Ordering::Relaxed);
            drop(place);
        });
    }
}

impl Upstreams {
    /// One check, over a connection of its own: that connections can be made is part of it.
    async fn ask(&self, tenant: &Tenant, origin: &OriginPool, rules: &HealthCheck, until: Instant) -> bool {
        let http2 = tenant.upstream.protocol == UpstreamProtocol::Http2;
        let connected = self.connector.connect(&origin.origin, tenant.upstream.inside, http2, until).await;
        let Ok(stream) = connected else { return false };
        let link = if http2 && (!origin.origin.tls || stream.agreed_http2()) {
            origin.shared.begin(stream, 0, None, &self.io).await.map(Link::shared)
        } else {
            Link::new(stream).await
        };
        let Ok(mut link) = link else { return false };
        let mut request = Request::new(Body::Empty);
        let Ok(uri) = rules.path.parse() else { return false };
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::HOST, origin.host.clone());
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("switchyard-health"));
        link.fit(&mut request, origin.origin.tls, &origin.host);
        let answer = link.send(request).await;
        answer.is_ok_and(|answer| (200..400).contains(&answer.status().as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_take_an_origin_out_for_a_while() {
        let (health, out) = (Health::default(), Duration::from_millis(100));
        let failed = |now| health.failed(now, 3, out);
        assert!(!failed(1) && !failed(2));
        health.answered();
        assert!(!failed(3) && !failed(4) && health.is_well(4));
        assert!(failed(5));
        assert!(!health.is_well(104) && health.is_well(105));
        assert!(!failed(50), "a request that began before");
        // One failure after that takes it out again, one answer clears it.
        assert!(failed(105) && !health.is_well(204));
        health.answered();
        assert!(!failed(205) && health.is_well(205));
    }

    #[test]
    fn checks_have_a_threshold_either_way() {
        let health = Health::default();
        let rules = HealthCheck { healthy: 2, unhealthy: 2, ..HealthCheck::at("/") };
        assert!(!health.checked(false, &rules) && health.is_well(0));
        assert!(!health.checked(true, &rules) && !health.checked(false, &rules) && health.is_well(0));
        assert!(health.checked(false, &rules) && !health.is_well(0));
        assert!(!health.checked(false, &rules), "told once");
        health.checked(true, &rules);
        assert!(!health.is_well(0));
        health.checked(true, &rules);
        assert!(health.is_well(0));
    }

    #[test]
    fn one_check_at_a_time_and_not_too_often() {
        let health = Health::default();
        assert!(health.begins(5, 1_000));
        assert!(!health.begins(2_000, 1_000), "the last one has not ended");
        health.checks.under_way.store(false, Ordering::Relaxed);
        assert!(!health.begins(1_004, 1_000) && health.begins(1_005, 1_000));
    }
}

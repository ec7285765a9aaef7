//! What a service manager is told (systemd's protocol, which others speak too): that the node is ready, reads its
//! configuration again, ends, is alive, or goes on as another process. Without one, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::runtime::Handle;

/// Requests are answered.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is read again; [`ready`] follows.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the clock does not answer"),
    }
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// From now on that process is the service.
pub fn continues_as(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

/// Says again and again that the node is alive, where the manager wants to hear it, as long as both its own threads
/// and those of clients take on work. Ends with the runtime.
pub fn watch(admin: Handle) {
    let Some(every) = sd_notify::watchdog_enabled().map(|longest| longest / 2) else { return };
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every.max(Duration::from_millis(10))).await;
            if tokio::time::timeout(every, admin.spawn(async {})).await.is_ok() {
                tell(&[NotifyState::Watchdog]);
            }
        }
    });
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::warn!(%error, "could not tell the service manager");
    }
}

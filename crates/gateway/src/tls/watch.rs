//! Certificates' files, looked at every few seconds: what a renewal has written serves from the next handshake on,
//! what is wrong with it is told once. Looking is some system calls a file; kinds of file systems that tell changes
//! by themselves (and those that do not: volumes of orchestrators, network mounts) are treated alike.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::certificate::{Stamp, now};
use super::table::{Before, Table};
use super::{Termination, TlsMetrics};

const LOOK: Duration = Duration::from_secs(2);
/// How often a certificate that should have been renewed is told of.
const REMIND: i64 = 86_400;

/// Never returns. The first look is at once.
pub async fn watch(all: Vec<Arc<Termination>>, metrics: TlsMetrics) {
    if all.is_empty() {
        return;
    }
    let mut reminded = HashMap::new();
    let since = now();
    loop {
        let looked = tokio::task::spawn_blocking({
            let (all, metrics) = (all.clone(), metrics.clone());
            move || {
                all.iter().for_each(|one| one.look());
                metrics.expires.set(all.iter().map(|one| one.expires()).min().unwrap_or_default());
                for one in &all {
                    one.remind(&mut reminded, since, now());
                }
                reminded
            }
        });
        // A panic in it would be a bug; the next look begins anew.
        reminded = looked.await.unwrap_or_default();
        tokio::time::sleep(LOOK).await;
    }
}

impl Termination {
    /// Reads again what has changed.
    fn look(&self) {
        let table = self.table.load_full();
        if table.files.iter().all(|files| Stamp::of(&files.paths) == files.stamp) {
            return;
        }
        let before = Before { table: &table, metrics: &self.metrics, all: false };
        match Table::load(&table.config, &self.provider, &self.tickets, Some(before)) {
            // A configuration that was read in between goes before.
            Ok(read) => drop(self.table.compare_and_swap(&table, Arc::new(read))),
            Err(error) => tracing::error!(error = crate::chain(&error), "certificates could not be read again"),
        }
    }

    fn remind(&self, reminded: &mut HashMap<PathBuf, i64>, since: i64, now: i64) {
        for files in &self.table.load().files {
            let last = reminded.entry(files.paths.cert.clone()).or_insert(since);
            if now - *last >= REMIND {
                *last = now;
                files.lifetime.advise(&files.paths.cert, now);
            }
        }
    }
}

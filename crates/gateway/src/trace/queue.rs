//! Spans on their way to a collector: a queue of bounded length, and one task that sends what is in it, in
//! lumps. A collector that is slow or away costs spans, never requests. What sends them is [`Export`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Counts, Span};

/// Spans sent at once, and how long fewer are collected.
const LUMP: usize = 512;
const COLLECT: Duration = Duration::from_secs(1);
/// What is left at the end has this long.
const END: Duration = Duration::from_secs(2);

/// The way to a collector.
pub trait Export: Send + Sync + 'static {
    /// Dropped when the collector does not answer in time.
    ///
    /// # Errors
    /// Why they were not taken.
    fn export(&self, spans: Vec<Span>) -> impl Future<Output = Result<(), String>> + Send;
}

/// The way in.
pub struct Queue {
    spans: mpsc::Sender<Span>,
    end: mpsc::Sender<oneshot::Sender<()>>,
}

impl Queue {
    /// Of at most `length` spans; each lump has `timeout` to be taken. Within a runtime.
    pub fn start(exporter: impl Export, length: usize, timeout: Duration, counts: Arc<Counts>) -> Self {
        let (spans, queued) = mpsc::channel(length.max(1));
        let (end, ends) = mpsc::channel(1);
        let sender = Sender { exporter, counts, timeout };
        tokio::spawn(sender.run(queued, ends));
        Self { spans, end }
    }

    /// Whether there was room.
    pub fn push(&self, span: Span) -> bool {
        self.spans.try_send(span).is_ok()
    }

    /// Sends what is left, for two seconds at most.
    pub async fn end(&self) {
        let (tell, told) = oneshot::channel();
        let ended = async {
            if self.end.send(tell).await.is_ok() {
                let _ = told.await;
            }
        };
        let _ = tokio::time::timeout(END, ended).await;
    }
}

struct Sender<E> {
    exporter: E,
    counts: Arc<Counts>,
    timeout: Duration,
}

impl<E: Export> Sender<E> {
    async fn run(self, mut queued: mpsc::Receiver<Span>, mut ends: mpsc::Receiver<oneshot::Sender<()>>) {
        let mut lump = Vec::with_capacity(LUMP);
        loop {
            let end = tokio::select! {
                many = queued.recv_many(&mut lump, LUMP) => {
                    if many == 0 {
                        return;
                    }
                    None
                }
                end = ends.recv() => end,
            };
            if let Some(told) = end {
                while let Ok(span) = queued.try_recv() {
                    lump.push(span);
                }
                self.send(&mut lump).await;
                let _ = told.send(());
                return;
            }
            if lump.len() < LUMP {
                // A few more, should they come soon.
                let left = LUMP - lump.len();
                let _ = tokio::time::timeout(COLLECT, async {
                    let wanted = lump.len() + left;
                    while lump.len() < wanted && queued.recv_many(&mut lump, left).await > 0 {}
                })
                .await;
            }
            self.send(&mut lump).await;
        }
    }

    async fn send(&self, lump: &mut Vec<Span>) {
        if lump.is_empty() {
            return;
        }
        let many = lump.len() as u64;
        let sent = tokio::time::timeout(self.timeout, self.exporter.export(std::mem::take(lump))).await;
        match sent {
            Ok(Ok(())) => drop(self.counts.sent.fetch_add(many, Ordering::Relaxed)),
            Ok(Err(error)) => {
                self.counts.failed.fetch_add(many, Ordering::Relaxed);
                tracing::debug!(%error, many, "spans could not be sent");
            }
            Err(_) => {
                self.counts.failed.fetch_add(many, Ordering::Relaxed);
                tracing::debug!(many, "the collector did not answer in time");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use super::super::SpanKind;
    use super::*;

    /// Says nothing, or what it is given, after so many spans.
    struct Collector(Option<Result<(), String>>, mpsc::UnboundedSender<usize>);

    impl Export for Collector {
        async fn export(&self, spans: Vec<Span>) -> Result<(), String> {
            let _ = self.1.send(spans.len());
            match &self.0 {
                Some(said) => said.clone(),
                None => std::future::pending().await,
            }
        }
    }

    fn span() -> Span {
        let now = SystemTime::now();
        let kind = SpanKind::Server;
        Span {
            name: "x",
            trace: 1,
            id: 2,
            parent: 0,
            kind,
            began: now,
            ended: now,
            attributes: Vec::new(),
            failed: None,
        }
    }

    fn started(
        said: Option<Result<(), String>>,
        length: usize,
    ) -> (Queue, Arc<Counts>, mpsc::UnboundedReceiver<usize>) {
        let (told, lumps) = mpsc::unbounded_channel();
        let counts = Arc::<Counts>::default();
        let queue = Queue::start(Collector(said, told), length, Duration::from_millis(50), counts.clone());
        (queue, counts, lumps)
    }

    #[tokio::test]
    async fn a_silent_collector_costs_what_finds_no_room() {
        let (queue, counts, mut lumps) = started(None, 4);
        let (mut kept, mut lost) = (0, 0);
        let began = Instant::now();
        let failed = || counts.failed.load(Ordering::Relaxed);
        while failed() == 0 || lost == 0 {
            // Never waits: the queue takes it or not.
            if queue.push(span()) {
                kept += 1
            } else {
                lost += 1
            }
            tokio::task::yield_now().await;
            assert!(began.elapsed() < Duration::from_secs(30), "{kept} kept, {lost} lost, {} failed", failed());
        }
        assert!(lumps.recv().await.unwrap() <= LUMP);
        queue.end().await;
        // What was taken has failed, each once, but for what the end had no time for.
        assert!(failed() <= kept && counts.sent.load(Ordering::Relaxed) == 0);
        assert!(!queue.push(span()), "it has ended");
    }

    #[tokio::test]
    async fn the_end_waits_for_what_is_left_and_no_longer() {
        for said in [Ok(()), Err("full".to_owned())] {
            let (queue, counts, mut lumps) = started(Some(said.clone()), 10);
            assert!((0..3).all(|_| queue.push(span())));
            queue.end().await;
            let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
            let wanted = if said.is_ok() { (3, 0) } else { (0, 3) };
            assert_eq!((count(&counts.sent), count(&counts.failed)), wanted);
            let mut all = 0;
            while let Ok(more) = lumps.try_recv() {
                all += more;
            }
            assert_eq!(all, 3);
        }
    }
}

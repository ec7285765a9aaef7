//! One thread of the load: its connections, each a task that takes a ticket, sends, waits, and counts.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::connect::Bytes;
use super::hosts::Picker;
use super::plan::{Length, Plan};
use super::tally::{Failed, Kind, LATE, Tally};
use super::target::Origin;
use super::tickets::Tickets;
use super::{http1, http2};

/// Between attempts to connect of a closed loop: a server that is away is not hammered.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// Connections that are made at once before the run.
const OPENING: usize = 64;

/// What the threads share with the one that started them.
#[derive(Clone)]
pub struct Shared {
    pub plan: Arc<Plan>,
    /// Requests that a closed loop has left.
    pub left: Arc<AtomicU64>,
    /// When all connections are there: the begin.
    pub begin: watch::Receiver<Option<Instant>>,
    pub stop: watch::Receiver<bool>,
    /// A message of each thread whose connections are there.
    pub opened: mpsc::UnboundedSender<()>,
}

/// One thread's, as its tasks see it.
struct Worker {
    plan: Arc<Plan>,
    tally: Arc<Mutex<Tally>>,
    bytes: Arc<Bytes>,
    picker: RefCell<Picker>,
    tickets: Tickets,
    began: Instant,
}

/// Runs to the end, or until it is stopped.
///
/// # Errors
/// When the system refuses what it needs.
pub fn run(shared: Shared, thread: usize, tally: Arc<Mutex<Tally>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let mut stop = shared.stop.clone();
        tokio::select! {
            done = load(shared, thread, tally) => done,
            _ = stop.wait_for(|stop| *stop) => Ok(()),
        }
    })
}

async fn load(mut shared: Shared, thread: usize, tally: Arc<Mutex<Tally>>) -> anyhow::Result<()> {
    let plan = shared.plan.clone();
    let bytes = Arc::new(Bytes::default());
    let numbers: Vec<usize> = (thread..plan.connections).step_by(plan.threads).collect();
    let open = opened(&plan, &numbers, &bytes, &tally).await;
    let _ = shared.opened.send(());
    let began = shared.begin.wait_for(Option::is_some).await.context("nobody began")?.unwrap_or_else(Instant::now);
    let picker = plan.pickers.get(thread).context("a picker for each thread")?.clone();
    let worker = Rc::new(Worker {
        tickets: Tickets::new(&plan, thread, began, shared.left.clone()),
        picker: RefCell::new(picker),
        bytes,
        tally,
        began,
        plan: plan.clone(),
    });
    let mut tasks = JoinSet::new();
    for (number, connection) in open {
        match connection {
            Open::Http1(connection) => {
                tasks.spawn_local(worker.clone().http1(number, connection));
            }
            Open::Http2(connection) => {
                for stream in 0..plan.streams {
                    tasks.spawn_local(worker.clone().http2(number, stream, connection.clone()));
                }
            }
        }
    }
    let pacer = worker.clone();
    let grace = plan.timeout;
    tasks.spawn_local(async move {
        pacer.tickets.pace(grace).await?;
        for _ in 0..pacer.tickets.unsent() {
            pacer.failed(Failed::new(Kind::Unsent, "all connections were busy"), Instant::now());
        }
        Ok(())
    });
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    worker.count_bytes(&mut worker.tally());
    Ok(())
}

enum Open {
    Http1(http1::Connection),
    Http2(Rc<http2::Connection>),
}

/// A thread's connections, made before the clock runs; one that cannot be made now is tried again when it is needed.
async fn opened(plan: &Arc<Plan>, numbers: &[usize], bytes: &Arc<Bytes>, tally: &Mutex<Tally>) -> Vec<(usize, Open)> {
    let mut open = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(OPENING) {
        let mut opening = JoinSet::new();
        for number in some.iter().copied() {
            let (plan, bytes) = (plan.clone(), bytes.clone());
            opening.spawn_local(async move {
                let origin = origin(&plan, number);
                if plan.http2 {
                    let connection = Rc::new(http2::Connection::default());
                    let done = connection.open(&plan, origin, &bytes, &mut None).await;
                    (number, Open::Http2(connection), done)
                } else {
                    let mut connection = http1::Connection::new(number);
                    let done = connection.open(&plan, origin, &bytes).await;
                    (number, Open::Http1(connection), done)
                }
            });
        }
        while let Some(done) = opening.join_next().await {
            // A task that panicked has said so; its connection is left out.
            let Ok((number, connection, done)) = done else { continue };
            if let Err(failed) = done {
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.first.entry(failed.kind.name()).or_insert(failed.why);
            }
            open.push((number, connection));
        }
    }
    open
}

/// Connections are dealt out over the origins.
fn origin(plan: &Plan, number: usize) -> &Origin {
    &plan.targets.0[number % plan.targets.0.len()]
}

impl Worker {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn http1(self: Rc<Self>, number: usize, mut connection: http1::Connection) -> anyhow::Result<()> {
        let origin = origin(&self.plan, number);
        let template = http1::Template::new(&self.plan, origin);
        let (mut host, mut back_off) = (String::new(), BACK_OFF[0]);
        while let Some(due) = self.tickets.next().await {
            self.host(origin, &mut host);
            if let Err(failed) = connection.open(&self.plan, origin, &self.bytes).await {
                self.failed(failed, due);
                self.wait(&mut back_off).await;
                continue;
            }
            back_off = BACK_OFF[0];
            let late = self.is_late(due);
            let answer = connection.call(&template, &host, self.plan.timeout).await;
            self.count(answer, due, late);
        }
        Ok(())
    }

    async fn http2(
        self: Rc<Self>,
        number: usize,
        stream: usize,
        connection: Rc<http2::Connection>,
    ) -> anyhow::Result<()> {
        let origin = origin(&self.plan, number);
        let fixed = self.plan.hosts.is_none().then(|| origin.authority.as_str());
        let template = http2::Template::new(&self.plan, origin, fixed)?;
        let (mut host, mut back_off, mut turn, mut own) = (String::new(), BACK_OFF[0], number + stream, None);
        while let Some(due) = self.tickets.next().await {
            self.host(origin, &mut host);
            let opened = connection.open(&self.plan, origin, &self.bytes, &mut own).await;
            let sender = match (opened, &mut own) {
                (Ok(()), Some(sender)) => sender,
                (opened, _) => {
                    let failed = opened.err().unwrap_or_else(|| Failed::new(Kind::Connect, "no connection"));
                    self.failed(failed, due);
                    self.wait(&mut back_off).await;
                    continue;
                }
            };
            back_off = BACK_OFF[0];
            let late = self.is_late(due);
            turn = turn.wrapping_add(1);
            let answer = http2::call(sender, &template, turn, &host, self.plan.timeout).await;
            self.count(answer, due, late);
        }
        Ok(())
    }

    /// The next request's.
    fn host(&self, origin: &Origin, host: &mut String) {
        host.clear();
        match &self.plan.hosts {
            Some(hosts) => hosts.write(self.picker.borrow_mut().next(), host),
            None => host.push_str(origin.authority.as_str()),
        }
    }

    fn is_late(&self, due: Instant) -> bool {
        !self.tickets.is_closed_loop() && due.elapsed() > LATE
    }

    fn count(&self, answer: Result<u16, Failed>, due: Instant, late: bool) {
        match answer {
            Ok(status) => {
                let now = Instant::now();
                let mut tally = self.tally();
                tally.answered(status, self.plan.is_right(status), now.saturating_duration_since(due));
                tally.late += u64::from(late);
                tally.last = now.saturating_duration_since(self.began);
                self.count_bytes(&mut tally);
            }
            Err(failed) => {
                self.failed(failed, due);
                self.tally().late += u64::from(late);
            }
        }
    }

    fn failed(&self, failed: Failed, due: Instant) {
        let now = Instant::now();
        let mut tally = self.tally();
        tally.failed(failed, now.saturating_duration_since(due));
        tally.last = now.saturating_duration_since(self.began);
    }

    fn count_bytes(&self, tally: &mut Tally) {
        tally.received += self.bytes.received.swap(0, Ordering::Relaxed);
        tally.sent += self.bytes.sent.swap(0, Ordering::Relaxed);
    }

    /// A closed loop would otherwise try again at once.
    async fn wait(&self, back_off: &mut Duration) {
        if self.tickets.is_closed_loop() {
            let left = match self.plan.length {
                Length::Time(time) => time.saturating_sub(self.began.elapsed()),
                Length::Requests(_) => BACK_OFF[1],
            };
            tokio::time::sleep((*back_off).min(left)).await;
            *back_off = (*back_off * 2).min(BACK_OFF[1]);
        }
    }
}

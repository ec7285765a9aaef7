//! The proof that restoring in place is exact: before every request in a run of ten thousand, of scripts
//! that do all they can to the memory, it is compared byte for byte with base + delta, and the private
//! pages the slot knows of with what the kernel says in both of its ways. The same again while the
//! kernel is made to compact memory all the time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use http_body_util::BodyExt;
use switchyard_catalog::{Limits, Validator, VersionId, WorkerSpec};

use crate::base::Base;
use crate::delta::Delta;
use crate::fuel::spec;
use crate::image::PAGE;
use crate::pagemap::{Pagemap, Run};
use crate::slot::Slot;
use crate::worker::{Code as MadeOf, Worker};
use crate::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Runtime, Target, WorkerSource,
};

/// Counts what every request finds, in the runtime of a test.
#[derive(Debug, Default)]
pub struct Proof {
    releases: AtomicUsize,
    /// Memories that were not base + delta.
    wrong: AtomicUsize,
    /// Private pages that the slot or one of the kernel's two ways did not know of.
    missed: AtomicUsize,
    most_private: AtomicUsize,
    /// In how many pages the last request left the memory other than base + delta; counted while `count_written`.
    written: AtomicUsize,
    count_written: AtomicBool,
}

impl Proof {
    pub fn check(&self, slot: &mut Slot, base: &Base) {
        self.releases.fetch_add(1, Ordering::Relaxed);
        let (start, len, known) = slot.known_private();
        let (mut scanned, mut read) = (Vec::new(), Vec::new());
        let private = Pagemap::open().and_then(|mut map| map.private(start, len, &mut scanned));
        let by_read = Pagemap::open_by_read().and_then(|mut map| map.private(start, len, &mut read));
        let zero = |page: u32| base.image[page as usize * 4096..][..4096].iter().all(|byte| *byte == 0);
        let missed = pages(&scanned).filter(|page| !holds(&read, *page) || !holds(known, *page)).count()
            // Reading the file does not tell the zero page from a private one: that may be too many.
            + pages(&read).filter(|page| !holds(&scanned, *page) && !zero(*page)).count();
        self.missed.fetch_add(missed + usize::from(private.is_err() || by_read.is_err()), Ordering::Relaxed);
        self.most_private.fetch_max(private.unwrap_or(0), Ordering::Relaxed);
        if let Some(page) = slot.differs_at(base) {
            eprintln!("page {page} is not what it must be");
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the pages in which a request left its slot other than base + delta.
    pub fn see_written(&self, slot: &Slot, base: &Base) {
        if !self.count_written.load(Ordering::Relaxed) {
            return; // it takes a copy of the base
        }
        let expected = slot.expected(base);
        let written = slot.memory_bytes().chunks(PAGE).zip(expected.chunks(PAGE)).filter(|(now, then)| now != then);
        self.written.store(written.count(), Ordering::Relaxed);
    }

    fn take(&self) -> [usize; 4] {
        [&self.releases, &self.wrong, &self.missed, &self.most_private].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

fn pages(runs: &[Run]) -> impl Iterator<Item = u32> + '_ {
    runs.iter().flat_map(|(from, to)| *from..*to)
}

fn holds(runs: &[Run], page: u32) -> bool {
    runs.binary_search_by(|(from, to)| {
        if *to <= page {
            std::cmp::Ordering::Less
        } else if *from > page {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    })
    .is_ok()
}

struct Nowhere;

#[async_trait]
impl Outbound for Nowhere {
    async fn fetch(&self, _: u8, _: Target, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Err(FetchError::error("Network connection lost."))
    }
}

#[async_trait]
impl WorkerSource for Nowhere {
    async fn worker_spec(&self, _: VersionId) -> Result<WorkerSpec, String> {
        Err("no source is kept".into())
    }
}

/// What a script's evaluation left.
fn delta(of: &Worker) -> &Delta {
    match &of.code {
        MadeOf::JavaScript(script) => &script.delta,
        MadeOf::Component(_) => panic!("a script is no component"),
    }
}

/// A script that runs clean, whatever its size.
async fn worker(runtime: &Runtime, source: &str) -> Arc<Worker> {
    let spec = spec(source);
    runtime.validate(&spec).await.unwrap();
    runtime.worker(spec.version, &Nowhere).await.unwrap()
}

fn bundle(entries: usize) -> String {
    let entries: String = (0..entries)
        .map(|i| format!("T.push({{ id: {i}, name: 'entry {i}', f: x => x * {i}, tags: ['a{i}', 'b{i}'] }});\n"))
        .collect();
    format!(
        "const T = [];\n{entries}\nexport default {{ fetch() {{ for (const t of T) t.n = t.f(2); return new Response('heavy') }} }}"
    )
}

/// What each script answers to, and whether its requests may fail.
struct Mix {
    scripts: Vec<(Arc<Worker>, bool)>,
}

impl Mix {
    async fn make(runtime: &Runtime) -> Self {
        let mut scripts = Vec::new();
        for number in 0..12 {
            let source = format!(
                "const MARK = 'mark {number} '.repeat({number} * 40); let state = [];
                 export default {{ async fetch(request) {{ globalThis.mark = MARK; Array.prototype.mark = MARK; Map.prototype.x = {{}};
                   state.push(new Array({number} * 100).fill(MARK)); if ({number} % 4 === 3) await scheduler.wait(0);
                   return new Response(MARK.length + request.url) }} }}"
            );
            scripts.push((worker(runtime, &source).await, false));
        }
        let fetches = "export default { async fetch(r) { try { await fetch('https://o.test/', { method: 'POST', body: 'x'.repeat(30000) }) } catch (e) { return new Response(e.message) } } }";
        let overflow = "export default { fetch() { const f = n => f(n + 1) + 1; try { f(0) } catch (e) { return new Response(e.name) } } }";
        let throws = "export default { fetch() { const a = []; for (let i = 0; i < 1000; i++) a.push({ i }); throw new Error('x') } }";
        // Writes to every object there is: hundreds of pages of the base become private.
        let vandal = "export default { fetch() { const seen = new Set(), queue = [globalThis]; for (const o of queue) for (const k of Reflect.ownKeys(o)) {
              const d = Reflect.getOwnPropertyDescriptor(o, k); for (const v of [d.value, d.get, d.set]) if (Object(v) === v && !seen.has(v)) { seen.add(v); queue.push(v) } }
            for (const o of queue) { try { o.vandal = 1; o[Symbol('x')] = queue } catch {} } return new Response('' + queue.length) } }";
        let body = "export default { fetch() { let n = 0; return new Response(new ReadableStream({ pull(c) { if (n++ > 4) c.close(); else c.enqueue(new Uint8Array(20000).fill(n)) } })) } }";
        for source in [fetches, overflow, throws, vandal, body] {
            scripts.push((worker(runtime, source).await, source == throws));
        }
        // Traps, time-outs, growth and clients that leave: these slots are dropped, or restored midway.
        for source in [
            "export default { fetch() { globalThis.mark = 'spun'; for (;;); } }",
            "export default { fetch() { const a = []; for (let i = 0; i < 30; i++) a.push(new Uint8Array(1 << 20).fill(1)); return new Response('grown') } }",
            "export default { async fetch() { globalThis.mark = 'slept'; await scheduler.wait(1e6) } }",
        ] {
            scripts.push((worker(runtime, source).await, true));
        }
        // The largest bundle that still fits the base's room, and one that does not.
        let base = runtime.inner.base_pages();
        let mut largest = None;
        for entries in (100..2_000).step_by(100) {
            let made = worker(runtime, &bundle(entries)).await;
            if delta(&made).wasm_pages > base {
                break;
            }
            largest = Some(made);
        }
        let largest = largest.unwrap();
        println!(
            "the largest bundle in place has {} pages of its own; the base {}",
            delta(&largest).pages.len(),
            base * 16
        );
        assert!(delta(&largest).pages.len() > 150);
        let too_large = worker(runtime, &bundle(2_400)).await;
        assert!(
            delta(&too_large).pages.len() > 700 && delta(&too_large).wasm_pages > base,
            "{}",
            delta(&too_large).pages.len()
        );
        scripts.extend([(largest, false), (too_large, false)]);
        Self { scripts }
    }

    async fn request(&self, draw: usize) {
        let (worker, may_fail) = &self.scripts[draw % self.scripts.len()];
        let invocation = Invocation {
            limits: Limits { cpu_ms: Some(if *may_fail { 3 } else { 10_000 }), ..Limits::DEFAULT },
            weight: 1,
            isolation: None,
            depth: 0,
            outbound: Arc::new(Nowhere),
            default_cache: false,
            entrypoint: None,
            props: None,
            parameters: None,
            console: Console { text: *may_fail, values: *may_fail },
            on_outcome: None,
        };
        let request = Request::get("http://tenant.test/").body(Body::Empty).unwrap();
        let answer = async {
            Ok::<_, String>(
                worker
                    .handle(request, invocation)
                    .await
                    .map_err(|e| e.to_string())?
                    .into_body()
                    .collect()
                    .await
                    .map_err(|e| e.to_string())?
                    .to_bytes(),
            )
        };
        match tokio::time::timeout(if *may_fail { Duration::from_millis(20) } else { Duration::from_secs(60) }, answer)
            .await
        {
            Ok(Ok(_)) => {}
            failed => assert!(*may_fail, "{failed:?}"),
        }
    }
}

/// Requests of the mix in lanes at once, until `releases` slots were put back.
async fn run(runtime: &Runtime, mix: &Arc<Mix>, releases: usize) -> [usize; 4] {
    runtime.inner.proof.take();
    let lanes = (0..6_u64).map(|lane| {
        let (runtime, mix) = (runtime.clone(), Arc::clone(mix));
        tokio::spawn(async move {
            let mut state = 0x9e37_79b9 + lane;
            while runtime.inner.proof.releases.load(Ordering::Relaxed) < releases {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                mix.request((state >> 11) as usize).await;
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    runtime.inner.proof.take()
}

fn runtime(folder: &tempfile::TempDir) -> Runtime {
    let config = Config { artefacts: folder.path().to_owned(), max_instances: 40, ..Config::default() };
    Runtime::new(config, [3; 32], tokio::runtime::Handle::current()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_memory_is_base_and_delta_after_every_release() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(&folder);
    let mix = Arc::new(Mix::make(&runtime).await);
    let [releases, wrong, missed, most_private] = run(&runtime, &mix, 10_000).await;
    println!("{releases} releases, up to {most_private} private pages");
    assert_eq!((wrong, missed), (0, 0));
    assert!(releases >= 10_000 && most_private > 150);
    // Again, while the kernel moves pages about: a page on its way is neither here nor of the file.
    let compacting = Compacting::start();
    let [releases, wrong, missed, _] = run(&runtime, &mix, if compacting.is_some() { 5_000 } else { 0 }).await;
    println!("{releases} releases while memory was compacted {} times", compacting.map_or(0, Compacting::stop));
    assert_eq!((wrong, missed), (0, 0));
}

/// Makes the kernel compact memory again and again, where the test may.
pub struct Compacting {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<usize>,
}

impl Compacting {
    const SWITCH: &str = "/proc/sys/vm/compact_memory";
    /// Rounds after which it ends by itself.
    const ROUNDS: usize = 20_000;

    pub fn start() -> Option<Self> {
        if let Err(error) = std::fs::write(Self::SWITCH, "1") {
            eprintln!("SKIPPED: memory compaction cannot be forced here ({error}); run as root");
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                (0..Self::ROUNDS)
                    .take_while(|_| !stop.load(Ordering::Relaxed) && std::fs::write(Self::SWITCH, "1").is_ok())
                    .count()
            }
        });
        Some(Self { stop, thread })
    }

    /// How often it was done.
    pub fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[test]
fn held_runs_are_searched() {
    let by_number: HashMap<u32, bool> = (0..12).map(|page| (page, holds(&[(1, 3), (5, 6), (8, 11)], page))).collect();
    assert!((0..12).all(|page| by_number[&page] == [1, 2, 5, 8, 9, 10].contains(&page)));
}

/// Each page costs a copy at least, and a fault where it was not private yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_writes_to_few_pages() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(&folder);
    let hello = worker(&runtime, "export default { fetch(request) { return new Response('Hello') } }").await;
    runtime.inner.proof.count_written.store(true, Ordering::Relaxed);
    Mix { scripts: vec![(hello, false)] }.request(0).await;
    // The answer is there before its slot is given back.
    while runtime.inner.slots.idle() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let written = runtime.inner.proof.written.load(Ordering::Relaxed);
    println!("a hello writes to {written} pages");
    assert!((1..=12).contains(&written), "{written}");
}

//! Many requests in one warm instance: they interleave, and each has its own limits, CPU, I/O and end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use http_body_util::BodyExt;
use switchyard_catalog::{Isolation, Limits};
use switchyard_runtime::{
    Body, Config, Ending, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Outcome, RunError,
    RunErrorKind, Runtime, Target, Worker,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::harness::{Bench, Chunks, answer, get, post, spec, text};

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);

/// An origin that answers a path when it is told to, and `/echo…` at once, with what it was sent.
struct Gates {
    open: watch::Sender<Vec<String>>,
    asked: Mutex<Vec<String>>,
    came: Notify,
    /// Fetches under way.
    inside: AtomicUsize,
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Outbound for Gates {
    async fn fetch(&self, _depth: u8, _target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let path = request.url.trim_start_matches("https://o.test").to_owned();
        self.inside.fetch_add(1, Ordering::SeqCst);
        let _inside = Inside(&self.inside);
        if path.starts_with("/echo") {
            let sent = request.body.collect().await.map_err(|error| FetchError::error(error.to_string()))?;
            return answer(format!("{path} {}", String::from_utf8_lossy(&sent.to_bytes())));
        }
        self.asked.lock().unwrap().push(path.clone());
        self.came.notify_waiters();
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| open.contains(&path)).await;
        answer(path)
    }
}

struct Warm {
    bench: Bench,
    gates: Arc<Gates>,
}

impl Warm {
    fn new() -> Self {
        Self::of(Bench::new())
    }

    /// A node of its own.
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = std::env::temp_dir().join("switchyard-runtime-tests");
        let mut config = Config { artefacts: folder, ..Config::default() };
        change(&mut config);
        let runtime = Runtime::new(config, [7; 32], tokio::runtime::Handle::current()).unwrap();
        Self::of(Bench { runtime, ..Bench::new() })
    }

    fn of(bench: Bench) -> Self {
        let gates = Arc::new(Gates {
            open: watch::Sender::default(),
            asked: Mutex::default(),
            came: Notify::new(),
            inside: AtomicUsize::new(0),
        });
        let outbound: Arc<dyn Outbound> = gates.clone();
        Self { bench: Bench { outbound, ..bench }, gates }
    }

    async fn worker(&self, source: &str) -> Arc<Worker> {
        let mut spec = spec(source);
        spec.isolation = Isolation::Warm;
        self.bench.start(spec).await.unwrap().0
    }

    fn open(&self, path: &str) {
        self.gates.open.send_modify(|open| open.push(path.to_owned()));
    }

    /// Waits until the origin was asked for that path.
    async fn asked(&self, path: &str) {
        let asked = async {
            loop {
                let came = self.gates.came.notified();
                if self.gates.asked.lock().unwrap().iter().any(|asked| asked == path) {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(SOON, asked).await.unwrap();
    }

    fn call(&self, worker: &Arc<Worker>, request: Request<Body>) -> Running {
        self.call_with(worker, request, |_| {})
    }

    fn call_with(&self, worker: &Arc<Worker>, request: Request<Body>, change: impl FnOnce(&mut Invocation)) -> Running {
        let mut invocation = self.bench.invocation();
        let (told, outcome) = tokio::sync::oneshot::channel();
        invocation.on_outcome = Some(Box::new(move |outcome| drop(told.send(outcome))));
        change(&mut invocation);
        let worker = Arc::clone(worker);
        let answer = tokio::spawn(async move {
            let response = worker.handle(request, invocation).await?;
            let body = response.into_body().collect().await;
            Ok(body.map_or_else(|error| format!("cut: {error}"), |body| String::from_utf8_lossy(&body.to_bytes()).into()))
        });
        Running { answer, outcome }
    }
}

struct Running {
    answer: JoinHandle<Result<String, RunError>>,
    outcome: tokio::sync::oneshot::Receiver<Outcome>,
}

impl Running {
    async fn text(self) -> String {
        self.both().await.0.unwrap()
    }

    async fn both(self) -> (Result<String, RunError>, Outcome) {
        let answer = tokio::time::timeout(SOON, self.answer).await.unwrap().unwrap();
        (answer, tokio::time::timeout(SOON, self.outcome).await.unwrap().unwrap())
    }

    /// Its client goes.
    async fn gone(self) -> Outcome {
        self.answer.abort();
        tokio::time::timeout(SOON, self.outcome).await.unwrap().unwrap()
    }
}

const COUNTS: &str = "let n = 0, inside = 0, most = 0;
    export default { async fetch(request) {
        const own = ++n; inside++; most = Math.max(most, inside);
        const path = new URL(request.url).pathname;
        const got = path === '/' ? '' : await (await fetch('https://o.test' + path)).text();
        inside--;
        return new Response(`${own} ${got} ${most}`);
    } }";

#[tokio::test]
async fn requests_interleave_in_one_instance() {
    let warm = Warm::new();
    let worker = warm.worker(COUNTS).await;
    let one = warm.call(&worker, get("/one"));
    warm.asked("/one").await;
    let two = warm.call(&worker, get("/two"));
    warm.asked("/two").await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "3  3");
    warm.open("/two");
    assert_eq!(two.text().await, "2 /two 3");
    warm.open("/one");
    assert_eq!(one.text().await, "1 /one 3");
    assert_eq!(warm.call(&worker, get("/")).text().await, "4  3");
}

const BURNS: &str = "const burn = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
    let go; const gate = new Promise(r => go = r);
    export default { async fetch(request, env, ctx) {
        switch (new URL(request.url).pathname) {
            case '/idle': return new Response(await (await fetch('https://o.test/gate')).text());
            case '/burn': for (let i = 0; i < 10; i++) { burn(10); await scheduler.wait(0) } return new Response('burnt');
            case '/later': ctx.waitUntil((async () => { await scheduler.wait(1); burn(60) })()); return new Response('now');
            case '/held': { const keep = setTimeout(() => {}, 1e6); await gate; burn(60); clearTimeout(keep); return new Response('resumed') }
            case '/go': go(); await scheduler.wait(1); return new Response('went');
        }
    } }";

#[tokio::test]
async fn each_is_charged_with_its_own_cpu() {
    let warm = Warm::new();
    let worker = warm.worker(BURNS).await;
    let idle = warm.call(&worker, get("/idle"));
    warm.asked("/gate").await;
    let [burnt, later] = ["/burn", "/later"].map(|path| warm.call(&worker, get(path)));
    let (burnt, later) = (burnt.both().await, later.both().await);
    warm.open("/gate");
    let idle = idle.both().await;
    assert_eq!([burnt.0.unwrap(), later.0.unwrap(), idle.0.unwrap()], ["burnt", "now", "/gate"]);
    // What a loop of so much wall time used is less where the machine is busy, and never more.
    let [burnt, later, idle] = [burnt.1, later.1, idle.1].map(|outcome| outcome.cpu.as_millis());
    assert!(burnt >= 5 && later >= 3 && burnt <= 125 && later <= 85, "{burnt} {later}");
    assert!(idle < burnt.min(later), "{idle} of {burnt}, {later}");
}

#[tokio::test]
async fn who_is_resumed_by_another_pays_itself() {
    let warm = Warm::new();
    let worker = warm.worker(BURNS).await;
    let held = warm.call(&worker, get("/held"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (went, go) = warm.call(&worker, get("/go")).both().await;
    let (resumed, held) = held.both().await;
    assert_eq!((went.unwrap(), resumed.unwrap()), ("went".into(), "resumed".into()));
    assert!(held.cpu > go.cpu, "{:?} and {:?}", held.cpu, go.cpu);
}

#[tokio::test]
async fn a_limit_of_one_ends_the_instance_and_what_it_means_for_the_others() {
    let warm = Warm::with(|config| config.guest_threads = 1);
    let worker = warm
        .worker(
            "let n = 0; export default { async fetch(request, env, ctx) {
                n++;
                const path = new URL(request.url).pathname;
                if (path === '/burn') { await scheduler.wait(1); for (;;); }
                if (path === '/stream') return new Response(new ReadableStream({ async start(c) {
                    c.enqueue(new Uint8Array(3)); await fetch('https://o.test/never') } }));
                if (path === '/fetch') await fetch('https://o.test/fetch');
                else if (path !== '/') await scheduler.wait(path === '/again' && n > 5 ? 0 : 1e6);
                return new Response('' + n);
            } }",
        )
        .await;
    let again = warm.call(&worker, get("/again"));
    let posted = warm.call(&worker, post("/posted", ""));
    let fetched = warm.call(&worker, get("/fetch"));
    warm.asked("/fetch").await;
    let streamed = warm.call(&worker, get("/stream"));
    warm.asked("/never").await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "5");
    let burnt = warm.call_with(&worker, get("/burn"), |invocation| invocation.limits.cpu_ms = Some(20));
    let (answer, outcome) = burnt.both().await;
    assert_eq!(answer.unwrap_err().kind, RunErrorKind::ExceededCpu);
    assert_eq!(outcome.ending, Ending::ExceededCpu);
    for other in [posted, fetched] {
        let (answer, outcome) = other.both().await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind, outcome.ending), (RunErrorKind::Crashed, Ending::Crashed));
        assert_eq!(error.message, "The Worker's instance was ended by another request in it.");
        assert!(outcome.cpu < Duration::from_millis(20), "{outcome:?}");
    }
    let (answer, outcome) = streamed.both().await;
    assert_eq!(answer.unwrap(), "cut: the Worker ended before its body did");
    assert_eq!(outcome.ending, Ending::Crashed);
    // Nothing had come of this one: it runs once more, in an instance without what was before.
    let waits = warm.call(&worker, get("/"));
    assert_eq!(waits.text().await, "2");
    assert_eq!(again.gone().await.ending, Ending::Canceled);
}

#[tokio::test]
async fn memory_that_one_used_up_is_its_own_error() {
    let warm = Warm::new();
    let source = "const all = []; let n = 0; export default { async fetch(request) {
        n++;
        if (request.url.endsWith('/wait')) await (await fetch('https://o.test/gate')).text();
        if (request.url.endsWith('/grow')) for (;;) all.push(new Uint8Array(1 << 20).fill(1));
        return new Response('' + n) } }";
    let worker = warm.worker(source).await;
    let waits = warm.call(&worker, get("/wait"));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, get("/grow")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::ExceededMemory, Ending::ExceededMemory));
    // The instance takes no more, and the one in it comes to its end.
    assert_eq!(warm.call(&worker, get("/")).text().await, "1");
    warm.open("/gate");
    let (answer, outcome) = waits.both().await;
    assert_eq!((answer.unwrap(), outcome.ending), ("2".into(), Ending::Ok));
}

#[tokio::test]
async fn bytes_of_one_that_do_not_fit_end_the_instance() {
    let warm = Warm::new();
    let source = "export default { async fetch(request) {
        if (request.url.endsWith('/wait')) await fetch('https://o.test/gate');
        const body = new Uint8Array(30 << 20);
        for (;;) { fetch('https://o.test/hold', { method: 'POST', body }); await null } } }";
    let worker = warm.worker(source).await;
    let waits = warm.call(&worker, post("/wait", ""));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, post("/", "")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::ExceededMemory, Ending::ExceededMemory));
    assert_eq!(waits.both().await.0.unwrap_err().kind, RunErrorKind::Crashed);
}

#[tokio::test]
async fn a_client_that_goes_takes_only_its_own_work_along() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "let n = 0, late = 0; export default { async fetch(request, env, ctx) {
                n++;
                const path = new URL(request.url).pathname;
                if (path === '/leaves') { setTimeout(() => late++, 100); await fetch('https://o.test/leaves'); late++ }
                if (path === '/stays') return new Response((await (await fetch('https://o.test/stays')).text()) + n + late);
                return new Response('' + n + late);
            } }",
        )
        .await;
    let [leaves, stays] = ["/leaves", "/stays"].map(|path| warm.call(&worker, get(path)));
    warm.asked("/leaves").await;
    warm.asked("/stays").await;
    assert_eq!(warm.gates.inside.load(Ordering::SeqCst), 2);
    assert_eq!(leaves.gone().await.ending, Ending::Canceled);
    tokio::time::timeout(SOON, async {
        while warm.gates.inside.load(Ordering::SeqCst) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    warm.open("/leaves");
    warm.open("/stays");
    assert_eq!(stays.text().await, "/stays20");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "30");
}

#[tokio::test]
async fn work_that_was_promised_goes_on_without_its_client() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "let n = 0; export default { async fetch(request, env, ctx) {
                if (request.url.endsWith('/')) return new Response('' + n);
                const work = fetch('https://o.test/work').then(() => { n++; console.log('done') });
                ctx.waitUntil(work); await work; return new Response('') } }",
        )
        .await;
    let promised = warm.call(&worker, get("/promised"));
    warm.asked("/work").await;
    promised.answer.abort();
    assert_eq!(warm.call(&worker, get("/")).text().await, "0");
    warm.open("/work");
    let outcome = promised.outcome.await.unwrap();
    assert_eq!(outcome.logs.len(), 1, "{outcome:?}");
    assert_eq!(warm.call(&worker, get("/")).text().await, "1");
}

#[tokio::test]
async fn io_of_one_is_refused_in_another() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "const k = {};
             const tell = async (f) => { try { return String(await f()) } catch (e) { return e.name + ': ' + e.message } };
             const tries = {
                requestText: () => k.request.text(), requestBody: () => k.body.getReader().read(),
                response: () => k.fetched.text(), clone: () => k.fetched.clone(), tee: () => k.fetched.body.tee(),
                reader: () => k.reader.read(), cancel: () => k.reader.cancel(), made: () => k.made.text(),
                pass: () => fetch('https://o.test/echo', { method: 'POST', body: k.fetched.body }),
                request: () => fetch(k.out), rewrap: () => new Request(k.out),
                write: () => k.pipe.writable.getWriter().write(new Uint8Array(1)),
                url: () => k.request.url, headers: () => k.request.headers.get('x-test'), status: () => k.fetched.status,
                js: () => k.js.text(), blob: () => k.blob.text(), digest: async () => (await k.digest).byteLength,
                pending: () => k.pending, timer: () => k.timer, waitUntil: () => k.ctx.waitUntil(Promise.resolve()),
             };
             export default { async fetch(request, env, ctx) {
                const path = new URL(request.url).pathname;
                if (path === '/keep' || path === '/hold') {
                    Object.assign(k, { request, ctx, body: new Request(request.clone()).body, made: new Response('made'),
                        fetched: await fetch('https://o.test/echo'), reader: (await fetch('https://o.test/echo')).body.getReader(),
                        out: new Request('https://o.test/echo', { method: 'POST', body: 'x' }), pipe: new IdentityTransformStream(),
                        js: new Response(ReadableStream.from(['js'])), blob: new Blob(['blob']), pending: fetch('https://o.test/never'),
                        timer: scheduler.wait(1e6), digest: crypto.subtle.digest('SHA-256', new Uint8Array(1 << 17)) });
                    await k.digest;
                    if (path === '/hold') await fetch('https://o.test/held');
                    return new Response('kept');
                }
                if (path === '/return') return k.made;
                const told = {};
                for (const name in tries) {
                    if (path !== '/tries' && (name === 'pending' || name === 'timer')) continue;
                    told[name] = await tell(tries[name]);
                }
                return Response.json(told);
             } }",
        )
        .await;
    let foreign = |kind: &str| {
        format!(
            "Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response \
             bodies, and others) created in the context of one request handler cannot be accessed from a different \
             request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall \
             performance. (I/O type: {kind})"
        )
    };
    let over = "Error: This promise was created by a request that has since ended, so it can never settle.";
    for (keep, tries) in [("/keep", "/tries"), ("/hold", "/alive")] {
        let kept = warm.call(&worker, post(keep, Body::stream(Chunks { count: 3, size: 10 })));
        if keep == "/hold" {
            warm.asked("/held").await;
        } else {
            assert_eq!(kept.text().await, "kept");
        }
        let told = warm.call(&worker, get(tries)).text().await;
        let told: HashMap<String, String> = serde_json::from_str(&told).unwrap();
        for (name, got) in &told {
            match name.as_str() {
                "write" => assert_eq!(*got, foreign("Writable"), "{name} {tries}"),
                "url" => assert_eq!(*got, format!("http://tenant.test{keep}")),
                "headers" => assert_eq!(got, "null"),
                "status" => assert_eq!(got, "200"),
                "js" => assert_eq!(got, "js"),
                "blob" => assert_eq!(got, "blob"),
                "digest" => assert_eq!(got, "32"),
                "waitUntil" => assert_eq!(got, "undefined"),
                "pending" | "timer" => assert!(got.starts_with(over), "{name}: {got}"),
                _ => assert_eq!(*got, foreign("ReadableStreamSource>"), "{name} {tries}"),
            }
        }
        let (answer, outcome) = warm.call(&worker, get("/return")).both().await;
        assert_eq!(answer.unwrap_err().to_string(), foreign("ReadableStreamSource>"));
        assert_eq!(outcome.ending, Ending::Exception);
    }
    warm.open("/held");
}

#[tokio::test]
async fn a_promise_that_another_resolves_goes_on_in_its_own_request() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "import { waitUntil } from 'cloudflare:workers';
             let resolve, ran = 0;
             export default { async fetch(request, env, ctx) {
                const path = new URL(request.url).pathname;
                if (path === '/ran') return new Response('' + ran);
                if (path === '/resolve') { resolve('it'); await scheduler.wait(5); console.log('resolver'); return new Response('' + ran) }
                const promise = new Promise(r => resolve = r);
                const timer = path === '/dead' ? await fetch('https://o.test/dead') : setTimeout(() => {}, 1e6);
                const value = await promise; ran++;
                console.log('waiter'); waitUntil(scheduler.wait(1).then(() => console.log('later')));
                clearTimeout(timer);
                return new Response(value + (await (await fetch('https://o.test/echo')).text()) + ctx.props.who);
             } }",
        )
        .await;
    let waits = warm.call_with(&worker, get("/wait"), |call| call.props = Some("{\"who\":\"me\"}".into()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (answer, resolver) = warm.call(&worker, get("/resolve")).both().await;
    assert_eq!(answer.unwrap(), "1");
    let (answer, waiter) = waits.both().await;
    assert_eq!(answer.unwrap(), "it/echo me");
    let lines = |outcome: &Outcome| outcome.logs.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    assert_eq!((lines(&resolver), lines(&waiter)), (vec!["resolver".into()], vec!["waiter".into(), "later".into()]));
    assert_eq!((resolver.subrequests, waiter.subrequests), (0, 1));
    // Nothing runs any more of a request that is over.
    let dead = warm.call(&worker, get("/dead"));
    warm.asked("/dead").await;
    assert_eq!(dead.gone().await.ending, Ending::Canceled);
    assert_eq!(warm.call(&worker, get("/resolve")).text().await, "1");
    assert_eq!(warm.call(&worker, get("/ran")).text().await, "1");
}

#[tokio::test]
async fn limits_lines_and_parameters_are_a_requests_own() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "import { env as imported } from 'cloudflare:workers';
             export default { async fetch(request, env, ctx) {
                let done = 0, error = '';
                await (await fetch('https://o.test/gate')).text();
                try { for (; done < 9; done++) { await (await fetch('https://o.test/echo')).text(); console.log('x'.repeat(50)); await null } }
                catch (e) { error = e.message }
                return Response.json([done, error, env.tenant, imported.tenant, ctx.props.who]);
             } }",
        )
        .await;
    let call = |number: u32| {
        warm.call_with(&worker, get("/"), |call| {
            call.limits = Limits { subrequests: Some(number), log_bytes: Some(u64::from(number) * 66), ..Limits::DEFAULT };
            call.parameters = Some(format!("{{\"tenant\":\"t{number}\"}}").into());
            call.props = Some(format!("{{\"who\":{number}}}"));
        })
    };
    let all: Vec<_> = (3..8).map(|number| (number, call(number))).collect();
    tokio::time::timeout(SOON, async {
        while warm.gates.inside.load(Ordering::SeqCst) < all.len() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    warm.open("/gate");
    for (number, running) in all {
        let (answer, outcome) = running.both().await;
        let done = number - 1;
        let wanted = format!(
            "[{done},\"Too many subrequests by single Worker invocation.\",\"t{number}\",\"t{number}\",{number}]"
        );
        assert_eq!(answer.unwrap(), wanted);
        assert_eq!((outcome.subrequests, outcome.logs.len() as u32), (number + 1, done), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_hung_request_is_told_so_and_the_others_go_on() {
    let warm = Warm::new();
    let worker = warm
        .worker("let n = 0; export default { async fetch(r) { n++; if (r.url.endsWith('/hang')) await new Promise(() => {}); if (r.url.endsWith('/wait')) await fetch('https://o.test/gate'); return new Response('' + n) } }")
        .await;
    let waits = warm.call(&worker, get("/wait"));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, get("/hang")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::Hung, Ending::Hung));
    warm.open("/gate");
    assert_eq!(waits.text().await, "2");
    assert_eq!(warm.call(&worker, get("/")).text().await, "3");
}

#[tokio::test]
async fn many_bodies_stream_at_once_and_none_is_held_whole() {
    let warm = Warm::new();
    let worker = warm
        .worker("let n = 0; export default { fetch(request) { n++; return new Response(request.body.pipeThrough(new TransformStream({ transform(chunk, c) { c.enqueue(chunk) } })), { headers: { n } }) } }")
        .await;
    let mut bodies = Vec::new();
    for _ in 0..40 {
        let request = post("/", Body::stream(Chunks { count: 64, size: 16 << 10 }));
        let response = worker.handle(request, warm.bench.invocation()).await.unwrap();
        bodies.push((response.headers()["n"].to_str().unwrap().to_owned(), response.into_body()));
    }
    let numbers: Vec<_> = bodies.iter().map(|(n, _)| n.parse::<usize>().unwrap()).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    // In turns, so that all are under way until the end.
    let mut left: Vec<_> = bodies.into_iter().map(|(_, body)| (body, 0)).collect();
    while !left.is_empty() {
        let mut still = Vec::new();
        for (mut body, mut got) in left {
            match tokio::time::timeout(SOON, body.frame()).await.unwrap() {
                Some(frame) => {
                    got += frame.unwrap().into_data().unwrap().len();
                    still.push((body, got));
                }
                None => assert_eq!(got, 1 << 20),
            }
        }
        left = still;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_interleaved_requests_see_only_themselves() {
    let warm = Arc::new(Warm::new());
    let worker = warm
        .worker(
            "let n = 0; export default { async fetch(request, env, ctx) {
                n++;
                const mark = request.headers.get('x-mark'), turn = Number(mark.split('-')[1]);
                console.log(mark);
                if (turn % 7 === 0) await scheduler.wait(turn % 3);
                if (turn % 11 === 0) throw new Error(mark);
                const body = turn % 2 ? await request.text() : request.body;
                const sent = await fetch('https://o.test/echo' + mark, { method: 'POST', body });
                if (turn % 5 === 0) ctx.waitUntil(scheduler.wait(1).then(() => console.log(mark)));
                for (let i = 0; i < turn % 4; i++) await null;
                if (turn % 13 === 0) return new Response(sent.body);
                return new Response(`${await sent.text()} ${env.mark} ${ctx.props.mark}`);
            } }",
        )
        .await;
    let mut lanes = Vec::new();
    for lane in 0..50 {
        let (warm, worker) = (Arc::clone(&warm), Arc::clone(&worker));
        lanes.push(tokio::spawn(async move {
            for turn in 0..200 {
                let mark = format!("{lane}-{turn}");
                let body = if turn % 3 == 0 { Body::from(mark.clone()) } else { Body::stream(http_body_util::Full::from(mark.clone())) };
                let mut request = post("/", body);
                request.headers_mut().insert("x-mark", mark.parse().unwrap());
                let running = warm.call_with(&worker, request, |call| {
                    call.parameters = Some(format!("{{\"mark\":\"{mark}\"}}").into());
                    call.props = Some(format!("{{\"mark\":\"{mark}\"}}"));
                });
                if turn % 17 == 16 {
                    tokio::task::yield_now().await;
                    let outcome = running.gone().await;
                    assert!(outcome.logs.iter().all(|line| line.text == mark), "{outcome:?}");
                    continue;
                }
                let (answer, outcome) = running.both().await;
                let lines = if turn % 5 == 0 && turn % 11 != 0 { 2 } else { 1 };
                assert_eq!(outcome.logs.len(), lines, "{mark}: {outcome:?}");
                assert!(outcome.logs.iter().all(|line| line.text == mark), "{mark}: {outcome:?}");
                if turn % 11 == 0 {
                    assert_eq!(answer.unwrap_err().message, mark);
                } else if turn % 13 == 0 {
                    assert_eq!(answer.unwrap(), format!("/echo{mark} {mark}"));
                } else {
                    assert_eq!(answer.unwrap(), format!("/echo{mark} {mark} {mark} {mark}"));
                }
            }
        }));
    }
    for lane in lanes {
        lane.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_instance_gets_a_second_one_and_then_a_queue() {
    let warm = Warm::with(|config| {
        config.warm_requests_at_once = 2;
        config.max_instances = 4; // of which clients' requests may hold two
        config.queue_per_tenant = 1;
        config.guest_threads = 1;
    });
    let worker = warm.worker(COUNTS).await;
    let mut running: Vec<Running> = Vec::new();
    for path in ["/a", "/b", "/c", "/d"] {
        running.push(warm.call(&worker, get(path)));
        warm.asked(path).await;
    }
    assert_eq!(warm.bench.runtime.stats().instances_running, 2);
    let waits = warm.call(&worker, get("/e"));
    while warm.bench.runtime.stats().requests_waiting == 0 {
        tokio::task::yield_now().await;
    }
    let refused = warm.call(&worker, get("/f")).both().await.0.unwrap_err();
    assert_eq!(refused.kind, RunErrorKind::Overloaded);
    // The first that has room takes it, before an instance comes free.
    warm.open("/a");
    warm.asked("/e").await;
    ["/b", "/c", "/d", "/e"].iter().for_each(|path| warm.open(path));
    let mut all = vec![waits.text().await];
    for running in running {
        all.push(running.text().await);
    }
    assert_eq!(all, ["3 /e 2", "1 /a 2", "2 /b 2", "1 /c 2", "2 /d 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_another_computes_has_an_instance_of_its_own() {
    let warm = Warm::with(|config| config.guest_threads = 2);
    let source = "let n = 0; export default { async fetch(r) { n++; if (r.url.endsWith('/burn')) { await fetch('https://o.test/burn'); for (;;); } return new Response('' + n) } }";
    let worker = warm.worker(source).await;
    let burns = warm.call(&worker, get("/burn"));
    warm.asked("/burn").await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "2");
    warm.open("/burn");
    // Some may still come in before its first millisecond is over, and go elsewhere then.
    while warm.call(&worker, get("/")).text().await != "1" {}
    assert_eq!(burns.gone().await.ending, Ending::Canceled);
}

async fn number(warm: &Warm, worker: &Arc<Worker>) -> String {
    let text = warm.call(worker, get("/")).text().await;
    text.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn instances_end_by_their_bounds() {
    let warm = Warm::with(|config| config.warm_requests = 3);
    let worker = warm.worker(COUNTS).await;
    for wanted in ["1", "2", "3", "1", "2", "3", "1"] {
        assert_eq!(number(&warm, &worker).await, wanted);
    }
    let warm = Warm::with(|config| config.warm_age = Duration::from_millis(300));
    let worker = warm.worker(COUNTS).await;
    assert_eq!([number(&warm, &worker).await, number(&warm, &worker).await], ["1", "2"]);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(number(&warm, &worker).await, "1");
    let warm = Warm::with(|config| config.warm_idle = Duration::from_millis(400));
    let worker = warm.worker(COUNTS).await;
    assert_eq!([number(&warm, &worker).await, number(&warm, &worker).await], ["1", "2"]);
    assert_eq!(warm.bench.runtime.stats().warm_idle, 1);
    tokio::time::timeout(SOON, async {
        while warm.bench.runtime.stats().slots_live > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(warm.bench.runtime.stats().warm_idle, 0);
    assert_eq!(number(&warm, &worker).await, "1");
}

#[tokio::test]
async fn idle_instances_give_way_to_those_used_since() {
    for by_bytes in [false, true] {
        let warm = Warm::with(|config| match by_bytes {
            false => config.warm_instances = 2,
            true => config.warm_bytes = 40 << 20,
        });
        let source = "const held = new Uint8Array(15 << 20).fill(1); let n = 0; export default { fetch() { return new Response(++n + ' ' + held.length) } }";
        let mut workers = Vec::new();
        for _ in 0..3 {
            workers.push(warm.worker(source).await);
        }
        for worker in &workers[..2] {
            assert_eq!(number(&warm, worker).await, "1");
        }
        assert_eq!(number(&warm, &workers[0]).await, "2");
        assert_eq!(number(&warm, &workers[2]).await, "1");
        assert_eq!(warm.bench.runtime.stats().warm_idle, 2, "by bytes: {by_bytes}");
        assert_eq!(number(&warm, &workers[0]).await, "3");
        assert_eq!(number(&warm, &workers[1]).await, "1");
        assert_eq!(number(&warm, &workers[2]).await, "1");
    }
}

#[tokio::test]
async fn auto_is_warm_where_a_first_request_is_dear() {
    let warm = Warm::with(|config| config.auto_warm_cpu = Duration::from_millis(5));
    let source = |burns: u32| {
        format!(
            "let n = 0, ready; export default {{ fetch() {{ if (!ready) {{ ready = 1; for (let i = 0; i < {burns}; i++) ready = (ready * 3) | 0 }} return new Response('' + ++n) }} }}"
        )
    };
    for (burns, wanted) in [(0, ["1"; 8]), (1_000_000, ["1", "1", "1", "1", "1", "2", "3", "4"])] {
        let mut spec = spec(&source(burns));
        spec.isolation = Isolation::Auto;
        let (worker, _) = warm.bench.start(spec).await.unwrap();
        let mut got = Vec::new();
        for _ in 0..8 {
            got.push(number(&warm, &worker).await);
        }
        assert_eq!(got, wanted, "{burns}");
    }
}

#[tokio::test]
async fn a_version_that_is_forgotten_leaves_nothing() {
    let warm = Warm::with(|_| {});
    let worker = warm.worker(COUNTS).await;
    let runs = warm.call(&worker, get("/gate"));
    warm.asked("/gate").await;
    switchyard_catalog::Validator::forget(&warm.bench.runtime, &[worker.about().version]).await;
    warm.open("/gate");
    assert_eq!(runs.text().await, "1 /gate 1");
    tokio::time::timeout(SOON, async {
        while warm.bench.runtime.stats().slots_live > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(warm.bench.runtime.stats().warm_idle, 0);
    assert_eq!(text(worker.handle(get("/"), warm.bench.invocation()).await.unwrap()).await, "1  1");
}

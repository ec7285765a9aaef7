//! Requests that interleave, and what each of them has of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use switchyard_catalog::Limits;
use switchyard_runtime::{Body, Ending, Outcome};

use super::{COUNTS, SOON, Warm};
use crate::harness::{Chunks, get, post};

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

const BURNS: &str = "const burn = (n) => { let x = 0; for (let i = 0; i < n * 30000; i++) x = (x + i) | 0; };
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
    let [burnt, later, idle] = [burnt.1, later.1, idle.1].map(|outcome| outcome.cpu);
    assert!(idle * 3 < burnt.min(later), "{idle:?} of {burnt:?}, {later:?}");
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
            call.limits =
                Limits { subrequests: Some(number), log_bytes: Some(u64::from(number) * 66), ..Limits::DEFAULT };
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
                let body = if turn % 3 == 0 {
                    Body::from(mark.clone())
                } else {
                    Body::stream(http_body_util::Full::from(mark.clone()))
                };
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

//! No tenant sees another, whatever the one before did to the slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchyard_catalog::{Isolation, Limits};
use switchyard_runtime::Ending;

use crate::harness::{Bench, answer, get, spec, text};

/// Runs scale with `SWITCHYARD_TEST_SCALE` (1 by default).
fn scaled(count: usize) -> usize {
    let scale = std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|scale| scale.parse::<f64>().ok());
    (count as f64 * scale.unwrap_or(1.0)) as usize
}

#[tokio::test]
async fn clean_instances_forget_and_warm_ones_remember() {
    let bench = Bench::new();
    let source = "let n = 0; export default { fetch() { globalThis.x = (globalThis.x ?? 0) + 1; Array.prototype.leak = 1; return new Response(++n + ' ' + globalThis.x) } }";
    let clean = bench.worker(source).await;
    for _ in 0..5 {
        assert_eq!(bench.get(&clean, "/").await.1, "1 1");
    }
    let mut warm = spec(source);
    warm.isolation = Isolation::Warm;
    let (warm, _) = bench.start(warm).await.unwrap();
    bench.outcomes.lock().unwrap().clear();
    for n in 1..=5 {
        assert_eq!(bench.get(&warm, "/").await.1, format!("{n} {n}"));
        bench.outcome().await; // the instance is back when the outcome is told
    }
    assert_eq!(bench.run("export default { fetch() { return new Response(String([].leak)) } }").await, "undefined");
}

#[tokio::test]
async fn randomness_differs_between_instances() {
    let bench = Bench::new();
    let worker = bench.worker("const early = Math.random(); export default { fetch() { return new Response(early + ' ' + Math.random() + ' ' + crypto.randomUUID()) } }").await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let text = bench.get(&worker, "/").await.1;
        let (_, late) = text.split_once(' ').unwrap();
        assert!(seen.insert(late.to_owned()), "{text} came twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_tenants_see_only_themselves() {
    interleave(scaled(50_000)).await;
}

/// A page that the kernel moves just now is neither here nor of the image: it must be put back all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_tenants_see_only_themselves_while_memory_is_compacted() {
    let compact = || std::fs::write("/proc/sys/vm/compact_memory", "1");
    if let Err(error) = compact() {
        eprintln!("SKIPPED: memory compaction cannot be forced here ({error}); run as root");
        return;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let compacting = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || (0..100_000).take_while(|_| !stop.load(Ordering::Relaxed) && compact().is_ok()).count()
    });
    interleave(scaled(50_000)).await;
    stop.store(true, Ordering::Relaxed);
    println!("compacted {} times", compacting.join().unwrap());
}

/// Tenants with markers, interleaved with traps, time-outs, leavers and heavy bundles in the same slots.
async fn interleave(requests: usize) {
    let bench = Arc::new(Bench::reaching(|_, request| answer(request.url)));
    let mut tenants = Vec::new();
    for number in 0..200 {
        let source = format!(
            "const MARK = 'marker-{number}-' + 'm'.repeat({number}); let state = MARK;
             export default {{ async fetch(request) {{
               const seen = [globalThis.mark, Object.prototype.mark].filter(x => x !== undefined);
               globalThis.mark = MARK; Object.prototype.mark = MARK; state += request.url;
               if ({number} % 10 === 3) await (await fetch('https://o.test/' + MARK)).text();
               const big = new Array({number} * 20).fill(MARK);
               return new Response(seen.join() + '|' + MARK + '|' + state.length + '|' + big.length) }} }}"
        );
        tenants.push(bench.worker(&source).await);
    }
    // A bundle that fits the base's room, so that its slots go on to others, and one of over 700 pages.
    let bundle = |entries: usize| {
        let entries: String = (0..entries)
            .map(|i| format!("T.push({{ id: {i}, name: 'entry {i}', f: x => x * {i}, tags: ['a{i}', 'b{i}'] }});\n"))
            .collect();
        format!(
            "const T = [];\n{entries}\nexport default {{ fetch() {{ for (const t of T) t.n = t.f(2); globalThis.mark = 'heavy'; return new Response('heavy') }} }}"
        )
    };
    let heavy = [bench.worker(&bundle(500)).await, bench.worker(&bundle(2_400)).await];
    let spinner = bench.worker("export default { fetch() { globalThis.mark = 'spinner'; for (;;); } }").await;
    let sleeper = bench.worker("export default { async fetch() { globalThis.mark = 'sleeper'; await new Promise(r => setTimeout(r, 1e6)) } }").await;
    let tenants = Arc::new(tenants);
    let mut tasks = Vec::new();
    for lane in 0..8 {
        let (bench, tenants, heavy, spinner, sleeper) =
            (Arc::clone(&bench), Arc::clone(&tenants), heavy.clone(), Arc::clone(&spinner), Arc::clone(&sleeper));
        tasks.push(tokio::spawn(async move {
            let mut state = 0x9e37_79b9_u64 + lane;
            for turn in 0..requests / 8 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let number = (state >> 11) as usize % tenants.len();
                match turn % 97 {
                    13 => assert_eq!(bench.get(&heavy[turn % 2], "/").await.1, "heavy"),
                    29 if turn % 5 == 0 => {
                        let mut invocation = bench.invocation();
                        invocation.limits = Limits { cpu_ms: Some(3), ..Limits::DEFAULT };
                        assert!(spinner.handle(get("/"), invocation).await.is_err());
                    }
                    61 => {
                        let call = bench.call(&sleeper, get("/"));
                        assert!(tokio::time::timeout(std::time::Duration::from_micros(300), call).await.is_err());
                    }
                    _ => {
                        let wanted_mark = format!("marker-{number}-{}", "m".repeat(number));
                        let (_, text) = bench.get(&tenants[number], "/").await;
                        let wanted = format!(
                            "|{wanted_mark}|{}|{}",
                            wanted_mark.len() + "http://tenant.test/".len(),
                            number * 20
                        );
                        assert_eq!(text, wanted);
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// Alone in a process of its own, since what others use would be measured too.
#[test]
fn memory_stays_flat_over_a_hundred_thousand_requests_in_one_slot() {
    let own = std::env::current_exe().unwrap();
    let run = std::process::Command::new(own)
        .args(["--ignored", "--exact", "--nocapture", "isolation::one_slot_many_requests"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "run by the test above, in a process of its own"]
async fn one_slot_many_requests() {
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
    };
    let bench = Bench::reaching(|_, request| answer(request.url));
    let mut scripts = Vec::new();
    for source in [
        "export default { fetch() { return new Response('hello') } }",
        "const all = []; export default { async fetch(r) { all.push(await (await fetch('https://o.test/' + r.url)).text()); globalThis.all = all; console.log('line'); return Response.json(all) } }",
        "export default { fetch(r, e, ctx) { ctx.waitUntil(scheduler.wait(0)); const a = []; for (let i = 0; i < 2000; i++) a.push({ i });
           return new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(5000)); c.close() } })) } }",
    ] {
        scripts.push(bench.worker(source).await);
    }
    let requests = scaled(100_000);
    let mut early = 0;
    for turn in 0..requests {
        let (told, outcome) = tokio::sync::oneshot::channel();
        let mut invocation = bench.invocation();
        invocation.on_outcome = Some(Box::new(move |outcome| drop(told.send(outcome))));
        let script = &scripts[turn % 3 * usize::from(turn % 20 < 3)];
        text(script.handle(get("/"), invocation).await.unwrap()).await;
        // The slot is back when the outcome is told.
        assert_eq!(outcome.await.unwrap().ending, Ending::Ok);
        if turn == requests / 5 {
            early = resident();
        }
    }
    let stats = bench.runtime.stats();
    let late = resident();
    println!("{early} KiB early, {late} KiB late, {stats:?}");
    assert_eq!(stats.slots_live, 1, "{stats:?}");
    assert!(late < early + 1024, "{early} KiB grew to {late} KiB");
}

//! No tenant sees another, whatever the one before did to the slot.

use std::sync::Arc;

use switchyard_catalog::{Isolation, Limits};

use crate::harness::{Bench, answer, get, spec};

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

/// Tenants with markers, interleaved with traps, time-outs, leavers and a heavy bundle in the same slots.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_tenants_see_only_themselves() {
    let bench = Arc::new(Bench::reaching(|_, request| answer(request.url)));
    let mut tenants = Vec::new();
    for number in 0..100 {
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
    let bundle: String = (0..1150).map(|i| format!("T.push({{ id: {i}, name: 'entry {i}', f: x => x * {i}, tags: ['a{i}', 'b{i}'] }});\n")).collect();
    let heavy = bench.worker(&format!("const T = [];\n{bundle}\nexport default {{ fetch() {{ for (const t of T) t.n = t.f(2); return new Response('heavy') }} }}")).await;
    let spinner = bench.worker("export default { fetch() { globalThis.mark = 'spinner'; for (;;); } }").await;
    let sleeper = bench.worker("export default { async fetch() { globalThis.mark = 'sleeper'; await new Promise(r => setTimeout(r, 1e6)) } }").await;
    let requests = scaled(20_000);
    let tenants = Arc::new(tenants);
    let mut tasks = Vec::new();
    for lane in 0..8 {
        let (bench, tenants, heavy, spinner, sleeper) =
            (Arc::clone(&bench), Arc::clone(&tenants), Arc::clone(&heavy), Arc::clone(&spinner), Arc::clone(&sleeper));
        tasks.push(tokio::spawn(async move {
            let mut state = 0x9e37_79b9_u64 + lane;
            for turn in 0..requests / 8 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let number = (state >> 11) as usize % tenants.len();
                match turn % 97 {
                    13 => assert_eq!(bench.get(&heavy, "/").await.1, "heavy"),
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
                        let wanted = format!("|{wanted_mark}|{}|{}", wanted_mark.len() + "http://tenant.test/".len(), number * 20);
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

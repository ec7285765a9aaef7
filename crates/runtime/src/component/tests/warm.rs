//! Workers that want their instances to stay: what is kept from one request to the next, and when it is not.

use super::*;
use crate::Ending;

/// Counts its requests, and does these besides; the count is the answer.
fn counter(also: &str) -> Vec<u8> {
    guest(&format!(
        r#"(global $count (mut i64) (i64.const 0))
        (func (export "{}") (param $req i32) (param $out i32)
          (local $a i32) (local $n i64)
          (call $request.drop (local.get $req))
          (global.set $count (i64.add (global.get $count) (i64.const 1)))
          {also}
          (call $answer-number (local.get $out) (global.get $count)))"#,
        guests::HANDLE
    ))
}

fn get(path: &str) -> Call {
    Call::get(&format!("http://guest.localhost/{path}"))
}

async fn count(worker: &Arc<Worker>) -> String {
    get("").to(worker).await.text().to_owned()
}

#[test]
fn what_a_warm_instance_has_stays_and_a_clean_one_has_nothing() {
    let bytes = counter("");
    run(async {
        let (warm, clean) = (BENCH.worker(&bytes, Isolation::Warm, &[]), BENCH.worker(&bytes, Isolation::Request, &[]));
        for number in 1..=20 {
            assert_eq!((count(&warm).await, count(&clean).await), (number.to_string(), "1".into()));
        }
        // Another version of the same code has instances of its own.
        assert_eq!(count(&BENCH.worker(&bytes, Isolation::Warm, &[])).await, "1");
        // What its namespace says of a request goes before what it says itself.
        let (request, mut invocation, told) = get("").parts();
        invocation.isolation = Some(Isolation::Request);
        let answer = warm.handle(request, invocation).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "1");
        assert_eq!(told.await.unwrap().ending, Ending::Ok);
        assert_eq!(count(&warm).await, "21");
    });
}

#[test]
fn an_instance_serves_one_request_at_a_time_and_so_many() {
    let bench = Bench::with(|config| config.warm_requests = 3);
    let worker = bench.worker(&counter("(call $sleep (i64.const 20))"), Isolation::Warm, &[]);
    bench.run(async {
        let both = tokio::join!(count(&worker), count(&worker));
        assert_eq!(both, ("1".into(), "1".into()));
        let both = tokio::join!(count(&worker), count(&worker));
        assert_eq!(both, ("2".into(), "2".into()));
        assert_eq!(bench.runtime.stats().warm_idle, 2);
        let mut counts = Vec::new();
        for _ in 0..6 {
            counts.push(count(&worker).await);
        }
        assert_eq!(counts, ["3", "3", "1", "2", "3", "1"]);
        let stats = bench.runtime.stats();
        assert_eq!((stats.warm_idle, stats.counts.made, stats.counts.warm_reused), (1, 4, 6));
        assert!(stats.warm_bytes >= 256 << 10, "{}", stats.warm_bytes);
    });
}

#[test]
fn what_fails_is_not_kept() {
    let fails = |how: &str| {
        let at = r#"(if (i64.eq (global.get $count) (i64.const 2)) (then "#;
        counter(&format!("{at} {how}))"))
    };
    let cases = [
        ("unreachable", Ending::Exception),
        ("(loop $spin (br $spin))", Ending::ExceededCpu),
        ("(call $cli.exit (i32.const 1))", Ending::Exception),
        ("(call $outparam.drop (local.get $out)) (return)", Ending::Exception),
        ("(call $set-error (local.get $out) (i32.const 0)) (return)", Ending::Exception),
        // Its body has no end.
        ("(drop (call $respond (local.get $out) (i32.const 200))) (return)", Ending::Hung),
    ];
    run(async {
        for (how, ending) in cases {
            let worker = BENCH.worker(&fails(how), Isolation::Warm, &[]);
            let limits = Limits { cpu_ms: Some(50), ..Limits::default() };
            assert_eq!(get("").limits(limits).to(&worker).await.text(), "1", "{how}");
            assert_eq!(get("").limits(limits).to(&worker).await.outcome.ending, ending, "{how}");
            assert_eq!(get("").limits(limits).to(&worker).await.text(), "1", "{how}");
        }
    });
    all_is_well();
}

#[test]
fn lines_clocks_and_outcomes_are_of_the_request_at_hand() {
    // It keeps its stream, as standard libraries do, and the time that it saw last.
    let bytes = guest(&format!(
        r#"(global $out (mut i32) (i32.const 0)) (global $then (mut i64) (i64.const 0))
        (func (export "{}") (param $req i32) (param $outparam i32)
          (call $request.drop (local.get $req))
          (if (i32.eqz (global.get $out)) (then (global.set $out (call $cli.stdout))))
          (call $write (global.get $out) @"a line\n")
          (call $sleep (i64.const 5))
          (if (i64.le_u (call $clock.now) (global.get $then)) (then unreachable))
          (global.set $then (call $clock.now))
          (call $answer (local.get $outparam) (i32.const 200) @"ok"))"#,
        guests::HANDLE
    ));
    run(async {
        let worker = BENCH.worker(&bytes, Isolation::Warm, &[]);
        for _ in 0..5 {
            let got = get("").to(&worker).await;
            assert_eq!((got.text(), got.outcome.ending, got.outcome.subrequests), ("ok", Ending::Ok, 0));
            let lines: Vec<_> = got.outcome.logs.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(lines, ["a line"]);
        }
    });
}

#[test]
fn a_warm_instance_has_the_memory_of_its_limit() {
    let grows = counter("(drop (memory.grow (i32.const 4)))");
    run(async {
        let worker = BENCH.worker(&grows, Isolation::Warm, &[]);
        let with = |bytes| get("").limits(Limits { memory_bytes: Some(bytes), ..Limits::default() });
        assert_eq!(with(2 << 20).to(&worker).await.text(), "1");
        // Under another limit it is another's.
        assert_eq!(with(4 << 20).to(&worker).await.text(), "1");
        assert_eq!(with(4 << 20).to(&worker).await.text(), "2");
        // What it grew by counts on.
        let all = counter("(if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then unreachable))");
        let worker = BENCH.worker(&all, Isolation::Warm, &[]);
        // Four pages at first, and four a request.
        let limited = |count: u64| {
            let worker = Arc::clone(&worker);
            async move {
                let got = with((4 + 12) << 16).to(&worker).await;
                let expected = if count <= 3 { Ending::Ok } else { Ending::ExceededMemory };
                assert_eq!(got.outcome.ending, expected, "{count}");
            }
        };
        for number in 1..=4 {
            limited(number).await;
        }
    });
}

#[test]
fn a_version_that_goes_takes_its_instances_along_and_room_is_made() {
    let bench = Bench::with(|config| config.warm_instances = 2);
    let workers: Vec<_> = (0..3).map(|_| bench.worker(&counter(""), Isolation::Warm, &[])).collect();
    bench.run(async {
        for worker in &workers {
            assert_eq!(count(worker).await, "1");
        }
        // Two may rest: the one used longest ago has gone.
        assert_eq!(bench.runtime.stats().warm_idle, 2);
        assert_eq!((count(&workers[2]).await, count(&workers[1]).await), ("2".into(), "2".into()));
        assert_eq!(count(&workers[0]).await, "1");
        let held = bench.runtime.inner.budget.used();
        switchyard_catalog::Validator::forget(&bench.runtime, &[workers[0].about.version]).await;
        assert_eq!(bench.runtime.stats().warm_idle, 1);
        assert!(bench.runtime.inner.budget.used() < held);
        assert!(bench.runtime.evict(false).is_some_and(|evicted| (evicted.what, evicted.many) == ("warm", 1)));
        assert_eq!((bench.runtime.stats().warm_idle, bench.runtime.inner.budget.used()), (0, 0));
    });
}

#[test]
fn a_service_stays_too() {
    let bytes = guests::component(
        "service",
        r#"(global $count (mut i32) (i32.const 200))
        (func (export "wasi:http/handler@0.3.0#handle") (param $req i32) (result i32)
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (call $p3.body (local.get $req)) (call $p3.respond (global.get $count) (i32.const 1)))"#,
    );
    run(async {
        let (warm, clean) = (BENCH.worker(&bytes, Isolation::Warm, &[]), BENCH.worker(&bytes, Isolation::Auto, &[]));
        for number in 1..=10 {
            let body = format!("body {number}");
            let (got, other) = (Call::post(body.clone()).to(&warm).await, Call::post(body.clone()).to(&clean).await);
            assert_eq!((got.answer().status.as_u16(), got.text()), (200 + number, body.as_str()));
            assert_eq!((other.answer().status.as_u16(), other.text()), (201, body.as_str()));
        }
    });
}

//! How requests end: well, by a trap, at a limit, without their client; and that nothing is left behind.

use super::*;
use crate::{Ending, RunErrorKind};

fn call(limits: Limits, bytes: &[u8]) -> Got {
    run(Call::get("http://guest.localhost/").limits(limits).to(&worker(bytes)))
}

fn plain(instructions: &str) -> Got {
    call(Limits::default(), &handler(instructions))
}

const SPIN: &str = "(loop $spin (br $spin))";
const BEGIN: &str = r#"(local.set $a (call $respond (local.get $out) (i32.const 200)))
    (local.set $b (call $stream-of (local.get $a)))
    (call $write (local.get $b) @"part")"#;

#[test]
fn a_trap_is_an_exception_of_one_request() {
    for (guest, message) in [
        ("unreachable", "wasm `unreachable` instruction executed"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
    ] {
        let got = plain(guest);
        assert_eq!((got.error().kind, got.error().name.as_str()), (RunErrorKind::Exception, "RuntimeError"));
        assert_eq!(got.error().message, message);
        let exception = got.outcome.exception.as_ref().unwrap();
        assert_eq!(exception.to_string(), format!("RuntimeError: {message}"));
    }
    all_is_well();
}

#[test]
fn recursion_ends_at_the_stack() {
    let guest = format!(
        "(func $f (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0))))
         (func (export \"{}\") (param i32 i32) (drop (call $f (i32.const 1))))",
        guests::HANDLE
    );
    let got = call(Limits::default(), &super::guest(&guest));
    assert_eq!((got.error().name.as_str(), got.error().message.as_str()), ("RuntimeError", "call stack exhausted"));
    all_is_well();
}

#[test]
fn cpu_time_has_a_limit_before_and_after_the_response() {
    let limits = Limits { cpu_ms: Some(20), ..Limits::default() };
    let got = call(limits, &handler(SPIN));
    assert_eq!((got.error().kind, got.outcome.ending), (RunErrorKind::ExceededCpu, Ending::ExceededCpu));
    assert!(got.outcome.cpu >= Duration::from_millis(20), "{:?}", got.outcome.cpu);
    let got = call(limits, &handler(&format!("{BEGIN} {SPIN}")));
    assert_eq!(got.answer().body.as_ref().unwrap_err(), "the Worker ended before its body did");
    assert_eq!(got.outcome.ending, Ending::ExceededCpu);
    // Others have their turn meanwhile.
    run(async {
        let burners = (0..4).map(|_| {
            tokio::spawn(async {
                Call::get("http://guest.localhost/")
                    .limits(Limits { cpu_ms: Some(300), ..Limits::default() })
                    .to(&worker(&handler(SPIN)))
                    .await
            })
        });
        let burners: Vec<_> = burners.collect();
        for _ in 0..5 {
            assert_eq!(Call::get("http://guest.localhost/").to(&hello()).await.text(), "hello");
        }
        for burner in burners {
            assert_eq!(burner.await.unwrap().outcome.ending, Ending::ExceededCpu);
        }
    });
}

#[test]
fn time_has_a_limit_where_there_is_one() {
    let limits = Limits { wall_ms: Some(30), ..Limits::default() };
    let got = call(limits, &handler("(call $sleep (i64.const 60000))"));
    assert_eq!((got.error().kind, got.outcome.ending), (RunErrorKind::ExceededWall, Ending::ExceededWall));
    let got = call(limits, &handler(&format!("{BEGIN} (call $sleep (i64.const 60000))")));
    assert!(got.answer().body.is_err());
    assert_eq!(got.outcome.ending, Ending::ExceededWall);
}

#[test]
fn memory_grows_up_to_the_limit_and_is_refused_then() {
    let grow = |pages: u32| {
        format!("(call $answer-number (local.get $out) (i64.extend_i32_s (memory.grow (i32.const {pages}))))")
    };
    let limits = Limits { memory_bytes: Some(1 << 20), ..Limits::default() };
    // Four pages are there from the start.
    assert_eq!(call(limits, &handler(&grow(12))).text(), "4");
    let refused = call(limits, &handler(&grow(13)));
    assert_eq!((refused.text(), refused.outcome.ending), (u64::MAX.to_string().as_str(), Ending::Ok));
    let traps = call(limits, &handler("(if (i32.eq (memory.grow (i32.const 13)) (i32.const -1)) (then unreachable))"));
    assert_eq!((traps.error().kind, traps.outcome.ending), (RunErrorKind::ExceededMemory, Ending::ExceededMemory));
    // All that it has at first counts as well.
    let tiny = call(Limits { memory_bytes: Some(200 << 10), ..Limits::default() }, &handler(&grow(0)));
    assert_eq!(tiny.error().kind, RunErrorKind::ExceededMemory);
    all_is_well();
}

#[test]
fn an_instance_is_one_requests() {
    let fields = format!(
        "(global $count (mut i32) (i32.const 0))
        (func (export \"{}\") (param $req i32) (param $out i32)
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (i32.store (i32.const 60000) (i32.add (i32.load (i32.const 60000)) (i32.const 1)))
          (call $answer-number (local.get $out) (i64.extend_i32_u
            (i32.add (global.get $count) (i32.load (i32.const 60000))))))",
        guests::HANDLE
    );
    let worker = worker(&guest(&fields));
    for _ in 0..20 {
        assert_eq!(run(Call::get("http://guest.localhost/").to(&worker)).text(), "2");
    }
}

#[test]
fn work_goes_on_after_the_response() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let outbound = world(move |_, request| {
        tell.send(request.url).unwrap();
        Box::pin(async { Ok(came(200, "")) })
    });
    let guest = r#"(call $answer (local.get $out) (i32.const 200) @"early")
        (call $sleep (i64.const 30))
        (drop (call $wait (call $sent (call $ask @"log.test" @"/later"))))
        (call $print (call $cli.stdout) @"done")"#;
    run(async {
        let call = Call::get("http://guest.localhost/").outbound(outbound);
        let (answer, outcome) = call.begin(&worker(&handler(guest))).await;
        assert_eq!(answer.unwrap().into_body().collect().await.unwrap().to_bytes(), "early");
        assert!(told.try_recv().is_err());
        let outcome = outcome.await.unwrap();
        assert_eq!(told.recv().await.unwrap(), "http://log.test/later");
        assert_eq!((outcome.ending, outcome.logs[0].text.as_str()), (Ending::Ok, "done"));
    });
}

#[test]
fn work_after_the_response_is_cut_in_the_end() {
    let bench = Bench::with(|config| config.wait_until = Duration::from_millis(50));
    bench.run(async {
        for waits in
            ["(call $sleep (i64.const 600000))", "(drop (call $wait (call $sent (call $ask @\"o.test\" @\"/\"))))"]
        {
            let guest = format!(
                r#"(call $answer (local.get $out) (i32.const 200) @"early") {waits}
                (call $print (call $cli.stdout) @"done")"#
            );
            let never = world(|_, _| Box::pin(std::future::pending()));
            let worker = bench.worker(&handler(&guest), Isolation::Auto, &[]);
            let got = Call::get("http://guest.localhost/").outbound(never).to(&worker).await;
            assert_eq!((got.text(), got.outcome.ending), ("early", Ending::WaitUntilCut), "{waits}");
            assert!(got.outcome.logs.is_empty());
        }
        // A body that is still written is no such work: it has the time that its client gives it.
        let writes = format!(
            "{BEGIN} (call $sleep (i64.const 200)) (call $out.drop (local.get $b)) (call $finish (local.get $a))"
        );
        let got = Call::get("http://guest.localhost/").to(&bench.worker(&handler(&writes), Isolation::Auto, &[])).await;
        assert_eq!((got.text(), got.outcome.ending), ("part", Ending::Ok));
    });
}

#[test]
fn a_client_that_goes_ends_its_request() {
    run(async {
        // It waits, or computes, before it has answered.
        for guest in ["(call $sleep (i64.const 60000))", SPIN] {
            let worker = worker(&handler(guest));
            let (request, invocation, told) = Call::get("http://guest.localhost/").parts();
            let call = tokio::spawn(async move { drop(worker.handle(request, invocation).await) });
            tokio::time::sleep(Duration::from_millis(30)).await;
            call.abort();
            assert_eq!(told.await.unwrap().ending, Ending::Canceled, "{guest}");
        }
        // It waits in the middle of its body.
        let waits = format!("{BEGIN} (call $sleep (i64.const 60000))");
        let (answer, outcome) = Call::get("http://guest.localhost/").begin(&worker(&handler(&waits))).await;
        let mut body = answer.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "part");
        drop(body);
        assert_eq!(outcome.await.unwrap().ending, Ending::Canceled);
    });
}

#[test]
fn a_trace_is_no_request() {
    run(async {
        let (_, invocation, _) = Call::get("http://guest.localhost/").parts();
        let error = hello().tail("[]".into(), invocation).await.unwrap_err();
        assert_eq!(error.message, "A component has no handler for other Workers' traces.");
    });
}

#[test]
fn many_at_once_are_apart() {
    run(async {
        let echo = worker(&handler(
            "(local.set $a (call $body-of (local.get $req)))
            (call $sleep (i64.const 2))
            (local.set $b (call $respond (local.get $out) (i32.const 200)))
            (local.set $c (call $stream-of (local.get $b)))
            (call $pass (local.get $a) (local.get $c))
            (call $out.drop (local.get $c))
            (call $finish (local.get $b))",
        ));
        let calls = (0..200).map(|number| {
            let echo = Arc::clone(&echo);
            tokio::spawn(async move {
                let got = Call::post(format!("number {number}")).to(&echo).await;
                assert_eq!(got.text(), format!("number {number}"));
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    });
}

//! What instances leave behind for those after them: nothing. Guests of many tenants look through all the memory they
//! get before they write their own mark all over it, and end in every way there is; the same again while the kernel
//! is made to compact memory all the time, which is when pages are neither here nor there.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::restore_proof::Compacting;

/// Requests of one round, as many again while memory is compacted.
const REQUESTS: usize = 2_000;
const TENANTS: u32 = 12;

/// Bytes of its memory that a tenant looks at, and marks: above what its texts and its results lie in, and not those
/// of its allocator, which are marked as well in the end.
const FROM: u32 = 131_072;
const TO: u32 = 262_144;

/// Answers with how many words it found that are not 0; with 0 it ends as `ends` says.
fn marks(mark: u32, ends: &str) -> Vec<u8> {
    handler(&format!(
        r#"(local.set $a (i32.const {FROM}))
        (loop $look
          (if (i64.ne (i64.load (local.get $a)) (i64.const 0))
            (then (local.set $n (i64.add (local.get $n) (i64.const 1)))))
          (local.set $a (i32.add (local.get $a) (i32.const 8)))
          (br_if $look (i32.lt_u (local.get $a) (i32.const {TO}))))
        (memory.fill (i32.const {FROM}) (i32.const {mark}) (i32.const {}))
        (memory.fill (i32.const 65536) (i32.const {mark}) (i32.const 65536))
        (if (i64.eqz (local.get $n)) (then {ends}))
        (call $answer-number (local.get $out) (local.get $n))"#,
        TO - FROM
    ))
}

/// How a tenant's requests end where they found nothing; whether with an answer.
const ENDS: [(&str, bool); 6] = [
    ("", true),
    ("unreachable", false),
    ("(drop (memory.grow (i32.const 16))) (memory.fill (i32.const 262144) (i32.const 7) (i32.const 1048576))", true),
    ("(call $sleep (i64.const 1))", true),
    ("(call $answer (local.get $out) (i32.const 200) @\"0\") (call $cli.exit (i32.const 0))", true),
    ("(loop $spin (br $spin))", false),
];

fn tenants(bench: &Bench, isolation: Isolation) -> Vec<(Arc<Worker>, bool)> {
    let guest = |tenant: u32| {
        let (ends, answers) = ENDS[tenant as usize % ENDS.len()];
        (bench.worker(&marks(tenant + 1, ends), isolation, &[]), answers)
    };
    (0..TENANTS).map(guest).collect()
}

/// Requests in lanes, in no order; returns how many words were found.
async fn round(tenants: &Arc<Vec<(Arc<Worker>, bool)>>, requests: usize) -> usize {
    let (done, found) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let lanes = (0..4_u64).map(|lane| {
        let (tenants, done, found) = (Arc::clone(tenants), Arc::clone(&done), Arc::clone(&found));
        tokio::spawn(async move {
            let mut state = 0x9e37_79b9 + lane;
            while done.fetch_add(1, Ordering::Relaxed) < requests {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let (worker, answers) = &tenants[(state >> 11) as usize % tenants.len()];
                let limits = Limits { cpu_ms: Some(if *answers { 10_000 } else { 3 }), ..Limits::default() };
                let got = Call::get("http://guest.localhost/").limits(limits).to(worker).await;
                match &got.answer {
                    Ok(_) => {
                        found.fetch_add(got.text().parse().unwrap(), Ordering::Relaxed);
                    }
                    Err(error) => assert!(!answers, "{error:?}"),
                }
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    found.load(Ordering::Relaxed)
}

#[test]
fn no_instance_finds_a_byte_of_another() {
    // Few slots, so that each is had by everybody.
    let bench = Bench::with(|config| config.max_instances = 8);
    bench.run(async {
        let tenants = Arc::new(tenants(&bench, Isolation::Request));
        assert_eq!(round(&tenants, REQUESTS).await, 0);
        let Some(compacting) = Compacting::start() else { return };
        let found = round(&tenants, REQUESTS).await;
        println!("{REQUESTS} requests while memory was compacted {} times", compacting.stop());
        assert_eq!(found, 0);
    });
}

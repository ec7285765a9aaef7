//! Compile bombs: refused by their shape in no time, or ended at their limit; whoever uploads JavaScript meanwhile
//! does not notice.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bombs;
use crate::harness::{PATIENCE, TestGateway};

fn message(answer: &crate::harness::Answer) -> String {
    answer.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
}

/// Looks at a process that compiles for this one with the limits that there are by default, and has entered its cell.
async fn compilers_are_confined() {
    let began = Instant::now();
    loop {
        // One of another test may be gone in between.
        if compilers().iter().any(|id| confined(id).is_some()) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "nobody compiles");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn compilers() -> Vec<String> {
    let own = format!("PPid:\t{}\n", std::process::id());
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|id| id.parse::<u32>().is_ok());
    let of = |id: &String, what: &str| std::fs::read_to_string(format!("/proc/{id}/{what}")).unwrap_or_default();
    ids.filter(|id| {
        of(id, "status").contains(&own)
            && of(id, "status").contains("Seccomp:\t2\n")
            && of(id, "cmdline").contains("\0--cpu\u{0}60\0--memory\u{0}1073741824\0")
    })
    .collect()
}

/// What a compiler may do is little; `None`: it has ended.
fn confined(id: &str) -> Option<()> {
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{id}/{what}")).ok().filter(|text| !text.is_empty());
    let (status, limits) = (read("status")?, read("limits")?);
    for line in ["Seccomp:\t2\n", "NoNewPrivs:\t1\n", "Threads:\t1\n"] {
        assert!(status.contains(line), "{line:?}: {status}");
    }
    for (name, most) in [("Max cpu time", "60"), ("Max address space", "1073741824"), ("Max open files", "8")] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some(most), "{line}");
    }
    // Not even its owner reads these, root apart.
    if let Ok(environment) = std::fs::read(format!("/proc/{id}/environ")) {
        assert!(environment.is_empty());
    }
    if let Ok(open) = std::fs::read_dir(format!("/proc/{id}/fd")) {
        assert!(open.count() <= 3);
    }
    Some(())
}

#[tokio::test]
async fn what_is_misshapen_is_refused_without_a_compiler() {
    // There is no compiler: what came so far would fail otherwise.
    let gateway = TestGateway::with(|config| config.compile.program = Some("/nonexistent".into())).await;
    for (name, bytes, says) in bombs::misshapen() {
        let answer = gateway.try_upload_wasm("ns", "bomb", &bytes, json!({})).await;
        let said = message(&answer);
        assert!(answer.status.as_u16() == 400 && said.contains(says), "{name}: {} {said}", answer.status);
    }
    let fine = gateway.try_upload_wasm("ns", "fine", &crate::component_upload::hello(), json!({})).await;
    assert_eq!(fine.status.as_u16(), 503, "the node's fault");
}

#[tokio::test]
async fn what_is_dear_is_ended_at_its_limit() {
    let gateway = TestGateway::with(|config| {
        config.compile.cpu = Duration::from_secs(1);
        config.compile.memory = 160 << 20;
    })
    .await;
    let mut ended = Vec::new();
    for (name, bytes) in bombs::costly() {
        let answer = gateway.try_upload_wasm("ns", "bomb", &bytes, json!({})).await;
        let said = message(&answer);
        // What compiles within the limits is no handler.
        assert_eq!(answer.status.as_u16(), 400, "{name}: {said}");
        let known = ["took more than", "does not compile", "incoming-handler", "cannot run here", "allowed"];
        assert!(known.iter().any(|words| said.contains(words)), "{name}: {said}");
        if said.contains("took more than") {
            ended.push(name);
        }
    }
    assert!(ended.len() >= 4, "{ended:?}");
    assert!(ended.contains(&"256 loops over 390 locals"), "{ended:?}");
    gateway.upload_wasm("ns", "fine", &crate::component_upload::hello()).await;
    gateway.get("fine", "/").await.is(200, "hello from a component\n");
}

#[tokio::test]
async fn a_compiler_that_is_too_slow_is_ended_by_the_clock() {
    let gateway = TestGateway::with(|config| config.compile.wall = Duration::from_secs(1)).await;
    let bomb = bombs::loops(256, 390);
    let answer = gateway.try_upload_wasm("ns", "bomb", &bomb, json!({})).await;
    assert!(message(&answer).contains("took more than 1 s"), "{}", answer.text());
}

#[tokio::test]
async fn javascript_does_not_wait_and_the_queue_has_an_end() {
    let gateway = TestGateway::with(|config| {
        config.compile.at_once = 1;
        config.compile.queue = 1;
        config.limits.uploads = 1;
    })
    .await;
    let bomb = bombs::loops(256, 390);
    let compiling = |path: &str| {
        let path =
            format!("/client/v4/switchyard/accounts/{}/namespaces/ns/scripts/{path}/compilation", gateway.account());
        let gateway = &gateway;
        async move { gateway.admin(&path).await.json()["result"].clone() }
    };
    let until = async |script: &str, state: &str| {
        let began = Instant::now();
        loop {
            let standing = compiling(script).await;
            if standing["state"] == state {
                return standing;
            }
            assert!(began.elapsed() < PATIENCE, "{script}: {standing}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let first = gateway.try_upload_wasm("ns", "first", &bomb, json!({}));
    let second = gateway.try_upload_wasm("ns", "second", &bomb, json!({}));
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    tokio::select! {
        answer = &mut first => panic!("it ended: {}", answer.text()),
        _ = until("first", "compiling") => {}
    }
    tokio::select! {
        answer = &mut second => panic!("it ended: {}", answer.text()),
        standing = until("second", "waiting") => assert_eq!(standing["place"], 1),
    }
    compilers_are_confined().await;
    let third = gateway.try_upload_wasm("ns", "third", &bomb, json!({})).await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (503, "10"), "{}", third.text());
    gateway.upload("ns", "js", "export default { fetch: () => new Response('js') }").await;
    gateway.get("js", "/").await.is(200, "js");
    assert_eq!(compiling("first").await["state"], "compiling", "it still goes on");
    let metrics = gateway.admin("/metrics").await;
    assert!(metrics.text().contains("switchyard_compiling{state=\"running\"} 1\n"));
    assert!(metrics.text().contains("switchyard_compiling{state=\"waiting\"} 1\n"));
    // Whose client has gone is compiled no more, and gives its place to the next.
    drop(first);
    until("second", "compiling").await;
    drop(second);
    until("second", "none").await;
}

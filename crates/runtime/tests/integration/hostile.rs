//! Guests that mean harm, one a file in `fixtures/hostile`. Each gets its own error and no other, twice
//! over, and a neighbour that runs beside it gets none. The head of a fixture says what it tries, what
//! must come of it (`expect`), and within which limits (`cpu` in ms, `subrequests`) or until when its
//! client stays (`leave`, in ms).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use switchyard_catalog::Limits;
use switchyard_runtime::{Body, FetchError, FetchRequest, FetchResponse, Outbound, RunError, RunErrorKind, Target};

use crate::harness::{Bench, answer, get, spec};

/// `silent.test` takes requests and does nothing with them; `large.test` has whole bodies of 4 MiB.
struct Origins;

#[async_trait]
impl Outbound for Origins {
    async fn fetch(&self, _depth: u8, _target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        if request.url.starts_with("https://silent.test") {
            std::future::pending::<()>().await;
        }
        if request.url.starts_with("https://large.test") {
            return answer(Body::Whole(vec![7; 4 << 20].into()));
        }
        let body = request.body.collect().await.map_err(|error| FetchError::error(error.to_string()))?;
        answer(format!("{} bytes", body.to_bytes().len()))
    }
}

struct Fixture {
    name: String,
    source: String,
    head: HashMap<String, String>,
}

fn fixtures() -> Vec<Fixture> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hostile");
    let mut all: Vec<Fixture> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let source = std::fs::read_to_string(&path).unwrap();
            let head =
                source.lines().map_while(|line| line.strip_prefix("// ")).filter_map(|line| line.split_once(": "));
            let head = head.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Fixture { name: path.file_stem().unwrap().to_string_lossy().into_owned(), source, head }
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Fixture {
    fn number(&self, key: &str) -> Option<u32> {
        self.head.get(key).map(|value| value.parse().unwrap())
    }

    /// What came, in the words of `expect`.
    async fn run(&self, bench: &Bench) -> String {
        let worker = match bench.start(spec(&self.source)).await {
            Ok((worker, _)) => worker,
            Err(error) => return format!("refused {error}"),
        };
        let mut seen = Vec::new();
        for _ in 0..2 {
            bench.outcomes.lock().unwrap().clear();
            let mut invocation = bench.invocation();
            invocation.limits = Limits {
                cpu_ms: Some(self.number("cpu").unwrap_or(10_000)),
                subrequests: Some(self.number("subrequests").unwrap_or(10_000)),
                ..Limits::DEFAULT
            };
            let call = worker.handle(get("/"), invocation);
            let stay = self.number("leave").map_or(Duration::from_secs(60), |ms| Duration::from_millis(ms.into()));
            let came = match tokio::time::timeout(stay, call).await {
                Err(_) => Ok(None),
                Ok(Err(error)) => Err(error),
                Ok(Ok(response)) => Ok(response.into_body().collect().await.ok().map(|body| body.to_bytes())),
            };
            let ending = bench.outcome().await.ending.as_str();
            seen.push(match came {
                Err(RunError { kind: RunErrorKind::Exception, name, message }) => {
                    format!("exception {name}: {message}")
                }
                Err(_) => ending.to_owned(),
                Ok(Some(body)) => format!("ok {}", String::from_utf8_lossy(&body)),
                Ok(None) => ending.to_owned(),
            });
        }
        // Which of two limits is met first may depend on the machine.
        let alike = seen[0] == seen[1] || self.expects(&seen[0]) && self.expects(&seen[1]);
        assert!(alike, "{}: the second time it was different: {seen:?}", self.name);
        seen.swap_remove(0)
    }

    fn expects(&self, came: &str) -> bool {
        // No error tells a client more than a few kilobytes, whatever a guest throws.
        came.len() < 20_000
            && self.head["expect"].split(" | ").any(|wanted| {
                came.starts_with(wanted)
                    || wanted
                        .strip_prefix("refused ")
                        .is_some_and(|part| came.starts_with("refused") && came.contains(part))
            })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_gets_its_own_error_and_the_neighbour_none() {
    let bench = Arc::new(Bench::new());
    let neighbour = bench.worker("let n = 0; export default { async fetch(r) { n++; await scheduler.wait(1); return Response.json({ n, url: r.url, own: Object.keys(globalThis).includes('leaked') }) } }").await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let beside = tokio::spawn({
        let (stop, asked, bench) = (Arc::clone(&stop), Arc::clone(&asked), Arc::clone(&bench));
        async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(
                    bench.get(&neighbour, "/n").await,
                    (200, r#"{"n":1,"url":"http://tenant.test/n","own":false}"#.into())
                );
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        if std::env::var("SWITCHYARD_TEST_HOSTILE").is_ok_and(|only| !fixture.name.contains(&only)) {
            continue;
        }
        let hostile = Bench { outbound: Arc::new(Origins), ..Bench::new() };
        let began = std::time::Instant::now();
        let came = fixture.run(&hostile).await;
        println!(
            "{:24} {:6} ms  {}",
            fixture.name,
            began.elapsed().as_millis(),
            came.chars().take(150).collect::<String>()
        );
        if !fixture.expects(&came) {
            wrong.push(format!(
                "{}: wanted {}, got {}",
                fixture.name,
                fixture.head["expect"],
                came.chars().take(300).collect::<String>()
            ));
        }
        assert!(!beside.is_finished(), "the neighbour failed beside {}", fixture.name);
    }
    stop.store(true, Ordering::Relaxed);
    beside.await.unwrap();
    assert!(asked.load(Ordering::Relaxed) > 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

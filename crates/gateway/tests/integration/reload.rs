//! SIGHUP: the configuration is read again, and no request fails of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{PATIENCE, data};
use crate::origin::Origin;
use crate::process::{get, line, switchyard};
use crate::resolvers::says;
use crate::resolvers_sql::sqlite;

/// With a place for the resolvers and for the longest target.
fn config(data: &Path, resolvers: &str, uri_bytes: &str) -> String {
    format!(
        "data = {data:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n[admin]\nbind = \"127.0.0.1:0\"\n{resolvers}\n\
         [bootstrap]\nnamespaces = [\"ns\"]\n[limits]\nuri_bytes = \"{uri_bytes}\"\n[log]\naccess = \"off\"\n"
    )
}

fn fixed(script: &str) -> String {
    format!("[[resolver]]\nkind = \"fixed\"\nnamespace = \"ns\"\nscript = \"{script}\"\n")
}

async fn hang_up(child: &Child) {
    let told = Command::new("kill").arg("-HUP").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
}

/// Asks until the answer is this.
async fn becomes(url: &str, host: &str, status: u16, text: &str) {
    let asked = async {
        loop {
            let (seen, body) = get(url, host).await;
            if seen == status && body.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "{url} never was {status} {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_times_under_load() {
    let data = data().await;
    let file = data.path().join("node.toml");
    // Its answers stay known over every reading, while its database is gone.
    let path = data.path().join("tenants.db");
    let database = sqlite(&path, "CREATE TABLE t (h TEXT, s TEXT); INSERT INTO t VALUES ('known', 'known');").await;
    let sql = format!(
        "[[resolver]]\nkind = \"sql\"\nnamespace = \"ns\"\nurl = \"sqlite:{}\"\nkey = \"label\"\nsuffix = \"sql.test\"\n\
         query = \"SELECT s AS script FROM t WHERE h = ?\"\nacquire_timeout = \"2s\"\nstatement_timeout = \"2s\"\n",
        path.display()
    );
    // Two origins, of which one may be reached in every other round alone.
    let near = Origin::start("near").await;
    let far = Origin::at("127.0.0.2:0".parse().unwrap(), "far").await;
    let named = "[[resolver]]\nkind = \"subdomain\"\nsuffix = \"named.test\"\nnamespace = \"ns\"\n";
    let text = |resolvers: &str, uri_bytes: &str, (most, open): (&str, &str)| {
        let more = format!(
            "[plan.small]\nresponse_bytes = \"{most}\"\n[upstream]\nallow = [\"{open}\"]\nidle_per_origin = {}\n",
            1 + most.len() // another one too
        );
        format!("{}{more}", config(data.path(), &format!("{sql}{named}{resolvers}"), uri_bytes))
    };
    let write = |resolvers: &str, uri_bytes: &str, more: (&str, &str)| {
        std::fs::write(&file, text(resolvers, uri_bytes, more)).unwrap();
    };
    let wide = ("1KiB", "127.0.0.0/8");
    write(&fixed("one"), "16KiB", wide);
    let mut child = switchyard(&["serve", "--config", file.to_str().unwrap()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = line(&mut lines).await;
    let gateway = ready.strip_prefix("ready gateway=").unwrap().split(' ').next().unwrap().to_owned();
    for script in ["one", "two", "known", "longer"] {
        let source = data.path().join(format!("{script}.js"));
        std::fs::write(&source, says(script)).unwrap();
        let arguments = ["deploy", &format!("ns/{script}"), source.to_str().unwrap(), "--data"];
        let output = switchyard(&[&arguments[..], &[data.path().to_str().unwrap()]].concat()).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let run = async |arguments: &[&str]| {
        let output =
            switchyard(&[arguments, &["--data", data.path().to_str().unwrap()]].concat()).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run(&["script", "plan", "ns/longer", "small"]).await;
    run(&["deploy", "ns/near", "--upstream", &near.url()]).await;
    run(&["deploy", "ns/far", "--upstream", &far.url()]).await;
    assert_eq!(get(&gateway, "known.sql.test").await, (200, "known".to_owned()));
    drop(database);
    std::fs::rename(&path, data.path().join("gone.db")).unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = ["a.test", "b.test", "known.sql.test", "near.named.test"]
        .into_iter()
        .map(|host| {
            let (stop, gateway) = (stop.clone(), gateway.clone());
            tokio::spawn(async move {
                let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
                let client = client.build_http::<http_body_util::Empty<bytes::Bytes>>();
                let (mut sent, mut failed) = (0, Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    let request = http::Request::get(&gateway).header("host", host).body(Default::default()).unwrap();
                    let answer = crate::harness::collect(client.request(request).await.unwrap()).await;
                    let wanted: &[&str] = match host {
                        "known.sql.test" => &["known"],
                        "near.named.test" => &["near"],
                        _ => &["one", "two"],
                    };
                    if answer.status != 200 || !wanted.contains(&answer.text()) {
                        failed.push(format!("{host}: {} {}", answer.status, answer.text()));
                    }
                    sent += 1;
                }
                (sent, failed)
            })
        })
        .collect();
    let long = format!("{gateway}/{}", "x".repeat(2_000));
    for round in 0..20 {
        let even = round % 2 == 0;
        let (script, uri_bytes, status) = if even { ("two", "1KiB", 414) } else { ("one", "16KiB", 200) };
        let more = if even { ("5", "127.0.0.1/32") } else { wide };
        write(&fixed(script), uri_bytes, more);
        hang_up(&child).await;
        becomes(&gateway, "a.test", 200, script).await;
        // What a plan says of a script that is named for it, and where upstreams may lead.
        let (answer, origin) = if even { (503, 502) } else { (200, 200) };
        becomes(&gateway, "longer.named.test", answer, if even { "1102" } else { "longer" }).await;
        becomes(&gateway, "far.named.test", origin, if even { "may not be reached" } else { "far" }).await;
        becomes(&long, "a.test", status, if status == 200 { script } else { "too long" }).await;
    }
    // A file that is wrong changes nothing, and is told with its line; so is what waits for a restart.
    for (text, wanted) in [
        (format!("{}nonsense = 1\n", config(data.path(), &fixed("two"), "1KiB")), "unknown key \\\"nonsense\\\""),
        (config(data.path(), &fixed("two").replace("fixed", "worker"), "1KiB"), "\\\"namespace\\\" does not belong"),
        (
            config(data.path(), &format!("{}account = \"nobody\"\n", fixed("two")), "1KiB"),
            "node.toml:10: account: the account nobody does not exist",
        ),
        (text(&fixed("one"), "16KiB", wide).replace("\"off\"", "\"stderr\""), "log.access"),
    ] {
        std::fs::write(&file, text).unwrap();
        hang_up(&child).await;
        let told = async {
            loop {
                let line = errors.next_line().await.unwrap().unwrap();
                if line.contains(wanted) || line.contains(&wanted.replace('\\', "")) {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("never said {wanted}"));
        becomes(&long, "a.test", 200, "one").await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for task in load {
        let (requests, failed) = task.await.unwrap();
        assert_eq!(failed, Vec::<String>::new());
        sent += requests;
    }
    assert!(sent > 200, "{sent}");
    let told = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
    assert_eq!(ended.code(), Some(0));
}

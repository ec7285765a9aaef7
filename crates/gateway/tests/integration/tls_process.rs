//! Certificates and the process: what prevents a start, what the log says, and what SIGHUP takes over.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use switchyard_gateway::config::Certificate;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::harness::{PATIENCE, data};
use crate::process::{line, switchyard};
use crate::tls_client::{Ca, Offer, in_file, replace};

fn config(data: &Path, certificates: &[&Certificate], more: &str) -> String {
    let certificates: Vec<String> =
        certificates.iter().map(|files| format!("{{ cert = {:?}, key = {:?} }}", files.cert, files.key)).collect();
    format!(
        "data = {data:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n[listener.tls]\ncertificates = [{}]\n{more}\
         [admin]\nbind = \"127.0.0.1:0\"\n[[resolver]]\nkind = \"subdomain\"\nsuffix = \"test\"\nnamespace = \"ns\"\n\
         [bootstrap]\nnamespaces = [\"ns\"]\n[log]\naccess = \"off\"\n",
        certificates.join(", ")
    )
}

async fn hang_up(child: &Child) {
    let told = Command::new("kill").arg("-HUP").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
}

/// Reads lines until one has all of these.
async fn says(lines: &mut Lines<BufReader<ChildStderr>>, parts: &[&str]) -> String {
    let found = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("no line has {parts:?}"));
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no line in time has {parts:?}"))
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_prevents_the_start() {
    let ca = Ca::new();
    let folder = data().await;
    let good = ca.issue(folder.path(), "good", &["a.test"]);
    let other = ca.issue(folder.path(), "other", &["b.test"]);
    let (none, text) = (folder.path().join("none.pem"), folder.path().join("text.pem"));
    replace(&text, "no PEM");
    let encrypted = folder.path().join("encrypted.key");
    replace(&encrypted, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let broken = folder.path().join("broken.pem");
    replace(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let long = folder.path().join("long.pem");
    replace(&long, &"x".repeat((1 << 20) + 1));
    let file = folder.path().join("node.toml");
    for (cert, key, wanted) in [
        (&none, &good.key, format!("could not read {}: ", none.display())),
        (&text, &good.key, format!("{} holds no certificate in PEM", text.display())),
        (&good.cert, &text, format!("{} holds no private key in PEM", text.display())),
        (&good.cert, &encrypted, format!("the key in {} is encrypted", encrypted.display())),
        (&broken, &good.key, format!("the certificate in {} cannot be read", broken.display())),
        (&long, &good.key, format!("{} is longer than 1 MiB", long.display())),
        (&good.cert, &other.key, format!("the key in {} cannot be used, or is not that of", other.key.display())),
    ] {
        let files = Certificate { cert: cert.clone(), key: key.clone() };
        std::fs::write(&file, config(folder.path(), &[&files], "")).unwrap();
        let output = switchyard(&["serve", "--config", file.to_str().unwrap()]).output();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends in time").unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(&format!("error: {wanted}")), "{error}\n{wanted}");
    }
}

#[tokio::test]
async fn the_log_advises_and_sighup_takes_over() {
    let ca = Ca::new();
    let folder = data().await;
    let (first, second) =
        (ca.issue(folder.path(), "first", &["a.test"]), ca.issue(folder.path(), "second", &["b.test"]));
    let soon = time::OffsetDateTime::now_utc() + time::Duration::days(3);
    let short = ca.issue_with(folder.path(), "short", &["c.test"], false, |params| params.not_after = soon);
    let past =
        ca.issue_with(folder.path(), "past", &[], false, |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    std::fs::set_permissions(&first.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let file = folder.path().join("node.toml");
    std::fs::write(&file, config(folder.path(), &[&first, &short, &past], "")).unwrap();
    let mut child = switchyard(&["serve", "--config", file.to_str().unwrap()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = line(&mut lines).await;
    let gateway = ready.strip_prefix("ready gateway=https://").unwrap_or_else(|| panic!("{ready}"));
    let gateway: std::net::SocketAddr = gateway.split(' ').next().unwrap().parse().unwrap();
    says(&mut errors, &["first.key", "0644", "0600"]).await;
    says(&mut errors, &["short.pem", "expires soon"]).await;
    says(&mut errors, &["past.pem", "no names"]).await;
    says(&mut errors, &["past.pem", "has expired"]).await;

    // Another certificate, and another way with unknown names.
    std::fs::write(&file, config(folder.path(), &[&second, &first], "strict_sni = true\n")).unwrap();
    hang_up(&child).await;
    says(&mut errors, &["was read again and holds"]).await;
    assert_eq!(ca.shown(gateway, Offer::of("b.test")).await.unwrap(), in_file(&second));
    assert_eq!(ca.shown(gateway, Offer::of("a.test")).await.unwrap(), in_file(&first));
    assert!(ca.shown(gateway, Offer::of("c.test")).await.is_err());

    // One that was in use goes bad: it is named, it serves on, and the rest of the configuration holds.
    let before = in_file(&first);
    replace(&first.cert, "bad");
    std::fs::write(&file, config(folder.path(), &[&first, &second], "")).unwrap();
    hang_up(&child).await;
    says(&mut errors, &["first.pem", "the old one serves on", "holds no certificate"]).await;
    says(&mut errors, &["was read again and holds"]).await;
    assert_eq!(ca.shown(gateway, Offer::of("c.test")).await.unwrap(), before);
    // A new one that is bad changes nothing.
    let text = folder.path().join("text.pem");
    replace(&text, "no PEM");
    let bad = Certificate { cert: text, key: first.key.clone() };
    std::fs::write(&file, config(folder.path(), &[&bad], "")).unwrap();
    hang_up(&child).await;
    says(&mut errors, &["is wrong: the old one holds", "text.pem holds no certificate"]).await;
    assert_eq!(ca.shown(gateway, Offer::of("b.test")).await.unwrap(), in_file(&second));
    // Whether there is TLS at all is for a restart.
    let without = config(folder.path(), &[], "").replace("[listener.tls]\ncertificates = []\n", "");
    std::fs::write(&file, without).unwrap();
    hang_up(&child).await;
    says(&mut errors, &["these wait for a restart", "listener"]).await;
    assert_eq!(ca.shown(gateway, Offer::of("b.test")).await.unwrap(), in_file(&second));
}

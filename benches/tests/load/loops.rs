//! Open and closed loop: what each shows of a server that stalls, and when each ends.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use super::server::{Server, Stall, Ways};
use super::{command, load, log, result};

const HALF: u64 = 500_000_000;
const LONG: u64 = 60_000_000_000;

fn stalling() -> Server {
    let stall = Stall { after: Duration::from_secs(1), length: Duration::from_secs(1) };
    Server::start(Ways { stall: Some(stall), ..Ways::default() })
}

#[test]
fn an_open_loop_shows_a_stall_to_all_that_were_due() {
    let (server, folder) = (stalling(), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("log.hdr");
    let seen = load(&format!("http://{}/ -r 200 -c 2 -d 3s --hdr {}", server.address, file.display()));
    assert_eq!((seen["requests"].as_u64(), seen["errors"].as_u64()), (Some(600), Some(0)), "{seen}");
    // 200 were due within the second; 100 of them in its first half, with half a second or more to wait (and more of
    // them where the machine is busy). Only two had been sent.
    let latencies = log(&file);
    assert_eq!(latencies.len(), 600);
    let waited = latencies.count_between(HALF, LONG);
    assert!(waited >= 90, "{waited} waited half a second");
    assert!(seen["latency_ms"]["p90"].as_f64().is_some_and(|ms| ms > 500.0), "{seen}");
    assert!(seen["latency_ms"]["max"].as_f64().is_some_and(|ms| ms > 900.0), "{seen}");
    assert!(seen["late"].as_u64().is_some_and(|late| late >= 150), "{seen}");
}

#[test]
fn a_closed_loop_shows_it_once_a_connection() {
    let (server, folder) = (stalling(), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("log.hdr");
    let seen = load(&format!("http://{}/ -c 1 -d 3s --hdr {}", server.address, file.display()));
    let latencies = log(&file);
    assert_eq!(latencies.len(), seen["requests"].as_u64().expect("a number"));
    // One, unless the machine itself stops for half a second.
    assert!((1..=3).contains(&latencies.count_between(HALF, LONG)), "{seen}");
    assert!(latencies.max() > 900_000_000, "{seen}");
    assert_eq!(seen["late"], 0);
}

#[test]
fn an_open_loop_sends_as_many_as_were_asked_for() {
    let server = Server::hello();
    for more in ["", "-t 3 -c 7", "--poisson -n 400", "-n 400 -t 2"] {
        let length = if more.contains("-n") { "" } else { "-d 2s" };
        let seen = load(&format!("http://{}/ -r 200 {length} {more}", server.address));
        assert_eq!((seen["requests"].as_u64(), seen["errors"].as_u64()), (Some(400), Some(0)), "{more}: {seen}");
        assert_eq!((&seen["loop"], &seen["rate"]), (&"open".into(), &200.0.into()));
    }
}

#[test]
fn a_closed_loop_ends_by_count() {
    let server = Server::hello();
    let seen = load(&format!("http://{}/a http://{}/b -n 1000 -c 5 -t 2", server.address, server.address));
    assert_eq!((seen["answers"].as_u64(), seen["errors"].as_u64()), (Some(1_000), Some(0)), "{seen}");
    assert_eq!(seen["statuses"]["200"], 1_000);
    let mut paths = BTreeMap::<String, usize>::new();
    for asked in server.asked.lock().expect("no panic").iter() {
        *paths.entry(asked.line.clone()).or_default() += 1;
    }
    assert_eq!(paths.values().sum::<usize>(), 1_000);
    assert!(paths.len() == 2 && paths.values().all(|times| (495..=505).contains(times)), "{paths:?}");
    let bytes = &seen["bytes"];
    assert_eq!(bytes["received"], 1_000 * "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".len());
}

#[test]
fn hosts_are_picked_as_asked() {
    let server = Server::hello();
    load(&format!("http://{}/ --host t{{8..11}}.test:81 --pick round-robin -n 40 -c 2", server.address));
    let expected = ["t10.test:81", "t11.test:81", "t8.test:81", "t9.test:81"].map(|host| (host.to_owned(), 10));
    assert_eq!(server.hosts(), BTreeMap::from(expected));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hosts");
    std::fs::write(&file, "# those of today\none.test\n\n two.test \n").expect("a file");
    let server = Server::hello();
    load(&format!("http://{}/ --hosts-file {} --pick zipf -n 3000", server.address, file.display()));
    let hosts = server.hosts();
    // The second half as often as the first; a standard deviation is 26.
    assert_eq!(hosts.len(), 2);
    assert!((1_870..2_130).contains(&hosts["one.test"]), "{hosts:?}");
}

#[test]
fn control_c_ends_it_with_what_was_seen() {
    for rate in ["", "-r 100"] {
        let server = Server::hello();
        let words = format!("http://{}/ -d 50s -c 4 --json {rate}", server.address);
        let child = command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
        while server.asked.lock().expect("no panic").len() < 50 {
            std::thread::sleep(Duration::from_millis(10));
        }
        // SAFETY: a process that was started above and is not waited for yet.
        unsafe { libc::kill(child.id().try_into().expect("a process"), libc::SIGINT) };
        let output = child.wait_with_output().expect("its end");
        let seen = result(&output);
        assert!(output.status.success() && seen["interrupted"] == true, "{seen}");
        assert!(seen["answers"].as_u64().is_some_and(|answers| answers >= 46), "{seen}");
        assert!(seen["seconds"].as_f64().is_some_and(|seconds| seconds < 40.0), "{seen}");
    }
}

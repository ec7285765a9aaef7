//! Killed in the middle: a child process publishes in a loop and is SIGKILLed. What it acknowledged
//! is there; every script is wholly of one publish; the file is sound.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use switchyard_catalog::*;
use switchyard_storage::{FileBlobs, SecretKey, SqliteStorage};

use crate::sample;

const DIR: &str = "SWITCHYARD_TEST_CRASH_DIR";
const KILLS: u64 = 50;
const SCRIPTS: usize = 3;

fn source(script: &str, generation: u64) -> String {
    format!("export default {{}} // {script} {generation} {}", "x".repeat(2_000))
}

async fn open(dir: &Path) -> (SqliteStorage, FileBlobs) {
    let key = SecretKey::load_or_create(&dir.join("secret.key")).unwrap();
    (SqliteStorage::open(dir, key).await.unwrap(), FileBlobs::open(&dir.join("blobs")).unwrap())
}

/// Which publish a version is of; all its parts must say the same.
async fn generation(storage: &SqliteStorage, blobs: &FileBlobs, row: &ScriptRow) -> u64 {
    let version = row.deployed.as_ref().unwrap();
    assert_eq!(row.latest.as_ref(), Some(version));
    let Some(BindingKind::PlainText { text }) = version.bindings.first().map(|b| b.kind.clone()) else {
        panic!("the first binding is the generation")
    };
    let generation: u64 = text.parse().unwrap();
    assert_eq!(row.script.tags, sample::tags(&[&format!("g{generation}")]));
    assert_eq!(version.number as u64, generation);
    let secrets = storage.secrets_load(&[version.bindings[1].kind.secret().unwrap()]).await.unwrap();
    assert_eq!(secrets[0].1.expose(), format!("secret {generation}"));
    let code = blobs.get(version.code.modules[0].digest).await.unwrap();
    assert_eq!(code, source(row.script.name.as_str(), generation).as_bytes());
    let route = storage.route_find(row.script.id).await.unwrap().unwrap();
    assert_eq!(route.versions, [VersionShare { version: version.id, percentage: 100.0 }]);
    let deployments = storage.deployment_list(row.script.id, 1).await.unwrap();
    assert_eq!(deployments[0].versions, route.versions);
    generation
}

async fn row(storage: &SqliteStorage, name: &str) -> Option<ScriptRow> {
    storage.script_find(&sample::account(), Scope::Account, &sample::name(name)).await.unwrap()
}

fn publish_of(name: &str, before: Option<&ScriptRow>, generation: u64) -> Publish {
    let mut publish = sample::publish(Scope::Account, name);
    if let Some(row) = before {
        publish.base = Some(row.latest.as_ref().unwrap().id);
        publish.seen = Some(row.script.modified_on);
        publish.script = row.script.clone();
        publish.script.modified_on = Timestamp::from_micros(row.script.modified_on.micros() + 1);
    }
    let secret = SecretId::random();
    let mut version = sample::version(publish.script.id, &source(name, generation));
    version.bindings = vec![
        sample::text("GENERATION", &generation.to_string()),
        sample::binding("KEY", BindingKind::SecretText { secret }),
    ];
    publish.script.tags = sample::tags(&[&format!("g{generation}")]);
    publish.deployment = Some(sample::deployment(publish.script.id, &[(version.id, 100.0)]));
    let value = Secret::new(format!("secret {generation}"));
    publish.version = NewVersion { version, secrets: vec![(secret, value)] };
    publish.keep_versions = 2;
    publish
}

/// The child: publishes for ever, and says on stdout what is acknowledged.
#[tokio::test]
async fn child_publishes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (storage, blobs) = open(Path::new(&dir)).await;
    let (storage, blobs) = (Arc::new(storage), Arc::new(blobs));
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    let writers = (0..SCRIPTS).map(|n| {
        let (storage, blobs) = (storage.clone(), blobs.clone());
        tokio::spawn(async move {
            let name = format!("s{n}");
            loop {
                let before = row(&storage, &name).await;
                let generation = match &before {
                    Some(row) => generation(&storage, &blobs, row).await + 1,
                    None => 1,
                };
                blobs.put(Bytes::from(source(&name, generation))).await.unwrap();
                storage.script_publish(&publish_of(&name, before.as_ref(), generation)).await.unwrap();
                // One write call a line: a kill can not mix them.
                let line = format!("\nacknowledged {n} {generation}\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures_util::future::join_all(writers).await;
}

/// Starts the child, kills it after `lines` acknowledgements and a little more, and returns what each
/// script was acknowledged to have.
fn run_and_kill(dir: &Path, lines: usize, more: Duration) -> [u64; SCRIPTS] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_publishes_until_it_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = [0; SCRIPTS];
    let mut note = |line: &str| {
        let mut words = line.strip_prefix("acknowledged ")?.split(' ');
        let script: usize = words.next()?.parse().ok()?;
        acknowledged[script] = words.next()?.parse().ok()?;
        Some(())
    };
    let mut seen = 0;
    while seen < lines {
        let line = reader.next().expect("the child ended by itself").unwrap();
        seen += usize::from(note(&line).is_some());
    }
    std::thread::sleep(more);
    child.kill().unwrap();
    for line in reader.map_while(Result::ok) {
        note(&line);
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = [0; SCRIPTS];
    for kill in 0..KILLS {
        // Spread over the phases of a publish without a clock: a few lines, then some microseconds.
        let more = Duration::from_micros(kill * 137 % 2_000);
        let now = run_and_kill(dir.path(), 1 + (kill % 4) as usize, more);
        for (total, now) in acknowledged.iter_mut().zip(now) {
            *total = now.max(*total);
        }
        let (storage, blobs) = open(dir.path()).await;
        for (n, acknowledged) in acknowledged.iter().enumerate() {
            if let Some(row) = row(&storage, &format!("s{n}")).await {
                let found = generation(&storage, &blobs, &row).await;
                assert!(found >= *acknowledged, "script {n}: {found}, but {acknowledged} was acknowledged");
            } else {
                assert_eq!(*acknowledged, 0);
            }
        }
        storage.close().await;
        check_integrity(dir.path()).await;
    }
    assert!(acknowledged.iter().sum::<u64>() >= KILLS);
}

pub async fn check_integrity(dir: &Path) {
    use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
    let options = SqliteConnectOptions::new().filename(dir.join("catalog.sqlite"));
    let mut connection = options.connect().await.unwrap();
    let check = sqlx::query_scalar::<_, String>("PRAGMA integrity_check").fetch_all(&mut connection).await.unwrap();
    assert_eq!(check, ["ok"]);
    let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await.unwrap();
    assert!(orphans.is_empty());
    let miscounted = "SELECT count(*) FROM namespaces n
                      WHERE script_count <> (SELECT count(*) FROM scripts s WHERE s.namespace = n.id)";
    let miscounted = sqlx::query_scalar::<_, i64>(miscounted).fetch_one(&mut connection).await.unwrap();
    assert_eq!(miscounted, 0, "namespaces whose count of scripts is wrong");
    connection.close().await.unwrap();
}

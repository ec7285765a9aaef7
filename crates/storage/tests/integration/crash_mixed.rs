//! Killed in the middle of everything: a child process uploads, sets and deletes secrets, tags, makes
//! versions, deploys and deletes, and is SIGKILLed. A script goes through a cycle of steps whose result is
//! known, so what is there must be exactly what the acknowledged steps made, or those and the one that was
//! under way: nothing lost, nothing half. `SWITCHYARD_TEST_SCALE` (1 by default) times 25 kills.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use switchyard_catalog::*;
use switchyard_storage::{FileBlobs, SecretKey, SqliteStorage};

use crate::{crash::check_integrity, sample};

const DIR: &str = "SWITCHYARD_TEST_CRASH_MIXED_DIR";
/// Where each writer goes on, comma-separated.
const FROM: &str = "SWITCHYARD_TEST_CRASH_MIXED_FROM";
const KILLS: f64 = 25.0;
const WRITERS: usize = 4;
/// Steps of a cycle; the last one deletes the script.
const CYCLE: u64 = 9;

/// What a script is, as far as a client can see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    /// The source that is live, and that of the newest version.
    live: String,
    newest: String,
    /// The live version's secrets.
    secrets: Vec<(String, String)>,
    tags: Vec<String>,
}

fn source(writer: usize, step: u64) -> String {
    format!("export default {{}} // {writer} {step} {}", "x".repeat(2_000))
}

/// The script after so many steps; `None`: there is none.
fn expected(writer: usize, steps: u64) -> Option<Seen> {
    let begin = steps - steps % CYCLE;
    let mut seen = None::<Seen>;
    for step in begin..steps {
        let value = format!("value {step}");
        let script = seen.get_or_insert_default();
        match step % CYCLE {
            0 => {
                script.secrets = vec![("FIRST".to_owned(), value)];
                (script.live, script.newest) = (source(writer, step), source(writer, step));
            }
            1 => script.secrets.push(("KEY".to_owned(), value)),
            2 => script.tags = vec![format!("t{step}")],
            3 => (script.live, script.newest) = (source(writer, step), source(writer, step)),
            4 => script.secrets.retain(|(name, _)| name != "FIRST"),
            5 => script.newest = source(writer, step),
            6 => script.live.clone_from(&script.newest),
            7 => script.tags.push(format!("t{step}")),
            _ => seen = None,
        }
    }
    seen
}

/// The step after so many.
async fn perform(catalog: &Catalog, actor: &Actor, writer: usize, step: u64) {
    let at = address(writer);
    let api = || "api".to_owned();
    let name = |text: &str| BindingName::parse(text).unwrap();
    let value = Secret::new(format!("value {step}"));
    let code = || NewScript { code: Some(sample::code(&source(writer, step))), source: api(), ..NewScript::default() };
    let tag = || sample::tags(&[&format!("t{step}")]);
    match step % CYCLE {
        0 => {
            let secret = NewBinding { name: name("FIRST"), kind: NewBindingKind::Secret(value) };
            let new = NewScript { bindings: vec![secret], ..code() };
            catalog.script_upload(actor, &at, new).await.map(drop).unwrap();
        }
        1 => catalog.secret_put(actor, &at, &name("KEY"), value, api()).await.unwrap(),
        2 => catalog.script_tags_put(actor, &at, tag()).await.map(drop).unwrap(),
        3 => catalog.script_upload(actor, &at, code()).await.map(drop).unwrap(),
        4 => catalog.secret_delete(actor, &at, &name("FIRST"), api()).await.unwrap(),
        5 => catalog.version_create(actor, &at, code()).await.map(drop).unwrap(),
        6 => {
            let latest = catalog.script_find(actor, &at).await.unwrap().latest.unwrap();
            let shares = vec![VersionShare { version: latest.id, percentage: 100.0 }];
            let annotations = serde_json::Map::new();
            catalog.deployment_create(actor, &at, shares, api(), annotations).await.map(drop).unwrap();
        }
        7 => catalog.script_tag_add(actor, &at, &tag()[0]).await.unwrap(),
        _ => catalog.script_delete(actor, &at, false).await.unwrap(),
    }
}

/// What is there, each version of it built as a node builds it: with all of its code.
async fn found(catalog: &Catalog, actor: &Actor, writer: usize) -> Option<Seen> {
    let row = match catalog.script_find(actor, &address(writer)).await {
        Ok(row) => row,
        Err(CatalogError::ScriptNotFound) => return None,
        Err(error) => panic!("{error:?}"),
    };
    for version in catalog.version_list(actor, &address(writer)).await.unwrap() {
        catalog.worker_spec(version.id).await.unwrap();
    }
    let deployments = catalog.deployment_list(actor, &address(writer)).await.unwrap();
    let live = row.deployed.unwrap().id;
    assert_eq!(deployments[0].versions, [VersionShare { version: live, percentage: 100.0 }]);
    let source = |spec: &WorkerSpec| String::from_utf8(spec.code.modules[0].content.to_vec()).unwrap();
    let newest = source(&catalog.worker_spec(row.latest.unwrap().id).await.unwrap());
    let spec = catalog.worker_spec(live).await.unwrap();
    let secrets = spec.bindings.iter().map(|(name, value)| match value {
        WorkerBinding::Secret(secret) => (name.as_str().to_owned(), secret.expose().to_owned()),
        other => panic!("{other:?}"),
    });
    let mut secrets: Vec<_> = secrets.collect();
    secrets.sort();
    let tags = row.script.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    Some(Seen { live: source(&spec), newest, secrets, tags })
}

fn address(writer: usize) -> ScriptRef {
    ScriptRef { account: sample::account(), namespace: None, name: sample::name(&format!("w{writer}")) }
}

struct Accepting;

#[async_trait]
impl Validator for Accepting {
    async fn validate(&self, _: &WorkerSpec) -> Result<Started, InvalidScript> {
        Ok(Started { handlers: vec!["fetch".to_owned()], ..Started::default() })
    }
}

struct Opened {
    storage: Arc<SqliteStorage>,
    blobs: Arc<FileBlobs>,
    catalog: Arc<Catalog>,
    actor: Actor,
}

async fn open(dir: &Path) -> Opened {
    let key = SecretKey::load_or_create(&dir.join("secret.key")).unwrap();
    let storage = Arc::new(SqliteStorage::open(dir, key).await.unwrap());
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    let blobs = Arc::new(FileBlobs::open(&dir.join("blobs")).unwrap());
    let settings = CatalogSettings { keep_versions: 3, ..CatalogSettings::default() };
    let catalog = Catalog::new(storage.clone(), blobs.clone(), Arc::new(Accepting), settings);
    Opened { storage, blobs, catalog: Arc::new(catalog), actor: Actor::of_account(sample::account(), "token-1") }
}

/// The child: goes on for ever, and says on stdout what is done.
#[tokio::test]
async fn child_goes_on_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let from = std::env::var(FROM).unwrap();
    let opened = open(Path::new(&dir)).await;
    let writers = from.split(',').enumerate().map(|(writer, from)| {
        let (catalog, actor) = (opened.catalog.clone(), opened.actor.clone());
        let from: u64 = from.parse().unwrap();
        tokio::spawn(async move {
            for step in from.. {
                perform(&catalog, &actor, writer, step).await;
                // One write call a line: a kill can not mix them.
                let line = format!("\nacknowledged {writer} {}\n", step + 1);
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap();
    }
}

/// Starts the child, kills it after so many acknowledgements and a little more; how many steps of each
/// writer are acknowledged then.
fn run_and_kill(dir: &Path, mut steps: [u64; WRITERS], lines: usize, more: Duration) -> [u64; WRITERS] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash_mixed::child_goes_on_until_it_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(FROM, steps.map(|step| step.to_string()).join(","))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = |line: &str| {
        let mut words = line.strip_prefix("acknowledged ")?.split(' ');
        let writer: usize = words.next()?.parse().ok()?;
        steps[writer] = words.next()?.parse().ok()?;
        Some(())
    };
    let mut seen = 0;
    while seen < lines {
        let line = reader.next().expect("the child ended by itself").unwrap();
        seen += usize::from(note(&line).is_some());
    }
    std::thread::sleep(more);
    child.kill().unwrap(); // SIGKILL
    for line in reader.map_while(Result::ok) {
        note(&line);
    }
    child.wait().unwrap();
    steps
}

fn blobs_on_disk(dir: &Path) -> HashSet<String> {
    let shards = std::fs::read_dir(dir.join("blobs")).unwrap().map(|shard| shard.unwrap().path());
    let files = shards.filter(|shard| shard.is_dir()).flat_map(|shard| std::fs::read_dir(shard).unwrap());
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn kills_in_mixed_writes_lose_nothing_and_leave_nothing_half() {
    let scale = std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1.0_f64);
    let kills = (KILLS * scale).max(1.0) as u64;
    let dir = tempfile::tempdir().unwrap();
    let mut steps = [0; WRITERS];
    for kill in 0..kills {
        // Spread over the phases of a write without a clock: a few lines, then some microseconds.
        let more = Duration::from_micros(kill * 137 % 3_000);
        steps = run_and_kill(dir.path(), steps, 1 + (kill % 11) as usize, more);
        check_integrity(dir.path()).await;
        let Opened { storage, blobs, catalog, actor } = open(dir.path()).await;
        for (writer, steps) in steps.iter_mut().enumerate() {
            let found = found(&catalog, &actor, writer).await;
            let (without, with) = (expected(writer, *steps), expected(writer, *steps + 1));
            assert!(found == without || found == with, "kill {kill}, writer {writer}, {steps} steps: {found:#?}");
            if found != without {
                // It was done, and killed before it said so.
                *steps += 1;
            }
        }
        // What is listed is what is there.
        let filter = ScriptFilter::default();
        let listed = catalog.script_list_account(&actor, &filter, None, 1_000).await.unwrap().rows.len();
        let there = steps.iter().enumerate().filter(|(writer, steps)| expected(*writer, **steps).is_some()).count();
        assert_eq!(listed, there);
        // No blob is left that nothing names, and none is missing.
        let in_use = storage.blobs_in_use().await.unwrap();
        blobs.sweep(&in_use, Duration::ZERO).await.unwrap();
        assert_eq!(blobs_on_disk(dir.path()), in_use.iter().map(BlobDigest::hex).collect());
        drop(catalog);
        storage.close().await;
    }
    assert!(steps.iter().sum::<u64>() >= kills, "{steps:?}");
}

//! `switchyard doctor`, `config`, `completions`, `ready` and `--version`, by the binary.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::PATIENCE;
use crate::process::switchyard;
use crate::tools::{Node, Said, file, say};

fn checks(said: &Said) -> Vec<Value> {
    serde_json::from_str::<Value>(&said.out).unwrap()["checks"].as_array().unwrap().clone()
}

#[track_caller]
fn found(checks: &[Value], check: &str) -> (String, String) {
    let check = checks.iter().find(|found| found["check"] == check).unwrap_or_else(|| panic!("{check}: {checks:?}"));
    (check["health"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned())
}

async fn doctor(config: &str, limits: &str) -> Said {
    // Limits of the process are those of a shell before it.
    let script = format!("{limits} exec {} doctor --json --config {config}", env!("CARGO_BIN_EXE_switchyard"));
    let mut command = tokio::process::Command::new("bash");
    command.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").kill_on_drop(true);
    say(command).await
}

#[tokio::test]
async fn a_machine_that_runs_these_tests_will_do() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("new/data");
    let config = format!(
        "data = {data:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n[admin]\nbind = \"127.0.0.1:0\"\n[runtime]\ninstances = 40\n"
    );
    let config = file(place.path(), "c.toml", &config);
    let said = doctor(&config, "").await;
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{}", said.out);
    let all = checks(&said);
    for check in [
        "configuration",
        "descriptors",
        "memory",
        "cores",
        "clock",
        "address space",
        "mappings",
        "page scan",
        "engine",
        "compiler",
        "compiler's cell",
        "data folder",
        "file system",
        "disk",
        "listener",
        "admin",
    ] {
        assert_ne!(found(&all, check).0, "fail", "{check}");
    }
    assert!(found(&all, "data folder").1.ends_with("is made at the first start"));
    assert!(found(&all, "compiler").1.starts_with("an empty component compiled"));
    // What is not well says what to do; what is well has nothing to say.
    for check in &all {
        assert_eq!(check["advice"].is_string(), check["health"] != "ok", "{check}");
    }
    assert!(!data.exists() && !place.path().join("new").exists(), "nothing was made");
    // For people: the same, a line each.
    let mut command = switchyard(&["doctor", "--config", &config]);
    command.env("PATH", "/usr/bin:/bin");
    let said = say(command).await.ok();
    assert_eq!(said.lines().filter(|line| !line.trim_start().starts_with("->")).count(), all.len(), "{said}");
}

#[tokio::test]
async fn beside_a_node_that_serves_all_is_well() {
    let node = Node::start().await;
    let said = node.run(&["doctor", "--json"]).await;
    let all = checks(&said);
    assert_eq!(found(&all, "lock"), ("ok".into(), "a node serves from the folder".into()));
    assert_eq!(found(&all, "data folder").0, if private(node.data.path()) { "ok" } else { "warn" });
    let ready = ["ready", "--data", node.data.path().to_str().unwrap()];
    assert!(say(switchyard(&ready)).await.ok().ends_with(" is ready\n"));
    let admin = node.admin.clone();
    say(switchyard(&["ready", "--admin", &admin])).await.ok();
    let data = node.stop().await;
    let ready = ["ready", "--data", data.path().to_str().unwrap()];
    say(switchyard(&ready)).await.fails("no node is running");
    say(switchyard(&["ready", "--admin", &admin])).await.fails("could not reach");
}

fn private(folder: &std::path::Path) -> bool {
    std::fs::metadata(folder).unwrap().permissions().mode() & 0o077 == 0
}

#[tokio::test]
async fn what_prevents_a_node_fails_and_says_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = |more: &str| {
        format!(
            "data = {data:?}\n[[listener]]\nbind = \"{address}\"\n[admin]\nbind = \"127.0.0.1:0\"\n[runtime]\ninstances = 40\n{more}"
        )
    };
    let file = file(place.path(), "c.toml", &config(""));
    let said = doctor(&file, "").await;
    assert_eq!((said.code, said.error.as_str()), (Some(1), "error: 1 of 19 checks failed\n"), "{}", said.out);
    let all = checks(&said);
    assert_eq!(found(&all, "listener"), ("fail".into(), format!("{address} is in use")));
    drop(taken);
    assert_eq!(doctor(&file, "").await.code, Some(0));

    // Each on the one side of its line, and on the other.
    let said = doctor(&file, "ulimit -n 600;").await;
    assert_eq!((said.code, found(&checks(&said), "descriptors").0.as_str()), (Some(1), "fail"));
    let said = doctor(&file, "ulimit -n 4096;").await;
    assert_eq!((said.code, found(&checks(&said), "descriptors").0.as_str()), (Some(0), "warn"));
    let said = doctor(&file, "ulimit -v 20000000;").await;
    let all = checks(&said);
    assert_eq!((said.code, found(&all, "address space").0.as_str()), (Some(1), "fail"), "{all:?}");
    std::fs::write(&file, config("[compile]\nprogram = \"/bin/false\"\n")).unwrap();
    let said = doctor(&file, "").await;
    assert_eq!((said.code, found(&checks(&said), "compiler").0.as_str()), (Some(1), "fail"));
    std::fs::write(&file, config("[overload]\nmemory = \"256MiB\"\n")).unwrap();
    assert_eq!(found(&checks(&doctor(&file, "").await), "memory").0, "warn");
    std::fs::write(&file, config("[overload]\nmemory = \"1GiB\"\n")).unwrap();
    assert_eq!(found(&checks(&doctor(&file, "").await), "memory").0, "ok");

    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(found(&checks(&doctor(&file, "").await), "data folder").0, "warn");
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(data.join("secret.key"), "x").unwrap();
    std::fs::set_permissions(data.join("secret.key"), PermissionsExt::from_mode(0o644)).unwrap();
    let (health, text) = found(&checks(&doctor(&file, "").await), "data folder");
    assert!(health == "fail" && text.contains("secret.key"), "{text}");
    std::fs::remove_file(data.join("secret.key")).unwrap();
    std::fs::write(data.join("restoring"), "").unwrap();
    assert_eq!(found(&checks(&doctor(&file, "").await), "lock").0, "fail");
    std::fs::remove_file(data.join("restoring")).unwrap();

    std::fs::write(&file, "[limits]\ncpuu = \"1s\"\n").unwrap();
    let said = doctor(&file, "").await;
    let (health, text) = found(&checks(&said), "configuration");
    assert!(said.code == Some(1) && health == "fail" && text.contains(":2: unknown key \"cpuu\""), "{text}");
}

#[tokio::test]
async fn the_configuration_is_checked_and_described() {
    let place = tempfile::tempdir().unwrap();
    let good = file(place.path(), "good.toml", "[limits]\ncpu = \"1s\"\n");
    let said = say(switchyard(&["config", "check", &good])).await.ok();
    assert_eq!(said, format!("{good}: good; 1 listeners, 1 resolvers\n"));
    let bad = file(place.path(), "bad.toml", "[limits]\ncpu = 1\n");
    say(switchyard(&["config", "check", &bad])).await.fails("bad.toml:2: \"cpu\" in [limits]");
    let schema = say(switchyard(&["config", "schema"])).await.json();
    let limits = &schema["properties"]["limits"];
    assert_eq!((&schema["additionalProperties"], &limits["additionalProperties"]), (&false.into(), &false.into()));
    assert_eq!(limits["properties"]["cpu"]["default"], "30s");
    assert_eq!(limits["properties"]["memory"]["default"], "128MiB");
    let reference = say(switchyard(&["config", "reference"])).await.ok();
    assert!(reference.contains("| `requests_per_script` | whole number | `1000` |"), "{reference}");
    // The validator of another language, which that package brings, reads files as the program does.
    let Some(pip) = crate::packages::pip("kubernetes-validate==1.37.0").await else { return };
    let script = "
import json, sys, tomllib, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    errors = [e.message for e in validator.iter_errors(tomllib.load(open(path, 'rb')))]
    print(json.dumps(errors))
";
    let path = file(place.path(), "schema.json", &schema.to_string());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let shipped = ["config/switchyard.toml", "deploy/container.toml", "deploy/kubernetes/base/switchyard.toml"];
    let mut command = tokio::process::Command::new("python3");
    command.args(["-c", script, &path]).args(shipped.map(|name| format!("{root}{name}")));
    let unknown = file(place.path(), "unknown.toml", "[limits]\ncpuu = \"1s\"\n[log]\naccess = \"paper\"\n");
    command.args([&good, &bad, &unknown]).env("PYTHONPATH", pip).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("No module named 'tomllib'") {
        println!("SKIPPED: this python3 does not read TOML");
        return;
    }
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let errors: Vec<Vec<String>> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(errors[..4], vec![Vec::<String>::new(); 4], "shipped files, and a good one");
    assert_eq!(errors[4], ["1 is not of type 'string'"]);
    assert!(
        errors[5].iter().any(|e| e.contains("cpuu")) && errors[5].iter().any(|e| e.contains("paper")),
        "{errors:?}"
    );
}

#[tokio::test]
async fn completions_and_versions_are_told() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = say(switchyard(&["completions", shell])).await.ok();
        assert!(script.contains("switchyard") && script.contains("backup"), "{shell}");
        if shell == "bash" {
            let mut bash = tokio::process::Command::new("bash");
            bash.args(["-n", "-c", &script]);
            assert!(say(bash).await.ok().is_empty());
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(say(switchyard(&["-V"])).await.ok(), format!("switchyard {version}\n"));
    let long = say(switchyard(&["--version"])).await.ok();
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(lines[0], format!("switchyard {version}"));
    let digest = |line: &str| line.split_ascii_whitespace().nth(1).unwrap().len();
    assert!(lines[1].starts_with("engine ") && digest(lines[1]) == 64, "{long}");
    assert!(lines[2].starts_with("platform ") && digest(lines[2]) == 64, "{long}");
}

//! README and quick start, run as a reader runs them: the blocks marked `sh`, in order, in one shell, in an empty folder,
//! with the program built. `cargo run --release --` is that program; a command that serves goes to the background until
//! it is ready. What builds, and what needs npm where there is none, is skipped and counted.

use std::path::Path;
use std::process::Stdio;

use crate::component_upload;
use crate::packages;

struct Block {
    line: usize,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line) {
            (None, "```sh") => open = Some(Block { line: number + 1, text: String::new() }),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => block.text += &(line.to_owned() + "\n"),
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// Why a block is not run here.
fn skipped(block: &str, npx: bool) -> Option<&'static str> {
    let begins = |words: &str| block.lines().any(|line| line.trim_start().starts_with(words));
    if begins("cargo build") || begins("cargo test") || block.contains("-p benches") || block.contains("--features") {
        return Some("it builds");
    }
    (block.contains("npx ") && !npx).then_some("it needs npm")
}

/// A command that goes on: begun, then waited for until it says that it is ready.
fn serves(line: &str) -> bool {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let at = match words.as_slice() {
        ["cargo", "run", "--release", "--", command, ..] | ["switchyard", command, ..] => *command,
        _ => return false,
    };
    matches!(at, "dev" | "serve")
}

async fn run(page: &str) -> (usize, usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(page)).unwrap();
    let place = tempfile::tempdir().unwrap();
    let tools = tempfile::tempdir().unwrap();
    let tool = |name: &str, script: String| {
        use std::os::unix::fs::PermissionsExt;
        let path = tools.path().join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    let program = env!("CARGO_BIN_EXE_switchyard");
    tool("switchyard", format!("#!/bin/bash\nexec {program} \"$@\"\n"));
    tool(
        "cargo",
        format!("#!/bin/bash\n[ \"$1 $2 $3\" = 'run --release --' ] || exit 99\nshift 3\nexec {program} \"$@\"\n"),
    );
    // An answer that is an error is one.
    std::fs::write(tools.path().join(".curlrc"), "fail-with-body\nsilent\nshow-error\nmax-time = 30\n").unwrap();
    let npx = match (packages::node("22.23.3").await, packages::npm("wrangler@4.164.0").await) {
        (Some(node), Some(wrangler)) => {
            let wrangler = wrangler.join("node_modules/wrangler/bin/wrangler.js");
            let script = format!(
                "#!/bin/bash\n[ \"$1\" = wrangler ] || exit 99\nshift\nexec {} {} \"$@\"\n",
                node.display(),
                wrangler.display()
            );
            tool("npx", script);
            true
        }
        _ => false,
    };
    // What the text speaks of as the reader's own.
    std::fs::write(place.path().join("hello.wasm"), component_upload::hello()).unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (listen, admin) = (free(), free());
    let (mut ran, mut left) = (0, 0);
    let mut script = String::from("set -euo pipefail\ntrap 'for node in $(jobs -p); do kill $node; done; wait' EXIT\n");
    for block in blocks(&text) {
        if let Some(why) = skipped(&block.text, npx) {
            println!("SKIPPED: {page}:{}: {why}", block.line);
            left += 1;
            continue;
        }
        ran += 1;
        script += &format!("echo '{page}:{}' >&2\n", block.line);
        for line in block.text.lines() {
            // Other ports than those of whoever else is on this machine.
            let line = line.replace("127.0.0.1:8080", &listen).replace("127.0.0.1:8081", &admin);
            let line = line.replace(".localhost:8080", &format!(".localhost:{}", listen.rsplit(':').next().unwrap()));
            if serves(&line) {
                script += &format!(
                    "SWITCHYARD_LISTEN={listen} SWITCHYARD_ADMIN={admin} {line} > node-{ran}.out 2> node-{ran}.err &\nuntil grep -q ^ready node-{ran}.out; do kill -0 $! || {{ cat node-{ran}.err >&2; exit 1; }}; sleep 0.05; done\n"
                );
            } else if line.starts_with("switchyard tail ") {
                // It goes on until its reader has seen enough.
                script += &format!("{{ timeout 1 {line}\n}} || [ $? = 124 ]\n");
            } else {
                script += &format!("{line}\n");
                if line.starts_with("switchyard init ") {
                    script +=
                        &format!("sed -i 's/127.0.0.1:8080/{listen}/; s/127.0.0.1:8081/{admin}/' switchyard.toml\n");
                }
            }
        }
    }
    let mut shell = tokio::process::Command::new("bash");
    shell.args(["-c", &script]).current_dir(place.path()).env_clear().kill_on_drop(true);
    shell.env("PATH", format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap()));
    shell.env("HOME", tools.path()).env("CURL_HOME", tools.path());
    // As the text says that the node's operator lets it.
    shell.env("SWITCHYARD_ALLOW_UPSTREAM", "10.0.0.0/8").env("SWITCHYARD_ALLOW_PRIVATE_EGRESS", "true");
    shell.env("KEY", "a secret of the reader's environment").env("WRANGLER_SEND_METRICS", "false");
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), shell.output());
    let output = output.await.unwrap_or_else(|_| panic!("{page} does not end")).unwrap();
    assert!(
        output.status.success(),
        "{page}: {}\n--- out\n{}\n--- errors, and which block\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{page}: {ran} blocks ran, {left} were skipped");
    (ran, left)
}

#[tokio::test]
async fn readme() {
    assert!(run("README.md").await.0 >= 6);
}

#[tokio::test]
async fn quick_start() {
    assert!(run("docs/quickstart.md").await.0 >= 5);
}

#[tokio::test]
async fn operations() {
    assert!(run("docs/operations.md").await.0 >= 5);
}

/// Links between the pages lead somewhere.
#[test]
fn pages_are_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md")];
    pages.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|page| page.unwrap().path()));
    let mut checked = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let target = page.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(target.exists(), "{}: {link}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 10);
}

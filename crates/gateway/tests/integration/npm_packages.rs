//! Real packages from npm, bundled by esbuild at test time: each answers as on workerd, which runs the same bundle in
//! the same run. Without a registry the test is skipped and says so.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::TestGateway;
use crate::{packages, workerd};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages");

/// The Workers, by their files: one each for a part of the packages, so that each starts within its limits.
const PARTS: [&str; 6] = ["web", "markup", "data", "binary", "code", "places"];

const PACKAGES: &[&str] = &[
    "@msgpack/msgpack@3.1.3",
    "@noble/curves@2.4.0",
    "@noble/hashes@2.4.0",
    "@sentry/core@11.12.0",
    "@trpc/server@11.25.2",
    "@vue/server-renderer@3.5.45",
    "ajv@8.20.0",
    "bcryptjs@3.0.3",
    "big.js@7.0.1",
    "cheerio@1.2.0",
    "chroma-js@3.2.0",
    "cookie@1.1.1",
    "cron-parser@5.10.6",
    "date-fns@4.4.0",
    "dayjs@1.11.23",
    "decimal.js@10.6.0",
    "drizzle-orm@0.45.4",
    "effect@4.1.0",
    "error-stack-parser@3.0.0",
    "esbuild@0.28.2",
    "eventemitter3@5.0.4",
    "fast-xml-parser@5.12.1",
    "fflate@0.8.3",
    "graphql-yoga@5.24.1",
    "graphql@16.15.0",
    "handlebars@4.7.10",
    "hono@4.13.19",
    "humanize-duration@3.35.1",
    "immer@11.2.10",
    "intl-messageformat@12.1.5",
    "itty-router@5.0.24",
    "jose@6.2.18",
    "js-yaml@5.5.0",
    "jszip@3.10.2",
    "ky@1.14.3",
    "liquidjs@10.30.1",
    "lodash-es@4.18.1",
    "lodash@4.18.1",
    "lru-cache@11.5.3",
    "luxon@3.7.2",
    "markdown-it@15.0.3",
    "marked@18.2.1",
    "mitt@3.0.1",
    "ms@2.1.3",
    "mustache@4.2.0",
    "nanoid@5.1.16",
    "pako@3.0.3",
    "papaparse@5.7.1",
    "path-to-regexp@9.0.0",
    "pdf-lib@1.17.1",
    "preact-render-to-string@6.8.2",
    "preact@11.2.0",
    "pretty-bytes@7.2.0",
    "qs@6.17.1",
    "react-dom@19.3.1",
    "react@19.3.1",
    "rrule@2.8.1",
    "rxjs@7.8.2",
    "semver@7.8.6",
    "slugify@1.6.9",
    "stacktrace-parser@0.1.11",
    "superjson@2.2.6",
    "tweetnacl@1.0.3",
    "ufo@1.6.4",
    "uuid@14.0.3",
    "valibot@1.5.0",
    "validator@13.15.35",
    "vue@3.5.45",
    "yaml@2.9.1",
    "zod@4.6.7",
    "zustand@5.1.0",
];

/// The bundle of one part; its entry is written beside it.
async fn bundle(node: &Path, installed: &Path, part: &str) -> String {
    let project = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(installed.join("node_modules"), project.path().join("node_modules")).unwrap();
    for file in [format!("{part}.js"), "index.js".into()] {
        let source = std::fs::read_to_string(Path::new(FOLDER).join(&file)).unwrap();
        std::fs::write(project.path().join(file), source.replace("./part.js", &format!("./{part}.js"))).unwrap();
    }
    let output = Command::new(node)
        .arg(installed.join("node_modules/esbuild/bin/esbuild"))
        .args(["index.js", "--bundle", "--format=esm", "--target=es2024", "--minify-syntax", "--outfile=out.js"])
        .args(["--conditions=workerd,worker,browser,import", "--main-fields=browser,module,main", "--log-level=error"])
        .args(["--define:process.env.NODE_ENV=\"production\"", "--external:node:*", "--external:cloudflare:*"])
        .current_dir(project.path())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(project.path().join("out.js")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_answer_as_on_workerd() {
    let Some(node) = packages::node("20.20.2").await else { return };
    let Some(installed) = packages::npm_all("packages", PACKAGES).await else { return };
    let gateway = TestGateway::start().await;
    let (mut compared, mut wrong) = (0, String::new());
    for part in PARTS {
        let source = bundle(&node, &installed, part).await;
        let modules = vec![("index.mjs".to_owned(), source.clone())];
        let Some(theirs) = workerd::answers(&modules, &[]).await else { return };
        let metadata = json!({ "compatibility_date": "2026-01-01", "limits": { "cpu_ms": 30_000 } });
        let kept = gateway.try_upload("ns", part, &source, metadata).await;
        assert!(kept.status.is_success(), "{part}: {}", kept.text());
        // Each by itself: one that fails in some way of its own leaves the others theirs.
        for (name, theirs) in theirs.as_object().unwrap() {
            let only: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let answer = gateway.get(part, &format!("/?only={only}")).await;
            let ours: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
            if ours[name] != *theirs {
                wrong += &format!("{name}\n  workerd {theirs}\n  here    {} {}\n", answer.status, answer.text());
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(compared >= 90, "{compared} uses");
}

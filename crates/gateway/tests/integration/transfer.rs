//! `switchyard export` and `import`: a namespace from one node to another.

use crate::component_upload;
use crate::origin::Origin;
use crate::process::get;
use crate::tools::{Node, file};

#[tokio::test]
async fn a_namespace_goes_to_another_node() {
    let origin = Origin::start("from the origin").await;
    let (one, two) =
        (Node::with(&["--allow-upstream", "127.0.0.1"]).await, Node::with(&["--allow-upstream", "127.0.0.1"]).await);
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let main = "import { b } from './lib/b.js'; import t from './t.txt';
        export default { fetch(r, env) { return new Response([b, t, env.V, env.KEY ?? 'none'].join()) } };";
    let main = file(place.path(), "main.mjs", main);
    let module = file(place.path(), "lib/b.js", "export const b = 'b';");
    let text = file(place.path(), "t.txt", "text");
    let tags = ["--tag", "customer", "--tag", "beta", "--compatibility-date", "2025-03-04"];
    let deploy = ["deploy", "dev/many", &main, &module, &text, "--var", "V=v", "--secret", "KEY=hidden-value"];
    one.run(&[&deploy[..], &tags].concat()).await.ok();
    one.run(&["deploy", "dev/proxied", "--upstream", &origin.url()]).await.ok();
    let wasm = place.path().join("hello.wasm");
    std::fs::write(&wasm, component_upload::hello()).unwrap();
    one.run(&["deploy", "dev/component", wasm.to_str().unwrap()]).await;
    let curl = format!(
        "curl --fail-with-body -sS -X PUT {}/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts/classic \
         -H \"Authorization: Bearer $(cat {}/token)\" -F 'metadata={{\"body_part\":\"w.js\"}};type=application/json' \
         -F 'w.js=addEventListener(\"fetch\", e => e.respondWith(new Response(\"classic\")));type=application/javascript'",
        one.admin,
        one.data.path().display()
    );
    let put = std::process::Command::new("bash").args(["-c", &curl]).output().unwrap();
    assert!(put.status.success(), "{put:?}");
    static_site(&one).await;
    one.run(&["namespace", "settings", "dev", "--cpu-ms", "75", "--isolation", "warm"]).await.ok();

    let said = one.run(&["export", "dev", &path("dev.tar")]).await.ok();
    assert!(
        said.starts_with("exported 6 scripts of dev to ") && said.contains("; 1 secrets are in it by name"),
        "{said}"
    );
    let bytes = std::fs::read(path("dev.tar")).unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"hidden-value"));
    one.run(&["export", "dev", &path("dev.tar")]).await.fails("exists already");
    one.run(&["export", "nowhere", &path("n.tar")]).await.fails("[code: ");
    assert!(!place.path().join("n.tar").exists());

    let said = two.run(&["import", &path("dev.tar")]).await.ok();
    assert_eq!(said, "imported 6 scripts into dev\nmany lacks its secrets KEY\n");
    assert_eq!(two.answers("many").await, "b,text,v,none");
    assert_eq!(two.answers("classic").await, "classic");
    assert_eq!(two.answers("proxied").await, "from the origin");
    assert_eq!(two.answers("component").await, one.answers("component").await);
    for (script, path, wanted) in [
        ("site", "/page", (200, "a page")),
        ("site", "/nowhere", (404, "not here")),
        ("both", "/page", (200, "a page")),
        ("both", "/api", (200, "code")),
    ] {
        for node in [&one, &two] {
            let (status, text) = get(&format!("{}{path}", node.gateway), &format!("{script}.localhost")).await;
            assert_eq!((status, text.as_str()), wanted, "{script}{path}");
        }
    }
    let shown = two.run(&["script", "get", "dev/many", "--json"]).await.json();
    assert_eq!(
        (&shown["tags"], &shown["compatibility_date"]),
        (&serde_json::json!(["customer", "beta"]), &"2025-03-04".into())
    );
    let settings = two.run(&["namespace", "settings", "dev", "--json"]).await.json();
    assert_eq!((&settings["limits"]["cpu_ms"], &settings["isolation"]), (&75.into(), &"warm".into()));

    // Once more only where that is said; then with the secrets; and under another name.
    two.run(&["import", &path("dev.tar")]).await.fails("--replace deploys over them");
    let secrets = file(place.path(), "secrets.json", r#"{"many":{"KEY":"given"}}"#);
    let said = two.run(&["import", &path("dev.tar"), "--replace", "--secrets", &secrets]).await.ok();
    assert_eq!(said, "imported 6 scripts into dev\n");
    assert_eq!(two.answers("many").await, "b,text,v,given");
    // What is kept of a secret stays when nothing is said of it.
    two.run(&["import", &path("dev.tar"), "--replace"]).await.ok();
    assert_eq!(two.answers("many").await, "b,text,v,given");
    let copy = two.run(&["import", &path("dev.tar"), "--namespace", "copy", "--json"]).await.json();
    assert_eq!((&copy["scripts"], &copy["missing_secrets"]["many"][0]), (&6.into(), &"KEY".into()));
    assert!(two.run(&["script", "list", "copy"]).await.ok().contains("component"));
}

/// Two scripts with static assets, one of them without code, as wrangler uploads them.
async fn static_site(node: &Node) {
    let scripts = format!("{}/accounts/00000000000000000000000000000001/workers", node.admin);
    let script = format!(
        r#"set -euo pipefail
        auth="Authorization: Bearer $(cat {data}/token)"
        one=00000000000000000000000000000001 two=00000000000000000000000000000002
        jwt() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)["result"]["jwt"])'; }}
        for name in site both; do
            at={scripts}/dispatch/namespaces/dev/scripts/$name
            session=$(curl --fail-with-body -sS -H "$auth" -H 'Content-Type: application/json' $at/assets-upload-session \
                -d '{{"manifest":{{"/page.html":{{"hash":"'$one'","size":6}},"/404.html":{{"hash":"'$two'","size":8}}}}}}' | jwt)
            if [ $name = site ]; then
                session=$(curl --fail-with-body -sS -H "Authorization: Bearer $session" "{scripts}/assets/upload?base64=true" \
                    -F "$one=$(printf 'a page' | base64);type=text/html" -F "$two=$(printf 'not here' | base64);type=text/html" | jwt)
            fi
            metadata='{{"compatibility_date":"2025-05-01","assets":{{"jwt":"'$session'","config":{{"not_found_handling":"404-page","run_worker_first":["/api"]}}}}'
            if [ $name = site ]; then
                curl --fail-with-body -sS -X PUT -H "$auth" $at -F "metadata=$metadata}};type=application/json"
            else
                curl --fail-with-body -sS -X PUT -H "$auth" $at -F "metadata=$metadata,\"main_module\":\"w.mjs\"}};type=application/json" \
                    -F 'w.mjs=export default {{ fetch() {{ return new Response("code") }} }};type=application/javascript+module'
            fi
        done"#,
        data = node.data.path().display(),
    );
    let output = tokio::process::Command::new("bash").args(["-c", &script]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn what_cannot_go_over_is_named() {
    let node = Node::start().await;
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    // Bound to one of the account's own Workers, which the other node lacks.
    let own = file(place.path(), "own.mjs", "export default { fetch() { return new Response('own') } };");
    node.run(&["deploy", "own", &own]).await.ok();
    node.run(&["deploy", "dev/plain", &own]).await.ok();
    let bound = format!(
        "curl --fail-with-body -sS -X PUT {}/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts/bound \
         -H \"Authorization: Bearer $(cat {}/token)\" \
         -F 'metadata={{\"main_module\":\"w.mjs\",\"bindings\":[{{\"type\":\"service\",\"name\":\"O\",\"service\":\"own\"}}]}};type=application/json' \
         -F 'w.mjs=export default {{ fetch(r, env) {{ return env.O.fetch(r) }} }};type=application/javascript+module'",
        node.admin,
        node.data.path().display()
    );
    let put = std::process::Command::new("bash").args(["-c", &bound]).output().unwrap();
    assert!(put.status.success(), "{put:?}");
    node.run(&["export", "dev", &path("dev.tar")]).await.ok();
    let other = Node::start().await;
    let said = other.run(&["import", &path("dev.tar")]).await;
    assert!(
        said.error.contains("1 scripts were imported, 1 were not") && said.error.contains("bound: "),
        "{}",
        said.error
    );
    assert_eq!(other.answers("plain").await, "own");
    other.run(&["deploy", "own", &own]).await.ok();
    other.run(&["import", &path("dev.tar"), "--replace"]).await.ok();
    assert_eq!(other.answers("bound").await, "own");

    // Files that are no export, or not whole.
    let bytes = std::fs::read(path("dev.tar")).unwrap();
    for (name, bytes) in [("empty", &[][..]), ("text", b"hello"), ("cut", &bytes[..bytes.len() / 2])] {
        std::fs::write(path(name), bytes).unwrap();
        other.run(&["import", &path(name), "--replace"]).await.fails("is no export");
    }
}

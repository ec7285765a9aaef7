//! Starting a Worker: modules, what is refused and in which words, module scope.

use std::collections::HashMap;

use switchyard_catalog::ModuleKind::{Data, EsModule, Json, Text};

use crate::harness::{Bench, spec, spec_of};

#[tokio::test]
async fn modules_of_every_kind() {
    let bench = Bench::new();
    let modules = [
        ("index.js", EsModule, "import { a } from './lib/a.js'; import t from './t.txt'; import d from './d.bin'; import j from './j.json';
          export default { async fetch() { const late = await import('./late.js'); return Response.json([a, t, d.byteLength, j.x, late.v]) } }"),
        ("lib/a.js", EsModule, "import { b } from '../b.js'; export const a = 'a' + b;"),
        ("b.js", EsModule, "export const b = 'b';"),
        ("late.js", EsModule, "export const v = 'late';"),
        ("t.txt", Text, "text"),
        ("d.bin", Data, "12345"),
        ("j.json", Json, r#"{"x":1}"#),
    ];
    let (worker, _) = bench.start(spec_of(&modules, HashMap::new())).await.unwrap();
    assert_eq!(bench.get(&worker, "/").await.1, r#"["ab","text",5,1,"late"]"#);
}

#[tokio::test]
async fn handlers_are_announced() {
    let bench = Bench::new();
    let source = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export class Named extends WorkerEntrypoint { fetch() { return new Response('named') } }
        export default { fetch() { return new Response('') }, scheduled() {} }";
    let (_, started) = bench.start(spec(source)).await.unwrap();
    assert_eq!(started.handlers, ["fetch", "scheduled"]);
    assert_eq!(started.named_handlers[0].name, "Named");
    assert!(started.startup_time_ms >= 1);
}

#[tokio::test]
async fn entrypoint_class_as_default_export() {
    let bench = Bench::new();
    let source = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export default class extends WorkerEntrypoint { async fetch(r) { return new Response(typeof this.env + new URL(r.url).pathname) } }";
    let worker = bench.worker(source).await;
    assert_eq!(bench.get(&worker, "/x").await.1, "object/x");
}

#[tokio::test]
async fn refusals_carry_the_engines_message() {
    let bench = Bench::new();
    for (source, wanted) in [
        ("export default {", "Uncaught SyntaxError"),
        ("throw new RangeError('boom')", "Uncaught RangeError: boom\n  at index.js:1:"),
        ("throw 'str'", "Uncaught Error: str"),
        ("import './nope.js'", "Uncaught Error: No such module \"nope.js\".\n  imported from \"index.js\""),
        ("import 'node:fs'", "No such module \"node:fs\"."),
        ("await new Promise(() => {}); export default {}", "Top-level await in module is unsettled."),
        ("for (;;);", "Script startup exceeded CPU time limit"),
        ("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));", "memory"),
        ("setTimeout(() => {}, 1)", "Disallowed operation called within global scope"),
        ("crypto.randomUUID()", "Disallowed operation called within global scope"),
        ("await fetch('https://a.test/')", "Disallowed operation called within global scope"),
        ("import { op } from 'switchyard:host'", "No such module \"switchyard:host\""),
    ] {
        let refusal = bench.refusal(source).await;
        assert!(refusal.contains(wanted), "{source}\n  gave {refusal}\n  not {wanted}");
    }
}

#[tokio::test]
async fn module_scope_is_as_on_workerd() {
    let bench = Bench::new();
    let source = "const seen = { now: Date.now(), date: new Date().getTime(), perf: performance.now(), random: Math.random(), fn: new Function('return 7')() };
        seen.eval = eval('1 + 1'); seen.digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(0)))[0];
        export default { fetch() { seen.later = Date.now() > 1.6e12; try { eval('1') } catch (e) { seen.evalError = e.name + ': ' + e.message }
          try { new Function('1') } catch (e) { seen.functionError = e.name } return Response.json(seen) } }";
    let seen: serde_json::Value = serde_json::from_str(&bench.run(source).await).unwrap();
    assert_eq!(
        (seen["now"].as_i64(), seen["date"].as_i64(), seen["perf"].as_i64()),
        (Some(0), Some(0), Some(0)),
        "{seen}"
    );
    assert_eq!((seen["fn"].as_i64(), seen["eval"].as_i64(), seen["digest"].as_i64()), (Some(7), Some(2), Some(0xe3)));
    assert_eq!(seen["later"], true);
    assert_eq!(seen["evalError"], "EvalError: Code generation from strings disallowed for this context");
    assert_eq!(seen["functionError"], "EvalError");
}

#[tokio::test]
async fn startup_survives_a_new_process() {
    // A sealed file is opened by another runtime with the same key and no source.
    let bench = Bench::new();
    let mut script = spec("let n = 40; export default { fetch(r, env) { return new Response(env.A + ++n) } }");
    script.bindings = vec![(
        switchyard_catalog::BindingName::parse("A").unwrap(),
        switchyard_catalog::WorkerBinding::Text("a".into()),
    )];
    let version = script.version;
    bench.start(script).await.unwrap();
    let folder = std::env::temp_dir().join("switchyard-runtime-tests");
    let config = switchyard_runtime::Config { artefacts: folder, ..Default::default() };
    let again = switchyard_runtime::Runtime::new(config, [7; 32], tokio::runtime::Handle::current()).unwrap();
    let worker = again.worker(version, &crate::harness::NoSource).await.unwrap();
    assert_eq!(bench.get(&worker, "/").await, (200, "a41".into()));
    let other = switchyard_runtime::Config {
        artefacts: std::env::temp_dir().join("switchyard-runtime-tests"),
        ..Default::default()
    };
    let stranger = switchyard_runtime::Runtime::new(other, [8; 32], tokio::runtime::Handle::current()).unwrap();
    assert!(stranger.worker(version, &crate::harness::NoSource).await.is_err());
}

/// A program that is replaced again and again leaves no engine of each.
#[tokio::test]
async fn engines_of_other_builds_go_but_for_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let config = switchyard_runtime::Config { artefacts: folder.path().to_owned(), ..Default::default() };
        drop(switchyard_runtime::Runtime::new(config, [7; 32], tokio::runtime::Handle::current()).unwrap());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut ours = start();
    assert_eq!(ours.len(), 3, "{ours:?}");
    let hours = |hours: u64| std::time::SystemTime::now() - std::time::Duration::from_secs(3_600 * hours);
    for age in 1..=5 {
        for name in ["engine-0000000000000000-N.cwasm", "base-N.image", "base-N-0000000000000000-N.cwasm"] {
            let path = folder.path().join(name.replace('N', &format!("{age:016x}")));
            std::fs::write(&path, b"of another build").unwrap();
            std::fs::File::open(&path).unwrap().set_modified(hours(age)).unwrap();
        }
    }
    let one = format!("{:016x}", 1);
    ours.extend([
        format!("engine-0000000000000000-{one}.cwasm"),
        format!("base-{one}.image"),
        format!("base-{one}-0000000000000000-{one}.cwasm"),
    ]);
    ours.sort();
    assert_eq!(start(), ours);
    assert_eq!(start(), ours, "and the one before stays");
}

#[tokio::test]
async fn a_base_that_is_not_as_it_was_kept_is_made_anew() {
    let bench = Bench::new();
    let script = spec("let n = 1; export default { fetch() { return new Response(String(++n)) } }");
    let version = script.version;
    let (kept, folder) = (std::env::temp_dir().join("switchyard-runtime-tests"), tempfile::tempdir().unwrap());
    bench.start(script).await.unwrap();
    let sealed = format!("workers/{}/{}.sealed", &version.simple()[..2], version.simple());
    std::fs::create_dir_all(folder.path().join(&sealed).parent().unwrap()).unwrap();
    std::fs::copy(kept.join(&sealed), folder.path().join(&sealed)).unwrap();
    let mut damaged = 0;
    for file in std::fs::read_dir(&kept).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
        let mut bytes = std::fs::read(file.path()).unwrap();
        if file.file_name().to_str().unwrap().starts_with("base-") {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            damaged += 1;
        }
        std::fs::write(folder.path().join(file.file_name()), bytes).unwrap();
    }
    assert!(damaged >= 2, "the image and what maps it");
    let config = || switchyard_runtime::Config { artefacts: folder.path().to_owned(), ..Default::default() };
    // Made anew, it is the base that the script was evaluated on; and it is kept for the next one.
    for _ in 0..2 {
        let again = switchyard_runtime::Runtime::new(config(), [7; 32], tokio::runtime::Handle::current()).unwrap();
        let worker = again.worker(version, &crate::harness::NoSource).await.unwrap();
        assert_eq!(bench.get(&worker, "/").await, (200, "2".into()));
    }
}

//! QuickJS-NG's own tests, from the sources the engine is built of, on instances frozen and not: what each file says must
//! be the same, whether it passes or fails. Most pass; the rest want a file system, workers or another build of the engine.

use std::path::Path;

use switchyard_js::abi::{module_kind, op};

use crate::host::{Guest, Modules, Op, PLATFORM, SLACK, frozen_base, on_a_large_stack};

/// A benchmark, and what is there for others to import.
const SKIPPED: &[&str] = &["microbench.js", "fixture_", "test_worker_module.js"];

/// Loops without end, for a host that interrupts them.
const ENDLESS: &str = "qjs:set-interrupt-handler";

/// What does not pass, in order, and why. More or fewer is a change that wants a look.
const NOT_PASSING: &[(&str, &str)] = &[
    ("bug1498.js", "the place of a syntax error in text that is evaluated is not told, as V8 tells none"),
    ("bug1591.js", "the message has the pattern in it, as V8's"),
    ("bug832.js", "it makes every object unprintable, and the host here prints what was thrown"),
    ("detect_module/0.js", "qjs tries a file as a module, then as a script"),
    ("detect_module/1.js", "the same"),
    ("detect_module/4.js", "the same"),
    ("import-attributes-identity.js", "here a name is one module, whatever its attributes (ABI.md)"),
    ("parse-error-column.js", "as bug1498.js"),
    ("test_bjson.js", "wants qjs:bjson"),
    ("test_std.js", "wants files and processes"),
    ("test_worker.js", "wants threads"),
];

/// Words and columns of QuickJS that the tests expect, and V8's, which the engine has in their place.
const WORDS: &[(&str, &str)] = &[
    (
        "this is not initialized",
        "Must call super constructor in derived class before accessing 'this' or returning from derived constructor",
    ),
    ("ArrayBuffer is detached", "Cannot perform ArrayBuffer.prototype.slice on a detached ArrayBuffer"),
    (
        "invalid character in class in regular expression",
        "Invalid regular expression: /[a-]/v: Invalid character in character class",
    ),
    ("invalid value used as WeakMap key", "Invalid value used as weak map key"),
    ("invalid value used as WeakSet key", "Invalid value used in weak set"),
    ("test_builtin.js:10:19", "test_builtin.js:10:15"),
    ("assert(f.getColumnNumber(), 19);", "assert(f.getColumnNumber(), 15);"),
    ("cannot read property 'x' of null", "Cannot read properties of null (reading 'x')"),
    ("cannot read property 'x' of undefined", "Cannot read properties of undefined (reading 'x')"),
];

/// What the tests expect of the `qjs` program, as far as it makes sense here.
const PRELUDE: &str = r#"
// Places in a frame, as the engine lists them (platform/call-sites.js).
class CallSite {
  constructor(frame) { Object.defineProperty(this, "frame", { value: frame }) }
  getFunctionName() { return this.frame[2] } getFileName() { return this.frame[4] }
  getLineNumber() { return this.frame[5] } getColumnNumber() { return this.frame[6] }
  isConstructor() { return this.frame[8] } isNative() { return this.frame[4] === null }
}
host.register(40, (frames) => frames.map((frame) => new CallSite(frame)));
globalThis.console = { log: print, error: print };
globalThis.scriptArgs = [];
globalThis.qjs = { getStringKind: (s) => s.length > 1000 ? 1 : 0 };
"#;
const STD: &str = r#"
export const gc = () => globalThis.gc(), evalScript = (s) => (0, eval)(s), exit = (n) => { throw new Error("exit " + n) };
export const out = { puts: print, printf: print, flush() {} }, err = out;
"#;
const OS: &str = r#"
let n = 0; const live = new Set();
export const platform = "wasi", setTimeout = (f, ms) => { const id = ++n; live.add(id); later(ms).then(() => live.delete(id) && f()); return id }, clearTimeout = (id) => live.delete(id);
export const setInterval = () => { throw new Error("no intervals") }, clearInterval = clearTimeout;
"#;

fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below").to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".js") || name.ends_with(".json") {
                let mut source = std::fs::read(&path).expect("a file");
                if let Ok(text) = std::str::from_utf8(&source) {
                    source = WORDS.iter().fold(text.to_owned(), |text, (own, v8)| text.replace(own, v8)).into();
                }
                found.push((name.replace('\\', "/"), source));
            }
        }
    }
    found.sort();
    found
}

fn is_module(source: &str) -> bool {
    let flagged = source
        .lines()
        .find_map(|l| l.strip_prefix("flags: ["))
        .is_some_and(|l| l.split([',', ' ', ']']).any(|flag| flag == "module"));
    let mut lines = source.lines();
    flagged
        || lines.any(|l| {
            ["import ", "export "].iter().any(|w| l.starts_with(w)) || l.starts_with("const") && l.contains("= await ")
        })
}

/// The error a test is to end with, from `negative:` and `type:` in the comment at its head.
fn meant_to_throw(source: &str) -> Option<&str> {
    let (_, head) = source.split_once("negative:")?;
    let (_, kind) = head.split_once("type:")?;
    kind.split_whitespace().next()
}

/// All that came of it: the result, what was reported and printed, with timers firing at once.
fn outcome(guest: &mut Guest, name: &str) -> (bool, String) {
    guest.take_ops();
    let result = match guest.try_start(name) {
        Ok(result) => result,
        Err(e) => return (false, format!("ended: {}", e.root_cause())),
    };
    let mut told = vec![format!("{result}")];
    for _ in 0..10_000 {
        let ops: Vec<Op> = guest.take_ops();
        if ops.is_empty() {
            break;
        }
        for o in ops {
            match o.kind {
                op::TIMER => {
                    guest.event(1, o.id, 0, &[]);
                }
                // The second run has another name; where a stack names the file is no difference.
                _ => told.push(o.texts().join(" ").replace("second/", "")),
            }
        }
    }
    (result == 0, told.join("\n"))
}

/// Some of them recurse until they may not.
#[test]
fn quickjs_own_tests_say_the_same_frozen_and_not() {
    on_a_large_stack(say_the_same);
}

fn say_the_same() {
    let root = Path::new(env!("SWITCHYARD_QUICKJS_DIR")).join("tests");
    if !root.is_dir() {
        println!("skipped: the sources of QuickJS are not at hand (a prebuilt engine?)");
        return;
    }
    let all = files(&root);
    let mut table = Modules::new("")
        .with("platform:main.js", 0, format!("{PLATFORM}{PRELUDE}"))
        .with("qjs:std", module_kind::ESM, STD)
        .with("qjs:os", module_kind::ESM, OS);
    let mut names = Vec::new();
    for (name, source) in &all {
        if name.ends_with(".json") {
            table = table.with(name, module_kind::JSON, source.clone());
            continue;
        }
        let text = String::from_utf8_lossy(source);
        for run in [name.clone(), format!("second/{name}")] {
            if is_module(&text) {
                table = table.with(&run, module_kind::ESM, source.clone());
            } else {
                let script = format!("import s from \"{run}.txt\"; (0, eval)(s);");
                table = table.with(&run, module_kind::ESM, script).with(
                    &format!("{run}.txt"),
                    module_kind::TEXT,
                    source.clone(),
                );
            }
        }
        if !SKIPPED.iter().any(|s| name.starts_with(s)) && !text.contains(ENDLESS) {
            names.push(name);
        }
    }

    let base = frozen_base(&table);
    let mut base = base.lock().expect("a base");
    let (mut passed, mut failed) = (0, Vec::new());
    for name in &names {
        let second = format!("second/{name}");
        let mut plain = Guest::booted(&table);
        let mut frozen = base.copy();
        plain.store.data_mut().collect = true;
        frozen.store.data_mut().collect = true;
        let expected = outcome(&mut plain, name);
        assert_eq!(outcome(&mut frozen, name), expected, "{name}, on a frozen base");
        if expected.1.starts_with("ended") {
            failed.push((name, expected.1));
            continue;
        }
        // Once more, over what the first run left, frozen.
        frozen.freeze(SLACK);
        let again = outcome(&mut plain, &second);
        assert_eq!(outcome(&mut frozen, &second), again, "{name}, after freezing");
        let source = all.iter().find(|(n, _)| n == *name).map_or(&b""[..], |(_, s)| s);
        let source = String::from_utf8_lossy(source);
        let as_meant = match meant_to_throw(&source) {
            Some(kind) => expected.1.starts_with(&format!("1\n{kind} ")),
            None => expected.0,
        };
        if as_meant {
            passed += 1;
        } else {
            failed.push((name, expected.1));
        }
    }
    println!("{passed} of {} of QuickJS's tests pass, {} say alike why not", names.len(), failed.len());
    for (name, text) in &failed {
        println!("  {name}: {}", text.replace('\n', " "));
    }
    let failing: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let known: Vec<&str> = NOT_PASSING.iter().map(|(name, _)| *name).collect();
    assert_eq!(failing, known);
}

//! The loader: kinds of module, names, cycles, what only the platform may import.

use switchyard_js::abi::module_kind::{DATA, ESM, JSON, TEXT};

use crate::host::{Guest, Modules, on_base};

fn started(modules: &Modules) -> Guest {
    let mut guest = on_base(modules);
    assert_eq!(guest.start(), 0, "{:?}", guest.take_ops().iter().map(|o| o.texts()).collect::<Vec<_>>());
    guest
}

#[test]
fn every_kind_has_its_default() {
    let modules = Modules::new(
        r#"import text from "./a.txt"; import data from "./a.bin"; import json from "./a.json"; import code, { named } from "./lib/a.js";
        export const f = () => [text, data instanceof ArrayBuffer, [...new Uint8Array(data)], json.a[1], code, named, Object.keys(import.meta).length].join("|");"#,
    )
    .with("a.txt", TEXT, "Grüße\u{fffd}")
    .with("a.bin", DATA, [0u8, 255, 7])
    .with("a.json", JSON, r#"{"a":[1,{"b":2},"x"]}"#.replace("{\"b\":2}", "\"two\""))
    .with("lib/a.js", ESM, "export default 'code'; export const named = 'named'");
    assert_eq!(started(&modules).ask("f", &[]), "Grüße\u{fffd}|true|0,255,7|two|code|named|0");
}

#[test]
fn a_module_is_the_same_whatever_attributes_it_is_imported_with() {
    let modules = Modules::new(
        r#"import a from "./a.json" with { type: "json" }; import b from "./a.json"; import c from "./a.json" with { other: "x" };
        import { again, made } from "./b.js" with { type: "b" };
        export const f = async () => [a === b, b === c, (await import("./a.json", { with: { type: "json" } })).default === a, again(), made].join();"#,
    )
    .with("a.json", JSON, r#"{"a":1}"#)
    .with(
        "b.js",
        ESM,
        "import { again as self } from './b.js' with { type: 'c' }; globalThis.made = (globalThis.made ?? 0) + 1; export const made = globalThis.made; export const again = () => self === again;",
    );
    assert_eq!(started(&modules).ask("f", &[]), "true,true,true,true,1");
}

#[test]
fn a_bad_json_module_names_its_place() {
    let mut guest = on_base(&Modules::new("import './a.json'").with("a.json", JSON, "{\n  oops }"));
    assert_eq!(guest.start(), 1);
    let report = guest.take_ops().pop().expect("a report").texts();
    assert_eq!(report[0], "SyntaxError");
    assert!(report[2].contains("a.json:2"), "{report:?}");
}

#[test]
fn an_error_in_an_import_names_its_place() {
    let mut guest =
        on_base(&Modules::new("import './b.js'").with("b.js", ESM, "export const x = 1;\nexport const x = 2;"));
    assert_eq!(guest.start(), 1);
    let report = guest.take_ops().pop().expect("a report").texts();
    assert_eq!(report[0], "SyntaxError");
    assert!(report[2].contains("b.js:2"), "{report:?}");
}

#[test]
fn a_module_is_evaluated_once_and_cycles_work() {
    let modules = Modules::new("import { a } from './a.js'; import { b } from './b.js'; export const f = () => [a(), b(), globalThis.evaluated].join()")
        .with("a.js", ESM, "import { b } from './b.js'; globalThis.evaluated = (globalThis.evaluated ?? 0) + 1; export const a = () => 'a' + b()")
        .with("b.js", ESM, "import { a } from './a.js'; export const b = () => typeof a");
    assert_eq!(started(&modules).ask("f", &[]), "afunction,function,1");
}

#[test]
fn import_calls_work_at_any_time() {
    let modules = Modules::new(
        "export const f = async () => (await import('./late.js')).default; export const none = async () => { try { await import('./none.js') } catch (e) { return String(e) } }",
    )
    .with("late.js", ESM, "export default await Promise.resolve('late')");
    let mut guest = started(&modules);
    assert_eq!(guest.ask("f", &[]), "late");
    assert_eq!(guest.ask("none", &[]), "Error: No such module \"./none.js\".");
}

#[test]
fn the_platform_is_out_of_reach() {
    for name in ["switchyard:host", "platform:main.js", "platform:state.js"] {
        let mut guest = on_base(&Modules::new(&format!("import '{name}'")));
        assert_eq!(guest.start(), 1, "{name}");
        assert_eq!(guest.take_ops().pop().expect("a report").texts()[1], format!("No such module \"{name}\"."));
        let main = format!(
            "export const f = async () => {{ try {{ await import('{name}'); return 'in' }} catch (e) {{ return String(e) }} }}; export const g = async () => (0, eval)(`import('{name}').then(() => 'in', String)`)"
        );
        let mut guest = started(&Modules::new(&main));
        for way in ["f", "g"] {
            assert_eq!(guest.ask(way, &[]), format!("Error: No such module \"{name}\"."));
        }
    }
}

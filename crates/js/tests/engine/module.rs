//! The wasm module itself: what restoring an instance in place relies on, and that a pinned compiler builds it the same.

use wasmparser::{DataKind, Operator, Parser, Payload};
use wasmtime::ExternType;

use crate::host::{ENGINE, Guest, Modules};

#[test]
fn imports_and_exports_are_those_of_the_abi() {
    let (_, module) = &*ENGINE;
    let imports: Vec<_> = module.imports().map(|i| (i.module().to_owned(), i.name().to_owned())).collect();
    for name in ["op", "sync", "take", "now"] {
        assert!(imports.contains(&("switchyard".into(), name.into())), "{name}");
    }
    assert!(imports.contains(&("env".into(), "memory".into())));
    for (from, name) in &imports {
        assert!(["switchyard", "env", "wasi_snapshot_preview1"].contains(&from.as_str()), "{from}.{name}");
    }
    let mut globals = 0;
    for export in module.exports() {
        match export.ty() {
            ExternType::Global(_) => {
                globals += 1;
                assert_eq!(export.name(), "__stack_pointer");
            }
            ExternType::Func(_) => {}
            other => panic!("{} is exported: {other:?}", export.name()),
        }
    }
    assert_eq!(globals, 1);
    println!("{} bytes; imports {imports:?}", switchyard_js::ENGINE_WASM.len());
}

/// All that an instance can change is its memory and the one global: then putting those two back is putting it back.
#[test]
fn an_instance_changes_nothing_but_memory_and_the_stack_pointer() {
    let mut mutable = 0;
    for payload in Parser::new(0).parse_all(switchyard_js::ENGINE_WASM) {
        match payload.expect("a valid module") {
            Payload::GlobalSection(globals) => {
                mutable += globals.into_iter().filter(|g| g.as_ref().is_ok_and(|g| g.ty.mutable)).count();
            }
            Payload::StartSection { .. } => panic!("a start function"),
            Payload::DataSection(segments) => {
                for segment in segments {
                    assert!(matches!(segment.expect("a segment").kind, DataKind::Active { .. }), "a passive segment");
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().expect("code") {
                    match operator.expect("an instruction") {
                        Operator::TableSet { .. }
                        | Operator::TableGrow { .. }
                        | Operator::TableFill { .. }
                        | Operator::TableCopy { .. }
                        | Operator::TableInit { .. }
                        | Operator::ElemDrop { .. }
                        | Operator::MemoryInit { .. }
                        | Operator::DataDrop { .. } => {
                            panic!("an instruction changes a table or a segment")
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!(mutable, 1);
}

#[test]
fn the_pinned_compiler_builds_the_recorded_engine() {
    let compiler = switchyard_js::engine_compiler();
    if compiler != "zig 0.17.1" {
        println!("skipped: the engine was built by {compiler}, the recorded digest is that of zig 0.17.1");
        return;
    }
    assert_eq!(switchyard_js::engine_digest(), include_str!("../../engine/engine.sha256").trim());
}

#[test]
fn boots_and_gives_its_stack_back() {
    let mut guest = Guest::booted(&Modules::new("export const hello = (name) => `hello ${name}`"));
    let start = guest.stack_pointer();
    assert_eq!(start, 1 << 20, "the stack lies first in memory");
    assert_eq!(guest.start(), 0);
    assert_eq!(guest.ask("hello", &[switchyard_js::abi::Value::Text("you")]), "hello you");
    assert_eq!(guest.stack_pointer(), start);
    println!("heap ends at {} KiB", guest.heap_top() >> 10);
    guest.freeze(600 << 10);
    println!(
        "frozen: heap ends at {} KiB, memory {} KiB",
        guest.heap_top() >> 10,
        guest.memory.data_size(&guest.store) >> 10
    );
}

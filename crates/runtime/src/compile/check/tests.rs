use std::time::Duration;

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection, Function,
    FunctionSection, Instruction, Module, ModuleSection, NestedComponentSection, TypeSection, ValType,
};

use super::*;

/// A module of these functions, all of one type with so many parameters; type 1 takes `values` and gives none.
fn module_with(parameters: u32, values: u32, functions: Vec<Function>) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function(vec![ValType::I32; parameters as usize], []);
    types.ty().function(vec![ValType::I32; values as usize], []);
    module.section(&types);
    let mut section = FunctionSection::new();
    functions.iter().for_each(|_| {
        section.function(0);
    });
    module.section(&section);
    let mut code = CodeSection::new();
    functions.iter().for_each(|function| {
        code.function(function);
    });
    module.section(&code);
    module
}

fn module(functions: Vec<Function>) -> Module {
    module_with(0, 0, functions)
}

/// A component of these modules that seems to take requests.
fn component(modules: &[Module]) -> Component {
    let mut component = Component::new();
    modules.iter().for_each(|module| {
        component.section(&ModuleSection(module));
    });
    exporting(&mut component, "wasi:http/incoming-handler@0.2.3");
    component
}

/// An instance without anything, exported under this name.
fn exporting(component: &mut Component, name: &str) {
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, ComponentExportKind, u32)>::new());
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    exports.export(name, ComponentExportKind::Instance, 0, None);
    component.section(&exports);
}

fn function(locals: u32, instructions: impl IntoIterator<Item = Instruction<'static>>) -> Function {
    let mut function = Function::new([(locals, ValType::I32)]);
    instructions.into_iter().for_each(|instruction| {
        function.instruction(&instruction);
    });
    function.instruction(&Instruction::End);
    function
}

fn nested(what: Instruction<'static>, many: usize) -> Vec<Instruction<'static>> {
    let ends = std::iter::repeat_n(Instruction::End, many);
    std::iter::repeat_n(what, many).chain(ends).collect()
}

fn one_after_another(what: &Instruction<'static>, many: usize) -> Vec<Instruction<'static>> {
    (0..many).flat_map(|_| [what.clone(), Instruction::End]).collect()
}

const BLOCK: Instruction<'static> = Instruction::Block(BlockType::Empty);
const LOOP: Instruction<'static> = Instruction::Loop(BlockType::Empty);

fn checked(modules: &[Module]) -> Result<Shape, String> {
    check(&component(modules).finish()).map(|checked| checked.shape).map_err(|error| error.0)
}

#[track_caller]
fn both_sides(fits: Module, over: Module, says: &str) {
    assert_eq!(checked(&[fits]), Ok(Shape::IncomingHandler));
    let said = checked(&[over]).unwrap_err();
    assert!(said.contains(says), "{said}");
}

#[test]
fn nesting_has_a_limit() {
    let of = |many| module(vec![function(0, nested(BLOCK, many))]);
    both_sides(of(1_000), of(1_001), "function 0 of the component's module 0 nests 1001 blocks; at most 1000");
}

#[test]
fn locals_have_a_limit_and_parameters_are_such() {
    let of = |locals| module(vec![function(locals, [])]);
    both_sides(of(5_000), of(5_001), "has 5001 locals or more; at most 5000");
    let of = |locals| module_with(500, 0, vec![function(locals, [])]);
    both_sides(of(4_500), of(4_501), "has 5001 locals");
}

#[test]
fn bodies_have_a_limit() {
    // Two bytes for the locals, one for the end.
    let of = |bytes: usize| module(vec![function(1, vec![Instruction::Nop; bytes - 4])]);
    both_sides(of(1 << 20), of((1 << 20) + 1), "has a body of 1048577 bytes; at most 1048576");
}

#[test]
fn functions_are_counted_over_all_modules() {
    let of = |many| module(vec![function(0, []); many]);
    assert_eq!(checked(&[of(25_000), of(25_000)]), Ok(Shape::IncomingHandler));
    let said = checked(&[of(25_000), of(25_001)]).unwrap_err();
    assert!(said.contains("has 50001 functions or more; at most 50000"), "{said}");
}

#[test]
fn locals_times_loops_have_a_limit_also_where_loops_follow_each_other() {
    let of = |loops| module_with(10, 0, vec![function(490, one_after_another(&LOOP, loops))]);
    both_sides(of(200), of(201), "has 500 locals and 201 loops, whose product is 100500; at most 100000");
}

#[test]
fn values_of_blocks_have_a_limit() {
    // Each takes a thousand values, which unreachable code need not have.
    let takes = Instruction::Block(BlockType::FunctionType(1));
    let of = |blocks| {
        let body = std::iter::once(Instruction::Unreachable).chain(one_after_another(&takes, blocks));
        module_with(0, 1_000, vec![function(0, body)])
    };
    both_sides(of(100), of(101), "take and give 101000 values; at most 100000");
}

#[test]
fn what_is_within_is_walked_and_has_a_depth() {
    let bomb = module(vec![function(0, nested(BLOCK, 1_200))]);
    let mut inner = Component::new();
    inner.section(&ModuleSection(&module(vec![function(0, [])])));
    inner.section(&ModuleSection(&bomb));
    let mut outer = component(&[]);
    outer.section(&NestedComponentSection(&inner));
    let said = check(&outer.finish()).unwrap_err().0;
    assert!(said.contains("function 0 of the component's module 1 nests 1200 blocks"), "{said}");

    let deep = |depth: usize| {
        let wrap = |inner: Component, _| {
            let mut outer = component(&[]);
            outer.section(&NestedComponentSection(&inner));
            outer
        };
        check(&(1..depth).fold(component(&[]), wrap).finish())
    };
    assert!(deep(16).is_ok());
    assert!(deep(17).unwrap_err().0.contains("more than 16 deep"));
}

#[test]
fn what_takes_no_requests_is_told_what_it_exports() {
    let of = |name| {
        let mut component = Component::new();
        exporting(&mut component, name);
        check(&component.finish()).map(|checked| checked.shape).map_err(|error| error.0)
    };
    assert_eq!(of("wasi:http/incoming-handler@0.2.0"), Ok(Shape::IncomingHandler));
    assert_eq!(of("wasi:http/handler@0.3.0"), Ok(Shape::Handler));
    let said = of("wasi:cli/run@0.2.0").unwrap_err();
    assert!(said.contains("it is a command") && said.contains("exports wasi:cli/run@0.2.0"), "{said}");
    assert!(of("wasi:http/incoming-handler@0.1.0").unwrap_err().contains("exports wasi:http/incoming-handler@0.1.0;"));
    let none = check(&Component::new().finish()).unwrap_err().0;
    assert!(none.contains("exports nothing") && none.contains("wasi:http/incoming-handler@0.2"), "{none}");
    // The exports of what is within are not its own.
    let mut outer = Component::new();
    outer.section(&NestedComponentSection(&component(&[])));
    assert!(check(&outer.finish()).unwrap_err().0.contains("exports nothing"));
}

#[test]
fn a_core_module_is_told_what_it_is_and_the_way() {
    let said = |text: &str| check(&wat::parse_str(text).unwrap()).unwrap_err().0;
    let plain = said("(module (func (export \"f\")))");
    assert!(plain.contains("a core WebAssembly module, not a component: it imports nothing of WASI"), "{plain}");
    assert!(plain.contains("wasm32-wasip2") && plain.contains("componentize-js"), "{plain}");
    let wasi = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let command = said(&format!(r#"(module {wasi} (func (export "_start")))"#));
    assert!(command.contains("exports _start: a WASI preview 1 command"), "{command}");
    let reactor = said(&format!(r#"(module {wasi} (@custom "component-type:proxy" "x"))"#));
    assert!(reactor.contains("`wasm-tools component new main.wasm --adapt"), "{reactor}");
    let bindgen = said(r#"(module (import "wbg" "x" (func)))"#);
    assert!(bindgen.contains("wasm-bindgen"), "{bindgen}");
    let env = said(r#"(module (import "env" "x" (func)))"#);
    assert!(env.contains("it imports from \"env\""), "{env}");
}

#[test]
fn what_is_broken_is_refused_wherever_it_is_cut() {
    assert!(check(b"").unwrap_err().0.contains("no WebAssembly"));
    assert!(check(b"export default {}").unwrap_err().0.contains("no WebAssembly"));
    let whole = component(&[module_with(1, 2, vec![function(3, nested(LOOP, 3))])]).finish();
    assert!(check(&whole).is_ok());
    for cut in 4..whole.len() {
        let said = check(&whole[..cut]);
        assert!(said.is_err(), "cut at {cut}: {said:?}");
    }
    // A changed byte may still make a component; it never makes a panic.
    for at in 4..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let _ = check(&changed);
        }
    }
}

#[test]
fn the_bombs_of_the_measurement_are_refused_in_no_time() {
    let nested_blocks = module(vec![function(0, nested(BLOCK, 50_000))]);
    let loops = |loops, locals| module(vec![function(locals, nested(LOOP, loops))]);
    for (name, bomb) in [
        ("50,000 nested blocks", nested_blocks),
        ("300 loops over 900 locals", loops(300, 900)),
        ("1,000 loops over 3,000 locals", loops(1_000, 3_000)),
        ("a straight line", module(vec![function(1, vec![Instruction::Nop; 1_200_000])])),
        ("50,001 functions", module(vec![function(0, []); 50_001])),
    ] {
        let bytes = component(&[bomb]).finish();
        let before = cpu();
        assert!(check(&bytes).is_err(), "{name}");
        let took = cpu() - before;
        assert!(took < Duration::from_millis(100), "{name}: {took:?}");
    }
}

/// CPU of this thread.
fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn what_goes_by_tasks_is_known_and_all_else_is_plain() {
    let model = |items: &str, handler: &str| {
        let text = format!(r#"(component {items} (instance $i) (export "{handler}" (instance $i)))"#);
        check(&wat::parse_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))).map(|checked| checked.model)
    };
    let incoming = "wasi:http/incoming-handler@0.2.0";
    assert_eq!(model("", incoming), Ok(Model::Plain));
    assert_eq!(model("", "wasi:http/handler@0.3.0"), Ok(Model::Tasks));
    for plain in [
        r#"(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" (result))))))"#,
        "(core module $m (func (export \"f\"))) (core instance $c (instantiate $m)) (func (canon lift (core func $c \"f\")))",
        "(type $r (resource (rep i32))) (core func (canon resource.new $r)) (core func (canon resource.drop $r))",
    ] {
        assert_eq!(model(plain, incoming), Ok(Model::Plain), "{plain}");
    }
    for tasks in [
        r#"(import "wasi:clocks/monotonic-clock@0.3.0" (instance (export "now" (func (result u64)))))"#,
        "(type (stream u8))",
        "(type (future))",
        "(type (func async))",
        "(type (instance (type (stream u8))))",
        "(type (component (type (instance (type (func async))))))",
        "(core func (canon task.return))",
        "(component (core func (canon backpressure.inc)))",
        "(core module $m (func (export \"f\") (result i32) unreachable)) (core instance $c (instantiate $m))
         (func async (canon lift (core func $c \"f\") async (callback (core func $c \"f\"))))",
    ] {
        assert_eq!(model(tasks, incoming), Ok(Model::Tasks), "{tasks}");
    }
}

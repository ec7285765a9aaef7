//! Components that are small, valid, and dear to compile. Each seems to take requests, so that only its cost or its
//! shape is in the way.

use std::iter::{once, repeat_n};

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection,
    ConstExpr, ElementSection, Elements, Function, FunctionSection, GlobalSection, GlobalType, Instruction, MemArg,
    MemorySection, MemoryType, Module, ModuleSection, RefType, TableSection, TableType, TypeSection, ValType,
};

use Instruction::{
    Block, BrTable, Call, Drop, Else, End, F64Add, F64Const, F64Sqrt, I32Add, I32Const, I32Load, I64Add, I64Const,
    I64DivS, I64Store, I64x2Mul, If, LocalGet, LocalSet, LocalTee, Loop, Nop, Unreachable, V128Const,
};

/// A function's locals, by type, and its body without the last `end`.
type Body = (Vec<(u32, ValType)>, Vec<Instruction<'static>>);

/// A module of functions of the type `() -> ()`; type 1 takes `width` numbers and gives as many; function 0 of it is
/// there where `width` is not 0. It has a memory and a table of its functions.
fn module(width: usize, bodies: Vec<Body>) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function(vec![ValType::I32; width], vec![ValType::I32; width]);
    module.section(&types);
    let passes = (width > 0).then(|| (Vec::new(), (0..width as u32).map(LocalGet).collect::<Vec<_>>()));
    let mut functions = FunctionSection::new();
    passes.iter().for_each(|_| {
        functions.function(1);
    });
    bodies.iter().for_each(|_| {
        functions.function(0);
    });
    module.section(&functions);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    module.section(&memories);
    let mut code = CodeSection::new();
    for (locals, body) in passes.into_iter().chain(bodies) {
        let mut function = Function::new(locals);
        body.iter().for_each(|instruction| {
            function.instruction(instruction);
        });
        function.instruction(&End);
        code.function(&function);
    }
    module.section(&code);
    module
}

/// A component of these modules that exports something by the name of a handler.
pub fn component(modules: &[Module]) -> Vec<u8> {
    let mut component = Component::new();
    modules.iter().for_each(|module| {
        component.section(&ModuleSection(module));
    });
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, ComponentExportKind, u32)>::new());
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    exports.export("wasi:http/incoming-handler@0.2.0", ComponentExportKind::Instance, 0, None);
    component.section(&exports);
    component.finish()
}

fn one(width: usize, locals: Vec<(u32, ValType)>, body: Vec<Instruction<'static>>) -> Vec<u8> {
    component(&[module(width, vec![(locals, body)])])
}

fn nested(what: Instruction<'static>, many: usize) -> Vec<Instruction<'static>> {
    repeat_n(what, many).chain(repeat_n(End, many)).collect()
}

/// Loops in each other, each of which changes every local.
pub fn loops(depth: usize, locals: u32) -> Vec<u8> {
    let change = |local| [LocalGet(local), I32Const(1), I32Add, LocalSet(local)];
    let mut body: Vec<_> = repeat_n(Loop(BlockType::Empty), depth).collect();
    body.extend((0..locals).flat_map(change));
    for _ in 0..depth {
        body.extend([LocalGet(0), Instruction::BrIf(0), End]);
    }
    one(0, vec![(locals, ValType::I32)], body)
}

pub fn blocks(depth: usize) -> Vec<u8> {
    one(0, vec![], nested(Block(BlockType::Empty), depth))
}

/// The same few instructions over and over, until the body has this many bytes.
pub fn straight(bytes: usize, locals: Vec<(u32, ValType)>, step: &[Instruction<'static>]) -> Vec<u8> {
    let mut sized = Function::new([]);
    step.iter().for_each(|instruction| {
        sized.instruction(instruction);
    });
    let steps = bytes / (sized.byte_len() - 1).max(1);
    one(0, locals, (0..steps).flat_map(|_| step.to_vec()).collect())
}

pub fn functions(many: usize) -> Vec<u8> {
    component(&[module(0, vec![(vec![], vec![]); many])])
}

/// Many modules of few functions.
pub fn modules(many: usize, functions: usize) -> Vec<u8> {
    let small: Vec<_> = (0..many).map(|_| module(0, vec![(vec![], vec![Nop]); functions])).collect();
    component(&small)
}

/// What passes the check and costs more than its size, with what it is.
pub fn costly() -> Vec<(&'static str, Vec<u8>)> {
    const BODY: usize = (1 << 20) - 64;
    let at = |offset| MemArg { offset, align: 0, memory_index: 0 };
    let local = |ty| vec![(2, ty)];
    vec![
        (
            "one straight line of arithmetic",
            straight(BODY, local(ValType::I32), &[LocalGet(0), LocalGet(1), I32Add, LocalSet(0)]),
        ),
        ("50,000 tiny functions", functions(50_000)),
        ("256 loops over 390 locals", loops(256, 390)),
        ("20 loops over 4,990 locals", loops(20, 4_990)),
        (
            "a line of divisions",
            straight(
                BODY,
                local(ValType::I64),
                &[LocalGet(0), LocalGet(1), I64DivS, LocalTee(0), I64Const(3), I64Add, LocalSet(1)],
            ),
        ),
        (
            "a line of vectors",
            straight(
                BODY,
                local(ValType::V128),
                &[LocalGet(0), LocalGet(1), I64x2Mul, LocalSet(0), V128Const(7), LocalSet(1)],
            ),
        ),
        (
            "a line of square roots",
            straight(BODY, local(ValType::F64), &[LocalGet(0), F64Sqrt, F64Const(1.5.into()), F64Add, LocalSet(0)]),
        ),
        (
            "a line of loads and stores",
            straight(
                BODY,
                local(ValType::I32),
                &[LocalGet(0), I32Load(at(8)), LocalTee(1), I64Const(1), I64Store(at(16)), LocalGet(1), LocalSet(0)],
            ),
        ),
        (
            "a line of branches",
            straight(
                BODY,
                local(ValType::I32),
                &[LocalGet(0), If(BlockType::Empty), I32Const(1), LocalSet(0), Else, I32Const(2), LocalSet(1), End],
            ),
        ),
        (
            "calls of a thousand values",
            one(
                1_000,
                vec![],
                repeat_n(I32Const(1), 1_000).chain(repeat_n(Call(0), 90)).chain(repeat_n(Drop, 1_000)).collect(),
            ),
        ),
        (
            "tables of jumps",
            one(
                0,
                vec![],
                (0..16)
                    .flat_map(|_| [Block(BlockType::Empty), I32Const(1), BrTable(vec![0; 60_000].into(), 0), End])
                    .collect(),
            ),
        ),
        ("a thousand modules", modules(999, 50)),
        ("a deep stack", one(0, vec![], repeat_n(I32Const(1), 340_000).chain(repeat_n(Drop, 340_000)).collect())),
        ("a table of ten million elements", elements(100)),
        ("a hundred thousand globals", globals(100_000)),
    ]
}

/// Segments of 100,000 elements.
fn elements(segments: usize) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    let mut tables = TableSection::new();
    let element_type = RefType::FUNCREF;
    tables.table(TableType { element_type, minimum: 100_000, maximum: None, table64: false, shared: false });
    module.section(&tables);
    let mut section = ElementSection::new();
    for _ in 0..segments {
        section.active(None, &ConstExpr::i32_const(0), Elements::Functions(vec![0; 100_000].into()));
    }
    module.section(&section);
    let mut code = CodeSection::new();
    let mut function = Function::new([]);
    function.instruction(&End);
    code.function(&function);
    module.section(&code);
    component(&[module])
}

fn globals(many: usize) -> Vec<u8> {
    let mut module = Module::new();
    let mut section = GlobalSection::new();
    for _ in 0..many {
        section.global(GlobalType { val_type: ValType::I64, mutable: true, shared: false }, &ConstExpr::i64_const(1));
    }
    module.section(&section);
    component(&[module])
}

/// What the check refuses, with what it says.
pub fn misshapen() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let wide = once(Unreachable).chain((0..200).flat_map(|_| [Block(BlockType::FunctionType(1)), End]));
    vec![
        ("50,000 nested blocks", blocks(50_000), "nests 50000 blocks; at most 1000"),
        ("300 loops over 900 locals", loops(300, 900), "whose product is 270000"),
        ("1,000 loops over 3,000 locals", loops(1_000, 3_000), "whose product is 3000000"),
        ("100 loops over 1,001 locals", loops(100, 1_001), "whose product is 100100; at most 100000"),
        ("a body of 1.17 MB", straight(1_170_000, vec![], &[Nop]), "has a body of"),
        ("50,001 functions", functions(50_001), "has 50001 functions or more; at most 50000"),
        ("5,001 locals", one(0, vec![(5_001, ValType::I32)], vec![]), "has 5001 locals or more"),
        ("blocks of a thousand values", one(1_000, vec![], wide.collect()), "take and give 400000 values"),
    ]
}

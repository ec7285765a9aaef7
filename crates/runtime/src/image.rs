//! The little wasm surgery that shared code needs: the engine without its data (its memory comes
//! from elsewhere), and a module that is nothing but a memory with an image in it. Also the check
//! that the engine's mutable state is its memory, on which restoring in place stands.

use wasm_encoder::{ConstExpr, DataSection, ExportKind, ExportSection, MemorySection, MemoryType, Module, RawSection};
use wasmparser::{ElementKind, ExternalKind, Operator, Parser, Payload, TypeRef};

/// Bytes of a page as the kernel and the deltas count them (a wasm page is sixteen).
pub const PAGE: usize = 4096;

/// The engine split into its code and its data segments (address, bytes).
pub struct Split {
    pub code: Vec<u8>,
    pub data: Vec<(u32, Vec<u8>)>,
}

/// Takes the data out of an engine that imports its memory.
///
/// # Errors
/// A text that says what the module has that the method does not allow.
pub fn split(wasm: &[u8]) -> Result<Split, String> {
    let mut code = Module::new();
    let mut data = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| error.to_string())?;
        match &payload {
            Payload::DataSection(section) => {
                for segment in section.clone() {
                    let segment = segment.map_err(|error| error.to_string())?;
                    let wasmparser::DataKind::Active { memory_index: 0, offset_expr } = segment.kind else {
                        return Err("a data segment is not an active one".into());
                    };
                    let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() else {
                        return Err("a data segment's address is not a constant".into());
                    };
                    data.push((value as u32, segment.data.to_vec()));
                }
            }
            // Names and producers are not needed to run; the count of data segments would be wrong now.
            Payload::DataCountSection { .. } | Payload::CustomSection(_) => {}
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    code.section(&RawSection { id, data: &wasm[range] });
                }
            }
        }
    }
    Ok(Split { code: code.finish(), data })
}

/// A module with one exported memory, `memory`, of `min` to `max` wasm pages, holding these bytes.
pub fn memory_module(min: u64, max: u64, data: &[(u32, &[u8])]) -> Vec<u8> {
    let mut module = Module::new();
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: min,
        maximum: Some(max),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    module.section(&memories);
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    module.section(&exports);
    let mut segments = DataSection::new();
    for (address, bytes) in data {
        segments.active(0, &ConstExpr::i32_const(*address as i32), bytes.iter().copied());
    }
    module.section(&segments);
    module.finish()
}

/// Runs of pages that are not all zero, as data segments.
pub fn nonzero_runs(image: &[u8]) -> Vec<(u32, &[u8])> {
    let zero = |page: &[u8]| page.iter().all(|byte| *byte == 0);
    let mut runs = Vec::new();
    let mut start = None;
    for at in (0..=image.len()).step_by(PAGE) {
        let end = at >= image.len() || zero(&image[at..(at + PAGE).min(image.len())]);
        match (end, start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                runs.push((from as u32, &image[from..at.min(image.len())]));
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// Proves that an instance of this code can be put back by writing its one memory alone: its only other
/// mutable state is the stack pointer, which the host can read (condition 1 of restoring in place).
///
/// # Errors
/// A text that names what breaks it.
pub fn check_state_is_memory(code: &[u8]) -> Result<(), String> {
    let text = |error: wasmparser::BinaryReaderError| error.to_string();
    let (mut imported, mut memories, mut mutable, mut exported) = (0u32, 0u32, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(code) {
        match payload.map_err(text)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.map_err(text)?.ty {
                        TypeRef::Global(global) if global.mutable => return Err("a mutable global is imported".into()),
                        TypeRef::Global(_) => imported += 1,
                        TypeRef::Memory(_) => memories += 1,
                        TypeRef::Table(_) => return Err("a table is imported".into()),
                        _ => {}
                    }
                }
            }
            Payload::MemorySection(section) => memories += section.count(),
            Payload::GlobalSection(section) => {
                for (index, global) in section.into_iter().enumerate() {
                    if global.map_err(text)?.ty.mutable {
                        mutable.push(index as u32 + imported);
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(text)?;
                    if export.kind == ExternalKind::Global {
                        exported.push((export.index, export.name.to_owned()));
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    if matches!(element.map_err(text)?.kind, ElementKind::Passive) {
                        return Err("a passive element segment: dropping it would be state".into());
                    }
                }
            }
            Payload::DataSection(_) => return Err("the code still has data".into()),
            Payload::StartSection { .. } => return Err("a start function would run again in each slot".into()),
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().map_err(text)? {
                    use Operator::{DataDrop, ElemDrop, TableCopy, TableFill, TableGrow, TableInit, TableSet};
                    let operator = operator.map_err(text)?;
                    if matches!(
                        operator,
                        TableSet { .. }
                            | TableGrow { .. }
                            | TableFill { .. }
                            | TableCopy { .. }
                            | TableInit { .. }
                            | ElemDrop { .. }
                            | DataDrop { .. }
                    ) {
                        return Err(format!("an instruction changes a table or a segment: {operator:?}"));
                    }
                }
            }
            _ => {}
        }
    }
    if memories != 1 {
        return Err(format!("there are {memories} memories"));
    }
    match mutable.iter().find(|index| !exported.iter().any(|(known, _)| known == *index)) {
        Some(index) => Err(format!("mutable global {index} is not exported")),
        None if exported
            .iter()
            .filter(|(index, _)| mutable.contains(index))
            .any(|(_, name)| name != "__stack_pointer") =>
        {
            Err("a mutable global besides the stack pointer".into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_outside_the_memory_is_refused() {
        use wasm_encoder::{EntityType, GlobalSection, GlobalType, ImportSection, ValType};
        let memory = MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
        let global = |mutable| GlobalType { val_type: ValType::I32, mutable, shared: false };
        let check = |imports: &[EntityType], globals: &[bool], exported: Option<(&str, u32)>| {
            let mut module = Module::new();
            let mut section = ImportSection::new();
            imports.iter().for_each(|import| {
                section.import("env", "x", *import);
            });
            module.section(&section);
            let mut section = GlobalSection::new();
            globals.iter().for_each(|mutable| {
                section.global(global(*mutable), &ConstExpr::i32_const(0));
            });
            module.section(&section);
            let mut section = ExportSection::new();
            exported.iter().for_each(|(name, index)| {
                section.export(name, ExportKind::Global, *index);
            });
            module.section(&section);
            check_state_is_memory(&module.finish())
        };
        let one = EntityType::Memory(memory);
        assert_eq!(check(&[one], &[true], Some(("__stack_pointer", 0))), Ok(()));
        assert_eq!(
            check(&[one, EntityType::Global(global(false))], &[true, false], Some(("__stack_pointer", 1))),
            Ok(())
        );
        assert!(check(&[one], &[true], None).is_err());
        assert!(check(&[one], &[true], Some(("counter", 0))).is_err());
        assert!(check(&[one], &[true, true], Some(("__stack_pointer", 0))).is_err());
        assert!(check(&[one, EntityType::Global(global(true))], &[true], Some(("__stack_pointer", 1))).is_err());
        assert!(check(&[one, one], &[true], Some(("__stack_pointer", 0))).is_err());
    }

    #[test]
    fn runs_are_whole_pages_that_hold_something() {
        let mut image = vec![0u8; 5 * PAGE];
        image[PAGE] = 1;
        image[2 * PAGE + 9] = 1;
        image[4 * PAGE + 1] = 1;
        let runs: Vec<(u32, usize)> = nonzero_runs(&image).iter().map(|(at, b)| (*at, b.len())).collect();
        assert_eq!(runs, [(PAGE as u32, 2 * PAGE), (4 * PAGE as u32, PAGE)]);
    }
}

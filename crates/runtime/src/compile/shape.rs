//! What an uploaded wasm file is: a component that answers HTTP, and by which interface; or something else, which is
//! said to who uploads it, with the way to a component.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentImportSectionReader, ComponentOuterAliasKind, ComponentType,
    ComponentTypeRef, InstanceTypeDeclaration, Parser, Payload, TypeBounds,
};

use super::check::NotAllowed;
use crate::component::{are_given, not_given};

/// By which interface a component takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `wasi:http/incoming-handler@0.2.x`
    IncomingHandler,
    /// `wasi:http/handler@0.3.x`
    Handler,
}

/// Names that are shown of a list.
const SHOWN: usize = 8;

/// Reads a component's own imports and exports; those of what is within are not passed to it.
#[derive(Default)]
pub struct Reader {
    /// Of each type: whether it is of an instance that has anything but types.
    types: Vec<bool>,
    /// It imports something of 0.3.
    tasks: bool,
    /// What it imports and is not given.
    refused: Vec<String>,
    exports: Vec<String>,
    more: usize,
    found: Option<Shape>,
}

impl Reader {
    /// # Errors
    /// When they cannot be read.
    pub fn payload(&mut self, payload: &Payload<'_>) -> Result<(), NotAllowed> {
        match payload {
            Payload::ComponentTypeSection(section) => {
                for ty in section.clone() {
                    self.types.push(matches!(ty?, ComponentType::Instance(items) if items.iter().any(is_wanted)));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    let of_type = matches!(
                        alias?,
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
                    );
                    self.types.extend(of_type.then_some(false));
                }
            }
            Payload::ComponentImportSection(section) => self.imports(section)?,
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    self.types.extend((export.kind == ComponentExternalKind::Type).then_some(false));
                    self.export(export.name.name);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Types alone need nobody who gives them.
    fn imports(&mut self, section: &ComponentImportSectionReader<'_>) -> Result<(), NotAllowed> {
        for import in section.clone() {
            let import = import?;
            let name = import.name.name;
            let wanted = match import.ty {
                ComponentTypeRef::Type(bounds) => {
                    self.types.push(false);
                    bounds == TypeBounds::SubResource
                }
                // Who is no component says so to the compiler.
                ComponentTypeRef::Instance(ty) => self.types.get(ty as usize).copied().unwrap_or(false),
                _ => true,
            };
            self.tasks |= name.contains("@0.3.");
            if wanted && !are_given(name) {
                self.refused.push(shown(name));
            }
        }
        Ok(())
    }

    /// Whether what it imports needs tasks.
    pub fn has_tasks(&self) -> bool {
        self.tasks
    }

    fn export(&mut self, name: &str) {
        let shape = if name.starts_with("wasi:http/incoming-handler@0.2.") {
            Some(Shape::IncomingHandler)
        } else if name.starts_with("wasi:http/handler@0.3.") {
            Some(Shape::Handler)
        } else {
            None
        };
        // One that has both takes requests by the newer.
        self.found = match (self.found, shape) {
            (Some(Shape::Handler), _) | (_, None) => self.found,
            _ => shape,
        };
        if self.exports.len() < SHOWN { self.exports.push(shown(name)) } else { self.more += 1 }
    }

    /// # Errors
    /// Why it is none, as a sentence.
    pub fn shape(self) -> Result<Shape, String> {
        const WANTED: &str = "a Worker exports wasi:http/incoming-handler@0.2.x (the world wasi:http/proxy) or \
                              wasi:http/handler@0.3.x (the world wasi:http/service)";
        if let Some(shape) = self.found {
            return if self.refused.is_empty() { Ok(shape) } else { Err(not_given(&self.refused)) };
        }
        if self.exports.is_empty() {
            return Err(format!("the component exports nothing; {WANTED}"));
        }
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        let command = self.exports.iter().any(|name| name.starts_with("wasi:cli/run@"));
        let command = if command { "it is a command, which runs once and has no requests: " } else { "" };
        Err(format!("{command}the component exports {}{more}; {WANTED}", self.exports.join(", ")))
    }
}

/// Whether an instance that has it must be given.
fn is_wanted(item: &InstanceTypeDeclaration<'_>) -> bool {
    matches!(item, InstanceTypeDeclaration::Export { ty, .. } if !matches!(ty, ComponentTypeRef::Type(TypeBounds::Eq(_))))
}

/// A name from an upload, as it may stand in a message.
fn shown(name: &str) -> String {
    let clean = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    clean.take(120).collect()
}

/// Why a core module is refused: what it is, and how a component is made of it.
pub fn of_core_module(bytes: &[u8]) -> String {
    let (mut preview1, mut embedded, mut start) = (false, false, false);
    let mut foreign: Option<String> = None;
    let mut bindgen = None;
    // What is broken further on does not matter here: it is refused anyway.
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports().map_while(Result::ok) {
                    match import.module {
                        "wasi_snapshot_preview1" | "wasi_unstable" => preview1 = true,
                        "wbg" | "__wbindgen_placeholder__" => bindgen = Some(shown(import.module)),
                        other if foreign.is_none() => foreign = Some(shown(other)),
                        _ => {}
                    }
                }
            }
            Payload::ExportSection(section) => {
                start |= section.into_iter().map_while(Result::ok).any(|export| export.name == "_start");
            }
            Payload::CustomSection(section) => embedded |= section.name().starts_with("component-type"),
            _ => {}
        }
    }
    let found = if let Some(module) = bindgen {
        format!("it imports {module:?}: it was made by wasm-bindgen, for JavaScript around it")
    } else if embedded {
        "it holds the types of a component, which is still to be made of it".to_owned()
    } else if preview1 && start {
        "it imports wasi_snapshot_preview1 and exports _start: a WASI preview 1 command".to_owned()
    } else if preview1 {
        "it imports wasi_snapshot_preview1: WASI preview 1".to_owned()
    } else if let Some(module) = foreign {
        format!("it imports from {module:?}")
    } else {
        "it imports nothing of WASI".to_owned()
    };
    let way = if embedded && preview1 {
        "`wasm-tools component new main.wasm --adapt wasi_snapshot_preview1.reactor.wasm -o component.wasm` makes it"
    } else if embedded {
        "`wasm-tools component new main.wasm -o component.wasm` makes it"
    } else {
        "build for the world wasi:http/proxy: Rust for the target wasm32-wasip2 with the crate wasip2 or wit-bindgen, C \
         with wit-bindgen and wasm-tools, JavaScript with componentize-js; a module that has the types of that world \
         becomes one by `wasm-tools component new main.wasm --adapt wasi_snapshot_preview1.reactor.wasm`"
    };
    format!("the main module is a core WebAssembly module, not a component: {found}. To make a component: {way}.")
}

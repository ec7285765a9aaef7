//! The structural check: what a component's code may look like before a compiler sees it. A valid module of
//! 10 KB can compile for minutes and one of 150 KB can take gigabytes, so that shapes which cost more than
//! their size are refused by reading the code once, in time linear in its bytes. What gets by meets the limits
//! of the process that compiles.

use wasmparser::{
    BinaryReaderError, BlockType, CanonicalFunction, CanonicalOption, ComponentDefinedType, ComponentType,
    ComponentTypeDeclaration, CompositeInnerType, Encoding, FunctionBody, InstanceTypeDeclaration, Operator, Parser,
    Payload,
};

use super::shape::{self, Shape};
use crate::component::Model;

/// Components and modules within each other.
const MAX_DEPTH: usize = 16;
/// Blocks open at once in a function. What is dear about them grows with the square: 50,000 take 5 GiB, so many some
/// MiB. A switch of a compiler makes hundreds: the engine that `componentize-js` brings has 456.
pub const MAX_NESTING: u32 = 1_000;
/// Parameters and locals of a function.
pub const MAX_LOCALS: u32 = 5_000;
/// Bytes of a function's body.
pub const MAX_BODY: usize = 1 << 20;
/// Functions of all modules of a component together.
pub const MAX_FUNCTIONS: u32 = 50_000;
/// Locals of a function × its loops: each loop may carry each local.
pub const MAX_LOCALS_BY_LOOPS: u64 = 100_000;
/// Parameters and results of all blocks of a function: each is a value of its own for the compiler.
pub const MAX_BLOCK_VALUES: u64 = 100_000;

/// Why code is refused: told to who uploads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAllowed(pub String);

impl From<BinaryReaderError> for NotAllowed {
    fn from(error: BinaryReaderError) -> Self {
        Self(format!("the main module is not valid WebAssembly: {error}"))
    }
}

/// What code is that may be compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    pub shape: Shape,
    /// What the engine has to have.
    pub model: Model,
}

/// Reads a component's code once.
///
/// # Errors
/// [`NotAllowed`]: it is no component, or none that answers HTTP; it is broken; or a limit above is passed, with the
/// function that passes it.
pub fn check(bytes: &[u8]) -> Result<Checked, NotAllowed> {
    if !bytes.starts_with(b"\0asm") {
        return refuse(
            "the main module is of application/wasm, but it is no WebAssembly: it does not begin with \\0asm",
        );
    }
    if Parser::is_core_wasm(bytes) {
        return Err(NotAllowed(shape::of_core_module(bytes)));
    }
    let mut walk = Walk::default();
    let mut shape = shape::Reader::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        walk.payload(&payload)?;
        if walk.open.len() == 1 {
            shape.payload(&payload)?;
        }
    }
    let of_tasks = walk.tasks || shape.has_tasks();
    let shape = shape.shape().map_err(NotAllowed)?;
    let of_tasks = of_tasks || shape == Shape::Handler;
    Ok(Checked { shape, model: if of_tasks { Model::Tasks } else { Model::Plain } })
}

/// Whether a type is of tasks, or has one in it that is.
fn has_tasks(ty: &ComponentType<'_>) -> bool {
    match ty {
        ComponentType::Defined(ty) => matches!(ty, ComponentDefinedType::Future(_) | ComponentDefinedType::Stream(_)),
        ComponentType::Func(func) => func.async_,
        ComponentType::Component(items) => {
            items.iter().any(|item| matches!(item, ComponentTypeDeclaration::Type(ty) if has_tasks(ty)))
        }
        ComponentType::Instance(items) => {
            items.iter().any(|item| matches!(item, InstanceTypeDeclaration::Type(ty) if has_tasks(ty)))
        }
        ComponentType::Resource { .. } => false,
    }
}

/// Whether a function is one of tasks, or goes by them.
fn is_of_tasks(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.iter().any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_)))
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, NotAllowed> {
    Err(NotAllowed(message.into()))
}

/// Where the walk is.
#[derive(Default)]
struct Walk {
    /// Components and modules that are open, the outermost first.
    open: Vec<Unit>,
    modules: u32,
    functions: u32,
    /// Something is of tasks.
    tasks: bool,
}

/// A component, or a module of one.
#[derive(Default)]
struct Unit {
    /// Its number among the modules, from 0.
    module: u32,
    /// Of each type: its parameters and results; none for what is no function.
    types: Vec<(u32, u32)>,
    /// Parameters of each function that it defines.
    parameters: Vec<u32>,
    /// Functions it imports: its own are numbered after them.
    imported: u32,
    bodies: usize,
}

impl Walk {
    fn payload(&mut self, payload: &Payload<'_>) -> Result<(), NotAllowed> {
        match payload {
            Payload::Version { encoding, .. } => {
                if self.open.len() == MAX_DEPTH {
                    return refuse(format!(
                        "the component holds components more than {MAX_DEPTH} deep within each other"
                    ));
                }
                self.open.push(Unit { module: self.modules, ..Unit::default() });
                self.modules += u32::from(*encoding == Encoding::Module);
            }
            Payload::End(_) if self.open.len() > 1 => drop(self.open.pop()),
            Payload::ComponentTypeSection(section) => {
                for ty in section.clone() {
                    self.tasks |= has_tasks(&ty?);
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    self.tasks |= is_of_tasks(&function?);
                }
            }
            Payload::CodeSectionStart { count, .. } => {
                self.functions = self.functions.saturating_add(*count);
                if self.functions > MAX_FUNCTIONS {
                    return refuse(format!(
                        "the component has {} functions or more; at most {MAX_FUNCTIONS} are allowed",
                        self.functions
                    ));
                }
            }
            _ => {}
        }
        let Some(unit) = self.open.last_mut() else { return Ok(()) };
        match payload {
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    for ty in group?.types() {
                        unit.types.push(match &ty.composite_type.inner {
                            CompositeInnerType::Func(func) => (func.params().len() as u32, func.results().len() as u32),
                            _ => (0, 0),
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    unit.imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    unit.parameters.push(unit.types.get(ty? as usize).map_or(0, |(parameters, _)| *parameters));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let parameters = unit.parameters.get(unit.bodies).copied().unwrap_or(0);
                function(body, parameters, &unit.types)
                    .map_err(|wrong| wrong.named(unit.module, unit.imported + unit.bodies as u32))?;
                unit.bodies += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is wrong with a function.
enum Wrong {
    Broken(BinaryReaderError),
    /// What it has, and how much is allowed.
    Over(String, u64),
}

impl From<BinaryReaderError> for Wrong {
    fn from(error: BinaryReaderError) -> Self {
        Self::Broken(error)
    }
}

impl Wrong {
    fn named(self, module: u32, function: u32) -> NotAllowed {
        match self {
            Self::Broken(error) => error.into(),
            Self::Over(what, most) => {
                NotAllowed(format!("function {function} of the component's module {module} {what}; at most {most}"))
            }
        }
    }
}

fn function(body: &FunctionBody<'_>, parameters: u32, types: &[(u32, u32)]) -> Result<(), Wrong> {
    let over = |what: String, most: u64| Err(Wrong::Over(what, most));
    let bytes = body.range().len();
    if bytes > MAX_BODY {
        return over(format!("has a body of {bytes} bytes"), MAX_BODY as u64);
    }
    let mut locals = parameters;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0);
        if locals > MAX_LOCALS {
            return over(format!("has {locals} locals or more"), MAX_LOCALS.into());
        }
    }
    let (mut nesting, mut deepest, mut loops, mut values) = (0u32, 0u32, 0u64, 0u64);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let block = match operators.read()? {
            Operator::Loop { blockty } => {
                loops += 1;
                Some(blockty)
            }
            Operator::Block { blockty } | Operator::If { blockty } => Some(blockty),
            Operator::TryTable { try_table } => Some(try_table.ty),
            Operator::End => {
                nesting = nesting.saturating_sub(1);
                None
            }
            _ => None,
        };
        let Some(block) = block else { continue };
        nesting += 1;
        deepest = deepest.max(nesting);
        if let BlockType::FuncType(ty) = block {
            let (parameters, results) = types.get(ty as usize).copied().unwrap_or_default();
            values += u64::from(parameters) + u64::from(results);
        }
    }
    if deepest > MAX_NESTING {
        return over(format!("nests {deepest} blocks"), MAX_NESTING.into());
    }
    let carried = u64::from(locals) * loops;
    if carried > MAX_LOCALS_BY_LOOPS {
        return over(format!("has {locals} locals and {loops} loops, whose product is {carried}"), MAX_LOCALS_BY_LOOPS);
    }
    if values > MAX_BLOCK_VALUES {
        return over(format!("has blocks that take and give {values} values"), MAX_BLOCK_VALUES);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

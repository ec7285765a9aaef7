//! A component's code, linked with all that Workers are given: what a publish has to find out, and a request
//! need not.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceType};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::engine::{ComponentEngine, Model};
use super::http::{IncomingRequest, ResponseOutparam};
use super::imports;
use super::state::State;
use super::{http, wasi};

/// Everything a component may import.
pub(super) type Linkers = GivenImports;

/// See [`Linkers`].
pub(super) struct GivenImports {
    pub(super) linker: Linker<State>,
}

impl GivenImports {
    pub fn new(engine: &Engine, model: Model) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::add_to(&mut linker, model)?;
        http::add_to(&mut linker, model)?;
        Ok(Self { linker })
    }
}

/// A component that can serve requests. Holds the compiled code; cheap to clone.
#[derive(Clone)]
pub struct ComponentCode {
    pub(super) handler: Handler,
}

#[derive(Clone)]
pub(super) enum Handler {
    /// `wasi:http/incoming-handler@0.2`.
    Incoming { pre: InstancePre<State>, handle: ComponentExportIndex },
    /// `wasi:http/handler@0.3`.
    Service(ServicePre<State>),
}

impl ComponentCode {
    /// Links a component of this engine.
    ///
    /// # Errors
    /// A text for who uploads it: what it imports and is not given, or that it handles no requests.
    pub fn of(engine: &ComponentEngine, component: Component) -> Result<Self, String> {
        let given = &engine.linkers;
        let pre = given.linker.instantiate_pre(&component).map_err(|error| given.why_not(&component, &error))?;
        check_size(&component)?;
        if let Some((interface, handle)) = given.incoming_handler(&component)? {
            tracing::trace!(interface, "a component of wasi:http 0.2");
            return Ok(Self { handler: Handler::Incoming { pre, handle } });
        }
        match ServicePre::new(pre) {
            Ok(service) => Ok(Self { handler: Handler::Service(service) }),
            Err(_) => Err(no_handler(&component)),
        }
    }

    /// Bytes of its compiled code, which are mapped from a file where it came from one.
    pub fn text_bytes(&self) -> usize {
        self.component().text().len()
    }

    /// The engine that it was compiled for.
    pub(super) fn engine(&self) -> &Engine {
        self.component().engine()
    }

    fn component(&self) -> &Component {
        match &self.handler {
            Handler::Incoming { pre, .. } => pre.component(),
            Handler::Service(service) => service.instance_pre().component(),
        }
    }
}

impl GivenImports {
    /// The function that takes requests, where the component has one of 0.2; with its interface's name.
    fn incoming_handler(&self, component: &Component) -> Result<Option<(String, ComponentExportIndex)>, String> {
        let engine = component.engine();
        let exports = self.linker.substituted_component_type(component).map_err(|error| format!("{error:#}"))?;
        for (name, item) in exports.exports(engine) {
            let ComponentItem::ComponentInstance(instance) = &item.ty else { continue };
            if !name.starts_with("wasi:http/incoming-handler@0.2.") {
                continue;
            }
            let function = instance.get_export(engine, "handle").map(|item| item.ty);
            let fits = matches!(&function, Some(ComponentItem::ComponentFunc(function)) if takes_requests(function));
            let index = component
                .get_export_index(None, name)
                .and_then(|interface| component.get_export_index(Some(&interface), "handle"));
            return match index {
                Some(index) if fits => Ok(Some((name.to_owned(), index))),
                _ => Err(format!("{name} is exported, but its `handle` is not the one of wasi:http")),
            };
        }
        Ok(None)
    }

    /// Why a component could not be linked: what of its imports is not given, where that is it.
    fn why_not(&self, component: &Component, error: &wasmtime::Error) -> String {
        let ty = component.component_type();
        let refused = ty.imports(component.engine()).map(|(name, _)| name).filter(|name| !imports::are_given(name));
        let refused: Vec<String> = refused.map(str::to_owned).collect();
        if refused.is_empty() {
            return format!("The component's imports do not fit what Workers are given: {error:#}");
        }
        imports::not_given(&refused)
    }
}

fn takes_requests(function: &ComponentFunc) -> bool {
    use wasmtime::component::types::Type;
    let own = |ty: &Type, of: ResourceType| matches!(ty, Type::Own(resource) if *resource == of);
    let params: Vec<Type> = function.params().map(|(_, ty)| ty).collect();
    let [request, outparam] = params.as_slice() else { return false };
    own(request, ResourceType::host::<IncomingRequest>())
        && own(outparam, ResourceType::host::<ResponseOutparam>())
        && function.results().len() == 0
}

fn no_handler(component: &Component) -> String {
    let ty = component.component_type();
    let exports: Vec<String> = ty.exports(component.engine()).map(|(name, _)| format!("\"{name}\"")).take(8).collect();
    let what = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    format!(
        "The component handles no requests: it has to export wasi:http/incoming-handler@0.2 or \
         wasi:http/handler@0.3, and exports {what}."
    )
}

/// Refuses what no instance could be made of.
fn check_size(component: &Component) -> Result<(), String> {
    let Some(required) = component.resources_required() else { return Ok(()) };
    let refuse = |what: &str, many: u32, most: u32| {
        if many > most { Err(format!("The component has {many} {what}; {most} are allowed.")) } else { Ok(()) }
    };
    refuse("memories", required.num_memories, super::engine::MAX_MEMORIES)?;
    refuse("tables", required.num_tables, super::engine::MAX_TABLES)?;
    refuse(
        "elements in one table",
        required.max_initial_table_size.map_or(0, |size| u32::try_from(size).unwrap_or(u32::MAX)),
        super::engine::MAX_TABLE as u32,
    )?;
    Ok(())
}

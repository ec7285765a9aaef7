//! `wasi:http` 0.2 as guests see it: each resource is a small struct of our own over what Workers have anyhow
//! (`http`'s heads, `Body`, `Pipe`), so that a request is lifted over without being taken apart first.
//! 0.3 is wasmtime's own, but for what of it has to be counted (`service`).

use http::{HeaderMap, HeaderName, header};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};

use super::engine::Model;
use super::state::State;

mod bodies;
mod fields;
mod heads;
mod incoming;
mod outgoing;
mod service;

pub use fields::content_length;
pub use incoming::{IncomingRequest, ResponseOutparam};
pub use service::Charged;

/// Under which the linker finds 0.2 of any later digit.
const TYPES: &str = "wasi:http/types@0.2.12";
const SERVICE_TYPES: &str = "wasi:http/types@0.3.0";
const OUTGOING_HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// Gives a linker `wasi:http` 0.2, and 0.3 where there are tasks.
///
/// # Errors
/// When a name is taken.
pub fn add_to(linker: &mut Linker<State>, model: Model) -> wasmtime::Result<()> {
    if model == Model::Tasks {
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
        linker.allow_shadowing(true);
        service::add_to(&mut linker.instance(SERVICE_TYPES)?)?;
        linker.allow_shadowing(false);
    }
    let mut types = linker.instance(TYPES)?;
    fields::add_to(&mut types)?;
    incoming::add_to(&mut types)?;
    outgoing::add_to(&mut types)?;
    bodies::add_to(&mut types)?;
    outgoing::add_handler(&mut linker.instance(OUTGOING_HANDLER)?)
}

/// What a guest may neither set nor see: they belong to the connection, and to us.
const FORBIDDEN: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    HeaderName::from_static("http2-settings"),
];

/// Takes out of a head from elsewhere what a guest may not see.
pub fn without_forbidden(mut headers: HeaderMap) -> HeaderMap {
    for name in &FORBIDDEN {
        headers.remove(name);
    }
    headers
}

/// Defines functions of an interface on what is in the table.
struct Interface<'a, 'b>(&'a mut LinkerInstance<'b, State>);

impl Interface<'_, '_> {
    /// A resource whose value is a `T`.
    fn resource<T: Send + 'static>(&mut self, name: &str) -> wasmtime::Result<()> {
        self.0.resource(name, ResourceType::host::<T>(), |mut store, rep| {
            store.data_mut().table.delete::<T>(Resource::new_own(rep))?;
            Ok(())
        })
    }

    fn function<P, R>(
        &mut self,
        name: &str,
        call: impl Fn(&mut State, P) -> wasmtime::Result<R> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: Lower + wasmtime::component::ComponentType + 'static,
        (R,): ComponentNamedList + Lower + 'static,
    {
        self.0.func_wrap(name, move |mut store: StoreContextMut<'_, State>, params: P| {
            Ok((call(store.data_mut(), params)?,))
        })
    }

    /// A function that reads one value.
    fn getter<T, R>(&mut self, name: &str, read: impl Fn(&T) -> R + Send + Sync + 'static) -> wasmtime::Result<()>
    where
        T: Send + 'static,
        R: Lower + wasmtime::component::ComponentType + 'static,
        (R,): ComponentNamedList + Lower + 'static,
    {
        self.function(name, move |state, (this,): (Resource<T>,)| Ok(read(state.table.get(&this)?)))
    }
}

//! Fields of 0.3: wasmtime's own, but counted as the guest's memory, as those of 0.2 are.

use std::collections::HashMap;

use http::HeaderMap;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::types::{FieldName, FieldValue, Fields, HeaderError, HostFields};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::Interface;
use super::fields::EACH;
use crate::component::state::State;

/// What fields of a guest's making count, by their number in its table. Those that went into a request or a
/// response count on, until their number is another's: the table bounds how many there are.
#[derive(Debug, Default)]
pub struct Charged(HashMap<u32, usize>);

fn size(name: usize, value: usize) -> usize {
    name + value + EACH
}

fn size_of(map: &HeaderMap) -> usize {
    map.iter().map(|(name, value)| size(name.as_str().len(), value.len())).sum()
}

/// What the values of one name count.
fn size_of_one(state: &State, this: &Resource<Fields>, name: &str) -> usize {
    let Ok(fields) = state.table.get(this) else { return 0 };
    fields.get_all(name).iter().map(|value| size(name.len(), value.len())).sum()
}

/// Counts fields that have just been made.
fn made(state: &mut State, fields: Resource<Fields>, bytes: usize) -> wasmtime::Result<Resource<Fields>> {
    let before = state.charged.0.insert(fields.rep(), bytes);
    state.memory.give_back(before.unwrap_or(0));
    state.memory.take(bytes)?;
    Ok(fields)
}

/// Counts what has become more, or less.
fn changed(state: &mut State, rep: u32, more: usize, less: usize) -> wasmtime::Result<()> {
    let count = state.charged.0.entry(rep).or_default();
    *count = (*count + more).saturating_sub(less);
    state.memory.give_back(less);
    state.memory.take(more)
}

/// An error that is the guest's to know, apart from one that ends it.
fn told<T>(result: Result<T, TrappableError<HeaderError>>) -> wasmtime::Result<Result<T, HeaderError>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// Calls wasmtime's own.
fn stock(state: &mut State) -> WasiHttpCtxView<'_> {
    state.http()
}

/// Defines those that make or change fields anew. The linker must allow it.
pub fn add_to(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource("fields", ResourceType::host::<Fields>(), |mut store, rep| {
        let state = store.data_mut();
        let bytes = state.charged.0.remove(&rep);
        state.memory.give_back(bytes.unwrap_or(0));
        state.table.delete::<Fields>(Resource::new_own(rep))?;
        Ok(())
    })?;
    let mut types = Interface(types);
    types.function("[constructor]fields", |state, ()| {
        let fields = HostFields::new(&mut stock(state))?;
        made(state, fields, 0)
    })?;
    types.function("[static]fields.from-list", |state, (entries,): (Vec<(FieldName, FieldValue)>,)| {
        let bytes = entries.iter().map(|(name, value)| size(name.len(), value.len())).sum();
        match told(HostFields::from_list(&mut stock(state), entries))? {
            Ok(fields) => Ok(Ok(made(state, fields, bytes)?)),
            Err(error) => Ok(Err(error)),
        }
    })?;
    types.function("[method]fields.clone", |state, (this,): (Resource<Fields>,)| {
        let bytes = size_of(state.table.get(&this)?);
        let fields = HostFields::clone(&mut stock(state), this)?;
        made(state, fields, bytes)
    })?;
    types.function(
        "[method]fields.append",
        |state, (this, name, value): (Resource<Fields>, FieldName, FieldValue)| {
            let (rep, more) = (this.rep(), size(name.len(), value.len()));
            let done = told(HostFields::append(&mut stock(state), this, name, value))?;
            if done.is_ok() {
                changed(state, rep, more, 0)?;
            }
            Ok(done)
        },
    )?;
    types.function(
        "[method]fields.set",
        |state, (this, name, values): (Resource<Fields>, FieldName, Vec<FieldValue>)| {
            let (rep, less) = (this.rep(), size_of_one(state, &this, &name));
            let more = values.iter().map(|value| size(name.len(), value.len())).sum();
            let done = told(HostFields::set(&mut stock(state), this, name, values))?;
            if done.is_ok() {
                changed(state, rep, more, less)?;
            }
            Ok(done)
        },
    )?;
    types.function("[method]fields.delete", |state, (this, name): (Resource<Fields>, FieldName)| {
        let (rep, less) = (this.rep(), size_of_one(state, &this, &name));
        let done = told(HostFields::delete(&mut stock(state), this, name))?;
        if done.is_ok() {
            changed(state, rep, 0, less)?;
        }
        Ok(done)
    })?;
    types.function("[method]fields.get-and-delete", |state, (this, name): (Resource<Fields>, FieldName)| {
        let (rep, less) = (this.rep(), size_of_one(state, &this, &name));
        let done = told(HostFields::get_and_delete(&mut stock(state), this, name))?;
        if done.is_ok() {
            changed(state, rep, 0, less)?;
        }
        Ok(done)
    })
}

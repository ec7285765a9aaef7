//! `fields`: the names and values of a head or of trailers.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::HeaderError;

use super::{FORBIDDEN, Interface};
use crate::component::state::{MAX_FIELDS, State};

/// What a name or a value counts beside its bytes.
pub const EACH: usize = 40;

/// See the module's paragraph. Those of a head that is there already are shared, and cannot be changed.
pub struct Fields {
    pub map: Arc<HeaderMap>,
    /// Bytes that count as the guest's; `None`: not to be changed.
    size: Option<usize>,
}

impl Fields {
    pub fn shared(map: Arc<HeaderMap>) -> Self {
        Self { map, size: None }
    }

    pub fn into_map(self) -> HeaderMap {
        Arc::unwrap_or_clone(self.map)
    }
}

/// Takes fields that the guest made out of the table.
pub fn take(state: &mut State, fields: Resource<Fields>) -> wasmtime::Result<Fields> {
    let fields = state.table.delete(fields)?;
    state.memory.give_back(fields.size.unwrap_or(0));
    Ok(fields)
}

fn size_of(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len() + EACH
}

fn name_of(name: &str) -> Result<HeaderName, HeaderError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::InvalidSyntax)?;
    if FORBIDDEN.contains(&name) { Err(HeaderError::Forbidden) } else { Ok(name) }
}

fn value_of(name: &HeaderName, value: &[u8]) -> Result<HeaderValue, HeaderError> {
    // A length is what bodies are held to: it must be one.
    if *name == header::CONTENT_LENGTH && length_of(value).is_none() {
        return Err(HeaderError::InvalidSyntax);
    }
    HeaderValue::from_bytes(value).map_err(|_| HeaderError::InvalidSyntax)
}

fn length_of(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The length that a head tells.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    length_of(headers.get(header::CONTENT_LENGTH)?.as_bytes())
}

/// Changes fields; `more`: the bytes that they have more than before.
fn change(
    state: &mut State,
    fields: &Resource<Fields>,
    change: impl FnOnce(&mut HeaderMap, usize) -> Result<isize, HeaderError>,
) -> wasmtime::Result<Result<(), HeaderError>> {
    let this = state.table.get_mut(fields)?;
    let Some(size) = this.size else { return Ok(Err(HeaderError::Immutable)) };
    let more = match change(Arc::make_mut(&mut this.map), MAX_FIELDS.saturating_sub(size)) {
        Ok(more) => more,
        Err(error) => return Ok(Err(error)),
    };
    this.size = Some(size.saturating_add_signed(more));
    if more > 0 {
        state.memory.take(more.unsigned_abs())?;
    } else {
        state.memory.give_back(more.unsigned_abs());
    }
    Ok(Ok(()))
}

/// Adds a value where there is room for it.
fn append(map: &mut HeaderMap, room: usize, name: HeaderName, value: HeaderValue) -> Result<usize, HeaderError> {
    // There is no error for too many: none of them is valid any more.
    let size = size_of(&name, &value);
    if size > room || (name == header::CONTENT_LENGTH && map.contains_key(&name)) {
        return Err(HeaderError::InvalidSyntax);
    }
    map.try_append(name, value).map_err(|_| HeaderError::InvalidSyntax)?;
    Ok(size)
}

fn from_list(entries: Vec<(String, Vec<u8>)>) -> Result<(HeaderMap, usize), HeaderError> {
    let (mut map, mut size) = (HeaderMap::with_capacity(entries.len().min(64)), 0);
    for (name, value) in entries {
        let name = name_of(&name)?;
        let value = value_of(&name, &value)?;
        size += append(&mut map, MAX_FIELDS - size, name, value)?;
    }
    Ok((map, size))
}

fn made(state: &mut State, map: HeaderMap, size: usize) -> wasmtime::Result<Resource<Fields>> {
    state.memory.take(size)?;
    Ok(state.table.push(Fields { map: Arc::new(map), size: Some(size) })?)
}

fn removed(map: &mut HeaderMap, name: &HeaderName) -> usize {
    let size = map.get_all(name).iter().map(|value| size_of(name, value)).sum();
    map.remove(name);
    size
}

/// Defines them.
pub fn add_to(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource("fields", ResourceType::host::<Fields>(), |mut store, rep| {
        take(store.data_mut(), Resource::new_own(rep)).map(drop)
    })?;
    let mut types = Interface(types);
    types.function("[constructor]fields", |state, ()| made(state, HeaderMap::new(), 0))?;
    types.function("[static]fields.from-list", |state, (entries,): (Vec<(String, Vec<u8>)>,)| {
        match from_list(entries) {
            Ok((map, size)) => Ok(Ok(made(state, map, size)?)),
            Err(error) => Ok(Err(error)),
        }
    })?;
    types.function("[method]fields.get", |state, (this, name): (Resource<Fields>, String)| {
        let fields = state.table.get(&this)?;
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return Ok(Vec::new()) };
        Ok(fields.map.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>())
    })?;
    types.function("[method]fields.has", |state, (this, name): (Resource<Fields>, String)| {
        let fields = state.table.get(&this)?;
        Ok(HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| fields.map.contains_key(name)))
    })?;
    types.function("[method]fields.set", |state, (this, name, values): (Resource<Fields>, String, Vec<Vec<u8>>)| {
        change(state, &this, |map, room| {
            let name = name_of(&name)?;
            let values = values.iter().map(|value| value_of(&name, value)).collect::<Result<Vec<_>, HeaderError>>()?;
            if name == header::CONTENT_LENGTH && values.len() > 1 {
                return Err(HeaderError::InvalidSyntax);
            }
            let before: usize = map.get_all(&name).iter().map(|value| size_of(&name, value)).sum();
            let after: usize = values.iter().map(|value| size_of(&name, value)).sum();
            if after > room + before {
                return Err(HeaderError::InvalidSyntax);
            }
            map.remove(&name);
            for value in values {
                map.try_append(&name, value).map_err(|_| HeaderError::InvalidSyntax)?;
            }
            Ok(after.cast_signed() - before.cast_signed())
        })
    })?;
    types.function("[method]fields.delete", |state, (this, name): (Resource<Fields>, String)| {
        change(state, &this, |map, _| Ok(-removed(map, &name_of(&name)?).cast_signed()))
    })?;
    types.function("[method]fields.append", |state, (this, name, value): (Resource<Fields>, String, Vec<u8>)| {
        change(state, &this, |map, room| {
            let name = name_of(&name)?;
            let value = value_of(&name, &value)?;
            Ok(append(map, room, name, value)?.cast_signed())
        })
    })?;
    types.function("[method]fields.entries", |state, (this,): (Resource<Fields>,)| {
        let fields = state.table.get(&this)?;
        let entry = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
        Ok(fields.map.iter().map(entry).collect::<Vec<_>>())
    })?;
    types.function("[method]fields.clone", |state, (this,): (Resource<Fields>,)| {
        let map = HeaderMap::clone(&state.table.get(&this)?.map);
        let size = map.iter().map(|(name, value)| size_of(name, value)).sum();
        made(state, map, size)
    })
}

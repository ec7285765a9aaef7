//! The engine as a host sees it: module, imports, exports, scripts on frozen and never frozen instances.

mod context;
mod fast;
mod frozen;
mod host;
mod language;
mod module;
mod modules;
mod programs;
mod quickjs;
mod shapes;
mod wire;

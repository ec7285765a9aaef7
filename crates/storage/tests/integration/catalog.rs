//! The catalog's operations on a real storage, with a validator that answers as the test wishes.

mod assets;
mod deployments;
pub mod fixture;
mod namespaces;
mod scripts;
mod secrets;
mod settings;
mod uploads;
mod wakeups;

//! What of WASI is not `wasi:http`: the stock implementation, with an empty world in it. There are no files and
//! no sockets; the clock stands still between two waits; standard output goes to the log.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::{TcpSocket, UdpSocket};

use super::engine::Model;
use super::output::Stdio;
use super::state::{Current, State};
use crate::LogLevel;

/// Bytes of randomness at once.
const MAX_RANDOM: u64 = 1 << 20;
/// What the clock tells apart.
const TICK: Duration = Duration::from_millis(1);

/// Gives a linker all of WASI 0.2 but `wasi:http`, and of 0.3 where there are tasks.
///
/// # Errors
/// When wasmtime's names are others.
pub fn add_to(linker: &mut Linker<State>, model: Model) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    if model == Model::Tasks {
        wasmtime_wasi::p3::add_to_linker(linker)?;
    }
    linker.allow_shadowing(true);
    // By way of its table alone: with the rest of WASI a world would be made for each request that has a body.
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    // A socket that could never be used would be a descriptor of the node's all the same.
    linker.instance("wasi:sockets/tcp-create-socket@0.2.12")?.func_wrap(
        "create-tcp-socket",
        |_: StoreContextMut<'_, State>, (_,): (IpAddressFamily,)| {
            Ok((Err::<Resource<TcpSocket>, _>(ErrorCode::AccessDenied),))
        },
    )?;
    linker.instance("wasi:sockets/udp-create-socket@0.2.12")?.func_wrap(
        "create-udp-socket",
        |_: StoreContextMut<'_, State>, (_,): (IpAddressFamily,)| {
            Ok((Err::<Resource<UdpSocket>, _>(ErrorCode::AccessDenied),))
        },
    )?;
    if model == Model::Tasks {
        p3_sockets(linker)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

fn p3_sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode, IpAddressFamily};
    let mut types = linker.instance("wasi:sockets/types@0.3.0")?;
    types.func_wrap("[static]tcp-socket.create", |_: StoreContextMut<'_, State>, (_,): (IpAddressFamily,)| {
        Ok((Err::<Resource<wasmtime_wasi::sockets::TcpSocket>, _>(ErrorCode::AccessDenied),))
    })?;
    types.func_wrap("[static]udp-socket.create", |_: StoreContextMut<'_, State>, (_,): (IpAddressFamily,)| {
        Ok((Err::<Resource<wasmtime_wasi::sockets::UdpSocket>, _>(ErrorCode::AccessDenied),))
    })
}

/// The world of one instance.
pub fn context(current: &Arc<Current>, env: &[(String, String)]) -> WasiCtx {
    let stdio = |level| Stdio { current: Arc::clone(current), level };
    WasiCtx::builder()
        .envs(env)
        .stdout(stdio(LogLevel::Log))
        .stderr(stdio(LogLevel::Error))
        .wall_clock(GuestClock(Arc::clone(current)))
        .monotonic_clock(GuestClock(Arc::clone(current)))
        .max_random_size(MAX_RANDOM)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

struct GuestClock(Arc<Current>);

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        TICK
    }

    fn now(&self) -> Duration {
        self.0.get().clock.wall()
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        TICK.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        self.0.get().clock.monotonic()
    }
}

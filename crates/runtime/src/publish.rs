//! Starting a Worker for real: its modules are evaluated on the base within the start-up limits, and
//! the pages that differ then are the Worker. What throws here is refused with the engine's message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use switchyard_catalog::{Compatibility, InvalidScript, NamedHandlers, Started, WorkerBinding, WorkerSpec};
use switchyard_js::abi::{MAKE_KEYS, Reader, event, op, start};
use tokio::sync::oneshot;

use crate::engine::CpuExceeded;
use crate::executor::Pace;
use crate::host::{GuestOp, Host, Limiter, Mode};
use crate::meter::CpuMeter;
use crate::modules::Modules;
use crate::node;
use crate::runtime::Inner;
use crate::sealed::{Head, Sealed, hex};
use crate::slot::Slot;
use crate::worker::env_values;

/// CPU that evaluating the modules may use. Cloudflare's limit is one second of V8, which compiles what is
/// interpreted here: packages in daily use (AI SDKs, validators, tokenizers) take up to four for what V8 does in 0.2.
const START_CPU: Duration = Duration::from_secs(5);
/// Memory at start.
const START_MEMORY: usize = 128 << 20;
/// A Worker's page delta may be this large: what each node keeps of each version.
const MAX_DELTA_BYTES: usize = 64 << 20;

/// Exports and handlers of a Worker, together.
const MAX_NAMES: usize = 4096;
/// Bytes of one of their names.
const MAX_NAME_BYTES: usize = 512;

/// The STARTED operation.
#[derive(Deserialize)]
struct Announced {
    handlers: Vec<String>,
    named: Vec<AnnouncedExport>,
}

#[derive(Deserialize)]
struct AnnouncedExport {
    name: String,
    handlers: Vec<String>,
}

impl Announced {
    /// What is announced is kept in the database and shown: it has bounds.
    fn check(&self) -> Result<(), InvalidScript> {
        let named = self.named.iter().flat_map(|export| std::iter::once(&export.name).chain(&export.handlers));
        let (mut count, mut longest) = (0, 0);
        for name in self.handlers.iter().chain(named) {
            count += 1;
            longest = longest.max(name.len());
        }
        if count > MAX_NAMES || longest > MAX_NAME_BYTES {
            return Err(InvalidScript::Refused(format!(
                "the Worker exports too much: at most {MAX_NAMES} exports and handlers, of names up to {MAX_NAME_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

/// Evaluates, and returns what a sealed file needs. Runs on a guest thread.
///
/// # Errors
/// `Refused` with the engine's message, or `Unavailable`.
pub async fn publish(runtime: &Arc<Inner>, spec: &WorkerSpec) -> Result<(Sealed, Started), InvalidScript> {
    let _turn = Arc::clone(&runtime.publishing)
        .acquire_owned()
        .await
        .map_err(|_| InvalidScript::Unavailable("the runtime has ended".into()))?;
    let meter = Arc::new(CpuMeter::new(START_CPU));
    let (reply, answer) = oneshot::channel();
    let task = {
        let (runtime, spec, meter) = (Arc::clone(runtime), spec.clone(), Arc::clone(&meter));
        async move {
            let _ = reply.send(evaluate(&runtime, &spec, meter).await);
        }
    };
    runtime.executor.spawn(spec.script, 1, meter, || Pace::Long, task);
    answer.await.unwrap_or_else(|_| Err(InvalidScript::Unavailable("the evaluation ended early".into())))
}

async fn evaluate(
    runtime: &Arc<Inner>,
    spec: &WorkerSpec,
    meter: Arc<CpuMeter>,
) -> Result<(Sealed, Started), InvalidScript> {
    let began = Instant::now();
    let unavailable = |message: String| InvalidScript::Unavailable(message);
    let trap = |error: wasmtime::Error| InvalidScript::Unavailable(format!("{error:#}"));
    let bindings: Vec<_> = spec.bindings.iter().map(|(name, bound)| (name.to_string(), bound.clone())).collect();
    let compatibility = Compatibility::of(&spec.compatibility_date, &spec.compatibility_flags);
    let modules = Arc::new(Modules::of(&spec.code, compatibility));
    let mut slot = runtime.clean_slot(&Arc::default()).map_err(unavailable)?;
    slot.store.data_mut().begin(
        Mode::GlobalScope,
        meter,
        Limiter::new(START_MEMORY, &runtime.held),
        Arc::clone(&modules),
        env_values(&bindings),
    );
    slot.seed().map_err(trap)?;
    slot.short("sy_allow_eval", Some(i32::from(compatibility.is_on("allow_eval_during_startup")))).map_err(trap)?;
    let switches = node::switches(&compatibility);
    if switches != 0 {
        slot.event(event::NODE, 0, switches, &[]).await.map_err(trap)?;
    }
    let code = match slot.start(&spec.code.entry).await {
        Ok(code) => code,
        Err(error) => return Err(InvalidScript::Refused(trapped(&error, slot.store.data()))),
    };
    let ops = slot.store.data_mut().take_ops();
    match code {
        start::OK => {}
        start::UNSETTLED => {
            return Err(InvalidScript::Refused("Uncaught Error: Top-level await in module is unsettled.".into()));
        }
        _ => return Err(InvalidScript::Refused(refusal(&ops, slot.store.data()))),
    }
    let announced = ops.iter().rev().find(|started| started.kind == op::STARTED);
    let announced: Announced = announced
        .and_then(|started| serde_json::from_str(Reader::new(&started.values).text().ok()?).ok())
        .ok_or_else(|| {
            InvalidScript::Refused(
                "the Worker's handlers cannot be read: it changed what the platform stands on".into(),
            )
        })?;
    announced.check()?;
    slot.short("sy_allow_eval", Some(0)).map_err(trap)?;
    if let Err(error) = slot.collect().await {
        return Err(InvalidScript::Refused(trapped(&error, slot.store.data())));
    }
    let keys = bindings.iter().any(|(_, bound)| matches!(bound, WorkerBinding::SecretKey { .. }));
    let sealed = take_pages(runtime, spec, &mut slot, &modules, bindings)?;
    if keys {
        check_keys(&mut slot).await?;
    }
    let named =
        announced.named.into_iter().map(|export| NamedHandlers { name: export.name, handlers: export.handlers });
    let started = Started {
        handlers: announced.handlers,
        named_handlers: named.collect(),
        startup_time_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX).max(1),
    };
    Ok((sealed, started))
}

/// A key that cannot be imported is refused here, not at each request. Its pages are taken already.
async fn check_keys(slot: &mut Slot) -> Result<(), InvalidScript> {
    let env = Arc::clone(&slot.store.data().env);
    match slot.event(event::ENV, 0, MAKE_KEYS, &env).await {
        Ok(0) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(InvalidScript::Refused(trapped(&error, slot.store.data()))),
    }
    let ops = slot.store.data_mut().take_ops();
    let thrown = ops.iter().find(|started| started.kind == op::THROW);
    let message = thrown.and_then(|started| Reader::new(&started.values).nth(1)?.ok()?.as_text());
    Err(InvalidScript::Refused(message.unwrap_or("a secret_key binding holds no key").chars().take(1_000).collect()))
}

fn take_pages(
    runtime: &Arc<Inner>,
    spec: &WorkerSpec,
    slot: &mut Slot,
    modules: &Modules,
    bindings: Vec<(String, switchyard_catalog::WorkerBinding)>,
) -> Result<Sealed, InvalidScript> {
    let delta = slot.delta(&runtime.base).map_err(InvalidScript::Unavailable)?;
    if delta.page_bytes() > MAX_DELTA_BYTES {
        return Err(InvalidScript::Refused(format!(
            "the Worker's global scope holds {} MiB; the most is {} MiB",
            delta.page_bytes() >> 20,
            MAX_DELTA_BYTES >> 20
        )));
    }
    let host = slot.store.data();
    let head = Head {
        base: hex(&runtime.base.digest),
        wasm_pages: delta.wasm_pages,
        delta_is_secret: host.env_read,
        ..Head::of(spec)
    };
    Ok(Sealed { head, bindings, delta: Arc::new(delta), modules: Arc::new(modules.without(&host.loaded)) })
}

/// What a person is told of a trap at start.
fn trapped(error: &wasmtime::Error, host: &Host) -> String {
    if error.downcast_ref::<CpuExceeded>().is_some() {
        format!("Script startup exceeded CPU time limit: its global scope used more than {} ms.", START_CPU.as_millis())
    } else if host.limiter.refused {
        "Script startup exceeded memory limits.".into()
    } else {
        format!("Script startup failed: {}", error.root_cause())
    }
}

/// The engine's message as workerd words it: `Uncaught Name: message`, then where.
fn refusal(ops: &[GuestOp], host: &Host) -> String {
    let Some(error) = ops.iter().find(|started| started.kind == op::START_ERROR) else {
        return "Uncaught Error: the script failed without an exception".into();
    };
    let mut values = Reader::new(&error.values);
    let mut text = |most: usize| -> String {
        values.text_or_null().ok().flatten().unwrap_or_default().chars().take(most).collect()
    };
    let (name, message, stack) = (text(100), text(4_000), text(8_000));
    if message.starts_with("No such module")
        && let Some((sought, importer)) = &host.missing
    {
        return format!("Uncaught Error: No such module \"{sought}\".\n  imported from \"{importer}\"");
    }
    let mut refusal = format!("Uncaught {name}: {message}");
    for line in stack.lines().map(str::trim).filter(|line| line.starts_with("at ")).take(10) {
        // QuickJS writes `at f (file:1:2)`, workerd `at file:1:2 in f`.
        let place = line.strip_prefix("at ").unwrap_or(line);
        let worded = match place.split_once(" (").and_then(|(f, at)| Some((f, at.strip_suffix(')')?))) {
            Some(("<anonymous>" | "", at)) => at.to_owned(),
            Some((_, "native")) => continue,
            Some((f, at)) => format!("{at} in {f}"),
            None => place.to_owned(),
        };
        if !worded.contains("platform:") {
            refusal += &format!("\n  at {worded}");
        }
    }
    refusal
}

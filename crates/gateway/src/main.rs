//! `switchyard`: read the command line, start a node, say that it is ready, wait, drain.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use switchyard_gateway::cli::{Cli, Command};
use switchyard_gateway::handover::{Inherited, Program};
use switchyard_gateway::{App, AppError, Config, announce, heap, service};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // First, as it changes the environment.
    let inherited = Inherited::from_env();
    let cli = Cli::parse();
    if let Command::Compile(compile) = &cli.command {
        return compile.run();
    }
    match inherited.context("what was passed in is no listening socket").and_then(|inherited| run(cli, inherited)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, inherited: Inherited) -> anyhow::Result<()> {
    let config = match &cli.command {
        Command::Dev(dev) => dev.config(),
        Command::Serve(serve) => Config::load(&serve.config)?,
        tool => return run_tool(tool),
    };
    let filter = EnvFilter::try_new(&config.log.level).context("log.level is not a filter")?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    switchyard_gateway::raise_descriptors();
    heap::bound();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // Requests begin on the threads that they come in by, as deep as on a guest's own.
    builder.enable_all().thread_stack_size(switchyard_runtime::GUEST_THREAD_STACK);
    builder.on_thread_start(switchyard_runtime::prompt_thread);
    let runtime = builder.build()?;
    let done = runtime.block_on(serve(config, inherited, &cli.command));
    // Guests that do not end must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done
}

fn run_tool(command: &Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(done) = runtime.block_on(command.tool()) {
        let text = match &done {
            Ok(text) => text.as_str(),
            Err(error) => error.shown().unwrap_or_default(),
        };
        std::io::stdout().lock().write_all(text.as_bytes()).context("could not write the answer")?;
        done?;
    }
    Ok(())
}

async fn serve(config: Config, inherited: Inherited, command: &Command) -> anyhow::Result<()> {
    let program = Program::this().context("could not find this program")?;
    // Before the start, so that a signal during it is not the default: dying half-way.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A development node has no file, and ends with its terminal.
    let serves = matches!(command, Command::Serve(_));
    let mut hangup = if serves { Some(signal(SignalKind::hangup())?) } else { None };
    let mut succeed = if serves { Some(signal(SignalKind::user_defined2())?) } else { None };
    let mut app = tokio::select! {
        started = App::start_with(config, inherited) => started.map_err(|error| located(error, command))?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let mut text = announce::ready(&app) + "\n";
    if let Command::Dev(dev) = command {
        text += &announce::people(&app, dev);
    }
    // A closed stdout is no reason to stop serving.
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    drop(stdout);
    service::ready();
    app.watch();
    // What only the start needed.
    tokio::task::spawn_blocking(heap::give_back);

    let handed_over = loop {
        tokio::select! {
            _ = terminate.recv() => break false,
            _ = interrupt.recv() => break false,
            () = told(&mut hangup) => {
                service::reloading();
                reload(&mut app, command).await;
                service::ready();
            }
            () = told(&mut succeed) => {
                let handed = tokio::select! {
                    handed = app.hand_over(&program) => handed,
                    _ = terminate.recv() => break false,
                    _ = interrupt.recv() => break false,
                };
                match handed {
                    Ok(()) => break true,
                    Err(error) => {
                        let error = switchyard_gateway::chain(&error);
                        tracing::error!(error, "could not hand over to a new process: this one serves on");
                    }
                }
            }
        }
    };
    let mut drained = std::pin::pin!(async {
        if !app.drain().await {
            tracing::warn!("requests were cut: they took longer than timeouts.drain");
        }
    });
    // Asked a second time, the answer is now. Nobody has asked one that has handed over.
    let mut patience = if handed_over { 2 } else { 1 };
    while patience > 0 {
        tokio::select! {
            () = &mut drained => break,
            _ = terminate.recv() => patience -= 1,
            _ = interrupt.recv() => patience -= 1,
        }
    }
    Ok(())
}

async fn told(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Reads the configuration again. One that is wrong changes nothing.
async fn reload(app: &mut App, command: &Command) {
    let Command::Serve(serve) = command else { return };
    let read = match Config::load(&serve.config) {
        Ok(config) => app.reload(&config).await.map_err(|error| located(error, command)),
        Err(error) => Err(error.into()),
    };
    match read {
        Ok(waiting) if waiting.is_empty() => tracing::warn!("the configuration was read again and holds"),
        Ok(waiting) => {
            tracing::warn!(waiting = waiting.join(", "), "the configuration was read again; these wait for a restart");
        }
        Err(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the configuration was read again and is wrong: the old one holds"
            );
        }
    }
}

/// What is wrong with a configuration, with its file and line.
fn located(error: AppError, command: &Command) -> anyhow::Error {
    match (error, command) {
        (AppError::Config(wrong), Command::Serve(serve)) => Config::refused(&serve.config, wrong).into(),
        (error, _) => error.into(),
    }
}

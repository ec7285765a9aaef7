//! `switchyard`: read the command line, start a node, say that it is ready, wait, drain.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use switchyard_gateway::cli::{Cli, Command};
use switchyard_gateway::{App, AppError, Config, announce};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Compile(compile) = &cli.command {
        return compile.run();
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let config = match &cli.command {
        Command::Dev(dev) => dev.config(),
        Command::Serve(serve) => Config::load(&serve.config)?,
        tool => return run_tool(tool),
    };
    let filter = EnvFilter::try_new(&config.log.level).context("log.level is not a filter")?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    switchyard_gateway::raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(serve(config, &cli.command));
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

async fn serve(config: Config, command: &Command) -> anyhow::Result<()> {
    // Before the start, so that a signal during it is not the default: dying half-way.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A development node has no file, and ends with its terminal.
    let mut hangup = match command {
        Command::Serve(_) => Some(signal(SignalKind::hangup())?),
        _ => None,
    };
    let mut app = tokio::select! {
        started = App::start(config) => started.map_err(|error| located(error, command))?,
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

    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = hung_up(&mut hangup) => reload(&mut app, command).await,
        }
    }
    let drained = async {
        if !app.drain().await {
            tracing::warn!("requests were cut: they took longer than timeouts.drain");
        }
    };
    tokio::select! {
        () = drained => {}
        // Asked a second time, the answer is now.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn hung_up(signal: &mut Option<Signal>) {
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

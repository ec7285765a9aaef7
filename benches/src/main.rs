//! `benches NAME`: starts the real server beside a baseline, loads both in turns, and prints one
//! JSON line a row on stdout and a table for people on stderr. README.md says what each row means.

mod all;
mod bare;
mod chart;
mod echo;
mod inside;
mod instructions;
mod load;
mod machine;
mod page;
mod peers;
mod process;
mod report;
mod scripts;
mod server;
mod targets;

mod canary;
mod churn;
mod component;
mod crypto;
mod density;
mod dispatch;
mod fairness;
mod generator;
mod hello;
mod idle;
mod kernels;
mod limit;
mod list;
mod platform;
mod proxy;
mod publish;
mod resolve;
mod slot;
mod soak;
mod threads;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "benches", about = "Measures Switchyard beside a baseline of the same run")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Our load generator beside wrk, both against bare hyper
    Generator(generator::Generator),
    /// Bare hyper, an answer of our own, a warm Worker, clean ones, many of them, heavy ones among them
    Hello(hello::Hello),
    /// Many tenants in one process: publish, first call, random calls; CPU and memory of each
    Density(density::Density),
    /// What an upload costs the server
    Publish(publish::Publish),
    /// Uploads while the node serves: their cost, what fails, what is stale
    Churn(churn::Churn),
    /// What a page of a list of many scripts costs the server
    List(list::List),
    /// A dispatch Worker in front of many tenants
    Dispatch(dispatch::Dispatch),
    /// A hello warm and clean, a stream through a TransformStream, a bundle of one's own
    Platform(platform::Platform),
    /// An upstream tenant, and bare hyper that does the same
    Proxy(proxy::Proxy),
    /// A tenant that burns a core, and one beside it
    Fairness(fairness::Fairness),
    /// The hostile programs of the tests, and a tenant beside them
    Canary(canary::Canary),
    /// Endless loops under a CPU limit, and a tenant beside them
    Limit(limit::Limit),
    /// Resolvers, and an answer of our own, over many tenants
    Resolve(resolve::Resolve),
    /// Web Crypto on 1 MB, beside the library from Rust
    Crypto(crypto::Crypto),
    /// JavaScript that computes, beside workerd
    Kernels(kernels::Kernels),
    /// Wasm components, beside `wasmtime serve`: hello, many, first calls, memory, echo, and compile bombs
    Component(component::Component),
    /// The runtime alone, in this process, without HTTP
    Slot(slot::Slot),
    /// The runtime alone on one core, and on two
    Threads(threads::Threads),
    /// Millions of dispatches: memory, descriptors and threads over time
    Soak(soak::Soak),
    /// What connections that nobody uses take
    Idle(idle::Idle),
    /// All of these, one after the other; a table of the goals, and a page
    All(all::All),
    /// The goals, as README.md has them
    #[command(hide = true)]
    Goals,
    /// Load for an installation of your own: open or closed loop, over many hosts, with the latencies' histogram
    Load(Box<load::command::Load>),
    /// The load generator beside wrk and h2load
    #[command(hide = true)]
    LoadCheck(load::check::Check),
    /// The baseline's server; started by the others
    #[command(hide = true)]
    Bare {
        /// HTTP/2 by prior knowledge instead of HTTP/1.1
        #[arg(long)]
        http2: bool,
    },
    /// The baseline of `proxy`; started by it
    #[command(hide = true)]
    BareProxy {
        /// Where it proxies to
        origin: std::net::SocketAddr,
    },
}

/// What all benches understand.
#[derive(Args, Clone)]
pub struct Common {
    /// Length of one measured window
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rows take turns this many times; medians are reported
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Keep-alive connections, each with one request under way
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Only rows whose name contains this (the baseline always runs)
    #[arg(long, default_value = "")]
    only: String,
    /// Wait this long, after all is set up, before the first window: to attach a profiler
    #[arg(long, default_value_t = 0)]
    pause: u64,
    /// Measure this bench's peers too; those that are missing are fetched into the build folder, once
    #[arg(long)]
    peers: bool,
}

impl Common {
    fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.01, 600.0))
    }

    fn wants(&self, row: &str) -> bool {
        row.contains(&self.only)
    }
}

impl Bench {
    /// Its rows; what is to be said meanwhile goes to stderr.
    fn run(self) -> anyhow::Result<Vec<report::Row>> {
        match self {
            Bench::Generator(bench) => bench.run(),
            Bench::Hello(bench) => bench.run(),
            Bench::Density(bench) => bench.run(),
            Bench::Publish(bench) => bench.run(),
            Bench::Churn(bench) => bench.run(),
            Bench::List(bench) => bench.run(),
            Bench::Platform(bench) => bench.run(),
            Bench::Dispatch(bench) => bench.run(),
            Bench::Proxy(bench) => bench.run(),
            Bench::Fairness(bench) => bench.run(),
            Bench::Canary(bench) => bench.run(),
            Bench::Limit(bench) => bench.run(),
            Bench::Resolve(bench) => bench.run(),
            Bench::Crypto(bench) => bench.run(),
            Bench::Kernels(bench) => bench.run(),
            Bench::Component(bench) => bench.run(),
            Bench::Slot(bench) => bench.run(),
            Bench::Threads(bench) => bench.run(),
            Bench::Soak(bench) => bench.run(),
            Bench::Idle(bench) => bench.run(),
            // No benches: `main` has seen to them.
            Bench::All(_)
            | Bench::Goals
            | Bench::Load(_)
            | Bench::LoadCheck(_)
            | Bench::Bare { .. }
            | Bench::BareProxy { .. } => Ok(Vec::new()),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.bench {
        Bench::Bare { http2 } => return bare::serve(http2),
        Bench::BareProxy { origin } => return bare::proxy(origin),
        Bench::Goals => {
            print!("{}", targets::markdown());
            return Ok(());
        }
        Bench::Load(load) => return load.run(),
        _ => {}
    }
    process::prefer();
    process::pin(process::Side::Load);
    match cli.bench {
        Bench::All(all) => all.run(),
        Bench::LoadCheck(check) => check.run(),
        bench => report::print(&bench.run()?),
    }
}

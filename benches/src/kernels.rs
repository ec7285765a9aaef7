//! `kernels`: JavaScript that computes, warm, beside workerd with the same code and input, which must give the same
//! answer: fourteen small programs, `benches/kernels/`, three of them with packages of npm that esbuild bundles. An
//! interpreter stands beside a compiler here.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use crate::peers::{Peer, fetch, workerd};
use crate::report::{self, Row, Turn};
use crate::scripts::Main;
use crate::server::{Server, Setup};
use crate::{Common, load};

/// What bundles those that import.
const ESBUILD: (&str, &str) = ("esbuild", "0.28.2");

struct Kernel {
    name: &'static str,
    peer: &'static str,
    source: &'static str,
    /// What it imports, with its version.
    package: Option<(&'static str, &'static str)>,
}

macro_rules! kernel {
    ($name:literal, $package:expr) => {
        Kernel {
            name: $name,
            peer: concat!("workerd-", $name),
            source: include_str!(concat!("../kernels/", $name, ".js")),
            package: $package,
        }
    };
}

const KERNELS: [Kernel; 14] = [
    kernel!("fib", None),
    kernel!("sort", None),
    kernel!("json", None),
    kernel!("sha256", None),
    kernel!("regexp", None),
    kernel!("strings", None),
    kernel!("chars", None),
    kernel!("map", None),
    kernel!("typed", None),
    kernel!("classes", None),
    kernel!("arrays", None),
    kernel!("ssr", Some(("react-dom", "19.3.1"))),
    kernel!("markdown", Some(("marked", "18.2.1"))),
    kernel!("zod", Some(("zod", "4.6.7"))),
];

#[derive(Args)]
pub struct Kernels {
    #[command(flatten)]
    common: Common,
    /// Only write the Workers, each a module of its own, into this folder
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

impl Kernels {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let wanted = KERNELS.iter().filter(|kernel| self.common.wants(kernel.name));
        // Packages are fetched where peers are.
        let fetches = self.common.peers || self.write.is_some();
        let (wanted, other): (Vec<_>, Vec<_>) = wanted.partition(|kernel| fetches || kernel.package.is_none());
        if let Some(folder) = &self.write {
            for kernel in wanted {
                std::fs::write(folder.join(format!("{}.js", kernel.name)), kernel.worker()?)?;
            }
            return Ok(Vec::new());
        }
        if !other.is_empty() {
            eprintln!("{} kernels with packages are left out: --peers fetches those", other.len());
        }
        let node = Server::start(Setup { isolation: "warm", ..Setup::default() })?;
        // One request at a time: the rows are of the CPU that one takes.
        let common = Common { connections: 1, ..self.common.clone() };
        let mut rows = Vec::new();
        for kernel in wanted {
            rows.extend(kernel.measured(&node, &common)?);
        }
        Ok(rows)
    }
}

impl Kernel {
    /// Beside a workerd of its own, which holds no other code.
    fn measured(&self, node: &Server, common: &Common) -> anyhow::Result<Vec<Row>> {
        let worker = self.worker()?;
        node.publish_with(self.name, &json!({ "limits": { "cpu_ms": 30_000 } }), Main::Script(&worker))?;
        let request = load::get(&format!("{}.localhost", self.name), "/");
        let peer = Peer::of(common.peers, "workerd", || workerd::warm(&worker));
        if let Some(workerd) = peer.here() {
            let (ours, theirs) = (load::once(node.gateway, &request)?, load::once(workerd.gateway, &request)?);
            let text = |answer: &(u16, Vec<u8>)| format!("{} {}", answer.0, String::from_utf8_lossy(&answer.1));
            ensure!(ours == theirs, "{}: here {:?}, workerd {:?}", self.name, text(&ours), text(&theirs));
        }
        let mut turns = vec![Turn::new(self.name, node, vec![request.clone()])];
        turns.extend(peer.turn(self.peer, vec![request]));
        let mut rows = report::rounds("kernels", common, &turns)?;
        report::compare(&mut rows, self.peer, "ratio_to_workerd", &[self.name], |row| row.cpu_us_best);
        rows.extend(peer.left_out("kernels", self.peer));
        Ok(rows)
    }

    /// A module that runs it for each request.
    fn worker(&self) -> anyhow::Result<String> {
        let source =
            self.source.replace("export const run", "const run").replace("export function run", "function run");
        let source = format!("{source}\nexport default {{ fetch: () => new Response(String(run())) }};\n");
        let Some((package, version)) = self.package else { return Ok(source) };
        let packages = fetch::npm(package, version)?.join("node_modules");
        let esbuild = fetch::npm(ESBUILD.0, ESBUILD.1)?.join("node_modules/@esbuild");
        let esbuild = std::fs::read_dir(&esbuild)?.flatten().map(|folder| folder.path().join("bin/esbuild"));
        let esbuild =
            esbuild.into_iter().find(|file| file.is_file()).context("esbuild is not made for this machine")?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("in.js"), source)?;
        let mut command = Command::new(esbuild);
        command
            .args(["in.js", "--bundle", "--format=esm", "--target=es2024", "--minify-syntax", "--outfile=out.js"])
            .args(["--conditions=workerd,worker,browser,import", "--main-fields=browser,module,main"])
            .args(["--define:process.env.NODE_ENV=\"production\"", "--external:node:*", "--log-level=error"])
            .env("NODE_PATH", packages)
            .current_dir(folder.path());
        fetch::run(&mut command, std::time::Duration::from_secs(60))?;
        Ok(std::fs::read_to_string(folder.path().join("out.js"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kernel_is_a_worker() {
        for kernel in KERNELS.iter().filter(|kernel| kernel.package.is_none()) {
            let worker = kernel.worker().expect("no package");
            assert_eq!(worker.matches("export ").count(), 1, "{}", kernel.name);
            assert!(worker.contains("const run =") || worker.contains("function run("), "{}", kernel.name);
            assert!(kernel.source.starts_with("// "), "{} says what it is", kernel.name);
        }
    }
}

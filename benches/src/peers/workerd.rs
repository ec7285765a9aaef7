//! workerd, Cloudflare's own runtime, from its npm package: a Worker that answers hello, and its Worker Loader as a
//! dispatcher in front of tenants that are loaded as they are first asked for. One process on the server's core, as
//! `workerd serve` runs it; its V8 helper threads share that core.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::fetch;
use crate::load::{self, Expect, Order};
use crate::scripts;
use crate::server::{Ready, Server};

pub const VERSION: &str = "1.20261117.1";
/// V8 has compiled what is hot by then.
const WARM: Duration = Duration::from_secs(1);

const CONFIG: &str = r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "2026-04-01",
  bindings = [(name = "LOADER", workerLoader = (id = "tenants"))],
);
"#;

/// Takes the tenant from the host's first label, as our dispatch Worker does. The tenants' code is `scripts::small`.
const LOADER: &str = r"export default {
  async fetch(request, env) {
    try {
      const name = new URL(request.url).host.split('.')[0];
      const worker = env.LOADER.get(name, () => ({
        compatibilityDate: '2026-04-01',
        mainModule: 'index.js',
        modules: { 'index.js': CODE.replace('NAME', name) },
      }));
      return await worker.getEntrypoint().fetch(request);
    } catch (e) {
      return new Response(e.message, { status: 500 });
    }
  },
};
";

/// A Worker that answers hello, warm.
///
/// # Errors
/// When workerd cannot be had, or does not answer.
pub fn hello() -> anyhow::Result<Server> {
    warm(&scripts::small("one"))
}

/// That Worker, warm, whatever it is asked.
///
/// # Errors
/// As [`hello`].
pub fn warm(script: &str) -> anyhow::Result<Server> {
    let server = serve(script)?;
    let expect = Expect { status: 200 };
    load::run(server.gateway, &[load::get("one.localhost", "/")], Order::Random(WARM), 8, expect)?;
    Ok(server)
}

/// The Worker Loader, which has loaded nothing yet.
///
/// # Errors
/// As [`hello`].
pub fn loader() -> anyhow::Result<Server> {
    serve(&format!("const CODE = {};\n{LOADER}", Value::from(scripts::small("NAME"))))
}

fn serve(script: &str) -> anyhow::Result<Server> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("main.js"), script)?;
    let config = folder.path().join("config.capnp");
    fs::write(&config, CONFIG)?;
    let mut command = Command::new(program()?);
    command.args(["serve", "--experimental", "--control-fd=1"]).arg(&config);
    Server::peer(command, folder, Ready::Says { file: "out", text: "\"listen\"", address })
}

/// Of a line like `{"event":"listen","socket":"http","port":41771}`.
fn address(line: &str) -> Option<SocketAddr> {
    let port = serde_json::from_str::<Value>(line).ok()?.get("port")?.as_u64()?;
    Some(SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).ok()?)))
}

/// Of the package for this kind of machine, which npm chooses.
fn program() -> anyhow::Result<PathBuf> {
    let packages = fetch::npm("workerd", VERSION)?.join("node_modules/@cloudflare");
    let folders = fs::read_dir(&packages).context("workerd is not made for this machine")?;
    let programs = folders.flatten().map(|folder| folder.path().join("bin/workerd"));
    programs.into_iter().find(|program| program.is_file()).context("workerd is not made for this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_ready_line_is_read() {
        let line = "{\"event\":\"listen\",\"socket\":\"http\",\"port\":41771}";
        assert_eq!(address(line), Some(SocketAddr::from(([127, 0, 0, 1], 41_771))));
        for line in ["", "{}", "{\"port\":70000}", "[]"] {
            assert_eq!(address(line), None, "{line}");
        }
    }

    #[test]
    fn its_tenants_have_our_code() {
        assert_eq!(scripts::small("NAME").matches("NAME").count(), 1);
        assert_eq!(scripts::small("NAME").replace("NAME", "t7"), scripts::small("t7"));
    }
}

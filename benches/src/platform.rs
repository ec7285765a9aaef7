//! `platform`: what the platform's JavaScript costs: a hello, warm and clean; 10 MB through a TransformStream, in
//! megabytes a second of one core; a bundle of one's own, such as a Hono hello, beside the warm hello.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

/// Bytes that go through the stream, and how many a chunk has.
const STREAMED: usize = 10_000_000;
const TRANSFORM: &str = "const chunk = new Uint8Array(50_000).fill(7);
export default {
  async fetch() {
    let left = 200, seen = 0;
    const source = new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(chunk); else c.close(); } });
    const through = new TransformStream({ transform(piece, c) { c.enqueue(piece); } });
    for await (const piece of source.pipeThrough(through)) seen += piece.byteLength;
    return new Response(`${seen}`);
  },
};
";

#[derive(Args)]
pub struct Platform {
    #[command(flatten)]
    common: Common,
    /// A bundle of one module that answers GET / with 200: one more row, warm
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl Platform {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let (warm, clean) = (
            Server::start(Setup { isolation: "warm", ..Setup::default() })?,
            Server::start(Setup { isolation: "request", ..Setup::default() })?,
        );
        let hello = || ("hello".to_owned(), scripts::small("hello"));
        let bundle =
            self.bundle.as_ref().map(std::fs::read_to_string).transpose().context("could not read the bundle")?;
        clean.publish([hello()])?;
        warm.publish([hello(), ("transform".to_owned(), TRANSFORM.to_owned())])?;
        if let Some(bundle) = &bundle {
            warm.publish([("bundle".to_owned(), bundle.clone())])?;
        }
        let get = |name: &str| vec![load::get(&format!("{name}.localhost"), "/")];
        let mut turns = vec![Turn::new("hello-warm", &warm, get("hello"))];
        turns.push(Turn::new("hello-clean", &clean, get("hello")));
        turns.push(Turn::new("transform-10MB", &warm, get("transform")));
        if bundle.is_some() {
            turns.push(Turn::new("bundle-warm", &warm, get("bundle")));
        }
        turns.retain(|turn| turn.name == "hello-warm" || self.common.wants(turn.name));
        let mut rows = report::rounds("platform", &self.common, &turns)?;
        for row in rows.iter_mut().filter(|row| row.row == "transform-10MB") {
            row.more.insert("mb_per_core_second", report::round(STREAMED as f64 / row.cpu_us_best));
        }
        Ok(rows)
    }
}

//! `crypto`: Web Crypto on 1 MB from a Worker, beside the same library called from Rust.

use std::time::Instant;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use clap::Args;

use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load};

/// Bytes of the input.
const INPUT: usize = 1_000_000;
/// Computations a request: what a request costs beside them vanishes.
const TIMES: usize = 40;

const WORKER: &str = "let data, key;
const iv = new Uint8Array(12);
export default {
  async fetch(request) {
    data ??= new Uint8Array(1_000_000).fill(7);
    key ??= await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
    const digest = request.url.endsWith('/digest');
    for (let i = 0; i < 40; i++) {
      await (digest ? crypto.subtle.digest('SHA-256', data) : crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, data));
    }
    return new Response('done');
  },
};
";

#[derive(Args)]
pub struct Crypto {
    #[command(flatten)]
    common: Common,
}

impl Crypto {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let (bare, node) = (Server::bare()?, Server::start(Setup { isolation: "warm", ..Setup::default() })?);
        node.publish([("crypto".to_owned(), WORKER.to_owned())])?;
        let get = |path: &str| load::get("crypto.localhost", path);
        let mut turns = vec![Turn::new("bare-hyper", &bare, vec![get("/")])];
        turns.push(Turn::new("digest-1MB", &node, vec![get("/digest")]));
        turns.push(Turn::new("aes-gcm-1MB", &node, vec![get("/seal")]));
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        let rust = [("digest-1MB", best(digest)?), ("aes-gcm-1MB", best(seal)?)];
        // One request at a time: more would measure how many buffers of 1 MB the caches hold.
        let common = Common { connections: 1, ..self.common.clone() };
        let mut rows = report::rounds("crypto", &common, &turns)?;
        for row in &mut rows {
            if let Some((_, rust)) = rust.iter().find(|(name, _)| *name == row.row) {
                let one = row.cpu_us_best / TIMES as f64;
                row.more.insert("cpu_us_each", report::round(one));
                row.more.insert("rust_us_each", report::round(*rust));
                row.more.insert("ratio_to_rust", report::round(one / rust));
            }
        }
        Ok(rows)
    }
}

/// Microseconds of one, of the best of some rounds: the machine may be busy.
fn best(one: fn(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let data = vec![7; INPUT];
    let mut best = f64::MAX;
    for _ in 0..20 {
        let began = Instant::now();
        for _ in 0..TIMES {
            one(&data)?;
        }
        best = best.min(began.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
    }
    Ok(best)
}

fn digest(data: &[u8]) -> anyhow::Result<()> {
    std::hint::black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data));
    Ok(())
}

/// Into memory of its own, as the Worker gets it.
fn seal(data: &[u8]) -> anyhow::Result<()> {
    let fault = |_| anyhow::anyhow!("AES-GCM failed");
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[0; 16]).map_err(fault)?);
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend_from_slice(data);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut out).map_err(fault)?;
    std::hint::black_box(out);
    Ok(())
}

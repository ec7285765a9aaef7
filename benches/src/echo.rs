//! One long body to a server and back, at the speed of the slower side. Nothing of it is kept: what is counted is
//! how much came back, and that its end did.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Seen;

/// Bytes written at once.
const PART: usize = 64 << 10;
/// An echo that takes longer is given up.
const LONGEST: Duration = Duration::from_secs(60);
/// How a whole body of unknown length ends.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// Posts `bytes` to a host, on a connection of its own, and reads all of them again.
///
/// # Errors
/// When less came back, or not to its end.
pub fn run(address: SocketAddr, host: &str, bytes: usize) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let echo = async { tokio::time::timeout(LONGEST, echo(address, host, bytes)).await.context("it does not end")? };
    runtime.block_on(echo)?;
    let elapsed = began.elapsed();
    let micros = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
    Ok(Seen { requests: 1, elapsed, latencies: vec![micros], ..Seen::default() })
}

async fn echo(address: SocketAddr, host: &str, bytes: usize) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut to) = stream.split();
    let head =
        format!("POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n").into_bytes();
    let send = async {
        to.write_all(&head).await?;
        let part = vec![b'x'; PART];
        let mut left = bytes;
        while left > 0 {
            let some = left.min(PART);
            to.write_all(&part[..some]).await?;
            left -= some;
        }
        anyhow::Ok(())
    };
    let receive = async {
        let (mut part, mut first, mut end, mut read) = (vec![0; 4 * PART], Vec::new(), Vec::new(), 0);
        loop {
            let some = from.read(&mut part).await?;
            if some == 0 {
                break;
            }
            read += some;
            if first.len() < 1024 {
                first.extend_from_slice(&part[..some.min(1024)]);
            }
            end.extend_from_slice(&part[some.saturating_sub(END.len())..some]);
            end.drain(..end.len().saturating_sub(END.len()));
        }
        let first = String::from_utf8_lossy(&first);
        ensure!(first.starts_with("HTTP/1.1 200 "), "the echo was answered with {:.200}", first);
        let whole = first.to_ascii_lowercase().contains("content-length:") || end == END;
        ensure!(read > bytes && whole, "{read} bytes came back of {bytes}");
        Ok(())
    };
    tokio::try_join!(send, receive).map(|_| ())
}

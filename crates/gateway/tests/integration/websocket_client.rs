//! A WebSocket client made of bytes, so that it can also do what no client should.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::PATIENCE;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
pub const FINAL: u8 = 0x80;

const ASK: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends a head with these lines, and reads that of the answer.
pub async fn handshake(address: SocketAddr, host: &str, path: &str, lines: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time");
        answer.push(byte.unwrap_or_else(|_| panic!("closed after {}", String::from_utf8_lossy(&answer))));
    }
    (String::from_utf8(answer).unwrap().to_lowercase(), stream)
}

pub struct Client {
    pub stream: TcpStream,
    pub head: String,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    Frame(u8, Vec<u8>),
    /// The connection has ended.
    End,
}

impl Client {
    pub async fn open(address: SocketAddr, host: &str, path: &str) -> Self {
        Self::asking(address, host, path, "").await
    }

    /// With more lines in the head.
    pub async fn asking(address: SocketAddr, host: &str, path: &str, lines: &str) -> Self {
        let (head, stream) = handshake(address, host, path, &format!("{ASK}{lines}")).await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        Self { stream, head }
    }

    /// A frame as these say, masked.
    pub async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.stream.write_all(&frame(first, payload, true)).await.unwrap();
    }

    pub async fn text(&mut self, text: &str) {
        self.frame(FINAL | TEXT, text.as_bytes()).await;
    }

    pub async fn close(&mut self, code: u16, reason: &str) {
        self.frame(FINAL | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat()).await;
    }

    pub async fn next(&mut self) -> Came {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("a frame in time").unwrap_or(Came::End)
    }

    async fn read(&mut self) -> std::io::Result<Came> {
        let first = self.stream.read_u8().await?;
        let second = self.stream.read_u8().await?;
        assert_eq!(second & 0x80, 0, "servers mask nothing");
        let length = match second {
            126 => self.stream.read_u16().await?.into(),
            127 => self.stream.read_u64().await?,
            short => short.into(),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await?;
        assert_eq!(first & 0x70, 0, "no reserved bits");
        Ok(Came::Frame(first & 0x8f, payload))
    }

    /// The text message that comes next.
    #[track_caller]
    pub fn hears(&mut self) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        async move {
            match self.next().await {
                Came::Frame(first, payload) if first == FINAL | TEXT => String::from_utf8(payload).unwrap(),
                other => panic!("{at}: no text but {other:?}"),
            }
        }
    }

    /// Says it and hears the answer.
    pub async fn asks(&mut self, text: &str) -> String {
        self.text(text).await;
        self.hears().await
    }

    /// The Close that comes next: its code (0: none) and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Came::Frame(first, payload) if first == FINAL | CLOSE => match payload.split_first_chunk::<2>() {
                Some((code, reason)) => (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap()),
                None => (0, String::new()),
            },
            other => panic!("no Close but {other:?}"),
        }
    }

    /// Nothing more comes.
    pub async fn ended(&mut self) {
        assert_eq!(self.next().await, Came::End);
    }
}

pub fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(mask | short as u8),
        middle @ 126..65_536 => {
            bytes.push(mask | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(mask | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    if !masked {
        return [bytes, payload.to_vec()].concat();
    }
    let key = [1, 2, 3, 4];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

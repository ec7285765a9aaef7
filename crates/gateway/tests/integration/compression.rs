//! CompressionStream and DecompressionStream through a whole node: every probe answers as on workerd, pieces go
//! through as they come, and what grows without end is nobody's harm.

use async_compression::tokio::write::{GzipDecoder, GzipEncoder};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{TestGateway, read_until};
use crate::workerd;

const BOTH: &str = "export default { fetch(r) {
    const stream = r.url.endsWith('/in') ? new CompressionStream('gzip') : new DecompressionStream('gzip');
    return new Response(r.body.pipeThrough(stream));
} };";

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = GzipDecoder::new(Vec::new());
    decoder.write_all(bytes).await.unwrap();
    decoder.shutdown().await.unwrap();
    decoder.into_inner()
}

#[tokio::test]
async fn probes_answer_as_on_workerd() {
    workerd::probes_of("compression").await;
}

#[tokio::test]
async fn bodies_go_through_both_ways() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "both", BOTH).await;
    let body: Vec<u8> = (0..2 << 20u32).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 20) as u8).collect();
    let packed = gateway.post("both", "/in", body.clone()).await;
    assert_eq!(packed.status, 200);
    assert!(gunzip(&packed.bytes).await == body);
    let answer = gateway.post("both", "/out", gzip(&body).await).await;
    assert!(answer.bytes == body, "{} bytes came back", answer.bytes.len());
    // What is no gzip breaks the connection.
    let raw = gateway.raw("POST /out HTTP/1.1\r\nHost: both.test\r\nContent-Length: 7\r\n\r\nno gzip").await;
    assert!(!raw.ends_with("0\r\n\r\n"), "{raw}");
}

#[tokio::test]
async fn a_piece_comes_out_before_the_last_goes_in() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "both", BOTH).await;
    let packed = gzip(&b"first ".repeat(100_000)).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST /out HTTP/1.1\r\nHost: both.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let half = &packed[..packed.len() - 100];
    stream.write_all(&[format!("{:x}\r\n", half.len()).as_bytes(), half, b"\r\n"].concat()).await.unwrap();
    read_until(&mut stream, "first first").await;
    stream.write_all(&[b"64\r\n", &packed[packed.len() - 100..], b"\r\n0\r\n\r\n"].concat()).await.unwrap();
    read_until(&mut stream, "\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn what_grows_without_end_takes_no_memory() {
    let gateway = TestGateway::start().await;
    // 300 MiB come out of 300 KiB: more than the Worker's memory, unless it is worked on as it is read.
    let source = "export default { async fetch(r) {
        let bytes = 0;
        for await (const part of r.body.pipeThrough(new DecompressionStream('gzip'))) bytes += part.byteLength;
        return new Response(String(bytes));
    } };";
    gateway.upload("ns", "bomb", source).await;
    let bomb = gzip(&vec![0; 300 << 20]).await;
    gateway.post("bomb", "/", bomb.clone()).await.is(200, &(300 << 20).to_string());
    // Nobody reads it: it is written all the same, and ends with the request.
    let source = "export default { async fetch(r) {
        const writer = new DecompressionStream('gzip').writable.getWriter();
        await writer.write(await r.bytes());
        await writer.close();
        return new Response('written');
    } };";
    gateway.upload("ns", "unread", source).await;
    gateway.post("unread", "/", bomb).await.is(200, "written");
}

#[tokio::test]
async fn compressing_is_charged_to_its_tenant() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(r) {
        if (r.url.endsWith('/quick')) return new Response('quick');
        const chunk = new Uint8Array(1 << 20).map((_, i) => (i * 2654435761) >> 13);
        const endless = new ReadableStream({ pull: c => c.enqueue(chunk) });
        for await (const part of endless.pipeThrough(new CompressionStream('gzip')));
    } };";
    gateway.upload_with("ns", "burner", source, json!({ "limits": { "cpu_ms": 500 } })).await;
    let (burnt, quick) = tokio::join!(gateway.get("burner", "/"), gateway.get("burner", "/quick"));
    assert_eq!(burnt.status, 503, "{}", burnt.text());
    quick.is(200, "quick");
}

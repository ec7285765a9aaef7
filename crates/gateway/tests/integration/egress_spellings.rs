//! Every way to write an address that Workers may not reach, as a URL and as the target of a redirect:
//! a listener on all addresses of this machine counts who connects.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::dns::{Trap, serve};
use crate::harness::TestGateway;
use crate::namespace_settings::put;

/// Addresses of others' networks, of this machine, and of clouds' metadata services.
const PRIVATE_V4: [[u8; 4]; 14] = [
    [127, 0, 0, 1],
    [127, 0, 0, 2],
    [127, 9, 8, 7],
    [127, 255, 255, 254],
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [10, 0, 0, 1],
    [172, 16, 0, 1],
    [192, 168, 1, 1],
    [169, 254, 169, 254],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
    [198, 18, 0, 1],
    [255, 255, 255, 255],
];

const PRIVATE_V6: [&str; 16] = [
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "::0:1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "2001:10::1",
    "3fff::1",
    "5f00::1",
    "::ffff:0:127.0.0.1",
];

/// A host as it may be written for an IPv4 address.
fn spellings(octets: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = octets;
    let number = u32::from(Ipv4Addr::from(octets));
    let (low, lower) = (number & 0xff_ffff, number & 0xffff);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let digits = |zero: char| -> String {
        let digit = |digit: char| char::from_u32(zero as u32 + digit as u32 - '0' as u32).unwrap();
        dotted.chars().map(|one| if one == '.' { '.' } else { digit(one) }).collect()
    };
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    // Circled digits have no row of their own: ⓪ stands apart.
    let circled = |one: char| match one {
        '0' => '⓪',
        '.' => '.',
        digit => char::from_u32('①' as u32 + digit as u32 - '1' as u32).unwrap(),
    };
    let mut all = vec![
        dotted.clone(),
        format!("{dotted}."),
        format!("{number}"),
        format!("{number}."),
        format!("0x{number:x}"),
        format!("0X{number:X}"),
        format!("0x0000{number:08x}"),
        format!("0{number:o}"),
        format!("00000{number:o}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.00{b:o}.0{c:o}.{d}"),
        format!("0x{a:x}.{b}.0{c:o}.{d}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{lower}"),
        format!("0x{a:x}.{low}"),
        format!("0{a:o}.0x{low:x}"),
        format!("{a}.0x{b:x}.0{lower:o}"),
        percent(&dotted),
        percent(&format!("{number}")),
        dotted.replace('.', "%2e"),
        dotted.replace('.', "。"),
        dotted.replace('.', "．"),
        digits('０'),
        digits('𝟎'),
        dotted.chars().map(circled).collect(),
        dotted.replacen('.', "\u{ad}.", 1),
        format!("{a}.\t{b}.{c}.{d}"),
        format!("[::ffff:{dotted}]"),
        format!("[::FFFF:{:x}:{:x}]", number >> 16, number & 0xffff),
        format!("[0:0:0:0:0:ffff:{dotted}]"),
        format!("[::{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[64:ff9b:1::{dotted}]"),
        format!("[2002:{:x}:{:x}::1]", number >> 16, number & 0xffff),
        format!("[2001:0:4136:e378:8000:63bf:{:x}:{:x}]", !number >> 16, !number & 0xffff),
        format!("[2a00:1::5efe:{dotted}]"),
        format!("[2a00:1::200:5efe:{dotted}]"),
    ];
    all.sort();
    all.dedup();
    all
}

/// Names of the tests' own name server, and those that have an address without it.
fn names() -> Vec<(String, Vec<IpAddr>)> {
    let mut all = Vec::new();
    for (number, octets) in PRIVATE_V4.into_iter().enumerate() {
        let (v4, v6) = (Ipv4Addr::from(octets), Ipv4Addr::from(octets).to_ipv6_mapped());
        all.push((format!("a{number}.test"), vec![v4.into()]));
        all.push((format!("mapped{number}.test"), vec![v6.into()]));
        all.push((format!("{}.nip.test", v4), vec![v4.into()]));
    }
    for (number, text) in PRIVATE_V6.into_iter().enumerate() {
        all.push((format!("aaaa{number}.test"), vec![text.parse().unwrap()]));
    }
    let both = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    all.push(("metadata.google.internal".into(), vec![Ipv4Addr::new(169, 254, 169, 254).into()]));
    all.push(("xn--mnchen-3ya.test".into(), both.clone()));
    all.push(("both.test".into(), both));
    all
}

/// URLs, each of which means one of those addresses, whatever it looks like; `port` is the trap's.
fn urls(port: u16) -> Vec<String> {
    let mut all = Vec::new();
    for host in PRIVATE_V4.into_iter().flat_map(spellings) {
        all.push(format!("http://{host}:{port}/"));
    }
    for host in PRIVATE_V6 {
        all.push(format!("http://[{host}]:{port}/"));
        all.push(format!("http://[{}]:{port}/", host.to_uppercase()));
    }
    for (name, _) in names() {
        all.push(format!("http://{name}:{port}/"));
        all.push(format!("http://{}.:{port}/", name.to_uppercase()));
    }
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.LocalHost.",
        "loc%61lhost",
        "ⓛocalhost",
        "ｌｏｃａｌｈｏｓｔ",
        "local\u{ad}host",
        "münchen.test",
        "MÜNCHEN.test",
        "b%6fth.test",
        "ｂｏｔｈ。test",
    ] {
        all.push(format!("http://{host}:{port}/"));
    }
    let local = format!("127.0.0.1:{port}");
    for form in [
        "http://8.8.8.8@LOCAL/",
        "http://8.8.8.8:80@LOCAL/",
        "http://user:pass@LOCAL/",
        "http://@LOCAL/",
        "http://:@LOCAL/",
        "http://a@b@LOCAL/",
        "http://8.8.8.8%40LOCAL@LOCAL/",
        "http://8.8.8.8%23@LOCAL/",
        "http://LOCAL#@8.8.8.8/",
        "http://LOCAL?@8.8.8.8/",
        "http://LOCAL/@8.8.8.8/",
        "http://LOCAL\\@8.8.8.8/",
        "http:\\\\LOCAL\\",
        "http:/LOCAL/",
        "http:LOCAL/",
        "http:///LOCAL/",
        "http:////LOCAL/",
        "http:\\/\\/LOCAL/",
        "HTTP://LOCAL/",
        "hTtP://LOCAL/",
        "  http://LOCAL/  ",
        "ht\ntp://LOCAL/",
        "http://LOC\tAL/",
        "http://\r\nLOCAL/",
        "https://LOCAL/",
        "http://LOCAL/../..//LOCAL",
        "http://127.0.0.1:00PORT/",
        "http://[::ffff:127.0.0.1]:00PORT/",
        "http://[::1%25lo]:PORT/",
        "http://[fe80::1%25eth0]:PORT/",
        "http://[::1%lo]:PORT/",
        "http://[::1]%2f:PORT/",
        "http://127.0.0.1%00.test:PORT/",
        "http://127.0.0.1%2f.test:PORT/",
        "http://127.0.0.1 .test:PORT/",
        "http://[127.0.0.1]:PORT/",
        "http://[::127.1]:PORT/",
        "http://127.0.0.1..:PORT/",
        "http://256.256.256.256:PORT/",
        "http://0x7f.0.0.0x1ff:PORT/",
        "http://4294967296:PORT/",
        "http://127.0.0.1:PORT:80/",
        "file://LOCAL/etc/passwd",
        "ftp://LOCAL/",
        "gopher://LOCAL/",
        "ws://LOCAL/",
        "unix://LOCAL/",
        "//LOCAL/x",
    ] {
        all.push(
            form.replace("LOC\tAL", &local.replace("0.0", "0.\t0"))
                .replace("LOCAL", &local)
                .replace("PORT", &port.to_string()),
        );
    }
    all.sort();
    all.dedup();
    all
}

/// An origin that the namespace may reach, and that sends it on to the URL of the path's number.
async fn redirecting(urls: Arc<Vec<String>>) -> std::net::SocketAddr {
    let socket = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let urls = urls.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                // A target that is relative leads here again.
                let Ok(number) = request.uri().path()[1..].parse::<usize>() else {
                    return std::future::ready(Ok(Response::new(Full::from("stayed"))));
                };
                let response = Response::builder().status([301, 302, 303, 307, 308][number % 5]);
                // What no header can hold is nobody's redirect.
                let response = match HeaderValue::from_bytes(urls[number].as_bytes()) {
                    Ok(to) => response.header(header::LOCATION, to),
                    Err(_) => response.header(header::LOCATION, "http://127.0.0.1:1/"),
                };
                std::future::ready(Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap()))
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_private_address_gets_a_connection() {
    let trap = Trap::at("[::]:0").await;
    let port = trap.address.port();
    // It is one for IPv4 too.
    drop(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    while trap.reached() == 0 {
        tokio::task::yield_now().await;
    }
    let known = names();
    let (server, _) = serve(move |name, _| {
        let name = name.to_ascii_lowercase();
        known.iter().find(|(known, _)| *known == name).map(|(_, addresses)| addresses.clone())
    })
    .await;
    let gateway = TestGateway::with(|config| {
        config.egress.grantable = vec!["127.0.0.2/32".parse().unwrap()];
        config.egress.nameservers = vec![server];
    })
    .await;
    let urls = Arc::new(urls(port));
    assert!(urls.len() >= 300, "{} spellings", urls.len());
    let origin = redirecting(urls.clone()).await;
    put(&gateway, json!({ "egress": { "also": [format!("127.0.0.2:{}", origin.port())] } })).await;
    // The URL comes as a body: nothing on the way makes another of it.
    let source = format!(
        "export default {{ async fetch(request) {{
            const ended = [];
            for (const [number, url] of (await request.json()).entries()) {{
                for (const target of [url, `http://{origin}/${{number}}`]) {{
                    try {{ const a = await fetch(target); ended.push(`${{a.status}} ${{await a.text()}}`); }}
                    catch (e) {{ ended.push(`${{e.name}}: ${{e.message}}`); }}
                }}
            }}
            return Response.json(ended);
        }} }};"
    );
    gateway.upload("ns", "f", &source).await;
    let ended = gateway.post("f", "/", serde_json::to_vec(&*urls).unwrap()).await.json();
    let ended = ended.as_array().unwrap();
    assert_eq!(ended.len(), 2 * urls.len());
    let (mut refused, mut invalid, mut stayed) = (0, 0, 0);
    for (number, ended) in ended.iter().enumerate() {
        let (url, ended) = (&urls[number / 2], ended.as_str().unwrap());
        let by_policy = ended.contains("is not an address that they may reach") || ended.contains("internal error; ");
        let no_url = ["Invalid URL", "Fetch API cannot load", "Invalid Location header"]
            .iter()
            .any(|words| ended.strip_prefix("TypeError: ").is_some_and(|ended| ended.starts_with(words)));
        let relative = number % 2 == 1 && ended == "200 stayed";
        assert!(by_policy || no_url || relative, "{url:?}: {ended}");
        refused += usize::from(by_policy);
        invalid += usize::from(no_url);
        stayed += usize::from(relative);
    }
    println!("{} spellings: {refused} refused, {invalid} no URLs, {stayed} relative", urls.len());
    assert!(refused >= 600 && invalid >= 20 && stayed < 20);
    assert_eq!(trap.reached(), 1, "somebody reached the trap");
    // Nor was another address tried, which no listener here would have noticed.
    let metrics = gateway.admin("/metrics").await.text().to_owned();
    for (end, wanted) in [("connect", 0), ("timeout", 0), ("lost", 0), ("ok", urls.len() + stayed)] {
        assert!(metrics.contains(&format!("switchyard_egress_total{{end=\"{end}\"}} {wanted}\n")), "{end}: {metrics}");
    }
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_an_origin() {
    let trap = Trap::at("[::]:0").await;
    let gateway = TestGateway::start().await;
    // Names are the system's resolver's here.
    let is_name = |url: &String| url.to_lowercase().contains(".test") || url.contains(".internal");
    let (mut refused, mut kept) = (0, Vec::new());
    for url in urls(trap.address.port()).into_iter().filter(|url| !is_name(url)) {
        let origin = json!({ "origins": [{ "url": url }] });
        let answer = crate::origin::put(&gateway, "x", origin).await;
        if answer.status.is_client_error() {
            refused += 1;
            continue;
        }
        // It may be refused when it is used.
        kept.push(url);
        assert_ne!(gateway.get("x", "/").await.status, 200);
    }
    println!("{refused} origins were refused, {kept:?} when they were used");
    assert!(refused + kept.len() >= 500 && refused >= 500);
    assert_eq!(trap.reached(), 0);
}

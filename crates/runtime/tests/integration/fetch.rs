//! `fetch` out of a Worker.

use switchyard_runtime::{Body, FetchError, RedirectMode};

use crate::harness::{Bench, answer};

#[tokio::test]
async fn request_and_response_go_through() {
    let bench = Bench::reaching(|_, request| {
        assert_eq!(request.redirect, RedirectMode::Manual);
        assert_eq!(request.headers["x-a"], "1");
        let mut response = answer("body")?;
        response.status = 418;
        response.headers.append("x-b", "2".parse().unwrap());
        response.headers.append("set-cookie", "a=1".parse().unwrap());
        response.headers.append("set-cookie", "b=2".parse().unwrap());
        Ok(response)
    });
    let text = bench.run("export default { async fetch() {
        const r = await fetch('https://o.test/x', { method: 'PUT', headers: { 'x-a': '1' }, body: 'hi', redirect: 'manual' });
        let guard; try { r.headers.set('a', 'b') } catch (e) { guard = e.name + ': ' + e.message }
        return Response.json([r.status, r.ok, r.url, r.headers.get('x-b'), r.headers.getSetCookie(), await r.text(), guard]) } }").await;
    assert_eq!(
        text,
        r#"[418,false,"https://origin.test/","2",["a=1","b=2"],"body","TypeError: Can't modify immutable headers."]"#
    );
}

#[tokio::test]
async fn failures_reject_with_their_class() {
    let bench = Bench::reaching(|_, request| {
        if request.url.contains("type") {
            Err(FetchError::type_error("no type"))
        } else {
            Err(FetchError::error("Network connection lost."))
        }
    });
    let text = bench.run("export default { async fetch() { const out = [];
        for (const u of ['https://o.test/type', 'https://o.test/net', '/rel']) { try { await fetch(u) } catch (e) { out.push(e.name + ': ' + e.message) } }
        return Response.json(out) } }").await;
    assert_eq!(text, r#"["TypeError: no type","Error: Network connection lost.","TypeError: Invalid URL: /rel"]"#);
}

#[tokio::test]
async fn an_untouched_response_passes_through() {
    let bench = Bench::reaching(|_, _| answer(Body::Whole(vec![b'x'; 300_000].into())));
    let worker = bench.worker("export default { fetch() { return fetch('https://o.test/') } }").await;
    assert_eq!(bench.get(&worker, "/").await.1.len(), 300_000);
}

#[tokio::test]
async fn aborted_by_a_signal() {
    let bench = Bench::reaching(|_, _| {
        Ok(switchyard_runtime::FetchResponse { body: Body::stream(crate::harness::Endless), ..answer("")? })
    });
    let text = bench.run("export default { async fetch() { const c = new AbortController(); const r = await fetch('https://o.test/', { signal: c.signal });
        setTimeout(() => c.abort(), 5); try { await r.text() } catch (e) { return new Response(e.name) } } }").await;
    assert_eq!(text, "AbortError");
}

#[tokio::test]
async fn several_at_once() {
    let bench = Bench::reaching(|_, request| answer(request.url));
    let text = bench.run("export default { async fetch() { const all = await Promise.all([1,2,3,4,5,6,7,8].map(async n => (await fetch('https://o.test/' + n)).text()));
        return new Response(all.join()) } }").await;
    assert_eq!(text, (1..=8).map(|n| format!("https://o.test/{n}")).collect::<Vec<_>>().join(","));
}

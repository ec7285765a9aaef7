//! Web Crypto: every probe answers as on workerd, keys bound as secrets are CryptoKeys, and none of it is a way to
//! use a node up.

use http::Method;
use serde_json::{Value, json};

use crate::harness::TestGateway;
use crate::workerd;

fn bindings() -> Vec<Value> {
    serde_json::from_str(include_str!("../probes/crypto-bindings.json")).unwrap()
}

/// Uploads several modules; the answer's status and text.
pub async fn upload(
    gateway: &TestGateway,
    script: &str,
    modules: &[(String, String)],
    bindings: &[Value],
) -> (u16, String) {
    let metadata = json!({
        "main_module": modules[0].0, "compatibility_date": "2026-01-01", "bindings": bindings,
    });
    let answer = workerd::upload(gateway, script, modules, metadata).await;
    (answer.status.as_u16(), answer.text().to_owned())
}

fn one(source: &str) -> Vec<(String, String)> {
    vec![("index.mjs".into(), source.into())]
}

#[tokio::test]
async fn probes_answer_as_on_workerd() {
    workerd::compared("crypto", "crypto", "/", &bindings(), &TestGateway::start().await).await;
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_at_upload() {
    let gateway = TestGateway::start().await;
    let source = one("export default { fetch(r, env) { return new Response(env.KEY?.type ?? 'none') } }");
    let key = |change: Value| {
        let mut key = json!({
            "name": "KEY", "type": "secret_key", "format": "raw", "algorithm": "AES-GCM", "usages": ["encrypt"],
            "key_base64": "AAECAwQFBgcICQoLDA0ODw==",
        });
        for (field, value) in change.as_object().unwrap() {
            key[field] = value.clone();
        }
        key
    };
    for (change, said) in [
        (json!({ "format": null }), "format is missing"),
        (json!({ "format": "der" }), "format must be one of raw, pkcs8, spki, jwk"),
        (json!({ "algorithm": 5 }), "algorithm must be a name, or an object with a name"),
        (json!({ "usages": ["use"] }), "usages must be among encrypt"),
        (json!({ "usages": null }), "usages is missing"),
        (json!({ "key_base64": "$" }), "key_base64 is not base64"),
        (json!({ "key_base64": null }), "a key of format raw is given as key_base64"),
        (json!({ "format": "jwk" }), "a key of format jwk is given as key_jwk"),
        (json!({ "key_base64": "AAEC" }), "Imported AES key length must be 128, 192, or 256 bits but provided 24."),
        (json!({ "usages": ["sign"] }), "invalid usage"),
        (json!({ "algorithm": "AES-XYZ" }), "Unrecognized key import algorithm"),
        (json!({ "format": "pkcs8", "algorithm": { "name": "ECDSA", "namedCurve": "P-256" } }), "Invalid PKCS8 input."),
    ] {
        let (status, text) = upload(&gateway, "keyed", &source, &[key(change.clone())]).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &error["errors"][0]["code"]), (400, &json!(10021)), "{change}: {text}");
        let message = error["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(said) && message.contains("KEY"), "{change}: {message}");
    }
    assert_eq!(gateway.get("keyed", "/").await.status, 404);
    assert_eq!(upload(&gateway, "keyed", &source, &[key(json!({}))]).await.0, 200);
    assert_eq!(gateway.get("keyed", "/").await.text(), "secret");
}

#[tokio::test]
async fn a_key_is_put_like_a_secret_and_never_shown() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(r, env) {
        const mac = env.KEY && await crypto.subtle.sign('HMAC', env.KEY, new Uint8Array(1));
        return new Response(mac ? new Uint8Array(mac).toHex().slice(0, 8) : 'none') } }";
    gateway.upload("ns", "mac", source).await;
    assert_eq!(gateway.get("mac", "/").await.text(), "none");
    let script = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/mac", gateway.account());
    let secret = json!({
        "name": "KEY", "type": "secret_key", "format": "jwk", "algorithm": { "name": "HMAC", "hash": "SHA-256" },
        "usages": ["sign"], "key_jwk": { "kty": "oct", "k": "bWFya2VyLW9mLWEta2V5" },
    });
    let secrets = format!("{script}/secrets");
    let put = |secret: Value| gateway.api(Method::PUT, &secrets, "application/json", secret.to_string().into());
    let answer = put(secret.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains("bWFya2Vy"));
    let first = gateway.get("mac", "/").await.text().to_owned();
    assert_eq!(first.len(), 8, "{first}");
    let mut broken = secret.clone();
    broken["key_jwk"]["k"] = "$".into();
    assert_eq!(put(broken).await.status, 400);
    assert_eq!(gateway.get("mac", "/").await.text(), first);
    for path in ["/secrets", "/secrets/KEY", "/bindings", "/settings"] {
        let shown = gateway.admin(&format!("{script}{path}")).await;
        assert!(shown.text().contains("\"secret_key\"") && !shown.text().contains("bWFya2Vy"), "{}", shown.text());
    }
    // It stays over an upload that says nothing of it, and goes when it is deleted.
    gateway.upload("ns", "mac", source).await;
    assert_eq!(gateway.get("mac", "/").await.text(), first);
    gateway.api(Method::DELETE, &format!("{script}/secrets/KEY"), "", Default::default()).await;
    assert_eq!(gateway.get("mac", "/").await.text(), "none");
}

#[tokio::test]
async fn module_code_gets_no_operation_and_no_more_than_its_share() {
    let gateway = TestGateway::start().await;
    let source = "const made = [];
        const rsa = { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
        const key = await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-CTR', false, ['encrypt']);
        const counter = { name: 'AES-CTR', counter: new Uint8Array(16), length: 64 };
        for (const run of [() => crypto.subtle.generateKey(rsa, false, ['sign']),
          () => crypto.subtle.encrypt(counter, key, new Uint8Array(1 << 20)),
          () => crypto.subtle.encrypt(counter, key, new Uint8Array((1 << 20) + (64 << 10)))]) {
          made.push(await run().then((it) => String(it.byteLength), (error) => `${error.name}: ${error.message.slice(0, 47)}`));
        }
        export default { async fetch() {
          made.push((await crypto.subtle.encrypt(counter, key, new Uint8Array(3 << 20))).byteLength);
          return Response.json(made) } }";
    gateway.upload("ns", "module", source).await;
    let expected = json!([
        "Error: Disallowed operation called within global scope",
        "1048576",
        "OperationError: The input is too large to be worked on in globa",
        3_145_728,
    ]);
    assert_eq!(gateway.get("module", "/").await.json(), expected);
}

#[tokio::test]
async fn what_takes_long_is_charged_and_stopped() {
    let gateway = TestGateway::start().await;
    let source = "const rsa = { name: 'RSA-PSS', modulusLength: 16384, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
        export default { async fetch(r) {
            if (r.url.endsWith('/quick')) return new Response('quick');
            await crypto.subtle.generateKey(rsa, false, ['sign']);
            return new Response('made') } }";
    gateway.upload_with("ns", "burner", source, json!({ "limits": { "cpu_ms": 50 } })).await;
    // Minutes of work: it ends at its limit, and those behind it have their turn.
    let burns = futures_util::future::join_all((0..4).map(|_| gateway.get("burner", "/")));
    let (burnt, quick) = tokio::join!(burns, gateway.get("burner", "/quick"));
    for answer in burnt {
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    quick.is(200, "quick");
    let source = "export default { async fetch(r) {
        const pair = await crypto.subtle.generateKey({ name: 'RSA-PSS', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-1' }, false, ['sign']);
        return new Response(pair.privateKey.type) } }";
    gateway.upload("ns", "maker", source).await;
    gateway.get("maker", "/").await.is(200, "private");
}

#[tokio::test]
async fn keys_stay_hidden_from_a_script_that_replaces_everything() {
    let gateway = TestGateway::start().await;
    let key = json!({
        "name": "KEY", "type": "secret_key", "format": "raw", "algorithm": "AES-GCM", "usages": ["encrypt"],
        "key_base64": "AAECAwQFBgcICQoLDA0ODw==",
    });
    let (status, text) = upload(&gateway, "spy", &one(include_str!("../probes/spy.js")), &[key]).await;
    assert_eq!(status, 200, "{text}");
    gateway.get("spy", "/").await.is(200, "seen 0, then 1");
}

//! Assets over real storage: what versions name of them, how they are served, what a sweep leaves.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_catalog::*;

use super::fixture::*;

fn asset(path: &str, byte: u8, size: u64) -> NewAsset {
    NewAsset { path: path.to_owned(), hash: AssetHash([byte; 16]), size }
}

fn with_assets(new: NewScript, token: &str, config: AssetConfig) -> NewScript {
    NewScript { assets: Some(NewAssets { token: Some(token.to_owned()), config: Some(config) }), ..new }
}

/// Uploads what is missing; the completion token.
async fn complete(f: &Fixture, at: &ScriptRef, files: Vec<NewAsset>) -> String {
    let session = f.assets_session_start(&f.actor, at, files).await.unwrap();
    let missing: Vec<AssetHash> = session.buckets.concat();
    if missing.is_empty() {
        return session.token;
    }
    let token = f.assets_session_verify(&session.token).unwrap();
    for hash in missing {
        assert_eq!(f.assets_session_finish(&token).await.unwrap(), None);
        let bytes = Bytes::from(hash.to_string());
        f.asset_put(&token, hash, Some("text/plain".to_owned()), bytes).await.unwrap();
    }
    f.assets_session_finish(&token).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_version_serves_what_its_manifest_says() {
    let f = fixture().await;
    let script = at("shop");
    let token = complete(&f, &script, vec![asset("/b", 2, 1), asset("/a", 1, 1), asset("/a2", 1, 1)]).await;
    let config = AssetConfig { not_found_handling: NotFoundHandling::Page, ..AssetConfig::default() };
    let new = with_assets(code("export default {}"), &token, config.clone());
    let new = with(new, vec![binding("ASSETS", NewBindingKind::Kind(BindingKind::Assets))]);
    let uploaded = f.script_upload(&f.actor, &script, new).await.unwrap();
    assert_eq!(uploaded.version.assets.unwrap().files, 3);
    let id = uploaded.version.id;
    let spec = f.validator.last();
    assert!(matches!(spec.bindings[0].1, WorkerBinding::Assets { version } if version == id));

    let site = f.assets_site(id).await.unwrap().unwrap();
    assert_eq!(site.config, config);
    assert!(site.has_worker);
    let paths: Vec<&str> = site.manifest.0.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/a", "/a2", "/b"]);
    let file = site.manifest.find("/a2").unwrap();
    assert_eq!((file.size, file.content_type.as_deref()), (32, Some("text/plain")), "the size is the file's own");
    let BlobContent::Whole(bytes) = f.asset_open(file.digest, 0..file.size).await.unwrap() else { panic!("small") };
    assert_eq!(bytes, AssetHash([1; 16]).to_string());
}

#[tokio::test]
async fn assets_alone_start_nothing() {
    let f = fixture().await;
    let token = complete(&f, &at("site"), vec![asset("/index.html", 1, 1)]).await;
    let alone = NewScript { code: Some(Code::none()), ..NewScript::default() };
    let new = with_assets(alone.clone(), &token, AssetConfig::default());
    let uploaded = f.script_upload(&f.actor, &at("site"), new).await.unwrap();
    assert!(f.validator.asked.lock().unwrap().is_empty());
    assert_eq!(uploaded.version.handlers, Vec::<String>::new());
    assert!(!f.assets_site(uploaded.version.id).await.unwrap().unwrap().has_worker);
    // Without either there is nothing to serve: the script stays as it was.
    let neither = f.script_upload(&f.actor, &at("site"), alone).await;
    assert!(matches!(neither, Err(CatalogError::Invalid(_))), "{neither:?}");
    let kept = NewScript::default();
    assert!(f.script_upload(&f.actor, &at("site"), kept).await.is_err());
    assert!(f.script_find(&f.actor, &at("site")).await.unwrap().deployed.unwrap().assets.is_some());
}

#[tokio::test]
async fn a_refused_upload_leaves_no_blob_that_stays() {
    let f = fixture().await;
    let token = complete(&f, &at("shop"), vec![asset("/a", 1, 1)]).await;
    f.validator.answers(Err(InvalidScript::Refused("no".to_owned())));
    let new = with_assets(code("export default {}"), &token, AssetConfig::default());
    assert!(f.script_upload(&f.actor, &at("shop"), new.clone()).await.is_err());
    assert!(f.script_find(&f.actor, &at("shop")).await.is_err());
    // The token is good for the next attempt.
    f.validator.answers(Ok(Started { handlers: vec!["fetch".to_owned()], ..Started::default() }));
    f.script_upload(&f.actor, &at("shop"), new).await.unwrap();
}

#[tokio::test]
async fn a_token_of_one_script_starts_no_session() {
    let f = fixture().await;
    let uploaded = f.script_upload(&f.actor, &at("shop"), code("export default {}")).await.unwrap();
    let tenant = Actor { scope: TokenScope::Script(uploaded.row.script.id), ..f.actor.clone() };
    let refused = f.assets_session_start(&tenant, &at("shop"), vec![asset("/a", 1, 1)]).await;
    assert!(matches!(refused, Err(CatalogError::OutOfScope(_))), "{refused:?}");
}

#[tokio::test]
async fn a_manifest_is_bounded() {
    let f = with_settings(CatalogSettings { max_assets: 2, max_asset_bytes: 40, ..CatalogSettings::default() }).await;
    let start = async |files| f.assets_session_start(&f.actor, &at("shop"), files).await;
    let refused = start(vec![asset("/a", 1, 1), asset("/b", 2, 1), asset("/c", 3, 1)]).await;
    assert!(matches!(refused, Err(CatalogError::Invalid(_))));
    assert!(matches!(start(vec![asset("/a", 1, 41)]).await, Err(CatalogError::Invalid(_))));
    let session = start(vec![asset("/a", 1, 40)]).await.unwrap();
    let token = f.assets_session_verify(&session.token).unwrap();
    let large = f.asset_put(&token, AssetHash([1; 16]), None, Bytes::from(vec![0; 41])).await;
    assert!(matches!(large, Err(CatalogError::Invalid(_))));
    let kind = f.asset_put(&token, AssetHash([1; 16]), Some("a\nb".to_owned()), Bytes::new()).await;
    assert!(matches!(kind, Err(CatalogError::Invalid(_))));
}

/// The clock of the rows is moved back instead of waiting.
#[tokio::test]
async fn a_sweep_leaves_what_a_version_names() {
    let f = fixture().await;
    let token = complete(&f, &at("shop"), vec![asset("/a", 1, 1)]).await;
    let new = with_assets(code("export default {}"), &token, AssetConfig::default());
    f.script_upload(&f.actor, &at("shop"), new).await.unwrap();
    let owner = f.assets_session_verify(
        &f.assets_session_start(&f.actor, &at("shop"), vec![asset("/x", 9, 1)]).await.unwrap().token,
    );
    let owner = owner.unwrap().owner;
    let old = Timestamp::from_micros(0);
    for byte in [1, 2] {
        let hash = AssetHash([byte; 16]);
        let asset = Asset { hash, digest: BlobDigest::of(hash.to_string().as_bytes()), size: 32, content_type: None };
        f.storage.asset_put(&owner, &asset, old).await.unwrap();
    }
    f.blobs_sweep().await.unwrap();
    let hashes = [AssetHash([1; 16]), AssetHash([2; 16])];
    let left = f.storage.assets_claim(&owner, &hashes, Timestamp::now()).await.unwrap();
    assert_eq!(left.iter().map(|asset| asset.hash).collect::<Vec<_>>(), [hashes[0]]);
}

#[tokio::test]
async fn buckets_may_arrive_at_once() {
    let f = Arc::new(fixture().await);
    let files: Vec<_> = (1..=6).map(|byte| asset(&format!("/{byte}"), byte, 1)).collect();
    let session = f.assets_session_start(&f.actor, &at("shop"), files).await.unwrap();
    let token = f.assets_session_verify(&session.token).unwrap();
    let uploads = (1..=6u8).map(|byte| {
        let (f, token) = (f.clone(), token.clone());
        tokio::spawn(async move {
            f.asset_put(&token, AssetHash([byte; 16]), None, Bytes::from(vec![byte])).await.unwrap();
            f.assets_session_finish(&token).await.unwrap()
        })
    });
    let mut tokens = Vec::new();
    for upload in uploads.collect::<Vec<_>>() {
        tokens.extend(upload.await.unwrap());
    }
    assert!(!tokens.is_empty(), "whoever comes last gets the completion token");
}

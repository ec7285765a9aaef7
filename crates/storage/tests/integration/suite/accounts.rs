//! Accounts and tokens.

use switchyard_catalog::*;

use crate::sample;

fn token(text: &str) -> Token {
    Token {
        id: ScriptId::random().simple(),
        hash: TokenHash::of(text),
        account: sample::account(),
        name: "ci".to_owned(),
        access: Access::Read,
        scope: TokenScope::Account,
        created_on: Timestamp::from_micros(1_767_323_045_123_456),
        expires_on: None,
        revoked_on: None,
        plan: PlanName::parse("gold").ok(),
    }
}

pub async fn account_is_renamed_and_listed(storage: &dyn Storage) {
    let renamed = Account { id: sample::account(), name: "Renamed ü".to_owned() };
    storage.account_put(&renamed).await.unwrap();
    let other = Account { id: AccountId::parse("z").unwrap(), name: "Z".to_owned() };
    storage.account_put(&other).await.unwrap();
    assert_eq!(storage.account_list().await.unwrap(), [renamed, other]);
}

pub async fn token_is_found_by_its_hash(storage: &dyn Storage) {
    let token = token("a-token-of-some-length");
    storage.token_put(&token).await.unwrap();
    assert_eq!(storage.token_find(&TokenHash::of("a-token-of-some-length")).await.unwrap(), Some(token));
    assert_eq!(storage.token_find(&TokenHash::of("another")).await.unwrap(), None);
}

pub async fn token_of_no_account_is_refused(storage: &dyn Storage) {
    let token = Token { account: AccountId::parse("nobody").unwrap(), ..token("t") };
    assert!(matches!(storage.token_put(&token).await, Err(StorageError::Gone(_))));
}

pub async fn token_with_the_same_text_stays(storage: &dyn Storage) {
    let first = token("same");
    storage.token_put(&first).await.unwrap();
    storage.token_put(&Token { access: Access::Write, ..token("same") }).await.unwrap();
    assert_eq!(storage.token_find(&first.hash).await.unwrap(), Some(first));
}

pub async fn account_id_is_taken_once(storage: &dyn Storage) {
    let other = Account { id: AccountId::parse("z").unwrap(), name: "Z".to_owned() };
    storage.account_create(&other).await.unwrap();
    let again = Account { name: "Y".to_owned(), ..other.clone() };
    assert!(matches!(storage.account_create(&again).await, Err(StorageError::Exists(_))));
    assert!(storage.account_list().await.unwrap().contains(&other));
}

pub async fn tokens_of_every_scope_round_trip(storage: &dyn Storage) {
    let namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let publish = sample::publish(Scope::Namespace(namespace.id), "a");
    storage.script_publish(&publish).await.unwrap();
    let scopes = [
        TokenScope::Admin,
        TokenScope::Account,
        TokenScope::Namespace(namespace.id),
        TokenScope::Script(publish.script.id),
    ];
    let mut made = Vec::new();
    for (n, scope) in scopes.into_iter().enumerate() {
        let text = format!("token-{n}");
        let created_on = Timestamp::from_micros(n as i64);
        let token = Token { scope, created_on, expires_on: Some(Timestamp::from_micros(77)), ..token(&text) };
        storage.token_put(&token).await.unwrap();
        assert_eq!(storage.token_find(&TokenHash::of(&text)).await.unwrap().as_ref(), Some(&token));
        made.push(token);
    }
    let rows = storage.token_list(&sample::account(), 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.token.clone()).collect::<Vec<_>>(), made);
    let names: Vec<_> = rows
        .iter()
        .map(|row| (row.namespace.as_ref().map(|n| n.as_str()), row.script.as_ref().map(|s| s.as_str())))
        .collect();
    assert_eq!(names, [(None, None), (None, None), (Some("prod"), None), (Some("prod"), Some("a"))]);
    assert_eq!(storage.token_list(&sample::account(), 2).await.unwrap().len(), 2);
    assert!(storage.token_list(&AccountId::parse("z").unwrap(), 10).await.unwrap().is_empty());

    // They go with what they are for.
    storage.script_delete(&[publish.script.id]).await.unwrap();
    assert_eq!(storage.token_find(&made[3].hash).await.unwrap(), None);
    storage.namespace_delete(namespace.id).await.unwrap();
    assert_eq!(storage.token_find(&made[2].hash).await.unwrap(), None);
    assert_eq!(storage.token_list(&sample::account(), 10).await.unwrap().len(), 2);
}

pub async fn revoked_and_rolled_tokens_stay_revoked(storage: &dyn Storage) {
    let (account, now) = (sample::account(), Timestamp::from_micros(99));
    let first = token("first");
    storage.token_put(&first).await.unwrap();
    let second = TokenHash::of("second");
    assert!(storage.token_roll(&account, &first.id, &second, now).await.unwrap());
    let rolled = storage.token_find(&second).await.unwrap().unwrap();
    assert_eq!(rolled, Token { hash: second, ..first.clone() });
    assert_eq!(storage.token_find(&first.hash).await.unwrap().unwrap().revoked_on, Some(now));
    // The old text does not come back.
    storage.token_put(&token("first")).await.unwrap();
    assert_eq!(storage.token_find(&first.hash).await.unwrap().unwrap().revoked_on, Some(now));

    assert!(storage.token_revoke(&account, &first.id, now).await.unwrap());
    assert!(!storage.token_revoke(&account, &first.id, now).await.unwrap());
    assert!(!storage.token_roll(&account, &first.id, &TokenHash::of("third"), now).await.unwrap());
    assert_eq!(storage.token_find(&second).await.unwrap().unwrap().revoked_on, Some(now));
    assert!(storage.token_list(&account, 10).await.unwrap().is_empty());
    let other = AccountId::parse("z").unwrap();
    assert!(!storage.token_revoke(&other, &first.id, now).await.unwrap());
}

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
        created_on: Timestamp::from_micros(1_767_323_045_123_456),
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

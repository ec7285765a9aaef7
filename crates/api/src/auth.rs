//! Who is asking: the bearer token, its account, its scope; and a brake on guessing tokens.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use http::{HeaderMap, header};
use parking_lot::Mutex;
use switchyard_catalog::{
    Access, AccountId, Actor, AssetToken, AssetTokenError, Catalog, CatalogError, NamespaceName, ScriptName, ScriptRef,
    Timestamp, Token, TokenHash, TokenScope, TokenVerdict,
};

use crate::{
    Api,
    error::{ApiError, Place, Refusal},
    router::{Endpoint, Params, Reach},
};

/// Longer than any token; what is hashed is bounded.
const MAX_TOKEN: usize = 1024;

/// The token that a request carries.
pub(crate) async fn authenticate(
    api: &Api,
    endpoint: &Endpoint,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Token, ApiError> {
    let text = bearer(headers)?;
    api.wrong_tokens.check(peer, Instant::now()).map_err(ApiError::too_many_wrong_tokens)?;
    if endpoint.takes_session() {
        return match asset_session(&api.catalog, headers) {
            Ok(session) => Ok(token_of(session)),
            Err(error) => {
                api.wrong_tokens.count(peer, Instant::now());
                Err(error)
            }
        };
    }
    let found = api.catalog.token_verify(text).await;
    match found.map_err(|error| Refusal::from(error).at(Place::Account))? {
        TokenVerdict::Valid(token) => Ok(token),
        // Whoever has the text of a token that once was guesses nothing: told why, and not counted.
        TokenVerdict::Expired(_) => Err(ApiError::ended_token("has expired")),
        TokenVerdict::Revoked(_) => Err(ApiError::ended_token("was revoked")),
        TokenVerdict::Unknown => {
            api.wrong_tokens.count(peer, Instant::now());
            Err(ApiError::unknown_token())
        }
    }
}

/// The assets session whose token a request carries.
pub(crate) fn asset_session(catalog: &Catalog, headers: &HeaderMap) -> Result<AssetToken, ApiError> {
    let session = catalog.assets_session_verify(bearer(headers)?);
    session.map_err(|error| match error {
        AssetTokenError::Unknown => ApiError::unknown_token(),
        AssetTokenError::Expired => ApiError::ended_token("has expired: an assets upload has one hour"),
    })
}

/// A session as a token, for the one endpoint that takes it.
fn token_of(session: AssetToken) -> Token {
    Token {
        id: String::new(),
        hash: TokenHash([0; 32]),
        account: session.owner.account,
        name: "assets session".to_owned(),
        access: Access::Write,
        scope: TokenScope::Account,
        created_on: Timestamp::now(),
        expires_on: None,
        revoked_on: None,
        plan: None,
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let legacy = headers.contains_key("x-auth-key") || headers.contains_key("x-auth-email");
        return Err(if legacy { ApiError::legacy_key() } else { ApiError::no_credentials() });
    };
    let text = value.to_str().map_err(|_| ApiError::malformed_authorization())?;
    let (scheme, token) = text.trim().split_once(' ').ok_or_else(ApiError::malformed_authorization)?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && (1..=MAX_TOKEN).contains(&token.len())
        && !token.contains(char::is_whitespace);
    if fits { Ok(token) } else { Err(ApiError::malformed_authorization()) }
}

/// What the token's owner may do at this endpoint, as the catalog wants to know it.
///
/// Three doors, so that a new endpoint is closed until it says otherwise: what the endpoint needs
/// ([`Endpoint::reach`]) is compared here with the token's scope; the namespace or script of the path
/// is looked up and must be the token's own, else it is missing; and the catalog compares ids once
/// more with every operation, which is what holds when names move in between.
pub(crate) async fn authorize(
    api: &Api,
    token: &Token,
    endpoint: &Endpoint,
    params: &Params,
) -> Result<Actor, Refusal> {
    let account = match params.find("account") {
        Some(account) if account != token.account.as_str() => {
            let id = AccountId::parse(account).filter(|_| token.scope == TokenScope::Admin);
            let id = id.ok_or_else(ApiError::other_account)?;
            api.catalog.account_find(&id).await?.id
        }
        _ => token.account.clone(),
    };
    if endpoint.access == Access::Write && token.access < Access::Write {
        return Err(ApiError::read_only_token().into());
    }
    let (reaches, what) = match token.scope {
        TokenScope::Admin => (true, "node"),
        TokenScope::Account => (endpoint.reach() <= Reach::Account, "account"),
        TokenScope::Namespace(_) => (endpoint.reach() <= Reach::Namespace, "namespace"),
        TokenScope::Script(_) => (endpoint.reach() <= Reach::Script, "script"),
    };
    if !reaches {
        return Err(CatalogError::OutOfScope(what).into());
    }
    let actor = Actor { account, token_id: token.id.clone(), scope: token.scope, plan: token.plan.clone() };
    if matches!(token.scope, TokenScope::Namespace(_) | TokenScope::Script(_)) {
        within(api, &actor, endpoint, params).await?;
    }
    Ok(actor)
}

/// The namespace and the script of the path are those of a narrow token.
async fn within(api: &Api, actor: &Actor, endpoint: &Endpoint, params: &Params) -> Result<(), Refusal> {
    let namespace = params.find("namespace").map(NamespaceName::parse).transpose()?;
    if let Some(namespace) = &namespace {
        api.catalog.namespace_find(actor, namespace).await?;
    }
    let Some(script) = params.find("script") else { return Ok(()) };
    let in_namespace = namespace.is_some();
    let script = ScriptRef { account: actor.account.clone(), namespace, name: ScriptName::parse(script)? };
    match (api.catalog.script_find(actor, &script).await, actor.scope) {
        (Ok(_), _) => Ok(()),
        // What makes a script says "not yours" where another says "not there".
        (Err(CatalogError::ScriptNotFound), TokenScope::Namespace(_)) if in_namespace => Ok(()),
        (Err(CatalogError::ScriptNotFound), TokenScope::Namespace(_)) if endpoint.makes_script() => {
            Err(CatalogError::OutOfScope("namespace").into())
        }
        (Err(CatalogError::ScriptNotFound), _) if endpoint.makes_script() => {
            Err(CatalogError::OutOfScope("script").into())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// Wrong tokens by address, for a minute each. Bounded: when it is full and nothing has run out, the
/// oldest entry makes place.
pub(crate) struct WrongTokens {
    most: u32,
    /// Held for a look-up, or a walk over at most `MAX_ADDRESSES` when full.
    by_address: Mutex<HashMap<IpAddr, Window>>,
}

struct Window {
    since: Instant,
    wrong: u32,
}

const WINDOW: Duration = Duration::from_secs(60);
const MAX_ADDRESSES: usize = 4096;

impl WrongTokens {
    pub(crate) fn new(most: u32) -> Self {
        Self { most: most.max(1), by_address: Mutex::new(HashMap::new()) }
    }

    /// # Errors
    /// The seconds to wait, when this address has used up its minute. Right tokens wait as well:
    /// else the brake would not hinder a guesser, who only looks for the one that succeeds.
    fn check(&self, peer: IpAddr, now: Instant) -> Result<(), u64> {
        let by_address = self.by_address.lock();
        let Some(window) = by_address.get(&network(peer)) else { return Ok(()) };
        let left = WINDOW.saturating_sub(now.saturating_duration_since(window.since));
        if window.wrong < self.most || left.is_zero() { Ok(()) } else { Err(left.as_secs() + 1) }
    }

    fn count(&self, peer: IpAddr, now: Instant) {
        let mut by_address = self.by_address.lock();
        let peer = network(peer);
        if by_address.len() >= MAX_ADDRESSES && !by_address.contains_key(&peer) {
            by_address.retain(|_, window| now.saturating_duration_since(window.since) < WINDOW);
            if by_address.len() >= MAX_ADDRESSES {
                let oldest = by_address.iter().min_by_key(|(_, window)| window.since).map(|(peer, _)| *peer);
                oldest.and_then(|peer| by_address.remove(&peer));
            }
        }
        let window = by_address.entry(peer).or_insert(Window { since: now, wrong: 0 });
        if now.saturating_duration_since(window.since) >= WINDOW {
            *window = Window { since: now, wrong: 0 };
        }
        window.wrong = window.wrong.saturating_add(1);
    }
}

/// One customer usually has a whole IPv6 /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + last))
    }

    #[test]
    fn an_address_waits_after_its_wrong_tokens_and_is_free_after_a_minute() {
        let brake = WrongTokens::new(3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(brake.check(address(1), start), Ok(()));
            brake.count(address(1), start);
        }
        assert!(brake.check(address(1), start + Duration::from_secs(1)).is_err());
        assert_eq!(brake.check(address(2), start), Ok(()));
        let later = start + WINDOW;
        assert_eq!(brake.check(address(1), later), Ok(()));
        brake.count(address(1), later);
        assert_eq!(brake.check(address(1), later), Ok(()));
    }

    #[test]
    fn the_map_is_bounded_and_a_network_counts_as_one() {
        let brake = WrongTokens::new(1);
        let start = Instant::now();
        for last in 0..MAX_ADDRESSES as u32 + 50 {
            brake.count(address(last), start + Duration::from_millis(last.into()));
        }
        assert!(brake.by_address.lock().len() <= MAX_ADDRESSES);
        let now = start + Duration::from_secs(5);
        brake.count("2001:db8::1".parse().expect("an address"), now);
        assert!(brake.check("2001:db8::2".parse().expect("an address"), now).is_err());
        assert!(brake.check("2001:db8:0:1::2".parse().expect("an address"), now).is_ok());
    }
}

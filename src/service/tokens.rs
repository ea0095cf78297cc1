//! Who a token speaks for. The tokens are few and are kept in memory, read again when what is known is old: commands
//! change them in the database without telling the daemon.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::RwLock;

use super::{Caller, ServiceError};
use crate::clock::Clock;
use crate::domain::{Timestamp, Token, TokenId};
use crate::store::{LiveTokens, Pepper, Store, TokenRecord};

/// Made and revoked tokens are known within a second; half of it is left for the rest.
const AGE_MAX: Duration = Duration::from_millis(500);

/// Every token that is good, as of half a second ago at most.
pub struct Tokens {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    known_token: RwLock<KnownToken>,
}

#[derive(Default)]
struct KnownToken {
    read_at: Option<Timestamp>,
    pepper: Option<Pepper>,
    tokens: HashMap<TokenId, TokenRecord>,
}

impl Tokens {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known_token: RwLock::default() }
    }

    /// Whoever bears this token.
    ///
    /// # Errors
    /// It is no token, or a wrong, revoked or expired one: they are not told apart. Or the tokens cannot be read: then
    /// nobody is let in on what was known before, because it may have been revoked since.
    pub async fn caller(&self, presented: &str) -> Result<Caller, ServiceError> {
        let token = Token::parse(presented).ok_or(ServiceError::Unauthorized)?;
        let now = self.clock.now();
        let known_token = self.known_token.read().await;
        if known_token.is_fresh(now) {
            return known_token.caller(&token, now);
        }
        drop(known_token);
        let mut entry = self.known_token.write().await;
        // Others may have waited for the same read.
        if !entry.is_fresh(now) {
            *entry = KnownToken::of(self.store.tokens().await?, now);
        }
        entry.caller(&token, now)
    }
}

impl KnownToken {
    /// `read_at` is the moment before the read.
    fn of(live: LiveTokens, read_at: Timestamp) -> Self {
        let tokens = live.tokens.into_iter().map(|token| (token.id, token)).collect();
        Self { read_at: Some(read_at), pepper: live.pepper, tokens }
    }

    /// A moment in the future means that the clock was set back: nobody knows how old that is.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read_at.is_some_and(|read_at| read_at <= now && now.since(read_at) < AGE_MAX)
    }

    fn caller(&self, token: &Token, now: Timestamp) -> Result<Caller, ServiceError> {
        let record = self.tokens.get(&token.id()).ok_or(ServiceError::Unauthorized)?;
        let genuine = self.pepper.as_ref().is_some_and(|pepper| pepper.verifies(token, &record.hash));
        if !genuine || record.is_expired(now) {
            tracing::debug!(token.id = %record.id, genuine, "a known token was refused");
            return Err(ServiceError::Unauthorized);
        }
        Ok(Caller {
            tenant: record.tenant.clone(),
            scopes: record.scopes.clone(),
            weight: record.weight,
            token: Some(record.id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantName;

    const START: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn token(id: u64, byte: u8) -> Token {
        Token::of(TokenId::from_u64(id), [byte; 32])
    }

    fn known_token(expires_at: Option<Timestamp>) -> KnownToken {
        let pepper = Pepper::new([9; 32]);
        let record = TokenRecord {
            id: TokenId::from_u64(1),
            name: "deploy".to_owned(),
            tenant: TenantName::new("shop"),
            hash: pepper.hash(&token(1, 7)),
            scopes: "read".parse().expect("scopes"),
            weight: 3,
            created_at: START,
            expires_at,
            revoked_at: None,
        };
        KnownToken::of(LiveTokens { pepper: Some(pepper), tokens: vec![record] }, START)
    }

    #[test]
    fn only_the_very_token_gets_in_and_only_before_it_expires() {
        let expiry = START + Duration::from_secs(1);
        let cached = known_token(Some(expiry));
        let caller = cached.caller(&token(1, 7), START).expect("let in");
        assert_eq!((caller.tenant.as_str(), caller.weight, caller.scopes.sees_all()), ("shop", 3, false));
        for (presented, now) in [(token(1, 8), START), (token(2, 7), START), (token(1, 7), expiry)] {
            assert!(matches!(cached.caller(&presented, now), Err(ServiceError::Unauthorized)));
        }
        assert!(cached.caller(&token(1, 7), expiry - Duration::from_millis(1)).is_ok());
    }

    #[test]
    fn what_is_known_is_old_after_half_a_second_and_when_the_clock_was_set_back() {
        let cached = known_token(None);
        let millis = Duration::from_millis;
        for (now, fresh) in
            [(START, true), (START + millis(499), true), (START + millis(500), false), (START - millis(1), false)]
        {
            assert_eq!(cached.is_fresh(now), fresh, "{now:?}");
        }
        assert!(!KnownToken::default().is_fresh(START));
    }
}

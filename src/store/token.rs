//! What is kept of tokens, and how one that is presented is told from all others without keeping its secret.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::domain::{Scopes, TenantName, Timestamp, Token, TokenId};

/// The key of all token hashes. Kept apart from them, so that a reader of the database alone can check no guess.
#[derive(Debug)]
pub struct Pepper(SecretBox<[u8; 32]>);

impl Pepper {
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(key)))
    }

    /// What is kept of a token.
    #[must_use]
    pub fn hash(&self, token: &Token) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(&token.id().as_u64().to_be_bytes());
        mac.update(token.secret());
        mac.finalize().into_bytes().into()
    }

    /// Whether `hash` was made of this very token; takes as long whether it is nearly right or all wrong.
    #[must_use]
    pub fn verifies(&self, token: &Token, hash: &[u8; 32]) -> bool {
        self.hash(token).ct_eq(hash).into()
    }
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    pub id: TokenId,
    pub name: String,
    pub tenant: TenantName,
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub weight: u32,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl TokenRecord {
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|moment| moment <= now)
    }
}

/// The tokens that are not revoked, and what they are checked with.
#[derive(Debug)]
pub struct LiveTokens {
    /// None as long as no token was ever made.
    pub pepper: Option<Pepper>,
    pub tokens: Vec<TokenRecord>,
}

/// What became of the wish to revoke a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    Revoked,
    /// It was revoked before, and stays so.
    Before,
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_token_under_one_pepper() {
        let token = |id, byte| Token::of(TokenId::from_u64(id), [byte; 32]);
        let pepper = Pepper::new([1; 32]);
        let hash = pepper.hash(&token(1, 7));
        assert!(pepper.verifies(&token(1, 7), &hash));
        assert!(!pepper.verifies(&token(1, 8), &hash), "another secret");
        assert!(!pepper.verifies(&token(2, 7), &hash), "another token's name");
        assert!(!Pepper::new([2; 32]).verifies(&token(1, 7), &hash), "another pepper");
    }

    #[test]
    fn a_pepper_is_not_printed() {
        assert!(!format!("{:?}", Pepper::new([65; 32])).contains("65"));
    }
}

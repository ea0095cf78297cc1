//! The text of a token, `rfd_<id>_<secret>`: a public name to find it by, and a secret that is not stored.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const PREFIX: &str = "rfd_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// A text that is no token id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a token id: expected 16 hexadecimal digits, as `refreshd token list` shows them")]
pub struct TokenIdError;

/// The public name of a token: 16 lower-case hexadecimal digits. No secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(u64);

impl TokenId {
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}", self.0))
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        if text.len() != ID_DIGITS || !text.bytes().all(is_digit) {
            return Err(TokenIdError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| TokenIdError)
    }
}

/// A token as its bearer has it. No `Debug` and no `Display`: it may not reach a log.
pub struct Token {
    id: TokenId,
    secret: [u8; SECRET_DIGITS / 2],
}

impl Token {
    /// A token of random bytes from the caller.
    #[must_use]
    pub const fn of(id: TokenId, secret: [u8; SECRET_DIGITS / 2]) -> Self {
        Self { id, secret }
    }

    /// Reads what a client presents; there is one form only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, digits) = text.strip_prefix(PREFIX)?.split_once('_')?;
        if digits.len() != SECRET_DIGITS || !digits.bytes().all(is_digit) {
            return None;
        }
        let mut secret = [0; SECRET_DIGITS / 2];
        for (byte, place) in secret.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
        }
        Some(Self { id: id.parse().ok()?, secret })
    }

    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.id
    }

    #[must_use]
    pub const fn secret(&self) -> &[u8; SECRET_DIGITS / 2] {
        &self.secret
    }

    /// The text, for the one time it is shown.
    #[must_use]
    pub fn reveal(&self) -> String {
        let secret: String = self.secret.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{PREFIX}{}_{secret}", self.id)
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_reads_back_as_written(id in any::<u64>(), secret in any::<[u8; 32]>()) {
            let text = Token::of(TokenId::from_u64(id), secret).reveal();
            prop_assert_eq!(text.len(), 4 + 16 + 1 + 64);
            let token = Token::parse(&text).expect("a token");
            prop_assert_eq!((token.id().as_u64(), *token.secret()), (id, secret));
        }

        #[test]
        fn no_text_panics(text in "(rfd_)?.{0,90}") {
            let _ = Token::parse(&text);
        }
    }

    #[test]
    fn there_is_one_form_only() {
        let good = Token::of(TokenId::from_u64(10), [0xab; 32]).reveal();
        assert!(Token::parse(&good).is_some());
        for wrong in [
            String::new(),
            good.to_uppercase(),
            good.replace("ab", "AB"),
            good[..good.len() - 1].to_owned(),
            format!("{good}0"),
            format!(" {good}"),
            good.replace("rfd_", ""),
            good.replacen("_0", "_+", 1),
            good.replacen("abab", "é\u{e9}", 1),
        ] {
            assert!(Token::parse(&wrong).is_none(), "{wrong}");
        }
    }
}

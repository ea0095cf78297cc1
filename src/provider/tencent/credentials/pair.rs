//! A key pair that can be sent in headers, and why one cannot be used.

use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

/// One key pair, with a session token if it is temporary. If it exists, it can be sent in headers.
#[derive(Clone)]
pub struct Credentials {
    secret_id: String,
    secret_key: SecretString,
    token: Option<SecretString>,
}

/// Why a key pair cannot be used or had. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialsError {
    #[error("{0} is not set; set it to the account's API key (Tencent Cloud console, CAM, API keys)")]
    Missing(&'static str),
    #[error("{0} has a space or a control character in it; copy the key again without them")]
    Malformed(&'static str),
    /// A place holds something, but nothing usable: the next place would be another identity than was meant.
    #[error("{place}: {reason}")]
    Unusable { place: String, reason: String },
    #[error(
        "no key pair was found; set secret_id and secret_key_file of the account, or fill one of the places looked at: {}",
        places.join("; ")
    )]
    NotFound {
        /// Each place, with what was found there instead.
        places: Vec<String>,
        /// One of the places did not answer, which may pass by itself.
        may_pass: bool,
    },
}

impl CredentialsError {
    /// Whether the same question may be answered otherwise in a while, without anybody's doing.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::NotFound { may_pass: true, .. })
    }
}

impl Credentials {
    /// Takes a key pair as configured.
    ///
    /// # Errors
    /// If a part is empty or has a character that no key has: a stray space would be refused only later, as an
    /// unknown key.
    pub fn new(
        secret_id: String,
        secret_key: SecretString,
        token: Option<SecretString>,
    ) -> Result<Self, CredentialsError> {
        check("secret_id", &secret_id)?;
        check("secret_key", secret_key.expose_secret())?;
        if let Some(token) = &token {
            check("token", token.expose_secret())?;
        }
        Ok(Self { secret_id, secret_key, token })
    }

    pub(in super::super) fn secret_id(&self) -> &str {
        &self.secret_id
    }

    pub(in super::super) const fn secret_key(&self) -> &SecretString {
        &self.secret_key
    }

    pub(in super::super) const fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        let token = |pair: &Self| pair.token.as_ref().map(|token| token.expose_secret().to_owned());
        self.secret_id == other.secret_id
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
            && token(self) == token(other)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

fn check(name: &'static str, value: &str) -> Result<(), CredentialsError> {
    if value.is_empty() {
        return Err(CredentialsError::Missing(name));
    }
    if value.bytes().any(|byte| !byte.is_ascii_graphic()) || HeaderValue::from_str(value).is_err() {
        return Err(CredentialsError::Malformed(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(id: &str, key: &str, token: Option<&str>) -> Result<Credentials, CredentialsError> {
        Credentials::new(id.to_owned(), key.into(), token.map(SecretString::from))
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        assert_eq!(pair("", "k", None).expect_err("no id"), CredentialsError::Missing("secret_id"));
        assert_eq!(pair("i", "", None).expect_err("no key"), CredentialsError::Missing("secret_key"));
        for bad in [" k", "k\n", "k\u{e9}", "k k"] {
            assert_eq!(pair("i", bad, None).expect_err(bad), CredentialsError::Malformed("secret_key"));
            assert_eq!(pair("i", "k", Some(bad)).expect_err(bad), CredentialsError::Malformed("token"));
        }
    }

    #[test]
    fn a_key_never_shows_in_debug() {
        let text = format!("{:?}", pair("AKIDx", "hush", Some("hush")).expect("complete"));
        assert!(!text.contains("hush") && !text.contains("AKIDx"), "{text}");
    }
}

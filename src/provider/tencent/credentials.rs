//! Where the account's key comes from: values, or the environment names that Tencent Cloud's own tools read.
//! Credential files and instance roles come with a later issue.

use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

const ID_NAME: &str = "TENCENTCLOUD_SECRET_ID";
const KEY_NAME: &str = "TENCENTCLOUD_SECRET_KEY";
/// tccli reads the first, the Node SDK the second; the first that is set counts.
const TOKEN_NAMES: [&str; 2] = ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN"];

/// One key pair, with a session token if it is temporary. If it exists, it can be sent in headers.
#[derive(Clone)]
pub struct Credentials {
    secret_id: String,
    secret_key: SecretString,
    token: Option<SecretString>,
}

/// Why a key pair cannot be used. Never shows the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialsFault {
    #[error("{0} is not set; set it to the account's API key (Tencent Cloud console, CAM, API keys)")]
    Missing(&'static str),
    #[error("{0} has a space or a control character in it; copy the key again without them")]
    Malformed(&'static str),
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
    ) -> Result<Self, CredentialsFault> {
        check("secret_id", &secret_id)?;
        check("secret_key", secret_key.expose_secret())?;
        if let Some(token) = &token {
            check("token", token.expose_secret())?;
        }
        Ok(Self { secret_id, secret_key, token })
    }

    /// Reads the key pair from environment names, looked up by `lookup`; an empty value is as good as none.
    ///
    /// # Errors
    /// If a name is not set or its value is malformed.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, CredentialsFault> {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let secret_id = value(ID_NAME).ok_or(CredentialsFault::Missing(ID_NAME))?;
        let secret_key = value(KEY_NAME).map(SecretString::from).ok_or(CredentialsFault::Missing(KEY_NAME))?;
        let token = TOKEN_NAMES.into_iter().find_map(value).map(SecretString::from);
        Self::new(secret_id, secret_key, token).map_err(|fault| match fault {
            CredentialsFault::Malformed("secret_id") => CredentialsFault::Malformed(ID_NAME),
            CredentialsFault::Malformed("secret_key") => CredentialsFault::Malformed(KEY_NAME),
            other => other,
        })
    }

    pub(super) fn secret_id(&self) -> &str {
        &self.secret_id
    }

    pub(super) const fn secret_key(&self) -> &SecretString {
        &self.secret_key
    }

    pub(super) const fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

fn check(name: &'static str, value: &str) -> Result<(), CredentialsFault> {
    if value.is_empty() {
        return Err(CredentialsFault::Missing(name));
    }
    if value.bytes().any(|byte| !byte.is_ascii_graphic()) || HeaderValue::from_str(value).is_err() {
        return Err(CredentialsFault::Malformed(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Credentials, CredentialsFault> {
        Credentials::from_environment(|name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn both_names_of_the_session_token_are_read_and_the_first_counts() {
        let pair = [(ID_NAME, "AKID1"), (KEY_NAME, "key1")];
        let token = |more: &[(&str, &str)]| {
            let credentials = read(&[&pair, more].concat()).expect("complete");
            credentials.token().map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(token(&[]), None);
        assert_eq!(token(&[("TENCENTCLOUD_SESSION_TOKEN", "s")]).as_deref(), Some("s"));
        assert_eq!(token(&[("TENCENTCLOUD_SESSION_TOKEN", "s"), ("TENCENTCLOUD_TOKEN", "t")]).as_deref(), Some("t"));
        assert_eq!(token(&[("TENCENTCLOUD_SESSION_TOKEN", "s"), ("TENCENTCLOUD_TOKEN", "")]).as_deref(), Some("s"));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        assert_eq!(read(&[(KEY_NAME, "k")]).expect_err("no id"), CredentialsFault::Missing(ID_NAME));
        assert_eq!(read(&[(ID_NAME, "i"), (KEY_NAME, "")]).expect_err("no key"), CredentialsFault::Missing(KEY_NAME));
        for bad in [" k", "k\n", "k\u{e9}", "k k"] {
            let fault = read(&[(ID_NAME, "i"), (KEY_NAME, bad)]).expect_err(bad);
            assert_eq!(fault, CredentialsFault::Malformed(KEY_NAME));
        }
    }

    #[test]
    fn a_key_never_shows_in_debug() {
        let shown = format!("{:?}", read(&[(ID_NAME, "AKIDx"), (KEY_NAME, "hush")]).expect("complete"));
        assert!(!shown.contains("hush") && !shown.contains("AKIDx"), "{shown}");
    }
}

//! Where the daemon is and which token it gets: `REFRESHD_URL`, `REFRESHD_TOKEN` and `REFRESHD_TOKEN_FILE`.

use std::env;
use std::fs;

use http::HeaderValue;
use url::Url;

use crate::cli::error::CliError;

const URL_DEFAULT: &str = "http://127.0.0.1:8470";

/// The daemon's address.
pub(super) fn base_url() -> Result<Url, CliError> {
    parse_base_url(&variable("REFRESHD_URL")?.unwrap_or_else(|| URL_DEFAULT.to_owned()))
}

/// The header that carries the token, if there is one.
pub(super) fn authorization() -> Result<Option<HeaderValue>, CliError> {
    token()?.map(|token| bearer(&token)).transpose()
}

/// An empty variable counts as unset: scripts cannot always tell them apart.
fn variable(name: &str) -> Result<Option<String>, CliError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(CliError::Usage(format!("{name} is not UTF-8"))),
    }
}

/// The URL may have a path: the daemon may be behind a proxy.
pub(super) fn parse_base_url(text: &str) -> Result<Url, CliError> {
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(text).ok().filter(is_plain);
    // The text is not repeated: it may hold a password.
    url.ok_or_else(|| {
        CliError::Usage(format!(
            "REFRESHD_URL is not an http or https URL without user, query and fragment, such as {URL_DEFAULT}"
        ))
    })
}

fn token() -> Result<Option<String>, CliError> {
    if let Some(token) = variable("REFRESHD_TOKEN")? {
        return Ok(Some(token));
    }
    let Some(path) = variable("REFRESHD_TOKEN_FILE")? else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(token) => Ok(Some(token)),
        Err(error) => Err(CliError::Usage(format!("REFRESHD_TOKEN_FILE: {path} cannot be read: {error}"))),
    }
}

fn bearer(token: &str) -> Result<HeaderValue, CliError> {
    let token = token.trim_ascii();
    let is_word = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = is_word.then(|| HeaderValue::try_from(format!("Bearer {token}")).ok()).flatten();
    let mut value = value.ok_or_else(|| {
        CliError::Usage(
            "the token in REFRESHD_TOKEN or REFRESHD_TOKEN_FILE is not valid: expected one word of ASCII".to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let value = bearer("rfd_abc\n").expect("a token");
        assert_eq!(value.to_str().expect("ASCII"), "Bearer rfd_abc");
        assert!(!format!("{value:?}").contains("rfd_abc"));
        for wrong in ["", "\n", "two words", "s\u{e9}cret"] {
            assert_eq!(bearer(wrong).expect_err("no token").exit_code(), 2, "{wrong:?}");
        }
    }
}

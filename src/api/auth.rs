//! Who asks. In open mode everyone who reaches the loopback address is tenant `local`; else a bearer token tells.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::Api;
use super::problem::ApiError;
use crate::service::{Caller, Tokens};

/// How callers are known (`auth.mode`).
#[derive(Clone)]
pub enum Authenticator {
    /// Every request is tenant `local` with all scopes.
    Open,
    /// A bearer token names the tenant.
    Tokens(Arc<Tokens>),
}

/// A caller whom we know. The service does nothing without one, so a handler that forgets to take it can do nothing
/// either. It is the first argument of a handler: a caller without the right learns nothing else.
pub(crate) struct AuthenticatedCaller(pub(crate) Caller);

impl FromRequestParts<Arc<Api>> for AuthenticatedCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let caller = match &api.authenticator {
            Authenticator::Open => Caller::local(),
            Authenticator::Tokens(tokens) => {
                tokens.caller(bearer(&parts.headers).ok_or(ApiError::Unauthorized)?).await?
            }
        };
        // No handler needs it, so none can leak it.
        parts.headers.remove(header::AUTHORIZATION);
        Ok(Self(caller))
    }
}

/// What is presented as `Authorization: Bearer …`. Two such headers are none: a proxy may have seen the other one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// In open mode a page of another site could reach us through a name that it points at 127.0.0.1 (DNS rebinding), so
/// only loopback names are answered.
pub(super) fn only_loopback_names(headers: &HeaderMap) -> Result<(), ApiError> {
    if host_is_loopback(headers) {
        return Ok(());
    }
    let detail = "auth.mode is open: ask for localhost or a loopback address, or use tokens".to_owned();
    Err(ApiError::Forbidden { code: "host_not_loopback", detail })
}

fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_presented_once_and_in_its_header() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().expect("a header"));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(with(&["Bearer x"]).as_deref(), Some("x"));
        assert_eq!(with(&["bearer  x"]).as_deref(), Some("x"));
        for refused in [&[][..], &["x"], &["Basic x"], &["Bearer"], &["Bearer x", "Bearer x"]] {
            assert_eq!(with(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn only_loopback_names_pass_in_open_mode() {
        let with = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            host_is_loopback(&headers)
        };
        for inside in ["localhost", "LOCALHOST:8470", "127.0.0.1:8470", "127.9.9.9", "[::1]:8470"] {
            assert!(with(inside), "{inside}");
        }
        for outside in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example:80", "[::2]", ""]
        {
            assert!(!with(outside), "{outside}");
        }
        assert!(!host_is_loopback(&HeaderMap::new()));
    }
}

//! Who asks. In open mode everyone who reaches the loopback address is tenant `local`.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Api;
use super::problem::ApiError;
use crate::service::Caller;

/// How callers are known (`auth.mode`).
#[derive(Debug, Clone)]
pub enum Door {
    /// Every request is tenant `local` with all scopes.
    Open,
    /// A bearer token names the tenant.
    Tokens,
}

/// Puts the caller into the request, or refuses it.
pub(super) async fn know_the_caller(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = match api.door {
        Door::Open => Caller::local(),
        Door::Tokens => return Err(ApiError::Unauthorized),
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// In open mode a page of another site could reach us through a name that it points at 127.0.0.1 (DNS rebinding), so
/// only loopback names are answered.
pub(super) async fn only_loopback_names(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if matches!(api.door, Door::Open) && !host_is_loopback(request.headers()) {
        let detail = "auth.mode is open: ask for localhost or a loopback address, or use tokens".to_owned();
        return Err(ApiError::Forbidden { code: "host_not_loopback", detail });
    }
    Ok(next.run(request).await)
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

//! ETags, so that a client that polls pays only for change. The tag is a hash of the answer itself: what is shown is what counts.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::ApiError;

/// The answer with its tag, or 304 if the client has it already.
pub(super) fn answer<T: Serialize>(headers: &HeaderMap, answer: &T) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(answer).map_err(|error| ApiError::Internal(error.to_string()))?;
    let hash = Sha256::digest(&body);
    let tag = format!("\"{}\"", hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>());
    let mut response =
        if is_known(headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { Json(answer).into_response() };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

/// Whether If-None-Match names the tag (RFC 9110 §13.1.2: weak comparison, or any).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|named| named == "*" || named.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_itself_by_its_weak_form_and_by_the_star() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().expect("a header"));
            is_known(&headers, "\"a\"")
        };
        assert!(with("\"a\"") && with("W/\"a\"") && with("\"x\", \"a\"") && with("*"));
        assert!(!with("\"b\"") && !with("a") && !is_known(&HeaderMap::new(), "\"a\""));
    }
}

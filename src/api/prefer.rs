//! `Prefer: wait=SECONDS` (RFC 7240): how long a client would like to wait for the end.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};

/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The wait that was asked for; none if there is none, or it makes no sense: a preference may be ignored.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let wait = preferences.flat_map(|value| value.split([',', ';'])).find_map(|preference| {
        let (name, seconds) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| seconds.trim().trim_matches('"').parse().ok())?
    });
    wait.map(|seconds| Duration::from_secs(seconds).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_most_a_minute_and_nonsense_is_no_wait() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(PREFER, value.parse().expect("a header"));
            wait(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(with("wait=5"), Some(5));
        assert_eq!(with("respond-async, wait = 10"), Some(10));
        assert_eq!(with("wait=600"), Some(60));
        assert_eq!(with("wait=soon"), None);
        assert_eq!(with("respond-async"), None);
    }
}

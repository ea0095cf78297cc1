//! What a client is built from, and the limits that it knows.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::scripted_server;
use crate::clock::SystemClock;
use crate::provider::tencent::*;

fn built(endpoint: &str) -> Result<TencentCdn, SetupError> {
    let credentials = Credentials::new("AKIDx".to_owned(), SecretString::from("hush"), None).expect("well formed");
    let endpoint = endpoint.parse().expect("a URL");
    TencentCdn::new(TencentOptions {
        endpoint,
        keys: CredentialProvider::from_pair(credentials),
        clock: Arc::new(SystemClock::default()),
    })
}

#[test]
fn an_endpoint_is_a_bare_origin() {
    assert!(built("http://127.0.0.1:4000").is_ok());
    for bad in
        ["ftp://h.example/", "https://me:hush@h.example/", "https://h.example/v2", "https://h.example/?a", "data:x"]
    {
        let fault = built(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
        assert!(matches!(fault, SetupError::Endpoint { .. }) && !fault.to_string().contains("hush"), "{fault}");
    }
}

#[test]
fn the_day_turns_and_calls_leave_as_the_provider_documents() {
    let client = built("http://127.0.0.1:4000/").expect("a client");
    let limits = client.capabilities();
    assert_eq!(limits.rate_limit(ApiAction("PurgeUrlsCache")).0, 20);
    // 2026-11-22 16:00 UTC is midnight there.
    let midnight = scripted_server::NOW;
    assert_eq!(limits.day.next_reset(midnight - Duration::from_secs(1)), midnight);
}

//! TC3-HMAC-SHA256, the signature of Tencent Cloud's API 3.0 ("Signature v3"), as pure functions of the bytes sent.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// What is signed of a POST to `/`.
pub(super) struct Signable<'a> {
    /// The product code, also for regional and international hosts.
    pub(super) service: &'a str,
    /// Signed headers in lower case, sorted by name, values as sent; at least `content-type` and `host`.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// `X-TC-Timestamp`: seconds since the epoch.
    pub(super) timestamp: i64,
    pub(super) body: &'a [u8],
}

/// A signature, and the header that carries it. No `Debug`: neither may reach a log.
pub(super) struct Signature {
    pub(super) hex: String,
    pub(super) authorization: String,
}

pub(super) fn sign(secret_id: &str, secret_key: &SecretString, signable: &Signable<'_>) -> Signature {
    let date = utc_date(signable.timestamp);
    let scope = credential_scope(&date, signable.service);
    let key = signing_key(secret_key, &date, signable.service);
    let hex = hex(&hmac(&key, string_to_sign(&scope, signable).as_bytes()));
    let headers = signed_headers(signable);
    let authorization = format!("{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={headers}, Signature={hex}");
    Signature { hex, authorization }
}

/// The UTC day, whatever day it is in Beijing. A clock outside the calendar gets a date that the provider refuses.
fn utc_date(timestamp: i64) -> String {
    jiff::Timestamp::from_second(timestamp).unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y-%m-%d").to_string()
}

fn credential_scope(date: &str, service: &str) -> String {
    format!("{date}/{service}/tc3_request")
}

fn signed_headers(signable: &Signable<'_>) -> String {
    let names: Vec<&str> = signable.headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

fn canonical_request(signable: &Signable<'_>) -> String {
    let headers: String = signable.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let payload = hex(&Sha256::digest(signable.body));
    format!("POST\n/\n\n{headers}\n{}\n{payload}", signed_headers(signable))
}

fn string_to_sign(scope: &str, signable: &Signable<'_>) -> String {
    let request = hex(&Sha256::digest(canonical_request(signable)));
    format!("{ALGORITHM}\n{}\n{scope}\n{request}", signable.timestamp)
}

fn signing_key(secret_key: &SecretString, date: &str, service: &str) -> [u8; 32] {
    // Kept in a SecretString so that the copy of the key is wiped too.
    let seed = SecretString::from(format!("TC3{}", secret_key.expose_secret()));
    let day = hmac(seed.expose_secret().as_bytes(), date.as_bytes());
    hmac(&hmac(&day, service.as_bytes()), b"tc3_request")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn text<'a>(case: &'a Value, field: &str) -> &'a str {
        case[field].as_str().unwrap_or_else(|| panic!("{field} of {}", case["name"]))
    }

    fn check(case: &Value) {
        let action = text(case, "action").to_lowercase();
        let mut headers = vec![("content-type", text(case, "content_type")), ("host", text(case, "host"))];
        if text(case, "signed_headers").contains("x-tc-action") {
            headers.push(("x-tc-action", &action));
        }
        let signable = Signable {
            service: text(case, "service"),
            headers: &headers,
            timestamp: case["timestamp"].as_i64().expect("a timestamp"),
            body: text(case, "payload").as_bytes(),
        };
        let key = SecretString::from(text(case, "secret_key"));
        let name = text(case, "name");
        assert_eq!(hex(&Sha256::digest(signable.body)), text(case, "payload_sha256"), "{name}");
        assert_eq!(canonical_request(&signable), text(case, "canonical_request"), "{name}");
        let (date, scope) = (text(case, "date"), text(case, "credential_scope"));
        assert_eq!(utc_date(signable.timestamp), date, "{name}");
        assert_eq!(credential_scope(date, signable.service), scope, "{name}");
        assert_eq!(string_to_sign(scope, &signable), text(case, "string_to_sign"), "{name}");
        assert_eq!(hex(&signing_key(&key, date, signable.service)), text(case, "signing_key_hex"), "{name}");
        let signature = sign(text(case, "secret_id"), &key, &signable);
        assert_eq!(signature.hex, text(case, "signature"), "{name}");
        assert_eq!(signature.authorization, text(case, "authorization"), "{name}");
    }

    #[test]
    fn every_vector_and_both_published_examples_are_signed_as_the_provider_does() {
        let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tc3-signing.json"));
        let vectors: Value = serde_json::from_str(vectors).expect("vectors");
        let (cases, published) = (vectors["cases"].as_array(), vectors["published_examples"].as_array());
        let (cases, published) = (cases.expect("cases"), published.expect("examples"));
        assert_eq!((cases.len(), published.len()), (16, 2));
        cases.iter().chain(published).for_each(check);
    }

    #[test]
    fn an_absurd_clock_signs_without_panic() {
        assert_eq!(utc_date(i64::MAX), "1970-01-01");
    }
}

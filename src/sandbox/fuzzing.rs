//! What holds of any request that reaches the API: it is nobody's, unless it says what a vector says that was
//! signed, within its window. `fuzz/` tries it on what it finds, the tests on the corpus.

use std::str::FromStr;
use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::Value;

use super::account::Credential;
use super::api::signature::{SignedRequest, verify};
use crate::domain::Timestamp;

const VECTORS: &str = include_str!("../../tests/vectors/tc3-signing.json");
const WINDOW_S: i64 = 300;

/// A request as bytes: head, empty line, body.
struct FuzzRequest {
    method: Method,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A request that was signed, by whom and when.
struct FuzzVector {
    request: FuzzRequest,
    credential: Credential,
    sent_at: i64,
}

/// Holds the law for a request, at the edges of every vector's window. Returns whether it was ever accepted.
///
/// # Panics
/// If the law is broken.
pub fn verification(bytes: &[u8]) -> bool {
    let Some(request) = FuzzRequest::read(bytes) else { return false };
    let mut accepted = false;
    let mut tried = Vec::new();
    for vector in vectors() {
        if tried.contains(&(&vector.credential, vector.sent_at)) {
            continue;
        }
        tried.push((&vector.credential, vector.sent_at));
        for late in [0, WINDOW_S, -WINDOW_S, WINDOW_S + 1, -WINDOW_S - 1] {
            let now = Timestamp::from_millis((vector.sent_at + late) * 1000);
            let FuzzRequest { method, query, headers, body } = &request;
            let signed = SignedRequest { method, query, headers, body };
            match verify(&signed, std::slice::from_ref(&vector.credential), now) {
                Ok(_) => assert_was_signed(&request, &vector.credential, now),
                Err(refusal) => {
                    assert!(!refusal.code.is_empty() && !refusal.message.is_empty());
                    continue;
                }
            }
            accepted = true;
        }
    }
    accepted
}

fn assert_was_signed(request: &FuzzRequest, credential: &Credential, now: Timestamp) {
    let mut same =
        vectors().iter().filter(|vector| vector.credential == *credential && vector.has_same_signed_parts(request));
    let fuzz_vector = same.next().expect("accepted, but nobody signed it");
    assert!((now.as_secs() - fuzz_vector.sent_at).abs() <= WINDOW_S, "accepted out of its window");
}

impl FuzzVector {
    /// Whether everything that was signed is the same in `request`. Spaces around a value are not signed, nor is the
    /// case of the action; some clients leave the port out of what they sign.
    fn has_same_signed_parts(&self, request: &FuzzRequest) -> bool {
        let own = &self.request;
        let names = own.text("authorization").split("SignedHeaders=").nth(1).unwrap_or_default();
        let names = names.split(',').next().unwrap_or_default().split(';');
        let same = |name: &str| match name {
            "host" => is_host(request.text(name), own.text(name)),
            "x-tc-action" => request.text(name).eq_ignore_ascii_case(own.text(name)),
            _ => request.text(name) == own.text(name),
        };
        let authorized = |request: &FuzzRequest| request.text("authorization").replace(' ', "");
        authorized(request) == authorized(own)
            && request.method == own.method
            && request.query == own.query
            && request.body == own.body
            && names.chain(["x-tc-timestamp", "x-tc-token"]).all(same)
    }

    fn read(case: &Value) -> Self {
        let text = |name: &str| case[name].as_str();
        let sent_at = case["timestamp"].as_i64().expect("a timestamp");
        let mut credential = Credential::new(text("secret_id").expect("an id"), text("secret_key").expect("a key"));
        credential.token = text("token").map(str::to_owned);
        Self { request: FuzzRequest::read(&to_bytes(case)).expect("a request"), credential, sent_at }
    }
}

fn is_host(received: &str, signed: &str) -> bool {
    let port = received.strip_prefix(signed).and_then(|rest| rest.strip_prefix(':'));
    received == signed || port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A vector as it goes over the wire.
fn to_bytes(case: &Value) -> Vec<u8> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let mut head = String::from("POST / HTTP/1.1\n");
    for name in ["authorization", "content_type", "host", "action", "version", "timestamp", "token"] {
        let value = case[name].as_i64().map_or_else(|| text(name).to_owned(), |number| number.to_string());
        let prefix = if ["action", "version", "timestamp", "token"].contains(&name) { "x-tc-" } else { "" };
        if !value.is_empty() {
            head.push_str(&format!("{prefix}{}: {value}\n", name.replace('_', "-")));
        }
    }
    [head.as_bytes(), b"\n", text("payload").as_bytes()].concat()
}

fn vectors() -> &'static [FuzzVector] {
    static READ: OnceLock<Vec<FuzzVector>> = OnceLock::new();
    READ.get_or_init(|| {
        let file: Value = serde_json::from_str(VECTORS).expect("vectors");
        let cases = ["cases", "published_examples"].map(|list| file[list].as_array().expect("a list"));
        cases.into_iter().flatten().map(FuzzVector::read).collect()
    })
}

impl FuzzRequest {
    /// Nothing, if hyper would not pass it on to the API.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|window| window == b"\n\n")?;
        let mut lines = bytes[..end].split(|byte| *byte == b'\n');
        let mut first = std::str::from_utf8(lines.next()?).ok()?.split(' ');
        let method = Method::from_str(first.next()?).ok()?;
        let uri = Uri::from_str(first.next()?).ok()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            // A key may come twice; which of its values counts is part of what is tried.
            headers.try_append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?).ok()?;
        }
        let query = uri.query().unwrap_or_default().to_owned();
        Some(Self { method, query, headers, body: bytes[end + 2..].to_vec() })
    }

    fn text(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| std::str::from_utf8(value.as_bytes()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_a_request_is_nobodys_unless_it_was_signed() {
        let samples = crate::corpus::samples("verification");
        let accepted = samples.iter().filter(|sample| verification(sample)).count();
        assert!(accepted > 0 && accepted < samples.len(), "{accepted} accepted: one side was never tried");
    }

    #[test]
    fn every_vector_is_accepted_as_it_goes_over_the_wire() {
        let file: Value = serde_json::from_str(VECTORS).expect("vectors");
        let cases = ["cases", "published_examples"].map(|list| file[list].as_array().expect("a list"));
        for case in cases.into_iter().flatten() {
            assert!(verification(&to_bytes(case)), "{}", case["name"]);
        }
    }
}

//! TC3-HMAC-SHA256 as the server sees it: rebuilds what was signed from the request that arrived, and compares.
//! Written from the fact sheet alone; the client has its own signer, so that neither can hide the other's mistake.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::error::CloudError;
use super::time_formats;
use crate::domain::Timestamp;
use crate::sandbox::account::Credential;

/// How far a request's timestamp may be from the server's time.
const TIMESTAMP_WINDOW: Duration = Duration::from_secs(300);

/// The parts of a request that a signature covers.
#[derive(Clone, Copy)]
pub(crate) struct SignedRequest<'a> {
    pub(crate) method: &'a Method,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Returns whose request this is, or why it is nobody's. The order of the checks is the provider's.
pub(crate) fn verify<'c>(
    signed: &SignedRequest<'_>,
    credentials: &'c [Credential],
    now: Timestamp,
) -> Result<&'c Credential, CloudError> {
    let authorization = Authorization::parse(required(signed.headers, "Authorization")?)?;
    let timestamp = required(signed.headers, "X-TC-Timestamp")?;
    let Some(credential) = credentials.iter().find(|entry| entry.secret_id == authorization.secret_id) else {
        return Err(CloudError::new("AuthFailure.SecretIdNotFound", "The SecretId is not found."));
    };
    let Ok(sent_at) = timestamp.parse::<i64>() else {
        return Err(CloudError::new("InvalidParameter", "The value type of parameter `X-TC-Timestamp` is not valid."));
    };
    if time_formats::utc_date(sent_at).as_deref() != Some(authorization.date) {
        return Err(signature_failure("The date of the credential scope is not the UTC day of X-TC-Timestamp."));
    }
    if now.as_secs().abs_diff(sent_at) > TIMESTAMP_WINDOW.as_secs() {
        return Err(CloudError::new(
            "AuthFailure.SignatureExpire",
            "X-TC-Timestamp is more than 300 s from the server's.",
        ));
    }
    if !authorization.matches(signed, timestamp, &credential.secret_key) {
        return Err(signature_failure("The provided credentials could not be validated. Please check your signature."));
    }
    let token = text(signed.headers, "x-tc-token").filter(|token| !token.is_empty());
    if token != credential.token.as_deref() {
        return Err(CloudError::new("AuthFailure.TokenFailure", "The session token is wrong or has expired."));
    }
    Ok(credential)
}

/// The value of a header that every request must have.
pub(crate) fn required<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, CloudError> {
    text(headers, name).ok_or_else(|| CloudError::missing(name))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // The signed bytes are UTF-8 in every client, also where a header's value goes beyond ASCII. Only spaces and tabs
    // around it are no part of it (RFC 9110 §5.5): what Unicode calls white space was signed, or was not.
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes().trim_ascii()).ok())
}

fn signature_failure(message: &str) -> CloudError {
    CloudError::new("AuthFailure.SignatureFailure", message)
}

struct Authorization<'a> {
    secret_id: &'a str,
    date: &'a str,
    /// `cdn` from most clients, but the Node SDK takes the endpoint's first label: any service is believed.
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, CloudError> {
        Self::split(header).ok_or_else(|| {
            CloudError::new("AuthFailure.InvalidAuthorization", "The Authorization header is not well formed.")
        })
    }

    fn split(header: &'a str) -> Option<Self> {
        let mut parts = header.strip_prefix("TC3-HMAC-SHA256 ")?.split(',').map(|part| part.trim_matches(' '));
        let mut scope = parts.next()?.strip_prefix("Credential=")?.split('/');
        let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        let (secret_id, date, service) = (scope.next()?, scope.next()?, scope.next()?);
        let complete = scope.next() == Some("tc3_request") && scope.next().is_none() && parts.next().is_none();
        complete.then_some(Self { secret_id, date, service, signed_headers, signature })
    }

    fn matches(&self, signed: &SignedRequest<'_>, timestamp: &str, secret_key: &str) -> bool {
        let key = self.signing_key(secret_key);
        let mut is_valid = Choice::from(0);
        for host in host_forms(signed.headers) {
            let Some(canonical) = self.canonical_request(signed, host) else { return false };
            let expected = hex(&hmac(&key, self.string_to_sign(&canonical, timestamp).as_bytes()));
            is_valid |= expected.as_bytes().ct_eq(self.signature.as_bytes());
        }
        is_valid.into()
    }

    fn signing_key(&self, secret_key: &str) -> [u8; 32] {
        let dated = hmac(format!("TC3{secret_key}").as_bytes(), self.date.as_bytes());
        hmac(&hmac(&dated, self.service.as_bytes()), b"tc3_request")
    }

    fn string_to_sign(&self, canonical_request: &str, timestamp: &str) -> String {
        let hashed = hex(&Sha256::digest(canonical_request));
        format!("TC3-HMAC-SHA256\n{timestamp}\n{}/{}/tc3_request\n{hashed}", self.date, self.service)
    }

    /// `None`: a signed header did not come, or one that has to be signed was not.
    fn canonical_request(&self, signed: &SignedRequest<'_>, host: &str) -> Option<String> {
        let names: Vec<&str> = self.signed_headers.split(';').collect();
        if !names.contains(&"content-type") || !names.contains(&"host") {
            return None;
        }
        let mut lines = String::new();
        for name in names {
            let value = match name {
                "host" => host.to_owned(),
                // The one value that the documentation's example signs in lower case.
                "x-tc-action" => text(signed.headers, name)?.to_ascii_lowercase(),
                _ => text(signed.headers, name)?.to_owned(),
            };
            lines.push_str(&format!("{name}:{value}\n"));
        }
        let SignedRequest { method, query, .. } = signed;
        Some(format!("{method}\n/\n{query}\n{lines}\n{}\n{}", self.signed_headers, hashed_payload(signed)))
    }
}

/// The value as received, and for clients that sign it so, the value without its port.
fn host_forms(headers: &HeaderMap) -> Vec<&str> {
    let Some(received) = text(headers, "host") else { return Vec::new() };
    match received.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => vec![received, name],
        _ => vec![received],
    }
}

fn hashed_payload(signed: &SignedRequest<'_>) -> String {
    const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
    if text(signed.headers, "x-tc-content-sha256") == Some(UNSIGNED) {
        return hex(&Sha256::digest(UNSIGNED));
    }
    hex(&Sha256::digest(signed.body))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../../../tests/vectors/tc3-signing.json");

    /// One vector as a request.
    #[derive(Clone)]
    struct SignatureVector {
        name: String,
        headers: HeaderMap,
        body: Vec<u8>,
        credential: Credential,
        sent_at: Timestamp,
    }

    impl SignatureVector {
        fn read(case: &Value) -> Self {
            let text = |name: &str| case[name].as_str().map(str::to_owned);
            let seconds = case["timestamp"].as_i64().unwrap();
            let mut headers = HeaderMap::new();
            for (name, value) in [
                ("authorization", text("authorization")),
                ("content-type", text("content_type")),
                ("host", text("host")),
                ("x-tc-action", text("action")),
                ("x-tc-timestamp", Some(seconds.to_string())),
                ("x-tc-token", text("token")),
            ] {
                if let Some(value) = value {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
                }
            }
            let mut credential = Credential::new(text("secret_id").unwrap(), text("secret_key").unwrap());
            credential.token = text("token");
            Self {
                name: text("name").unwrap(),
                headers,
                body: text("payload").unwrap().into_bytes(),
                credential,
                sent_at: Timestamp::from_millis(seconds * 1000),
            }
        }

        fn verdict(&self) -> Result<(), String> {
            self.verdict_at(self.sent_at)
        }

        fn verdict_at(&self, now: Timestamp) -> Result<(), String> {
            let signed = SignedRequest { method: &Method::POST, query: "", headers: &self.headers, body: &self.body };
            let verdict = verify(&signed, std::slice::from_ref(&self.credential), now);
            verdict.map(drop).map_err(|refusal| refusal.code.into_owned())
        }

        fn with(&self, name: &'static str, value: &str) -> Self {
            let mut changed = self.clone();
            changed.headers.insert(name, HeaderValue::from_str(value).unwrap());
            changed
        }

        fn header(&self, name: &str) -> String {
            self.headers[name].to_str().unwrap().to_owned()
        }
    }

    fn vectors() -> Vec<SignatureVector> {
        let file: Value = serde_json::from_str(VECTORS).unwrap();
        let of = |list: &str| file[list].as_array().unwrap().iter().map(SignatureVector::read).collect::<Vec<_>>();
        [of("cases"), of("published_examples")].concat()
    }

    fn vector(name: &str) -> SignatureVector {
        vectors().into_iter().find(|vector| vector.name == name).unwrap()
    }

    #[test]
    fn every_vector_is_accepted() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 18);
        for vector in vectors {
            assert_eq!(vector.verdict(), Ok(()), "{}", vector.name);
        }
    }

    #[test]
    fn one_changed_byte_anywhere_is_refused() {
        for vector in vectors().into_iter().filter(|vector| vector.body.len() < 1_000) {
            for place in 0..vector.body.len() {
                let mut changed = vector.clone();
                changed.body[place] ^= 1;
                assert!(changed.verdict().is_err(), "{}: body byte {place}", vector.name);
            }
            for name in vector.headers.keys().filter(|name| *name != "x-tc-action") {
                for (place, flip) in (0..vector.headers[name].len()).flat_map(|place| [(place, 1), (place, 0x20)]) {
                    let mut bytes = vector.headers[name].as_bytes().to_vec();
                    bytes[place] ^= flip;
                    let Ok(value) = HeaderValue::from_bytes(&bytes) else { continue };
                    let mut changed = vector.clone();
                    changed.headers.insert(name.clone(), value);
                    assert!(changed.verdict().is_err(), "{}: {name} byte {place}", vector.name);
                }
            }
        }
    }

    #[test]
    fn the_window_is_300_seconds_to_either_side() {
        let vector = vector("cdn-purge-urls-basic");
        let (inside, outside) = (Duration::from_secs(300), Duration::from_secs(301));
        assert_eq!(vector.verdict_at(vector.sent_at + inside), Ok(()));
        assert_eq!(vector.verdict_at(vector.sent_at - inside), Ok(()));
        let expired = Err("AuthFailure.SignatureExpire".to_owned());
        assert_eq!(vector.verdict_at(vector.sent_at + outside), expired);
        assert_eq!(vector.verdict_at(vector.sent_at - outside), expired);
    }

    #[test]
    fn the_host_may_be_signed_with_or_without_its_port() {
        let vector = vector("cdn-purge-urls-basic");
        assert_eq!(vector.with("host", "cdn.tencentcloudapi.com:8471").verdict(), Ok(()));
        assert!(vector.with("host", "cdn.tencentcloudapi.com:port").verdict().is_err());
    }

    #[test]
    fn only_spaces_around_a_part_are_free() {
        let vector = vector("cdn-purge-urls-basic");
        let authorization = vector.header("authorization");
        let spaced = |by: &str| vector.with("authorization", &authorization.replace(", ", by)).verdict();
        assert_eq!((spaced(","), spaced(" ,  ")), (Ok(()), Ok(())));
        assert!(spaced("\t, ").is_err() && spaced(",\t").is_err());
        let mut wide = vector.clone();
        let value = HeaderValue::from_bytes("application/json\u{3000}".as_bytes()).unwrap();
        wide.headers.insert("content-type", value);
        assert!(wide.verdict().is_err());
    }

    #[test]
    fn a_header_named_as_signed_has_to_be_there() {
        let mut vector = vector("documentation-example-current");
        vector.headers.remove("x-tc-action");
        assert_eq!(vector.verdict(), Err("AuthFailure.SignatureFailure".to_owned()));
    }

    #[test]
    fn a_signature_that_leaves_out_host_or_content_type_is_refused() {
        for names in ["host", "content-type", "content-type;x-tc-action", ""] {
            let mut vector = vector("cdn-purge-urls-basic");
            // Signed rightly but for the missing name: only the rule can refuse it.
            let old = vector.header("authorization");
            let changed = old.replace("SignedHeaders=content-type;host", &format!("SignedHeaders={names}"));
            vector = vector.with("authorization", &changed);
            let authorization = Authorization::split(&changed).unwrap();
            let signed =
                SignedRequest { method: &Method::POST, query: "", headers: &vector.headers, body: &vector.body };
            assert_eq!(authorization.canonical_request(&signed, "cdn.tencentcloudapi.com"), None, "{names}");
            assert_eq!(vector.verdict(), Err("AuthFailure.SignatureFailure".to_owned()));
        }
    }

    #[test]
    fn each_flaw_has_its_code() {
        let good = vector("cdn-purge-urls-basic");
        let authorization = good.header("authorization");
        let verdict = |vector: &SignatureVector| vector.verdict().unwrap_err();
        for malformed in ["", "SKIP", "TC3-HMAC-SHA256 Credential=a/b/c/tc3_request", "HMAC a, b, c"] {
            assert_eq!(verdict(&good.with("authorization", malformed)), "AuthFailure.InvalidAuthorization");
        }
        let other_key = authorization.replace("AKID", "AKIE");
        assert_eq!(verdict(&good.with("authorization", &other_key)), "AuthFailure.SecretIdNotFound");
        let other_day = authorization.replace("2023-11-14", "2023-11-15");
        assert_eq!(verdict(&good.with("authorization", &other_day)), "AuthFailure.SignatureFailure");
        assert_eq!(verdict(&good.with("x-tc-timestamp", "soon")), "InvalidParameter");
        assert_eq!(verdict(&good.with("x-tc-token", "stray")), "AuthFailure.TokenFailure");
        let mut bare = good.clone();
        bare.headers.remove("authorization");
        assert_eq!(verdict(&bare), "MissingParameter");
        let mut tokenless = vector("cdn-purge-tasks-window-token");
        tokenless.headers.remove("x-tc-token");
        assert_eq!(verdict(&tokenless), "AuthFailure.TokenFailure");
    }

    /// The vector with its authorization header changed, and signed again for what it now says.
    fn signed_again(vector: &SignatureVector, change: impl Fn(&str) -> String) -> SignatureVector {
        let changed = change(&vector.header("authorization"));
        let authorization = Authorization::split(&changed).unwrap();
        let signed = SignedRequest { method: &Method::POST, query: "", headers: &vector.headers, body: &vector.body };
        let canonical = authorization.canonical_request(&signed, &vector.header("host")).unwrap();
        let key = authorization.signing_key(&vector.credential.secret_key);
        let to_sign = authorization.string_to_sign(&canonical, &vector.header("x-tc-timestamp"));
        let signature = hex(&hmac(&key, to_sign.as_bytes()));
        let (head, _) = changed.split_once("Signature=").unwrap();
        vector.with("authorization", &format!("{head}Signature={signature}"))
    }

    #[test]
    fn a_scope_of_another_day_is_refused_however_well_it_is_signed() {
        let vector = vector("cdn-purge-urls-basic");
        assert_eq!(signed_again(&vector, str::to_owned).verdict(), Ok(()));
        let next_day = signed_again(&vector, |old| old.replace("2023-11-14", "2023-11-15"));
        assert_eq!(next_day.verdict(), Err("AuthFailure.SignatureFailure".to_owned()));
    }

    #[test]
    fn any_service_is_believed_if_it_is_signed_for() {
        let vector = vector("cdn-purge-urls-basic");
        assert_eq!(signed_again(&vector, |old| old.replace("/cdn/", "/127/")).verdict(), Ok(()));
    }

    #[test]
    fn an_unsigned_payload_leaves_the_body_free() {
        let free = vector("cdn-purge-urls-basic").with("x-tc-content-sha256", "UNSIGNED-PAYLOAD");
        let mut vector = signed_again(&free, str::to_owned);
        vector.body = b"anything".to_vec();
        assert_eq!(vector.verdict(), Ok(()));
        vector.headers.remove("x-tc-content-sha256");
        assert_eq!(vector.verdict(), Err("AuthFailure.SignatureFailure".to_owned()));
    }
}

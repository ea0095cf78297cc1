//! Reading a body: its type, its size, its JSON, its fields; each fault has an answer of its own.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::problem::ApiError;
use crate::offload::{LARGE_BODY_BYTES, offload_if_large};

/// The longest body.
pub(super) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A body over the limit is read on for so long, so that the client gets to read the answer.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Reads and parses a JSON body.
pub(super) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::NotJson);
    }
    let bytes = bytes(body).await?;
    offload_if_large(bytes.len() >= LARGE_BODY_BYTES, || parse(&bytes)).await
}

/// The same where a body may be left out, whatever its type is then said to be.
pub(super) async fn json_if_any<T: DeserializeOwned + Default>(headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    let bytes = bytes(body).await?;
    match bytes.is_empty() {
        true => Ok(T::default()),
        false if !is_json(headers) => Err(ApiError::NotJson),
        false => parse(&bytes),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

async fn bytes(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| broken(&error))?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            drain(stream).await;
            return Err(ApiError::TooLarge { limit: BODY_BYTES_MAX });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(error: &axum::Error) -> ApiError {
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(too_slow) => ApiError::TooSlow(*too_slow),
        None => ApiError::Malformed(format!("the body broke off ({error})")),
    }
}

async fn drain(mut stream: BodyDataStream) {
    let to_the_end = async { while let Some(Ok(_)) = stream.next().await {} };
    // Whether it ended or not, the answer is the same.
    let _ = tokio::time::timeout(DRAIN_MAX, to_the_end).await;
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // serde takes a list for the fields in the order of their declaration, which nobody can rely on.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::fault("", "wrong_field", "the body is a list; write a JSON object"));
    }
    // To know the place of a fault costs more than the parsing, and nearly all bodies have none.
    serde_json::from_slice(bytes).or_else(|_| parse_watching_the_path(bytes))
}

fn parse_watching_the_path<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(ApiError::Malformed(format!("the body is not JSON: {error}"))),
        },
        Err(error) if error.inner().is_data() => {
            let pointer = pointer(error.path());
            Err(ApiError::fault(pointer, "wrong_field", error.inner().to_string()))
        }
        Err(error) => Err(ApiError::Malformed(format!("the body is not JSON: {}", error.inner()))),
    }
}

/// A path as a JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::server::TimeoutBody;
    use crate::api::wire::JobBody;

    #[tokio::test]
    async fn a_body_that_trickles_forever_is_too_slow() {
        let limit = Duration::from_millis(100);
        let trickle = futures_util::stream::repeat_with(|| Ok::<_, axum::Error>("[")).then(|bytes| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            bytes
        });
        let body = TimeoutBody::new(Body::from_stream(trickle), limit);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().expect("a header"))]);
        let error = json::<JobBody>(&headers, Body::new(body)).await.expect_err("a fault");
        assert!(matches!(error, ApiError::TooSlow(too_slow) if too_slow.limit == limit), "{error:?}");
    }

    fn refused(body: &str) -> ApiError {
        parse::<JobBody>(body.as_bytes()).expect_err("a fault")
    }

    #[test]
    fn each_fault_of_a_body_is_named_at_its_place() {
        for (body, expected) in [
            (r#"{"operation": "purge", "urls": ["a", 5]}"#, "/urls/1"),
            (r#"{"operation": "purge", "colour": 1}"#, "/colour"),
            (r#"{"operation": 7}"#, "/operation"),
            (r#"{"urls": []}"#, ""),
            (r#" ["purge", ["https://www.example.com/a"]]"#, ""),
        ] {
            match refused(body) {
                ApiError::Invalid(faults) => assert_eq!(faults[0].pointer, expected, "{body}: {faults:?}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in ["", "{", "{} {}", "nonsense", r#"{"operation": "purge"} x"#] {
            let error = refused(body);
            let missing = matches!(&error, ApiError::Invalid(faults) if faults[0].detail.contains("missing field"));
            assert!(matches!(error, ApiError::Malformed(_)) || (body == "{} {}" && missing), "{body}: {error:?}");
        }
    }
}

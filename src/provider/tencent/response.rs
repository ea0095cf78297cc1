//! Judges an answer by its body alone: status 200 covers errors too, and the content type is not to be trusted.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error};

use super::wire::{Envelope, EnvelopeHead, ErrorBody};
use crate::domain::{ErrorClass, Failure};

/// Longest message kept of an answer, in characters: enough for a person, too little to fill a disk.
const MESSAGE_CHARS_MAX: usize = 1_000;
/// Longest code or id kept, in characters; the longest published ones have under 70.
const ID_CHARS_MAX: usize = 200;

/// A successful answer.
#[derive(Debug)]
pub(super) struct ApiReply<A> {
    pub(super) request_id: String,
    pub(super) fields: A,
}

/// The provider's word that it did nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TencentError {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: String,
}

impl TencentError {
    pub(super) fn failure(self, class: ErrorClass) -> Failure {
        Failure::new(class, self.code, self.message).with_request_id(Some(self.request_id))
    }
}

/// Why a call brought no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// No byte of the request left.
    NotSent(Failure),
    /// The request left, and nothing came back that can be trusted.
    Lost(Failure),
    Refused(TencentError),
}

pub(super) fn lost(code: impl Into<String>, message: impl Into<String>) -> CallError {
    CallError::Lost(Failure::new(ErrorClass::Lost, code, message))
}

/// A reader's complaint quotes what it stumbled over, however long that is.
fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    let message = shortened(&format!("{what} is not as documented: {error}"), MESSAGE_CHARS_MAX);
    Failure::new(ErrorClass::Lost, "answer_unreadable", message)
}

/// Reads an object: serde takes a list for the fields in the order of their declaration, which is not the provider's.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    if json.trim_ascii_start().starts_with(b"[") {
        return Err(serde_json::Error::custom("a list, where an object belongs"));
    }
    serde_json::from_slice(json)
}

/// Reads the body of an answer with status 200.
///
/// An envelope without a request id is not the provider's word, whatever else it says: every answer has one.
pub(super) fn read<A: DeserializeOwned>(body: &[u8]) -> Result<ApiReply<A>, CallError> {
    let unreadable_response = |error| CallError::Lost(unreadable("the answer", &error));
    let envelope: Envelope<'_> = object(body).map_err(unreadable_response)?;
    let response = envelope.response.get().as_bytes();
    let head: EnvelopeHead<'_> = object(response).map_err(unreadable_response)?;
    let error: Option<ErrorBody> =
        head.error.map(|error| object(error.get().as_bytes())).transpose().map_err(unreadable_response)?;
    let request_id = head.request_id.filter(|id| !id.trim().is_empty()).map(|id| shortened(&id, ID_CHARS_MAX));
    let Some(request_id) = request_id else {
        return Err(lost("no_request_id", "the answer has no RequestId, so it is not the provider's"));
    };
    if let Some(error) = error {
        return Err(CallError::Refused(TencentError {
            code: shortened(&error.code.unwrap_or_default(), ID_CHARS_MAX),
            message: shortened(&error.message.unwrap_or_default(), MESSAGE_CHARS_MAX),
            request_id,
        }));
    }
    match object(response) {
        Ok(fields) => Ok(ApiReply { request_id, fields }),
        Err(error) => {
            let failure = unreadable("a field", &error);
            Err(CallError::Lost(failure.with_request_id(Some(request_id))))
        }
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn code(body: &str) -> String {
        match read::<Value>(body.as_bytes()) {
            Ok(reply) => format!("ok {}", reply.request_id),
            Err(CallError::Lost(failure)) => format!("lost {}", failure.code),
            Err(CallError::Refused(refusal)) => format!("refused {} {}", refusal.code, refusal.request_id),
            Err(CallError::NotSent(_)) => "not sent".to_owned(),
        }
    }

    #[test]
    fn only_a_whole_envelope_is_the_providers_word() {
        for (body, expected) in [
            (r#"{"Response":{"RequestId":"r","TaskId":"t"}}"#, "ok r"),
            (r#"{"Response":{"RequestId":"r","Error":null}}"#, "ok r"),
            (r#"{"Response":{"RequestId":"r","Error":{"Code":"A.B","Message":"m"}}}"#, "refused A.B r"),
            (r#"{"Response":{"RequestId":"r","Error":{}}}"#, "refused  r"),
            (r#"{"Response":{"Error":{"Code":"A.B","Message":"m"}}}"#, "lost no_request_id"),
            (r#"{"Response":{"TaskId":"t"}}"#, "lost no_request_id"),
            (r#"{"Response":{"RequestId":"  "}}"#, "lost no_request_id"),
            (r#"{"Response":{"RequestId":7}}"#, "lost answer_unreadable"),
            (r#"{"Response":{"RequestId":"r","Error":"no"}}"#, "lost answer_unreadable"),
            (r#"{"Response":{"RequestId":"r","Error":["A.B","m"]}}"#, "lost answer_unreadable"),
            (r#"{"Response":["r"]}"#, "lost answer_unreadable"),
            (r#"[{"RequestId":"r"}]"#, "lost answer_unreadable"),
            (r#"{"Response":null}"#, "lost answer_unreadable"),
            (r#"{"RequestId":"r"}"#, "lost answer_unreadable"),
            ("", "lost answer_unreadable"),
            ("<html>", "lost answer_unreadable"),
            ("\u{0}\u{1}", "lost answer_unreadable"),
        ] {
            assert_eq!(code(body), expected, "{body}");
        }
    }

    #[test]
    fn a_deep_or_endless_answer_is_refused_not_followed() {
        let deep = format!(r#"{{"Response":{{"RequestId":"r","X":{}"#, "[".repeat(100_000));
        assert_eq!(code(&deep), "lost answer_unreadable");
        let deep = format!(r#"{{"Response":{{"RequestId":"r","X":{}{}}}}}"#, "[".repeat(500), "]".repeat(500));
        assert_eq!(code(&deep), "lost answer_unreadable");
    }

    #[test]
    fn long_texts_are_cut() {
        let body =
            format!(r#"{{"Response":{{"RequestId":"r","Error":{{"Code":"A","Message":"{}"}}}}}}"#, "ü".repeat(5_000));
        let Err(CallError::Refused(refusal)) = read::<Value>(body.as_bytes()) else { panic!("a refusal") };
        assert_eq!(refusal.message.chars().count(), MESSAGE_CHARS_MAX);
    }
}

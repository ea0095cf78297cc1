//! What a scripted answer says of its request and its moment.

use http::{HeaderMap, header};
use uuid::Uuid;

use crate::domain::Timestamp;
use crate::sandbox::api::time_formats;
use crate::sandbox::listener::header_text;

/// Puts text for the places in `text`: `{nonce}`, `{time}`, `{path}`, `{agent}`, `{cookie}`.
pub(super) fn fill(text: &str, path: &str, request: &HeaderMap, now: Timestamp) -> String {
    text.replace("{nonce}", &Uuid::new_v4().simple().to_string())
        .replace("{time}", &time_formats::http_date(now))
        .replace("{path}", path)
        .replace("{agent}", header_text(request, &header::USER_AGENT))
        .replace("{cookie}", header_text(request, &header::COOKIE))
}

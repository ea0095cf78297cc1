//! The envelope around every answer of API 3.0 ("Response envelope"). Other keys (`DeprecatedWarning`) are ignored.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, rename = "Response")]
    pub(super) response: &'a RawValue,
}

/// What every answer has, whatever was asked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Head<'a> {
    pub(super) request_id: Option<String>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

//! The envelope around every answer of API 3.0 ("Response envelope"), where other keys (`DeprecatedWarning`) are ignored,
//! and the metadata service's keys.

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
pub(super) struct EnvelopeHead<'a> {
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

/// What the metadata service hands out ("Instance role").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleKeys {
    pub(super) code: Option<String>,
    pub(super) tmp_secret_id: Option<String>,
    pub(super) tmp_secret_key: Option<String>,
    pub(super) token: Option<String>,
    /// Seconds since the epoch.
    pub(super) expired_time: Option<i64>,
}

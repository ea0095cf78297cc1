//! Why the edge could not fetch from the origin, and the status that visitors get for it.

use http::StatusCode;

use super::cache::EdgeScheme;

/// Why an origin gave no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OriginFetchError {
    /// The origin's name leads back to the CDN.
    Loop,
    Dns,
    Connect,
    ConnectTimeout,
    AnswerTimeout,
    Broken,
    Handshake,
    Certificate,
    CertificateName,
}

impl OriginFetchError {
    /// The provider tells causes apart only where it asks by https.
    pub(super) fn status(self, scheme: EdgeScheme) -> StatusCode {
        let status = match (self, scheme) {
            (Self::Loop, _) => 423,
            (Self::Broken, _) | (_, EdgeScheme::Http) => 502,
            (Self::Dns, EdgeScheme::Https) => 531,
            (Self::Connect, EdgeScheme::Https) => 532,
            (Self::ConnectTimeout, EdgeScheme::Https) => 533,
            (Self::AnswerTimeout, EdgeScheme::Https) => 537,
            (Self::Handshake, EdgeScheme::Https) => 538,
            (Self::Certificate, EdgeScheme::Https) => 539,
            (Self::CertificateName, EdgeScheme::Https) => 540,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

//! What is set from outside to be wrong with a certificate of origin or edge.

use serde::{Deserialize, Serialize};

use crate::sandbox::faults::wire::FaultySide;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    pub at: FaultySide,
    /// The name that a client asks for (SNI).
    pub host: String,
    pub certificate: CertificateState,
}

impl CertificateRule {
    #[must_use]
    pub fn new(at: FaultySide, host: impl Into<String>, certificate: CertificateState) -> Self {
        Self { at, host: host.into(), certificate }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CertificateState {
    Good,
    /// Since yesterday.
    Expired,
    /// From tomorrow on.
    NotYetValid,
    /// Good, and about to expire.
    ExpiresIn {
        #[serde(default, skip_serializing_if = "is_zero")]
        days: u32,
        #[serde(default, skip_serializing_if = "is_zero")]
        hours: u32,
    },
    WrongName,
    SelfSigned,
    /// The intermediate is not sent.
    IncompleteChain,
    UnknownIssuer,
    /// The handshake ends with an alert, before any certificate.
    HandshakeFailure,
    /// The connection is taken, and the handshake never answered.
    HandshakeSilence,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

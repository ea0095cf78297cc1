//! What a client of Tencent Cloud is set up with, and why that can fail.

use std::sync::Arc;

use thiserror::Error;
use url::Url;

use super::credentials::CredentialProvider;
use crate::clock::Clock;

/// What a client is made of.
pub struct TencentOptions {
    /// `https://cdn.tencentcloudapi.com/`, its international or regional sisters, or a sandbox; never with a path.
    pub endpoint: Url,
    pub keys: CredentialProvider,
    pub clock: Arc<dyn Clock>,
}

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    #[error("the endpoint at {endpoint:?} cannot be used: {reason}")]
    Endpoint { endpoint: String, reason: &'static str },
    #[error("no TLS client could be made: {0}; are the system's CA certificates installed (package ca-certificates)?")]
    Tls(String),
}

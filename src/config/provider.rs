//! The providers that a configuration can name, and the limits that it must stay below.

/// The clouds that can be named, by the word that names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    TencentCdn,
}

impl ProviderKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TencentCdn => "tencent-cdn",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::TencentCdn].into_iter().find(|kind| kind.as_str() == text)
    }

    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::TencentCdn => "https://cdn.tencentcloudapi.com",
        }
    }
}

/// The largest figures that a provider allows. Its own floor knows them; whoever loads a configuration brings them along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderLimits {
    pub calls_per_second: u32,
    pub batch_targets: u32,
}

//! The providers that a configuration can name, and the limits that it must not exceed.

/// The providers, by their names in the configuration.
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

/// The highest limits that a provider allows. The caller of `Config::load` passes them, so that `config` does not
/// depend on `provider`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderLimits {
    pub calls_per_second: u32,
    pub batch_targets: u32,
}

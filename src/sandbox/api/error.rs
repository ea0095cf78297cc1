//! A refusal: the error code and message that the API answers in its envelope.

use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloudError {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl CloudError {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// The product's own word for a request it cannot make sense of.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameter.CdnParamError", message)
    }

    pub(crate) fn missing(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request is missing a required parameter `{name}`."))
    }
}

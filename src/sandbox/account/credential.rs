//! The key pairs that the simulated account accepts. They open nothing but the sandbox.

use std::fmt;

use uuid::Uuid;

#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub secret_id: String,
    pub secret_key: String,
    /// Set for temporary credentials: the session token that has to come along.
    pub token: Option<String>,
}

impl Credential {
    #[must_use]
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { secret_id: secret_id.into(), secret_key: secret_key.into(), token: None }
    }

    /// A fresh random key pair in the provider's shape.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(format!("AKID{}", Uuid::new_v4().simple()), Uuid::new_v4().simple().to_string())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("secret_id", &self.secret_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_differ_and_are_not_shown() {
        let one = Credential::generate();
        assert_ne!(one, Credential::generate());
        assert!(one.secret_id.starts_with("AKID"));
        assert!(!format!("{one:?}").contains(&one.secret_key));
    }
}

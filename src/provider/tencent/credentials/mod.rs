//! The account's key pair, and where it comes from: the configuration, or the places that Tencent Cloud's own tools look
//! at ("Credentials"). Assuming another role (STS) and pod identities (TKE) are not spoken here.

mod files;
mod instance_role;
mod pair;
mod provider;
mod sources;
#[cfg(test)]
mod tests;

pub use pair::{Credentials, CredentialsError};
pub use provider::CredentialProvider;
pub use sources::CredentialSources;

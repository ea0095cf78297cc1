//! The instance role: temporary keys that a cloud machine is handed by the metadata service beside it. Everything it says
//! is bounded in time and size, for any process on a shared network could stand in its place.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::redirect::Policy;
use secrecy::SecretString;
use url::Url;

use super::super::wire::RoleKeys;
use super::pair::{Credentials, CredentialsError};
use crate::domain::Timestamp;
use crate::telemetry::error_chain;

const PATH: &str = "latest/meta-data/cam/security-credentials/";
/// Longest answer read; a token has a few kilobytes at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// For both questions together. The service is on the same host: what takes longer is not it.
const TOTAL: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);

/// Asks the metadata service.
pub(super) struct InstanceRole {
    http: reqwest::Client,
    base: Url,
}

/// Temporary keys.
#[derive(Debug)]
pub(super) struct TemporaryCredentials {
    pub(super) pair: Credentials,
    pub(super) expires_at: Timestamp,
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InstanceRoleError {
    /// The service answered that there is no role.
    NoRole,
    /// No answer, or none that makes sense: it may be otherwise in a while.
    NoResponse(String),
}

impl InstanceRole {
    /// `base` is the service's `http://` origin.
    pub(super) fn new(base: Url) -> Result<Self, CredentialsError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            // The service has no TLS, so no certificates are needed.
            .tls_certs_only([])
            .build();
        let unusable = |error: &reqwest::Error| CredentialsError::Unusable {
            place: "the instance role".to_owned(),
            reason: error_chain(error),
        };
        Ok(Self { http: http.map_err(|error| unusable(&error))?, base })
    }

    pub(super) async fn credentials(&self) -> Result<TemporaryCredentials, InstanceRoleError> {
        let timeout = tokio::time::timeout(TOTAL, async {
            let name = self.get(PATH).await?;
            let name = role_name(&name)?;
            keys(&self.get(&format!("{PATH}{name}")).await?)
        });
        timeout
            .await
            .unwrap_or_else(|_| Err(InstanceRoleError::NoResponse(format!("no answer within {} s", TOTAL.as_secs()))))
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, InstanceRoleError> {
        let no_response = |error: reqwest::Error| InstanceRoleError::NoResponse(error_chain(&error.without_url()));
        let url = self.base.join(path).map_err(|error| InstanceRoleError::NoResponse(error.to_string()))?;
        let mut response = self.http.get(url).send().await.map_err(no_response)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(InstanceRoleError::NoRole),
            status => return Err(InstanceRoleError::NoResponse(format!("the metadata service answered {status}"))),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_response)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(InstanceRoleError::NoResponse(format!(
                    "the answer is longer than {ANSWER_BYTES_MAX} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The name goes into a path, so only what a name may have passes.
fn role_name(body: &[u8]) -> Result<&str, InstanceRoleError> {
    let name = std::str::from_utf8(body).unwrap_or_default().trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+=,@".contains(&byte);
    match name {
        "" => Err(InstanceRoleError::NoRole),
        name if name.len() <= 128 && name.bytes().all(fits) => Ok(name),
        _ => Err(InstanceRoleError::NoResponse("the metadata service names no role, but something else".to_owned())),
    }
}

/// Never quotes the answer: it holds a key.
fn keys(body: &[u8]) -> Result<TemporaryCredentials, InstanceRoleError> {
    let unusable = |what: &str| InstanceRoleError::NoResponse(format!("the metadata service's keys {what}"));
    let keys: RoleKeys = serde_json::from_slice(body).map_err(|_| unusable("are no JSON as documented"))?;
    if keys.code.as_deref().is_some_and(|code| code != "Success") {
        return Err(unusable("come without success"));
    }
    let (Some(id), Some(key), Some(token)) = (keys.tmp_secret_id, keys.tmp_secret_key, keys.token) else {
        return Err(unusable("are not complete"));
    };
    let expires = keys.expired_time.ok_or_else(|| unusable("have no ExpiredTime"))?;
    let pair = Credentials::new(id, SecretString::from(key), Some(SecretString::from(token)));
    let pair = pair.map_err(|error| unusable(&format!("cannot be sent: {error}")))?;
    Ok(TemporaryCredentials { pair, expires_at: Timestamp::from_millis(expires.saturating_mul(1000)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_goes_into_a_path() {
        assert_eq!(role_name(b"refreshd-role\n"), Ok("refreshd-role"));
        assert_eq!(role_name(b" \n"), Err(InstanceRoleError::NoRole));
        for bad in ["a/../b", "a?b", "<html>", "a b", "a\nb", "%2e", ".."] {
            assert!(matches!(role_name(bad.as_bytes()), Err(InstanceRoleError::NoResponse(_))), "{bad}");
        }
    }

    #[test]
    fn keys_are_complete_or_none_and_never_quoted() {
        let good = r#"{"TmpSecretId":"a","TmpSecretKey":"b","Token":"t","ExpiredTime":1795363200,"Expiration":"x","Code":"Success"}"#;
        assert_eq!(keys(good.as_bytes()).expect("keys").expires_at, Timestamp::from_millis(1_795_363_200_000));
        for bad in [
            good.replace("Success", "Failed"),
            good.replace(r#""TmpSecretKey":"b","#, ""),
            good.replace(r#""Token":"t","#, ""),
            good.replace("1795363200", "\"hush\""),
            good.replace(r#""ExpiredTime":1795363200,"#, ""),
            good.replace(r#":"b""#, r#":"hush hush""#),
            "hush".to_owned(),
        ] {
            let Err(InstanceRoleError::NoResponse(reason)) = keys(bad.as_bytes()) else { panic!("{bad}") };
            assert!(!reason.contains("hush"), "{reason}");
        }
    }
}

//! Looks for a key pair where Tencent Cloud's own tools look, in their order: environment, credential file, tccli profile,
//! instance role. The first place that holds one is the account's for good.

use std::path::{Path, PathBuf};

use url::Url;

use super::files::{FileContents, FileFormat, pair, read};
use super::instance_role::{InstanceRole, InstanceRoleError};
use super::pair::{Credentials, CredentialsError};
use crate::domain::Timestamp;

const ID_NAME: &str = "TENCENTCLOUD_SECRET_ID";
const KEY_NAME: &str = "TENCENTCLOUD_SECRET_KEY";
/// tccli reads the first, the Node SDK the second; the first that is set counts.
const TOKEN_NAMES: [&str; 2] = ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN"];
const PROFILE_NAME: &str = "TCCLI_PROFILE";

/// A variable's value by its name.
type VariableLookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where this machine keeps what the search looks at.
pub struct CredentialSources {
    environment: Box<VariableLookup>,
    system_file: PathBuf,
    metadata: Url,
}

/// Where renewals come from.
pub(super) enum RefreshSource {
    /// The configuration or the environment: the same as long as the process lives.
    Fixed,
    File(PathBuf, FileFormat),
    Role(InstanceRole),
}

/// A key pair, and where it comes from.
pub(super) struct SourcedCredentials {
    pub(super) source: RefreshSource,
    /// As shown to a person.
    pub(super) place: String,
    pub(super) pair: Credentials,
    /// Of temporary keys only.
    pub(super) expires_at: Option<Timestamp>,
}

impl CredentialSources {
    #[must_use]
    pub fn of_this_machine() -> Self {
        let metadata = Url::parse("http://metadata.tencentyun.com/").expect("a URL");
        Self::new(|name| std::env::var(name).ok(), PathBuf::from("/etc/tencentcloud/credentials"), metadata)
    }

    /// Other places, for tests. The home folder is the environment's `HOME`.
    pub fn new(
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        system_file: PathBuf,
        metadata: Url,
    ) -> Self {
        Self { environment: Box::new(environment), system_file, metadata }
    }

    /// The first place with a key pair.
    ///
    /// # Errors
    /// If a place holds something that cannot be used, or none holds anything; then all are named.
    pub(super) async fn search(&self) -> Result<SourcedCredentials, CredentialsError> {
        let mut places = Vec::new();
        match self.environment_pair()? {
            FileContents::Pair(pair) => {
                let place = "the environment".to_owned();
                return Ok(SourcedCredentials { source: RefreshSource::Fixed, place, pair, expires_at: None });
            }
            FileContents::Nothing(reason) => places.push(format!("the environment ({reason})")),
        }
        for (path, format) in self.files() {
            match read(&path, format).await? {
                FileContents::Pair(pair) => {
                    let place = path.display().to_string();
                    let source = RefreshSource::File(path, format);
                    return Ok(SourcedCredentials { source, place, pair, expires_at: None });
                }
                FileContents::Nothing(reason) => places.push(format!("{} ({reason})", path.display())),
            }
        }
        let role = InstanceRole::new(self.metadata.clone())?;
        let (reason, may_pass) = match role.credentials().await {
            Ok(keys) => {
                return Ok(SourcedCredentials {
                    source: RefreshSource::Role(role),
                    place: "the instance role".to_owned(),
                    pair: keys.pair,
                    expires_at: Some(keys.expires_at),
                });
            }
            Err(InstanceRoleError::NoRole) => ("this machine has none".to_owned(), false),
            Err(InstanceRoleError::NoResponse(reason)) => (reason, true),
        };
        places.push(format!("the instance role at {} ({reason})", self.metadata));
        Err(CredentialsError::NotFound { places, may_pass })
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    fn environment_pair(&self) -> Result<FileContents, CredentialsError> {
        let token = TOKEN_NAMES.into_iter().find_map(|name| self.value(name).map(|value| (name, value)));
        let (token_name, token) = token.map_or((TOKEN_NAMES[0], None), |(name, value)| (name, Some(value)));
        let parts = [(ID_NAME, self.value(ID_NAME)), (KEY_NAME, self.value(KEY_NAME)), (token_name, token)];
        let unusable = |reason| CredentialsError::Unusable { place: "the environment".to_owned(), reason };
        pair(parts, &format!("{ID_NAME} is not set")).map_err(unusable)
    }

    fn files(&self) -> Vec<(PathBuf, FileFormat)> {
        let home = self.value("HOME").map(PathBuf::from);
        let below = |path: &str| home.as_deref().map(|home: &Path| home.join(path));
        let profile = self.value(PROFILE_NAME).unwrap_or_else(|| "default".to_owned());
        let sdk = [below(".tencentcloud/credentials"), Some(self.system_file.clone())];
        let sdk = sdk.into_iter().flatten().map(|path| (path, FileFormat::Sdk));
        let profile = below(&format!(".tccli/{profile}.credential")).map(|path| (path, FileFormat::Profile));
        sdk.chain(profile).collect()
    }
}

//! Looks for a key pair where Tencent Cloud's own tools look, in their order: environment, credential file, tccli profile,
//! instance role. The first place that holds one is the account's for good.

use std::path::{Path, PathBuf};

use url::Url;

use super::CredentialsFault;
use super::files::{Format, Held, pair, read};
use super::instance_role::{Role, RoleFault};
use super::provider::{KeyRing, Source};
use crate::domain::Timestamp;

const ID_NAME: &str = "TENCENTCLOUD_SECRET_ID";
const KEY_NAME: &str = "TENCENTCLOUD_SECRET_KEY";
/// tccli reads the first, the Node SDK the second; the first that is set counts.
const TOKEN_NAMES: [&str; 2] = ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN"];
const PROFILE_NAME: &str = "TCCLI_PROFILE";

/// A variable's value by its name.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where this machine keeps what the search looks at.
pub struct Places {
    environment: Box<Lookup>,
    system_file: PathBuf,
    metadata: Url,
}

impl Places {
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
    pub(super) async fn search(&self, now: Timestamp) -> Result<KeyRing, CredentialsFault> {
        let mut looked = Vec::new();
        match self.environment_pair()? {
            Held::Pair(pair) => return Ok(KeyRing::held(Source::Fixed, "the environment".to_owned(), pair, now)),
            Held::Nothing(reason) => looked.push(format!("the environment ({reason})")),
        }
        for (path, format) in self.files() {
            match read(&path, format).await? {
                Held::Pair(pair) => {
                    let place = path.display().to_string();
                    return Ok(KeyRing::held(Source::File(path, format), place, pair, now));
                }
                Held::Nothing(reason) => looked.push(format!("{} ({reason})", path.display())),
            }
        }
        let role = Role::new(self.metadata.clone())?;
        let (reason, may_pass) = match role.lease().await {
            Ok(lease) => return Ok(KeyRing::leased(role, lease, now)),
            Err(RoleFault::NoRole) => ("this machine has none".to_owned(), false),
            Err(RoleFault::Silent(reason)) => (reason, true),
        };
        looked.push(format!("the instance role at {} ({reason})", self.metadata));
        Err(CredentialsFault::Nowhere { looked, may_pass })
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    fn environment_pair(&self) -> Result<Held, CredentialsFault> {
        let token = TOKEN_NAMES.into_iter().find_map(|name| self.value(name).map(|value| (name, value)));
        let (token_name, token) = token.map_or((TOKEN_NAMES[0], None), |(name, value)| (name, Some(value)));
        let parts = [(ID_NAME, self.value(ID_NAME)), (KEY_NAME, self.value(KEY_NAME)), (token_name, token)];
        let unusable = |reason| CredentialsFault::Unusable { place: "the environment".to_owned(), reason };
        pair(parts, &format!("{ID_NAME} is not set")).map_err(unusable)
    }

    fn files(&self) -> Vec<(PathBuf, Format)> {
        let home = self.value("HOME").map(PathBuf::from);
        let below = |path: &str| home.as_deref().map(|home: &Path| home.join(path));
        let profile = self.value(PROFILE_NAME).unwrap_or_else(|| "default".to_owned());
        let sdk = [below(".tencentcloud/credentials"), Some(self.system_file.clone())];
        let sdk = sdk.into_iter().flatten().map(|path| (path, Format::Sdk));
        let profile = below(&format!(".tccli/{profile}.credential")).map(|path| (path, Format::Profile));
        sdk.chain(profile).collect()
    }
}

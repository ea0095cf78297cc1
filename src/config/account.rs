//! The section `accounts`: each account's provider, endpoint, key pair and limits.

use std::collections::BTreeMap;
use std::fs;

use secrecy::SecretString;
use url::Url;

use super::layers::KeyPath;
use super::parse::{base_url, is_loopback, switch};
use super::provider::ProviderKind;
use super::reader::{ConfigReader, ReportedError};
use crate::domain::AccountName;

/// One account at a provider.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    pub provider: ProviderKind,
    /// The base of the API: scheme, host and port.
    pub endpoint: Url,
    /// The endpoint is a simulation; every view of this account's health shows that.
    pub sandbox: bool,
    /// `None`: the provider's own variables, files and instance role are searched.
    pub credentials: Option<KeyPair>,
    /// Calls per second of each action, if fewer than the provider allows.
    pub rate: Option<u32>,
    /// Targets of one call, if fewer than the provider allows.
    pub batch: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct KeyPair {
    pub secret_id: SecretString,
    pub secret_key: SecretString,
}

pub(super) fn read_accounts(reader: &mut ConfigReader) -> Option<BTreeMap<AccountName, AccountConfig>> {
    let section = KeyPath::of(&["accounts"]);
    reader.take_section(&section);
    let mut accounts = Vec::new();
    for name in reader.names(&section) {
        let path = section.child(&name);
        if is_account_name(&name) {
            accounts.push(read_account(reader, &path).map(|account| (AccountName::new(name), account)));
        } else {
            reader.drop_below(&path);
            reader.note(
                &path,
                r#"is not a valid account name, expected lower-case letters, digits, "-" and "_", at most 32"#.into(),
            );
            accounts.push(None);
        }
    }
    accounts.into_iter().collect()
}

/// Lower case only: environment variables ignore case, so `Main` would silently configure `main`.
fn is_account_name(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn read_account(reader: &mut ConfigReader, path: &KeyPath) -> Option<AccountConfig> {
    reader.take_section(path);
    let provider = reader.take(&path.child("provider"), "\"tencent-cdn\"", ProviderKind::parse);
    let sandbox = reader.take(&path.child("sandbox"), "true or false", switch);
    let endpoint_path = path.child("endpoint");
    let endpoint =
        reader.take(&endpoint_path, r#"a URL of scheme and host such as "https://cdn.tencentcloudapi.com""#, base_url);
    let credentials = read_credentials(reader, path);
    let limits = (reader.limits_of)(provider.ok().flatten().unwrap_or(ProviderKind::TencentCdn));
    let rate = read_limit(reader, &path.child("rate"), limits.calls_per_second, "calls of one action in a second");
    let batch = read_limit(reader, &path.child("batch"), limits.batch_targets, "targets in one call");

    // Not checked if `sandbox` itself has a problem: its value is unknown then.
    if let (Ok(Some(url)), Ok(sandbox)) = (&endpoint, &sandbox)
        && url.scheme() == "http"
        && !is_loopback(url)
        && !sandbox.unwrap_or(false)
    {
        reader.note(
            &endpoint_path,
            format!("found {:?}, expected https:// unless the host is loopback or sandbox = true", url.as_str()),
        );
    }
    let provider = provider.ok()?.unwrap_or(ProviderKind::TencentCdn);
    Some(AccountConfig {
        provider,
        endpoint: endpoint.ok()?.or_else(|| base_url(provider.endpoint()))?,
        sandbox: sandbox.ok()?.unwrap_or(false),
        credentials: credentials.ok()?,
        rate: rate.ok()?,
        batch: batch.ok()?,
    })
}

/// A limit that may only be lower than the provider's.
fn read_limit(reader: &mut ConfigReader, path: &KeyPath, max: u32, unit: &str) -> Result<Option<u32>, ReportedError> {
    let expected = format!("a whole number from 1 to {max}: the provider takes at most {max} {unit}");
    reader.take(path, &expected, |text| text.parse().ok().filter(|limit| (1..=max).contains(limit)))
}

fn read_credentials(reader: &mut ConfigReader, path: &KeyPath) -> Result<Option<KeyPair>, ReportedError> {
    let [id_path, key_path, file_path] = ["secret_id", "secret_key", "secret_key_file"].map(|key| path.child(key));
    let id = reader.take_secret(&id_path, "the id of the key pair");
    let key = reader.take_secret(&key_path, "the key");
    let file = reader.take(&file_path, "a file's path", |text| (!text.is_empty()).then(|| text.to_owned()));
    let (id, key, file) = (id?, key?, file?);
    let key = match (key, file) {
        (Some(_), Some(_)) => {
            return Err(
                reader.note(&file_path, "is set together with secret_key, expected only one of the two".to_owned())
            );
        }
        (key, None) => key,
        (None, Some(file)) => Some(read_key(reader, &file_path, &file)?),
    };
    match (id, key) {
        (None, None) => Ok(None),
        (Some(id), Some(key)) => Ok(Some(KeyPair { secret_id: id.into(), secret_key: key.into() })),
        (Some(_), None) => Err(reader
            .note(&key_path, "is missing, expected secret_key or secret_key_file together with secret_id".to_owned())),
        (None, Some(_)) => Err(reader.note(&id_path, "is missing, expected the id that belongs to the key".to_owned())),
    }
}

fn read_key(reader: &mut ConfigReader, path: &KeyPath, file: &str) -> Result<String, ReportedError> {
    let text = fs::read_to_string(file)
        .map_err(|error| reader.note(path, format!("cannot be read ({error}), expected a file with the key")))?;
    let key = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if key.is_empty() || key.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(reader.note(
            path,
            "names a file that does not hold exactly one key, expected one line without spaces".to_owned(),
        ));
    }
    Ok(key.to_owned())
}

//! Changes a domain of the account from outside, or takes it in: what is named is set, the rest stays.

use super::domain::{Area, Domain, DomainStatus, DomainTable};
use super::wire::DomainChange;

/// Why a domain is off, in the provider's words.
const DISABLED: [&str; 9] =
    ["normal", "overdue", "malicious", "ddos", "ddos_risk", "idle", "unlicensed", "capping", "readonly"];
const READONLY: [&str; 4] = ["normal", "mainland", "overseas", "global"];

/// A word that the provider does not have: the field, and the words that it has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is {1}")]
pub struct DomainConfigError(&'static str, String);

impl DomainTable {
    /// Makes all the changes, or none if one of them is at fault.
    pub(crate) fn change(&mut self, changes: Vec<DomainChange>) -> Result<(), DomainConfigError> {
        let mut changed = self.0.clone();
        for change in changes {
            let name = change.domain.to_ascii_lowercase();
            if !is_host(name.strip_prefix("*.").unwrap_or(&name)) {
                return Err(DomainConfigError("Domain", "a host name such as www.example.com".to_owned()));
            }
            let index = changed.iter().position(|domain| domain.name == name).unwrap_or_else(|| {
                changed.push(Domain::new(name));
                changed.len() - 1
            });
            apply(&mut changed[index], change)?;
        }
        self.0 = changed;
        Ok(())
    }

    /// Says whether the account had it.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|domain| !domain.name.eq_ignore_ascii_case(name));
        self.0.len() < before
    }
}

fn apply(domain: &mut Domain, change: DomainChange) -> Result<(), DomainConfigError> {
    if let Some(word) = change.area {
        let fault = || DomainConfigError("Area", "mainland, overseas or global".to_owned());
        domain.area = Area::parse(&word).ok_or_else(fault)?;
    }
    if let Some(word) = change.status {
        let fault = || DomainConfigError("Status", "online, offline, processing, closing or rejected".to_owned());
        domain.status = DomainStatus::parse(&word).ok_or_else(fault)?;
    }
    if let Some(word) = change.disable {
        domain.disable = one_of("Disable", word, &DISABLED)?;
    }
    if let Some(word) = change.readonly {
        domain.readonly = one_of("Readonly", word, &READONLY)?;
    }
    if let Some(mut origin) = change.origin {
        origin.server_name = origin.server_name.map(|name| name.to_ascii_lowercase());
        domain.origin = origin;
    }
    domain.standing = change.standing.unwrap_or(domain.standing);
    domain.follow_redirect = change.follow_redirect.unwrap_or(domain.follow_redirect);
    domain.status_code_cache = change.status_code_cache.or_else(|| domain.status_code_cache.take());
    if let Some(key) = change.cache_key {
        domain.cache_key = key;
    }
    if let Some(cache) = change.cache {
        domain.cache = cache;
    }
    Ok(())
}

fn one_of(field: &'static str, word: String, words: &[&str]) -> Result<String, DomainConfigError> {
    if words.contains(&word.as_str()) { Ok(word) } else { Err(DomainConfigError(field, words.join(", "))) }
}

pub(crate) fn is_host(name: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.contains('.') && name.split('.').all(label)
}

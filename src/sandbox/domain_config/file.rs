//! The file that tells the sandbox which domains it owns and what its quotas are. All its faults are told at once.

use std::path::Path;

use config::{Config, File, FileFormat};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::domain::{Area, Domain, DomainStatus, is_host};
use super::wire::CacheKeySetup;
use crate::sandbox::account::quota::QuotaOptions;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainsFile {
    pub domains: Vec<Domain>,
    pub quota: QuotaOptions,
}

#[derive(Debug, thiserror::Error)]
pub enum DomainsFileError {
    #[error("the domain file is not readable TOML")]
    Unreadable(#[source] config::ConfigError),
    /// Each problem begins with the key that it is about.
    #[error("the domain file has {} problem(s): {}", .0.len(), .0.join("; "))]
    Problems(Vec<String>),
}

pub fn read(path: &Path) -> Result<DomainsFile, DomainsFileError> {
    from_source(File::from(path).format(FileFormat::Toml))
}

fn from_source<S>(source: S) -> Result<DomainsFile, DomainsFileError>
where
    S: config::Source + Send + Sync + 'static,
{
    let read = Config::builder().add_source(source).build().and_then(Config::try_deserialize);
    let root: Map<String, Value> = read.map_err(DomainsFileError::Unreadable)?;
    let mut problems = Vec::new();
    refuse_unknown(&root, "", &["domains", "quota"], &mut problems);
    let domains = domains(root.get("domains"), &mut problems);
    let quota = quota(root.get("quota"), &mut problems);
    if problems.is_empty() { Ok(DomainsFile { domains, quota }) } else { Err(DomainsFileError::Problems(problems)) }
}

fn domains(value: Option<&Value>, problems: &mut Vec<String>) -> Vec<Domain> {
    let tables = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if tables.is_empty() {
        problems.push("domains: at least one [[domains]] table is needed".to_owned());
    }
    let mut domains: Vec<Domain> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let at = format!("domains.{index}.");
        let Some(table) = table.as_object() else {
            problems.push(format!("domains.{index}: a table is needed"));
            continue;
        };
        let domain = domain(table, &at, problems);
        if domains.iter().any(|entry| entry.name == domain.name) {
            problems.push(format!("{at}name: {} is listed twice", domain.name));
        }
        domains.push(domain);
    }
    domains
}

fn domain(table: &Map<String, Value>, at: &str, problems: &mut Vec<String>) -> Domain {
    refuse_unknown(table, at, &["name", "area", "status", "full_url_cache", "Origin", "CacheKey", "Cache"], problems);
    let mut domain = Domain::new(table.get("name").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase());
    if !is_host(domain.name.strip_prefix("*.").unwrap_or(&domain.name)) {
        problems.push(format!("{at}name: a host name such as www.example.com is needed"));
    }
    if let Some(value) = table.get("area") {
        match value.as_str().and_then(Area::parse) {
            Some(area) => domain.area = area,
            None => problems.push(format!("{at}area: mainland, overseas or global")),
        }
    }
    if let Some(value) = table.get("status") {
        match value.as_str().and_then(DomainStatus::parse) {
            Some(status) => domain.status = status,
            None => problems.push(format!("{at}status: online, offline, processing, closing or rejected")),
        }
    }
    if let Some(value) = table.get("full_url_cache") {
        match value.as_bool() {
            Some(false) => domain.cache_key = CacheKeySetup::without_query(),
            Some(true) => {}
            None => problems.push(format!("{at}full_url_cache: true or false")),
        }
    }
    read_form(table, "CacheKey", at, &mut domain.cache_key, problems);
    read_form(table, "Cache", at, &mut domain.cache, problems);
    read_form(table, "Origin", at, &mut domain.origin, problems);
    domain
}

/// A table in the provider's own words.
fn read_form<T: DeserializeOwned>(
    table: &Map<String, Value>,
    name: &str,
    at: &str,
    form: &mut T,
    problems: &mut Vec<String>,
) {
    let Some(value) = table.get(name) else { return };
    match serde_json::from_value(value.clone()) {
        Ok(read) => *form = read,
        Err(error) => problems.push(format!("{at}{name}: {error}")),
    }
}

fn quota(value: Option<&Value>, problems: &mut Vec<String>) -> QuotaOptions {
    let mut quota = QuotaOptions::default();
    let empty = Map::new();
    let table = match value {
        None => &empty,
        Some(Value::Object(table)) => table,
        Some(_) => {
            problems.push("quota: a table is needed".to_owned());
            &empty
        }
    };
    let mut calls_per_second = u64::from(quota.calls_per_second);
    let figures = [
        ("urls", &mut quota.urls),
        ("directories", &mut quota.directories),
        ("prefetches", &mut quota.prefetches),
        ("batch_urls", &mut quota.batch_urls),
        ("batch_directories", &mut quota.batch_directories),
        ("batch_prefetches", &mut quota.batch_prefetches),
        ("calls_per_second", &mut calls_per_second),
    ];
    refuse_unknown(table, "quota.", &figures.each_ref().map(|(name, _)| *name), problems);
    for (name, figure) in figures {
        match table.get(name).map(Value::as_u64) {
            None => {}
            Some(Some(number)) if u32::try_from(number).is_ok() => *figure = number,
            Some(_) => problems.push(format!("quota.{name}: a whole number from 0 to {} is needed", u32::MAX)),
        }
    }
    quota.calls_per_second = u32::try_from(calls_per_second).unwrap_or(u32::MAX);
    quota
}

fn refuse_unknown(table: &Map<String, Value>, at: &str, texts: &[&str], problems: &mut Vec<String>) {
    let unknown = table.keys().filter(|key| !texts.contains(&key.as_str()));
    problems.extend(unknown.map(|key| format!("{at}{key}: not a key of the domain file")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::domain_config::wire::{CacheConfig, CacheRuleSetup, Switch};

    fn parse(text: &str) -> Result<DomainsFile, DomainsFileError> {
        from_source(File::from_str(text, FileFormat::Toml))
    }

    #[test]
    fn a_file_says_what_differs_from_the_defaults() {
        let file = parse(
            "[[domains]]\nname = \"CDN.example.org\"\narea = \"overseas\"\nstatus = \"offline\"\n\
             [[domains]]\nname = \"*.example.org\"\nfull_url_cache = false\n\
             [quota]\nurls = 50\nbatch_urls = 5\n",
        )
        .unwrap();
        let mut offline = Domain::new("cdn.example.org");
        offline.area = Area::Overseas;
        offline.status = DomainStatus::Offline;
        let mut wildcard = Domain::new("*.example.org");
        wildcard.cache_key = CacheKeySetup::without_query();
        assert_eq!(file.domains, [offline, wildcard]);
        assert_eq!(file.quota, QuotaOptions { urls: 50, batch_urls: 5, ..QuotaOptions::default() });
    }

    #[test]
    fn configuration_is_written_in_the_providers_words() {
        let file = parse(
            "[[domains]]\nname = \"www.example.org\"\n[domains.CacheKey]\nFullUrlCache = \"off\"\nIgnoreCase = \"on\"\n\
             [[domains.Cache.RuleCache]]\nRuleType = \"all\"\nRulePaths = [\"*\"]\n\
             CacheConfig = { Cache = { Switch = \"on\", CacheTime = 60 } }\n\
             [domains.Origin]\nServerName = \"origin.example.org\"\nOriginPullProtocol = \"https\"\n",
        )
        .unwrap();
        let [domain] = &file.domains[..] else { panic!("{:?}", file.domains) };
        assert_eq!(domain.cache_key, CacheKeySetup { ignore_case: Switch::On, ..CacheKeySetup::without_query() });
        assert_eq!(domain.cache.rule_cache, [CacheRuleSetup::all(CacheConfig::keep(60))]);
        assert_eq!(domain.origin.server_name.as_deref(), Some("origin.example.org"));
        let Err(DomainsFileError::Problems(problems)) =
            parse("[[domains]]\nname = \"www.example.org\"\n[domains.CacheKey]\nColour = \"on\"\n")
        else {
            panic!("no problems found")
        };
        assert!(problems[0].starts_with("domains.0.CacheKey: ") && problems[0].contains("Colour"), "{problems:?}");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let text = "colour = 1\n[[domains]]\nname = \"bad name\"\narea = \"moon\"\nstate = \"x\"\n\
                    [[domains]]\nname = \"a.example.org\"\n[[domains]]\nname = \"a.example.org\"\n[quota]\nurls = -1\n";
        let Err(DomainsFileError::Problems(problems)) = parse(text) else { panic!("no problems found") };
        let mut keys: Vec<&str> = problems.iter().filter_map(|problem| problem.split(':').next()).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["colour", "domains.0.area", "domains.0.name", "domains.0.state", "domains.2.name", "quota.urls"]
        );
    }

    #[test]
    fn what_is_not_toml_or_not_there_is_unreadable() {
        assert!(matches!(parse("[[domains"), Err(DomainsFileError::Unreadable(_))));
        assert!(matches!(read(Path::new("/nonexistent/domains.toml")), Err(DomainsFileError::Unreadable(_))));
    }
}

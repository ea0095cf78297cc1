//! Reads each section and checks what must fit together. All sections are read before a problem stops.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::account::{AccountConfig, read_accounts};
use super::layers::KeyPath;
use super::parse::{ADDRESS, address, is_private, share};
use super::probe::read_probe;
use super::reader::ConfigReader;
use super::settings::{
    AuthMode, Config, EngineConfig, IdempotencyConfig, MetricsConfig, MonitorConfig, ProbeConfig, QuotaConfig,
    ServerConfig, StoreConfig, VerifyConfig,
};
use super::verify::read_verify;
use crate::domain::{AccountName, HostPattern, Promotion, PromotionRule, Routes, TenantName, host_name};

/// `None`: a setting has no value because of a problem, which was noted.
pub(super) fn read(reader: &mut ConfigReader, state_folder: Option<&str>) -> Option<Config> {
    let server = reader.require(&KeyPath::of(&["server", "listen"]), ADDRESS, address);
    let store = read_store(reader, state_folder);
    let auth = read_auth(reader, server);
    let account_names = reader.names(&KeyPath::of(&["accounts"]));
    let accounts = read_accounts(reader);
    let routes = read_routes(reader, &account_names);
    let engine = read_engine(reader);
    let reserve =
        reader.require(&KeyPath::of(&["quota", "reserve"]), "a number from 0 up to, but not including, 1", share);
    let shares = read_shares(reader);
    let promote = read_promote(reader);
    let verify = read_verify(reader);
    let keep = reader.duration(&["idempotency", "keep"]);
    let probe = read_probe(reader);
    let every = reader.duration(&["patrol", "every"]);
    let metrics = read_metrics(reader, server);

    let (accounts, routes, probe, verify) = (accounts?, routes?, probe?, verify?);
    Some(Config {
        server: ServerConfig { listen: server? },
        store: store?,
        auth: auth?,
        warnings: warnings(&accounts, &routes, &probe, &verify),
        accounts,
        routes,
        engine: engine?,
        quota: QuotaConfig { reserve: reserve?, shares: shares? },
        promote: promote?,
        verify,
        idempotency: IdempotencyConfig { keep: keep? },
        probe,
        patrol: MonitorConfig { every: every? },
        metrics: metrics?,
    })
}

fn read_store(reader: &mut ConfigReader, state_folder: Option<&str>) -> Option<StoreConfig> {
    let parse = |text: &str| {
        let path = text.strip_prefix("sqlite://")?;
        (!path.is_empty() && !path.ends_with('/') && !path.contains(['?', '#'])).then(|| PathBuf::from(path))
    };
    let expected = r#"sqlite:// and a path such as "sqlite:///var/lib/refreshd/refreshd.db""#;
    let path = reader.take(&KeyPath::of(&["store", "url"]), expected, parse).ok()?;
    Some(StoreConfig { path: path.unwrap_or_else(|| default_path(state_folder)) })
}

fn default_path(state_folder: Option<&str>) -> PathBuf {
    // systemd separates several folders by colons; the first is the unit's main one.
    let folder = state_folder.and_then(|folders| folders.split(':').next()).unwrap_or_default();
    Path::new(folder).join("refreshd.db")
}

fn read_auth(reader: &mut ConfigReader, listen: Option<SocketAddr>) -> Option<AuthMode> {
    let path = KeyPath::of(&["auth", "mode"]);
    let parse = |text: &str| match text {
        "tokens" => Some(AuthMode::Tokens),
        "open" => Some(AuthMode::Open),
        _ => None,
    };
    let mode = reader.require(&path, r#""tokens" or "open""#, parse)?;
    if mode == AuthMode::Open
        && let Some(listen) = listen
        && !listen.ip().is_loopback()
    {
        let detail = format!("found \"open\", expected \"tokens\" while server.listen ({listen}) is not loopback");
        reader.note(&path, detail);
    }
    Some(mode)
}

fn read_routes(reader: &mut ConfigReader, accounts: &[String]) -> Option<Routes> {
    let section = KeyPath::of(&["routes"]);
    let mut routes = Routes::default();
    let mut all_valid = true;
    reader.take_section(&section);
    for index in reader.names(&section) {
        if !index.starts_with('[') {
            reader.drop_below(&section);
            reader.note(&section, "found a table, expected a list: [[routes]]".to_owned());
            return None;
        }
        all_valid &= read_route(reader, &section.child(&index), accounts, &mut routes).is_some();
    }
    all_valid.then_some(routes)
}

fn read_route(reader: &mut ConfigReader, path: &KeyPath, accounts: &[String], routes: &mut Routes) -> Option<()> {
    let (host_path, account_path) = (path.child("host"), path.child("account"));
    let host = reader.require(&host_path, "a host, \"*.suffix\" or \"*\"", |text| text.parse::<HostPattern>().ok());
    let account = reader.require(&account_path, "the name of an account", |text| Some(text.to_owned()))?;
    if !accounts.contains(&account) {
        let names = if accounts.is_empty() { "none is configured".to_owned() } else { accounts.join(", ") };
        reader.note(&account_path, format!("found {account:?}, expected the name of an account ({names})"));
        return None;
    }
    let host = host?;
    let text = host.to_string();
    if let Some(first) = routes.add(host, AccountName::new(account)) {
        let detail =
            format!("found \"{text}\" again (its first route is to {first}), expected one route for each host");
        reader.note(&host_path, detail);
        return None;
    }
    Some(())
}

fn read_engine(reader: &mut ConfigReader) -> Option<EngineConfig> {
    let poll_first = reader.duration(&["engine", "poll_first"]);
    let poll_max = reader.duration(&["engine", "poll_max"]);
    let listing_grace = reader.duration(&["engine", "listing_grace"]);
    let task_max_purge = reader.duration(&["engine", "task_max", "purge"]);
    let task_max_prefetch = reader.duration(&["engine", "task_max", "prefetch"]);
    let engine = EngineConfig {
        poll_first: poll_first?,
        poll_max: poll_max?,
        listing_grace: listing_grace?,
        task_max_purge: task_max_purge?,
        task_max_prefetch: task_max_prefetch?,
    };
    if engine.poll_first > engine.poll_max {
        let detail = "is longer than engine.poll_max, expected at most that".to_owned();
        reader.note(&KeyPath::of(&["engine", "poll_first"]), detail);
    }
    Some(engine)
}

fn read_shares(reader: &mut ConfigReader) -> Option<BTreeMap<TenantName, f64>> {
    let section = KeyPath::of(&["quota", "shares"]);
    reader.take_section(&section);
    let mut shares = Vec::new();
    for tenant in reader.names(&section) {
        let share = |text: &str| text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
        let share = reader.require(&section.child(&tenant), "a number above 0, at most 1", share);
        shares.push(share.map(|share| (TenantName::new(tenant), share)));
    }
    shares.into_iter().collect()
}

fn read_promote(reader: &mut ConfigReader) -> Option<Promotion> {
    let per_day = reader.require(&KeyPath::of(&["promote", "per_day"]), "a whole number", |text| text.parse().ok());
    let section = KeyPath::of(&["promote", "hosts"]);
    reader.take_section(&section);
    let mut hosts = Vec::new();
    for name in reader.names(&section) {
        let path = section.child(&name);
        let at = |text: &str| text.parse().ok().filter(|at| *at >= PROMOTE_AT_MIN);
        let at = reader.require(&path.child("at"), "a whole number of URLs, at least 2", at);
        let depth = |text: &str| text.parse().ok();
        let depth = reader.take(&path.child("depth"), "a number of path segments, such as 1", depth).ok();
        let host =
            host_name(&name).ok_or_else(|| reader.note(&path, "is not a host name, expected one in quotes".into()));
        hosts.push(
            host.ok()
                .zip(at)
                .zip(depth)
                .map(|((host, at), depth)| (host, PromotionRule { at, depth: depth.unwrap_or(PROMOTE_DEPTH) })),
        );
    }
    Some(Promotion { per_day: per_day?, hosts: hosts.into_iter().collect::<Option<_>>()? })
}

/// A directory never replaces a single URL.
const PROMOTE_AT_MIN: u32 = 2;
/// Not the whole site, unless `depth` is set to 0.
const PROMOTE_DEPTH: u32 = 1;

fn read_metrics(reader: &mut ConfigReader, server: Option<SocketAddr>) -> Option<MetricsConfig> {
    let path = KeyPath::of(&["metrics", "listen"]);
    let listen = reader.take(&path, ADDRESS, address).ok()?;
    if let Some(listen) = listen
        && Some(listen) == server
        && listen.port() != 0
    {
        reader.note(&path, format!("found \"{listen}\", expected another address than server.listen"));
    }
    Some(MetricsConfig { listen })
}

fn warnings(
    accounts: &BTreeMap<AccountName, AccountConfig>,
    routes: &Routes,
    probe: &ProbeConfig,
    verify: &VerifyConfig,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if accounts.is_empty() {
        warnings
            .push("accounts: none is configured, so every job will be refused because no host has a route".to_owned());
    } else if routes.iter().next().is_none() {
        warnings.push("routes: none is configured, so every job will be refused".to_owned());
    }
    let single = |key: &'static str, addresses: &'_ BTreeMap<String, SocketAddr>| {
        addresses.iter().map(|(host, address)| (key, host.clone(), *address)).collect::<Vec<_>>()
    };
    let several = verify.edges.iter().flat_map(|(host, addresses)| {
        addresses.iter().map(|address| ("verify.edges", host.clone(), *address)).collect::<Vec<_>>()
    });
    let named = single("probe.edges", &probe.edges).into_iter().chain(single("probe.origins", &probe.origins));
    for (key, host, address) in named.chain(several) {
        let allowed = probe.allow.iter().any(|network| network.contains(&address.ip().to_canonical()));
        if is_private(address.ip()) && !allowed {
            warnings.push(format!(
                "{key}.{host:?}: {address} is a private address outside probe.allow, so probes of it will be refused"
            ));
        }
    }
    warnings
}

//! Layers, every problem by its key, and no secret in any output.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::*;
use crate::domain::AccountName;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const fn limits_of(_: ProviderKind) -> ProviderLimits {
    ProviderLimits { calls_per_second: 20, batch_targets: 1_000 }
}

fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(Some(file(text).path()), variables(env), limits_of)
}

fn accepted(text: &str) -> Config {
    load(text, &[]).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn problems(text: &str, env: &[(&str, &str)]) -> Vec<(String, String)> {
    let error = load(text, env).expect_err(text);
    assert_eq!(error.to_string().lines().count(), error.problems.len(), "one problem on each line: {error}");
    error.problems.into_iter().map(|problem| (problem.key, problem.detail)).collect()
}

fn keys(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    problems(text, env).into_iter().map(|(key, _)| key).collect()
}

/// The default with its examples switched on: lines that begin with # and no space.
fn default_with_examples() -> String {
    let text = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| !c.is_whitespace()) => setting.to_owned(),
        _ => line.to_owned(),
    };
    DEFAULT.lines().map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_default_is_what_the_contract_says() {
    let config = Config::read(None, HashMap::new(), limits_of).expect("the default");
    let secs = Duration::from_secs;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8470");
    assert_eq!(config.store.path, Path::new("refreshd.db"));
    assert_eq!(config.auth, AuthMode::Tokens);
    assert!(config.accounts.is_empty() && config.routes.iter().next().is_none());
    assert_eq!((config.engine.poll_first, config.engine.poll_max), (secs(5), secs(60)));
    assert_eq!(config.engine.listing_grace, secs(60));
    assert_eq!((config.engine.task_max_purge, config.engine.task_max_prefetch), (secs(3600), secs(6 * 3600)));
    assert_eq!(config.quota.reserve, 0.05);
    assert_eq!((config.promote.per_day, config.promote.hosts.len()), (10, 0));
    assert_eq!((config.verify.deadline, config.idempotency.keep), (secs(600), secs(24 * 3600)));
    assert!(config.probe.allow.is_empty() && config.probe.edges.is_empty() && config.probe.origins.is_empty());
    assert_eq!(config.metrics.listen, None);
}

#[test]
fn the_default_explains_every_key_of_the_contract_and_no_other() {
    let contract = [
        "accounts.main.batch",
        "accounts.main.endpoint",
        "accounts.main.provider",
        "accounts.main.rate",
        "accounts.main.sandbox",
        "accounts.main.secret_id",
        "accounts.main.secret_key_file",
        "auth.mode",
        "engine.listing_grace",
        "engine.poll_first",
        "engine.poll_max",
        "engine.task_max.prefetch",
        "engine.task_max.purge",
        "idempotency.keep",
        "metrics.listen",
        "patrol.every",
        "probe.allow",
        "probe.ca_file",
        "probe.edges.\"www.example.com\"",
        "probe.origins.\"www.example.com\"",
        "probe.resolver",
        "promote.hosts.\"www.example.com\".at",
        "promote.hosts.\"www.example.com\".depth",
        "promote.per_day",
        "quota.reserve",
        "quota.shares.web",
        "routes[0].account",
        "routes[0].host",
        "server.listen",
        "store.url",
        "verify.deadline",
        "verify.directories.\"www.example.com\"[0]",
        "verify.directories.\"www.example.com\"[1]",
        "verify.edges.\"www.example.com\"[0]",
        "verify.edges.\"www.example.com\"[1]",
        "verify.grace",
        "verify.repurge",
        "verify.sample",
    ];
    let examples = file(&default_with_examples());
    let mut problems = Vec::new();
    let leaves = layers::leaves(Some(examples.path()), HashMap::new(), &mut problems);
    let mut explained: Vec<String> = leaves.keys().map(ToString::to_string).collect();
    explained.sort();
    assert_eq!((explained, problems), (contract.map(str::to_owned).to_vec(), vec![]));
    assert!(DEFAULT.contains("SECRET_KEY"), "the one key that no example should show");
}

/// A file as `probe.ca_file` names one.
fn private_root() -> NamedTempFile {
    file(&rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).expect("a certificate").cert.pem())
}

#[test]
fn the_examples_of_the_default_are_valid() {
    let (key, roots) = (file("the-key\n"), private_root());
    let text = default_with_examples()
        .replace("/run/credentials/refreshd.service/main", key.path().to_str().expect("a Unicode path"))
        .replace("/etc/refreshd/private-ca.pem", roots.path().to_str().expect("a Unicode path"));
    let config = accepted(&text);
    assert_eq!(config.routes.account_for("www.example.com"), Some(&AccountName::new("main")));
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let text = "[engine]\npoll_first = '7s'\nlisting_grace = '90s'";
    let env = [
        ("REFRESHD__ENGINE__POLL_FIRST", "9s"),
        ("refreshd__quota__reserve", "0"),
        ("REFRESHD__PROBE__ALLOW", "10.0.0.0/8, ::1"),
        ("REFRESHD__ACCOUNTS__MAIN__SANDBOX", "true"),
        ("REFRESHD__ACCOUNTS__MAIN__RATE", "3"),
        ("REFRESHD_URL", "http://elsewhere.test"),
        ("REFRESHD_TOKEN", "not-configuration"),
        ("REFRESHD_LOG", "debug"),
    ];
    let config = load(text, &env).expect("valid");
    assert_eq!(config.engine.poll_first, Duration::from_secs(9));
    assert_eq!(config.engine.listing_grace, Duration::from_secs(90));
    assert_eq!(config.engine.poll_max, Duration::from_secs(60));
    assert_eq!(config.quota.reserve, 0.0);
    assert_eq!(config.probe.allow.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
    let main = &config.accounts[&AccountName::new("main")];
    assert_eq!((main.sandbox, main.rate, main.batch), (true, Some(3), None));
}

#[test]
fn each_bad_value_is_named_by_its_key() {
    for (text, key, reason) in [
        ("server.listen = '8470'", "server.listen", "found \"8470\" in "),
        ("server.listen = 8470", "server.listen", "found 8470 in "),
        ("server.listen = ['127.0.0.1:1']", "server.listen", "found a list"),
        ("server = 'x'", "server", "expected a table"),
        ("store.url = 'postgres://h/db'", "store.url", "sqlite://"),
        ("store.url = 'sqlite://'", "store.url", "sqlite://"),
        ("auth.mode = 'none'", "auth.mode", "\"tokens\" or \"open\""),
        ("accounts = 'main'", "accounts", "expected a section"),
        ("accounts.Main.sandbox = true", "accounts.Main", "not a valid account name"),
        ("accounts.main.provider = 'edgeone'", "accounts.main.provider", "tencent-cdn"),
        ("accounts.main.sandbox = 'yes'", "accounts.main.sandbox", "true or false"),
        ("accounts.main.endpoint = 'cdn.example'", "accounts.main.endpoint", "https://"),
        ("accounts.main.endpoint = 'https://h.example/v2'", "accounts.main.endpoint", "https://"),
        ("accounts.main.endpoint = 'http://h.example'", "accounts.main.endpoint", "sandbox = true"),
        ("accounts.main.secret_id = 'id'", "accounts.main.secret_key", "missing"),
        ("accounts.main.secret_key = 'k'", "accounts.main.secret_id", "missing"),
        ("accounts.main.rate = 0", "accounts.main.rate", "found 0 in "),
        ("accounts.main.rate = 21", "accounts.main.rate", "from 1 to 20: the provider takes at most 20 calls"),
        ("accounts.main.rate = 2.5", "accounts.main.rate", "a whole number"),
        ("accounts.main.batch = 0", "accounts.main.batch", "found 0 in "),
        (
            "accounts.main.batch = 1001",
            "accounts.main.batch",
            "from 1 to 1000: the provider takes at most 1000 targets",
        ),
        ("accounts.main.batch = -1", "accounts.main.batch", "a whole number"),
        ("routes = [{host = '*', account = 'main'}]", "routes[0].account", "none is configured"),
        ("routes.host = '*'", "routes", "expected a list"),
        ("engine.poll_first = 5", "engine.poll_first", "found 5 in "),
        ("engine.poll_max = '1s'", "engine.poll_first", "engine.poll_max"),
        ("engine.listing_grace = '0s'", "engine.listing_grace", "more than zero"),
        ("engine.task_max = '1h'", "engine.task_max", "expected a table"),
        ("engine.task_max.purge = 'soon'", "engine.task_max.purge", "such as"),
        ("quota.reserve = 1", "quota.reserve", "not including, 1"),
        ("quota.reserve = nan", "quota.reserve", "not including, 1"),
        ("promote.hosts.h = { at = 1 }", "promote.hosts.h.at", "at least 2"),
        ("promote.hosts.h = { depth = 1 }", "promote.hosts.h.at", "is missing"),
        ("promote.hosts.h = { at = 9, deep = 1 }", "promote.hosts.h.deep", "is unknown"),
        ("promote.hosts.'a b' = { at = 9 }", "promote.hosts.\"a b\"", "not a host name"),
        ("quota.shares.web = 0", "quota.shares.web", "above 0"),
        ("quota.shares = 0.3", "quota.shares", "a section"),
        ("promote.per_day = -1", "promote.per_day", "whole number"),
        ("verify.deadline = ''", "verify.deadline", "such as"),
        ("idempotency.keep = '1w'", "idempotency.keep", "such as"),
        ("probe.allow = ['10.0.0.1/8']", "probe.allow[0]", "10.0.0.0/8"),
        ("probe.allow = ['::1', 7]", "probe.allow[1]", "a network"),
        ("probe.edges.h = '127.0.0.1'", "probe.edges.h", "ADDRESS:PORT"),
        ("verify.sample = 0", "verify.sample", "1 to 300"),
        ("verify.sample = 301", "verify.sample", "1 to 300"),
        ("verify.repurge = 'maybe'", "verify.repurge", "true or false"),
        ("verify.edges.'h.example' = []", "verify.edges.\"h.example\"", "is empty"),
        ("verify.edges.'h.example' = ['1.1.1.1']", "verify.edges.\"h.example\"[0]", "ADDRESS:PORT"),
        ("verify.edges.'h/x' = ['1.1.1.1:1']", "verify.edges.\"h/x\"", "not a host name"),
        ("verify.directories.'h.example' = ['img/a']", "verify.directories.\"h.example\"[0]", "/img/logo.svg"),
        ("verify.directories.'h.example' = ['/a/../b']", "verify.directories.\"h.example\"[0]", "/img/logo.svg"),
        ("probe.resolver = ['10.0.0.2']", "probe.resolver[0]", "10.0.0.2:53"),
        ("probe.ca_file = '/nowhere/ca.pem'", "probe.ca_file", "cannot be read"),
        ("probe.ca_file = '/dev/null'", "probe.ca_file", "holds no certificate"),
        ("probe.origins.'h.example/x' = '127.0.0.1:1'", "probe.origins.\"h.example/x\"", "not a host name"),
        ("metrics.listen = 'on'", "metrics.listen", "ADDRESS:PORT"),
        ("metrics.listen = '127.0.0.1:8470'", "metrics.listen", "another address"),
    ] {
        let texts = problems(text, &[]);
        assert_eq!(texts.len(), 1, "{text}: {texts:?}");
        assert_eq!(texts[0].0, key, "{text}: {texts:?}");
        assert!(texts[0].1.contains(reason), "{text}: {texts:?}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "
        server.listen = 'here'
        engine = {poll_first = '0s', pol_max = '9s'}
        routes = [{host = '*.', account = 'main'}, {host = 'h.example', account = 'other'}, {account = 'main', hots = ''}]
        [accounts.main]
        provider = 'else'
        secret_key_file = '/nowhere/at/all'";
    let env = [("REFRESHD__QUOTA__RESERVE", "2"), ("REFRESHD__VERIFY__DEADLIN", "1s")];
    assert_eq!(
        keys(text, &env),
        [
            "accounts.main.provider",
            "accounts.main.secret_key_file",
            "engine.pol_max",
            "engine.poll_first",
            "quota.reserve",
            "routes[0].host",
            "routes[1].account",
            "routes[2].host",
            "routes[2].hots",
            "server.listen",
            "verify.deadlin",
        ]
    );
}

#[test]
fn an_unknown_key_is_refused_and_the_near_one_suggested() {
    for (text, key, meant) in [
        ("server.lisen = 'x'", "server.lisen", Some("server.listen")),
        ("[engine]\ntask_max_purge = '1h'", "engine.task_max_purge", Some("engine.task_max.purge")),
        ("accounts.main.secret_kye = 'x'", "accounts.main.secret_kye", Some("accounts.main.secret_key")),
        ("[bogus]", "bogus", None),
        ("bogus.deep.key = 1", "bogus.deep.key", None),
    ] {
        let texts = problems(text, &[]);
        assert_eq!(texts.len(), 1, "{text}: {texts:?}");
        let hint = texts[0].1.split_once("did you mean ").map(|(_, key)| key.trim_end_matches('?'));
        assert_eq!((texts[0].0.as_str(), hint), (key, meant), "{text}: {texts:?}");
        assert!(texts[0].1.contains("unknown"), "{text}: {texts:?}");
    }
    accepted("[server]\n[probe.edges]\n[accounts]");
}

#[test]
fn a_named_file_must_be_there_and_be_toml() {
    let error =
        Config::read(Some(Path::new("/nowhere/refreshd.toml")), HashMap::new(), limits_of).expect_err("missing");
    assert_eq!(error.problems[0].key, "/nowhere/refreshd.toml");
    let texts = problems("[server]\nlisten = \"canary-in-the-line", &[("REFRESHD__QUOTA__RESERVE", "2")]);
    assert_eq!(texts.len(), 2, "the environment is checked all the same: {texts:?}");
    assert!(texts.iter().any(|(_, detail)| detail.contains("line 2")), "{texts:?}");
    assert!(!format!("{texts:?}").contains("canary"), "a broken line may hold a secret: {texts:?}");
}

#[test]
fn without_tokens_only_loopback_is_served() {
    for (listen, fine) in [("127.0.0.1:1", true), ("[::1]:1", true), ("0.0.0.0:1", false), ("10.0.0.1:1", false)] {
        let text = format!("auth.mode = 'open'\nserver.listen = '{listen}'");
        assert_eq!(load(&text, &[]).is_ok(), fine, "{listen}");
    }
    assert_eq!(keys("auth.mode = 'open'\nserver.listen = '[::]:1'", &[]), ["auth.mode"]);
}

#[test]
fn a_plain_endpoint_is_loopback_or_sandbox() {
    for (endpoint, sandbox, fine) in [
        ("http://127.0.0.1:9000", false, true),
        ("http://localhost:9000", false, true),
        ("http://[::1]:9000", false, true),
        ("http://localhost.example", false, false),
        ("http://sandbox.internal:9000", false, false),
        ("http://sandbox.internal:9000", true, true),
        ("https://cdn.intl.example", false, true),
    ] {
        let text = format!("[accounts.main]\nendpoint = '{endpoint}'\nsandbox = {sandbox}");
        assert_eq!(load(&text, &[]).is_ok(), fine, "{endpoint} {sandbox}");
    }
    let main = &accepted("[accounts.main]").accounts[&AccountName::new("main")];
    assert_eq!(main.endpoint.as_str(), "https://cdn.tencentcloudapi.com/");
    assert!(main.credentials.is_none() && !main.sandbox);
}

#[test]
fn a_key_comes_from_one_place() {
    let key = file("s3cret/+=\n");
    let with_file = |more: &str| {
        format!(
            "[accounts.main]\nsecret_id = 'AKIDexampleexample'\nsecret_key_file = '{}'\n{more}",
            key.path().display()
        )
    };
    let config = accepted(&with_file(""));
    let pair = config.accounts[&AccountName::new("main")].credentials.as_ref().expect("a key pair");
    assert_eq!(pair.secret_key.expose_secret(), "s3cret/+=");
    assert_eq!(keys(&with_file("secret_key = 'x'"), &[]), ["accounts.main.secret_key_file"]);
    for broken in ["", "\n", "two\nlines\n", "a key\n"] {
        let key = file(broken);
        let text =
            format!("[accounts.main]\nsecret_id = 'id'\nsecret_key_file = '{}'", key.path().to_str().expect("Unicode"));
        assert_eq!(keys(&text, &[]), ["accounts.main.secret_key_file"], "{broken:?}");
    }
    // A key written where its file's name belongs must not be repeated.
    let texts = problems("[accounts.main]\nsecret_id = 'id'\nsecret_key_file = 'canary-key'", &[]);
    assert!(!format!("{texts:?}").contains("canary"), "{texts:?}");
}

#[test]
fn no_secret_is_ever_shown() {
    let secrets = ["AKIDcanarycanarycanary", "canary-key"];
    let text = format!("[accounts.main]\nsecret_id = '{}'\nsecret_key = '{}'", secrets[0], secrets[1]);
    let config = accepted(&text);
    let error = load(&format!("{text}\nsecret_key_file = 'x'\n[server]\nlisten = 'x'"), &[]).expect_err("two keys");
    let nested = load("accounts.main.secret_key = ['canary-key']", &[]).expect_err("a list");
    for rendered in
        [config.effective_toml(), format!("{config:?}"), format!("{error} {error:?}"), format!("{nested} {nested:?}")]
    {
        assert!(!secrets.iter().any(|secret| rendered.contains(secret)), "{rendered}");
    }
    assert!(config.effective_toml().contains("ends in \"nary\""), "{}", config.effective_toml());
}

#[test]
fn a_host_is_routed_once() {
    let text = "accounts.main.sandbox = false\nroutes = [{host='*.h.example', account='main'}, {host='*.H.example', account='main'}]";
    assert_eq!(keys(text, &[]), ["routes[1].host"]);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let warned = |text: &str| accepted(text).warnings.join("\n");
    assert!(warned("").contains("accounts: none"));
    assert!(warned("[accounts.main]").contains("routes: none"));
    let edge =
        "accounts.main = {}\nroutes = [{host='*', account='main'}]\n[probe]\nedges.'WWW.example.com' = '10.1.2.3:80'\n";
    assert!(warned(edge).contains("probe.edges.\"www.example.com\": 10.1.2.3:80"), "{}", warned(edge));
    assert_eq!(warned(&format!("{edge}allow = ['10.0.0.0/8']")), "");
    assert_eq!(warned(&edge.replace("10.1.2.3", "203.0.113.9")), "");
}

#[test]
fn the_database_lies_where_systemd_says_unless_it_is_named() {
    let path = |text: &str, env: &[(&str, &str)]| load(text, env).expect("valid").store.path;
    let state = [("STATE_DIRECTORY", "/var/lib/refreshd:/var/lib/other")];
    assert_eq!(path("", &state), Path::new("/var/lib/refreshd/refreshd.db"));
    assert_eq!(path("store.url = 'sqlite:///srv/r.db'", &state), Path::new("/srv/r.db"));
    assert_eq!(path("store.url = 'sqlite://data/r.db'", &[]), Path::new("data/r.db"));
}

#[test]
fn what_is_shown_loads_again_as_the_same() {
    let roots = private_root();
    let text = default_with_examples()
        .replace("secret_", "#secret_")
        .replace("reserve = 0.05", "reserve = 0.0")
        .replace("/etc/refreshd/private-ca.pem", roots.path().to_str().expect("a Unicode path"));
    for text in [text.as_str(), ""] {
        let rendered = accepted(text).effective_toml();
        assert_eq!(accepted(&rendered).effective_toml(), rendered);
    }
}

#[test]
fn a_list_longer_than_ten_keeps_its_order() {
    let written: Vec<String> = (0..12).map(|n| format!("10.0.0.{n}/32")).collect();
    let allow = accepted(&format!("probe.allow = {written:?}")).probe.allow;
    assert_eq!(allow.iter().map(ToString::to_string).collect::<Vec<_>>(), written);
}

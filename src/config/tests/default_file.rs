//! `config/default.toml`, and what `config show` prints.

use super::*;

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

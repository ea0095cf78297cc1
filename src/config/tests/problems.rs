//! Every problem is named by its key; likely mistakes are warnings.

use super::*;

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

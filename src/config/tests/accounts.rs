//! Accounts, their key pairs and routes. Secrets are never printed.

use super::*;

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

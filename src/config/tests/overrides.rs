//! How the default, a file and the environment override each other.

use super::*;

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
fn the_database_lies_where_systemd_says_unless_it_is_named() {
    let path = |text: &str, env: &[(&str, &str)]| load(text, env).expect("valid").store.path;
    let state = [("STATE_DIRECTORY", "/var/lib/refreshd:/var/lib/other")];
    assert_eq!(path("", &state), Path::new("/var/lib/refreshd/refreshd.db"));
    assert_eq!(path("store.url = 'sqlite:///srv/r.db'", &state), Path::new("/srv/r.db"));
    assert_eq!(path("store.url = 'sqlite://data/r.db'", &[]), Path::new("data/r.db"));
}

#[test]
fn a_list_longer_than_ten_keeps_its_order() {
    let written: Vec<String> = (0..12).map(|n| format!("10.0.0.{n}/32")).collect();
    let allow = accepted(&format!("probe.allow = {written:?}")).probe.allow;
    assert_eq!(allow.iter().map(ToString::to_string).collect::<Vec<_>>(), written);
}

//! What is a target, which forms are equal, and the errors of those that are none.

use proptest::prelude::*;

use super::*;

fn url(raw: &str) -> Result<String, TargetError> {
    Target::parse(TargetKind::Url, raw).map(|target| target.to_string())
}

fn directory(raw: &str) -> Result<String, TargetError> {
    Target::parse(TargetKind::Directory, raw).map(|target| target.to_string())
}

#[test]
fn equal_forms_become_one() {
    for (raw, normal) in [
        ("HTTPS://WWW.Example.COM/App.js", "https://www.example.com/App.js"),
        ("https://h.example:443/a", "https://h.example/a"),
        ("http://h.example:80", "http://h.example/"),
        ("https://h.example?v=1", "https://h.example/?v=1"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"),
        ("https://h.example/a%2Fb%c3?x=%41&y", "https://h.example/a%2Fb%c3?x=%41&y"),
        ("https://h.example//a//b", "https://h.example//a//b"),
    ] {
        assert_eq!(url(raw).as_deref(), Ok(normal));
    }
}

#[test]
fn everything_else_is_refused_with_the_right_form() {
    for (raw, code, text) in [
        ("", "empty", "https://"),
        ("www.example.com/a", "scheme", "https://www.example.com/a"),
        ("ftp://h.example/a", "scheme", "https://"),
        ("https://h.example/a b", "not_encoded", "https://h.example/a%20b"),
        ("https://h.example/ü", "not_encoded", "https://h.example/%C3%BC"),
        ("https://h.example/a\tb", "control_character", "U+0009"),
        ("https://exam\u{200b}ple.com/", "control_character", "U+200B"),
        ("https://h.example\\a", "backslash", "https://h.example/a"),
        ("https://h.example/a/../b", "dot_segment", "."),
        ("https://h.example/a/%2E%2e/b", "dot_segment", "."),
        ("https://h.example:8443/a", "port", "https://h.example/a"),
        ("https://h.example:/a", "port", "https://h.example/a"),
        ("https://h.example/a#top", "fragment", "https://h.example/a"),
        ("https://me:pw@h.example/a", "userinfo", "https://h.example/a"),
        ("https://h.example/*.js", "wildcard", "%2A"),
        ("https://h.example./a", "host", "h.example"),
        ("https://127.0.0.1/a", "host", "IP"),
        ("https://0x7f.1/a", "host", "IP"),
        ("https://2130706433/a", "host", "IP"),
        ("https://[::1]/a", "host", "IP"),
        ("https://①②⑦.0.0.1/a", "host", "IP"),
        ("https://ｅxample.com/a", "host", "example.com"),
        ("https:///a", "host", "missing"),
        ("https://a..b/", "host", "labels"),
        ("https://h.example/a\"b", "not_as_written", "https://h.example/a%22b"),
    ] {
        let fault = url(raw).expect_err(raw);
        assert_eq!(fault.code, code, "{raw}: {fault}");
        assert!(fault.detail.contains(text), "{raw}: {fault}");
    }
    assert_eq!(url(&format!("https://h.example/{}", "a".repeat(2048))).expect_err("long").code, "too_long");
}

#[test]
fn the_home_page_and_the_whole_site_are_never_confused() {
    let page = Target::parse(TargetKind::Url, "https://h.example/").expect("a URL");
    let site = Target::parse(TargetKind::Directory, "https://h.example/").expect("a directory");
    assert_eq!(page.as_str(), site.as_str());
    assert_ne!(page, site);
    assert_eq!(directory("https://h.example").expect_err("no slash").code, "directory_slash");
}

#[test]
fn a_directory_ends_in_a_slash_and_has_no_query() {
    assert_eq!(directory("https://h.example/img/").as_deref(), Ok("https://h.example/img/"));
    let fault = directory("https://h.example/img").expect_err("no slash");
    assert!(fault.detail.contains("https://h.example/img/"), "{fault}");
    let fault = directory("https://h.example/img?x=1").expect_err("query");
    assert!(fault.detail.contains("https://h.example/img/"), "{fault}");
}

#[test]
fn the_host_is_what_stands_between_scheme_and_path() {
    let target = Target::parse(TargetKind::Url, "https://WWW.example.com/a?b=/c").expect("valid");
    assert_eq!(target.host(), "www.example.com");
}

proptest! {
    #[test]
    fn a_second_normalisation_is_identity(raw in "(https?|HTTPS)://[a-zA-Zü.-]{1,12}(:443|:80)?(/[ -~é]{0,20})?(\\?[ -~]{0,10})?") {
        for kind in TargetKind::ALL {
            if let Ok(target) = Target::parse(*kind, &raw) {
                prop_assert_eq!(Target::parse(*kind, target.as_str()), Ok(target));
            }
        }
    }

    #[test]
    fn path_and_query_are_kept_to_the_byte(tail in "(/[a-zA-Z0-9%._~!$&'()+,;=:@-]{0,8}){1,4}(\\?[a-zA-Z0-9%=&/?]{0,12})?") {
        if let Ok(text) = url(&format!("https://h.example{tail}")) {
            prop_assert_eq!(text, format!("https://h.example{tail}"));
        }
    }

    #[test]
    fn no_text_panics(raw in ".{0,80}") {
        let _ = url(&raw);
        let _ = directory(&raw);
    }
}

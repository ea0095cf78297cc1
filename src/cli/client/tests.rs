//! Retries, time limits and what a lost answer leaves open.

use http::StatusCode;

use super::*;

fn client(base_url: &str) -> ApiClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
    ApiClient { http, base: base(base_url).expect("a base"), authorization: None }
}

#[test]
fn a_base_may_lie_below_a_path() {
    for (base, url) in [
        ("http://127.0.0.1:8470", "http://127.0.0.1:8470/v1/jobs/a%2Fb"),
        ("https://ops.example/refreshd/", "https://ops.example/refreshd/v1/jobs/a%2Fb"),
        ("https://ops.example/refreshd", "https://ops.example/refreshd/v1/jobs/a%2Fb"),
    ] {
        assert_eq!(client(base).url(&["v1", "jobs", "a/b"]).as_str(), url);
    }
    for wrong in ["127.0.0.1:8470", "ftp://h/", "http://me:secret@h/", "http://h/?a=b", ""] {
        let text = base(wrong).expect_err(wrong).to_string();
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn a_token_is_one_word_and_never_shown() {
    let value = authorization("rfd_abc\n").expect("a token");
    assert_eq!(value.to_str().expect("ASCII"), "Bearer rfd_abc");
    assert!(!format!("{value:?}").contains("rfd_abc"));
    for wrong in ["", "\n", "two words", "s\u{e9}cret"] {
        assert_eq!(authorization(wrong).expect_err("no token").exit_code(), 2, "{wrong:?}");
    }
}

#[test]
fn a_wait_is_never_shorter_than_asked_for_nor_without_end() {
    let busy = |seconds: Option<u64>| {
        let retry_after = seconds.map(Duration::from_secs);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        CliError::Refused(Box::new(ProblemError {
            url: String::new(),
            status,
            problem: None,
            retry_after,
            token_was_sent: true,
        }))
    };
    let patience = RetryPolicy::of(5, &|_| {});
    assert_eq!(patience.wait(1, &busy(None), 0.0), Some(Duration::from_millis(200)));
    assert_eq!(patience.wait(1, &busy(Some(7)), 0.0), Some(Duration::from_secs(7)));
    assert_eq!(patience.wait(1, &busy(Some(61)), 0.0), None);
    assert_eq!(patience.wait(5, &busy(None), 0.0), None);
    assert_eq!(patience.wait(1, &CliError::Usage(String::new()), 0.0), None);
}

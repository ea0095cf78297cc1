//! Hosts, paths and queries that no URL parser would change, as most targets have. All others go to the parser, which takes
//! longer than every other check, and a claim reads a thousand targets.

/// A host name that is its own normal form: lower-case letters, digits and hyphens, in labels of the right length; no A-label,
/// which may be a wrong one, and nothing that could be an address.
pub(crate) fn is_plain_host(host: &str) -> bool {
    let is_plain_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.starts_with("xn--")
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && last.starts_with(|first: char| first.is_ascii_lowercase())
        && host.split('.').all(is_plain_label)
}

/// A path, and a query with its `?`, of characters that every client sends unchanged. Dot segments are checked elsewhere.
pub(crate) fn is_plain_tail(path: &str, query: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    path.starts_with('/')
        && path.bytes().all(is_plain)
        && query.bytes().all(|byte| is_plain(byte) || b"?&=+,:;@".contains(&byte))
}

pub(crate) fn is_dot_segment(segment: &str) -> bool {
    // Nothing longer than two encoded dots can be one; most segments are.
    segment.len() <= 6 && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::{Host, Url};

    use super::*;

    #[test]
    fn what_a_parser_might_change_is_not_plain() {
        for host in
            ["", "a..b", "A.example", "xn--a.example", "1.2.3.4", "a.0x7f", "h.example.", "-a.example", "a_b.example"]
        {
            assert!(!is_plain_host(host), "{host}");
        }
        assert!(!is_plain_host(&"a.".repeat(127)) && !is_plain_host(&"a".repeat(64)));
        for (path, query) in
            [("", ""), ("/a b", ""), ("/ü", ""), ("/a\"", ""), ("/a", "?'"), ("/a\\b", ""), ("/a", "?#")]
        {
            assert!(!is_plain_tail(path, query), "{path}{query}");
        }
        assert!(is_plain_host("www.example.com") && is_plain_tail("/assets//app.3f9a.js", "?v=1&w=%2F"));
    }

    proptest! {
        #[test]
        fn of_what_is_plain_a_parser_thinks_the_same(
            host in "([a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?\\.){0,3}[a-z]([a-z0-9-]{0,4}[a-z0-9])?", path in "/[a-zA-Z0-9._~/%-]{0,20}", query in "(\\?[a-z0-9%?&=+,:;@/.~_-]{0,20})?",
        ) {
            prop_assume!(is_plain_host(&host) && !path.split('/').any(is_dot_segment));
            prop_assert!(is_plain_tail(&path, &query));
            prop_assert_eq!(Host::parse(&host), Ok(Host::Domain(host.clone())));
            let text = format!("https://{host}{path}{query}");
            let parsed = Url::parse(&text).map(String::from);
            prop_assert_eq!(parsed, Ok(text));
        }
    }
}

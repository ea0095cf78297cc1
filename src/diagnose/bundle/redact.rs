//! The second wall before secrets (law 10): evidence is gathered without any, and whatever an origin or a provider put into
//! its answer all the same is taken out of the text here.

const LEFT_OUT: &str = "(left out)";

/// Headers whose value is a secret, or may be: the rest of the line goes.
const HEADERS: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-tc-token",
    "x-api-key",
    "x-auth-token",
    "x-amz-security-token",
    "x-cos-security-token",
];
/// Names whose value is a secret in a query, a setting or a JSON text.
const NAMES: [&str; 17] = [
    "secret_key",
    "secretkey",
    "secret",
    "password",
    "passwd",
    "pwd",
    "token",
    "access_token",
    "refresh_token",
    "session_token",
    "signature",
    "sig",
    "sign",
    "auth_key",
    "api_key",
    "apikey",
    "x-amz-signature",
];
/// Words behind which a credential stands.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// The text without what may be a secret; lines stay lines.
pub(crate) fn redact(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn line(line: &str) -> String {
    // The same length as the line, so that places in one are places in the other.
    let lower = line.to_ascii_lowercase();
    for name in HEADERS {
        if let Some(colon) = named(&lower, name, 0, &[':']) {
            return format!("{} {LEFT_OUT}", &line[..=colon]);
        }
    }
    let mut text = String::new();
    let mut from = 0;
    while let Some((start, end)) = next_secret(&lower, from) {
        text.push_str(&line[from..start]);
        text.push_str(LEFT_OUT);
        from = end;
    }
    text + &line[from..]
}

/// Where the next secret value begins and ends.
fn next_secret(lower: &str, from: usize) -> Option<(usize, usize)> {
    let by_name =
        NAMES.iter().filter_map(|name| value(lower, from, |from| Some(named(lower, name, from, &['=', ':'])? + 1)));
    // refreshd's own tokens, and the ids of key pairs: no secrets by themselves, but half of one.
    let by_prefix = SCHEMES.iter().chain(&["rfd_", "akid"]);
    let by_prefix =
        by_prefix.filter_map(|prefix| value(lower, from, |from| Some(word(lower, prefix, from)? + prefix.len())));
    by_name.chain(by_prefix).min()
}

/// The first value at or after `from` that stands where `place` tells, unless it is none or was left out before.
fn value(lower: &str, from: usize, place: impl Fn(usize) -> Option<usize>) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        from = place(from)?;
        let start = value_start(lower, from);
        let end = value_end(lower, start);
        if end > start && !lower[start..].starts_with(LEFT_OUT) {
            return Some((start, end));
        }
    }
}

/// Where the sign stands that follows the name, behind quotes and spaces.
fn named(lower: &str, name: &str, from: usize, signs: &[char]) -> Option<usize> {
    let mut from = from;
    while let Some(at) = word(lower, name, from) {
        let end = at + name.len();
        let skipped = lower[end..].trim_start_matches(['"', '\'', '`', ' ', '\\']);
        let place = lower.len() - skipped.len();
        if skipped.starts_with(signs) {
            return Some(place);
        }
        from = end;
    }
    None
}

/// Where the word begins, not as the end of a longer one.
fn word(lower: &str, word: &str, from: usize) -> Option<usize> {
    let is_whole = |at: &usize| !lower[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    lower[from..].match_indices(word).map(|(at, _)| from + at).find(is_whole)
}

fn value_start(lower: &str, from: usize) -> usize {
    lower.len() - lower[from..].trim_start_matches(['"', '\'', '`', ' ', '\\']).len()
}

fn value_end(lower: &str, start: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || "\"'`&,;#|)<>\\".contains(c);
    lower[start..].find(ends).map_or(lower.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        for (text, stored) in [
            ("Authorization: TC3-HMAC-SHA256 Credential=x, Signature=y", "Authorization: (left out)"),
            ("< set-cookie: sid=1; Path=/\nage: 3", "< set-cookie: (left out)\nage: 3"),
            (r#"{"Cookie": "sid=1"}"#, r#"{"Cookie": (left out)"#),
            ("GET /a?b=1&token=abc&c=2#x", "GET /a?b=1&token=(left out)&c=2#x"),
            ("https://h/a?sign=abc-1&SIGN=d", "https://h/a?sign=(left out)&SIGN=(left out)"),
            (r#"secret_key = "hush""#, r#"secret_key = "(left out)""#),
            (r#"{"token":"abc","x":1}"#, r#"{"token":"(left out)","x":1}"#),
            ("token: , token=abc, x", "token: , token=(left out), x"),
            ("sent with Bearer abc.def and ended", "sent with Bearer (left out) and ended"),
            ("token rfd_0123_abcd is unknown", "token rfd_(left out) is unknown"),
            ("key AKIDz8krbsJ5yKBZQpn74WFkmLPx3 is unknown", "key AKID(left out) is unknown"),
        ] {
            assert_eq!(redact(text), stored, "{text}");
            assert_eq!(redact(&redact(text)), redact(text), "twice is once");
        }
    }

    #[test]
    fn what_is_none_stays() {
        for text in [
            "https://www.example.com/sign-in?design=2&tokens=3",
            "x-nws-log-uuid: 123",
            "the signature is wrong; the token was sent",
            "etag: \"abc\"\ncache-control: max-age=60\n",
            "ü token: ",
            "token: , tokens",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}

//! Law 9 as a check of any text that is parsed as a target: written from the law, not from the parser. `fuzz/` runs it on
//! generated texts, the tests on the corpus.

use super::{TARGET_BYTES_MAX, Target, TargetKind};

/// Checks the law for a text as either kind. Returns how many of the two were accepted.
///
/// # Panics
/// If the law is broken.
pub fn target(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let accepted = TargetKind::ALL.iter().filter(|kind| match Target::parse(**kind, &text) {
        Ok(target) => {
            assert_as_written(**kind, &text, &target);
            true
        }
        Err(fault) => {
            assert!(!fault.code.is_empty() && !fault.detail.is_empty(), "{text:?} is refused without a reason");
            false
        }
    });
    accepted.count()
}

/// An accepted target is what was written, up to the law's equal forms.
///
/// # Panics
/// If it does not.
pub(crate) fn assert_as_written(kind: TargetKind, raw: &str, target: &Target) {
    assert_eq!(target.kind(), kind, "{raw:?}: a page and a site are never confused");
    assert_eq!(
        Target::parse(kind, target.as_str()).as_ref(),
        Ok(target),
        "{raw:?}: a second normalisation is identity"
    );
    assert!(raw.len() <= TARGET_BYTES_MAX && target.as_str().len() <= TARGET_BYTES_MAX, "{raw:?}: too long");
    let (scheme, rest) = raw.split_once("://").expect("what is accepted has a scheme");
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let scheme = scheme.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => panic!("{raw:?}: another scheme"),
    };
    let host = authority.strip_suffix(port).unwrap_or(authority);
    assert_same_host(host, target.host());
    let slash = if tail.starts_with('/') { "" } else { "/" };
    assert_eq!(target.as_str(), format!("{scheme}://{}{slash}{tail}", target.host()), "{raw:?}: kept to the byte");
    assert_tail(kind, raw, tail);
}

/// Case and the A-label are all that may differ.
fn assert_same_host(raw: &str, text: &str) {
    let refused = |c: char| c.is_control() || "@:%/\\[]*#? \u{200b}\u{ad}\u{2060}\u{feff}".contains(c);
    assert!(!raw.contains(refused), "{raw:?} holds what no host has");
    let written = raw.to_lowercase();
    assert!(text == written || url::quirks::domain_to_unicode(text) == written, "{raw:?} became {text:?}");
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    assert!(text.is_ascii() && text.split('.').all(label), "{text:?} is no name");
    let last = text.rsplit('.').next().unwrap_or_default();
    assert!(!last.bytes().all(|b| b.is_ascii_digit()), "{text:?} is an address");
}

fn assert_tail(kind: TargetKind, raw: &str, tail: &str) {
    let refused = |c: char| !c.is_ascii_graphic() || "\\*#".contains(c);
    assert!(!tail.contains(refused), "{raw:?} holds what the law refuses");
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    let plain = path.to_ascii_lowercase().replace("%2e", ".");
    assert!(!plain.split('/').any(|segment| segment == "." || segment == ".."), "{raw:?} has a dot segment");
    if kind == TargetKind::Directory {
        assert!(path.ends_with('/') && query.is_none(), "{raw:?} is no directory");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_a_target_keeps_law_9() {
        let samples = crate::corpus::samples("target");
        let accepted: usize = samples.iter().map(|sample| target(sample)).sum();
        assert!(accepted > 0 && accepted < samples.len() * 2, "{accepted} accepted: one side was never tried");
    }
}

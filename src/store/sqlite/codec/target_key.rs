//! A short key for finding equal targets. It is stored, so what it is computed by never changes.

/// The hash of the directory, and below it that of the whole text: neighbours stay neighbours in the index. Not negative, so
/// that it can be written with a fixed number of digits.
pub(crate) fn of(target: &str) -> i64 {
    let directory = &target[..parent_length(target)];
    (i64::from(hash(directory)) << 31) | i64::from(hash(target) >> 1)
}

/// The first and the last key of what is right below a directory; others may share them.
pub(crate) fn right_below(directory: &str) -> (i64, i64) {
    let first = i64::from(hash(directory)) << 31;
    (first, first | i64::from(u32::MAX >> 1))
}

/// The directories above a URL, from the site's root down to its own, and the URL itself if it is one.
pub(crate) fn above(target: &str) -> impl Iterator<Item = &str> {
    let target = without_query(target);
    let path = target.find("://").map_or(0, |scheme| scheme + 3);
    target[path..].match_indices('/').map(move |(place, _)| &target[..=path + place])
}

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

/// Up to and with the slash before the last segment.
fn parent_length(target: &str) -> usize {
    without_query(target).trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1)
}

/// FNV-1a of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv): equal targets are told by their text in the end.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_it_was_when_it_was_stored() {
        assert_eq!(hash("a"), 0xe40c_292c, "the published vector");
        assert_eq!(of("https://www.example.com/a/b.js"), of("https://www.example.com/a/b.js"));
        assert_ne!(of("https://www.example.com/a/b.js"), of("https://www.example.com/a/c.js"));
    }

    #[test]
    fn neighbours_share_the_upper_half() {
        let upper = |target| of(target) >> 31;
        assert_eq!(upper("https://h.example/a/b.js"), upper("https://h.example/a/c.js?d=/e/"));
        assert_ne!(upper("https://h.example/a/b.js"), upper("https://h.example/z/b.js"));
        assert!(of("https://h.example/") >= 0 && of("x") >= 0);
    }

    #[test]
    fn what_is_right_below_a_directory_has_its_keys() {
        let (first, last) = right_below("https://h.example/a/");
        let is_below = |target| (first..=last).contains(&of(target));
        assert!(is_below("https://h.example/a/b.js?q=/") && is_below("https://h.example/a/b/"));
        assert!(!is_below("https://h.example/a/b/c.js") && !is_below("https://h.example/b.js"));
        assert!(!is_below("https://h.example/a/"), "what ends in a slash stands beside its name");
    }

    #[test]
    fn every_directory_above_a_target_is_named() {
        let all = |target| above(target).collect::<Vec<_>>();
        let root = "https://h.example/";
        assert_eq!(all("https://h.example/a/b.js"), [root, "https://h.example/a/"]);
        assert_eq!(all("https://h.example/a/"), [root, "https://h.example/a/"]);
        assert_eq!(all(root), [root]);
        assert_eq!(all("https://h.example/?next=/a/b/"), [root]);
    }
}

//! Whether the edge is fresh, from the responses of edge and origin, never from what the provider says.

use std::net::SocketAddr;
use std::time::Duration;

use super::string_enum::words;
use super::{Target, Timestamp};

words!(
    /// Whether a refresh took effect. `None`: not requested.
    Verification { None = "none", Pending = "pending", Fresh = "fresh", Stale = "stale", Unknown = "unknown" }
);

/// What one side answered for a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpObservation {
    pub status: u16,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Of the body as it was sent, or as it was announced.
    pub length: Option<u64>,
    /// Hash of the whole body; none if it is longer than the probe reads.
    pub body_sha256: Option<[u8; 32]>,
    pub encoding: Option<String>,
    pub vary: Option<String>,
    pub cache_control: Option<String>,
    pub location: Option<String>,
    /// Seconds, by the `Age` header.
    pub age: Option<u64>,
    /// The edge's header on where the response came from.
    pub cache: Option<String>,
    /// The edge's id of this answer, for a support ticket.
    pub edge_log_id: Option<String>,
}

/// One side's answer, when it came and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedResponse {
    pub at: Timestamp,
    pub address: Option<SocketAddr>,
    pub look: HttpObservation,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub origin: ObservedResponse,
    /// All that were probed, in the order of the configuration.
    pub edges: Vec<ObservedResponse>,
}

/// What the two sides are compared for.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonContext<'a> {
    pub target: &'a Target,
    /// It was put into the cache, so a hit is to be expected.
    pub prefetched: bool,
    /// How long ago the job ended at the provider.
    pub ended: Duration,
}

/// A verdict and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `Fresh`, `Stale` or `Unknown`.
    pub verification: Verification,
    pub reason: String,
}

/// Compares the edge's answer with the origin's.
#[must_use]
pub fn judge(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    let mut verdict = by_status(context, edge, origin).unwrap_or_else(|| by_content(edge, origin));
    let remark = match verdict.verification {
        Verification::Stale => age_remark(context.ended, edge),
        // The visitor gets the right content, so it is `fresh`. That it was not cached may be because of another tier or the
        // cache rules, and is no reason to fail a deployment.
        Verification::Fresh if context.prefetched => miss_remark(edge),
        _ => None,
    };
    if let Some(remark) = remark {
        verdict.reason.push_str(&format!("; {remark}"));
    }
    verdict
}

/// What follows from the two statuses alone.
fn by_status(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Option<Verdict> {
    let unknown = |reason: String| Some(verdict(Verification::Unknown, reason));
    if origin.status >= 500 {
        return unknown(format!("the origin answers {}, so there is nothing to compare", origin.status));
    }
    if edge.status == origin.status {
        return None;
    }
    if refuses(origin.status) {
        return unknown(format!("the origin refuses the probe ({}), so there is nothing to compare", origin.status));
    }
    if refuses(edge.status) || edge.status >= 500 {
        let what = if edge.status >= 500 { "fails" } else { "refuses the probe" };
        return unknown(format!("the edge {what} ({}) where the origin answers {}", edge.status, origin.status));
    }
    let secure = context.target.as_str().strip_prefix("http://").map(|rest| format!("https://{rest}"));
    let to = edge.location.as_deref().map(|to| to.trim_end_matches('…').trim_end_matches('?'));
    if is_redirect(edge.status) && secure.is_some_and(|secure| secure.split('?').next() == to) {
        return unknown("the edge sends http to https by itself; refresh the https URL to see it verified".to_owned());
    }
    let reason = format!("the edge answers {}, the origin {}", edge.status, origin.status);
    Some(verdict(Verification::Stale, reason))
}

/// Both have the same status: the surest property that both have decides.
fn by_content(edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    if is_redirect(origin.status)
        && let Some(verdict) = compare("Location", edge.location.as_deref(), origin.location.as_deref())
    {
        return verdict;
    }
    let same_form = encoding(edge) == encoding(origin);
    if same_form && let (Some(edge_body), Some(origin_body)) = (edge.body_sha256, origin.body_sha256) {
        return match (edge_body == origin_body, why_they_differ(edge, origin)) {
            (true, _) => verdict(Verification::Fresh, "the edge's body is the origin's".to_owned()),
            (false, Some(reason)) => verdict(Verification::Unknown, format!("the bodies differ, and {reason}")),
            (false, None) => verdict(Verification::Stale, "the edge's body is not the origin's".to_owned()),
        };
    }
    let lengths = (edge.length, origin.length);
    if same_form
        && let (Some(edge_length), Some(origin_length)) = lengths
        && edge_length != origin_length
    {
        let reason = format!("the edge has {edge_length} bytes, the origin {origin_length}");
        return verdict(Verification::Stale, reason);
    }
    let dates = compare("Last-Modified", edge.last_modified.as_deref(), origin.last_modified.as_deref());
    let tags = compare("ETag", edge.etag.as_deref().map(opaque), origin.etag.as_deref().map(opaque));
    match (tags, dates) {
        // Machines behind one origin often make ETags of their own for one file.
        (Some(tags), Some(dates)) if tags.verification != dates.verification => {
            let reason =
                "ETag and Last-Modified do not agree whether it is the same, and the bodies cannot be compared";
            verdict(Verification::Unknown, reason.to_owned())
        }
        (Some(message), _) | (None, Some(message)) => message,
        (None, None) => {
            let reason = "the bodies cannot be compared, and there is neither ETag nor Last-Modified on both sides";
            verdict(Verification::Unknown, reason.to_owned())
        }
    }
}

/// Why two fresh responses may have different bodies. A cache hit is stored content, so this does not apply to it.
fn why_they_differ(edge: &HttpObservation, origin: &HttpObservation) -> Option<&'static str> {
    if edge.cache.as_deref().is_some_and(is_hit) {
        return None;
    }
    let says = |header: &Option<String>, words: &[&str]| {
        header.as_ref().is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
    };
    if says(&origin.cache_control, &["no-store", "private", "no-cache"]) {
        return Some("the origin forbids to keep it (Cache-Control), so each answer may be another");
    }
    says(&origin.vary, &["user-agent", "cookie", "*"]).then_some("the origin says that they vary by who asks (Vary)")
}

const CLOCKS_APART: u64 = 2;

fn age_remark(ended: Duration, edge: &HttpObservation) -> Option<String> {
    let (age, ended) = (edge.age?, ended.as_secs());
    // Both are whole seconds of two clocks: a small difference means nothing.
    if age + CLOCKS_APART < ended {
        Some(format!(
            "the edge fetched it {age} s ago, after the refresh: the origin, or one of its machines, gave it old content"
        ))
    } else if age > ended + CLOCKS_APART {
        Some(format!("the edge has had it for {age} s, since before the refresh"))
    } else {
        None
    }
}

fn miss_remark(edge: &HttpObservation) -> Option<String> {
    let text = edge.cache.as_deref()?;
    (!is_hit(text)).then(|| {
        format!("but the edge did not have it in its cache, in spite of the prefetch (X-Cache-Lookup: {text})")
    })
}

/// Any tier counts: an edge may take what was prefetched from the tier behind it.
fn is_hit(text: &str) -> bool {
    let message = text.to_ascii_lowercase();
    message.contains("cache hit") || message.contains("hit from")
}

/// By access rules, signatures or limits that do not speak of content.
const fn refuses(status: u16) -> bool {
    matches!(status, 401 | 403 | 407 | 423 | 429)
}

const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn encoding(look: &HttpObservation) -> &str {
    look.encoding.as_deref().filter(|encoding| !encoding.eq_ignore_ascii_case("identity")).unwrap_or_default()
}

/// What two ETags have to share to be weakly equal (RFC 9110, section 8.8.3.2). Servers that compress mark theirs.
fn opaque(etag: &str) -> &str {
    let tag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    ["-gzip", "-br", "--gzip", "--br", ";gzip"].iter().find_map(|mark| tag.strip_suffix(mark)).unwrap_or(tag)
}

fn compare(what: &str, edge: Option<&str>, origin: Option<&str>) -> Option<Verdict> {
    let (edge, origin) = (edge?, origin?);
    Some(if edge == origin {
        verdict(Verification::Fresh, format!("the edge's {what} is the origin's"))
    } else {
        verdict(Verification::Stale, format!("the edge's {what} is not the origin's"))
    })
}

const fn verdict(verification: Verification, reason: String) -> Verdict {
    Verdict { verification, reason }
}

#[cfg(test)]
mod tests {
    use super::Verification::{Fresh, Stale, Unknown};
    use super::*;
    use crate::domain::TargetKind;

    fn look(status: u16, body: Option<u8>, etag: Option<&str>) -> HttpObservation {
        HttpObservation {
            status,
            body_sha256: body.map(|b| [b; 32]),
            etag: etag.map(str::to_owned),
            ..HttpObservation::default()
        }
    }

    fn with(look: HttpObservation, change: impl FnOnce(&mut HttpObservation)) -> HttpObservation {
        let mut look = look;
        change(&mut look);
        look
    }

    fn some_text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn judge_edge(prefetched: bool, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
        let target = Target::parse(TargetKind::Url, "http://h.example/a?b=c").expect("valid");
        judge(ComparisonContext { target: &target, prefetched, ended: Duration::from_secs(60) }, edge, origin)
    }

    #[test]
    fn freshness_is_what_edge_and_origin_agree_on() {
        for (edge, origin, expected) in [
            (look(200, Some(1), None), look(200, Some(1), None), Fresh),
            (look(200, Some(1), None), look(200, Some(2), None), Stale),
            // The body decides: a weak or missing ETag does not.
            (look(200, Some(1), Some("a")), look(200, Some(1), Some("b")), Fresh),
            (look(200, Some(1), Some("a")), look(200, Some(2), Some("a")), Stale),
            (look(200, None, Some("a")), look(200, None, Some("a")), Fresh),
            (look(200, None, Some("W/\"a\"")), look(200, None, Some("\"a\"")), Fresh),
            (look(200, None, Some("\"a-gzip\"")), look(200, None, Some("\"a\"")), Fresh),
            (look(200, None, Some("a")), look(200, None, Some("b")), Stale),
            (look(200, None, None), look(200, None, None), Unknown),
            // A file that was removed is fresh when both say so, and stale while the edge still has it.
            (look(404, Some(1), None), look(404, Some(1), None), Fresh),
            (look(200, Some(1), None), look(404, Some(2), None), Stale),
            (look(404, Some(1), None), look(200, Some(2), None), Stale),
            (look(200, Some(1), None), look(502, Some(1), None), Unknown),
            (look(502, Some(1), None), look(502, Some(1), None), Unknown),
            // A side that refuses or fails says nothing of its content.
            (look(403, Some(1), None), look(200, Some(1), None), Unknown),
            (look(514, Some(1), None), look(200, Some(1), None), Unknown),
            (look(200, Some(1), None), look(403, Some(1), None), Unknown),
        ] {
            assert_eq!(judge_edge(false, &edge, &origin).verification, expected, "{edge:?} {origin:?}");
        }
    }

    #[test]
    fn a_body_in_another_form_is_compared_by_what_goes_with_it() {
        let gzip = |look: HttpObservation| with(look, |look| look.encoding = some_text("gzip"));
        let dated = |look: HttpObservation, date: &str| with(look, |look| look.last_modified = some_text(date));
        let long = |look: HttpObservation, bytes| with(look, |look| look.length = Some(bytes));
        for (edge, origin, expected) in [
            (gzip(look(200, Some(1), None)), look(200, Some(2), None), Unknown),
            (gzip(look(200, Some(1), Some("W/\"a\""))), look(200, Some(2), Some("\"a\"")), Fresh),
            (gzip(dated(look(200, Some(1), None), "x")), dated(look(200, Some(2), None), "y"), Stale),
            (gzip(long(look(200, None, Some("a")), 1)), long(look(200, None, Some("a")), 2), Fresh),
            (long(look(200, None, Some("a")), 1), long(look(200, None, Some("a")), 2), Stale),
            (long(look(200, None, None), 1), long(look(200, None, None), 1), Unknown),
            (dated(look(200, None, Some("a")), "x"), dated(look(200, None, Some("b")), "x"), Unknown),
            (dated(look(200, None, Some("a")), "x"), dated(look(200, None, Some("b")), "y"), Stale),
        ] {
            assert_eq!(judge_edge(false, &edge, &origin).verification, expected, "{edge:?} {origin:?}");
        }
    }

    #[test]
    fn what_differs_by_itself_is_stale_only_if_the_cache_gave_it() {
        let private = with(look(200, Some(2), None), |look| look.cache_control = some_text("private, max-age=0"));
        let varied = with(look(200, Some(2), None), |look| look.vary = some_text("Accept-Encoding, User-Agent"));
        let from = |text: &str| with(look(200, Some(1), None), |look| look.cache = some_text(text));
        for origin in [private, varied] {
            assert_eq!(judge_edge(false, &from("Cache Miss"), &origin).verification, Unknown);
            assert_eq!(judge_edge(false, &from("Hit From MemCache"), &origin).verification, Stale);
        }
    }

    #[test]
    fn a_redirect_is_compared_by_where_it_leads() {
        let to = |status, to: &str| with(look(status, Some(0), None), |look| look.location = some_text(to));
        let verdict = |edge: &HttpObservation, origin: &HttpObservation| judge_edge(false, edge, origin).verification;
        assert_eq!(verdict(&to(302, "/new"), &to(302, "/new")), Fresh);
        assert_eq!(verdict(&to(302, "/old"), &to(302, "/new")), Stale);
        assert_eq!(verdict(&to(301, "https://h.example/a?…"), &look(200, Some(1), None)), Unknown, "https by itself");
        assert_eq!(verdict(&to(301, "https://h.example/b"), &look(200, Some(1), None)), Stale);
    }

    #[test]
    fn a_prefetch_that_left_no_hit_is_fresh_with_a_remark() {
        let from = |text: &str| with(look(200, Some(1), None), |look| look.cache = some_text(text));
        let remark = |message: &str| judge_edge(true, &from(message), &look(200, Some(1), None));
        let missed = remark("Cache Miss, Hit Nothing");
        assert!(missed.verification == Fresh && missed.reason.contains("X-Cache-Lookup: Cache Miss"), "{missed:?}");
        for hit in ["Cache Hit", "Cache Miss, Hit From Disktank3", "Hit From Upstream Cluster"] {
            assert!(!remark(hit).reason.contains("X-Cache-Lookup"), "{hit}");
        }
        let purged = judge_edge(false, &from("Cache Miss"), &look(200, Some(1), None));
        assert!(!purged.reason.contains("X-Cache-Lookup"), "{purged:?}");
    }

    #[test]
    fn a_stale_answers_age_tells_whose_fault_it_is() {
        let aged = |age| with(look(200, Some(1), None), |look| look.age = Some(age));
        let reason = |age| judge_edge(false, &aged(age), &look(200, Some(2), None)).reason;
        assert!(reason(5).contains("after the refresh"), "{}", reason(5));
        assert!(reason(600).contains("before the refresh"), "{}", reason(600));
    }
}

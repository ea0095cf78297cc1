//! Whether two answers have the same content, by the surest property that both have.

use super::HttpObservation;

/// What two answers of equal status show of their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same, by this property.
    Same(&'static str),
    /// Not the same, in these words.
    Different(String),
    /// Bodies differ, and this property is equal: it may be generated anew for each request, or changed on its way.
    DifferentBodyWithEqual(&'static str),
    /// Nothing to compare, for this reason.
    Unknown(&'static str),
}

pub(super) fn compare(edge: &HttpObservation, origin: &HttpObservation) -> Likeness {
    let tags = equal(edge.etag.as_deref().map(opaque), origin.etag.as_deref().map(opaque));
    let dates = equal(edge.last_modified.as_deref(), origin.last_modified.as_deref());
    if encoding(edge) == encoding(origin) {
        if let (Some(one), Some(other)) = (edge.body_sha256, origin.body_sha256) {
            return match (one == other, tags, dates) {
                (true, ..) => Likeness::Same("body"),
                (false, Some(true), _) => Likeness::DifferentBodyWithEqual("ETag"),
                (false, None, Some(true)) => Likeness::DifferentBodyWithEqual("Last-Modified"),
                (false, ..) => Likeness::Different("the edge's body is not the origin's".to_owned()),
            };
        }
        if let (Some(one), Some(other)) = (edge.length, origin.length)
            && one != other
        {
            return Likeness::Different(format!("the edge has {one} bytes, the origin {other}"));
        }
    }
    match (tags, dates) {
        // Machines behind one origin often make ETags of their own for one file.
        (Some(tags), Some(dates)) if tags != dates => Likeness::Unknown(
            "ETag and Last-Modified do not agree whether it is the same, and the bodies cannot be compared",
        ),
        (Some(true), _) => Likeness::Same("ETag"),
        (None, Some(true)) => Likeness::Same("Last-Modified"),
        (Some(false), _) => Likeness::Different("the edge's ETag is not the origin's".to_owned()),
        (None, Some(false)) => Likeness::Different("the edge's Last-Modified is not the origin's".to_owned()),
        (None, None) => Likeness::Unknown(
            "the bodies cannot be compared, and there is neither ETag nor Last-Modified on both sides",
        ),
    }
}

/// Whether ETags or dates that both have, bodies aside, are equal; none: neither has one to compare.
pub(super) fn same_version(one: &HttpObservation, other: &HttpObservation) -> Option<bool> {
    let tags = equal(one.etag.as_deref().map(opaque), other.etag.as_deref().map(opaque));
    tags.or_else(|| equal(one.last_modified.as_deref(), other.last_modified.as_deref()))
}

fn equal(one: Option<&str>, other: Option<&str>) -> Option<bool> {
    Some(one? == other?)
}

fn encoding(side: &HttpObservation) -> &str {
    side.encoding.as_deref().filter(|encoding| !encoding.eq_ignore_ascii_case("identity")).unwrap_or_default()
}

/// What two ETags have to share to be weakly equal (RFC 9110, section 8.8.3.2). Servers that compress mark theirs.
fn opaque(etag: &str) -> &str {
    let tag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    ["-gzip", "-br", "--gzip", "--br", ";gzip"].iter().find_map(|mark| tag.strip_suffix(mark)).unwrap_or(tag)
}

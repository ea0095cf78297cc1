//! Is the edge fresh? Judged from what the edge and the origin answered, never from what the provider said.

use super::words::words;

words!(
    /// Whether a refresh took effect (CONTRACT §1). `None`: not asked for.
    Verification { None = "none", Pending = "pending", Fresh = "fresh", Stale = "stale", Unknown = "unknown" }
);

/// What one side answered for a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub status: u16,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Hash of the whole body; none if it is longer than the probe reads.
    pub body_sha256: Option<[u8; 32]>,
    /// The edge's own word for where the answer came from.
    pub cache: Option<String>,
    /// The edge's id of this answer, for a support ticket.
    pub edge_log_id: Option<String>,
}

/// A judgement and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `Fresh`, `Stale` or `Unknown`.
    pub verification: Verification,
    pub reason: String,
}

/// Compares the edge's answer with the origin's.
#[must_use]
pub fn judge(edge: &Look, origin: &Look) -> Verdict {
    if origin.status >= 500 {
        return verdict(
            Verification::Unknown,
            format!("the origin answers {}, so there is nothing to compare", origin.status),
        );
    }
    if edge.status != origin.status {
        return verdict(Verification::Stale, format!("the edge answers {}, the origin {}", edge.status, origin.status));
    }
    let compared = compare("body", edge.body_sha256.as_ref(), origin.body_sha256.as_ref())
        .or_else(|| compare("ETag", edge.etag.as_ref(), origin.etag.as_ref()))
        .or_else(|| compare("Last-Modified", edge.last_modified.as_ref(), origin.last_modified.as_ref()));
    compared.unwrap_or_else(|| {
        verdict(
            Verification::Unknown,
            "the body is too long to compare, and there is neither ETag nor Last-Modified".to_owned(),
        )
    })
}

fn compare<T: PartialEq>(what: &str, edge: Option<&T>, origin: Option<&T>) -> Option<Verdict> {
    let (edge, origin) = (edge?, origin?);
    Some(if edge == origin {
        verdict(Verification::Fresh, format!("the edge's {what} is the origin's"))
    } else {
        verdict(Verification::Stale, format!("the edge's {what} is not the origin's"))
    })
}

fn verdict(verification: Verification, reason: String) -> Verdict {
    Verdict { verification, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(status: u16, body: Option<u8>, etag: Option<&str>) -> Look {
        Look { status, body_sha256: body.map(|b| [b; 32]), etag: etag.map(str::to_owned), ..Look::default() }
    }

    #[test]
    fn freshness_is_what_edge_and_origin_agree_on() {
        use Verification::{Fresh, Stale, Unknown};
        for (edge, origin, expected) in [
            (look(200, Some(1), None), look(200, Some(1), None), Fresh),
            (look(200, Some(1), None), look(200, Some(2), None), Stale),
            // The body decides: a weak or missing ETag does not.
            (look(200, Some(1), Some("a")), look(200, Some(1), Some("b")), Fresh),
            (look(200, None, Some("a")), look(200, None, Some("a")), Fresh),
            (look(200, None, Some("a")), look(200, None, Some("b")), Stale),
            (look(200, None, None), look(200, None, None), Unknown),
            // A file that was removed is fresh when both say so, and stale while the edge still has it.
            (look(404, Some(1), None), look(404, Some(1), None), Fresh),
            (look(200, Some(1), None), look(404, Some(2), None), Stale),
            (look(200, Some(1), None), look(502, Some(1), None), Unknown),
            (look(502, Some(1), None), look(502, Some(1), None), Unknown),
        ] {
            assert_eq!(judge(&edge, &origin).verification, expected, "{edge:?} {origin:?}");
        }
    }
}

//! Two servers with the same content are never stale, whatever else differs; two with different content are never fresh, unless
//! the edge shows that it keeps no old copy.

use std::time::Duration;

use proptest::prelude::*;

use super::{ComparisonContext, HttpObservation, SecondProbe, Verdict, Verification, judge};
use crate::domain::{Target, TargetKind};

/// How a server answers, its content aside.
#[derive(Debug, Clone)]
struct Manner {
    /// It announces no length.
    is_chunked: bool,
    /// It compresses, and marks the tag.
    encoding: Option<&'static str>,
    tag: Tag,
    has_date: bool,
    /// It writes something new into each page.
    is_dynamic: bool,
    /// The body is longer than the probe reads.
    is_long: bool,
    error_page: u8,
    relative_location: bool,
    cache: Option<&'static str>,
    /// Of the copy, in seconds; the refresh ended a minute ago.
    age: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Tag {
    None,
    Strong,
    Weak,
}

fn manners() -> impl Strategy<Value = Manner> {
    let tag = prop_oneof![Just(Tag::None), Just(Tag::Strong), Just(Tag::Weak)];
    let encoding = prop::option::of(prop_oneof![Just("gzip"), Just("br")]);
    let cache = prop::option::of(prop_oneof![
        Just("Cache Hit"),
        Just("Cache Miss"),
        Just("Hit From Upstream, Cache Miss, Hit From Inner Cluster")
    ]);
    (
        (any::<bool>(), encoding, tag, any::<bool>(), any::<bool>(), any::<bool>()),
        (0u8..3, any::<bool>(), cache, prop::option::of(0u64..50)),
    )
        .prop_map(
            |(
                (is_chunked, encoding, tag, has_date, is_dynamic, is_long),
                (error_page, relative_location, cache, age),
            )| Manner {
                is_chunked,
                encoding,
                tag,
                has_date,
                is_dynamic,
                is_long,
                error_page,
                relative_location,
                cache,
                age,
            },
        )
}

/// The server's `request`-th answer, of this content.
fn answer(manner: &Manner, status: u16, content: u8, request: u8) -> HttpObservation {
    let body = match (manner.is_dynamic, status) {
        (true, _) => [content, 1, request],
        (false, 404) => [content, 2, manner.error_page],
        (false, _) => [content, 0, 0],
    };
    let body = if manner.encoding.is_some() { [body[0], body[1], body[2] ^ 0x80] } else { body };
    let mut hash = [0; 32];
    hash[..3].copy_from_slice(&body);
    let version = format!("v{content}");
    let encoding = manner.encoding.map(str::to_owned);
    let location =
        if manner.relative_location { format!("/to/{content}") } else { format!("https://h.example/to/{content}") };
    HttpObservation {
        status,
        etag: match manner.tag {
            Tag::None => None,
            Tag::Strong => Some(format!("\"{version}\"")),
            Tag::Weak => Some(format!("W/\"{version}\"")),
        },
        last_modified: manner.has_date.then(|| version.clone()),
        length: (!manner.is_chunked).then_some(if manner.is_dynamic { 1_000 } else { 1_000 + u64::from(content) }),
        body_sha256: (!manner.is_long).then_some(hash),
        location: (status == 302).then_some(location),
        encoding,
        ..HttpObservation::default()
    }
}

fn of_edge(manner: &Manner, answer: HttpObservation) -> HttpObservation {
    HttpObservation { cache: manner.cache.map(str::to_owned), age: manner.age, ..answer }
}

/// The verdict as the verifier comes to it: the origin is probed again unless the first probes show it fresh.
fn judge_all(edge: &HttpObservation, origin: &HttpObservation, again: &HttpObservation) -> Verdict {
    let target = Target::parse(TargetKind::Url, "https://h.example/a").expect("valid");
    let of = |origin_again| ComparisonContext {
        target: &target,
        origin_again,
        prefetched: false,
        ended: Some(Duration::from_secs(60)),
    };
    let first = judge(of(SecondProbe::None), edge, origin);
    match first.verification {
        Verification::Fresh => first,
        _ => judge(of(SecondProbe::Answer(again)), edge, origin),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_content_is_never_stale(
        edge in manners(), origin in manners(), status in prop_oneof![Just(200u16), Just(404), Just(302)], dynamic in any::<bool>(),
    ) {
        // What a page is made of is the origin's: an edge passes it on.
        let origin = Manner { is_dynamic: dynamic, ..origin };
        let edge = Manner { is_dynamic: dynamic, ..edge };
        let sent = of_edge(&edge, answer(&edge, status, 1, 7));
        let verdict = judge_all(&sent, &answer(&origin, status, 1, 8), &answer(&origin, status, 1, 9));
        prop_assert_ne!(verdict.verification, Verification::Stale, "{}", verdict.reason);
    }

    #[test]
    fn other_content_is_never_fresh_unless_the_edge_shows_that_it_keeps_no_old_copy(
        edge in manners(), origin in manners(), dynamic in any::<bool>(),
    ) {
        let origin = Manner { is_dynamic: dynamic, ..origin };
        let edge = Manner { is_dynamic: dynamic, ..edge };
        let sent = of_edge(&edge, answer(&edge, 200, 1, 7));
        let verdict = judge_all(&sent, &answer(&origin, 200, 2, 8), &answer(&origin, 200, 2, 9));
        let keeps_no_old_copy = dynamic && (edge.age.is_some() || edge.cache.is_some_and(|text| text.contains("Miss")));
        prop_assert!(keeps_no_old_copy || verdict.verification != Verification::Fresh, "{}", verdict.reason);
    }
}

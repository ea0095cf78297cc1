//! What a second answer of an origin, and the age of a copy, do and do not prove.

use std::time::Duration;

use super::fixtures::*;
use crate::diagnose::{Evidence, Freshness};
use crate::domain::CauseId;
use crate::probe::ProbeResult;

fn redirect(to: &str) -> ProbeResult {
    let mut answer = origin(302, 9);
    add(&mut answer, "location", to);
    answer
}

fn about(target: &str, to: &str) -> Vec<CauseId> {
    ids(&world(|e| {
        e.case.target = url(target);
        e.origins = Ok(vec![redirect(to)]);
        let mut at_edge = edge(302, 9);
        add(&mut at_edge, "location", to);
        e.edge = Ok(at_edge);
    }))
}

#[test]
fn a_redirect_to_the_url_itself_is_a_circle_unless_a_query_may_differ() {
    for (target, to, is_circle) in [
        ("https://www.example.com/app.js", "/app.js", true),
        ("https://www.example.com/app.js", "https://www.example.com/app.js?…", false),
        ("https://www.example.com/app.js?lang=de", "/app.js", false),
        ("https://www.example.com/app.js", "/other.js", false),
    ] {
        assert_eq!(about(target, to).contains(&CauseId::OriginHttp), is_circle, "{target} {to}");
    }
}

/// The edge's copy is old by the first of two origins; `again` is what one of them answers next.
fn with_two_origins(again: ProbeResult) -> Evidence {
    world(|e| {
        stale(e);
        let mut other = origin(200, 2);
        other.ask.host = "other.example.com".to_owned();
        e.origins = Ok(vec![origin(200, 2), other]);
        e.origin_again = Some(again);
    })
}

#[test]
fn one_origins_second_answer_says_nothing_of_another_origin() {
    let changed = with_two_origins(origin(200, 7));
    assert!(changed.origin_changes_by_itself());
    assert!(matches!(changed.freshness(), Freshness::Old(_)), "the other origin did not change: {changed:?}");
    let steady = with_two_origins(origin(200, 2));
    assert!(!steady.origin_changes_by_itself() && matches!(steady.freshness(), Freshness::Old(_)));
}

#[test]
fn a_copy_within_the_second_of_the_refresh_is_settled_by_a_probe_at_a_full_second() {
    let finished = NOW - Duration::from_millis(300);
    let of = |age_at_full_second: Option<&str>| {
        world(|e| {
            stale(e);
            job_context(e).finished_at = Some(finished);
            job_context(e).verification = crate::domain::Verification::Pending;
            let mut copy = edge(200, 1);
            add(&mut copy, "age", "0");
            e.edge = Ok(copy.clone());
            e.edge_at_full_second = age_at_full_second.map(|age| {
                let mut later = edge(200, 1);
                add(&mut later, "age", age);
                later.at = finished + Duration::from_secs(1);
                later
            });
        })
    };
    assert_eq!(of(None).full_second_to_probe_at(), Some(finished + Duration::from_secs(1)));
    assert_eq!(of(None).origin_was_late(), None, "an age of 0 leaves it open");
    assert!(of(Some("0")).origin_was_late().is_some(), "its age has not turned: it came after the refresh");
    assert_eq!(of(Some("1")).origin_was_late(), None, "its age has turned: it is older than the refresh");
}

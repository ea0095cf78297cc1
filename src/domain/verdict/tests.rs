//! The rules of a verdict, case by case.

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

fn context<'a>(target: &'a Target, prefetched: bool, origin_again: SecondProbe<'a>) -> ComparisonContext<'a> {
    ComparisonContext { target, origin_again, prefetched, ended: Some(Duration::from_secs(60)) }
}

fn judge_edge(prefetched: bool, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    let target = Target::parse(TargetKind::Url, "http://h.example/a?b=c").expect("valid");
    judge(context(&target, prefetched, SecondProbe::None), edge, origin)
}

#[test]
fn freshness_is_what_edge_and_origin_agree_on() {
    for (edge, origin, expected) in [
        (look(200, Some(1), None), look(200, Some(1), None), Fresh),
        (look(200, Some(1), None), look(200, Some(2), None), Stale),
        // The body decides: a weak or missing ETag does not.
        (look(200, Some(1), Some("a")), look(200, Some(1), Some("b")), Fresh),
        (look(200, Some(1), Some("a")), look(200, Some(2), Some("a")), Unknown),
        (look(200, None, Some("a")), look(200, None, Some("a")), Fresh),
        (look(200, None, Some("W/\"a\"")), look(200, None, Some("\"a\"")), Fresh),
        (look(200, None, Some("\"a-gzip\"")), look(200, None, Some("\"a\"")), Fresh),
        (look(200, None, Some("a")), look(200, None, Some("b")), Stale),
        (look(200, None, None), look(200, None, None), Unknown),
        // A file that was removed is fresh when both say so, and stale while the edge still has it.
        (look(404, Some(1), None), look(404, Some(1), None), Fresh),
        (look(404, Some(1), None), look(410, Some(2), None), Fresh),
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

const NOTHING: fn(&mut HttpObservation) = |_| ();

/// The verdict after both probes of an origin whose second answer differs from its first by `change`.
fn judge_twice(edge: &HttpObservation, origin: &HttpObservation, change: impl FnOnce(&mut HttpObservation)) -> Verdict {
    let target = Target::parse(TargetKind::Url, "http://h.example/a?b=c").expect("valid");
    let again = with(origin.clone(), change);
    judge(context(&target, false, SecondProbe::Answer(&again)), edge, origin)
}

#[test]
fn an_origin_that_differs_from_itself_proves_nothing_by_its_bodies() {
    let edge = |change: fn(&mut HttpObservation)| with(look(200, Some(1), None), change);
    let origin = look(200, Some(2), None);
    let other: fn(&mut HttpObservation) = |again| again.body_sha256 = Some([3; 32]);
    for (edge, change, expected) in [
        (edge(NOTHING), NOTHING, Stale),
        (edge(NOTHING), other, Unknown),
        (edge(|edge| edge.age = Some(10)), other, Fresh),
        (edge(|edge| edge.age = Some(600)), other, Stale),
        (edge(|edge| edge.cache = some_text("Cache Miss")), other, Fresh),
        (edge(|edge| edge.cache = some_text("Cache Hit")), other, Unknown),
        // It has one of the answers of an origin whose machines differ.
        (edge(NOTHING), |again| again.body_sha256 = Some([1; 32]), Unknown),
        (edge(NOTHING), |again| again.status = 404, Unknown),
    ] {
        assert_eq!(judge_twice(&edge, &origin, change).verification, expected, "{edge:?}");
    }
    let tagged = |body, tag| look(200, Some(body), Some(tag));
    assert_eq!(judge_twice(&tagged(1, "a"), &tagged(2, "a"), other).verification, Fresh, "the version is the same");
    assert_eq!(judge_twice(&tagged(1, "b"), &tagged(2, "a"), other).verification, Stale, "the version is another");
    let cached = with(origin, |origin| origin.age = Some(5));
    assert_eq!(judge_twice(&edge(|edge| edge.age = Some(600)), &cached, other).verification, Unknown, "a cache itself");
}

#[test]
fn stale_is_not_said_if_the_origin_does_not_answer_a_second_time() {
    let target = Target::parse(TargetKind::Url, "http://h.example/a").expect("valid");
    let context = context(&target, false, SecondProbe::Failed("timeout"));
    let verdict = judge(context, &look(200, Some(1), None), &look(200, Some(2), None));
    assert!(verdict.verification == Unknown && verdict.reason.contains("timeout"), "{verdict:?}");
}

#[test]
fn an_error_that_the_edge_keeps_is_told_from_one_that_it_makes() {
    let cached = with(look(502, Some(1), None), |edge| edge.cache = some_text("Cache Hit"));
    let aged = with(look(502, Some(1), None), |edge| edge.age = Some(30));
    for (edge, expected) in [(cached, Stale), (aged, Stale), (look(502, Some(1), None), Unknown)] {
        assert_eq!(judge_edge(false, &edge, &look(200, Some(1), None)).verification, expected, "{edge:?}");
    }
}

#[test]
fn what_is_gone_on_both_sides_is_fresh_with_a_remark() {
    let verdict = judge_edge(false, &look(404, Some(1), None), &look(404, Some(2), None));
    assert!(verdict.verification == Fresh && verdict.reason.contains("; but nothing is there (404)"), "{verdict:?}");
}

#[test]
fn a_circle_of_redirects_is_never_fresh() {
    let to = |location: &str| with(look(301, None, None), |side| side.location = some_text(location));
    let https = Target::parse(TargetKind::Url, "https://h.example/a").expect("valid");
    for (location, expected) in
        [("/a", Unknown), ("http://h.example/a", Unknown), ("https://h.example/b", Fresh), ("b", Fresh)]
    {
        let verdict = judge(context(&https, false, SecondProbe::None), &to(location), &to(location));
        assert_eq!(verdict.verification, expected, "{location}");
    }
    let verdict = judge(context(&https, false, SecondProbe::None), &to("/b"), &to("https://h.example/b"));
    assert_eq!(verdict.verification, Fresh, "forms that mean the same");
}

#[test]
fn equal_tags_with_other_bodies_are_stale_only_if_the_copy_is_older_than_the_refresh() {
    let aged = |age| with(look(200, Some(1), Some("a")), |edge| edge.age = Some(age));
    let origin = look(200, Some(2), Some("a"));
    assert_eq!(judge_twice(&aged(600), &origin, NOTHING).verification, Stale);
    assert_eq!(judge_twice(&aged(10), &origin, NOTHING).verification, Unknown);
}

#[test]
fn an_age_that_a_slow_probe_explains_proves_nothing() {
    let aged = |age| with(look(200, Some(1), Some("a")), |edge| edge.age = Some(age));
    let origin = look(200, Some(2), Some("a"));
    // The refresh ended 60 s before the probe began, and a probe may take half a minute.
    assert_eq!(judge_twice(&aged(85), &origin, NOTHING).verification, Unknown);
    assert_eq!(judge_twice(&aged(95), &origin, NOTHING).verification, Stale);
}

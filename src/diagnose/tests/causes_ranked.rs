//! The true cause stands first, a healthy world has none, and what is said of each holds what it has to.

use std::collections::BTreeSet;
use std::time::Duration;

use super::fixtures::*;
use crate::diagnose::{CurrentWait, Evidence, JobContext, KnownDomainState};
use crate::domain::CauseId;
use crate::domain::CauseId::*;
use crate::domain::{CheckId, CheckResult, Confidence, ErrorClass, WaitingReason};
use crate::probe::{CertificateError, ConnectError, DnsError};
use crate::provider::OriginKind;

use super::origin_and_edge_faults::BEHIND_THE_EDGE;
use super::single_faults::{BEFORE_THE_EDGE, EvidenceSetup};

#[test]
fn the_true_cause_stands_first() {
    let mut wrong = Vec::new();
    for (what, cause, change) in BEFORE_THE_EDGE.iter().chain(BEHIND_THE_EDGE) {
        let causes = causes(&world(change));
        if causes.first().map(|cause| cause.id) != Some(*cause) {
            let ids: Vec<_> = causes.iter().map(|cause| (cause.id, cause.confidence, &cause.checks)).collect();
            wrong.push(format!("{what}: expected {cause}, found {ids:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cause_has_two_faults_here() {
    for cause in CauseId::ALL {
        let faults = BEFORE_THE_EDGE.iter().chain(BEHIND_THE_EDGE).filter(|(_, of, _)| of == cause).count();
        assert!(faults >= 2, "{cause} has {faults}");
    }
}

/// Worlds in which nothing has to be done.
pub(super) const HEALTHY: &[EvidenceSetup] = &[
    ("as it should be", |_| {}),
    ("nothing was asked for", |e| e.case.request = None),
    ("the copy was fetched just now", |e| add(e.edge.as_mut().expect("an edge"), "x-cache-lookup", "Cache Miss")),
    ("an apex whose CNAME is flattened", |e| e.name = Ok(names(&[], &["1.2.3.4".parse().expect("an address")]))),
    ("a certificate with twenty days left", |e| {
        for seen in e.edge.iter_mut().chain(e.origins.as_mut().expect("origins")) {
            seen.tls = Some(Ok(tls(DAY * 20, Ok(()))));
        }
    }),
    ("a self-signed origin that the CDN does not check", |e| {
        e.origins = Ok(vec![distrusted(origin(200, 2), CertificateError::SelfSigned)]);
    }),
    ("a file that was removed and purged", |e| {
        (e.edge, e.origins) = (Ok(edge(404, 9)), Ok(vec![origin(404, 9)]));
    }),
    ("an origin that may not be looked at", |e| {
        let private = "10.0.0.1".parse().expect("an address");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Denied(private))]);
        e.edge = Ok(edge(200, 2));
    }),
    ("a private bucket", |e| {
        domain_facts(e).origin.as_mut().expect("an origin").kind = Some(OriginKind::Bucket);
        e.origins = Ok(vec![origin(403, 9)]);
        add(e.edge.as_mut().expect("an edge"), "age", "30");
    }),
    ("the query is ignored, and the purge with one worked", |e| {
        e.case.target = url("https://www.example.com/app.js?v=2");
        domain_facts(e).cache_key.as_mut().expect("a key").common.query_counts = Some(false);
    }),
    ("a clock that is corrected for", |e| account(e).skew_millis = Some(400_000)),
    ("quota that ran out afterwards", |e| e.case.circumstances.pools[0].available = 0),
    ("throttled a while ago, and done", |e| account(e).throttled_at = Some(NOW - MINUTE)),
    ("a refresh that runs for a minute", |e| runs(e, MINUTE)),
    ("accepted a second ago", |e| {
        waits(e, WaitingReason::Rate);
        job_context(e).waiting = None;
        job_context(e).created_at = NOW - Duration::from_secs(1);
    }),
    ("unchanged content from a build without dates", |e| {
        for seen in e.edge.iter_mut().chain(e.origins.as_mut().expect("origins")) {
            add(seen, "last-modified", "Tue, 01 Jan 1980 00:00:00 GMT");
        }
    }),
    ("nothing is known and nothing could be seen", |e| {
        e.case.request = None;
        e.case.circumstances.domain = KnownDomainState::NotYet;
        e.name = Err(unseen("the look at the host's DNS did not end in time"));
        e.edge = Err(unseen("the look at the edge did not end in time"));
        e.origins = Err(unseen("the look at the origin did not end in time"));
    }),
];

#[test]
fn a_healthy_world_has_no_cause() {
    for (what, change) in HEALTHY {
        assert_eq!(ids(&world(change)), [], "{what}");
    }
}

#[test]
fn what_the_provider_said_itself_is_certain_and_what_was_seen_is_likely() {
    let first = |change: fn(&mut Evidence)| causes(&world(change)).remove(0).confidence;
    assert_eq!(first(|e| refused(e, ErrorClass::BadTarget, "ResourceNotFound.CdnHostNotExists")), Confidence::Certain);
    assert_eq!(first(|e| edge_says(e, 539)), Confidence::Certain);
    assert_eq!(first(|e| edge_says(e, 502)), Confidence::Likely);
    assert_eq!(first(stale), Confidence::Likely);
    assert_eq!(first(|e| e.name = Ok(names(&[], &[ORIGIN]))), Confidence::Possible, "what answers there is the CDN");
}

#[test]
fn a_failed_purge_explains_the_prefetch_behind_it() {
    let evidence = world(|e| {
        refused(e, ErrorClass::PurgeFailed, "purge_failed");
        let counts =
            [(ErrorClass::PurgeFailed, "purge_failed", 9), (ErrorClass::Permission, "UnauthorizedOperation", 9)];
        job_context(e).failures = counts.map(|(class, code, count)| (class, code.to_owned(), count)).to_vec();
    });
    assert_eq!(ids(&evidence)[0], NoPermission);
}

#[test]
fn checks_behind_a_failed_one_are_unknown_and_say_why() {
    let evidence = world(|e| e.origins = Ok(vec![unnamed(origin(200, 2), DnsError::NoSuchName)]));
    let unknown = [CheckId::OriginConnect, CheckId::OriginCertificate, CheckId::OriginAnswer, CheckId::OriginFreshness];
    for id in unknown {
        assert_eq!(check(&evidence, id).result, CheckResult::Unknown, "{id}");
    }
    let ids: BTreeSet<CheckId> = crate::diagnose::checks::run(&evidence).iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CheckId::ALL.len(), "each check speaks once");
}

#[test]
fn who_spent_the_quota_is_told_in_figures() {
    let evidence = world(|e| {
        waits(e, WaitingReason::DayQuota);
        (e.case.circumstances.pools[0].available, e.case.circumstances.pools[0].ours) = (0, 12);
    });
    let seen = check(&evidence, CheckId::Quota).seen;
    for part in ["0 of 10,000 url purges (mainland)", "refreshd sent 12, others 9,988", "2026-11-22 16:00 UTC, in 4 h"]
    {
        assert!(seen.contains(part), "{seen}");
    }
}

#[test]
fn a_certificates_end_is_told_louder_as_it_comes_nearer() {
    let action = |days: u32| {
        let evidence = world(|e| e.origins.as_mut().expect("origins")[0].tls = Some(Ok(tls(DAY * days, Ok(())))));
        let check = check(&evidence, CheckId::OriginCertificate);
        (check.result, check.action.unwrap_or_default())
    };
    for (days, word) in [(2, "today"), (10, "this week"), (20, "coming weeks")] {
        let (result, action) = action(days);
        assert!(result == CheckResult::Warn && action.contains(word), "{days}: {action}");
    }
    assert_eq!(action(40).0, CheckResult::Ok);
}

#[test]
fn a_warning_about_the_cache_key_names_the_target_to_use() {
    let evidence = world(|e| {
        e.case.target = url("https://www.example.com/app.js?v=2");
        domain_facts(e).cache_key.as_mut().expect("a key").common.query_counts = Some(false);
        stale(e);
    });
    let action = causes(&evidence).remove(0).action;
    assert!(action.contains("`refreshd refresh https://www.example.com/app.js --wait`"), "{action}");
    let evidence = world(|e| {
        e.case.target = url("https://www.example.com/app.js?v=2&w=$(id)");
        stale(e);
    });
    let action = causes(&evidence).remove(0).action;
    assert!(
        action.contains("refresh 'https://www.example.com/app.js?v=2&w=$(id)' --wait"),
        "quoted for a shell: {action}"
    );
}

#[test]
fn a_hold_without_a_known_failure_is_told_as_it_stands() {
    let evidence = world(|e| {
        waits(e, WaitingReason::HostParked);
        let request: &mut JobContext = job_context(e);
        request.waiting =
            Some(CurrentWait { detail: "parked for an hour".to_owned(), ..request.waiting.clone().expect("a hold") });
    });
    assert_eq!(ids(&evidence)[0], HeldBack);
    assert!(check(&evidence, CheckId::Waiting).seen.contains("parked for an hour"));
}

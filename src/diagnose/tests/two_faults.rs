//! Two faults at once: both are named, the one that stops the other's cure first; and what speaks against a cause.

use super::fixtures::*;
use crate::diagnose::Evidence;
use crate::domain::CauseId::*;
use crate::domain::{CauseId, CheckId, Confidence, ErrorClass, WaitingReason};
use crate::probe::{CertificateError, ConnectError};

type FaultPair = (&'static str, [CauseId; 2], fn(&mut Evidence));

const PAIRS: &[FaultPair] = &[
    ("no permission, and a dead origin", [NoPermission, OriginTcp], |e| {
        refused(e, ErrorClass::Permission, "UnauthorizedOperation.CdnCamUnauthorized");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Refused)]);
    }),
    ("no quota, and a dead certificate", [QuotaSpent, OriginTls], |e| {
        waits(e, WaitingReason::DayQuota);
        e.case.circumstances.pools[0].available = 0;
        e.origins = Ok(vec![distrusted(origin(200, 2), CertificateError::Expired)]);
    }),
    ("a failing API, and a dead origin", [ProviderFailed, OriginTcp], |e| {
        refused(e, ErrorClass::Outage, "InternalError.CdnSystemError");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Refused)]);
    }),
    ("a failed row, and a dead origin", [OriginTcp, ProviderFailed], |e| {
        prefetch_failed(e, "fail");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Refused)]);
    }),
    ("a dead certificate before a failing page", [OriginTls, OriginHttp], |e| {
        edge_says(e, 502);
        e.origins = Ok(vec![distrusted(origin(500, 9), CertificateError::Expired)]);
    }),
    ("the wrong key, and an edge that is old anyhow", [WrongCacheKey, EdgeStale], |e| {
        e.case.target = url("https://www.example.com/app.js?v=2");
        domain_facts(e).cache_key.as_mut().expect("a key").common.query_counts = Some(false);
        stale(e);
    }),
    ("elsewhere by DNS, and old there", [NotOnCdn, EdgeStale], |e| {
        stale(e);
        e.name = Ok(names(&["x.edgekey.net"], &[ORIGIN]));
    }),
    ("held by a person, with a bad edge certificate", [HeldBack, EdgeTls], |e| {
        waits(e, WaitingReason::LanePaused);
        e.edge = Ok(distrusted(edge(200, 1), CertificateError::Expired));
    }),
    ("one dead origin of two, and an old edge", [EdgeStale, OriginTcp], |e| {
        stale(e);
        e.origins = Ok(vec![origin(200, 2), unconnected(origin(200, 2), ConnectError::TimedOut)]);
    }),
];

#[test]
fn both_faults_are_named_in_their_order() {
    for (what, pair, change) in PAIRS {
        let ids = ids(&world(change));
        let places = pair.map(|cause| ids.iter().position(|id| *id == cause));
        assert!(places[0] == Some(0) && places[1].is_some(), "{what}: {ids:?}");
    }
}

#[test]
fn a_dead_origin_by_our_look_is_doubted_where_the_cdn_reaches_it() {
    let causes = causes(&world(|e| {
        add(e.edge.as_mut().expect("an edge"), "x-cache-lookup", "Cache Miss");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::TimedOut)]);
    }));
    assert_eq!((causes[0].id, causes[0].confidence), (OriginTcp, Confidence::Possible));
    assert_eq!(causes[0].against, [CheckId::EdgeAnswer]);
}

#[test]
fn what_only_the_edge_says_of_the_origin_stands_against_our_own_look() {
    let causes = causes(&world(|e| edge_says(e, 531)));
    assert_eq!((causes[0].id, causes[0].against.as_slice()), (OriginDns, &[CheckId::OriginName][..]));
}

#[test]
fn the_edges_word_supports_the_fault_that_was_seen_at_the_origin() {
    let causes = causes(&world(|e| {
        edge_says(e, 502);
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Refused)]);
    }));
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(causes[0].checks, [CheckId::OriginConnect, CheckId::EdgeAnswer]);
}

//! Faults of origin, cache and edge.

use super::fixtures::*;
use crate::diagnose::RedirectObservation;
use crate::domain::CauseId::*;
use crate::domain::{ItemOperation, Mode, Operation, Verification};
use crate::probe::{CertificateError, ConnectError, DnsError, HttpError, Scheme, TlsError};
use crate::provider::{CachePolicy, CacheRule, KeyShape, PathRule, PathRuleKind, PullProtocol, QueryAction, QueryRule};

use super::single_faults::SingleFault;

/// What origin, cache and edge can have.
pub(super) const BEHIND_THE_EDGE: &[SingleFault] = &[
    ("the origin's name is gone, and the prefetch failed", OriginDns, |e| {
        prefetch_failed(e, "fail");
        e.origins = Ok(vec![unnamed(origin(200, 2), DnsError::NoSuchName)]);
    }),
    ("the edge cannot resolve the origin", OriginDns, |e| edge_says(e, 531)),
    ("the origin's name leads back to the CDN", OriginDns, |e| {
        edge_says(e, 502);
        let mut circle = unnamed(origin(200, 2), DnsError::NoAddress);
        circle.name.as_mut().expect("a name").aliases = vec!["www.example.com.cdn.dnsv1.com".to_owned()];
        e.origins = Ok(vec![circle]);
    }),
    ("the origin's name leads back to the CDN, and the edge says so in its own way", OriginDns, |e| {
        edge_says(e, 423);
        let mut circle = origin(423, 9);
        circle.name = Some(names(&["www.example.com.cdn.dnsv1.com"], &[ORIGIN]));
        e.origins = Ok(vec![circle]);
    }),
    ("the origin is down", OriginTcp, |e| {
        edge_says(e, 502);
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::Refused)]);
    }),
    ("the origin is behind a firewall", OriginTcp, |e| {
        prefetch_failed(e, "fail");
        e.origins = Ok(vec![unconnected(origin(200, 2), ConnectError::TimedOut)]);
    }),
    ("only the edge cannot connect", OriginTcp, |e| edge_says(e, 532)),
    ("the origin's certificate expired", OriginTls, |e| {
        prefetch_failed(e, "fail");
        e.origins = Ok(vec![distrusted(origin(200, 2), CertificateError::Expired)]);
    }),
    ("the edge says bad certificate, and it is", OriginTls, |e| {
        edge_says(e, 539);
        e.origins = Ok(vec![distrusted(origin(200, 2), CertificateError::SelfSigned)]);
    }),
    ("the edge says 502 for a certificate of another name", OriginTls, |e| {
        edge_says(e, 502);
        e.origins = Ok(vec![distrusted(origin(200, 2), CertificateError::WrongName)]);
    }),
    ("the prefetch is called invalid for a broken handshake", OriginTls, |e| {
        prefetch_failed(e, "invalid");
        let mut broken = origin(200, 2);
        (broken.tls, broken.http) = (Some(Err(TlsError::Refused("handshake_failure".to_owned()))), None);
        e.origins = Ok(vec![broken]);
    }),
    ("the origin fails", OriginHttp, |e| {
        edge_says(e, 503);
        e.origins = Ok(vec![origin(503, 9)]);
    }),
    ("the origin refuses the CDN's User-Agent", OriginHttp, |e| {
        prefetch_failed(e, "invalid");
        e.origins = Ok(vec![origin(403, 9)]);
    }),
    ("the origin hangs", OriginHttp, |e| {
        edge_says(e, 504);
        let mut hanging = origin(200, 2);
        hanging.http = Some(Err(HttpError::TimedOut));
        e.origins = Ok(vec![hanging]);
    }),
    ("the origin redirects http to https, and the CDN asks by http", OriginHttp, |e| {
        domain_facts(e).origin.as_mut().expect("an origin").protocol = Some(PullProtocol::Http);
        let mut round = origin(301, 9);
        (round.ask.scheme, round.tls) = (Scheme::Http, None);
        add(&mut round, "location", "https://www.example.com/app.js");
        e.origins = Ok(vec![round]);
        e.edge = Ok(edge(301, 9));
    }),
    ("requests go round", OriginHttp, |e| edge_says(e, 423)),
    ("two origins of different releases", OriginStale, |e| {
        e.origins = Ok(vec![origin(200, 2), origin(200, 1)]);
        stale(e);
    }),
    ("the origin is behind a cache of its own", OriginStale, |e| {
        stale(e);
        let mut cached = origin(200, 1);
        add(&mut cached, "age", "90000");
        e.origins = Ok(vec![cached]);
        job_context(e).verification = Verification::Fresh;
    }),
    ("the release never reached the origin", OriginStale, |e| {
        e.edge = Ok(edge(200, 1));
        let mut old = origin(200, 1);
        add(&mut old, "last-modified", "Sun, 01 Nov 2026 11:40:00 GMT");
        e.origins = Ok(vec![old]);
    }),
    ("the CDN fetches something else than refreshd", OriginStale, |e| {
        stale(e);
        let mut pulled = edge(200, 1);
        add(&mut pulled, "x-cache-lookup", "Cache Miss");
        e.control = Some(pulled);
    }),
    ("the query is ignored and the purge had one", WrongCacheKey, |e| {
        e.case.target = url("https://www.example.com/app.js?v=2");
        domain_facts(e).cache_key.as_mut().expect("a key").common.query_counts = Some(false);
        stale(e);
    }),
    ("part of the query is ignored", WrongCacheKey, |e| {
        e.case.target = url("https://www.example.com/app.js?v=2&t=5");
        let rule = QueryRule { action: QueryAction::Include, names: vec!["v".to_owned()], reorder: false };
        domain_facts(e).cache_key.as_mut().expect("a key").common =
            KeyShape { query_counts: Some(false), ignore_case: Some(false), query: Some(rule) };
        stale(e);
    }),
    ("case is ignored and the purge had capitals", WrongCacheKey, |e| {
        e.case.target = url("https://www.example.com/App.js");
        domain_facts(e).cache_key.as_mut().expect("a key").common.ignore_case = Some(true);
        stale(e);
    }),
    ("another query was never refreshed", WrongCacheKey, |e| {
        e.case.target = url("https://www.example.com/app.js?v=2");
        e.case.request = None;
        stale(e);
    }),
    ("http and https are apart and the other is old", WrongCacheKey, |e| {
        domain_facts(e).cache_key.as_mut().expect("a key").scheme = Some(true);
        e.other_scheme = Some(edge(200, 1));
    }),
    ("the URL only redirects to the one with a slash, which is old", WrongCacheKey, |e| {
        let to = url("https://www.example.com/app.js/");
        (e.edge, e.origins) = (Ok(edge(301, 9)), Ok(vec![origin(301, 9)]));
        e.moved = Some(RedirectObservation { to, edge: edge(200, 1), origin: Some(origin(200, 2)) });
    }),
    ("an unusual escape", WrongCacheKey, |e| {
        e.case.target = url("https://www.example.com/%7Eme/app.js");
        stale(e);
    }),
    ("a rule keeps nothing", NotCacheable, |e| {
        let kind = PathRuleKind::File;
        let rule = CacheRule { applies: PathRule { kind, paths: vec!["js".to_owned()] }, keeps: CachePolicy::Nothing };
        domain_facts(e).cache_rules.as_mut().expect("rules").push(rule);
        (job_context(e).input, job_context(e).operation) = (Operation::Prefetch, ItemOperation::Prefetch);
        add(e.edge.as_mut().expect("an edge"), "x-cache-lookup", "Cache Miss");
    }),
    ("the origin says no-store", NotCacheable, |e| {
        add(&mut e.origins.as_mut().expect("origins")[0], "cache-control", "no-store");
        add(e.edge.as_mut().expect("an edge"), "x-cache-lookup", "Cache Miss");
    }),
    ("a page that is new each time", NotCacheable, |e| {
        e.case.target = url("https://www.example.com/cart");
        let mut page = edge(200, 3);
        add(&mut page, "x-cache-lookup", "Cache Miss");
        e.edge = Ok(page);
        add(&mut e.origins.as_mut().expect("origins")[0], "cache-control", "private, max-age=0");
        job_context(e).verification = Verification::Stale;
    }),
    ("the edge refuses connections", EdgeUnreachable, |e| {
        e.edge = Ok(unconnected(edge(200, 2), ConnectError::Refused));
    }),
    ("the edge does not answer", EdgeUnreachable, |e| {
        e.edge.as_mut().expect("an edge").http = Some(Err(HttpError::TimedOut));
    }),
    ("blocked as an attack", EdgeUnreachable, |e| edge_says(e, 509)),
    ("the edge's certificate is for another name", EdgeTls, |e| {
        e.edge = Ok(distrusted(edge(200, 2), CertificateError::WrongName));
    }),
    ("the edge's certificate expired", EdgeTls, |e| e.edge = Ok(distrusted(edge(200, 2), CertificateError::Expired))),
    ("the provider said done and did nothing", EdgeStale, stale),
    ("the same, a minute ago", EdgeStale, |e| {
        stale(e);
        job_context(e).finished_at = Some(NOW - MINUTE);
    }),
    ("an old copy that nobody asked to refresh", EdgeStale, |e| {
        e.case.request = None;
        stale(e);
    }),
    ("no origin to compare with, but the copy's age tells", EdgeStale, |e| {
        stale(e);
        e.origins = Err(unseen("the provider did not tell the origin"));
    }),
    ("invalidated, with the date unchanged", LastModifiedUnchanged, |e| {
        stale(e);
        (job_context(e).mode, job_context(e).operation) = (Some(Mode::Invalidate), ItemOperation::Purge);
        let same = "Sun, 22 Nov 2026 11:40:00 GMT";
        add(e.edge.as_mut().expect("an edge"), "last-modified", same);
    }),
    ("the same, and only bytes differ", LastModifiedUnchanged, |e| {
        job_context(e).mode = Some(Mode::Invalidate);
        job_context(e).verification = Verification::Stale;
        let Some(Ok(look)) = &mut e.edge.as_mut().expect("an edge").http else { panic!("an answer") };
        look.body_sha256 = Some([7; 32]);
    }),
];

//! A made-up world in which all is well, and the small changes that break it, one fault each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::diagnose::checks::run;
use crate::diagnose::{
    AccountContext, AccountSnapshot, CurrentWait, DiagnosisInput, Evidence, JobContext, KnownDomainState, NotObserved,
    PoolSnapshot, causes::rank,
};
use crate::domain::{
    AccountName, Area, Cause, CauseId, Check, CheckId, ErrorClass, Failure, ItemOperation, ItemState, JobId, Operation,
    PoolName, Priority, Subject, Target, TargetKind, Timestamp, Verification, WaitingReason,
};
use crate::probe::{
    Certificate, CertificateError, ConnectError, DialTarget, DnsError, DnsResult, HttpResult, ProbeRequest,
    ProbeResult, Scheme, TlsResult,
};
use crate::provider::{
    CacheKey, CachePolicy, CacheRule, DomainFacts, DomainStatus, KeyShape, Origin, OriginAddress, OriginKind, PathRule,
    PathRuleKind, PullProtocol, ServedArea, ServiceKind, VENDOR_REFERENCE,
};

/// 2026-11-22 12:00 UTC.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);
pub(super) const HOST: &str = "www.example.com";
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
const CNAME: &str = "www.example.com.cdn.dnsv1.com";
const EDGE: IpAddr = IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4));
pub(super) const ORIGIN: IpAddr = IpAddr::V4(Ipv4Addr::new(5, 6, 7, 8));

pub(super) fn url(text: &str) -> Target {
    Target::parse(TargetKind::Url, text).expect("a URL")
}

/// The healthy world but for `change`.
pub(super) fn world(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = Evidence {
        case: DiagnosisInput {
            subject: Subject::Job(JobId::from_u128(7)),
            target: url("https://www.example.com/app.js"),
            request: Some(request()),
            other_edges: Vec::new(),
            near: None,
            circumstances: circumstances(),
            edge: None,
            origin: None,
        },
        guide: &VENDOR_REFERENCE,
        at: NOW,
        name: Ok(names(&[CNAME, "x.sched.px1.tdnsv5.com"], &[EDGE])),
        resolver_works: None,
        edge_at_full_second: None,
        other_edges: Vec::new(),
        edge: Ok(edge(200, 2)),
        origins: Ok(vec![origin(200, 2)]),
        origin_again: None,
        control: None,
        other_scheme: None,
        moved: None,
    };
    change(&mut evidence);
    evidence
}

/// A purge that ended ten minutes ago and was seen fresh.
fn request() -> JobContext {
    JobContext {
        job: JobId::from_u128(7),
        named: url("https://www.example.com/app.js"),
        input: Operation::Purge,
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        mode: None,
        area: None,
        priority: Priority::Normal,
        source: None,
        state: ItemState::Succeeded,
        verification: Verification::Fresh,
        failure: None,
        task_id: Some("1533045796-i60rfmzm".to_owned()),
        request_id: Some("c3f4".to_owned()),
        created_at: NOW - MINUTE * 15,
        submitted_at: Some(NOW - MINUTE * 15),
        finished_at: Some(NOW - MINUTE * 10),
        waiting: None,
        attempts: Vec::new(),
        failures: Vec::new(),
    }
}

fn circumstances() -> AccountContext {
    let account = AccountSnapshot {
        name: AccountName::new("main"),
        paused: None,
        refused_actions: Vec::new(),
        unread_quotas: Vec::new(),
        skew_millis: Some(800),
        throttled_at: None,
    };
    let pool = PoolSnapshot {
        name: PoolName("url-mainland".to_owned()),
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        area: Area::Mainland,
        total: 10_000,
        available: 9_000,
        ours: 600,
        batch: 1_000,
        resets_at: NOW + MINUTE * 240,
        read_at: NOW,
    };
    AccountContext { account: Some(account), pools: vec![pool], domain: KnownDomainState::Facts(Box::new(domain())) }
}

fn domain() -> DomainFacts {
    let all = PathRule { kind: PathRuleKind::All, paths: vec!["*".to_owned()] };
    DomainFacts {
        name: HOST.to_owned(),
        status: Some(DomainStatus::Online),
        area: Some(ServedArea::Global),
        cname: Some(CNAME.to_owned()),
        service: Some(ServiceKind::Web),
        disabled: None,
        locked: None,
        origin: Some(Origin {
            kind: Some(OriginKind::Address),
            addresses: vec![OriginAddress { host: ORIGIN.to_string(), port: None, weight: None }],
            backups: Vec::new(),
            server_name: None,
            protocol: Some(PullProtocol::Https),
        }),
        cache_key: Some(CacheKey {
            common: KeyShape { query_counts: Some(true), ignore_case: Some(false), query: None },
            scheme: Some(false),
            rules: Vec::new(),
        }),
        cache_rules: Some(vec![CacheRule { applies: all, keeps: CachePolicy::AsTheOriginSays }]),
    }
}

pub(super) fn names(aliases: &[&str], addresses: &[IpAddr]) -> DnsResult {
    DnsResult {
        host: HOST.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        addresses: addresses.to_vec(),
        fault: None,
        took: Duration::from_millis(20),
    }
}

pub(super) fn nameless(fault: DnsError) -> DnsResult {
    DnsResult { fault: Some(fault), ..names(&[], &[]) }
}

/// What an edge answers from its cache, with content of that version.
pub(super) fn edge(status: u16, version: u8) -> ProbeResult {
    let dial = DialTarget::Name(HOST.to_owned(), 443);
    let mut seen = sighting(dial, EDGE, answer(status, version));
    add(&mut seen, "x-cache-lookup", "Cache Hit");
    add(&mut seen, "x-nws-log-uuid", "5519");
    seen
}

pub(super) fn origin(status: u16, version: u8) -> ProbeResult {
    let mut seen = sighting(DialTarget::Address(SocketAddr::new(ORIGIN, 443)), ORIGIN, answer(status, version));
    seen.ask.user_agent = Some("TencentCdn".to_owned());
    add(&mut seen, "cache-control", "max-age=3600");
    seen
}

fn answer(status: u16, version: u8) -> HttpResult {
    // Version 2 was released twenty minutes ago, a little before the job; version 1 the day before.
    let modified = if version == 1 { "Sat, 21 Nov 2026 13:00:00 GMT" } else { "Sun, 22 Nov 2026 11:40:00 GMT" };
    HttpResult {
        status,
        headers: vec![("last-modified".to_owned(), modified.to_owned()), ("etag".to_owned(), format!("\"{version}\""))],
        body_bytes: 1_000 + u64::from(version),
        body_sha256: Some([version; 32]),
        first_byte: Duration::from_millis(40),
    }
}

fn sighting(dial: DialTarget, address: IpAddr, answer: HttpResult) -> ProbeResult {
    ProbeResult {
        ask: ProbeRequest {
            dial,
            scheme: Scheme::Https,
            host: HOST.to_owned(),
            path: "/app.js".to_owned(),
            user_agent: None,
        },
        at: NOW,
        name: None,
        address: Some(SocketAddr::new(address, 443)),
        connect: Some(Ok(Duration::from_millis(10))),
        tls: Some(Ok(tls(DAY * 60, Ok(())))),
        http: Some(Ok(answer)),
        took: Duration::from_millis(80),
    }
}

/// A certificate that ends so much later.
pub(super) fn tls(duration: Duration, verdict: Result<(), CertificateError>) -> TlsResult {
    let own = Certificate {
        subject: HOST.to_owned(),
        issuer: "An authority".to_owned(),
        names: vec!["other.example.com".to_owned()],
        not_before: NOW - DAY * 30,
        not_after: if verdict == Err(CertificateError::Expired) { NOW - DAY * 2 } else { NOW + duration },
        serial: "01".to_owned(),
    };
    TlsResult { version: "TLSv1.3".to_owned(), chain: vec![own], verdict, took: Duration::from_millis(20) }
}

pub(super) fn add(seen: &mut ProbeResult, name: &str, value: &str) {
    let Some(Ok(look)) = &mut seen.http else { panic!("no answer to add a header to") };
    look.headers.retain(|(text, _)| text != name);
    look.headers.push((name.to_owned(), value.to_owned()));
}

pub(super) fn unconnected(mut seen: ProbeResult, fault: ConnectError) -> ProbeResult {
    (seen.connect, seen.tls, seen.http) = (Some(Err(fault)), None, None);
    seen
}

pub(super) fn unnamed(mut seen: ProbeResult, fault: DnsError) -> ProbeResult {
    seen.ask.dial = DialTarget::Name("origin.example.net".to_owned(), 443);
    seen.name = Some(DnsResult { host: "origin.example.net".to_owned(), ..nameless(fault) });
    (seen.address, seen.connect, seen.tls, seen.http) = (None, None, None, None);
    seen
}

pub(super) fn distrusted(mut seen: ProbeResult, fault: CertificateError) -> ProbeResult {
    seen.tls = Some(Ok(tls(DAY * 60, Err(fault))));
    seen
}

// What can be done to a world.

pub(super) fn job_context(evidence: &mut Evidence) -> &mut JobContext {
    evidence.case.request.as_mut().expect("the world has a request")
}

pub(super) fn domain_facts(evidence: &mut Evidence) -> &mut DomainFacts {
    match &mut evidence.case.circumstances.domain {
        KnownDomainState::Facts(facts) => facts,
        other => panic!("the world has facts: {other:?}"),
    }
}

pub(super) fn account(evidence: &mut Evidence) -> &mut AccountSnapshot {
    evidence.case.circumstances.account.as_mut().expect("the world has an account")
}

/// The edge still serves version 1, an hour old.
pub(super) fn stale(evidence: &mut Evidence) {
    let mut old = edge(200, 1);
    add(&mut old, "age", "7200");
    evidence.edge = Ok(old);
    if let Some(request) = &mut evidence.case.request {
        request.verification = Verification::Stale;
    }
}

/// The request failed in the provider's words, and the edge is as old as it was.
pub(super) fn refused(evidence: &mut Evidence, class: ErrorClass, code: &str) {
    stale(evidence);
    let request = job_context(evidence);
    request.state = ItemState::Failed;
    request.verification = Verification::None;
    request.failure = Some(Failure::new(class, code, "as the provider says it"));
    request.task_id = None;
}

/// The prefetch of a refresh failed as a row of its task.
pub(super) fn prefetch_failed(evidence: &mut Evidence, code: &str) {
    let class = if code == "fail" { ErrorClass::Outage } else { ErrorClass::BadTarget };
    refused(evidence, class, code);
    let request = job_context(evidence);
    (request.input, request.operation) = (Operation::Refresh, ItemOperation::Prefetch);
}

/// The request waits, and the edge is as old as it was.
pub(super) fn waits(evidence: &mut Evidence, reason: WaitingReason) {
    stale(evidence);
    let request = job_context(evidence);
    (request.state, request.verification) = (ItemState::Pending, Verification::Pending);
    (request.submitted_at, request.finished_at, request.task_id) = (None, None, None);
    request.waiting =
        Some(CurrentWait { reason, detail: "as the engine says it".to_owned(), until: Some(NOW + MINUTE * 240) });
}

/// The task runs since so long.
pub(super) fn runs(evidence: &mut Evidence, since: Duration) {
    stale(evidence);
    let request = job_context(evidence);
    (request.state, request.verification) = (ItemState::Submitted, Verification::Pending);
    (request.created_at, request.submitted_at, request.finished_at) = (NOW - since, Some(NOW - since), None);
}

/// The edge says this status of its own.
/// Nothing was sent, because the day quota could not be read.
pub(super) fn unread(evidence: &mut Evidence, class: ErrorClass, code: &str) {
    waits(evidence, WaitingReason::AccountPaused);
    account(evidence).unread_quotas = vec![(ItemOperation::Purge, Failure::new(class, code, "said"))];
}

pub(super) fn edge_says(evidence: &mut Evidence, status: u16) {
    let mut seen = edge(status, 9);
    add(&mut seen, "x-cache-lookup", "Cache Miss");
    evidence.edge = Ok(seen);
    if let Some(request) = &mut evidence.case.request {
        request.verification = Verification::Unknown;
    }
}

pub(super) fn unseen(why: &str) -> NotObserved {
    NotObserved(why.to_owned())
}

// What is made of it.

pub(super) fn check(evidence: &Evidence, id: CheckId) -> Check {
    run(evidence).into_iter().find(|check| check.id == id).expect("each check has a judge")
}

pub(super) fn causes(evidence: &Evidence) -> Vec<Cause> {
    rank(evidence, &run(evidence))
}

pub(super) fn ids(evidence: &Evidence) -> Vec<CauseId> {
    causes(evidence).iter().map(|cause| cause.id).collect()
}

//! Looking: what is asked and how, that all of it happens side by side, and that the deadline holds whatever hangs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::fixtures::*;
use crate::clock::{ManualClock, Stopwatch};
use crate::diagnose::{Diagnose, Diagnoser, DiagnosisInput, Evidence, KnownDomainState};
use crate::domain::{CauseId, CheckId, CheckResult, Diagnosis};
use crate::probe::{ConnectError, DialTarget, DnsResult, ProbeRequest, ProbeResult, Prober, Scheme, TlsError};
use crate::provider::{OriginAddress, PullProtocol};

/// What happens to a look.
#[derive(Clone)]
enum Sees {
    This(Box<ProbeResult>),
    Never,
}

/// Sees what a table says, by the first rule that fits, and notes what it was asked.
struct Table {
    rules: Rules,
    name: Option<DnsResult>,
    requests: Mutex<Vec<ProbeRequest>>,
}

#[async_trait]
impl Prober for Table {
    async fn probe(&self, ask: &ProbeRequest, _within: Duration) -> ProbeResult {
        self.requests.lock().expect("no panic").push(ask.clone());
        let rule = self.rules.iter().find(|(fits, _)| fits(ask));
        match &rule.unwrap_or_else(|| panic!("nothing for {ask:?}")).1 {
            Sees::This(sighting) => ProbeResult { ask: ask.clone(), ..(**sighting).clone() },
            Sees::Never => std::future::pending().await,
        }
    }

    async fn resolve(&self, _host: &str, _within: Duration) -> DnsResult {
        match &self.name {
            Some(look) => look.clone(),
            None => std::future::pending().await,
        }
    }
}

type Rules = Vec<(fn(&ProbeRequest) -> bool, Sees)>;

fn this(sighting: ProbeResult) -> Sees {
    Sees::This(Box::new(sighting))
}

fn any(_: &ProbeRequest) -> bool {
    true
}

fn is_origin(ask: &ProbeRequest) -> bool {
    ask.user_agent.is_some()
}

async fn diagnosed(
    change: impl FnOnce(&mut Evidence),
    rules: Rules,
    deadline: Duration,
) -> (Diagnosis, Vec<ProbeRequest>) {
    let evidence = world(change);
    let table = Arc::new(Table { rules, name: evidence.name.ok(), requests: Mutex::default() });
    let diagnoser = Diagnoser::new(table.clone(), Arc::new(ManualClock::new(NOW)));
    let diagnosis = diagnoser.diagnose(evidence.case, deadline).await;
    let probe_requests = table.requests.lock().expect("no panic").clone();
    (diagnosis, probe_requests)
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_healthy_case_takes_one_look_at_each_side_and_keeps_what_it_saw() {
    let rules: Rules = vec![(is_origin, this(origin(200, 2))), (any, this(edge(200, 2)))];
    let (diagnosis, requests) = diagnosed(|_| {}, rules, LONG).await;
    assert_eq!((diagnosis.causes.len(), diagnosis.cut_short, requests.len()), (0, false, 2));
    let (origins, edges): (Vec<&ProbeRequest>, Vec<&ProbeRequest>) = requests.iter().partition(|ask| is_origin(ask));
    assert_eq!(edges[0].dial, DialTarget::Name(HOST.to_owned(), 443));
    let pull = (origins[0].dial.clone(), origins[0].scheme, origins[0].host.as_str(), origins[0].user_agent.as_deref());
    let dial = DialTarget::Address((ORIGIN, 443).into());
    assert_eq!(pull, (dial, Scheme::Https, HOST, Some("TencentCdn")));
    let names: Vec<&str> = diagnosis.evidence.iter().map(|attachment| attachment.name.as_str()).collect();
    assert_eq!(names, ["dns.txt", "edge-response.txt", "origin-response-1.txt"]);
    let response = &diagnosis.evidence[1].text;
    for part in ["asked: https://www.example.com/app.js", "status: 200", "x-nws-log-uuid: 5519", "SHA-256 0202"] {
        assert!(response.contains(part), "{response}");
    }
}

#[tokio::test]
async fn the_origin_is_asked_as_the_cdn_asks_it() {
    let change = |e: &mut Evidence| {
        let origin = domain_facts(e).origin.as_mut().expect("an origin");
        origin.addresses = vec![
            OriginAddress { host: "origin.example.net".to_owned(), port: Some(8080), weight: None },
            OriginAddress { host: "5.6.7.8".to_owned(), port: None, weight: None },
        ];
        (origin.server_name, origin.protocol) = (Some("inner.example.net".to_owned()), Some(PullProtocol::Http));
    };
    let rules: Rules = vec![(is_origin, this(origin(200, 2))), (any, this(edge(200, 2)))];
    let (_, requests) = diagnosed(change, rules, LONG).await;
    let origins: Vec<_> = requests.iter().filter(|ask| is_origin(ask)).collect();
    assert_eq!(origins[0].dial, DialTarget::Name("origin.example.net".to_owned(), 8080));
    assert_eq!(origins[1].dial, DialTarget::Address("5.6.7.8:80".parse().expect("an address")));
    assert!(origins.iter().all(|ask| ask.scheme == Scheme::Http && ask.host == "inner.example.net"), "{origins:?}");
}

#[tokio::test]
async fn an_origin_that_nobody_told_is_unknown_and_not_guessed() {
    let rules: Rules = vec![(any, this(edge(200, 2)))];
    let change = |e: &mut Evidence| e.case.circumstances.domain = KnownDomainState::NotYet;
    let (diagnosis, requests) = diagnosed(change, rules, LONG).await;
    assert!(requests.iter().all(|ask| !is_origin(ask)), "{requests:?}");
    let check = diagnosis.checks.iter().find(|check| check.id == CheckId::OriginAnswer).expect("a check");
    assert_eq!(check.result, CheckResult::Unknown);
    assert!(check.seen.contains("probe.origins.\"www.example.com\""), "{}", check.seen);
}

#[tokio::test]
async fn a_copy_that_is_old_is_looked_past_once_without_any_quota() {
    let mut old = edge(200, 1);
    add(&mut old, "age", "7200");
    let mut pulled = edge(200, 2);
    add(&mut pulled, "x-cache-lookup", "Cache Miss");
    let past_copy: fn(&ProbeRequest) -> bool = |ask| ask.path.contains("?refreshd-look=");
    let rules: Rules = vec![(past_copy, this(pulled)), (is_origin, this(origin(200, 2))), (any, this(old))];
    let (diagnosis, requests) = diagnosed(|_| {}, rules.clone(), LONG).await;
    assert_eq!(diagnosis.causes[0].id, CauseId::EdgeStale);
    assert_eq!(requests.iter().filter(|ask| past_copy(ask)).count(), 1);
    // Where the query is no part of the key it would meet the same copy, so it is not asked.
    let ignored =
        |e: &mut Evidence| domain_facts(e).cache_key.as_mut().expect("a key").common.query_counts = Some(false);
    let (_, probe_requests) = diagnosed(ignored, rules, LONG).await;
    assert_eq!(probe_requests.iter().filter(|ask| past_copy(ask)).count(), 0);
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_once_at_both_sides() {
    let mut redirect = origin(301, 9);
    add(&mut redirect, "location", "/app.js/");
    let behind: fn(&ProbeRequest) -> bool = |ask| ask.path == "/app.js/";
    let origin_behind: fn(&ProbeRequest) -> bool = |ask| ask.path == "/app.js/" && is_origin(ask);
    let rules = vec![(origin_behind, this(origin(200, 2))), (behind, this(edge(200, 1))), (any, this(redirect))];
    let (diagnosis, requests) = diagnosed(|_| {}, rules, LONG).await;
    assert_eq!(diagnosis.causes.first().map(|cause| cause.id), Some(CauseId::WrongCacheKey), "{:?}", diagnosis.causes);
    assert_eq!(requests.iter().filter(|ask| behind(ask)).count(), 2);
    assert!(diagnosis.evidence.iter().any(|attachment| attachment.name == "edge-behind-redirect.txt"));
}

#[tokio::test]
async fn an_edge_that_an_operator_wrote_down_may_speak_plain_http() {
    let change = |e: &mut Evidence| e.case.edge = Some("127.0.0.1:8080".parse().expect("an address"));
    let mut hangs_up = edge(200, 2);
    (hangs_up.tls, hangs_up.http) = (Some(Err(TlsError::Closed)), None);
    let https: fn(&ProbeRequest) -> bool = |ask| ask.scheme == Scheme::Https;
    let rules: Rules = vec![(is_origin, this(origin(200, 2))), (https, this(hangs_up)), (any, this(edge(200, 2)))];
    let (diagnosis, _) = diagnosed(change, rules, LONG).await;
    assert_eq!(diagnosis.causes, []);
}

#[tokio::test]
async fn it_ends_at_its_deadline_with_what_was_seen_even_if_the_rest_hangs() {
    let hanging = |_: &mut Evidence| {};
    let watch = Stopwatch::start();
    let refused = unconnected(origin(200, 2), ConnectError::Refused);
    let rules: Rules = vec![(is_origin, this(refused)), (any, Sees::Never)];
    let (diagnosis, _) = diagnosed(hanging, rules, Duration::from_millis(300)).await;
    assert!(diagnosis.cut_short);
    assert_eq!(diagnosis.causes[0].id, CauseId::OriginTcp, "what ended is kept");
    let edge = diagnosis.checks.iter().find(|check| check.id == CheckId::EdgeConnect).expect("a check");
    assert_eq!((edge.result, edge.seen.contains("did not end in time")), (CheckResult::Unknown, true));

    let rules: Rules = vec![(any, Sees::Never)];
    let (diagnosis, _) = diagnosed(|e| e.name = Err(unseen("")), rules, Duration::from_millis(300)).await;
    assert!(diagnosis.cut_short && diagnosis.checks.len() == CheckId::ALL.len());
    assert_eq!(diagnosis.causes, []);
    // Generous: the machine may be busy. Without the deadline it would never end.
    assert!(watch.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_case_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: impl FnOnce(Diagnoser, DiagnosisInput) -> T) {}
    sendable(|diagnoser, case| async move { diagnoser.diagnose(case, LONG).await });
}

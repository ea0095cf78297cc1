//! The monitor of a running daemon: `GET /v1/findings` and `POST /v1/findings/check`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use refreshd::clock::{Clock, SystemClock};
use refreshd::diagnose::{Diagnose, DiagnosisInput, KnownDomainState};
use refreshd::domain::{Check, CheckId, CheckResult, Confidence, Diagnosis};
use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;

/// Sees a certificate that dies, and what is no standing fact.
pub(crate) struct Worried;

#[async_trait]
impl Diagnose for Worried {
    async fn diagnose(&self, case: DiagnosisInput, _: Duration) -> Diagnosis {
        let KnownDomainState::Facts(facts) = &case.circumstances.domain else {
            panic!("a domain without facts: {case:?}")
        };
        let check = |id, result| Check {
            id,
            result,
            seen: format!("looked at {}", facts.name),
            action: None,
            confidence: Confidence::Certain,
            cause: None,
            page: None,
        };
        let now = SystemClock::default().now();
        Diagnosis {
            subject: case.subject.clone(),
            target: Some(case.target.clone()),
            causes: Vec::new(),
            checks: vec![
                check(CheckId::OriginCertificate, CheckResult::Warn),
                check(CheckId::EdgeFreshness, CheckResult::Fail),
            ],
            started_at: now,
            ended_at: now,
            cut_short: false,
            evidence: Vec::new(),
        }
    }
}

pub(crate) async fn rounded(world: &World) -> Value {
    for _ in 0..600 {
        let findings = world.get("/v1/findings").await.body;
        if !findings["rounded_at"].is_null() {
            return findings;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no round has ended");
}

pub(crate) fn results(findings: &Value) -> Vec<String> {
    let items = findings["items"].as_array().expect("items");
    let word = |item: &Value, field: &str| item[field].as_str().expect("a word").to_owned();
    let mut results: Vec<String> = items
        .iter()
        .map(|item| format!("{} {} {}", word(item, "subject"), word(item, "check"), word(item, "result")))
        .collect();
    results.sort();
    results
}

#[tokio::test]
async fn a_daemon_walks_at_the_start_and_when_it_is_told_to() {
    let world = World::start().await.diagnosed_by(Arc::new(Worried)).await;
    let findings = rounded(&world).await;
    let told = results(&findings);
    for expected in [
        "account main clock ok",
        "account main permission ok",
        "domain static.example.com origin_certificate warn",
        "domain www.example.com origin_certificate warn",
    ] {
        assert!(told.iter().any(|one| one == expected), "{expected} of {told:#?}");
    }
    assert!(told.iter().any(|one| one.starts_with("pool main/") && one.ends_with("quota ok")), "{told:#?}");
    assert!(!told.iter().any(|one| one.contains("edge_freshness")), "{told:#?}");
    assert_eq!(findings["items"][0]["result"], "warn", "worst first");
    // A permission is taken away: the next round sees it, and what did not change stands since the first.
    let code = "UnauthorizedOperation.CdnCamUnauthorized".to_owned();
    let fault = Fault::Refuse { code, message: "no permission".to_owned() };
    world.sandbox.cloud().set_faults(vec![
        FaultRule::new("DescribeDomainsConfig", fault.clone()),
        FaultRule::new("DescribeDomains", fault),
    ]);
    let again = world.send(world.http().post(world.url("/v1/findings/check"))).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(
        (&again.body["items"][0]["check"], &again.body["items"][0]["result"]),
        (&json!("permission"), &json!("fail"))
    );
    assert!(again.body["items"][0]["action"].as_str().is_some_and(|action| action.contains("CAM")), "{}", again.body);
    let clock = |findings: &Value| {
        let items = findings["items"].as_array().expect("items").clone();
        items.into_iter().find(|item| item["check"] == "clock").expect("a finding")
    };
    assert_eq!(clock(&again.body)["since"], clock(&findings)["since"]);
    assert_ne!(clock(&again.body)["checked_at"], clock(&findings)["checked_at"]);
    // Domains that could not be asked for stay as they were seen last.
    assert!(results(&again.body).iter().any(|one| one == "domain www.example.com origin_certificate warn"));
    world.end().await;
}

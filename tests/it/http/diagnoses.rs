//! Diagnoses at the door: who may have one, what it begins with, how long it is kept, and what its bundle holds. The
//! diagnoser is a stub that keeps the case it was given; everything around it is real.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use refreshd::clock::{Clock, SystemClock};
use refreshd::diagnose::{Diagnose, DiagnosisInput};
use refreshd::domain::{
    Attachment, Cause, CauseId, Check, CheckId, CheckResult, Confidence, Diagnosis, ItemOperation, ItemState, Subject,
    TargetKind,
};
use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::{Answered, World};

pub(crate) const CANARY: &str = "canary-0123456789abcdef";

/// Finds the same in every case, and remembers the cases.
#[derive(Default)]
pub(crate) struct Stub {
    cases: Mutex<Vec<DiagnosisInput>>,
    /// How long it looks.
    takes: Duration,
}

impl Stub {
    pub(crate) fn cases(&self) -> Vec<DiagnosisInput> {
        self.cases.lock().expect("no panic while it was held").clone()
    }

    pub(crate) fn last(&self) -> DiagnosisInput {
        self.cases().pop().expect("a case")
    }
}

#[async_trait]
impl Diagnose for Stub {
    async fn diagnose(&self, case: DiagnosisInput, _: Duration) -> Diagnosis {
        self.cases.lock().expect("no panic while it was held").push(case.clone());
        tokio::time::sleep(self.takes).await;
        let now = SystemClock::default().now();
        Diagnosis {
            subject: case.subject,
            target: Some(case.target),
            causes: vec![Cause {
                id: CauseId::EdgeStale,
                confidence: Confidence::Likely,
                summary: "The edge serves an old copy.".to_owned(),
                action: "Purge it again.".to_owned(),
                checks: vec![CheckId::EdgeFreshness],
                against: vec![CheckId::Cname],
            }],
            checks: vec![Check {
                id: CheckId::EdgeFreshness,
                result: CheckResult::Fail,
                seen: "edge a1, origin b2".to_owned(),
                action: Some("Purge it again.".to_owned()),
                confidence: Confidence::Certain,
                cause: Some(CauseId::EdgeStale),
                page: Some("Purge cache"),
            }],
            started_at: now,
            ended_at: now,
            cut_short: false,
            evidence: vec![Attachment {
                name: "edge-response.txt".to_owned(),
                text: format!("x-nws-log-uuid: 42\nset-cookie: {CANARY}\n"),
            }],
        }
    }
}

pub(crate) async fn world() -> (World, Arc<Stub>) {
    let stub = Arc::new(Stub::default());
    (World::start().await.diagnosed_by(stub.clone()).await, stub)
}

pub(crate) async fn guarded_world() -> (World, Arc<Stub>) {
    let stub = Arc::new(Stub::default());
    (World::with_tokens().await.diagnosed_by(stub.clone()).await, stub)
}

pub(crate) fn token(world: &World, tenant: &str, scopes: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    command.args(["token", "create", "a test", "--tenant", tenant]).arg("--config").arg(world.config_file());
    command.args(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    let made = tokio::task::block_in_place(|| command.output().expect("the binary runs"));
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).expect("text").trim_end().to_owned()
}

pub(crate) async fn ask(world: &World, token: &str, body: &Value) -> Answered {
    world.send(world.http().post(world.url("/v1/diagnoses")).bearer_auth(token).json(body)).await
}

pub(crate) async fn look(world: &World, token: &str, path: &str) -> Answered {
    world.send(world.http().get(world.url(path)).bearer_auth(token)).await
}

pub(crate) async fn posted(world: &World, token: &str, urls: &[&str]) -> String {
    let body = json!({"operation": "purge", "urls": urls, "verify": false});
    let answer = world.send(world.http().post(world.url("/v1/jobs")).bearer_auth(token).json(&body)).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// What was changed in the database is in force within a second.
pub(crate) async fn a_second() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn exactly_one_subject_that_can_be_is_asked_about() {
    let (world, stub) = world().await;
    for (body, pointer, code) in [
        (json!({}), "", "one_subject"),
        (json!({"url": "https://www.example.com/", "host": "www.example.com"}), "", "one_subject"),
        (json!({"url": "https://www.example.com/a b"}), "/url", "not_ascii_or_space"),
        (json!({"host": "www.example.com/a"}), "/host", "not_a_host"),
        (json!({"job": "job_12"}), "/job", "not_a_job"),
        (json!({"site": "www.example.com"}), "/site", "wrong_field"),
    ] {
        let answer = ask(&world, "", &body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
        if code != "not_ascii_or_space" {
            assert_eq!(answer.body["errors"][0]["code"], code, "{body}");
        }
    }
    let unknown = json!({"job": "job_0192f3a000007000800000000000002a"});
    assert_eq!(ask(&world, "", &unknown).await.status, 404);
    assert!(stub.cases().is_empty());
    let answer = ask(&world, "", &json!({"host": "WWW.Example.com"})).await;
    let id = answer.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.headers["location"], format!("/v1/diagnoses/{id}"));
    let mut told = answer.body.clone();
    for field in ["id", "started_at", "ended_at"] {
        told[field].take();
    }
    insta::assert_snapshot!(told, @r#"{"causes":[{"action":"Purge it again.","against":["cname"],"checks":["edge_freshness"],"confidence":"likely","id":"edge_stale","summary":"The edge serves an old copy."}],"checks":[{"action":"Purge it again.","cause":"edge_stale","confidence":"certain","id":"edge_freshness","page":"Purge cache","result":"fail","seen":"edge a1, origin b2"}],"cut_short":false,"ended_at":null,"id":null,"started_at":null,"subject":{"host":"www.example.com"},"target":"https://www.example.com/"}"#);
    let case = stub.last();
    assert_eq!((case.subject, case.request), (Subject::Host("www.example.com".to_owned()), None));
    assert_eq!(case.target.as_str(), "https://www.example.com/");
    assert_eq!(case.edge, Some(world.sandbox.addresses.edge));
    assert_eq!(case.origin, Some(world.sandbox.addresses.origin));
    assert_eq!(world.get(&format!("/v1/diagnoses/{id}")).await.body, answer.body, "kept as it was told");
    assert_eq!(world.get("/v1/diagnoses/diag_0192f3a000007000800000000000002a").await.status, 404);
    world.end().await;
}

#[tokio::test]
async fn a_job_is_diagnosed_by_the_item_that_tells_most() {
    let (world, stub) = world().await;
    let code = "ResourceNotFound.CdnHostNotExists".to_owned();
    let refused = FaultRule::new("PurgeUrlsCache", Fault::Refuse { code, message: "no such host".to_owned() });
    world.sandbox.cloud().set_faults(vec![refused]);
    let body =
        json!({"operation": "purge", "urls": ["https://www.example.com/a.js"], "source": "ci", "priority": "urgent"});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    world.until(&id, |job| job["status"] == "failed").await;
    let answer = ask(&world, "", &json!({"job": id})).await;
    assert_eq!((answer.status, &answer.body["subject"]), (200, &json!({"job": id})), "{}", answer.body);
    let case = stub.last();
    let request = case.request.expect("a request");
    assert_eq!(
        (request.job.to_string(), request.state, request.operation),
        (id.clone(), ItemState::Failed, ItemOperation::Purge)
    );
    assert_eq!((request.kind, request.area, request.source.as_deref()), (TargetKind::Url, None, Some("ci")));
    let failure = request.failure.expect("a failure");
    assert_eq!(failure.code, "ResourceNotFound.CdnHostNotExists");
    assert!(failure.request_id.is_some() && request.request_id.is_some());
    assert_eq!(request.failures, [(failure.class, failure.code.clone(), 1)]);
    assert!(request.attempts.iter().any(|attempt| attempt.what.contains("CdnHostNotExists")), "{:?}", request.attempts);
    let account = case.circumstances.account.expect("an account");
    assert_eq!((account.name.as_str(), account.paused), ("main", None));
    assert!(account.skew_millis.is_some_and(|millis| millis.abs() < 60_000), "{:?}", account.skew_millis);
    assert!(!case.circumstances.pools.is_empty());
    // The URL alone leads to the same request, and an unknown one to none.
    ask(&world, "", &json!({"url": "HTTPS://www.example.com/a.js"})).await;
    assert_eq!(stub.last().request.map(|request| request.job.to_string()), Some(id));
    ask(&world, "", &json!({"url": "https://www.example.com/b.js"})).await;
    assert_eq!(stub.last().request, None);
    world.end().await;
}

#[tokio::test]
async fn a_jobs_diagnosis_is_answered_again_while_it_is_of_now() {
    let (world, stub) = world().await;
    // Nothing leaves, so that nothing changes but by us.
    let body =
        json!({"operation": "purge", "urls": ["https://www.example.com/a.js"], "not_before": "2099-01-01T00:00:00Z"});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/jobs/{id}/diagnosis");
    let first = world.get(&path).await;
    assert_eq!((first.status, stub.cases().len()), (200, 1), "{}", first.body);
    assert_eq!(
        stub.last().request.and_then(|request| request.waiting).map(|hold| hold.reason.as_str()),
        Some("not_before")
    );
    assert_eq!(world.get(&path).await.body, first.body);
    let bundle = world.http().get(world.url(&format!("/v1/jobs/{id}/bundle"))).send().await.expect("an answer");
    assert_eq!(bundle.headers()["content-type"], "application/zip");
    let name = first.body["id"].as_str().expect("an id");
    assert_eq!(bundle.headers()["content-disposition"], format!("attachment; filename=\"refreshd-{name}.zip\""));
    assert_eq!(stub.cases().len(), 1, "the bundle is of the same diagnosis");
    let cancel = world.http().post(world.url(&format!("/v1/jobs/{id}/cancel")));
    assert_eq!(world.send(cancel).await.status, 200);
    let second = world.get(&path).await;
    assert_ne!(second.body["id"], first.body["id"], "the job has changed since");
    assert_eq!(stub.cases().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_takes_its_scope_and_a_host_that_the_token_may_change() {
    let (world, stub) = guarded_world().await;
    let shop = token(&world, "shop", &[]);
    let blind = token(&world, "shop", &["purge:url", "read"]);
    let narrow = token(&world, "shop", &["prefetch@static.example.com", "diagnose", "read"]);
    let other = token(&world, "press", &[]);
    let on_call = token(&world, "ops", &["oncall", "diagnose"]);
    a_second().await;
    let id = posted(&world, &shop, &["https://www.example.com/a.js"]).await;
    let (url, host, job) =
        (json!({"url": "https://www.example.com/a.js"}), json!({"host": "www.example.com"}), json!({"job": id}));
    for body in [&url, &host, &job] {
        let refused = ask(&world, &blind, body).await;
        assert_eq!(refused.status, 403, "{body}");
        assert!(
            refused.body["detail"].as_str().is_some_and(|said| said.contains("scope diagnose")),
            "{}",
            refused.body
        );
        let refused = ask(&world, &narrow, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("scope_missing")), "{body}");
        assert!(refused.body.to_string().contains("purge:url"), "{}", refused.body);
    }
    assert_eq!(ask(&world, &narrow, &json!({"host": "static.example.com"})).await.status, 200);
    // Another tenant's job does not exist, and neither does its diagnosis.
    let made = ask(&world, &shop, &job).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let kept = format!("/v1/diagnoses/{}", made.body["id"].as_str().expect("an id"));
    let paths =
        [format!("/v1/jobs/{id}/diagnosis"), format!("/v1/jobs/{id}/bundle"), kept.clone(), format!("{kept}/bundle")];
    assert_eq!(ask(&world, &other, &job).await.status, 404);
    for path in &paths {
        assert_eq!(look(&world, &other, path).await.status, 404, "{path}");
        assert_eq!(look(&world, &blind, path).await.status, 403, "{path}");
        assert_eq!(look(&world, "", path).await.status, 401, "{path}");
        assert_eq!(look(&world, &shop, path).await.status, 200, "{path}");
        assert_eq!(look(&world, &on_call, path).await.status, 200, "{path}");
    }
    assert_eq!(look(&world, &narrow, &kept).await.status, 404, "its host is none of this token's");
    // Whoever is on call diagnoses it for the tenant, who finds it.
    let by_ops = ask(&world, &on_call, &job).await;
    let found = look(&world, &shop, &format!("/v1/diagnoses/{}", by_ops.body["id"].as_str().expect("an id"))).await;
    assert_eq!(found.body, by_ops.body);
    assert!(stub.cases().len() >= 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let (world, _) = guarded_world().await;
    let (eager, calm) = (token(&world, "shop", &[]), token(&world, "shop", &[]));
    a_second().await;
    let body = json!({"host": "www.example.com"});
    for _ in 0..6 {
        assert_eq!(ask(&world, &eager, &body).await.status, 200);
    }
    let refused = ask(&world, &eager, &body).await;
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("too_many")));
    let seconds: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=10).contains(&seconds) && refused.body["retry_after_s"] == json!(seconds), "{}", refused.body);
    assert_eq!(refused.body["retryable"], true);
    assert_eq!(ask(&world, &calm, &body).await.status, 200, "another token has its own share");
    world.end().await;
}

async fn unzipped(world: &World, token: &str, path: &str) -> BTreeMap<String, String> {
    let answer = world.http().get(world.url(path)).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let bytes = answer.bytes().await.expect("a body");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        let name = file.name().expect("a name").into_owned();
        files.insert(name.split_once('/').expect("a folder").1.to_owned(), text);
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_token_or_cookie_is_in_a_bundle() {
    let (world, _) = guarded_world().await;
    let shop = token(&world, "shop", &[]);
    let on_call = token(&world, "ops", &["oncall", "diagnose"]);
    a_second().await;
    let url = format!("https://www.example.com/a.js?v=1&access_token={CANARY}");
    let id = posted(&world, &shop, &[&url]).await;
    let made = ask(&world, &shop, &json!({"job": id})).await;
    let path = format!("/v1/diagnoses/{}/bundle", made.body["id"].as_str().expect("an id"));
    let text = std::fs::read_to_string(world.config_file()).expect("the configuration");
    let planted = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split('"').nth(1).expect("a value").to_owned()
    };
    let secrets = [planted("secret_key"), planted("secret_id"), shop.clone(), on_call.clone(), CANARY.to_owned()];
    for (bearer, sees_all) in [(&shop, false), (&on_call, true)] {
        let files = unzipped(&world, bearer, &path).await;
        for (name, text) in &files {
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{name}:\n{text}");
            }
        }
        for name in [
            "report.md",
            "report.json",
            "request-sample.txt",
            "ticket.txt",
            "timeline.txt",
            "account.txt",
            "domain.txt",
            "edge-response.txt",
        ] {
            assert!(files.contains_key(name), "{name} of {:?}", files.keys());
        }
        let sample = &files["request-sample.txt"];
        assert!(
            sample.contains("X-TC-Action: PurgeUrlsCache") && sample.contains("Authorization: (left out)"),
            "{sample}"
        );
        assert!(sample.contains("https://www.example.com/a.js?v=1"), "{sample}");
        assert!(files["report.md"].contains("x-nws-log-uuid: 42 (edge-response.txt)"), "{}", files["report.md"]);
        assert!(files["report.md"].contains(&id) && files["timeline.txt"].contains("+08:00"));
        assert_eq!(files["configuration.toml"].contains("[probe.edges]"), sees_all, "{}", files["configuration.toml"]);
    }
    world.end().await;
}

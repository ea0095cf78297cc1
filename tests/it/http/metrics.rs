//! Figures for Prometheus: they parse, they move with the work, and who may have them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::json;

use super::diagnoses::{CANARY, a_second, token};
use crate::diagnose::monitor::{Worried, rounded};
use crate::support::{World, http};

/// What a path of a server answers: status, content type and text.
async fn scraped(url: &str, bearer: Option<&str>, accept: &str) -> (u16, String, String) {
    let mut request = http().get(url).header("Accept", accept);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    let answer = request.send().await.expect("an answer");
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text").to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.expect("a text"))
}

async fn figures(world: &World) -> String {
    let (status, kind, text) = scraped(&world.url("/metrics"), None, "*/*").await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"), "{text}");
    text
}

/// The value of a sample by its name and labels.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}

/// What Prometheus itself thinks of the text: nothing, if it is well.
fn complaints(text: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = command.spawn().expect("promtool is needed: apt-get install --no-install-recommends prometheus");
    tool.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    let ended = tool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    if ended.status.success() { said } else { format!("{}: {said}", ended.status) }
}

/// With a route for one host by its name, and one for all others.
async fn patrolled() -> World {
    let mut world = World::start().await.diagnosed_by(Arc::new(Worried)).await;
    world.stop_daemon().await;
    let named = r#"[{ host = "www.example.com", account = "main" }, { host = "*""#;
    world.reconfigure(|text| text.replace(r#"[{ host = "*""#, named));
    world.start_daemon().await;
    rounded(&world).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_move_with_a_job_and_prometheus_reads_them() {
    let world = patrolled().await;
    world.origin("/a.js", "one");
    let before = figures(&world).await;
    assert_eq!(complaints(&before), "", "{before}");
    let purges = "refreshd_jobs_accepted_total{operation=\"purge\"}";
    let verified = "refreshd_verifications_total{verification=\"fresh\"}";
    let left = "refreshd_quota_available_targets{account=\"main\",pool=\"purge-url-mainland\"}";
    for sample in [purges, verified, "refreshd_account_paused{account=\"main\"}"] {
        assert_eq!(value(&before, sample), Some(0.0), "{sample} of\n{before}");
    }
    let later = json!({"operation": "prefetch", "urls": ["http://www.example.com/b.js"], "priority": "bulk",
        "not_before": "2099-01-01T00:00:00Z"});
    assert_eq!(world.post(&later).await.status, 202);
    let body = json!({"operation": "purge", "urls": ["http://www.example.com/a.js"], "area": "mainland"});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.proved(&id).await["verification"], "fresh");
    let after = figures(&world).await;
    assert_eq!(complaints(&after), "", "{after}");
    let sent = "{account=\"main\",operation=\"purge\",";
    for (sample, expected) in [
        (purges.to_owned(), 1.0),
        ("refreshd_jobs_accepted_total{operation=\"prefetch\"}".to_owned(), 1.0),
        (format!("refreshd_submissions_total{sent}answer=\"accepted\"}}"), 1.0),
        (format!("refreshd_targets_total{sent}result=\"done\"}}"), 1.0),
        (verified.to_owned(), 1.0),
        (format!("refreshd_lane_due_items{sent}kind=\"url\",area=\"mainland\",priority=\"normal\"}}"), 0.0),
        (
            "refreshd_lane_delayed_items{account=\"main\",operation=\"prefetch\",kind=\"url\",area=\"own\"}".to_owned(),
            1.0,
        ),
    ] {
        assert_eq!(value(&after, &sample), Some(expected), "{sample} of\n{after}");
    }
    assert_eq!(value(&after, left).map(|left| left + 1.0), value(&before, left), "{after}");
    assert!(value(&before, left).is_some());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_stand_by_host_where_a_route_names_it() {
    let world = patrolled().await;
    let text = figures(&world).await;
    let warned = "{account=\"main\",check=\"origin_certificate\",severity=\"warn\"";
    let named = format!("{warned},host=\"www.example.com\"}}");
    assert_eq!(value(&text, &format!("refreshd_findings{named}")), Some(1.0), "{text}");
    assert_eq!(value(&text, &format!("refreshd_findings{warned}}}")), Some(1.0), "{text}");
    assert!(!text.contains("static.example.com"), "{text}");
    let since = value(&text, &format!("refreshd_finding_since_timestamp_seconds{named}")).expect("a time");
    let ended = value(&text, "refreshd_patrol_ended_timestamp_seconds").unwrap_or_else(|| panic!("{text}"));
    assert!(since > 1.7e9 && since <= ended, "{since} {ended}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_take_a_token_but_on_their_own_address_and_keep_secrets() {
    let mut world = World::with_tokens().await;
    world.stop_daemon().await;
    world.reconfigure(|text| format!("metrics.listen = \"127.0.0.1:0\"\n{text}"));
    world.start_daemon().await;
    let shop = token(&world, "shop", &[]);
    a_second().await;
    let url = format!("http://www.example.com/a.js?access_token={CANARY}");
    let body = json!({"operation": "purge", "urls": [url], "verify": false, "labels": {"secret": CANARY}});
    let posted = world.send(world.http().post(world.url("/v1/jobs")).bearer_auth(&shop).json(&body)).await;
    let id = posted.body["id"].as_str().unwrap_or_else(|| panic!("{}", posted.body)).to_owned();
    let at_the_door = world.url("/metrics");
    assert_eq!(scraped(&at_the_door, None, "*/*").await.0, 401);
    assert_eq!(scraped(&at_the_door, Some("nobody"), "*/*").await.0, 401);
    for (scope, status) in [
        ("purge:url", 403),
        ("diagnose", 403),
        ("read@www.example.com", 403),
        ("read", 200),
        ("oncall", 200),
        ("admin", 200),
    ] {
        let bearer = token(&world, "metrics", &[scope]);
        a_second().await;
        let (answered, _, text) = scraped(&at_the_door, Some(&bearer), "*/*").await;
        assert_eq!(answered, status, "{scope}: {text}");
        assert_eq!(text.contains("scope"), status == 403, "{text}");
    }
    let alone = world.daemon.as_ref().expect("a daemon").metrics_address().expect("an address");
    let written = std::fs::read_to_string(world.config_file()).expect("the configuration");
    let planted = |name: &str| {
        let line = written.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split('"').nth(1).expect("a value").to_owned()
    };
    let secrets = [CANARY.to_owned(), shop, planted("secret_key"), planted("secret_id"), id];
    for (accept, kind, end) in [
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8", ""),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n"),
    ] {
        let (status, told, text) = scraped(&format!("http://{alone}/metrics"), None, accept).await;
        assert_eq!((status, told.as_str()), (200, kind), "{text}");
        assert!(text.contains("refreshd_build_info{version=\"") && text.ends_with(end), "{text}");
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
    for path in ["/", "/v1/jobs", "/livez", "/readyz", "/openapi.json"] {
        assert_eq!(scraped(&format!("http://{alone}{path}"), None, "*/*").await.0, 404, "{path}");
    }
    world.end().await;
}

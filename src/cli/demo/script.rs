//! The demo's steps: a release is deployed, visitors get the old page, a refresh is posted, visitors get the new page.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::actions::{Actions, DemoPage, HOST};
use super::environment::Environment;
use crate::cli::output::terminal;
use crate::clock::Stopwatch;

/// Objects of the release besides the page that is shown.
const ASSETS: usize = 30;
/// A demo that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs all steps; true if the edge serves the new page at the end.
pub(super) async fn play(environment: &Environment) -> anyhow::Result<bool> {
    let actions = Actions::new(environment)?;
    print_addresses(environment);
    go_live(&actions).await?;
    release(&actions).await?;
    let id = post_refresh(&actions).await?;
    let job = follow(&actions, &id).await?;
    let fresh = visit_again(&actions, &job).await?;
    print_next_steps(&actions, environment, &id)?;
    Ok(fresh)
}

fn print_addresses(environment: &Environment) {
    let addresses = environment.addresses;
    print_line("refreshd demo: everything runs on this machine, and nothing leaves it");
    print_line(&format!(
        "  cloud   a simulated Tencent Cloud CDN   api {}   control {}",
        addresses.api, addresses.control
    ));
    print_line(&format!("  site    http://{HOST}/         edge {}   origin {}", addresses.edge, addresses.origin));
    print_line(&format!("  daemon  refreshd                        http://{}", environment.daemon_address));
}

async fn go_live(actions: &Actions<'_>) -> anyhow::Result<()> {
    print_line("\n1. Release 1 is live, and the edge has cached it");
    actions.publish("/app.js", "release 1").await?;
    for asset in 0..ASSETS {
        actions.publish(&asset_path(asset), "release 1").await?;
        actions.visit_edge(&asset_path(asset)).await?;
    }
    print_page("edge  ", &actions.visit_edge("/app.js").await?);
    print_page("edge  ", &actions.visit_edge("/app.js").await?);
    Ok(())
}

async fn release(actions: &Actions<'_>) -> anyhow::Result<()> {
    print_line("\n2. Release 2 is deployed to the origin; visitors do not see it");
    actions.publish("/app.js", "release 2").await?;
    for asset in 0..ASSETS {
        actions.publish(&asset_path(asset), "release 2").await?;
    }
    print_page("origin", &actions.visit_origin("/app.js").await?);
    print_page("edge  ", &actions.visit_edge("/app.js").await?);
    Ok(())
}

async fn post_refresh(actions: &Actions<'_>) -> anyhow::Result<String> {
    print_line(&format!("\n3. A refresh of {} URLs and a directory is posted", ASSETS + 1));
    let mut urls = vec![format!("http://{HOST}/app.js")];
    urls.extend((0..ASSETS).map(|asset| format!("http://{HOST}{}", asset_path(asset))));
    let directories = [format!("http://{HOST}/assets/")];
    let body = json!({"operation": "refresh", "urls": urls, "directories": directories, "source": "demo"});
    let (status, job) = actions.post(&body).await?;
    ensure!(status == 202, "the daemon answered {status}: {job}");
    let id = job["id"].as_str().unwrap_or_default().to_owned();
    print_line(&format!("   POST /v1/jobs → {status}   {id}   stored on disk before it was acknowledged"));
    Ok(id)
}

/// Prints the job's events and the calls that the cloud receives, in the order of their times.
async fn follow(actions: &Actions<'_>, id: &str) -> anyhow::Result<Value> {
    let stopwatch = Stopwatch::start();
    let (mut last_event, mut last_call) = (0, 0);
    loop {
        let job = actions.job(id).await?;
        let start = moment(&job["created_at"]);
        let mut lines = Vec::new();
        for event in actions.events(id, last_event).await? {
            last_event = event["seq"].as_i64().unwrap_or(last_event);
            lines.push((moment(&event["at"]), event_line(&event)));
        }
        for call in actions.calls(last_call).await? {
            last_call = call["seq"].as_i64().unwrap_or(last_call);
            lines.extend(call_line(&call).map(|line| (moment(&call["at"]), line)));
        }
        lines.sort_by_key(|(at, _)| *at);
        for (at, line) in lines {
            print_line(&format!("   {:>5.1} s  {line}", Duration::from_millis(at.saturating_sub(start)).as_secs_f64()));
        }
        if !job["finished_at"].is_null() && job["verification"] != "pending" {
            return Ok(job);
        }
        ensure!(stopwatch.elapsed() < TIMEOUT, "the job did not end within {} s: {job}", TIMEOUT.as_secs());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn visit_again(actions: &Actions<'_>, job: &Value) -> anyhow::Result<bool> {
    print_line("\n4. Visitors get release 2");
    let page = actions.visit_edge("/app.js").await?;
    print_page("edge  ", &page);
    let text = |field: &str| job[field].as_str().unwrap_or("?").to_owned();
    let (status, verification) = (text("status"), text("verification"));
    print_line(&format!("   job    {status} at the provider, {verification} at the edge"));
    Ok(status == "succeeded" && verification == "fresh" && page.body == "release 2")
}

fn print_next_steps(actions: &Actions<'_>, environment: &Environment, id: &str) -> anyhow::Result<()> {
    let body = json!({"operation": "purge", "urls": [format!("http://{HOST}/app.js")]});
    print_line("\nTry more:");
    print_line(&format!("  page   {}", actions.daemon("/")));
    print_line(&format!(
        "  curl -s '{}' -H 'Content-Type: application/json' -H 'Prefer: wait=30' -d '{body}'",
        actions.daemon("/v1/jobs")
    ));
    print_line(&format!(
        "  curl -s -X PUT http://{}/control/origin -d '{}'",
        environment.addresses.control,
        json!({"host": HOST, "path": "/app.js", "body": "release 3"})
    ));
    print_line(&format!("  REFRESHD_URL={} refreshd job {id}", actions.daemon("")));
    Ok(())
}

fn asset_path(asset: usize) -> String {
    format!("/assets/{asset}.css")
}

fn print_page(side: &str, page: &DemoPage) {
    let cache = if page.cache.is_empty() { String::new() } else { format!("   ({})", page.cache) };
    print_line(&format!("   {side} GET http://{HOST}/app.js → {} {:?}{cache}", page.status, page.body));
}

/// Only calls that change something: there are many more reads.
fn call_line(call: &Value) -> Option<String> {
    let action = call["action"].as_str()?;
    if !matches!(action, "PurgeUrlsCache" | "PurgePathCache" | "PushUrlsCache") {
        return None;
    }
    let answer = call["code"].as_str().or_else(|| call["task_id"].as_str()).unwrap_or("no answer");
    Some(format!("cloud  {action} with {} → {answer}", call["items"]))
}

fn event_line(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap_or("?").to_owned();
    let items = match (text("kind").as_str(), event["items"].as_u64()) {
        ("settled", Some(items)) => format!(" ({items})"),
        _ => String::new(),
    };
    format!("job    {}: {}{items}", text("kind"), text("message"))
}

/// Milliseconds since the epoch, from a number or an RFC 3339 text.
fn moment(value: &Value) -> u64 {
    let parsed = || value.as_str()?.parse::<jiff::Timestamp>().ok();
    value.as_u64().or_else(|| u64::try_from(parsed()?.as_millisecond()).ok()).unwrap_or(0)
}

/// Prints a line. The demo goes on if standard output is closed.
fn print_line(line: &str) {
    let _ = terminal::print(&format!("{line}\n"));
}

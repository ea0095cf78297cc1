//! The story: a release goes out, visitors get the old page, a refresh is posted, visitors get the new one.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::actions::{Actions, DemoPage, HOST};
use super::environment::Environment;
use crate::cli::output::terminal;
use crate::clock::Stopwatch;

/// Objects of the release besides the page that is shown.
const ASSETS: usize = 30;
/// A story that takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Tells the story; true if it ended with the edge seen fresh.
pub(super) async fn tell(stage: &Environment) -> anyhow::Result<bool> {
    let world = Actions::new(stage)?;
    introduce(stage);
    go_live(&world).await?;
    release(&world).await?;
    let id = post_refresh(&world).await?;
    let job = follow(&world, &id).await?;
    let fresh = visit_again(&world, &job).await?;
    tell_how_to_go_on(&world, stage, &id)?;
    Ok(fresh)
}

fn introduce(stage: &Environment) {
    let at = stage.addresses;
    say("refreshd demo: everything runs on this machine, and nothing leaves it");
    say(&format!("  cloud   a simulated Tencent Cloud CDN   api {}   control {}", at.api, at.control));
    say(&format!("  site    http://{HOST}/         edge {}   origin {}", at.edge, at.origin));
    say(&format!("  daemon  refreshd                        http://{}", stage.daemon_address));
}

async fn go_live(world: &Actions<'_>) -> anyhow::Result<()> {
    say("\n1. Release 1 is live, and the edge has cached it");
    world.publish("/app.js", "release 1").await?;
    for asset in 0..ASSETS {
        world.publish(&asset_path(asset), "release 1").await?;
        world.visit_edge(&asset_path(asset)).await?;
    }
    show("edge  ", &world.visit_edge("/app.js").await?);
    show("edge  ", &world.visit_edge("/app.js").await?);
    Ok(())
}

async fn release(world: &Actions<'_>) -> anyhow::Result<()> {
    say("\n2. Release 2 is deployed to the origin; visitors do not see it");
    world.publish("/app.js", "release 2").await?;
    for asset in 0..ASSETS {
        world.publish(&asset_path(asset), "release 2").await?;
    }
    show("origin", &world.visit_origin("/app.js").await?);
    show("edge  ", &world.visit_edge("/app.js").await?);
    Ok(())
}

async fn post_refresh(world: &Actions<'_>) -> anyhow::Result<String> {
    say(&format!("\n3. A refresh of {} URLs and a directory is posted", ASSETS + 1));
    let mut urls = vec![format!("http://{HOST}/app.js")];
    urls.extend((0..ASSETS).map(|asset| format!("http://{HOST}{}", asset_path(asset))));
    let directories = [format!("http://{HOST}/assets/")];
    let body = json!({"operation": "refresh", "urls": urls, "directories": directories, "source": "demo"});
    let (status, job) = world.post(&body).await?;
    ensure!(status == 202, "the daemon answered {status}: {job}");
    let id = job["id"].as_str().unwrap_or_default().to_owned();
    say(&format!("   POST /v1/jobs → {status}   {id}   on disk before it was acknowledged"));
    Ok(id)
}

/// Shows what happens to the job as it happens: its events, and the calls that the cloud sees, each at its own time.
async fn follow(world: &Actions<'_>, id: &str) -> anyhow::Result<Value> {
    let watch = Stopwatch::start();
    let (mut event_seen, mut call_seen) = (0, 0);
    loop {
        let job = world.job(id).await?;
        let start = moment(&job["created_at"]);
        let mut seen = Vec::new();
        for event in world.events(id, event_seen).await? {
            event_seen = event["seq"].as_i64().unwrap_or(event_seen);
            seen.push((moment(&event["at"]), event_line(&event)));
        }
        for call in world.calls(call_seen).await? {
            call_seen = call["seq"].as_i64().unwrap_or(call_seen);
            seen.extend(call_line(&call).map(|line| (moment(&call["at"]), line)));
        }
        seen.sort_by_key(|(at, _)| *at);
        for (at, line) in seen {
            say(&format!("   {:>5.1} s  {line}", Duration::from_millis(at.saturating_sub(start)).as_secs_f64()));
        }
        if !job["finished_at"].is_null() && job["verification"] != "pending" {
            return Ok(job);
        }
        ensure!(watch.elapsed() < PATIENCE, "the job did not end within {} s: {job}", PATIENCE.as_secs());
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn visit_again(world: &Actions<'_>, job: &Value) -> anyhow::Result<bool> {
    say("\n4. Visitors get release 2");
    let page = world.visit_edge("/app.js").await?;
    show("edge  ", &page);
    let word = |field: &str| job[field].as_str().unwrap_or("?").to_owned();
    let (status, verification) = (word("status"), word("verification"));
    say(&format!("   job    {status} at the provider, seen {verification} at the edge"));
    Ok(status == "succeeded" && verification == "fresh" && page.body == "release 2")
}

fn tell_how_to_go_on(world: &Actions<'_>, stage: &Environment, id: &str) -> anyhow::Result<()> {
    let body = json!({"operation": "purge", "urls": [format!("http://{HOST}/app.js")]});
    say("\nGo on by hand:");
    say(&format!("  page   {}", world.daemon("/")));
    say(&format!(
        "  curl -s '{}' -H 'Content-Type: application/json' -H 'Prefer: wait=30' -d '{body}'",
        world.daemon("/v1/jobs")
    ));
    say(&format!(
        "  curl -s -X PUT http://{}/control/origin -d '{}'",
        stage.addresses.control,
        json!({"host": HOST, "path": "/app.js", "body": "release 3"})
    ));
    say(&format!("  REFRESHD_URL={} refreshd job {id}", world.daemon("")));
    Ok(())
}

fn asset_path(asset: usize) -> String {
    format!("/assets/{asset}.css")
}

fn show(side: &str, page: &DemoPage) {
    let cache = if page.cache.is_empty() { String::new() } else { format!("   ({})", page.cache) };
    say(&format!("   {side} GET http://{HOST}/app.js → {} {:?}{cache}", page.status, page.body));
}

/// Only the calls that change something; reads would drown them.
fn call_line(call: &Value) -> Option<String> {
    let action = call["action"].as_str()?;
    if !matches!(action, "PurgeUrlsCache" | "PurgePathCache" | "PushUrlsCache") {
        return None;
    }
    let answer = call["code"].as_str().or_else(|| call["task_id"].as_str()).unwrap_or("no answer");
    Some(format!("cloud  {action} with {} → {answer}", call["items"]))
}

fn event_line(event: &Value) -> String {
    let word = |field: &str| event[field].as_str().unwrap_or("?").to_owned();
    let items = match (word("kind").as_str(), event["items"].as_u64()) {
        ("settled", Some(items)) => format!(" ({items})"),
        _ => String::new(),
    };
    format!("job    {}: {}{items}", word("kind"), word("message"))
}

/// Milliseconds since the epoch, from a number or an RFC 3339 text.
fn moment(value: &Value) -> u64 {
    let parsed = || value.as_str()?.parse::<jiff::Timestamp>().ok();
    value.as_u64().or_else(|| u64::try_from(parsed()?.as_millisecond()).ok()).unwrap_or(0)
}

/// The story is the demo's data. If nobody reads it any more, the job goes on all the same.
fn say(line: &str) {
    let _ = terminal::print(&format!("{line}\n"));
}

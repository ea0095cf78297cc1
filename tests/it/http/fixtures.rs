//! Jobs, pools, lanes and tokens that several endpoints' tests need.

use serde_json::{Value, json};

use crate::support::binary::{Ended, refreshd};
use crate::support::{Answered, World};

pub(crate) const URL: &str = "https://www.example.com/app.js";

pub(crate) fn purge(paths: std::ops::Range<u32>) -> Value {
    let urls: Vec<String> = paths.map(|n| format!("https://www.example.com/{n}.js")).collect();
    json!({"operation": "purge", "urls": urls, "verify": false})
}

pub(crate) async fn posted(world: &World, body: &Value) -> String {
    let accepted = world.post(body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    accepted.body["id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn ask(world: &World, path: &str, body: Option<&Value>) -> Answered {
    let request = world.http().post(world.url(path));
    world.send(if let Some(body) = body { request.json(body) } else { request }).await
}

/// The one thing of a list that fits.
pub(crate) async fn listed(world: &World, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let answer = world.get(path).await;
    assert_eq!((answer.status, &answer.body["next_cursor"]), (200, &Value::Null), "{}", answer.body);
    answer.body["items"].as_array().expect("items").iter().find(|item| fits(item)).expect("one that fits").clone()
}

pub(crate) async fn pool(world: &World) -> Value {
    listed(world, "/v1/quota", |pool| pool["pool"] == "purge-url-mainland").await
}

pub(crate) async fn lane(world: &World, operation: &str) -> Value {
    listed(world, "/v1/lanes", |lane| lane["operation"] == operation && lane["kind"] == "url").await
}

/// The reserve opens shortly before the reset, and the tests run at any time of the day.
pub(crate) fn reserved(pool: &Value, share: u64) -> u64 {
    let moment = |name: &str| pool[name].as_str().expect("a moment").parse::<jiff::Timestamp>().expect("RFC 3339");
    let left = moment("resets_at").as_second() - moment("read_at").as_second();
    if left <= 16 * 60 { pool["reserved"].as_u64().expect("a figure") } else { share }
}

/// A token, as an operator makes one.
pub(crate) async fn token(world: &World, scopes: &[&str]) -> String {
    let mut command = refreshd("");
    command
        .args(["token", "create", "a test", "--tenant", "shop"])
        .args(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    command.arg("--config").arg(world.config_file());
    let ended =
        tokio::task::spawn_blocking(move || Ended::of(command.output().expect("it runs"))).await.expect("it ran");
    ended.expect(0);
    ended.out.trim_end().to_owned()
}

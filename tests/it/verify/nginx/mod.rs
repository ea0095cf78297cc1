//! Fresh or stale, judged on a cache that nobody here wrote: nginx is the edge, the sandbox the cloud and the origin.

mod server;

use serde_json::Value;

use crate::support::World;
use crate::support::binary::{Ended, refreshd};
use server::Nginx;

const URL: &str = "http://www.example.com/app.js";
/// One copy for all visitors, whatever they can unpack.
const DEAF_TO_VARY: &str = "proxy_ignore_headers Vary;";

/// The daemon looks at nginx, which has what the origin had when it was asked for.
async fn world(directives: &'static str) -> (World, Nginx) {
    let mut world = World::with(|_| (), "verify.grace = \"500ms\"").await;
    world.origin("/app.js", &"one ".repeat(100));
    let nginx = Nginx::start(world.sandbox.addresses.origin, directives);
    let (sandbox, edge) = (world.sandbox.addresses, nginx.edge);
    world.stop_daemon().await;
    world.reconfigure(|text| {
        let text = text.replace(&sandbox.edge.to_string(), &edge.to_string());
        text.replace("probe.allow", &format!("probe.resolver = [\"{}\"]\nprobe.allow", sandbox.dns))
    });
    world.start_daemon().await;
    (world, nginx)
}

struct Page {
    body: Vec<u8>,
    cache: String,
    encoding: Option<String>,
}

/// What a visitor gets who can unpack this.
async fn visit(world: &World, nginx: &Nginx, accepted: &str) -> Page {
    let request = world.http().get(format!("http://{}/app.js", nginx.edge));
    let request = request.header("Host", "www.example.com").header("Accept-Encoding", accepted);
    let answer = request.send().await.expect("an answer");
    let told = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    let (cache, encoding) = (told("x-cache-status").expect("nginx's word"), told("content-encoding"));
    Page { body: answer.bytes().await.expect("a body").to_vec(), cache, encoding }
}

fn command(world: &World, words: &[&str]) -> Ended {
    let mut command = refreshd(&world.url(""));
    Ended::of(tokio::task::block_in_place(|| command.args(words).output().expect("the binary runs")))
}

fn purged(world: &World) -> Ended {
    command(world, &["purge", URL, "--wait"])
}

fn diagnosed(world: &World) -> Value {
    let ended = command(world, &["diagnose", URL, "--json"]);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {} {}", ended.out, ended.err))
}

fn result<'a>(diagnosis: &'a Value, id: &str) -> &'a Value {
    let checks = diagnosis["checks"].as_array().expect("checks");
    &checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {diagnosis:#}"))["result"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cache_that_keeps_its_copy_is_stale_until_the_copy_is_dropped() {
    let (world, mut nginx) = world("").await;
    visit(&world, &nginx, "identity").await;
    let kept = visit(&world, &nginx, "identity").await;
    assert_eq!((kept.cache.as_str(), kept.body.as_slice()), ("HIT", "one ".repeat(100).as_bytes()));
    // As many bytes, so that only the content tells.
    world.origin("/app.js", &"two ".repeat(100));
    purged(&world).expect(7);
    assert_eq!(world.calls("PurgeUrlsCache"), [None], "the provider took the purge for done");
    let told = diagnosed(&world);
    assert_eq!(told["causes"][0]["id"], "edge_stale", "{told:#}");
    nginx.empty();
    purged(&world).expect(0);
    let now = visit(&world, &nginx, "identity").await;
    assert_eq!(now.body, "two ".repeat(100).as_bytes());
    let told = diagnosed(&world);
    assert_eq!(result(&told, "edge_freshness"), "ok", "{told:#}");
    assert!(!told["causes"].to_string().contains("edge_stale"), "{told:#}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_had_packed_is_no_old_copy() {
    for (directives, to_others) in [("", ("MISS", None)), (DEAF_TO_VARY, ("HIT", Some("gzip")))] {
        let (world, nginx) = world(directives).await;
        let packed = visit(&world, &nginx, "gzip").await;
        assert_eq!((packed.cache.as_str(), packed.encoding.as_deref()), ("MISS", Some("gzip")));
        assert_ne!(packed.body, "one ".repeat(100).as_bytes());
        let other = visit(&world, &nginx, "identity").await;
        assert_eq!((other.cache.as_str(), other.encoding.as_deref()), to_others);
        purged(&world).expect(0);
        let told = diagnosed(&world);
        assert_eq!(result(&told, "edge_freshness"), "ok", "{told:#}");
        assert!(!told["causes"].to_string().contains("stale"), "{told:#}");
        // And a packed copy that is old is seen to be.
        world.origin("/app.js", &"two ".repeat(100));
        purged(&world).expect(7);
        let told = diagnosed(&world);
        assert_eq!(told["causes"][0]["id"], "edge_stale", "{told:#}");
        world.end().await;
    }
}

//! A diagnosis ends although nothing that it looks at does: name server, edge, origin and the provider's API all take what
//! they are sent and stay silent.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{copy, sink};
use tokio::net::{TcpListener, UdpSocket};

use crate::support::World;

const URL: &str = "https://www.example.com/app.js";
const NO_NAME: &str = "DNS could not be asked about www.example.com: no name server answered in time.";
const NOT_ASKED: &str = "The provider was not asked about www.example.com yet.";
/// Far more than a diagnosis may take, and less than for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads all that comes, by TCP and by UDP, and never says a word.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let socket = UdpSocket::bind(address).await.expect("the same port for UDP");
    tokio::spawn(async move { while socket.recv(&mut [0; 512]).await.is_ok() {} });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = copy(&mut stream, &mut sink()).await;
                std::future::pending::<()>().await;
            });
        }
    });
    address
}

/// A daemon to which nobody has ever answered.
async fn world() -> World {
    let mut world = World::start().await;
    world.stop_daemon().await;
    let (names, edge, origin, api) = tokio::join!(silent(), silent(), silent(), silent());
    let real = world.sandbox.addresses;
    world.reconfigure(|text| {
        let text = text.replace(&real.edge.to_string(), &edge.to_string());
        let text = text.replace(&real.origin.to_string(), &origin.to_string());
        let text = text.replace(&real.api.to_string(), &api.to_string());
        text.replace("probe.allow", &format!("probe.resolver = [\"{names}\"]\nprobe.allow"))
    });
    std::fs::remove_file(world.folder().join("refreshd.db")).expect("what the first daemon has read");
    world.start_daemon().await;
    world
}

async fn diagnosed(world: &World, about: &Value) -> Value {
    let request = world.http().post(world.url("/v1/diagnoses")).timeout(PATIENCE).json(about);
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The check's result and what it tells.
fn check<'a>(told: &'a Value, id: &str) -> (&'a str, &'a str) {
    let checks = told["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {told:#}"));
    (check["result"].as_str().expect("a word"), check["seen"].as_str().expect("words"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_ends_although_everything_hangs_and_tells_at_what() {
    let world = world().await;
    let body = json!({"operation": "purge", "urls": [URL], "verify": false});
    let job = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    let asked = [json!({"url": URL}), json!({"url": URL.replace("https", "http")}), json!({"job": job})];
    let [secure, plain, of_job] = asked.each_ref().map(|about| diagnosed(&world, about));
    let (secure, plain, of_job) = tokio::join!(secure, plain, of_job);
    for told in [&secure, &plain, &of_job] {
        assert!(check(told, "cname") == ("unknown", NO_NAME), "{told:#}");
        assert!(check(told, "domain") == ("unknown", NOT_ASKED), "{told:#}");
        for unknown in ["origin_freshness", "edge_freshness", "cacheability"] {
            assert_eq!(check(told, unknown).0, "unknown", "{unknown}: {told:#}");
        }
    }
    // That nobody has told the quota yet is no sign that it is spent.
    assert_eq!(check(&of_job, "quota").0, "unknown", "{of_job:#}");
    for told in [&secure, &of_job] {
        for side in ["origin_certificate", "edge_certificate"] {
            let (result, seen) = check(told, side);
            assert!(result == "fail" && seen.contains("the TLS handshake took too long"), "{side}: {told:#}");
        }
    }
    for side in ["origin_answer", "edge_answer"] {
        let (result, seen) = check(&plain, side);
        assert!(result == "fail" && seen.contains("no answer in time"), "{side}: {plain:#}");
    }
    world.end().await;
}

//! Nobody can use a running daemon to look into the network that it stands in: a listener there sees no connection, whichever
//! way leads to it, and whoever may not purge a host causes no look at it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use refreshd::sandbox::{Domain, PullProtocol};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::diagnoses::{a_second, token};
use crate::support::{Answered, World};

const URL: &str = "http://www.example.com/app.js";

/// A listener that nobody is meant to reach.
struct Forbidden(TcpListener);

impl Forbidden {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        listener.set_nonblocking(true).expect("a switch");
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    /// A connection that was made is in the listener's queue by the time that the look has ended.
    fn saw_nobody(&self) -> bool {
        matches!(self.0.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// Restarts the daemon with another configuration, in which this is the name server.
async fn reconfigured(world: &mut World, change: impl FnOnce(String) -> String) {
    let names = world.sandbox.addresses.dns;
    world.stop_daemon().await;
    world.reconfigure(|text| {
        change(text.replace("probe.allow", &format!("probe.resolver = [\"{names}\"]\nprobe.allow")))
    });
    world.start_daemon().await;
}

async fn ask(world: &World, token: &str, body: &Value) -> Answered {
    world.send(world.http().post(world.url("/v1/diagnoses")).bearer_auth(token).json(body)).await
}

/// The first patrol has walked past the domain, so the daemon knows what the provider told of it.
async fn known(world: &World) {
    for _ in 0..600 {
        let findings = world.get("/v1/findings").await.body;
        if findings["items"].to_string().contains("domain www.example.com") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the domains were never read");
}

fn seen<'a>(told: &'a Value, id: &str) -> &'a str {
    let checks = told["checks"].as_array().unwrap_or_else(|| panic!("{told}"));
    let check = checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {told:#}"));
    check["seen"].as_str().expect("words")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_token_may_not_purge_is_not_looked_at() {
    let inside = Forbidden::new();
    let mut world = World::with_tokens().await;
    // No domain of the account, so that no patrol walks past it either.
    let edge = format!("[probe.edges]\n\"unwalked.example\" = \"{}\"", inside.address());
    reconfigured(&mut world, |text| text.replace("[probe.edges]", &edge)).await;
    let narrow = token(&world, "shop", &["purge:url@static.example.com", "diagnose", "read"]);
    let wide = token(&world, "shop", &["prefetch@unwalked.example", "diagnose"]);
    a_second().await;
    let (url, host) = (json!({"url": "http://unwalked.example/"}), json!({"host": "unwalked.example"}));
    for body in [&url, &host] {
        let refused = ask(&world, &narrow, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("scope_missing")), "{body}");
        assert!(refused.body.to_string().contains("purge:url"), "{}", refused.body);
    }
    assert!(inside.saw_nobody());
    assert_eq!(ask(&world, &wide, &url).await.status, 200);
    assert!(!inside.saw_nobody(), "a look is seen");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_not_dialled_whoever_names_it() {
    let inside = Forbidden::new();
    let at = inside.address();
    let by_name = format!("www.example.com:{}", at.port());
    let by_provider = |place: String| {
        move |options: &mut refreshd::sandbox::SandboxOptions| {
            let mut domain = Domain::new("www.example.com");
            domain.origin.origins = vec![place];
            domain.origin.origin_pull_protocol = PullProtocol::Http;
            options.domains = vec![domain];
        }
    };
    for (place, configured) in [(at.to_string(), false), (by_name, false), (at.to_string(), true)] {
        let mut world =
            World::with(by_provider(place.clone()), "verify.grace = \"500ms\"\nverify.deadline = \"3s\"").await;
        let addresses = world.sandbox.addresses;
        reconfigured(&mut world, |text| {
            let text = text.replace("probe.allow = [\"127.0.0.0/8\"]", "probe.allow = []");
            if configured {
                let text = text.replace(&addresses.edge.to_string(), &at.to_string());
                return text.replace(&addresses.origin.to_string(), &at.to_string());
            }
            // What DNS and the provider say.
            text.split("[probe.edges]").next().expect("what stands before").to_owned()
        })
        .await;
        known(&world).await;
        let told = ask(&world, "", &json!({"url": URL})).await.body;
        for side in ["origin_connect", "edge_connect"] {
            assert!(seen(&told, side).contains("127.0.0.1 is not a public address"), "{side}: {told:#}");
        }
        let id = world.post(&json!({"operation": "purge", "urls": [URL]})).await.body["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let job = world.proved(&id).await;
        assert_eq!(job["verification"], "unknown", "{job}");
        let round = world.send(world.http().post(world.url("/v1/findings/check"))).await;
        assert_eq!(round.status, 200, "{}", round.body);
        assert!(inside.saw_nobody(), "{place} {configured}");
        world.end().await;
    }
}

/// A server that is allowed, and sends everybody there.
async fn redirecting(to: String) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let text = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_the_inside_is_not_followed() {
    let inside = Forbidden::new();
    let port = inside.address().port();
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://www.example.com:{port}/"),
        format!("http://www.example.com@127.0.0.1:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let mut world = World::with(|_| (), "verify.grace = \"500ms\"\nverify.deadline = \"3s\"").await;
        let allowed = redirecting(to.clone()).await;
        let addresses = world.sandbox.addresses;
        reconfigured(&mut world, |text| {
            // The inside could be dialled by its address: only that nobody follows keeps them from it.
            let text = text.replace(&addresses.edge.to_string(), &allowed.to_string());
            text.replace(&addresses.origin.to_string(), &allowed.to_string())
        })
        .await;
        let told = ask(&world, "", &json!({"url": URL})).await.body;
        assert!(seen(&told, "edge_answer").contains("302"), "{told:#}");
        let id = world.post(&json!({"operation": "purge", "urls": [URL]})).await.body["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        world.proved(&id).await;
        assert!(inside.saw_nobody(), "{to}");
        world.end().await;
    }
}

//! What a newcomer runs first: the demo, and the sandbox alone.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use hickory_resolver::Resolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use serde_json::Value;

use crate::support::binary::{Ended, refreshd};

#[test]
fn the_demo_ends_with_0_and_a_job_that_was_seen_fresh() {
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd")).args(["demo", "--exit"]).output().expect("the demo runs");
    let (told, said) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(0), "{told}\n{said}");
    let place = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text} is not told:\n{told}"));
    // Observed in this order: the old content at the edge, the calls, the new content.
    let old = place("200 \"release 1\"   (Cache Hit)");
    let (purge, push) = (place("cloud  PurgeUrlsCache"), place("cloud  PushUrlsCache"));
    assert!(old < purge && purge < push && push < place("succeeded at the provider, fresh at the edge"), "{told}");
    assert!(told.contains("curl -s") && told.contains("page   http://127.0.0.1:"), "{told}");
}

#[test]
fn nothing_is_wrong_with_what_the_demo_leaves_behind() {
    let demo = Command::new(env!("CARGO_BIN_EXE_refreshd")).arg("demo").stdout(Stdio::piped()).spawn();
    let mut demo = Killed(demo.expect("the demo runs"));
    // Kept open to the end: a process whose output is closed ends.
    let mut lines = BufReader::new(demo.0.stdout.take().expect("its output")).lines().map(|line| line.expect("text"));
    let page = lines.find_map(|line| Some(line.split_once("  page   ")?.1.to_owned())).expect("the page's address");
    for subject in ["http://www.example.com/app.js", "static.example.com"] {
        let ended = Ended::of(refreshd(&page).args(["diagnose", subject]).output().expect("it runs"));
        ended.expect(0);
        assert!(ended.out.starts_with("Nothing wrong was found."), "{subject}: {}", ended.out);
    }
}

#[test]
fn the_sandbox_tells_its_addresses_in_one_line() {
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .args(["sandbox", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sandbox runs");
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    sandbox.kill().expect("an end");
    sandbox.wait().expect("an end");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    for name in ["api", "edge", "edge_overseas", "edge_tls", "origin", "origin_tls", "dns", "control"] {
        let address = told[name].as_str().and_then(|address| address.parse::<SocketAddr>().ok());
        assert!(address.is_some_and(|address| address.port() > 0), "{name}: {line}");
    }
    assert!(told["secret_id"].as_str().is_some_and(|id| id.starts_with("AKID")), "{line}");
    assert!(told["secret_key"].is_string(), "{line}");
}

#[tokio::test]
async fn the_sandbox_alone_serves_its_names_and_its_certificates() {
    let sandbox = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .args(["sandbox", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sandbox runs");
    let mut sandbox = Killed(sandbox);
    let mut line = String::new();
    BufReader::new(sandbox.0.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    let at = |name: &str| told[name].as_str().and_then(|at| at.parse::<SocketAddr>().ok()).expect("an address");

    let mut carrier = ConnectionConfig::udp();
    carrier.port = at("dns").port();
    let server = NameServerConfig::new(at("dns").ip(), true, vec![carrier]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build().expect("a resolver");
    let found = resolver.lookup_ip("www.example.com.").await.expect("an address");
    assert_eq!(found.iter().next(), Some(at("edge").ip()));

    let ca = format!("http://{}/control/ca", at("control"));
    let ca = crate::support::http().get(ca).send().await.expect("an answer").bytes().await.expect("the root");
    for name in ["edge_tls", "origin_tls"] {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).expect("a certificate")])
            .resolve("www.example.com", at(name))
            .build()
            .expect("a client");
        let page = client.get(format!("https://www.example.com:{}/", at(name).port())).send().await.expect("a page");
        assert_eq!(page.status(), 200, "{name}");
    }
}

/// Does not outlive its test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! `refreshd sandbox`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hickory_resolver::Resolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use serde_json::Value;

use crate::cli::fixtures::KilledOnDrop;

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
    let line_json: Value = serde_json::from_str(&line).expect("JSON");
    for name in ["api", "edge", "edge_overseas", "edge_tls", "origin", "origin_tls", "dns", "control"] {
        let address = line_json[name].as_str().and_then(|address| address.parse::<SocketAddr>().ok());
        assert!(address.is_some_and(|address| address.port() > 0), "{name}: {line}");
    }
    assert!(line_json["secret_id"].as_str().is_some_and(|id| id.starts_with("AKID")), "{line}");
    assert!(line_json["secret_key"].is_string(), "{line}");
}

#[tokio::test]
async fn the_sandbox_alone_serves_its_names_and_its_certificates() {
    let sandbox = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .args(["sandbox", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sandbox runs");
    let mut sandbox = KilledOnDrop(sandbox);
    let mut line = String::new();
    BufReader::new(sandbox.0.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let line_json: Value = serde_json::from_str(&line).expect("JSON");
    let address =
        |name: &str| line_json[name].as_str().and_then(|text| text.parse::<SocketAddr>().ok()).expect("an address");

    let mut carrier = ConnectionConfig::udp();
    carrier.port = address("dns").port();
    let server = NameServerConfig::new(address("dns").ip(), true, vec![carrier]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build().expect("a resolver");
    let addresses = resolver.lookup_ip("www.example.com.").await.expect("an address");
    assert_eq!(addresses.iter().next(), Some(address("edge").ip()));

    let ca = format!("http://{}/control/ca", address("control"));
    let ca = crate::support::http().get(ca).send().await.expect("an answer").bytes().await.expect("the root");
    for name in ["edge_tls", "origin_tls"] {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).expect("a certificate")])
            .resolve("www.example.com", address(name))
            .build()
            .expect("a client");
        let page =
            client.get(format!("https://www.example.com:{}/", address(name).port())).send().await.expect("a page");
        assert_eq!(page.status(), 200, "{name}");
    }
}

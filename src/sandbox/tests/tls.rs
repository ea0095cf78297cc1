//! Edge and origin over TLS: real handshakes, with each certificate that can be wrong.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client::{NOON, TestClient};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::sandbox::{
    AnswerFault, AnswerRule, CertificateRule, CertificateState, DnsAnswer, DnsRule, Domain, FaultySide, OriginSetup,
    PullProtocol,
};

const HOST: &str = "www.example.com";

/// The time of the sandbox, which the machine's need not be.
#[derive(Debug)]
struct FixedTime(Timestamp);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(self.0.as_secs()).ok()?)))
    }
}

/// A handshake by a client that trusts the sandbox's root alone.
async fn shaken(client: &TestClient, address: SocketAddr) -> Result<TlsStream<TcpStream>, Error> {
    let (status, pem) = client.control("GET", "ca", None).await;
    assert_eq!(status, 200);
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(pem.as_str().expect("PEM").as_bytes()).expect("a certificate");
    roots.add(root).expect("a root");
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(FixedTime(client.clock.now())));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("a connection");
    let name = ServerName::try_from(HOST).expect("a name");
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map_err(|error| error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).expect("TLS's").clone())
}

fn set(client: &TestClient, at: FaultySide, certificate: CertificateState) {
    client.sandbox.cloud().set_certificates(vec![CertificateRule::new(at, HOST, certificate)]);
}

#[tokio::test]
async fn edge_and_origin_are_served_under_certificates_of_their_own_root() {
    let client = TestClient::start().await;
    for address in [client.sandbox.addresses.edge_tls, client.sandbox.addresses.origin_tls] {
        let mut stream = shaken(&client, address).await.expect("a handshake");
        let text = format!("GET /app.js HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.expect("a question");
        let mut message = String::new();
        // Without a closing alert, as many servers end.
        let _ = stream.read_to_string(&mut message).await;
        assert!(message.starts_with("HTTP/1.1 200") && message.contains("version 1"), "{message}");
    }
}

#[tokio::test]
async fn each_wrong_certificate_is_wrong_in_its_own_way() {
    let client = TestClient::start().await;
    for (state, is_it) in [
        (
            CertificateState::Expired,
            (|error| matches!(error, CertificateError::ExpiredContext { .. })) as fn(&CertificateError) -> bool,
        ),
        (CertificateState::NotYetValid, |error| matches!(error, CertificateError::NotValidYetContext { .. })),
        (CertificateState::WrongName, |error| matches!(error, CertificateError::NotValidForNameContext { .. })),
        (CertificateState::SelfSigned, |error| matches!(error, CertificateError::UnknownIssuer)),
        (CertificateState::IncompleteChain, |error| matches!(error, CertificateError::UnknownIssuer)),
        (CertificateState::UnknownIssuer, |error| matches!(error, CertificateError::UnknownIssuer)),
    ] {
        set(&client, FaultySide::Origin, state);
        let Err(Error::InvalidCertificate(error)) = shaken(&client, client.sandbox.addresses.origin_tls).await else {
            panic!("{state:?} was let through")
        };
        assert!(is_it(&error), "{state:?}: {error:?}");
        shaken(&client, client.sandbox.addresses.edge_tls).await.expect("the edge is not the origin");
    }
    set(&client, FaultySide::Edge, CertificateState::HandshakeFailure);
    let refused = shaken(&client, client.sandbox.addresses.edge_tls).await;
    assert!(matches!(refused, Err(Error::AlertReceived(_))), "{refused:?}");
    set(&client, FaultySide::Edge, CertificateState::HandshakeSilence);
    let silent = shaken(&client, client.sandbox.addresses.edge_tls);
    assert!(tokio::time::timeout(Duration::from_millis(300), silent).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_expires_in_days_is_good_until_then_by_the_sandboxs_clock() {
    let client = TestClient::start().await;
    let rules = json!([{"at": "edge", "host": HOST, "certificate": {"kind": "expires_in", "days": 5}}]);
    assert_eq!(client.control("PUT", "certificates", Some(rules.clone())).await, (200, rules.clone()));
    assert_eq!(client.control("GET", "certificates", None).await, (200, rules));
    let edge = client.sandbox.addresses.edge_tls;
    client.clock.advance(Duration::from_secs(4 * 24 * 60 * 60));
    shaken(&client, edge).await.expect("a day left");
    client.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert!(matches!(shaken(&client, edge).await, Err(Error::InvalidCertificate(_))));
    // A good one is renewed while the clock moves on.
    client.sandbox.cloud().set_certificates(Vec::new());
    client.clock.advance(Duration::from_secs(1_000 * 24 * 60 * 60));
    shaken(&client, edge).await.expect("renewed");
    assert!(client.clock.now() > NOON);
}

/// A domain whose edge asks its origin by https.
async fn pulling() -> TestClient {
    let origin = OriginSetup {
        origins: vec!["origin.www.example.com".to_owned()],
        origin_pull_protocol: PullProtocol::Https,
        ..OriginSetup::default()
    };
    TestClient::start_with(|options| options.domains = vec![Domain { origin, ..Domain::new(HOST) }]).await
}

#[tokio::test]
async fn the_edge_tells_by_its_status_why_an_https_origin_gives_nothing() {
    let client = pulling().await;
    assert_eq!(client.edge(HOST, "/app.js").await.status, 200);
    for (certificate, status) in [
        (CertificateState::HandshakeFailure, 538),
        (CertificateState::Expired, 539),
        (CertificateState::NotYetValid, 539),
        (CertificateState::SelfSigned, 539),
        (CertificateState::IncompleteChain, 539),
        (CertificateState::UnknownIssuer, 539),
        (CertificateState::WrongName, 540),
    ] {
        set(&client, FaultySide::Origin, certificate);
        assert_eq!(client.edge(HOST, "/").await.status, status, "{certificate:?}");
    }
    set(&client, FaultySide::Origin, CertificateState::Good);
    let addresses = |text: &str| DnsAnswer::Addresses { addresses: vec![text.parse().unwrap()] };
    for (answer, status) in [
        (DnsAnswer::Nxdomain, 531),
        // Nobody listens there.
        (addresses("127.0.0.2"), 532),
        (addresses("203.0.113.7"), 533),
        (DnsAnswer::Cname { target: "www.example.com.cdn.dnsv1.com".to_owned() }, 423),
    ] {
        client.sandbox.cloud().set_dns(vec![DnsRule::new("origin.www.example.com", [answer.clone()])]);
        assert_eq!(client.edge(HOST, "/").await.status, status, "{answer:?}");
    }
    client.sandbox.cloud().set_dns(Vec::new());
    let mut switches = client.sandbox.cloud().switches();
    switches.origin_patience = Duration::from_millis(300);
    client.sandbox.cloud().set_switches(switches);
    client.sandbox.cloud().set_answers(vec![AnswerRule::new(FaultySide::Origin, HOST, AnswerFault::Hang)]).unwrap();
    assert_eq!(client.edge(HOST, "/").await.status, 537);
}

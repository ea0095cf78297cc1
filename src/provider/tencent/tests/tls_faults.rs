//! What a wrong certificate does to a call, with a real TLS server on loopback: not a byte of the request leaves.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use reqwest::Certificate;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::scripted_server::client_trusting;
use crate::domain::{AccountName, Area, ErrorClass, Failure, ItemOperation, Lane, Target, TargetKind};
use crate::provider::{Provider, SubmitOutcome, TaskId};

const LONG: Duration = Duration::from_secs(20);

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let certificate = Certificate::from_der(certificate.der()).expect("a certificate");
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// For a server at 127.0.0.1 unless `change` says otherwise.
    fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").with_no_client_auth();
        builder.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate and its key")
    }
}

/// What the server does with a connection whose handshake went well.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Answer,
    Reset,
}

/// What a submission to such a server comes to, and what the server read of it.
async fn submitted(config: ServerConfig, trusted: &Authority, then: Then) -> (SubmitOutcome, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://{}/", listener.local_addr().expect("an address"));
    let read = Arc::new(Mutex::new(String::new()));
    let noted = read.clone();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        let mut bytes = [0; 16 * 1024];
        let length = stream.read(&mut bytes).await.unwrap_or(0);
        noted.lock().expect("the note").push_str(&String::from_utf8_lossy(&bytes[..length]));
        if length == 0 || then == Then::Reset {
            return stream.get_ref().0.set_zero_linger().expect("a socket");
        }
        let body = r#"{"Response":{"RequestId":"r","TaskId":"t"}}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.expect("write");
    });
    let (operation, kind) = (ItemOperation::Purge, TargetKind::Url);
    let lane = Lane { account: AccountName::new("main"), operation, kind, area: Area::Own, mode: None };
    let target = Target::parse(TargetKind::Url, "https://www.example.com/a.js").expect("a target");
    let answer = client_trusting(&endpoint, trusted.certificate.clone(), LONG).submit(&lane, &[target]).await;
    server.await.expect("the server ended");
    let read = read.lock().expect("the note").clone();
    (answer, read)
}

#[tokio::test]
async fn a_wrong_certificate_is_named_and_nothing_is_sent() {
    let (ours, strange) = (Authority::new("ours"), Authority::new("strange"));
    let expired = ours.server(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = ours.server(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let other_name = ours.server(|params| {
        params.subject_alt_names = vec![SanType::DnsName("other.example".try_into().expect("a name"))];
    });
    let unknown = strange.server(|_| ());
    for (config, word) in
        [(expired, "expired"), (early, "not valid yet"), (other_name, "not valid for name"), (unknown, "UnknownIssuer")]
    {
        let (answer, read) = submitted(config, &ours, Then::Answer).await;
        let SubmitOutcome::NotSent(Failure { class: ErrorClass::Outage, code, message, .. }) = answer else {
            panic!("{word}: {answer:?}")
        };
        assert_eq!((code.as_str(), read.as_str()), ("connect_failed", ""), "{word}");
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[tokio::test]
async fn a_good_certificate_lets_the_call_through() {
    let ours = Authority::new("ours");
    let (answer, read) = submitted(ours.server(|_| ()), &ours, Then::Answer).await;
    assert_eq!(answer, SubmitOutcome::Accepted { task: TaskId("t".to_owned()), request_id: Some("r".to_owned()) });
    assert!(read.starts_with("POST / HTTP/1.1\r\n"), "{read}");
}

#[tokio::test]
async fn a_reset_after_a_good_handshake_is_lost() {
    let ours = Authority::new("ours");
    let (answer, read) = submitted(ours.server(|_| ()), &ours, Then::Reset).await;
    assert!(matches!(&answer, SubmitOutcome::Lost(failure) if failure.code == "connection_lost"), "{answer:?}");
    assert!(!read.is_empty());
}

//! Real handshakes with certificates made for each fault: the verdict is noted, and what lies behind is seen all the same.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use refreshd::clock::{Clock, ManualClock};
use refreshd::domain::Timestamp;
use refreshd::probe::{
    AddressPolicy, CertificateError, DialTarget, NetProber, ProbeRequest, ProbeResult, Prober, ProberOptions, Scheme,
    TlsError,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{LONG, SHORT, ask, loopback};

const HOST: &str = "www.example.com";

type Ca = CertifiedIssuer<'static, KeyPair>;

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root(name: &str) -> Ca {
    CertifiedIssuer::self_signed(ca_params(name), key()).expect("a root")
}

fn below(name: &str, issuer: &Ca) -> Ca {
    CertifiedIssuer::signed_by(ca_params(name), key(), issuer).expect("an intermediate")
}

fn own(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(vec![HOST.to_owned(), "192.0.2.7".to_owned()]).expect("params");
    params.distinguished_name.push(DnType::CommonName, HOST);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    change(&mut params);
    params
}

/// What a server shows, and its key.
struct Shown(Vec<CertificateDer<'static>>, KeyPair);

fn signed_by(ca: &Ca, others: &[&Ca], change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let key = key();
    let certificate = own(change).signed_by(&key, ca).expect("a certificate");
    let chain = std::iter::once(certificate.der().clone()).chain(others.iter().map(|ca| ca.der().clone()));
    Shown(chain.collect(), key)
}

fn by_itself(change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let key = key();
    let certificate = own(change).self_signed(&key).expect("a certificate");
    Shown(vec![certificate.der().clone()], key)
}

async fn serve(Shown(chain, key): Shown) -> DialTarget {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a server's certificate");
    let listener = TcpListener::bind((loopback(), 0)).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    DialTarget::Address(address)
}

/// At a moment when certificates made for `own` are good.
fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_millis(1_795_363_200_000))
}

fn prober(root: &Ca, clock: impl Clock) -> NetProber {
    let guard = AddressPolicy::new(vec!["127.0.0.0/8".parse().expect("a network")]);
    let surroundings = ProberOptions { roots: vec![root.der().clone()], ..ProberOptions::default() };
    NetProber::new(guard, &surroundings, Arc::new(clock)).expect("a prober")
}

async fn look(prober: &NetProber, shown: Shown) -> ProbeResult {
    let asked = ProbeRequest { scheme: Scheme::Https, ..ask(serve(shown).await) };
    prober.probe(&asked, LONG).await
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_told_and_what_lies_behind_is_seen() {
    use CertificateError as F;
    let (trusted, private) = (root("Trusted Root"), root("Private Root"));
    let (good, other) = (below("Good Middle", &trusted), below("Private Middle", &private));
    let nothing = |_: &mut CertificateParams| ();
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2021, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2039, 1, 1);
    let wrong = |params: &mut CertificateParams| {
        *params = CertificateParams::new(vec!["other.example".to_owned()]).expect("params");
    };
    let wildcard = |params: &mut CertificateParams| {
        *params = CertificateParams::new(vec!["*.example.com".to_owned()]).expect("params");
    };
    let authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let prober = prober(&trusted, clock());
    for (what, shown, verdict) in [
        ("straight", signed_by(&trusted, &[], nothing), Ok(())),
        ("through the middle", signed_by(&good, &[&good], nothing), Ok(())),
        ("a wildcard", signed_by(&trusted, &[], wildcard), Ok(())),
        ("expired", signed_by(&trusted, &[], expired), Err(F::Expired)),
        ("early", signed_by(&trusted, &[], early), Err(F::NotYetValid)),
        ("for another", signed_by(&trusted, &[], wrong), Err(F::WrongName)),
        ("by itself", by_itself(nothing), Err(F::SelfSigned)),
        ("by itself, as a CA", by_itself(authority), Err(F::SelfSigned)),
        ("middle forgotten", signed_by(&good, &[], nothing), Err(F::IncompleteChain)),
        ("another's middle", signed_by(&good, &[&other], nothing), Err(F::IncompleteChain)),
        ("private, all sent", signed_by(&other, &[&other, &private], nothing), Err(F::UnknownIssuer)),
        ("private, root not sent", signed_by(&other, &[&other], nothing), Err(F::UnknownIssuer)),
    ] {
        let certificates = shown.0.len();
        let seen = look(&prober, shown).await;
        let tls = seen.tls.expect("the TLS stage").expect("a handshake");
        assert_eq!(tls.verdict, verdict, "{what}");
        assert_eq!((tls.chain.len(), tls.version.as_str()), (certificates, "TLSv1.3"), "{what}");
        assert_eq!(seen.http.expect("the HTTP stage").map(|answer| answer.status), Ok(200), "{what}");
    }
}

#[tokio::test]
async fn a_certificate_is_told_as_it_is() {
    let trusted = root("Trusted Root");
    let seen = look(&prober(&trusted, clock()), signed_by(&trusted, &[&trusted], |_| ())).await;
    let tls = seen.tls.expect("the TLS stage").expect("a handshake");
    let [own, issuer] = &tls.chain[..] else { panic!("{tls:?}") };
    assert!(own.subject.contains("CN=www.example.com") && own.issuer.contains("CN=Trusted Root"), "{own:?}");
    assert_eq!(own.names, [HOST, "192.0.2.7"]);
    assert_eq!((own.not_before.as_secs(), own.not_after.as_secs()), (1_577_836_800, 2_208_988_800));
    assert!(own.serial.contains(':'), "{}", own.serial);
    assert_eq!(issuer.subject, issuer.issuer);
}

#[tokio::test]
async fn expiry_goes_by_the_clock_that_is_handed_in() {
    let trusted = root("Trusted Root");
    let clock = clock();
    let prober = prober(&trusted, clock.clone());
    let dial = serve(signed_by(&trusted, &[], |_| ())).await;
    let asked = ProbeRequest { scheme: Scheme::Https, ..ask(dial) };
    let verdict = |seen: ProbeResult| seen.tls.expect("the TLS stage").expect("a handshake").verdict;
    assert_eq!(verdict(prober.probe(&asked, LONG).await), Ok(()));
    clock.advance(std::time::Duration::from_secs(20 * 365 * 86_400));
    let seen = prober.probe(&asked, LONG).await;
    assert_eq!(seen.at, clock.now());
    assert_eq!(verdict(seen), Err(CertificateError::Expired));
}

#[tokio::test]
async fn what_is_no_tls_and_what_hangs_is_told() {
    let trusted = root("Trusted Root");
    let prober = prober(&trusted, clock());
    let listener = TcpListener::bind((loopback(), 0)).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let asked = ProbeRequest { scheme: Scheme::Https, ..ask(DialTarget::Address(address)) };
    let server = tokio::spawn(async move {
        let (mut plain, _) = listener.accept().await.expect("a connection");
        plain.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
        plain.read_to_end(&mut Vec::new()).await.expect("an end");
        let (mut closing, _) = listener.accept().await.expect("a connection");
        closing.read_u8().await.expect("a byte");
        drop(closing);
        let _silent = listener.accept().await.expect("a connection");
        std::future::pending::<()>().await;
    });
    let fault = |seen: ProbeResult| seen.tls.expect("the TLS stage").expect_err("no handshake");
    assert!(matches!(fault(prober.probe(&asked, LONG).await), TlsError::Refused(_)));
    assert_eq!(fault(prober.probe(&asked, LONG).await), TlsError::Closed);
    assert_eq!(fault(prober.probe(&asked, SHORT).await), TlsError::TimedOut);
    server.abort();
}

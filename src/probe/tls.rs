//! The TLS stage: a handshake that notes what is wrong with a certificate and goes on, so that what lies behind it is
//! seen too. Nothing is sent that a stranger must not read.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{Trust, described};
use super::{Certificate, CertificateError, TlsError, TlsResult};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;

#[derive(Debug)]
pub(super) struct TlsDialer {
    provider: Arc<CryptoProvider>,
    trust: Arc<Trust>,
}

impl TlsDialer {
    /// # Errors
    /// A certificate of `further` that can be no root.
    pub(super) fn new(further: &[CertificateDer<'static>]) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(Self { trust: Arc::new(Trust::new(further, provider.clone())?), provider })
    }

    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        host: &str,
        now: Timestamp,
    ) -> Result<(TlsResult, TlsStream<TcpStream>), TlsError> {
        let watch = Stopwatch::start();
        let refused = |error: &dyn std::fmt::Display| TlsError::Refused(error.to_string());
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refused(&error))?;
        let witness = Arc::new(CertificateRecorder { trust: self.trust.clone(), now, seen: Mutex::new(None) });
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error))?
            .dangerous()
            .with_custom_certificate_verifier(witness.clone())
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let stream = connected.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => TlsError::Closed,
            _ => TlsError::Refused(in_plain_words(&error)),
        })?;
        let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (chain, verdict) =
            seen.unwrap_or_else(|| (Vec::new(), Err(CertificateError::Unusable("the server showed none".to_owned()))));
        let version = stream.get_ref().1.protocol_version();
        Ok((TlsResult { version: word(version), chain, verdict, took: watch.elapsed() }, stream))
    }
}

/// Why a handshake failed, without the words of the TLS library.
fn in_plain_words(error: &std::io::Error) -> String {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match fault {
        Some(Error::InvalidMessage(_)) => "what answers there does not speak TLS".to_owned(),
        Some(Error::AlertReceived(alert)) => format!("the server ended it with the alert {alert:?}"),
        Some(Error::PeerIncompatible(_)) => {
            "it has no TLS version or cipher in common with us (TLS 1.2 or later)".to_owned()
        }
        Some(Error::PeerMisbehaved(_)) => "the server does not keep to the protocol".to_owned(),
        Some(_) => "the server's part of it is invalid".to_owned(),
        None => error.kind().to_string(),
    }
}

fn word(version: Option<ProtocolVersion>) -> String {
    match version {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What a server showed, and what a visitor would think of it.
type PresentedCertificates = (Vec<Certificate>, Result<(), CertificateError>);

/// Lets every certificate pass and remembers what was wrong with it. That the server holds the certificate's key is still
/// demanded: without that, what follows is nobody's.
#[derive(Debug)]
struct CertificateRecorder {
    trust: Arc<Trust>,
    now: Timestamp,
    seen: Mutex<Option<PresentedCertificates>>,
}

impl ServerCertVerifier for CertificateRecorder {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<_> = std::iter::once(own).chain(others).cloned().collect();
        let verdict = self.trust.judge(&chain, name, self.now);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((described(&chain), verdict));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verifier().verify_tls12_signature(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verifier().verify_tls13_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.verifier().supported_verify_schemes()
    }
}

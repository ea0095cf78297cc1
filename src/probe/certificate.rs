//! What a server's certificates say, and why a visitor would not trust them. The judgement is webpki's, as browsers with
//! Mozilla's roots come to it; only which fault of several is told is decided here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError as RustlsCertificateError, Error, RootCertStore};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::{Certificate, CertificateError};
use crate::domain::Timestamp;

/// Certificates of one chain that are told. A server has seldom more than four.
const CHAIN_MAX: usize = 16;
const NAMES_MAX: usize = 100;

/// Whom a visitor trusts: Mozilla's roots, and those that an operator added.
#[derive(Debug)]
pub(super) struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
}

impl Trust {
    /// # Errors
    /// A certificate that can be no root.
    pub(super) fn new(further: &[CertificateDer<'static>], provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for certificate in further {
            roots.add(certificate.clone())?;
        }
        let roots = Arc::new(roots);
        let built = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider).build();
        let verifier = built.map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { verifier, roots })
    }

    pub(super) fn verifier(&self) -> &WebPkiServerVerifier {
        &self.verifier
    }

    /// Whether a visitor would trust this chain for `name` at `now`.
    pub(super) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        let Some((own, others)) = chain.split_first() else {
            return Err(CertificateError::Unusable("the server sent none".to_owned()));
        };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0)));
        match self.verifier.verify_server_cert(own, others, name, &[], now) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) => Err(self.fault(&error, chain)),
            Err(other) => Err(CertificateError::Unusable(other.to_string())),
        }
    }

    fn fault(&self, error: &RustlsCertificateError, chain: &[CertificateDer<'_>]) -> CertificateError {
        use RustlsCertificateError as E;
        match error {
            E::Expired | E::ExpiredContext { .. } => CertificateError::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => CertificateError::NotYetValid,
            E::NotValidForName | E::NotValidForNameContext { .. } => CertificateError::WrongName,
            E::UnknownIssuer => self.unknown(chain),
            // A root that a server shows for its own is refused for what it is before its issuer is looked for.
            other if is_by_itself(chain) => {
                tracing::debug!(error = %other, "a certificate that is signed by itself is refused");
                CertificateError::SelfSigned
            }
            other => CertificateError::Unusable(other.to_string()),
        }
    }

    /// Follows the issuers through what was sent. Servers do not send roots: where the chain is linked and still leads to
    /// nobody who is trusted, its root is private; where not even the first link is there, it was forgotten.
    fn unknown(&self, chain: &[CertificateDer<'_>]) -> CertificateError {
        let read: Vec<_> = chain.iter().take(CHAIN_MAX).filter_map(|der| parsed(der)).collect();
        let Some(mut top) = read.first() else { return CertificateError::UnknownIssuer };
        if top.subject() == top.issuer() {
            return CertificateError::SelfSigned;
        }
        for links in 0..read.len() {
            if top.subject() == top.issuer() || self.knows(top.issuer()) {
                break;
            }
            match read.iter().find(|other| other.subject() == top.issuer()) {
                Some(issuer) => top = issuer,
                None if links == 0 => return CertificateError::IncompleteChain,
                None => break,
            }
        }
        CertificateError::UnknownIssuer
    }

    fn knows(&self, name: &X509Name<'_>) -> bool {
        // An anchor has its name without the outer header, which is the tag and its length.
        let raw = name.as_raw();
        self.roots.roots.iter().any(|root| raw.len() > root.subject.len() && raw.ends_with(root.subject.as_ref()))
    }
}

fn is_by_itself(chain: &[CertificateDer<'_>]) -> bool {
    chain.first().and_then(|der| parsed(der)).is_some_and(|own| own.subject() == own.issuer())
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// The certificates as a person reads them; what cannot be read is left out.
pub(super) fn described(chain: &[CertificateDer<'_>]) -> Vec<Certificate> {
    chain.iter().take(CHAIN_MAX).filter_map(|der| parsed(der)).map(|certificate| described_one(&certificate)).collect()
}

fn described_one(certificate: &X509Certificate<'_>) -> Certificate {
    let validity = certificate.validity();
    let moment = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names(certificate),
        not_before: moment(validity.not_before.timestamp()),
        not_after: moment(validity.not_after.timestamp()),
        serial: certificate.raw_serial_as_string(),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => address(octets).map(|address| address.to_string()),
        _ => None,
    });
    names.take(NAMES_MAX).collect()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = || <[u8; 4]>::try_from(octets).map(IpAddr::from).ok();
    four().or_else(|| <[u8; 16]>::try_from(octets).map(IpAddr::from).ok())
}

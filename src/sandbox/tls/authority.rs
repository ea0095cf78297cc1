//! The certificate authority of the simulated world: a root, an intermediate below it, and what they sign for a host.

use std::net::IpAddr;
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, Error, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::wire::CertificateState;
use crate::domain::Timestamp;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Long enough to be no concern of anybody.
const GOOD_DAYS: u32 = 90;
const OTHER_NAME: &str = "another-host.invalid";

pub(super) struct Authority {
    root: Certificate,
    intermediate: Signer,
    unknown: Signer,
    /// One for all hosts: nobody has secrets here.
    key: KeyPair,
}

struct Signer {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    pub(super) fn new() -> Result<Self, Error> {
        let (issuer, certificate) = root("refreshd sandbox root")?;
        let (unknown_root, _) = root("unknown root")?;
        Ok(Self {
            intermediate: Signer::below(&issuer, "refreshd sandbox intermediate")?,
            unknown: Signer::below(&unknown_root, "unknown intermediate")?,
            root: certificate,
            key: KeyPair::generate()?,
        })
    }

    pub(super) fn root_der(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    pub(super) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// What a server of this host shows, as of `since`. `None`: no certificate at all.
    pub(super) fn certificate(&self, host: &str, state: CertificateState, since: Timestamp) -> Option<CertifiedKey> {
        let (from, until) = validity(state);
        let mut params = CertificateParams::default();
        let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(since.as_secs()).unwrap_or(0));
        params.not_before = now - from.before + from.after;
        params.not_after = now - until.before + until.after;
        params.distinguished_name.push(DnType::CommonName, host);
        let name = if state == CertificateState::WrongName { OTHER_NAME } else { host };
        params.subject_alt_names = vec![match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(Ia5String::try_from(name).ok()?),
        }];
        let signed_by = |signer: &Signer| params.signed_by(&self.key, &signer.issuer).ok();
        let chain = match state {
            CertificateState::HandshakeFailure | CertificateState::HandshakeSilence => return None,
            CertificateState::SelfSigned => vec![params.self_signed(&self.key).ok()?.der().clone()],
            CertificateState::IncompleteChain => vec![signed_by(&self.intermediate)?.der().clone()],
            CertificateState::UnknownIssuer => chain(&signed_by(&self.unknown)?, &self.unknown),
            _ => chain(&signed_by(&self.intermediate)?, &self.intermediate),
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Some(CertifiedKey::new(chain, any_supported_type(&key).ok()?))
    }
}

impl Signer {
    fn below(root: &Issuer<'static, KeyPair>, name: &str) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let params = authority_params(name);
        let certificate = params.signed_by(&key, root)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }
}

fn root(name: &str) -> Result<(Issuer<'static, KeyPair>, Certificate), Error> {
    let key = KeyPair::generate()?;
    let params = authority_params(name);
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), certificate))
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn chain(leaf: &Certificate, signer: &Signer) -> Vec<CertificateDer<'static>> {
    vec![leaf.der().clone(), signer.certificate.der().clone()]
}

/// A moment as a distance from another.
struct Offset {
    before: Duration,
    after: Duration,
}

fn validity(state: CertificateState) -> (Offset, Offset) {
    let before = |days: u32| Offset { before: DAY * days, after: Duration::ZERO };
    let after = |days: u32| Offset { before: Duration::ZERO, after: DAY * days };
    match state {
        CertificateState::Expired => (before(GOOD_DAYS), before(1)),
        CertificateState::NotYetValid => (after(1), after(GOOD_DAYS)),
        CertificateState::ExpiresIn { days, hours } => {
            (before(GOOD_DAYS), Offset { before: Duration::ZERO, after: DAY * days + HOUR * hours })
        }
        _ => (before(1), after(GOOD_DAYS)),
    }
}

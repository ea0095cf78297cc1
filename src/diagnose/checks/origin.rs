//! Can the CDN reach the origin? Each origin was asked as a node of the CDN would ask: the Host it sends, its protocol and
//! port, its User-Agent.

use std::time::Duration;

use super::super::evidence::{Evidence, Freshness, NotObserved, ProbeStage, answer as answered};
use super::redirect_circle::circular_redirect;
use crate::diagnose::format::{moment, span};
use crate::domain::{CauseId, Check, CheckId, Confidence, ItemOperation};
use crate::probe::{
    CertificateError, ConnectError, DialTarget, DnsError, HttpError, ProbeResult, Scheme, TlsError, TlsResult,
};
use crate::provider::OriginKind;

/// A first byte that takes longer is worth a word.
const SLOW: Duration = Duration::from_secs(3);
const CONSOLE: &str = "(console: CDN > Domain Management > Origin Configuration)";

pub(super) fn name(evidence: &Evidence) -> Check {
    let origins = match seen(evidence, CheckId::OriginName) {
        Ok(origins) => origins,
        Err(check) => return check,
    };
    if let Some(check) = circle(evidence, origins) {
        return check;
    }
    let faults = faulty(origins, |origin| match ProbeStage::of(origin) {
        ProbeStage::Name(fault) => Some(fault.clone()),
        _ => None,
    });
    let Some((origin, fault)) = faults.first() else {
        let names: Vec<String> = origins.iter().map(place).collect();
        return Check::ok(CheckId::OriginName, format!("The origin's address is known: {}.", names.join(", ")));
    };
    let own_fault = matches!(fault, DnsError::NoSuchName | DnsError::NoAddress);
    let resolver_broken = evidence.name.as_ref().is_ok_and(|look| look.fault.as_ref() == Some(fault));
    if !own_fault && resolver_broken {
        return Check::unknown(CheckId::OriginName, format!("No name could be resolved from here: {fault}."));
    }
    let text = format!("The origin's name {} cannot be resolved: {fault}.", place(origin));
    let sure = sureness(faults.len(), origins.len(), own_fault);
    Check::fail(CheckId::OriginName, CauseId::OriginDns, sure, text)
        .act(format!("Mend the DNS record of that name, or set another origin {CONSOLE}."))
        .page(evidence.guide.pages.origin)
}

/// An origin whose name leads to the CDN makes every request go round.
fn circle(evidence: &Evidence, origins: &[ProbeResult]) -> Option<Check> {
    let origin = origins.iter().find(|origin| leads_back(evidence, origin))?;
    let text = format!("The origin {} leads back to the CDN, so requests go round in a circle.", place(origin));
    let check = Check::fail(CheckId::OriginName, CauseId::OriginDns, Confidence::Likely, text);
    Some(
        check
            .act(format!("Set the origin's own address, not an accelerated name {CONSOLE}."))
            .page(evidence.guide.pages.origin),
    )
}

pub(crate) fn leads_back(evidence: &Evidence, origin: &ProbeResult) -> bool {
    let cname = evidence.facts().and_then(|facts| facts.cname.as_deref());
    let of_cdn = |alias: &String| {
        cname == Some(alias.as_str()) || evidence.guide.cname_suffixes.iter().any(|ending| alias.ends_with(ending))
    };
    match (&origin.ask.dial, &origin.name) {
        (DialTarget::Name(name, _), _) if name == evidence.host() => true,
        (_, Some(look)) => look.aliases.iter().any(of_cdn),
        _ => false,
    }
}

pub(super) fn connect(evidence: &Evidence) -> Check {
    let origins = match seen(evidence, CheckId::OriginConnect) {
        Ok(origins) => origins,
        Err(check) => return check,
    };
    let faults = faulty(origins, |origin| match ProbeStage::of(origin) {
        ProbeStage::Connect(fault) => Some(fault.clone()),
        _ => None,
    });
    let Some((origin, fault)) = faults.first() else {
        return match origins.iter().find(|origin| matches!(origin.connect, Some(Ok(_)))) {
            Some(origin) => {
                Check::ok(CheckId::OriginConnect, format!("The origin {} accepts connections.", place(origin)))
            }
            None => {
                Check::unknown(CheckId::OriginConnect, "The origin's name was not resolved, so nothing was dialled.")
            }
        };
    };
    let text = format!("The origin {}: {fault}.", place(origin));
    if let ConnectError::Denied(address) = fault
        && evidence.case.origin.is_none()
        && evidence.edge_answer().is_none_or(|look| look.status >= 500)
    {
        let seen = format!(
            "The origin {}: {address} is not a public address, so the CDN's nodes cannot reach it either.",
            place(origin)
        );
        return Check::fail(
            CheckId::OriginConnect,
            CauseId::OriginTcp,
            sureness(faults.len(), origins.len(), true),
            seen,
        )
        .act(format!("Give the domain an origin with a public address {CONSOLE}."))
        .page(evidence.guide.pages.origin);
    }
    if let ConnectError::Denied(address) = fault {
        return Check::unknown(CheckId::OriginConnect, text).act(format!(
            "If refreshd may look at it, add \"{address}/{}\" to probe.allow.",
            if address.is_ipv4() { 32 } else { 128 }
        ));
    }
    if *fault == ConnectError::TooOften {
        return Check::unknown(CheckId::OriginConnect, text).act("Diagnose again in a minute.");
    }
    let action = format!(
        "Start the origin's server, open its port to the CDN in firewall and security group, or correct address and port {CONSOLE}."
    );
    Check::fail(CheckId::OriginConnect, CauseId::OriginTcp, sureness(faults.len(), origins.len(), true), text)
        .act(action)
        .page(evidence.guide.pages.origin)
}

pub(super) fn certificate(evidence: &Evidence) -> Check {
    let origins = match seen(evidence, CheckId::OriginCertificate) {
        Ok(origins) => origins,
        Err(check) => return check,
    };
    let page = evidence.guide.pages.edge_statuses;
    if origins.iter().all(|origin| origin.ask.scheme == Scheme::Http) {
        return Check::ok(
            CheckId::OriginCertificate,
            "The CDN asks the origin over plain HTTP; no certificate takes part.",
        );
    }
    let faults = faulty(origins, |origin| match &origin.tls {
        Some(Ok(TlsResult { verdict: Err(fault), .. })) => Some(fault.to_string()),
        Some(Err(fault)) => Some(fault.to_string()),
        _ => None,
    });
    if let Some((origin, fault)) = faults.first() {
        let text = format!("The origin {} as {}: {}.", place(origin), origin.ask.host, detailed(origin, fault));
        // Whether the CDN checks the origin's certificate is a switch of the domain. One that gets content behind such a
        // certificate does not; an expired one may only not have been met yet.
        let expired = matches!(tls(origin).map(|look| &look.verdict), Some(Err(CertificateError::Expired)));
        if !expired && matches!(evidence.freshness(), Freshness::Fresh(_)) && evidence.refusal().is_none() {
            let message = format!("{text} The CDN gets content all the same.");
            return Check::warn(CheckId::OriginCertificate, message)
                .hints_at(CauseId::OriginTls)
                .act(certificate_action(origin))
                .page(page);
        }
        return Check::fail(
            CheckId::OriginCertificate,
            CauseId::OriginTls,
            sureness(faults.len(), origins.len(), true),
            text,
        )
        .act(certificate_action(origin))
        .page(page);
    }
    let ends = origins.iter().filter_map(|origin| Some((origin, tls(origin)?.chain.first()?.not_after)));
    match ends.min_by_key(|(_, not_after)| *not_after) {
        Some((_, not_after)) => expiry(CheckId::OriginCertificate, "The origin's certificate", not_after, evidence)
            .unwrap_or_else(|| {
                Check::ok(
                    CheckId::OriginCertificate,
                    format!("The origin's certificate is good until {}.", moment(not_after)),
                )
            }),
        None => {
            Check::unknown(CheckId::OriginCertificate, "The origin was not reached, so its certificate was not seen.")
        }
    }
}

/// What a certificate's approaching end is worth: a word at 30 days, a louder one at 14, and at 3.
pub(super) fn expiry(
    id: CheckId,
    whose: &str,
    not_after: crate::domain::Timestamp,
    evidence: &Evidence,
) -> Option<Check> {
    let duration = not_after.since(evidence.at);
    let days = duration.as_secs() / 86_400;
    let (urgency, page) = match days {
        0..3 => (
            "Renew it today: once it has expired, the CDN gets nothing from behind it",
            evidence.guide.pages.certificate,
        ),
        3..14 => ("Renew it this week", evidence.guide.pages.certificate),
        14..30 => {
            ("Renew it in the coming weeks, or see that its automatic renewal works", evidence.guide.pages.certificate)
        }
        _ => return None,
    };
    let text = format!("{whose} expires in {}, on {}.", span(duration), moment(not_after));
    Some(Check::warn(id, text).act(format!("{urgency}.")).page(page))
}

/// What is wrong with a certificate, with the figures that show it.
pub(super) fn detailed(sighting: &ProbeResult, fault: &str) -> String {
    let Some(look) = tls(sighting) else { return fault.to_owned() };
    let own = look.chain.first();
    match (&look.verdict, own) {
        (Err(CertificateError::Expired), Some(own)) => format!("its certificate expired on {}", moment(own.not_after)),
        (Err(CertificateError::NotYetValid), Some(own)) => {
            format!("its certificate is valid only from {}", moment(own.not_before))
        }
        (Err(CertificateError::WrongName), Some(own)) => {
            let names: Vec<&str> = own.names.iter().take(3).map(String::as_str).collect();
            format!("its certificate is for {}, not for {}", names.join(", "), sighting.ask.host)
        }
        (Err(fault), _) => format!("its certificate: {fault}"),
        (Ok(()), _) => fault.to_owned(),
    }
}

fn certificate_action(origin: &ProbeResult) -> String {
    match (tls(origin).map(|look| &look.verdict), &origin.tls) {
        (Some(Err(CertificateError::Expired)), _) => {
            "Renew the certificate on the origin and reload its server.".to_owned()
        }
        (Some(Err(CertificateError::WrongName)), _) => {
            format!(
                "Install a certificate for {} on the origin, or change the Host header that the CDN sends {CONSOLE}.",
                origin.ask.host
            )
        }
        (Some(Err(CertificateError::IncompleteChain)), _) => {
            "Install the full chain (certificate and intermediates) on the origin and reload its server.".to_owned()
        }
        (_, Some(Err(TlsError::Refused(_) | TlsError::Closed))) => {
            format!(
                "Check that the origin speaks TLS 1.2 or later on this port, or let the CDN ask over HTTP {CONSOLE}."
            )
        }
        _ => format!(
            "Install a certificate of a public authority on the origin, or let the CDN ask over HTTP {CONSOLE}."
        ),
    }
}

pub(super) fn tls(sighting: &ProbeResult) -> Option<&TlsResult> {
    sighting.tls.as_ref()?.as_ref().ok()
}

pub(super) fn answer(evidence: &Evidence) -> Check {
    let origins = match seen(evidence, CheckId::OriginAnswer) {
        Ok(origins) => origins,
        Err(check) => return check,
    };
    if let Some(failure) = evidence.refused_for(&[CauseId::OriginHttp]) {
        let status =
            origins.iter().filter_map(answered).map(|look| look.status.to_string()).collect::<Vec<_>>().join(", ");
        let now = if status.is_empty() { "nothing now".to_owned() } else { format!("{status} to refreshd now") };
        let text = format!(
            "The provider says that the origin answered its prefetch with 4xx or 5xx ({}); it answers {now}.",
            failure.code
        );
        return Check::fail(CheckId::OriginAnswer, CauseId::OriginHttp, Confidence::Certain, text)
            .act(format!(
                "Let the origin serve this URL to User-Agent {}: no login, referer or address rule may stop it.",
                evidence.guide.origin_agent
            ))
            .page(evidence.guide.pages.prefetch);
    }
    let faults = faulty(origins, |origin| refusal(evidence, origin));
    if let Some((origin, (message, action))) = faults.first() {
        let report = format!("The origin {} {message}.", place(origin));
        return Check::fail(
            CheckId::OriginAnswer,
            CauseId::OriginHttp,
            sureness(faults.len(), origins.len(), true),
            report,
        )
        .act(action.clone())
        .page(evidence.guide.pages.origin);
    }
    let Some((origin, look)) = origins.iter().find_map(|origin| Some((origin, answered(origin)?))) else {
        return Check::unknown(CheckId::OriginAnswer, "The origin was not reached, so it was not asked for the URL.");
    };
    let host = &origin.ask.host;
    let output = format!("Asked for {host}, the origin answers {} in {}", look.status, span(look.first_byte));
    match look.status {
        400.. => Check::warn(CheckId::OriginAnswer, format!("{output}."))
            .hints_at(CauseId::OriginHttp)
            .act(format!("If the URL should exist, check that the origin serves it under the Host {host} {CONSOLE}."))
            .page(evidence.guide.pages.origin),
        _ if look.first_byte > SLOW => Check::warn(
            CheckId::OriginAnswer,
            format!("{output}, which is slow; a prefetch of much or large content may time out."),
        )
        .hints_at(CauseId::ProviderSlow)
        .act("Look at the origin's load and bandwidth."),
        _ => Check::ok(CheckId::OriginAnswer, format!("{output}.")),
    }
}

/// Why this answer is no content, with what to do.
fn refusal(evidence: &Evidence, origin: &ProbeResult) -> Option<(String, String)> {
    let prefetch = evidence.request().is_some_and(|request| request.operation == ItemOperation::Prefetch);
    let look = match ProbeStage::of(origin) {
        ProbeStage::Http(fault) => return Some((format!("accepts the connection, but {}", broken(fault)), restart())),
        ProbeStage::Answer(look) => look,
        _ => return None,
    };
    if let Some(to) = circular_redirect(evidence, origin, look) {
        let text = format!("answers {} and sends visitors to {to}, which is where they came from", look.status);
        let action = format!(
            "Let the CDN ask the origin over HTTPS {CONSOLE}, or let the origin not redirect what the CDN asks."
        );
        return Some((text, action));
    }
    let denies = "Let the origin serve the CDN's requests (User-Agent and addresses of the CDN): no login, referer or address rule may stop them.";
    let bucket = evidence
        .facts()
        .and_then(|facts| facts.origin.as_ref()?.kind.as_ref())
        .is_some_and(|kind| matches!(kind, OriginKind::Bucket | OriginKind::ThirdPartyBucket));
    match look.status {
        // A private bucket refuses everybody who does not sign, as the CDN does.
        401 | 403 if bucket => None,
        401 | 403 | 407 | 429 | 451 => {
            Some((format!("refuses the CDN's request with {}", look.status), denies.to_owned()))
        }
        404 | 410 if prefetch => Some((
            format!("has no such object ({}), so there is nothing to prefetch", look.status),
            "Correct the URL, or publish the object before prefetching it.".to_owned(),
        )),
        500.. => Some((format!("fails with {}", look.status), restart())),
        _ => None,
    }
}

fn restart() -> String {
    "Look at the origin's own log at this time and mend it; then `refreshd retry` the job.".to_owned()
}

fn broken(fault: &HttpError) -> String {
    fault.to_string()
}

fn seen(evidence: &Evidence, id: CheckId) -> Result<&[ProbeResult], Check> {
    match &evidence.origins {
        Ok(origins) => Ok(origins),
        Err(NotObserved(because)) => Err(Check::unknown(id, format!("The origin was not seen: {because}."))),
    }
}

fn faulty<T>(origins: &[ProbeResult], fault: impl Fn(&ProbeResult) -> Option<T>) -> Vec<(&ProbeResult, T)> {
    origins.iter().filter_map(|origin| Some((origin, fault(origin)?))).collect()
}

/// One dead origin of several explains some failures, not all.
fn sureness(faulty: usize, all: usize, clear: bool) -> Confidence {
    if faulty == all && clear { Confidence::Likely } else { Confidence::Possible }
}

pub(super) fn place(origin: &ProbeResult) -> String {
    match &origin.ask.dial {
        DialTarget::Address(address) => address.to_string(),
        DialTarget::Name(name, port) => format!("{name}:{port}"),
    }
}

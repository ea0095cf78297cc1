//! Does the edge answer visitors at all: connection, certificate, status?

use super::super::evidence::{Evidence, NotObserved, ProbeStage};
use super::origin::{detailed, expiry, place, tls};
use crate::diagnose::format::{moment, span};
use crate::domain::{CacheLookup, CauseId, Check, CheckId, Confidence};
use crate::probe::{ConnectError, ProbeResult, Scheme};

pub(super) fn connect(evidence: &Evidence) -> Check {
    let edge = match seen(evidence, CheckId::EdgeConnect) {
        Ok(edge) => edge,
        Err(check) => return check,
    };
    let fault = match ProbeStage::of(edge) {
        ProbeStage::Name(fault) => {
            return Check::unknown(CheckId::EdgeConnect, format!("The edge has no address to dial: {fault}."));
        }
        ProbeStage::Connect(fault) => fault,
        _ => {
            let took = edge.connect.as_ref().and_then(|connect| connect.as_ref().ok()).map(|took| span(*took));
            let text = took.map_or_else(String::new, |took| format!(" in {took}"));
            return Check::ok(CheckId::EdgeConnect, format!("The edge {} accepts connections{text}.", place(edge)));
        }
    };
    let message = format!("The edge {}: {fault}.", place(edge));
    match fault {
        ConnectError::Denied(address) => Check::unknown(CheckId::EdgeConnect, message).act(format!(
            "If refreshd may look at it, add \"{address}/{}\" to probe.allow.",
            if address.is_ipv4() { 32 } else { 128 }
        )),
        ConnectError::TooOften => Check::unknown(CheckId::EdgeConnect, message).act("Diagnose again in a minute."),
        _ => Check::fail(CheckId::EdgeConnect, CauseId::EdgeUnreachable, Confidence::Likely, message)
            .act("Try from another network (`curl -v`); if it fails there too, open a ticket with the edge's address and the time.")
            .page(evidence.guide.pages.domains),
    }
}

pub(super) fn certificate(evidence: &Evidence) -> Check {
    let edge = match seen(evidence, CheckId::EdgeCertificate) {
        Ok(edge) => edge,
        Err(check) => return check,
    };
    if edge.ask.scheme == Scheme::Http {
        return Check::ok(CheckId::EdgeCertificate, "The edge was asked over plain HTTP; no certificate takes part.");
    }
    let fault = match &edge.tls {
        None => {
            return Check::unknown(
                CheckId::EdgeCertificate,
                "The edge was not reached, so its certificate was not seen.",
            );
        }
        Some(Err(fault)) => Some(fault.to_string()),
        Some(Ok(look)) => look.verdict.as_ref().err().map(ToString::to_string),
    };
    if let Some(fault) = fault {
        let text = format!("The edge {} as {}: {}.", place(edge), edge.ask.host, detailed(edge, &fault));
        return Check::fail(CheckId::EdgeCertificate, CauseId::EdgeTls, Confidence::Likely, text)
            .act(format!(
                "Set a valid certificate for {} in the console (CDN > Domain Management > HTTPS Configuration).",
                edge.ask.host
            ))
            .page(evidence.guide.pages.certificate);
    }
    let Some(not_after) = tls(edge).and_then(|look| look.chain.first()).map(|own| own.not_after) else {
        return Check::ok(CheckId::EdgeCertificate, "The edge's certificate is good.");
    };
    expiry(CheckId::EdgeCertificate, "The edge's certificate", not_after, evidence).unwrap_or_else(|| {
        Check::ok(CheckId::EdgeCertificate, format!("The edge's certificate is good until {}.", moment(not_after)))
    })
}

pub(super) fn answer(evidence: &Evidence) -> Check {
    let edge = match seen(evidence, CheckId::EdgeAnswer) {
        Ok(edge) => edge,
        Err(check) => return check,
    };
    let pages = &evidence.guide.pages;
    let look = match ProbeStage::of(edge) {
        ProbeStage::Answer(look) => look,
        ProbeStage::Http(fault) => {
            let text = format!("The edge {} accepts the connection, but {fault}.", place(edge));
            return Check::fail(CheckId::EdgeAnswer, CauseId::EdgeUnreachable, Confidence::Likely, text)
                .act("Try from another network (`curl -v`); if it fails there too, open a ticket with the edge's address and the time.")
                .page(pages.edge_statuses);
        }
        _ => return Check::unknown(CheckId::EdgeAnswer, "The edge was not reached, so it gave no answer."),
    };
    let id =
        look.header(evidence.guide.log_id).map(|id| format!(" ({} {id})", evidence.guide.log_id)).unwrap_or_default();
    let status = look.status;
    let same_at_origin = evidence.origin_answers().any(|origin| origin.status == status);
    let own = evidence.guide.edge_status(status);
    if evidence.keeps_error() {
        let report = format!("The edge answers {status}{id} from its cache; the origin is well.");
        return Check::warn(CheckId::EdgeAnswer, report)
            .act("Refresh the URL; a rule of the domain lets nodes keep this status (console: CDN > Domain Management > Status Code Cache).")
            .page(pages.edge_statuses);
    }
    if let Some(own) = own.filter(|_| !(same_at_origin && status < 500)) {
        let message = format!("The edge answers {status}: {}{id}.", own.meaning);
        return match own.cause {
            Some(cause) => {
                let sure = if own.exact { Confidence::Certain } else { Confidence::Likely };
                Check::fail(CheckId::EdgeAnswer, cause, sure, message).act(cure(cause)).page(pages.edge_statuses)
            }
            None => Check::warn(CheckId::EdgeAnswer, message)
                .act("Ask with a browser that is allowed; if visitors get this too, check access control in the console (CDN > Domain Management > Access Control).")
                .page(pages.edge_statuses),
        };
    }
    match status {
        500.. => {
            let report = format!("The edge answers {status}{id}.");
            Check::fail(CheckId::EdgeAnswer, CauseId::OriginHttp, Confidence::Likely, report)
                .act(cure(CauseId::OriginHttp))
                .page(pages.edge_statuses)
        }
        404 if !same_at_origin && evidence.origin_answers().next().is_some() => not_found(evidence, &id),
        400.. => Check::warn(CheckId::EdgeAnswer, format!("The edge answers {status}{id}."))
            .act("Check the URL's spelling and that the origin serves it."),
        _ => Check::ok(CheckId::EdgeAnswer, format!("The edge answers {status}{id}.")),
    }
}

/// The origin has it, and the edge says that it is not there: an old "not found", or another object was asked for.
fn not_found(evidence: &Evidence, id: &str) -> Check {
    let pulled = evidence.edge_answer().is_some_and(|look| evidence.source(look) == CacheLookup::Miss);
    if !pulled {
        return Check::warn(CheckId::EdgeAnswer, format!("The edge answers 404{id}, the origin has the object."));
    }
    let text = format!("The edge answers 404{id} fresh from the origin, which has the object when refreshd asks it.");
    Check::fail(CheckId::EdgeAnswer, CauseId::OriginHttp, Confidence::Possible, text)
        .act("Check the Host header, path and origin that the CDN uses (console: CDN > Domain Management > Origin Configuration).")
        .page(evidence.guide.pages.edge_statuses)
}

fn cure(cause: CauseId) -> &'static str {
    match cause {
        CauseId::OriginDns => {
            "Mend the DNS record of the origin's name, or set another origin (console: CDN > Domain Management > Origin Configuration)."
        }
        CauseId::OriginTcp => {
            "Start the origin's server and open its port to the CDN's addresses in firewall and security group."
        }
        CauseId::OriginTls => {
            "Install a valid certificate with its full chain for the name that the CDN asks for, on the origin."
        }
        CauseId::WrongRequest => "Shorten the URL, or refresh the directory above it.",
        CauseId::EdgeUnreachable => {
            "Ask the provider by ticket why the domain is blocked, with the status and the time."
        }
        _ => "Mend the origin (its log at this time tells more), then `refreshd retry` the job.",
    }
}

fn seen(evidence: &Evidence, id: CheckId) -> Result<&ProbeResult, Check> {
    match &evidence.edge {
        Ok(edge) => Ok(edge),
        Err(NotObserved(because)) => Err(Check::unknown(id, format!("The edge was not seen: {because}."))),
    }
}

//! What was seen, in full, as small text files for a support ticket: names, addresses, certificates, headers, times.

use std::fmt::{self, Write};

use crate::diagnose::evidence::{Evidence, NotObserved, RedirectObservation};
use crate::diagnose::format::{moment, span};
use crate::domain::Attachment;
use crate::probe::{DialTarget, DnsResult, HttpResult, ProbeResult, Scheme, TlsResult};

/// Headers beyond these tell support nothing.
const HEADERS_MAX: usize = 60;
const CERTIFICATES_MAX: usize = 5;

pub(crate) fn attachments_from_evidence(evidence: &Evidence) -> Vec<Attachment> {
    let mut attachments = vec![match &evidence.name {
        Ok(look) => attachment("dns", &DnsText(look)),
        Err(NotObserved(because)) => attachment("dns", because),
    }];
    attachments.push(match &evidence.edge {
        Ok(sighting) => attachment("edge-response", &ProbeText(sighting)),
        Err(NotObserved(because)) => attachment("edge-response", because),
    });
    match &evidence.origins {
        Ok(origins) => attachments.extend(
            origins
                .iter()
                .enumerate()
                .map(|(n, origin)| attachment(&format!("origin-response-{}", n + 1), &ProbeText(origin))),
        ),
        Err(NotObserved(because)) => attachments.push(attachment("origin-response-1", because)),
    }
    let more = [("edge-past-cache", &evidence.control), ("edge-other-scheme", &evidence.other_scheme)];
    attachments.extend(more.iter().filter_map(|(name, seen)| Some(attachment(name, &ProbeText(seen.as_ref()?)))));
    if let Some(RedirectObservation { edge, origin, .. }) = &evidence.moved {
        attachments.push(attachment("edge-behind-redirect", &ProbeText(edge)));
        attachments.extend(origin.iter().map(|origin| attachment("origin-behind-redirect", &ProbeText(origin))));
    }
    attachments
}

fn attachment(name: &str, text: &dyn fmt::Display) -> Attachment {
    Attachment { name: format!("{name}.txt"), text: format!("{text}\n") }
}

struct DnsText<'a>(&'a DnsResult);

impl fmt::Display for DnsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DnsResult { host, aliases, addresses, fault, took } = self.0;
        writeln!(f, "name: {host}")?;
        aliases.iter().try_for_each(|alias| writeln!(f, "alias: {alias}"))?;
        addresses.iter().try_for_each(|address| writeln!(f, "address: {address}"))?;
        if let Some(fault) = fault {
            writeln!(f, "fault: {fault}")?;
        }
        write!(f, "took: {}", span(*took))
    }
}

struct ProbeText<'a>(&'a ProbeResult);

impl fmt::Display for ProbeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProbeResult { ask, at, name, address, connect, tls, http, took } = self.0;
        let scheme = if ask.scheme == Scheme::Https { "https" } else { "http" };
        writeln!(f, "asked: {scheme}://{}{}", ask.host, ask.path)?;
        match &ask.dial {
            DialTarget::Address(address) => writeln!(f, "dialled: {address}")?,
            DialTarget::Name(name, port) => writeln!(f, "dialled: {name}:{port}")?,
        }
        if let Some(agent) = &ask.user_agent {
            writeln!(f, "user-agent: {agent}")?;
        }
        writeln!(f, "at: {} (took {})", moment(*at), span(*took))?;
        if let Some(name) = name {
            writeln!(f, "{}", DnsText(name))?;
        }
        if let Some(address) = address {
            writeln!(f, "connected to: {address}")?;
        }
        match connect {
            Some(Ok(took)) => writeln!(f, "connection: in {}", span(*took))?,
            Some(Err(fault)) => writeln!(f, "connection: {fault}")?,
            None => {}
        }
        match tls {
            Some(Ok(look)) => certificates(f, look)?,
            Some(Err(fault)) => writeln!(f, "tls: {fault}")?,
            None => {}
        }
        match http {
            Some(Ok(look)) => answer(f, look),
            Some(Err(fault)) => write!(f, "answer: {fault}"),
            None => f.write_str("answer: none"),
        }
    }
}

fn certificates(f: &mut fmt::Formatter<'_>, look: &TlsResult) -> fmt::Result {
    let verdict = look.verdict.as_ref().err().map_or_else(|| "good".to_owned(), ToString::to_string);
    writeln!(f, "tls: {} in {}; certificate: {verdict}", look.version, span(look.took))?;
    look.chain.iter().take(CERTIFICATES_MAX).try_for_each(|one| {
        writeln!(
            f,
            "certificate: {} by {}, {} to {}, serial {}, for {}",
            one.subject,
            one.issuer,
            moment(one.not_before),
            moment(one.not_after),
            one.serial,
            one.names.join(" ")
        )
    })
}

fn answer(f: &mut fmt::Formatter<'_>, look: &HttpResult) -> fmt::Result {
    writeln!(f, "status: {} (first byte after {})", look.status, span(look.first_byte))?;
    look.headers.iter().take(HEADERS_MAX).try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))?;
    write!(f, "body: {} bytes", look.body_bytes)?;
    if let Some(hash) = look.body_sha256 {
        let hex = hash.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        write!(f, ", SHA-256 {hex}")?;
    }
    Ok(())
}

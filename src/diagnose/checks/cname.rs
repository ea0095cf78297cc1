//! Does the host's DNS lead visitors to this CDN? Live DNS against the name that the provider gave to the domain.

use std::net::IpAddr;

use super::super::evidence::{Evidence, NotObserved};
use crate::domain::{CauseId, Check, CheckId, Confidence};
use crate::probe::{DnsError, DnsResult};

/// How the names of other content delivery networks end.
const OTHERS: &[(&str, &str)] = &[
    (".cloudfront.net", "Amazon CloudFront"),
    (".cdn.cloudflare.net", "Cloudflare"),
    (".edgesuite.net", "Akamai"),
    (".edgekey.net", "Akamai"),
    (".akamaiedge.net", "Akamai"),
    (".akamai.net", "Akamai"),
    (".fastly.net", "Fastly"),
    (".fastlylb.net", "Fastly"),
    (".azureedge.net", "Azure CDN"),
    (".azurefd.net", "Azure Front Door"),
    (".b-cdn.net", "Bunny"),
    (".gcdn.co", "Gcore"),
    (".alikunlun.com", "Alibaba Cloud CDN"),
    (".kunlunsl.com", "Alibaba Cloud CDN"),
    (".kunlunaq.com", "Alibaba Cloud CDN"),
    (".kunlunca.com", "Alibaba Cloud CDN"),
    (".alicdn.com", "Alibaba Cloud CDN"),
    (".cdngslb.com", "Alibaba Cloud CDN"),
    (".wscdns.com", "Wangsu"),
    (".wsglb0.com", "Wangsu"),
    (".ksyuncdn.com", "Kingsoft Cloud CDN"),
    (".qiniudns.com", "Qiniu"),
    (".cdnhwc1.com", "Huawei Cloud CDN"),
    (".jomodns.com", "Baidu Cloud CDN"),
    (".bdydns.com", "Baidu Cloud CDN"),
    (".volcgslb.com", "Volcano Engine CDN"),
];

pub(super) fn cname(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.cname;
    let look = match &evidence.name {
        Ok(look) => look,
        Err(NotObserved(because)) => return Check::unknown(CheckId::Cname, format!("DNS was not seen: {because}.")),
    };
    if let Some(fault) = &look.fault {
        return nowhere(evidence, look, fault);
    }
    if leads_to_successor(evidence) {
        let seen = format!("{} leads to EdgeOne by {}, so this CDN serves nobody any more.", look.host, last(look));
        return Check::fail(CheckId::Cname, CauseId::MovedToEdgeone, sureness(evidence), seen)
            .act("Refresh this host at EdgeOne (console: EdgeOne > Tools > Purge Cache), or point its DNS back to the CDN.")
            .page(evidence.guide.pages.successor);
    }
    if let Some((alias, other)) = other_network(look).filter(|_| !ends_here(evidence, look)) {
        let seen = format!("{} leads to {other} by {alias}; what visitors get comes from there.", look.host);
        return fail(
            evidence,
            sureness(evidence),
            seen,
            &format!("Refresh it at {other} too, or point the host's DNS to this CDN."),
        );
    }
    match expected(evidence) {
        Some(expected) if look.aliases.contains(&expected) => {
            Check::ok(CheckId::Cname, format!("{} leads to {expected}, as the provider says it should.", look.host))
        }
        Some(expected) if is_ours(evidence, look) => {
            let seen = format!("{} leads to this CDN, but by {} and not by {expected}.", look.host, last(look));
            let action = format!("Point the host's CNAME to {expected}; the other name may be switched off one day.");
            Check::warn(CheckId::Cname, seen).act(action).page(page)
        }
        None if is_ours(evidence, look) => {
            Check::ok(CheckId::Cname, format!("{} leads to this CDN by {}.", look.host, last(look)))
        }
        expected => elsewhere(evidence, look, expected.as_deref()),
    }
}

/// No alias leads to this CDN, nor to one that is known.
fn elsewhere(evidence: &Evidence, look: &DnsResult, expected: Option<&str>) -> Check {
    let host = &look.host;
    let to = look.aliases.last().cloned().or_else(|| look.addresses.first().map(IpAddr::to_string)).unwrap_or_default();
    let point = match expected {
        Some(expected) => {
            format!("At the DNS provider of {host}, set a CNAME to {expected} in place of the present record.")
        }
        None => format!(
            "At the DNS provider of {host}, set a CNAME to the name that the console shows (CDN > Domain Management)."
        ),
    };
    if let Some(address) = shared_with_origin(evidence, look) {
        let seen = format!("{host} leads straight to the origin ({address}); visitors pass the CDN by.");
        return fail(evidence, sureness(evidence), seen, &point);
    }
    if answers_as_ours(evidence) {
        let seen = format!(
            "{host} has no CNAME of this CDN ({to}), but what answers there is the CDN; a flattened CNAME does that."
        );
        return Check::ok(CheckId::Cname, seen);
    }
    let seen = match expected {
        Some(expected) => format!("{host} leads to {to} and not to {expected}; visitors pass the CDN by."),
        None => format!("{host} leads to {to}, and nothing there answers like this CDN."),
    };
    let sure = if expected.is_some() { sureness(evidence) } else { Confidence::Possible };
    fail(evidence, sure, seen, &point)
}

fn nowhere(evidence: &Evidence, look: &DnsResult, fault: &DnsError) -> Check {
    let host = &look.host;
    match fault {
        DnsError::NoSuchName | DnsError::NoAddress if evidence.edge_answer().is_some_and(|look| look.status < 400) => {
            Check::warn(
                CheckId::Cname,
                format!("DNS says of {host}: {fault}; the edge that probe.edges names serves it, so visitors may use another DNS than this machine."),
            )
            .act(format!("Ask the visitors' DNS: `dig {host} @ADDRESS`."))
        }
        DnsError::ServerFailed(_) if evidence.resolver_works == Some(true) => {
            let seen = format!(
                "The name servers of {host} fail (SERVFAIL), while other names resolve: its DNSSEC signatures or its name servers are broken. No visitor whose resolver checks can reach it."
            );
            let action = format!(
                "`dig +cd {host}`: if that answers, mend the zone's DNSSEC (DS record, expired signatures); else its name servers, at its DNS provider."
            );
            fail(evidence, sureness(evidence).max(Confidence::Likely), seen, &action)
        }
        DnsError::NoSuchName | DnsError::NoAddress => {
            let seen = format!("DNS says of {host}: {fault}. No visitor can reach it.");
            let to = expected(evidence).unwrap_or_else(|| "the name that the console shows".to_owned());
            let action = format!(
                "At the DNS provider of {host}, set a CNAME to {to}; if a CNAME is there, check that its domain is switched on."
            );
            fail(evidence, sureness(evidence), seen, &action)
        }
        DnsError::ServerFailed(_) | DnsError::TimedOut => {
            Check::unknown(CheckId::Cname, format!("DNS could not be asked about {host}: {fault}.")).act(format!(
                "Try `dig {host}` on this machine; if it fails too, mend its resolver (/etc/resolv.conf)."
            ))
        }
    }
}

fn fail(evidence: &Evidence, sure: Confidence, seen: String, action: &str) -> Check {
    Check::fail(CheckId::Cname, CauseId::NotOnCdn, sure, seen).act(action).page(evidence.guide.pages.cname)
}

/// Who sends looks to an edge of his own choice (`probe.edges`) does not go by DNS, and may not have set it up.
fn sureness(evidence: &Evidence) -> Confidence {
    if evidence.case.edge.is_some() { Confidence::Possible } else { Confidence::Likely }
}

pub(super) fn leads_to_successor(evidence: &Evidence) -> bool {
    let Ok(look) = &evidence.name else { return false };
    look.aliases.iter().any(|alias| ends_in(alias, evidence.guide.successor_cname_suffixes))
}

fn expected(evidence: &Evidence) -> Option<String> {
    let facts = evidence.facts().filter(|facts| !facts.name.starts_with('*'))?;
    Some(facts.cname.as_ref()?.trim_end_matches('.').to_ascii_lowercase())
}

fn is_ours(evidence: &Evidence, look: &DnsResult) -> bool {
    look.aliases.iter().any(|alias| ends_in(alias, evidence.guide.cname_suffixes))
}

fn other_network(look: &DnsResult) -> Option<(&str, &'static str)> {
    look.aliases.iter().find_map(|alias| {
        let (_, name) = OTHERS.iter().find(|(ending, _)| alias.ends_with(ending))?;
        Some((alias.as_str(), *name))
    })
}

fn ends_in(alias: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| alias.ends_with(ending))
}

fn shared_with_origin(evidence: &Evidence, look: &DnsResult) -> Option<IpAddr> {
    let origins: Vec<IpAddr> = evidence.origins.iter().flatten().filter_map(|seen| Some(seen.address?.ip())).collect();
    look.addresses.iter().copied().find(|address| origins.contains(address))
}

/// Whether the chain ends at this CDN, over whatever other networks it leads.
fn ends_here(evidence: &Evidence, look: &DnsResult) -> bool {
    let ours =
        |alias: &String| ends_in(alias, evidence.guide.cname_suffixes) || expected(evidence).as_ref() == Some(alias);
    look.aliases.last().is_some_and(ours)
}

/// The edge was found by this very name, and its answer carries what only this CDN's edges send.
pub(crate) fn answers_as_ours(evidence: &Evidence) -> bool {
    // A network in front passes on what ours sent.
    let in_front = evidence.name.as_ref().is_ok_and(|look| other_network(look).is_some());
    let by_name = evidence.case.edge.is_none() && !in_front;
    by_name && evidence.edge_answer().is_some_and(|look| look.header(evidence.guide.log_id).is_some())
}

fn last(look: &DnsResult) -> &str {
    look.aliases.last().map_or("its addresses", String::as_str)
}

//! Is the host an acceleration domain of this account, switched on, and still with this product?

use super::super::evidence::Evidence;
use super::cname::leads_to_successor;
use crate::diagnose::format::quoted;
use crate::diagnose::input::KnownDomainState;
use crate::domain::{CauseId, Check, CheckId, Confidence, Failure};
use crate::provider::{DisableReason, DomainFacts, DomainStatus};

const MOVED: &str = "Refresh this host at EdgeOne from now on (console: EdgeOne > Tools > Purge Cache), and take it out of this account's routes.";

pub(super) fn domain(evidence: &Evidence) -> Check {
    let host = evidence.host();
    let pages = &evidence.guide.pages;
    if let Some(failure) = evidence.refused_for(&[CauseId::MovedToEdgeone]) {
        let seen = format!("The provider says that {host} or its account has moved to EdgeOne: {}.", failure.code);
        return Check::fail(CheckId::Domain, CauseId::MovedToEdgeone, Confidence::Certain, seen)
            .act(MOVED)
            .page(pages.successor);
    }
    match &evidence.case.circumstances.domain {
        KnownDomainState::NoSuchDomain => absent(evidence),
        KnownDomainState::Facts(facts) => check_facts(evidence, facts),
        KnownDomainState::NotYet | KnownDomainState::Failed(_) => unknown(evidence),
    }
}

fn absent(evidence: &Evidence) -> Check {
    let host = evidence.host();
    if leads_to_successor(evidence) {
        let seen = format!("The account has no CDN domain for {host}, and its DNS leads to EdgeOne: it has moved.");
        return Check::fail(CheckId::Domain, CauseId::MovedToEdgeone, Confidence::Certain, seen)
            .act(MOVED)
            .page(evidence.guide.pages.successor);
    }
    let account = evidence.case.circumstances.account.as_ref().map_or("-", |account| account.name.as_str());
    let seen = format!("Account {account} has no CDN domain {host}, nor a wildcard above it.");
    Check::fail(CheckId::Domain, CauseId::NotOnCdn, Confidence::Certain, seen)
        .act("Check the host's spelling; if another account owns it, change routes in refreshd's configuration; else add it (console: CDN > Domain Management).")
        .page(evidence.guide.pages.domains)
}

fn check_facts(evidence: &Evidence, facts: &DomainFacts) -> Check {
    let name = &facts.name;
    let page = evidence.guide.pages.domains;
    let refused = evidence.refused_for(&[CauseId::DomainOffline, CauseId::NotOnCdn]);
    if facts.is_live() == Some(false) {
        let status = facts.status.as_ref().map_or("", |status| status.as_str());
        let seen =
            format!("{name} is {status} at the provider{}; it serves nothing and cannot be refreshed.", because(facts));
        return Check::fail(CheckId::Domain, CauseId::DomainOffline, Confidence::Certain, seen)
            .act(bring_back(facts))
            .page(page);
    }
    if facts.disabled.as_ref().is_some_and(|reason| *reason != DisableReason::Readonly) {
        let seen =
            format!("{name} is marked as switched off{}, though its status is {}.", because(facts), status(facts));
        return Check::fail(CheckId::Domain, CauseId::DomainOffline, Confidence::Likely, seen)
            .act(bring_back(facts))
            .page(page);
    }
    if let Some(failure) = refused {
        return refused_though_known(evidence, facts, &failure);
    }
    if facts.locked.is_some() || facts.disabled.is_some() {
        let where_locked = facts.locked.as_ref().map(|area| format!(" in area {area}")).unwrap_or_default();
        let seen = format!(
            "{name} is online but locked by the provider{where_locked}; changes and prefetches may be refused."
        );
        return Check::warn(CheckId::Domain, seen)
            .hints_at(CauseId::DomainOffline)
            .act("Ask the provider by ticket why the domain is locked.")
            .page(page);
    }
    match &facts.status {
        Some(DomainStatus::Processing) => Check::warn(
            CheckId::Domain,
            format!("A new configuration of {name} is on its way to the nodes; some still act by the old one for up to 30 min."),
        )
        .act("Wait until the console shows the domain as online, then look again."),
        Some(DomainStatus::Other(word)) => {
            Check::unknown(CheckId::Domain, format!("The provider says that {name} is \"{}\", which is new to refreshd.", quoted(word)))
        }
        Some(_) => Check::ok(CheckId::Domain, format!("{host} is served by {name}, which is online.", host = evidence.host())),
        None => Check::unknown(CheckId::Domain, format!("The provider did not tell whether {name} is online.")),
    }
}

fn refused_though_known(evidence: &Evidence, facts: &DomainFacts, failure: &Failure) -> Check {
    let seen = format!(
        "The provider refused it for the domain's state ({}); {} is {} now.",
        failure.code,
        facts.name,
        status(facts)
    );
    let action = match evidence.request() {
        Some(request) if request.state.is_final() => {
            format!("It may have been switched on since: `refreshd retry {}`.", request.job)
        }
        _ => "It may have been switched on since; refreshd tries again by itself.".to_owned(),
    };
    let cause = evidence.guide.cause(failure);
    Check::fail(CheckId::Domain, cause, Confidence::Certain, seen).act(action).page(evidence.guide.pages.errors)
}

fn unknown(evidence: &Evidence) -> Check {
    let host = evidence.host();
    let pages = &evidence.guide.pages;
    if let Some(failure) = evidence.refused_for(&[CauseId::DomainOffline, CauseId::NotOnCdn]) {
        let cause = evidence.guide.cause(&failure);
        let seen = format!("The provider refused {host}: {} ({}).", failure.code, quoted(&failure.message));
        let action = match cause {
            CauseId::NotOnCdn => {
                "Check the host's spelling and that routes name the account that owns it; `refreshd config show` prints them."
            }
            _ => {
                "Switch the domain on in the console (CDN > Domain Management); refreshd keeps the work and tries again."
            }
        };
        return Check::fail(CheckId::Domain, cause, Confidence::Certain, seen).act(action).page(pages.errors);
    }
    match &evidence.case.circumstances.domain {
        KnownDomainState::Failed(failure) => Check::unknown(
            CheckId::Domain,
            format!("The provider did not tell about {host}: {} ({}).", failure.code, quoted(&failure.message)),
        )
        .act("Grant the key the actions that read domains, then diagnose again; with them refreshd sees state, origin and cache rules.")
        .page(pages.permissions),
        _ => Check::unknown(CheckId::Domain, format!("The provider was not asked about {host} yet.")),
    }
}

fn status(facts: &DomainFacts) -> &str {
    facts.status.as_ref().map_or("unknown", |status| status.as_str())
}

fn because(facts: &DomainFacts) -> String {
    let reason = match facts.disabled.as_ref() {
        None => return String::new(),
        Some(DisableReason::Overdue) => "its bill is overdue".to_owned(),
        Some(DisableReason::Malicious) => "its content was judged malicious".to_owned(),
        Some(DisableReason::Attacked) => "it is under attack".to_owned(),
        Some(DisableReason::AttackRisk) => "it is at risk of attack".to_owned(),
        Some(DisableReason::Idle) => "it had no traffic for long".to_owned(),
        Some(DisableReason::Unlicensed) => "its registration with the authorities is missing".to_owned(),
        Some(DisableReason::Capped) => "its traffic cap was reached".to_owned(),
        Some(DisableReason::Readonly) => "it may not be changed".to_owned(),
        Some(DisableReason::Other(word)) => quoted(word),
    };
    format!(" because {reason}")
}

fn bring_back(facts: &DomainFacts) -> &'static str {
    match (&facts.disabled, &facts.status) {
        (Some(DisableReason::Overdue), _) => {
            "Pay the bill in the console (Billing Center), then switch the domain on (CDN > Domain Management)."
        }
        (Some(DisableReason::Capped), _) => {
            "Raise or lift the usage cap in the console (CDN > Domain Management > Advanced), then switch the domain on."
        }
        (Some(DisableReason::Unlicensed), _) | (_, Some(DomainStatus::Rejected)) => {
            "Renew the domain's registration with the authorities (ICP), then switch it on in the console (CDN > Domain Management)."
        }
        (_, Some(DomainStatus::Closing)) => {
            "It is being switched off; wait until that is done, then switch it on in the console (CDN > Domain Management)."
        }
        _ => "Switch the domain on in the console (CDN > Domain Management), then `refreshd retry` the job.",
    }
}

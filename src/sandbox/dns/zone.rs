//! The names of the simulated world: acceleration domains point to the edge, origins have addresses, and whatever was set
//! from outside goes before both.

use std::collections::HashMap;
use std::net::IpAddr;

use super::wire::{DnsAnswer, DnsRule};
use crate::sandbox::domain_config::domain::DomainTable;

/// What the provider's names end in.
pub(crate) const EDGE_SUFFIX: &str = ".cdn.dnsv1.com";
/// Resolvers give up on longer chains too; a loop ends here.
const CHAIN_LINKS_MAX: usize = 16;
const TTL_SECONDS: u32 = 60;

/// The record types that matter here; each has its own place in a name's list of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DnsQuestion {
    A,
    Aaaa,
    Cname,
    Other,
}

#[derive(Debug, Default)]
pub(crate) struct Zone {
    rules: HashMap<String, (DnsRule, HashMap<DnsQuestion, usize>)>,
}

/// Where the simulated world really is.
#[derive(Debug, Clone)]
pub(crate) struct ZoneAddresses {
    pub(crate) edges: Vec<IpAddr>,
    pub(crate) origin: IpAddr,
}

/// The walk from a name to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Each CNAME passed: its owner, its target and its time to live.
    pub(crate) links: Vec<(String, String, u32)>,
    /// The name at which it ended.
    pub(crate) last: String,
    pub(crate) end: End,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Addresses(Vec<IpAddr>, u32),
    NoSuchName,
    Failure,
    Silence,
    Nothing,
}

impl Zone {
    /// Replaces all rules; every name begins its answers anew.
    pub(crate) fn replace(&mut self, rules: Vec<DnsRule>) {
        self.rules = rules.into_iter().map(|rule| (plain(&rule.name), (rule, HashMap::new()))).collect();
    }

    pub(crate) fn rules(&self) -> Vec<DnsRule> {
        let mut rules: Vec<DnsRule> = self.rules.values().map(|(rule, _)| rule.clone()).collect();
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        rules
    }

    /// Whether a rule for one of the provider's names has the address.
    pub(crate) fn is_edge_address(&self, address: IpAddr) -> bool {
        let has =
            |answer: &DnsAnswer| matches!(answer, DnsAnswer::Addresses { addresses } if addresses.contains(&address));
        self.rules.iter().any(|(name, (rule, _))| name.ends_with(EDGE_SUFFIX) && rule.answers.iter().any(has))
    }

    /// Follows the name to its end, as a recursive resolver does. A query for a CNAME ends at the first.
    pub(crate) fn resolve(
        &mut self,
        name: &str,
        question: DnsQuestion,
        domains: &DomainTable,
        addresses: &ZoneAddresses,
    ) -> Resolved {
        let mut links = Vec::new();
        let mut last = plain(name);
        let end = loop {
            let (answer, ttl) = self.answer(&last, question, domains, addresses);
            match answer {
                DnsAnswer::Cname { target } => {
                    let target = plain(&target);
                    links.push((last, target.clone(), ttl));
                    last = target;
                }
                DnsAnswer::Addresses { addresses } => break of_type(addresses, question, ttl),
                DnsAnswer::Nxdomain => break End::NoSuchName,
                DnsAnswer::Servfail => break End::Failure,
                DnsAnswer::Silence => break End::Silence,
                DnsAnswer::Empty => break End::Nothing,
            }
            if question == DnsQuestion::Cname {
                break End::Nothing;
            }
            if links.len() == CHAIN_LINKS_MAX {
                break End::Failure;
            }
        };
        Resolved { links, last, end }
    }

    fn answer(
        &mut self,
        name: &str,
        question: DnsQuestion,
        domains: &DomainTable,
        addresses: &ZoneAddresses,
    ) -> (DnsAnswer, u32) {
        let Some((rule, counts)) = self.rules.get_mut(name) else {
            return (default_answer(name, domains, addresses), TTL_SECONDS);
        };
        let count = counts.entry(question).or_default();
        let answer = rule.answers.get(*count).or(rule.answers.last()).cloned().unwrap_or(DnsAnswer::Empty);
        *count += 1;
        (answer, rule.ttl)
    }
}

/// What a name is if nobody set it: an edge's, an origin's, an acceleration domain, or nothing.
fn default_answer(name: &str, domains: &DomainTable, addresses: &ZoneAddresses) -> DnsAnswer {
    let at = |address| DnsAnswer::Addresses { addresses: vec![address] };
    let is_edge = |bare: &str| domains.0.iter().any(|domain| domain.bare_name() == bare);
    if name.strip_suffix(EDGE_SUFFIX).is_some_and(is_edge) {
        return DnsAnswer::Addresses { addresses: addresses.edges.clone() };
    }
    if let Some(domain) = domains.named(name) {
        return DnsAnswer::Cname { target: domain.cname() };
    }
    let serves = |rest: &str| is_edge(rest) || domains.owner_of(rest).is_some();
    if name.strip_prefix("origin.").is_some_and(serves) || domains.0.iter().any(|domain| domain.origin.is_at(name)) {
        return at(addresses.origin);
    }
    if let Some(domain) = domains.owner_of(name) {
        return DnsAnswer::Cname { target: domain.cname() };
    }
    DnsAnswer::Nxdomain
}

fn of_type(addresses: Vec<IpAddr>, question: DnsQuestion, ttl: u32) -> End {
    let fits = |address: &IpAddr| match question {
        DnsQuestion::A => address.is_ipv4(),
        DnsQuestion::Aaaa => address.is_ipv6(),
        DnsQuestion::Cname | DnsQuestion::Other => false,
    };
    let fitting: Vec<IpAddr> = addresses.into_iter().filter(fits).collect();
    if fitting.is_empty() { End::Nothing } else { End::Addresses(fitting, ttl) }
}

/// As names are compared: in lower case, without the final dot.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

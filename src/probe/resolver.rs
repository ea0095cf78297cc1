//! What DNS says of a name: its aliases in order and its addresses, asked once. The file of this machine's own names is
//! not read: a probe sees what a visitor would.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as HickoryDnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::{DnsError, DnsResult};
use crate::clock::Stopwatch;

/// One question to one server; it is asked twice.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Answers are believed no longer than this, whatever they say: who looks again wants to see what has changed.
const TRUST_MAX: Duration = Duration::from_secs(30);
const TRUST_NO_MAX: Duration = Duration::from_secs(5);
/// Aliases that are told. The resolver follows no more than eight; one answer can name as many as it likes.
const ALIASES_MAX: usize = 16;
const ADDRESSES_MAX: usize = 64;
/// Aliases that are followed by hand.
const HOPS_MAX: usize = 8;

pub(super) struct Resolver {
    /// `Err`: this machine names no resolver, and none was configured.
    resolver: Result<TokioResolver, String>,
}

impl Resolver {
    /// With these resolvers, or with those of this machine if there are none.
    pub(super) fn new(resolvers: &[SocketAddr]) -> Self {
        let builder = if resolvers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let config = ResolverConfig::from_parts(None, Vec::new(), resolvers.iter().map(name_server).collect());
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let resolver = builder.and_then(|mut builder| {
            set(builder.options_mut());
            builder.build()
        });
        Self { resolver: resolver.map_err(|error| error.to_string()) }
    }

    pub(super) async fn look(&self, host: &str, within: Duration) -> DnsResult {
        let watch = Stopwatch::start();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let resolved = match tokio::time::timeout(within, self.ask(&host)).await {
            Ok(result) => result,
            Err(_) => Resolved { fault: Some(DnsError::TimedOut), ..Resolved::default() },
        };
        DnsResult {
            host,
            aliases: resolved.aliases,
            addresses: resolved.addresses,
            fault: resolved.fault,
            took: watch.elapsed(),
        }
    }

    async fn ask(&self, host: &str) -> Resolved {
        let failed = |why: String| Resolved { fault: Some(DnsError::ServerFailed(why)), ..Resolved::default() };
        let resolver = match &self.resolver {
            Ok(resolver) => resolver,
            Err(error) => return failed(format!("this machine names no resolver: {error}; set probe.resolver")),
        };
        // With a final dot no search list is tried: another name than the one asked about could answer.
        let name = match Name::from_ascii(format!("{host}.")) {
            Ok(name) => name,
            Err(error) => return failed(error.to_string()),
        };
        let (four, six) =
            tokio::join!(resolver.lookup(name.clone(), RecordType::A), resolver.lookup(name.clone(), RecordType::AAAA));
        let mut resolved = Resolved::from_answers(host, &four, &six);
        if resolved.addresses.is_empty() && resolved.aliases.is_empty() {
            resolved.aliases = follow(resolver, name).await;
        }
        resolved
    }
}

/// The aliases of a name that leads nowhere, one by one: an answer that has no address does not tell them.
async fn follow(resolver: &TokioResolver, mut name: Name) -> Vec<String> {
    let mut aliases = Vec::new();
    while aliases.len() < HOPS_MAX {
        let Ok(lookup) = resolver.lookup(name.clone(), RecordType::CNAME).await else { break };
        let next = lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name == name => Some(alias.0.clone()),
            _ => None,
        });
        let Some(next) = next.filter(|next| !aliases.contains(&plain(next))) else { break };
        aliases.push(plain(&next));
        name = next;
    }
    aliases
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

fn set(options: &mut ResolverOpts) {
    options.timeout = ANSWER_MAX;
    options.attempts = 1;
    options.use_hosts_file = ResolveHosts::Never;
    options.positive_max_ttl = Some(TRUST_MAX);
    options.negative_max_ttl = Some(TRUST_NO_MAX);
    options.preserve_intermediates = true;
}

#[derive(Default)]
struct Resolved {
    aliases: Vec<String>,
    addresses: Vec<IpAddr>,
    fault: Option<DnsError>,
}

impl Resolved {
    /// IPv4 first: more machines can dial it.
    fn from_answers(host: &str, four: &Result<Lookup, NetError>, six: &Result<Lookup, NetError>) -> Self {
        let mut resolved = Self::default();
        for lookup in [four, six].into_iter().flatten() {
            let aliases = aliases(host, lookup);
            if aliases.len() > resolved.aliases.len() {
                resolved.aliases = aliases;
            }
            let records = lookup.answers().iter().filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            });
            resolved.addresses.extend(records.take(ADDRESSES_MAX));
        }
        if resolved.addresses.is_empty() {
            let faults = [four, six].map(|answer| answer.as_ref().err().map_or(DnsError::NoAddress, fault));
            resolved.fault = faults.into_iter().max_by_key(weight);
        }
        resolved
    }
}

/// The aliases from `host` on, as far as the answer tells them.
fn aliases(host: &str, lookup: &Lookup) -> Vec<String> {
    let mut aliases: Vec<String> = Vec::new();
    let links: Vec<(String, String)> = lookup
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::CNAME(alias) => Some((plain(&record.name), plain(&alias.0))),
            _ => None,
        })
        .collect();
    while aliases.len() < ALIASES_MAX {
        let last = aliases.last().map_or(host, String::as_str);
        let Some((_, next)) = links.iter().find(|(name, _)| name == last) else { break };
        if next == host || aliases.contains(next) {
            break;
        }
        aliases.push(next.clone());
    }
    aliases
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn fault(error: &NetError) -> DnsError {
    match error {
        NetError::Timeout => DnsError::TimedOut,
        NetError::Dns(HickoryDnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => DnsError::NoSuchName,
            ResponseCode::NoError => DnsError::NoAddress,
            other => DnsError::ServerFailed(other.to_string()),
        },
        NetError::Dns(HickoryDnsError::ResponseCode(code)) => DnsError::ServerFailed(code.to_string()),
        other => DnsError::ServerFailed(other.to_string()),
    }
}

/// Of two answers the heavier tells more: what exists without an address of one kind may have failed for the other.
const fn weight(fault: &DnsError) -> u8 {
    match fault {
        DnsError::NoAddress => 0,
        DnsError::NoSuchName => 1,
        DnsError::TimedOut => 2,
        DnsError::ServerFailed(_) => 3,
    }
}

//! Plans what to look at from what is known, and looks at all of it side by side. A second round follows the first where it
//! can tell more: behind a redirect, at the other scheme's copy, and past the copy. Whatever has not ended at the deadline
//! is left, and what ended is kept.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};

use super::DiagnosisInput;
use super::cache_key::object_key;
use super::evidence::{Evidence, Freshness, NotObserved, ProbeStage, RedirectObservation, answer, compare};
use super::input::KnownDomainState;
use crate::clock::Clock;
use crate::domain::{CacheLookup, RedirectDestination, Target, TargetKind};
use crate::probe::{DialTarget, DnsError, DnsResult, HttpResult, ProbeRequest, ProbeResult, Prober, Scheme};
use crate::provider::{PullProtocol, VendorReference};

/// A domain can have many origins; these are enough to see whether they agree.
const ORIGINS_MAX: usize = 4;
/// The first round may take so much of the time, the second the rest but for a margin.
const FIRST_ROUND: f64 = 0.6;
const SECOND_ROUND: f64 = 0.3;

pub(super) struct Collector<'a> {
    pub(super) prober: &'a dyn Prober,
    pub(super) clock: &'a dyn Clock,
    pub(super) guide: &'static VendorReference,
}

/// What has ended so far.
#[derive(Default)]
struct CollectedProbes {
    name: Option<DnsResult>,
    resolver_works: Option<bool>,
    edge: Option<ProbeResult>,
    edge_at_full_second: Option<ProbeResult>,
    other_edges: Vec<ProbeResult>,
    /// With their places in the plan.
    origins: Vec<(usize, ProbeResult)>,
    origin_again: Option<ProbeResult>,
    control: Option<ProbeResult>,
    other_scheme: Option<ProbeResult>,
    moved: Option<RedirectObservation>,
}

impl Collector<'_> {
    /// All that was seen within `deadline`, and whether that cut something off.
    pub(super) async fn collect(&self, case: DiagnosisInput, deadline: Duration) -> (Evidence, bool) {
        let seen = Mutex::new(CollectedProbes::default());
        let asks = origin_asks(&case, self.guide);
        let all = async {
            let name = async {
                let look = self.prober.resolve(case.target.host(), deadline.mul_f64(FIRST_ROUND)).await;
                let failed = matches!(look.fault, Some(DnsError::ServerFailed(_)));
                lock(&seen).name = Some(look);
                if let Some(other) = control_name(&case).filter(|_| failed) {
                    let look = self.prober.resolve(&other, deadline.mul_f64(SECOND_ROUND)).await;
                    let answered = !matches!(look.fault, Some(DnsError::ServerFailed(_) | DnsError::TimedOut));
                    lock(&seen).resolver_works = Some(answered);
                }
            };
            let served = async {
                self.first_round(&case, &asks, &seen, deadline.mul_f64(FIRST_ROUND)).await;
                self.second_round(&case, &asks, &seen, deadline.mul_f64(SECOND_ROUND)).await;
            };
            tokio::join!(name, served);
        };
        let cut_short = tokio::time::timeout(deadline, all).await.is_err();
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.evidence(case, seen, &asks), cut_short)
    }

    async fn first_round(
        &self,
        case: &DiagnosisInput,
        asks: &Result<Vec<ProbeRequest>, NotObserved>,
        seen: &Mutex<CollectedProbes>,
        within: Duration,
    ) {
        let edge = async {
            let sighting = self.look(&edge_ask(case, &case.target), within, case.edge.is_some()).await;
            lock(seen).edge = Some(sighting);
        };
        let other_edges = case.other_edges.iter().map(|address| async move {
            let ask = ProbeRequest { dial: DialTarget::Address(*address), ..edge_ask(case, &case.target) };
            let sighting = self.look(&ask, within, true).await;
            lock(seen).other_edges.push(sighting);
        });
        let may_be_plain = origin_may_be_plain(case);
        let origins = asks.iter().flatten().enumerate().map(|(place, ask)| async move {
            let sighting = self.look(ask, within, may_be_plain).await;
            lock(seen).origins.push((place, sighting));
        });
        tokio::join!(edge, join_all(other_edges), join_all(origins));
    }

    async fn second_round(
        &self,
        case: &DiagnosisInput,
        asks: &Result<Vec<ProbeRequest>, NotObserved>,
        seen: &Mutex<CollectedProbes>,
        within: Duration,
    ) {
        let draft = {
            let seen = lock(seen);
            let so_far = CollectedProbes {
                edge: seen.edge.clone(),
                other_edges: seen.other_edges.clone(),
                origins: seen.origins.clone(),
                ..CollectedProbes::default()
            };
            self.evidence(case.clone(), so_far, asks)
        };
        let by_address = case.edge.is_some();
        let may_be_plain = origin_may_be_plain(case);
        let control = OptionFuture::from(self.control_ask(&draft).map(|ask| async move {
            let sighting = self.look(&ask, within, by_address).await;
            lock(seen).control = Some(sighting);
        }));
        let other = OptionFuture::from(other_scheme_ask(&draft).map(|ask| async move {
            let sighting = self.look(&ask, within, false).await;
            lock(seen).other_scheme = Some(sighting);
        }));
        let moved = OptionFuture::from(moved_to(&draft).map(|to| self.follow(to, &draft, seen, within)));
        let draft = &draft;
        let again = OptionFuture::from(origin_again_ask(draft).map(|ask| async move {
            // Twice: machines that answer in turn may come round to the first one.
            let mut sighting = self.look(&ask, within / 2, may_be_plain).await;
            if !draft.differs_from_origin(&sighting) {
                sighting = self.look(&ask, within / 2, may_be_plain).await;
            }
            lock(seen).origin_again = Some(sighting);
        }));
        let full_second = OptionFuture::from(draft.full_second_to_probe_at().map(|moment| async move {
            tokio::time::sleep(moment.since(self.clock.now())).await;
            let sighting = self.look(&edge_ask(case, &case.target), within, by_address).await;
            lock(seen).edge_at_full_second = Some(sighting);
        }));
        tokio::join!(control, other, moved, again, full_second);
    }

    async fn look(&self, ask: &ProbeRequest, within: Duration, configured: bool) -> ProbeResult {
        match configured {
            true => self.prober.probe_configured_address(ask, within).await,
            false => self.prober.probe(ask, within).await,
        }
    }

    /// Looks where a redirect leads, at edge and origin.
    async fn follow(&self, to: Target, draft: &Evidence, seen: &Mutex<CollectedProbes>, within: Duration) {
        let ask = edge_ask(&draft.case, &to);
        let edge = self.look(&ask, within, draft.case.edge.is_some());
        let origin = async {
            let result = draft.origins.as_ref().ok()?.iter().find(|origin| answer(origin).is_some())?;
            if result.ask.path == ask.path {
                return Some(result.clone());
            }
            Some(self.prober.probe(&ProbeRequest { path: ask.path.clone(), ..result.ask.clone() }, within).await)
        };
        let (edge, origin) = tokio::join!(edge, origin);
        lock(seen).moved = Some(RedirectObservation { to, edge, origin });
    }

    /// The edge with a parameter that nobody used before, so that no copy can answer. It costs the origin one request and
    /// no quota, and is asked only where a copy hides what the CDN would fetch.
    fn control_ask(&self, draft: &Evidence) -> Option<ProbeRequest> {
        let edge = draft.edge_answer().filter(|look| look.status < 400)?;
        let blind = draft.origin_answers().next().is_none() && draft.origins.is_ok();
        let hides = matches!(draft.freshness(), Freshness::Old(_)) || blind;
        if !hides || draft.source(edge) == CacheLookup::Miss {
            return None;
        }
        let target = &draft.case.target;
        let joint = if target.as_str().contains('?') { '&' } else { '?' };
        let past_copy = format!("{target}{joint}refreshd-look={}", self.clock.now().as_millis());
        let past_copy = Target::parse(TargetKind::Url, &past_copy).ok()?;
        let url = Target::parse(TargetKind::Url, target.as_str()).ok()?;
        let other_object = draft.facts().is_none_or(|facts| object_key(facts, &past_copy) != object_key(facts, &url));
        other_object.then(|| edge_ask(&draft.case, &past_copy))
    }

    fn evidence(
        &self,
        case: DiagnosisInput,
        seen: CollectedProbes,
        asks: &Result<Vec<ProbeRequest>, NotObserved>,
    ) -> Evidence {
        let late = |what: &str| NotObserved(format!("the look at {what} did not end in time"));
        let mut origins = seen.origins;
        origins.sort_by_key(|(place, _)| *place);
        let origins: Vec<ProbeResult> = origins.into_iter().map(|(_, sighting)| sighting).collect();
        Evidence {
            guide: self.guide,
            at: self.clock.now(),
            name: seen.name.ok_or_else(|| late("the host's DNS")),
            resolver_works: seen.resolver_works,
            edge: seen.edge.ok_or_else(|| late("the edge")),
            edge_at_full_second: seen.edge_at_full_second,
            other_edges: seen.other_edges,
            origins: match asks {
                Err(unseen) => Err(unseen.clone()),
                Ok(_) if origins.is_empty() => Err(late("the origin")),
                Ok(_) => Ok(origins),
            },
            origin_again: seen.origin_again,
            control: seen.control,
            other_scheme: seen.other_scheme,
            moved: seen.moved,
            case,
        }
    }
}

fn lock(seen: &Mutex<CollectedProbes>) -> MutexGuard<'_, CollectedProbes> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scheme(target: &Target) -> Scheme {
    if target.as_str().starts_with("https:") { Scheme::Https } else { Scheme::Http }
}

fn path(target: &Target) -> String {
    let rest = target.as_str().split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned())
}

fn edge_ask(case: &DiagnosisInput, target: &Target) -> ProbeRequest {
    let scheme = scheme(target);
    let host = target.host().to_owned();
    let dial = match case.edge {
        Some(address) => DialTarget::Address(address),
        None => DialTarget::Name(host.clone(), default_port(scheme)),
    };
    ProbeRequest { dial, scheme, host, path: path(target), user_agent: None }
}

const fn default_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

/// An origin that an operator wrote down, of a domain whose protocol is not known, may speak either.
fn origin_may_be_plain(case: &DiagnosisInput) -> bool {
    case.origin.is_some() && told_protocol(case).is_none()
}

fn told_protocol(case: &DiagnosisInput) -> Option<&PullProtocol> {
    match &case.circumstances.domain {
        KnownDomainState::Facts(facts) => facts.origin.as_ref()?.protocol.as_ref(),
        _ => None,
    }
}

/// A name of another zone, by which a broken zone is told from a broken resolver: what the host should be an alias of.
fn control_name(case: &DiagnosisInput) -> Option<String> {
    match &case.circumstances.domain {
        KnownDomainState::Facts(facts) => Some(facts.cname.as_ref()?.trim_end_matches('.').to_owned()),
        _ => None,
    }
}

/// The first origin that answered once more, if its answer is not the edge's: it may differ from itself.
fn origin_again_ask(draft: &Evidence) -> Option<ProbeRequest> {
    let origin = draft.origins.iter().flatten().find(|origin| answer(origin).is_some())?;
    let content = answer(origin)?;
    let differs = |edge: &HttpResult| compare(edge, content).is_none_or(|compared| compared.is_err());
    let mut edges = draft.edge_answer().into_iter().chain(draft.other_edges.iter().filter_map(answer));
    edges.any(differs).then(|| origin.ask.clone())
}

/// The origins as the CDN would ask them for the target.
fn origin_asks(case: &DiagnosisInput, guide: &VendorReference) -> Result<Vec<ProbeRequest>, NotObserved> {
    let host = case.target.host();
    let entry = match &case.circumstances.domain {
        KnownDomainState::Facts(facts) => facts.origin.as_ref(),
        _ => None,
    };
    let by_port = |port: Option<u16>| match (told_protocol(case), port) {
        (Some(PullProtocol::Http), _) => Scheme::Http,
        (Some(PullProtocol::Https), _) => Scheme::Https,
        (Some(PullProtocol::Follow), _) => scheme(&case.target),
        (_, Some(80)) => Scheme::Http,
        (_, Some(443)) => Scheme::Https,
        _ => scheme(&case.target),
    };
    let ask = |dial, scheme| ProbeRequest {
        dial,
        scheme,
        host: entry.and_then(|origin| origin.server_name.clone()).unwrap_or_else(|| host.to_owned()),
        path: path(&case.target),
        user_agent: Some(guide.origin_agent.to_owned()),
    };
    if let Some(address) = case.origin {
        return Ok(vec![ask(DialTarget::Address(address), by_port(Some(address.port())))]);
    }
    let Some(cached) = entry.filter(|origin| !origin.addresses.is_empty()) else {
        let because =
            format!("the provider did not tell the origin of {host}; probe.origins.\"{host}\" can name its address");
        return Err(NotObserved(because));
    };
    let asks = cached.addresses.iter().take(ORIGINS_MAX).map(|address| {
        let scheme = by_port(address.port);
        let port = address.port.unwrap_or_else(|| default_port(scheme));
        let dial = match address.host.parse::<IpAddr>() {
            Ok(ip) => DialTarget::Address(SocketAddr::new(ip, port)),
            Err(_) => DialTarget::Name(address.host.clone(), port),
        };
        ask(dial, scheme)
    });
    Ok(asks.collect())
}

/// The other scheme's copy, where the domain keeps one. An operator's own edge address has one port, so it has one scheme.
fn other_scheme_ask(draft: &Evidence) -> Option<ProbeRequest> {
    let apart = draft.facts()?.cache_key.as_ref()?.scheme == Some(true);
    if !apart || draft.case.edge.is_some() || draft.case.target.kind() == TargetKind::Directory {
        return None;
    }
    let target = draft.case.target.as_str();
    let other = match target.strip_prefix("https:") {
        Some(rest) => format!("http:{rest}"),
        None => format!("https:{}", target.strip_prefix("http:")?),
    };
    Some(edge_ask(&draft.case, &Target::parse(TargetKind::Url, &other).ok()?))
}

/// Where the edge, or else the origin, sends those who ask, if that is another URL of the same host.
fn moved_to(draft: &Evidence) -> Option<Target> {
    let origin = draft.origins.iter().flatten().next().map(ProbeStage::of);
    let origin = match origin {
        Some(ProbeStage::Answer(look)) => Some(look),
        _ => None,
    };
    let looks = draft.edge_answer().into_iter().chain(origin);
    let to = looks.filter(|look| (300..400).contains(&look.status)).find_map(|look| look.header("location"))?;
    let target = &draft.case.target;
    // What a probe cut off or left out cannot be followed.
    let whole = RedirectDestination::of(target, &to).filter(|_| !to.ends_with('…'))?;
    let to = Target::parse(TargetKind::Url, whole.as_str()).ok()?;
    (to.host() == target.host() && to.as_str() != target.as_str()).then_some(to)
}

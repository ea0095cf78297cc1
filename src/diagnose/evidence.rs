//! All that is known and was seen, on which the judges work. What was not seen says why.

use std::time::Duration;

use super::format::http_date;
use super::input::KnownDomainState;
use super::{DiagnosisInput, JobContext};
use crate::domain::{
    CacheLookup, CauseId, ComparisonContext, ErrorClass, Failure, ItemOperation, ItemState, SecondProbe, Target,
    Timestamp, Verification, judge,
};
use crate::probe::{ConnectError, DnsError, DnsResult, HttpError, HttpResult, ProbeResult, TlsError};
use crate::provider::{DomainFacts, VendorReference};

/// What was not seen, and because of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotObserved(pub String);

#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub case: DiagnosisInput,
    pub guide: &'static VendorReference,
    /// When the last look had ended.
    pub at: Timestamp,
    pub name: Result<DnsResult, NotObserved>,
    /// Whether the resolver knew another name when it could not resolve the host's; none: it was not asked.
    pub resolver_works: Option<bool>,
    pub edge: Result<ProbeResult, NotObserved>,
    /// The edge once more, whole seconds after the refresh; only where its first answer does not tell whether its copy is older.
    pub edge_at_full_second: Option<ProbeResult>,
    /// The further edges that the verdict is made from.
    pub other_edges: Vec<ProbeResult>,
    /// Each of the domain's origins that was looked at, asked as the CDN would; never empty.
    pub origins: Result<Vec<ProbeResult>, NotObserved>,
    /// The first origin that answered, asked once more; only where edge and origin differ.
    pub origin_again: Option<ProbeResult>,
    /// The edge, asked in a way that no copy can answer; only where that helps.
    pub control: Option<ProbeResult>,
    /// The same path by the other scheme, where the domain keeps them apart.
    pub other_scheme: Option<ProbeResult>,
    /// What lies behind a redirect to another spelling of the same URL.
    pub moved: Option<RedirectObservation>,
}

/// Where a redirect within the host leads, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectObservation {
    pub to: Target,
    pub edge: ProbeResult,
    pub origin: Option<ProbeResult>,
}

/// How far a look got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeStage<'a> {
    /// The name leads nowhere.
    Name(&'a DnsError),
    Connect(&'a ConnectError),
    Tls(&'a TlsError),
    Http(&'a HttpError),
    Answer(&'a HttpResult),
    Nothing,
}

impl ProbeStage<'_> {
    #[must_use]
    pub fn of(sighting: &ProbeResult) -> ProbeStage<'_> {
        if let Some(fault) = sighting.name.as_ref().and_then(|name| name.fault.as_ref()) {
            return ProbeStage::Name(fault);
        }
        match (&sighting.connect, &sighting.tls, &sighting.http) {
            (Some(Err(fault)), ..) => ProbeStage::Connect(fault),
            (_, Some(Err(fault)), _) => ProbeStage::Tls(fault),
            (_, _, Some(Err(fault))) => ProbeStage::Http(fault),
            (_, _, Some(Ok(look))) => ProbeStage::Answer(look),
            _ => ProbeStage::Nothing,
        }
    }
}

/// Whether the edge serves what the origin serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    Fresh(String),
    /// A copy that is not what the origin serves.
    Old(String),
    /// Fetched just now, and still not what the origin serves to us.
    Unlike(String),
    Unknown(String),
}

/// The failure that stands between the request and its success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRefusal {
    pub failure: Failure,
    pub cause: CauseId,
}

impl Evidence {
    #[must_use]
    pub fn facts(&self) -> Option<&DomainFacts> {
        match &self.case.circumstances.domain {
            KnownDomainState::Facts(facts) => Some(facts),
            KnownDomainState::NotYet | KnownDomainState::Failed(_) | KnownDomainState::NoSuchDomain => None,
        }
    }

    #[must_use]
    pub fn request(&self) -> Option<&JobContext> {
        self.case.request.as_ref()
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.case.target.host()
    }

    /// Not final, or never asked for: something that holds it up now still matters.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.request().is_none_or(|request| !request.state.is_final())
    }

    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.request().is_some_and(|request| request.state == ItemState::Succeeded)
    }

    #[must_use]
    pub fn refusal(&self) -> Option<CallRefusal> {
        let request = self.request();
        if self.succeeded() {
            return None;
        }
        let of_request = request.and_then(|request| match &request.failure {
            Some(failure) if failure.class == ErrorClass::PurgeFailed => first_of(request),
            failure => failure.clone(),
        });
        let account = self.case.circumstances.account.as_ref().filter(|_| self.is_open());
        let of_account = || account.and_then(|account| account.paused.clone());
        let failure = of_request.or_else(of_account).or_else(|| self.unread_quota().cloned())?;
        Some(CallRefusal { cause: self.guide.cause(&failure), failure })
    }

    /// Why the day quota could not be read, if the request waits for that.
    #[must_use]
    pub fn unread_quota(&self) -> Option<&Failure> {
        let account = self.case.circumstances.account.as_ref().filter(|_| self.is_open())?;
        let operation = self.request().map_or(ItemOperation::Purge, |request| request.operation);
        account.unread_quotas.iter().find(|(of, _)| *of == operation).map(|(_, failure)| failure)
    }

    /// The refusal, if it stands for one of `causes`.
    #[must_use]
    pub fn refused_for(&self, causes: &[CauseId]) -> Option<Failure> {
        self.refusal().filter(|refusal| causes.contains(&refusal.cause)).map(|refusal| refusal.failure)
    }

    #[must_use]
    pub fn edge_answer(&self) -> Option<&HttpResult> {
        answer(self.edge.as_ref().ok()?)
    }

    pub fn origin_answers(&self) -> impl Iterator<Item = &HttpResult> {
        self.origins.iter().flatten().filter_map(answer)
    }

    #[must_use]
    pub fn source(&self, look: &HttpResult) -> CacheLookup {
        CacheLookup::of(look.header(self.guide.lookup).as_deref())
    }

    /// Whether the CDN has just shown that it reaches the origin.
    #[must_use]
    pub fn pull_works(&self) -> bool {
        let control = self.control.as_ref().and_then(answer);
        let looks = [self.edge_answer(), control];
        looks.into_iter().flatten().any(|look| look.status < 300 && self.source(look) == CacheLookup::Miss)
    }

    /// Whether the origin answered the same request twice and differently.
    #[must_use]
    pub fn origin_changes_by_itself(&self) -> bool {
        self.origin_again.as_ref().is_some_and(|again| self.differs_from_origin(again))
    }

    /// The first answer of the origin that was asked once more.
    #[must_use]
    pub fn origin_asked_again(&self) -> Option<&ProbeResult> {
        let again = self.origin_again.as_ref()?;
        self.origins.iter().flatten().find(|origin| origin.ask == again.ask)
    }

    /// Whether a further answer of an origin is not its first one.
    #[must_use]
    pub fn differs_from_origin(&self, again: &ProbeResult) -> bool {
        let first = self.origins.iter().flatten().find(|origin| origin.ask == again.ask);
        let (Some(again), Some(first)) = (answer(again), first.and_then(answer)) else { return false };
        matches!(compare(again, first), Some(Err(_)))
    }

    /// Whether the edge serves a stored error while the origin is well.
    #[must_use]
    pub fn keeps_error(&self) -> bool {
        let is_stored = |edge: &HttpResult| edge.status >= 500 && self.source(edge) == CacheLookup::Hit;
        self.edge_answer().is_some_and(is_stored) && self.origin_answers().any(|origin| origin.status < 500)
    }

    /// Of all edges: old if one is.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        let first = self.freshness_of_first();
        match self.old_at_other_edge() {
            Some(what) if !matches!(first, Freshness::Old(_)) => Freshness::Old(what),
            _ => first,
        }
    }

    /// Where and how another edge than the first is old.
    #[must_use]
    pub fn old_at_other_edge(&self) -> Option<String> {
        self.other_edges.iter().find_map(|edge| {
            let result = answer(edge)?;
            let origins = self.origin_answers().filter(|origin| is_content(origin, result));
            match self.compared(&self.case.target, edge, origins) {
                Freshness::Old(what) => {
                    let address = edge.address.map(|address| address.to_string()).unwrap_or_default();
                    Some(format!("at the edge {address}: {what}"))
                }
                _ => None,
            }
        })
    }

    pub(super) fn freshness_of_first(&self) -> Freshness {
        if let Some(RedirectObservation { to, edge, origin: Some(origin) }) = &self.moved
            && let (Some(_), Some(origin)) = (answer(edge), answer(origin))
        {
            return self.compared(to, edge, std::iter::once(origin));
        }
        let (Some(edge), Ok(probe)) = (self.edge_answer(), &self.edge) else {
            return Freshness::Unknown("the edge gave no answer to compare".to_owned());
        };
        let own = self.guide.edge_status(edge.status);
        let is_copy = self.source(edge) == CacheLookup::Hit;
        if own.is_some() && !is_copy && !self.origin_answers().any(|origin| origin.status == edge.status) {
            return Freshness::Unknown(format!("the edge answers {}, which is no content to compare", edge.status));
        }
        let mut comparable = self.origin_answers().filter(|origin| is_content(origin, edge)).peekable();
        if comparable.peek().is_none() {
            return self.by_age();
        }
        self.compared(&self.case.target, probe, comparable)
    }

    /// By the judge that the verifier asks too: a diagnosis does not contradict the verdict about the same answers.
    fn compared<'a>(
        &self,
        target: &Target,
        probe: &ProbeResult,
        origins: impl Iterator<Item = &'a HttpResult>,
    ) -> Freshness {
        let Some(edge) = answer(probe) else {
            return Freshness::Unknown("the edge gave no answer to compare".to_owned());
        };
        let observation = |result: &HttpResult| result.observation(self.guide.lookup, self.guide.log_id);
        let again = self.origin_again.as_ref().and_then(answer).map(observation);
        let asked_again = self.origin_asked_again().and_then(answer);
        let finished = self.request().and_then(|request| request.finished_at).filter(|_| self.succeeded());
        let ended = finished.map(|finished| probe.at.since(finished));
        let (mut differs, mut unclear) = (None, None);
        for origin in origins {
            let is_asked_again = asked_again.is_some_and(|first| std::ptr::eq(first, origin));
            let origin_again = again.as_ref().filter(|_| is_asked_again).map_or(SecondProbe::None, SecondProbe::Answer);
            let context = ComparisonContext { target, origin_again, prefetched: false, ended };
            let verdict = judge(context, &observation(edge), &observation(origin));
            let in_detail = compare(edge, origin);
            match (verdict.verification, in_detail) {
                (Verification::Fresh, Some(Ok(what))) => return Freshness::Fresh(what),
                (Verification::Fresh, _) => return Freshness::Fresh(verdict.reason),
                (Verification::Stale, Some(Err(what))) => differs = differs.or(Some(what)),
                (Verification::Stale, _) => differs = differs.or(Some(verdict.reason)),
                _ => unclear = unclear.or(Some(verdict.reason)),
            }
        }
        let Some(what) = differs else {
            return Freshness::Unknown(unclear.unwrap_or_else(|| "there is nothing to compare".to_owned()));
        };
        let control = self.control.as_ref().and_then(answer).filter(|control| self.source(control) != CacheLookup::Hit);
        let pulled_alike = control.is_some_and(|control| matches!(compare(edge, control), Some(Ok(_))));
        if self.source(edge) == CacheLookup::Miss || pulled_alike {
            return Freshness::Unlike(what);
        }
        Freshness::Old(what)
    }

    /// Without an origin to compare with, the copy's age against the refresh's end says something.
    fn by_age(&self) -> Freshness {
        let finished = self.request().and_then(|request| request.finished_at).filter(|_| self.succeeded());
        match (self.copied_at(), finished) {
            (Some(copied), Some(finished)) if copied + Duration::from_secs(60) < finished => {
                Freshness::Old("its copy is older than the refresh (Age)".to_owned())
            }
            (Some(copied), Some(finished)) if copied > finished => {
                Freshness::Fresh("its copy was made after the refresh (Age)".to_owned())
            }
            _ => Freshness::Unknown("the origin gave no content to compare with".to_owned()),
        }
    }

    /// When the origin's content was last changed, by its own word.
    #[must_use]
    pub fn origin_changed_at(&self) -> Option<Timestamp> {
        self.origin_answers().find_map(|look| http_date(&look.header("last-modified")?))
    }
}

/// An origin that fails, or that refuses refreshd what it gives the CDN, shows nothing of its content.
fn is_content(origin: &HttpResult, edge: &HttpResult) -> bool {
    let refused = [401, 403, 407, 429, 451].contains(&origin.status) && origin.status != edge.status;
    origin.status < 500 && !refused
}

/// A job's purge that failed shows in its counts only; the most frequent of its failures stands for it.
fn first_of(request: &JobContext) -> Option<Failure> {
    let others = request.failures.iter().filter(|(class, ..)| *class != ErrorClass::PurgeFailed);
    let (class, code, _) = others.max_by_key(|(.., count)| *count)?;
    Some(Failure::new(*class, code.clone(), "said of the purge that went before"))
}

#[must_use]
pub fn answer(sighting: &ProbeResult) -> Option<&HttpResult> {
    sighting.http.as_ref()?.as_ref().ok()
}

/// `Ok`: the same, by what. `Err`: not the same. `None`: there is nothing to tell by.
#[must_use]
pub fn compare(edge: &HttpResult, origin: &HttpResult) -> Option<Result<String, String>> {
    if edge.status != origin.status {
        return Some(Err(format!("the edge answers {}, the origin {}", edge.status, origin.status)));
    }
    if edge.header("content-encoding") == origin.header("content-encoding")
        && let (Some(one), Some(other)) = (edge.body_sha256, origin.body_sha256)
    {
        let differs = || match (edge.body_bytes, origin.body_bytes) {
            (one, other) if one != other => format!("{one} bytes at the edge, {other} at the origin"),
            (bytes, _) => format!("{bytes} bytes at both, and not the same ones"),
        };
        return Some(if one == other { Ok(format!("the same {} bytes", edge.body_bytes)) } else { Err(differs()) });
    }
    let weak = |look: &HttpResult, name| look.header(name).map(|tag| tag.trim_start_matches("W/").to_owned());
    for (name, title) in [("etag", "ETag"), ("last-modified", "Last-Modified"), ("content-length", "Content-Length")] {
        if let (Some(one), Some(other)) = (weak(edge, name), weak(origin, name)) {
            match one == other {
                true if name == "content-length" => return None,
                true => return Some(Ok(format!("the same {title}"))),
                false => return Some(Err(format!("{title} {one} at the edge, {other} at the origin"))),
            }
        }
    }
    None
}

//! What explains the trouble: causes over checks, most likely first. A cause that explains another stands before it; what
//! speaks against a cause is named with it.

use super::checks::{answers_as_ours, is_row, leads_back};
use super::evidence::{Evidence, Freshness, ProbeStage};
use crate::domain::CauseId::{
    AccountSuspended, BadCredentials, BadSignature, ClockSkew, DomainOffline, EdgeStale, EdgeTls, EdgeUnreachable,
    HeldBack, LastModifiedUnchanged, MovedToEdgeone, NoPermission, NotCacheable, NotOnCdn, OriginDns, OriginHttp,
    OriginStale, OriginTcp, OriginTls, ProviderFailed, ProviderSlow, QuotaSpent, Throttled, WrongCacheKey,
    WrongRequest,
};
use crate::domain::{Cause, CauseId, Check, CheckId, CheckResult, Confidence, ItemState};

/// Among equally sure causes the one that lies nearer to the root stands first.
const FROM_THE_ROOT: &[CauseId] = &[
    AccountSuspended,
    BadCredentials,
    ClockSkew,
    BadSignature,
    NoPermission,
    MovedToEdgeone,
    DomainOffline,
    NotOnCdn,
    WrongRequest,
    QuotaSpent,
    HeldBack,
    Throttled,
    OriginDns,
    OriginTcp,
    OriginTls,
    OriginHttp,
    LastModifiedUnchanged,
    WrongCacheKey,
    NotCacheable,
    OriginStale,
    EdgeTls,
    EdgeUnreachable,
    ProviderFailed,
    ProviderSlow,
    EdgeStale,
];
const ORIGIN: [CauseId; 4] = [OriginDns, OriginTcp, OriginTls, OriginHttp];

/// The causes, most likely first. None: nothing is wrong as far as could be seen.
#[must_use]
pub fn rank(evidence: &Evidence, checks: &[Check]) -> Vec<Cause> {
    let mut causes = Vec::new();
    for check in checks {
        match (check.cause, check.result) {
            (Some(cause), CheckResult::Fail) => add(&mut causes, evidence, check, cause, check.confidence),
            (Some(cause), CheckResult::Warn) => {
                if let Some(confidence) = hint(evidence, check.id, cause) {
                    add(&mut causes, evidence, check, cause, confidence);
                }
            }
            _ => {}
        }
    }
    if causes.is_empty() {
        causes.extend(last_resort(evidence, checks));
    }
    absorb(&mut causes, evidence);
    for cause in &mut causes {
        contradict(cause, evidence, checks);
    }
    explain(&mut causes, evidence);
    let refusal = evidence.refusal().map(|refusal| refusal.cause);
    let root = |id: CauseId| FROM_THE_ROOT.iter().position(|cause_id| *cause_id == id);
    causes.sort_by_key(|cause| (std::cmp::Reverse(cause.confidence), Some(cause.id) != refusal, root(cause.id)));
    causes
}

fn add(causes: &mut Vec<Cause>, evidence: &Evidence, check: &Check, id: CauseId, confidence: Confidence) {
    let action = check.action.clone().unwrap_or_else(|| "See the checks below.".to_owned());
    match causes.iter_mut().find(|cause| cause.id == id) {
        Some(cause) => {
            cause.checks.push(check.id);
            if confidence > cause.confidence {
                (cause.confidence, cause.action) = (confidence, action);
            }
        }
        None => causes.push(Cause {
            id,
            confidence,
            summary: summary(id, evidence.host()),
            action,
            checks: vec![check.id],
            against: Vec::new(),
        }),
    }
}

/// How likely a mere warning is the cause, given the trouble there is. `None`: it explains none of it.
fn hint(evidence: &Evidence, check: CheckId, cause: CauseId) -> Option<Confidence> {
    let state = evidence.request().map(|request| request.state);
    let failed = matches!(state, Some(ItemState::Failed | ItemState::Expired));
    let pending = state == Some(ItemState::Pending);
    let stale = matches!(evidence.freshness(), Freshness::Old(_));
    let done = evidence.succeeded();
    use Confidence::{Likely, Possible};
    match (cause, check) {
        (WrongCacheKey, _) if stale && done => Some(Likely),
        (WrongCacheKey, _) if stale => Some(Possible),
        (WrongRequest, CheckId::Area) if stale && done => Some(Likely),
        (WrongRequest, CheckId::Area) if done => Some(Possible),
        (QuotaSpent, _) if pending => Some(Likely),
        // It waited until its deadline, and what it needed is used up: the wait itself may have had another reason.
        (QuotaSpent, _) if state == Some(ItemState::Expired) => Some(Likely),
        (ClockSkew | Throttled, _) if failed || pending => Some(Possible),
        (ProviderSlow, CheckId::Provider) => Some(Possible),
        (ProviderSlow | DomainOffline | OriginTls, _) if failed => Some(Possible),
        (OriginHttp, _) if failed || stale => Some(Possible),
        (EdgeStale, _) if done => Some(Possible),
        _ => None,
    }
}

/// Everything is green and somebody still asks: content that is old at its source is all that is left.
fn last_resort(evidence: &Evidence, checks: &[Check]) -> Option<Cause> {
    let check =
        checks.iter().find(|check| check.id == CheckId::OriginFreshness && check.result == CheckResult::Warn)?;
    let mut causes = Vec::new();
    add(&mut causes, evidence, check, check.cause?, Confidence::Possible);
    causes.pop()
}

/// "The origin failed", said by the CDN, is the same fault as the one that was seen at the origin itself, if that is one
/// that leaves no HTTP answer.
fn absorb(causes: &mut Vec<Cause>, evidence: &Evidence) {
    let seen_itself = evidence.origins.iter().flatten().any(|origin| match ProbeStage::of(origin) {
        ProbeStage::Http(_) => true,
        ProbeStage::Answer(look) => look.status >= 400,
        _ => false,
    });
    let exact = evidence.edge_answer().and_then(|look| evidence.guide.edge_status(look.status));
    if seen_itself || exact.is_some_and(|own| own.exact && own.cause == Some(OriginHttp)) {
        return;
    }
    let at_origin = [CheckId::OriginName, CheckId::OriginConnect, CheckId::OriginCertificate];
    let specific = causes.iter().position(|cause| {
        ORIGIN.contains(&cause.id)
            && cause.id != OriginHttp
            && cause.checks.iter().any(|check| at_origin.contains(check))
    });
    let rough = causes.iter().position(|cause| cause.id == OriginHttp);
    if let (Some(specific), Some(rough)) = (specific, rough) {
        let ids = causes[rough].checks.clone();
        causes[specific].checks.extend(ids);
        causes[specific].confidence = causes[specific].confidence.max(Confidence::Likely);
        causes.remove(rough);
    }
}

/// Notes what speaks against the cause, and believes it less.
fn contradict(cause: &mut Cause, evidence: &Evidence, checks: &[Check]) {
    // Two equal redirects or errors are no content that the CDN got.
    let content = evidence.edge_answer().is_some_and(|look| look.status < 300);
    let fresh = content && matches!(evidence.freshness(), Freshness::Fresh(_));
    let result = |id: CheckId| checks.iter().find(|check| check.id == id).map(|check| check.result);
    let told_by_edge = cause.checks == [CheckId::EdgeAnswer];
    let own_look = match cause.id {
        OriginDns => Some(CheckId::OriginName),
        OriginTcp => Some(CheckId::OriginConnect),
        OriginTls => Some(CheckId::OriginCertificate),
        OriginHttp => Some(CheckId::OriginAnswer),
        _ => None,
    };
    if told_by_edge && own_look.is_some_and(|id| result(id) == Some(CheckResult::Ok)) {
        cause.against.extend(own_look);
    }
    let confirmed = cause.checks.contains(&CheckId::EdgeAnswer) || evidence.refusal().is_some();
    if ORIGIN.contains(&cause.id) && !confirmed {
        if evidence.pull_works() {
            cause.against.push(CheckId::EdgeAnswer);
        } else if fresh {
            cause.against.push(CheckId::EdgeFreshness);
        }
        if !cause.against.is_empty() {
            cause.confidence = Confidence::Possible;
        }
    }
    if cause.id == NotOnCdn && cause.checks == [CheckId::Cname] && answers_as_ours(evidence) {
        cause.against.push(CheckId::EdgeAnswer);
        cause.confidence = Confidence::Possible;
    }
    if matches!(cause.id, ProviderFailed | ProviderSlow) && fresh {
        cause.against.push(CheckId::EdgeFreshness);
    }
}

/// What another cause explains is no cause of its own as long as that one stands.
fn explain(causes: &mut [Cause], evidence: &Evidence) {
    let roots: Vec<CauseId> =
        causes.iter().filter(|cause| cause.confidence >= Confidence::Likely).map(|cause| cause.id).collect();
    for cause in causes.iter_mut() {
        if roots.iter().any(|root| explains(*root, cause.id, evidence)) {
            cause.confidence = Confidence::Possible;
        }
    }
}

fn explains(root: CauseId, symptom: CauseId, evidence: &Evidence) -> bool {
    // A task that failed without a reason has one somewhere; an API that fails has its own.
    let row = || evidence.refusal().is_some_and(|refusal| is_row(&refusal.failure));
    // What an origin that is the CDN itself answers is the CDN's own.
    let circle = || evidence.origins.iter().flatten().any(|origin| leads_back(evidence, origin));
    match (root, symptom) {
        (root, symptom) if root == symptom => false,
        (OriginDns, OriginHttp) if circle() => true,
        // Whatever else is wrong, an old copy is what it looks like.
        (_, EdgeStale) => true,
        (MovedToEdgeone, NotOnCdn | DomainOffline) => true,
        (AccountSuspended, DomainOffline) => true,
        (ClockSkew, BadSignature) => true,
        // What may not be read seems to take for ever.
        (NoPermission, ProviderSlow) => true,
        (DomainOffline, NotOnCdn | OriginHttp) => true,
        (
            MovedToEdgeone | DomainOffline | NotOnCdn,
            EdgeTls | EdgeUnreachable | OriginStale | LastModifiedUnchanged,
        ) => true,
        (OriginDns | OriginTcp | OriginTls | OriginHttp | DomainOffline, ProviderFailed) => row(),
        (OriginDns | OriginTcp | OriginTls | OriginHttp, ProviderSlow) => true,
        (WrongCacheKey | WrongRequest, OriginStale) => true,
        _ => false,
    }
}

/// For a reader who does not know CDNs.
fn summary(id: CauseId, host: &str) -> String {
    match id {
        WrongRequest => {
            "The request did not name what has to be refreshed, or not in a way that refreshes it.".to_owned()
        }
        NoPermission => format!("The account's key is not allowed to refresh {host}."),
        BadCredentials => "The provider does not accept the account's key.".to_owned(),
        QuotaSpent => "The day's allowance of refreshes at the provider is used up.".to_owned(),
        ClockSkew => "This machine's clock is wrong, and the provider refuses calls with a wrong time.".to_owned(),
        BadSignature => "The provider could not verify the call's signature: the secret key does not fit.".to_owned(),
        AccountSuspended => "The provider has suspended the account.".to_owned(),
        NotOnCdn => {
            format!(
                "Visitors of {host} are not served by this CDN account, so refreshing there changes nothing for them."
            )
        }
        DomainOffline => format!("{host} is switched off at the CDN."),
        MovedToEdgeone => format!("{host} has moved from the CDN to EdgeOne, where it has to be refreshed now."),
        OriginDns => "The CDN cannot find the origin: its name does not resolve as it should.".to_owned(),
        OriginTcp => "The CDN cannot connect to the origin.".to_owned(),
        OriginTls => "The CDN cannot trust the origin: its certificate or TLS is broken.".to_owned(),
        OriginHttp => "The origin does not give the CDN the content: it answers with an error.".to_owned(),
        OriginStale => "The origin itself serves old or differing content; the CDN only repeats it.".to_owned(),
        WrongCacheKey => "The refresh named another object than the one that visitors get.".to_owned(),
        NotCacheable => "The CDN does not keep this content, so there is nothing to purge or prefetch.".to_owned(),
        EdgeUnreachable => "The CDN's edge does not answer.".to_owned(),
        EdgeTls => format!("The CDN's edge has no valid certificate for {host}."),
        EdgeStale => "The CDN's edge still serves an old copy.".to_owned(),
        LastModifiedUnchanged => {
            "The content changed but its date did not, and this kind of purge looks at the date only.".to_owned()
        }
        Throttled => "The provider limits how often it may be called, and the limit was reached.".to_owned(),
        ProviderFailed => "The provider failed to do what it was asked.".to_owned(),
        ProviderSlow => "The provider has not finished yet.".to_owned(),
        HeldBack => "The request was held back before it reached the provider.".to_owned(),
    }
}

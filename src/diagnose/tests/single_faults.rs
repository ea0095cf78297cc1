//! Faults of request, account and provider: each cause by at least two that bring it about.

use super::fixtures::*;
use crate::diagnose::{Evidence, KnownDomainState};
use crate::domain::CauseId::*;
use crate::domain::{
    Area, CauseId, ErrorClass, Failure, ItemOperation, ItemState, Operation, Target, TargetKind, WaitingReason,
};
use crate::probe::{CertificateError, DnsError};
use crate::provider::{DisableReason, DomainStatus, ServedArea};

/// What it is, and how it comes about.
pub(super) type EvidenceSetup = (&'static str, fn(&mut Evidence));
/// The same with the cause that has to be named.
pub(super) type SingleFault = (&'static str, CauseId, fn(&mut Evidence));

/// What the account, the request and the provider can have.
pub(super) const BEFORE_THE_EDGE: &[SingleFault] = &[
    ("the URL is refused", WrongRequest, |e| refused(e, ErrorClass::BadTarget, "InvalidParameter.CdnParamError")),
    ("a wildcard host", WrongRequest, |e| {
        refused(e, ErrorClass::BadTarget, "InvalidParameter.CdnPurgeWildcardNotAllowed");
    }),
    ("a prefetch alone over an old copy", WrongRequest, |e| {
        stale(e);
        let request = job_context(e);
        (request.input, request.operation) = (Operation::Prefetch, ItemOperation::Prefetch);
    }),
    ("a directory purged as a URL", WrongRequest, |e| {
        e.case.target = url("https://www.example.com/img/");
        e.origins = Ok(vec![origin(404, 9)]);
        e.edge = Ok(edge(404, 9));
    }),
    ("a file purged as a directory", WrongRequest, |e| {
        e.case.target = Target::parse(TargetKind::Directory, "https://www.example.com/app.js/").expect("a directory");
        e.origins = Ok(vec![origin(404, 9)]);
        e.edge = Ok(edge(404, 9));
        job_context(e).kind = TargetKind::Directory;
    }),
    ("only one area of a global domain", WrongRequest, |e| {
        stale(e);
        job_context(e).area = Some(Area::Mainland);
    }),
    ("one area of a global domain, seen from the other", WrongRequest, |e| job_context(e).area = Some(Area::Overseas)),
    ("an area that the domain is not served in", WrongRequest, |e| {
        refused(e, ErrorClass::BadTarget, "InvalidParameter.CdnParamError");
        job_context(e).area = Some(Area::Overseas);
        domain_facts(e).area = Some(ServedArea::Mainland);
    }),
    ("no route for the host", WrongRequest, |e| {
        e.case.request = None;
        e.case.circumstances.account = None;
        e.case.circumstances.pools.clear();
        e.case.circumstances.domain = KnownDomainState::NotYet;
        stale(e);
    }),
    ("no policy for the action", NoPermission, |e| {
        refused(e, ErrorClass::Permission, "UnauthorizedOperation.CdnCamUnauthorized");
    }),
    ("no policy to read the day quota, without which nothing goes", NoPermission, |e| {
        unread(e, ErrorClass::Permission, "UnauthorizedOperation.CdnCamUnauthorized");
    }),
    ("a key that was wrong from the start", BadCredentials, |e| {
        unread(e, ErrorClass::Auth, "AuthFailure.SecretIdNotFound");
    }),
    ("no policy for the domain, parked", NoPermission, |e| {
        waits(e, WaitingReason::HostParked);
        job_context(e).failure =
            Some(Failure::new(ErrorClass::Permission, "UnauthorizedOperation.CdnHostUnauthorized", "no"));
    }),
    ("one action refused", NoPermission, |e| {
        waits(e, WaitingReason::AccountPaused);
        let failure = Failure::new(ErrorClass::Permission, "UnauthorizedOperation.CdnCamUnauthorized", "no");
        account(e).refused_actions.push(("PurgeUrlsCache".to_owned(), failure));
    }),
    ("an unknown key pauses the account", BadCredentials, |e| {
        waits(e, WaitingReason::AccountPaused);
        account(e).paused = Some(Failure::new(ErrorClass::Auth, "AuthFailure.SecretIdNotFound", "no such key"));
    }),
    ("an expired role", BadCredentials, |e| refused(e, ErrorClass::Auth, "AuthFailure.TokenFailure")),
    ("a bad key, and nothing was asked for", BadCredentials, |e| {
        e.case.request = None;
        account(e).paused = Some(Failure::new(ErrorClass::Auth, "AuthFailure.SecretIdNotFound", "no such key"));
    }),
    ("the quota is spent by others", QuotaSpent, |e| {
        waits(e, WaitingReason::DayQuota);
        (e.case.circumstances.pools[0].available, e.case.circumstances.pools[0].ours) = (0, 12);
    }),
    ("only the reserve is left", QuotaSpent, |e| {
        waits(e, WaitingReason::DayQuota);
        e.case.circumstances.pools[0].available = 400;
    }),
    ("it expired for want of quota", QuotaSpent, |e| {
        refused(e, ErrorClass::Quota, "LimitExceeded.CdnPurgeUrlExceedDayLimit");
        job_context(e).state = ItemState::Expired;
    }),
    ("the clock is an hour slow", ClockSkew, |e| {
        waits(e, WaitingReason::AccountPaused);
        account(e).skew_millis = Some(3_600_000);
        account(e).paused = Some(Failure::new(ErrorClass::Clock, "AuthFailure.SignatureExpire", "expired"));
    }),
    ("a wrong signature on a wrong day", ClockSkew, |e| {
        refused(e, ErrorClass::Auth, "AuthFailure.SignatureFailure");
        account(e).skew_millis = Some(-90_000_000);
    }),
    ("a wrong secret key", BadSignature, |e| {
        waits(e, WaitingReason::AccountPaused);
        account(e).paused = Some(Failure::new(ErrorClass::Auth, "AuthFailure.SignatureFailure", "does not match"));
    }),
    ("a wrong signature by a good clock", BadSignature, |e| {
        refused(e, ErrorClass::Auth, "AuthFailure.SignatureFailure");
    }),
    ("arrears", AccountSuspended, |e| {
        waits(e, WaitingReason::AccountPaused);
        account(e).paused =
            Some(Failure::new(ErrorClass::DomainState, "UnauthorizedOperation.CdnUserIsSuspended", "suspended"));
    }),
    ("an isolated account with its domain off", AccountSuspended, |e| {
        refused(e, ErrorClass::DomainState, "UnauthorizedOperation.CdnUserIsIsolated");
        domain_facts(e).status = Some(DomainStatus::Offline);
    }),
    ("the account has no such domain", NotOnCdn, |e| {
        refused(e, ErrorClass::BadTarget, "ResourceNotFound.CdnHostNotExists");
        e.case.circumstances.domain = KnownDomainState::NoSuchDomain;
        e.name = Ok(names(&[], &[ORIGIN]));
    }),
    ("refused as unknown, before the domains were read", NotOnCdn, |e| {
        refused(e, ErrorClass::BadTarget, "ResourceNotFound.CdnHostNotExists");
        e.case.circumstances.domain = KnownDomainState::NotYet;
    }),
    ("DNS leads straight to the origin", NotOnCdn, |e| {
        e.name = Ok(names(&[], &[ORIGIN]));
        e.edge = Ok(origin(200, 2));
    }),
    ("DNS leads to another CDN, which is old and has another certificate", NotOnCdn, |e| {
        stale(e);
        e.name = Ok(names(&["d1.cloudfront.net"], &[ORIGIN]));
        let mut foreign = distrusted(origin(200, 1), CertificateError::WrongName);
        foreign.ask.user_agent = None;
        e.edge = Ok(foreign);
    }),
    ("the name is gone", NotOnCdn, |e| {
        e.name = Ok(nameless(DnsError::NoSuchName));
        e.edge = Ok(unnamed(edge(200, 2), DnsError::NoSuchName));
    }),
    ("DNS leads elsewhere while looks go to a configured edge", NotOnCdn, |e| {
        e.case.edge = Some("127.0.0.1:8443".parse().expect("an address"));
        e.name = Ok(names(&["old-host.example.net"], &["9.9.9.9".parse().expect("an address")]));
    }),
    ("switched off", DomainOffline, |e| {
        refused(e, ErrorClass::DomainState, "ResourceUnavailable.CdnHostIsNotOnline");
        domain_facts(e).status = Some(DomainStatus::Offline);
        edge_says(e, 404);
    }),
    ("switched off for its bill, with its DNS empty", DomainOffline, |e| {
        waits(e, WaitingReason::HostParked);
        domain_facts(e).status = Some(DomainStatus::Offline);
        domain_facts(e).disabled = Some(DisableReason::Overdue);
        e.name = Ok(nameless(DnsError::NoAddress));
        e.edge = Ok(unnamed(edge(200, 2), DnsError::NoAddress));
    }),
    ("refused as offline, before the domains were read", DomainOffline, |e| {
        refused(e, ErrorClass::DomainState, "InvalidParameter.CdnHostInvalidStatus");
        e.case.circumstances.domain = KnownDomainState::NotYet;
    }),
    ("its licence was withdrawn", DomainOffline, |e| {
        domain_facts(e).status = Some(DomainStatus::Rejected);
        edge_says(e, 403);
    }),
    ("refused as moved", MovedToEdgeone, |e| {
        refused(e, ErrorClass::BadTarget, "InvalidParameter.CdnHostExistsInEdgeOne");
    }),
    ("moved while nobody told refreshd", MovedToEdgeone, |e| {
        stale(e);
        e.case.circumstances.domain = KnownDomainState::NoSuchDomain;
        e.name = Ok(names(&["www.example.com.eo.dnse3.com"], &[ORIGIN]));
    }),
    ("DNS leads to EdgeOne already", MovedToEdgeone, |e| {
        stale(e);
        e.name = Ok(names(&["www.example.com.eo.dnse1.com"], &[ORIGIN]));
    }),
    ("the account is being moved", MovedToEdgeone, |e| {
        waits(e, WaitingReason::AccountPaused);
        account(e).paused = Some(Failure::new(ErrorClass::DomainState, "OperationDenied.UserMigrating", "migrating"));
    }),
    ("too many calls", Throttled, |e| waits(e, WaitingReason::Throttled)),
    ("its failure says throttled", Throttled, |e| {
        waits(e, WaitingReason::Backoff);
        job_context(e).failure = Some(Failure::new(ErrorClass::Throttle, "RequestLimitExceeded", "too many"));
    }),
    ("the API fails", ProviderFailed, |e| {
        waits(e, WaitingReason::Outage);
        job_context(e).failure = Some(Failure::new(ErrorClass::Outage, "InternalError.CdnSystemError", "oops"));
    }),
    ("a row failed and all else is well", ProviderFailed, |e| refused(e, ErrorClass::Outage, "fail")),
    ("the answer was lost", ProviderFailed, |e| waits(e, WaitingReason::Reconciling)),
    ("the task ran out of time", ProviderSlow, |e| {
        refused(e, ErrorClass::ProviderTimeout, "task_max");
        job_context(e).task_id = Some("1533".to_owned());
    }),
    ("the task runs for an hour", ProviderSlow, |e| runs(e, MINUTE * 60)),
    ("the task runs a little longer than usual", ProviderSlow, |e| runs(e, MINUTE * 8)),
    ("a person paused the lane", HeldBack, |e| waits(e, WaitingReason::LanePaused)),
    ("not before", HeldBack, |e| waits(e, WaitingReason::NotBefore)),
    ("behind another purge", HeldBack, |e| waits(e, WaitingReason::PurgeFirst)),
    ("cancelled", HeldBack, |e| {
        stale(e);
        (job_context(e).state, job_context(e).finished_at, job_context(e).task_id) =
            (ItemState::Cancelled, Some(NOW), None);
    }),
    ("expired", HeldBack, |e| {
        stale(e);
        (job_context(e).state, job_context(e).finished_at, job_context(e).task_id) =
            (ItemState::Expired, Some(NOW), None);
    }),
];

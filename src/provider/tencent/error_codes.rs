//! The provider's error codes and what remedies each: one table, read from its "Error codes" pages. Messages are never
//! parsed; only the code decides.

use tracing::warn;

use super::response::{CallError, TencentError};
use crate::domain::{ErrorClass, Failure};
use crate::provider::{ReadError, SubmitOutcome};

/// What remedies a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Fewer calls a second.
    SlowDown,
    /// The next day, or a raised quota.
    NextDay,
    /// A smaller batch.
    Split,
    /// One target is to blame, which one is not said: the rest can go without it.
    Isolate(ErrorClass),
    /// One host is not this account's, which one is not said.
    RejectHost,
    /// One host cannot be refreshed until a person has mended something, which one is not said.
    SuspendHost(ErrorClass),
    /// Nothing of this account goes until a person has mended something; the work is kept.
    PauseAccount(ErrorClass),
    /// Asking again later, unchanged.
    Retry,
}

use ErrorClass::{Auth, BadTarget, Clock, DomainState, Internal, Permission};
use Remedy::{Isolate, NextDay, PauseAccount, RejectHost, Retry, SlowDown, Split, SuspendHost};

pub(super) fn submit_outcome(error: CallError) -> SubmitOutcome {
    let refusal = match error {
        CallError::NotSent(failure) => return SubmitOutcome::NotSent(failure),
        CallError::Lost(failure) => return SubmitOutcome::Lost(failure),
        CallError::Refused(refusal) => refusal,
    };
    let (remedy, failure) = classify(refusal);
    match remedy {
        SlowDown => SubmitOutcome::Throttled(failure),
        NextDay => SubmitOutcome::QuotaSpent(failure),
        Split => SubmitOutcome::TooMany(failure),
        Isolate(_) => SubmitOutcome::TargetRefused(failure),
        RejectHost => SubmitOutcome::HostRefused(failure),
        SuspendHost(_) => SubmitOutcome::HostUnready(failure),
        PauseAccount(_) => SubmitOutcome::AccountRefused(failure),
        Retry => SubmitOutcome::Outage(failure),
    }
}

pub(super) fn read_error(error: CallError) -> ReadError {
    let refusal = match error {
        CallError::NotSent(failure) => return ReadError::Failed(failure),
        // A lost read is no mystery to be settled: nothing was changed, it is simply asked again.
        CallError::Lost(failure) => return ReadError::Failed(Failure { class: ErrorClass::Outage, ..failure }),
        CallError::Refused(refusal) => refusal,
    };
    match classify(refusal) {
        (SlowDown, failure) => ReadError::Throttled(failure),
        // A question that the provider does not understand says nothing about what the account may send.
        (PauseAccount(Internal), failure) => ReadError::Failed(failure),
        (PauseAccount(_), failure) => ReadError::AccountRefused(failure),
        (NextDay | Split | Isolate(_) | RejectHost | SuspendHost(_) | Retry, failure) => ReadError::Failed(failure),
    }
}

/// Whether the provider refused because the signature's time is off.
pub(super) fn blames_clock(refusal: &TencentError) -> bool {
    remedy(&refusal.code) == PauseAccount(Clock)
}

/// Whether the provider refused the key pair itself, so that another one may pass.
pub(super) fn blames_key(refusal: &TencentError) -> bool {
    remedy(&refusal.code) == PauseAccount(Auth)
}

fn classify(refusal: TencentError) -> (Remedy, Failure) {
    if published_remedy(&refusal.code).is_none() {
        warn!(
            code = refusal.code,
            request_id = refusal.request_id,
            "the provider answered with a code that is not in our table"
        );
    }
    let remedy = remedy(&refusal.code);
    let class = match remedy {
        SlowDown => ErrorClass::Throttle,
        NextDay => ErrorClass::Quota,
        // We sent more than was allowed: that is ours to mend, by cutting.
        Split => Internal,
        Isolate(class) | SuspendHost(class) | PauseAccount(class) => class,
        RejectHost => BadTarget,
        Retry => ErrorClass::Outage,
    };
    (remedy, refusal.failure(class))
}

fn remedy(code: &str) -> Remedy {
    published_remedy(code).unwrap_or_else(|| by_shape(code))
}

fn published_remedy(code: &str) -> Option<Remedy> {
    CODES.iter().find(|(text, _)| *text == code).map(|(_, remedy)| *remedy)
}

/// The cure of a code that is not in the table, by how it is written; the first rule that fits counts.
fn by_shape(code: &str) -> Remedy {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| code.ends_with(suffix));
    if starts(&["InternalError", "ServiceUnavailable"]) {
        Retry
    } else if starts(&["RequestLimitExceeded"]) || ends(&["TooOften"]) {
        SlowDown
    } else if ends(&["DayLimit", "DailyQuota"]) || code == "LimitExceeded" {
        NextDay
    } else if ends(&["BatchLimit", "BatchQuota"]) {
        Split
    } else if ends(&["SignatureExpire"]) {
        PauseAccount(Clock)
    } else if starts(&["AuthFailure.UnauthorizedOperation", "UnauthorizedOperation"]) {
        PauseAccount(Permission)
    } else if starts(&["AuthFailure"]) {
        PauseAccount(Auth)
    } else if starts(&["ResourceUnavailable", "OperationDenied"]) || ends(&["InvalidStatus", "NotOnline"]) {
        SuspendHost(DomainState)
    } else if starts(&["ResourceInUse", "FailedOperation"]) {
        Retry
    } else if starts(&["MissingParameter", "UnknownParameter"]) {
        PauseAccount(Internal)
    } else if starts(&["InvalidParameter", "ResourceNotFound", "Unsupported"]) {
        Isolate(BadTarget)
    } else {
        Retry
    }
}

/// Every code of the product's and of the common pages. What needs a reason has one beside it.
const CODES: &[(&str, Remedy)] = &[
    // Codes that blame the request as a whole mean that our client is wrong. Isolating targets could never cure them and
    // would fail every item, so the work is held, seen, and probed gently until a new version is installed.
    ("ActionOffline", PauseAccount(Internal)),
    ("DryRunOperation", PauseAccount(Internal)),
    ("InvalidAction", PauseAccount(Internal)),
    ("InvalidParameter.CdnStatInvalidDate", PauseAccount(Internal)),
    ("InvalidParameter.CdnStatInvalidMetric", PauseAccount(Internal)),
    ("InvalidParameter.CdnStatInvalidProjectId", PauseAccount(Internal)),
    ("InvalidRequest", PauseAccount(Internal)),
    ("MissingParameter", PauseAccount(Internal)),
    ("NoSuchProduct", PauseAccount(Internal)),
    ("NoSuchVersion", PauseAccount(Internal)),
    ("UnknownParameter", PauseAccount(Internal)),
    ("UnsupportedProtocol", PauseAccount(Internal)),
    ("UnsupportedRegion", PauseAccount(Internal)),
    // The key.
    ("AuthFailure.InvalidAuthorization", PauseAccount(Auth)),
    ("AuthFailure.InvalidSecretId", PauseAccount(Auth)),
    ("AuthFailure.MFAFailure", PauseAccount(Auth)),
    ("AuthFailure.SecretIdNotFound", PauseAccount(Auth)),
    ("AuthFailure.SignatureExpire", PauseAccount(Clock)),
    ("AuthFailure.SignatureFailure", PauseAccount(Auth)),
    ("AuthFailure.TokenFailure", PauseAccount(Auth)),
    // What the account may do. The gateway's two codes name no scope; the account is the one that loses no item.
    ("AuthFailure.UnauthorizedOperation", PauseAccount(Permission)),
    ("IpInBlacklist", PauseAccount(Permission)),
    ("IpNotInWhitelist", PauseAccount(Permission)),
    ("ResourceNotFound.CdnUserNotExists", PauseAccount(Permission)),
    ("UnauthorizedOperation", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnAccountUnauthorized", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnCamUnauthorized", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnInvalidUserStatus", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnUserAuthFail", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnUserAuthWait", PauseAccount(Permission)),
    ("UnauthorizedOperation.CdnUserNoWhitelist", PauseAccount(Permission)),
    ("UnauthorizedOperation.OpNoAuth", PauseAccount(Permission)),
    ("UnauthorizedOperation.Unknown", PauseAccount(Permission)),
    // The account's own state: suspended, in arrears, blocked, or gone to EdgeOne as a whole.
    ("OperationDenied.ProductUpgraded", PauseAccount(DomainState)),
    ("OperationDenied.UserMigrating", PauseAccount(DomainState)),
    ("ResourceUnavailable.CheckUserHighRisk", PauseAccount(DomainState)),
    ("UnauthorizedOperation.CdnUserIsIsolated", PauseAccount(DomainState)),
    ("UnauthorizedOperation.CdnUserIsSuspended", PauseAccount(DomainState)),
    // One domain is not ours to refresh; a project or a tag is a property of a domain.
    ("UnauthorizedOperation.CdnHostUnauthorized", SuspendHost(Permission)),
    ("UnauthorizedOperation.CdnProjectUnauthorized", SuspendHost(Permission)),
    ("UnauthorizedOperation.CdnTagUnauthorized", SuspendHost(Permission)),
    // One domain cannot be refreshed as it is now.
    ("InvalidParameter.CdnHostInvalidMiddleConfig", SuspendHost(DomainState)),
    ("InvalidParameter.CdnHostInvalidStatus", SuspendHost(DomainState)),
    ("OperationDenied.ProductUpdating", SuspendHost(DomainState)),
    ("ResourceUnavailable", SuspendHost(DomainState)),
    ("ResourceUnavailable.CdnHostIsLocked", SuspendHost(DomainState)),
    ("ResourceUnavailable.CdnHostIsMalicious", SuspendHost(DomainState)),
    ("ResourceUnavailable.CdnHostIsNotOnline", SuspendHost(DomainState)),
    ("ResourceUnavailable.CdnHostNoIcp", SuspendHost(DomainState)),
    ("UnauthorizedOperation.CdnDomainRecordNotVerified", SuspendHost(DomainState)),
    // One target is wrong for good.
    ("InvalidParameter", Isolate(BadTarget)),
    ("InvalidParameter.CdnHostExistsInEdgeOne", RejectHost),
    ("InvalidParameter.CdnHostInvalidParam", Isolate(BadTarget)),
    ("InvalidParameter.CdnParamError", Isolate(BadTarget)),
    ("InvalidParameter.CdnPurgeWildcardNotAllowed", Isolate(BadTarget)),
    ("InvalidParameter.CdnPushWildcardNotAllowed", Isolate(BadTarget)),
    ("InvalidParameter.CdnUrlExceedLength", Isolate(BadTarget)),
    ("InvalidParameterValue", Isolate(BadTarget)),
    ("ResourceNotFound", Isolate(BadTarget)),
    ("ResourceNotFound.CdnHostNotExists", RejectHost),
    ("UnauthorizedOperation.CdnHostIsOwnedByOther", RejectHost),
    ("UnauthorizedOperation.CdnHostIsUsedByOther", RejectHost),
    ("UnauthorizedOperation.EcdnMigratedCdn", RejectHost),
    ("UnsupportedOperation", Isolate(BadTarget)),
    // Too fast, whatever the prefix says.
    ("LimitExceeded.CdnCallingQueryIpTooOften", SlowDown),
    ("LimitExceeded.CdnHostOpTooOften", SlowDown),
    ("RequestLimitExceeded", SlowDown),
    ("RequestLimitExceeded.GlobalRegionUinLimitExceeded", SlowDown),
    ("RequestLimitExceeded.IPLimitExceeded", SlowDown),
    ("RequestLimitExceeded.UinLimitExceeded", SlowDown),
    ("UnauthorizedOperation.OperationTooOften", SlowDown),
    // The day's quota.
    ("LimitExceeded", NextDay),
    ("LimitExceeded.CdnPurgeExceedDayLimit", NextDay),
    ("LimitExceeded.CdnPurgePathExceedDayLimit", NextDay),
    ("LimitExceeded.CdnPurgeUrlExceedDayLimit", NextDay),
    ("LimitExceeded.CdnPushExceedDayLimit", NextDay),
    // Too much in one call.
    ("LimitExceeded.CdnPurgeExceedBatchLimit", Split),
    ("LimitExceeded.CdnPurgePathExceedBatchLimit", Split),
    ("LimitExceeded.CdnPurgeUrlExceedBatchLimit", Split),
    ("LimitExceeded.CdnPushExceedBatchLimit", Split),
    ("LimitExceeded.CdnQueryIpBatchTooMany", Split),
    ("RequestSizeLimitExceeded", Split),
    // The provider's own trouble, also where the prefix blames us.
    ("FailedOperation", Retry),
    ("FailedOperation.EdgeoneServiceError", Retry),
    ("InternalError", Retry),
    ("InternalError.CamSystemError", Retry),
    ("InternalError.CdnConfigError", Retry),
    ("InternalError.CdnDbError", Retry),
    ("InternalError.CdnQueryParamError", Retry),
    ("InternalError.CdnQuerySystemError", Retry),
    ("InternalError.CdnSystemError", Retry),
    ("InternalError.Error", Retry),
    ("InternalError.ProxyServer", Retry),
    ("InternalError.RouteError", Retry),
    ("InternalError.UnknownError", Retry),
    ("InvalidParameter.CdnInterfaceError", Retry),
    ("ResourceInUse", Retry),
    ("ResourceInUse.CdnOpInProgress", Retry),
    ("ResourceInsufficient", Retry),
    ("ResponseSizeLimitExceeded", Retry),
    ("ServiceUnavailable", Retry),
    ("UnauthorizedOperation.CdnUserInvalidCredential", Retry),
    ("UnauthorizedOperation.CsrfError", Retry),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn refused(code: &str) -> CallError {
        CallError::Refused(TencentError { code: code.to_owned(), message: "m".to_owned(), request_id: "r".to_owned() })
    }

    /// The variant of the submit_outcome to a submission, and the class it carries.
    fn classify(code: &str) -> String {
        let (variant, failure) = match submit_outcome(refused(code)) {
            SubmitOutcome::Throttled(failure) => ("throttled", failure),
            SubmitOutcome::QuotaSpent(failure) => ("quota", failure),
            SubmitOutcome::TooMany(failure) => ("split", failure),
            SubmitOutcome::TargetRefused(failure) => ("target", failure),
            SubmitOutcome::HostRefused(failure) | SubmitOutcome::HostUnready(failure) => ("host", failure),
            SubmitOutcome::AccountRefused(failure) => ("account", failure),
            SubmitOutcome::Outage(failure) => ("outage", failure),
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!((failure.code.as_str(), failure.request_id.as_deref()), (code, Some("r")));
        format!("{variant}/{}", failure.class)
    }

    /// The answers that fit what the fact sheet says of a code: what it blames, and its class.
    fn fitting(blames: &str, class: &str) -> &'static [&'static str] {
        match class {
            "n/a" => &["account/internal"],
            class if class.starts_with("auth") => &["account/auth"],
            "clock" => &["account/clock"],
            "throttle" => &["throttled/throttle"],
            "throttle / split" => &["throttled/throttle", "split/internal"],
            "retryable-after-quota-reset" => &["quota/quota"],
            class if class.starts_with("retryable-now after split") => &["split/internal"],
            class if class.starts_with("retryable-now") => &["outage/outage"],
            "provider-outage" => &["outage/outage"],
            "bad-target (client bug)" | "bad-target (client must change)" => &["account/internal"],
            // A bad project id blames the call as a whole, of which no target is a part.
            "bad-target" if blames == "batch" => &["account/internal"],
            class if class.starts_with("bad-target") => &["target/bad_target", "host/bad_target"],
            "domain-state (account)" => &["account/domain_state"],
            "domain-state" if blames == "item" => &["host/domain_state"],
            class if class.starts_with("domain-state") => &["host/domain_state", "account/domain_state"],
            "permission (account)" => &["account/permission"],
            "permission" if blames == "item" => &["host/permission"],
            "permission" if blames == "account" => &["account/permission"],
            "permission" => &["host/permission", "account/permission"],
            other => panic!("a class without a rule: {other}"),
        }
    }

    #[test]
    fn every_published_code_has_the_cure_that_the_fact_sheet_asks_for() {
        let published = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tencent-codes.tsv"));
        let mut codes = HashSet::new();
        for line in published.lines().filter(|line| !line.starts_with('#')) {
            let [code, blames, class] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("three columns: {line}")
            };
            assert!(published_remedy(code).is_some(), "{code} is not in the table");
            assert!(fitting(blames, class).contains(&classify(code).as_str()), "{line}: {}", classify(code));
            codes.insert(code);
        }
        assert_eq!(codes.len(), CODES.len(), "the table has each published code once, and no other");
    }

    #[test]
    fn codes_that_were_never_published_are_judged_by_their_shape() {
        for (code, expected) in [
            ("InternalError.New", "outage/outage"),
            ("ServiceUnavailable.New", "outage/outage"),
            ("RequestLimitExceeded.New", "throttled/throttle"),
            ("UnauthorizedOperation.NewTooOften", "throttled/throttle"),
            ("LimitExceeded.CdnNewExceedDayLimit", "quota/quota"),
            ("LimitExceeded.NewDailyQuota", "quota/quota"),
            ("LimitExceeded.CdnNewExceedBatchLimit", "split/internal"),
            ("InvalidParameter.NewBatchQuota", "split/internal"),
            ("New.SignatureExpire", "account/clock"),
            ("AuthFailure.UnauthorizedOperation.New", "account/permission"),
            ("UnauthorizedOperation.New", "account/permission"),
            ("AuthFailure.New", "account/auth"),
            ("ResourceUnavailable.New", "host/domain_state"),
            ("OperationDenied.New", "host/domain_state"),
            ("InvalidParameter.NewInvalidStatus", "host/domain_state"),
            ("InvalidParameter.NewNotOnline", "host/domain_state"),
            ("ResourceInUse.New", "outage/outage"),
            ("FailedOperation.New", "outage/outage"),
            ("MissingParameter.New", "account/internal"),
            ("UnknownParameter.New", "account/internal"),
            ("InvalidParameter.New", "target/bad_target"),
            ("InvalidParameterValue.New", "target/bad_target"),
            ("ResourceNotFound.New", "target/bad_target"),
            ("UnsupportedNew", "target/bad_target"),
            ("LimitExceeded.New", "outage/outage"),
            ("New", "outage/outage"),
            ("", "outage/outage"),
        ] {
            assert_eq!(classify(code), expected, "{code}");
        }
    }

    #[test]
    fn a_refused_question_holds_the_account_only_for_what_a_person_can_mend() {
        for (code, expected) in [
            ("RequestLimitExceeded", "throttled"),
            ("AuthFailure.SecretIdNotFound", "account"),
            ("AuthFailure.SignatureExpire", "account"),
            ("UnauthorizedOperation.CdnCamUnauthorized", "account"),
            ("UnknownParameter", "failed"),
            ("ResourceNotFound.CdnHostNotExists", "failed"),
            ("InternalError", "failed"),
            ("LimitExceeded", "failed"),
        ] {
            let variant = match read_error(refused(code)) {
                ReadError::Throttled(_) => "throttled",
                ReadError::AccountRefused(_) => "account",
                ReadError::Failed(_) => "failed",
            };
            assert_eq!(variant, expected, "{code}");
        }
    }
}

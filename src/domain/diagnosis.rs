//! Why a refresh failed or had no effect: what was checked, what follows from it, and what to do. Values only: `diagnose`
//! collects and checks.

use super::Timestamp;
use super::string_enum::words;

words!(
    /// A cause, as programs know it (docs/causes.md has symptom, evidence and fix of each).
    CauseId {
        WrongRequest = "wrong_request",
        NoPermission = "no_permission",
        /// The key itself is refused: unknown, disabled or expired.
        BadCredentials = "bad_credentials",
        QuotaSpent = "quota_spent",
        ClockSkew = "clock_skew",
        BadSignature = "bad_signature",
        AccountSuspended = "account_suspended",
        NotOnCdn = "not_on_cdn",
        DomainOffline = "domain_offline",
        MovedToEdgeone = "moved_to_edgeone",
        OriginDns = "origin_dns",
        OriginTcp = "origin_tcp",
        OriginTls = "origin_tls",
        OriginHttp = "origin_http",
        OriginStale = "origin_stale",
        WrongCacheKey = "wrong_cache_key",
        NotCacheable = "not_cacheable",
        EdgeUnreachable = "edge_unreachable",
        EdgeTls = "edge_tls",
        EdgeStale = "edge_stale",
        LastModifiedUnchanged = "last_modified_unchanged",
        Throttled = "throttled",
        ProviderFailed = "provider_failed",
        ProviderSlow = "provider_slow",
        /// The work waits on purpose: a paused lane, `not_before`, a purge that goes first.
        HeldBack = "held_back",
    }
);

words!(
    /// What a check found.
    CheckResult { Ok = "ok", Warn = "warn", Fail = "fail", Unknown = "unknown" }
);

words!(
    /// How sure a conclusion is: `Certain`: the party that decides says so; `Likely`: it follows from the observations;
    /// `Possible`: it is one of several explanations.
    Confidence { Possible = "possible", Likely = "likely", Certain = "certain" }
);

words!(
    /// The checks, in the order in which a person would make them.
    CheckId {
        Request = "request",
        Permission = "permission",
        Quota = "quota",
        Clock = "clock",
        Domain = "domain",
        Cname = "cname",
        Area = "area",
        OriginName = "origin_name",
        OriginConnect = "origin_connect",
        OriginCertificate = "origin_certificate",
        OriginAnswer = "origin_answer",
        OriginFreshness = "origin_freshness",
        CacheKey = "cache_key",
        Cacheability = "cacheability",
        EdgeConnect = "edge_connect",
        EdgeCertificate = "edge_certificate",
        EdgeAnswer = "edge_answer",
        EdgeFreshness = "edge_freshness",
        Limits = "limits",
        Provider = "provider",
        Waiting = "waiting",
    }
);

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub id: CheckId,
    pub result: CheckResult,
    /// The observation in one or two plain sentences, with the figures. Of an unknown check: why there is none.
    pub seen: String,
    /// What to do next, in one sentence, with the command or the console path; none if all is well.
    pub action: Option<String>,
    pub confidence: Confidence,
    /// The cause that a check suggests if it did not pass.
    pub cause: Option<CauseId>,
    /// The page of the provider's documentation, by its name.
    pub page: Option<&'static str>,
}

impl Check {
    fn new(id: CheckId, result: CheckResult, seen: impl Into<String>) -> Self {
        let (action, cause, page) = (None, None, None);
        Self { id, result, seen: seen.into(), action, confidence: Confidence::Likely, cause, page }
    }

    #[must_use]
    pub fn ok(id: CheckId, seen: impl Into<String>) -> Self {
        Self::new(id, CheckResult::Ok, seen)
    }

    /// There is no observation, `because` of this.
    #[must_use]
    pub fn unknown(id: CheckId, because: impl Into<String>) -> Self {
        Self { confidence: Confidence::Possible, ..Self::new(id, CheckResult::Unknown, because) }
    }

    #[must_use]
    pub fn warn(id: CheckId, seen: impl Into<String>) -> Self {
        Self { confidence: Confidence::Possible, ..Self::new(id, CheckResult::Warn, seen) }
    }

    #[must_use]
    pub fn fail(id: CheckId, cause: CauseId, confidence: Confidence, seen: impl Into<String>) -> Self {
        Self { cause: Some(cause), confidence, ..Self::new(id, CheckResult::Fail, seen) }
    }

    /// The cause that the check suggests if there is a failure that it explains.
    #[must_use]
    pub fn hints_at(mut self, cause: CauseId) -> Self {
        self.cause = Some(cause);
        self
    }

    #[must_use]
    pub fn act(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    #[must_use]
    pub fn page(mut self, page: &'static str) -> Self {
        self.page = Some(page);
        self
    }
}

/// What explains the failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub id: CauseId,
    pub confidence: Confidence,
    /// One plain sentence for a person who does not know CDNs.
    pub summary: String,
    pub action: String,
    /// The checks that it rests on.
    pub checks: Vec<CheckId>,
    /// The checks that speak against it.
    pub against: Vec<CheckId>,
}

/// What is diagnosed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Job(super::JobId),
    Url(super::Target),
    Host(String),
}

/// A finished diagnosis. No cause: no check found a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    pub subject: Subject,
    /// The target that was checked; of a job, the most relevant one.
    pub target: Option<super::Target>,
    /// Most likely first.
    pub causes: Vec<Cause>,
    /// In the order of `CheckId`, with those that could not be made.
    pub checks: Vec<Check>,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// The deadline ended it before all checks were made.
    pub cut_short: bool,
    /// The full evidence for the people who are asked for help, a file each.
    pub evidence: Vec<Attachment>,
}

/// One piece of evidence as a support ticket takes it: a small text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A file's name such as `edge-response.txt`: lower-case letters, digits, `-` and one dot.
    pub name: String,
    pub text: String,
}

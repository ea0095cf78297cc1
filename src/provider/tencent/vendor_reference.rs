//! Signs of trouble as the product's documents explain them, on the pages that are named below.

use std::time::Duration;

use crate::domain::CauseId::{
    self, AccountSuspended, BadSignature, DomainOffline, EdgeUnreachable, MovedToEdgeone, NoPermission, NotOnCdn,
    OriginDns, OriginHttp, OriginTcp, OriginTls, WrongRequest,
};
use crate::domain::{ItemOperation, TargetKind};
use crate::provider::{DocPages, EdgeStatus, TypicalDuration, VendorReference};

pub static VENDOR_REFERENCE: VendorReference = VendorReference {
    origin_agent: "TencentCdn",
    cname_suffixes: &[".dnsv1.com", ".tdnsv5.com", ".tdnsv6.com", ".tdnsv8.com", ".file.myqcloud.com"],
    successor_cname_suffixes: &[
        ".eo.dnse0.com",
        ".eo.dnse1.com",
        ".eo.dnse2.com",
        ".eo.dnse3.com",
        ".eo.dnse4.com",
        ".eo.dnse5.com",
        ".eo.dnse0.cn",
        ".dns.edgeone.app",
    ],
    log_id: "x-nws-log-uuid",
    lookup: "x-cache-lookup",
    edge_statuses: EDGE_STATUSES,
    codes: CODES,
    cures: CURES,
    actions: &[
        (ItemOperation::Purge, TargetKind::Url, "PurgeUrlsCache"),
        (ItemOperation::Purge, TargetKind::Directory, "PurgePathCache"),
        (ItemOperation::Prefetch, TargetKind::Url, "PushUrlsCache"),
    ],
    optional_actions: &["DescribeDomains", "DescribeDomainsConfig", "DescribeCdnIp"],
    purge: TypicalDuration { usual: Duration::from_secs(5 * 60), alarm: Duration::from_secs(30 * 60) },
    prefetch: TypicalDuration { usual: Duration::from_secs(30 * 60), alarm: Duration::from_secs(2 * 60 * 60) },
    purge_worthwhile: Duration::from_secs(5 * 60),
    pages: DocPages {
        purge: "Purge Cache",
        prefetch: "Prefetch Cache",
        permissions: "Permission Configuration",
        quota: "Quota Management",
        signature: "Signature v3",
        errors: "Error Codes",
        cname: "CNAME Configuration",
        domains: "FAQs about Domain Name Connection",
        origin: "Origin Configuration",
        cache_key: "Cache Key Rule Configuration",
        cache_rules: "Node Cache Validity Configuration",
        certificate: "FAQs about HTTPS",
        edge_statuses: "Status Codes and Solutions",
        stale: "Node Cache Inconsistency",
        successor: "Guide to Using the EdgeOne Tool for Migrating Content Delivery Network (CDN) Related Services",
    },
};

const fn exact(status: u16, cause: CauseId, meaning: &'static str) -> EdgeStatus {
    EdgeStatus { status, meaning, cause: Some(cause), exact: true }
}

const fn rough(status: u16, cause: CauseId, meaning: &'static str) -> EdgeStatus {
    EdgeStatus { status, meaning, cause: Some(cause), exact: false }
}

const fn unrelated(status: u16, meaning: &'static str) -> EdgeStatus {
    EdgeStatus { status, meaning, cause: None, exact: false }
}

const CURES: &[(&str, &str)] = &[
    (
        "IpNotInWhitelist",
        "The key may be used from some addresses only: add this machine's public address to them in the console (Access Management > API Keys), or use a key without that limit.",
    ),
    (
        "UnauthorizedOperation.CdnUserAuth",
        "Finish the account's identity verification in the console (Account Center > Identity Verification); the work is kept.",
    ),
    (
        "UnauthorizedOperation.CdnUserNoWhitelist",
        "This function is open to some accounts only: ask the provider by ticket to open it for yours.",
    ),
];

const EDGE_STATUSES: &[EdgeStatus] = &[
    unrelated(403, "access control of the domain (referer, IP list, signed URLs) or the origin refused this look"),
    exact(414, WrongRequest, "the URL is longer than the CDN takes (2 KB)"),
    exact(423, OriginHttp, "the request went round in a circle; the origin points or redirects back to the CDN"),
    rough(502, OriginHttp, "the CDN got no usable answer from the origin"),
    rough(503, OriginHttp, "the origin is overloaded, or object storage limits its rate"),
    rough(504, OriginHttp, "the origin took too long to answer the CDN"),
    exact(509, EdgeUnreachable, "the CDN blocks traffic of this domain as an attack"),
    unrelated(514, "the domain's own limit of requests per address struck this look"),
    exact(531, OriginDns, "the CDN cannot resolve the origin's name"),
    exact(532, OriginTcp, "the CDN cannot connect to the origin"),
    exact(533, OriginTcp, "the CDN's connection to the origin timed out"),
    exact(537, OriginHttp, "the origin accepted the CDN's request and sent no data in time"),
    exact(538, OriginTls, "the TLS handshake between the CDN and the origin failed"),
    exact(539, OriginTls, "the CDN does not accept the origin's certificate"),
    exact(540, OriginTls, "the origin's certificate is for another name than the CDN asks for"),
    rough(562, OriginTcp, "the CDN's HTTPS connection to the origin failed"),
    rough(563, OriginTcp, "the CDN's HTTPS connection to the origin timed out"),
    rough(564, OriginHttp, "the origin failed to answer the CDN over HTTPS"),
];

/// By the beginning of the code; the first that fits counts. Our own words for rows of a task are among them.
const CODES: &[(&str, CauseId)] = &[
    ("AuthFailure.SignatureFailure", BadSignature),
    ("AuthFailure.InvalidAuthorization", BadSignature),
    ("ResourceNotFound.CdnHostNotExists", NotOnCdn),
    ("UnauthorizedOperation.CdnHostIsOwnedByOther", NotOnCdn),
    ("UnauthorizedOperation.CdnHostIsUsedByOther", NotOnCdn),
    ("InvalidParameter.CdnHostExistsInEdgeOne", MovedToEdgeone),
    ("OperationDenied.ProductUpgraded", MovedToEdgeone),
    ("OperationDenied.ProductUpdating", MovedToEdgeone),
    ("OperationDenied.UserMigrating", MovedToEdgeone),
    ("UnauthorizedOperation.EcdnMigratedCdn", NotOnCdn),
    ("UnauthorizedOperation.CdnUserIsSuspended", AccountSuspended),
    ("UnauthorizedOperation.CdnUserIsIsolated", AccountSuspended),
    ("UnauthorizedOperation.CdnInvalidUserStatus", AccountSuspended),
    ("ResourceUnavailable.CheckUserHighRisk", AccountSuspended),
    ("ResourceNotFound.CdnUserNotExists", NoPermission),
    ("InvalidParameter.CdnHostInvalidMiddleConfig", DomainOffline),
    ("invalid", OriginHttp),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ErrorClass, Failure};

    #[test]
    fn a_code_stands_for_its_cause_or_for_that_of_its_class() {
        let cause = |class, code: &str| VENDOR_REFERENCE.cause(&Failure::new(class, code, "said"));
        assert_eq!(cause(ErrorClass::Auth, "AuthFailure.SignatureFailure"), BadSignature);
        assert_eq!(cause(ErrorClass::Auth, "AuthFailure.SecretIdNotFound"), CauseId::BadCredentials);
        assert_eq!(cause(ErrorClass::BadTarget, "ResourceNotFound.CdnHostNotExists"), NotOnCdn);
        assert_eq!(cause(ErrorClass::BadTarget, "InvalidParameter.CdnParamError"), WrongRequest);
        assert_eq!(cause(ErrorClass::BadTarget, "invalid"), OriginHttp);
        assert_eq!(cause(ErrorClass::Outage, "fail"), CauseId::ProviderFailed);
    }

    #[test]
    fn a_status_of_the_edges_own_names_the_side_of_the_fault() {
        for (status, cause) in [(531, OriginDns), (539, OriginTls), (423, OriginHttp), (509, EdgeUnreachable)] {
            let edge_status = VENDOR_REFERENCE.edge_status(status).expect("documented");
            assert_eq!((edge_status.cause, edge_status.exact), (Some(cause), true), "{status}");
        }
        assert_eq!(VENDOR_REFERENCE.edge_status(200), None);
    }
}

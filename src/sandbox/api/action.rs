//! The actions: their names, the parameters they take, and who carries them out.

use std::sync::Arc;

use super::describe;
use super::error::CloudError;
use super::history::{self, HistoryKind};
use super::messages::{ActionOutcome, CallTime};
use super::params::Params;
use super::submit::{self, SubmitRequest};
use super::task::TaskKind;
use crate::sandbox::faults::RowFaults;
use crate::sandbox::state::Cloud;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    PurgeUrlsCache,
    PurgePathCache,
    PushUrlsCache,
    DescribePurgeTasks,
    DescribePushTasks,
    DescribePurgeQuota,
    DescribePushQuota,
    DescribeDomains,
    DescribeDomainsConfig,
    DescribeCdnIp,
}

impl Action {
    const ALL: [Self; 10] = [
        Self::PurgeUrlsCache,
        Self::PurgePathCache,
        Self::PushUrlsCache,
        Self::DescribePurgeTasks,
        Self::DescribePushTasks,
        Self::DescribePurgeQuota,
        Self::DescribePushQuota,
        Self::DescribeDomains,
        Self::DescribeDomainsConfig,
        Self::DescribeCdnIp,
    ];

    /// The case counts.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::PurgeUrlsCache => "PurgeUrlsCache",
            Self::PurgePathCache => "PurgePathCache",
            Self::PushUrlsCache => "PushUrlsCache",
            Self::DescribePurgeTasks => "DescribePurgeTasks",
            Self::DescribePushTasks => "DescribePushTasks",
            Self::DescribePurgeQuota => "DescribePurgeQuota",
            Self::DescribePushQuota => "DescribePushQuota",
            Self::DescribeDomains => "DescribeDomains",
            Self::DescribeDomainsConfig => "DescribeDomainsConfig",
            Self::DescribeCdnIp => "DescribeCdnIp",
        }
    }

    pub(super) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::PurgeUrlsCache => &["Urls", "Area", "UrlEncode"],
            Self::PurgePathCache => &["Paths", "FlushType", "Area", "UrlEncode"],
            Self::PushUrlsCache => {
                &["Urls", "Area", "UserAgent", "Layer", "ParseM3U8", "DisableRange", "Headers", "UrlEncode"]
            }
            Self::DescribePurgeTasks => {
                &["TaskId", "StartTime", "EndTime", "PurgeType", "Keyword", "Status", "Area", "Offset", "Limit"]
            }
            Self::DescribePushTasks => {
                &["TaskId", "StartTime", "EndTime", "Keyword", "Status", "Area", "Offset", "Limit"]
            }
            Self::DescribePurgeQuota | Self::DescribePushQuota => &[],
            Self::DescribeDomains => &["Filters", "Offset", "Limit"],
            Self::DescribeDomainsConfig => &["Filters", "Offset", "Limit", "Sort"],
            Self::DescribeCdnIp => &["Ips"],
        }
    }

    pub(super) async fn carry_out(
        self,
        cloud: &Arc<Cloud>,
        params: &Params<'_>,
        row_faults: &RowFaults,
        moment: CallTime,
    ) -> Result<ActionOutcome, CloudError> {
        let submit = |request: SubmitRequest| submit::submit(cloud, &request, row_faults, moment);
        match self {
            Self::PurgeUrlsCache => submit(SubmitRequest::purge_urls(params)?),
            Self::PurgePathCache => submit(SubmitRequest::purge_paths(params)?),
            Self::PushUrlsCache => submit(SubmitRequest::push_urls(params)?),
            Self::DescribePurgeTasks => history::describe(cloud, HistoryKind::Purge, params, moment).await,
            Self::DescribePushTasks => history::describe(cloud, HistoryKind::Push, params, moment).await,
            Self::DescribePurgeQuota => {
                let pools = [("UrlPurge", TaskKind::PurgeUrl), ("PathPurge", TaskKind::PurgePath)];
                Ok(describe::quota(cloud, &pools, moment.now))
            }
            Self::DescribePushQuota => Ok(describe::quota(cloud, &[("UrlPush", TaskKind::Push)], moment.now)),
            Self::DescribeDomains => describe::domains(cloud, describe::Detail::Brief, params),
            Self::DescribeDomainsConfig => describe::domains(cloud, describe::Detail::Full, params),
            Self::DescribeCdnIp => describe::node_addresses(cloud, params),
        }
    }
}

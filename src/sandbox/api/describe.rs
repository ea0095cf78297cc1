//! The actions that only read: DescribeDomains and DescribeDomainsConfig, both quotas, and DescribeCdnIp.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::error::CloudError;
use super::messages::ActionOutcome;
use super::params::Params;
use super::task::TaskKind;
use super::time_formats;
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::{Area, Domain};
use crate::sandbox::edge::cache::EdgeScheme;
use crate::sandbox::state::Cloud;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Full,
}

impl Detail {
    const fn action(self) -> &'static str {
        match self {
            Self::Brief => "DescribeDomains",
            Self::Full => "DescribeDomainsConfig",
        }
    }

    /// The provider's figures.
    const fn limit_max(self) -> u64 {
        match self {
            Self::Brief => 1_000,
            Self::Full => 100,
        }
    }
}

pub(super) fn domains(cloud: &Cloud, detail: Detail, params: &Params<'_>) -> Result<ActionOutcome, CloudError> {
    let filters = params.objects("Filters", &["Name", "Value", "Fuzzy"])?;
    let filters = filters.iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?;
    let limit = params.count("Limit")?.unwrap_or(100);
    if limit > detail.limit_max() {
        return Err(CloudError::parameter(format!("Limit is at most {}.", detail.limit_max())));
    }
    let state = cloud.state();
    let is_visible = |domain: &&Domain| {
        domain.standing.is_listed()
            && !state.account.hides(detail.action(), &domain.name)
            && filters.iter().all(|filter| filter.matches(domain))
    };
    let domains: Vec<&Domain> = state.domains.0.iter().filter(is_visible).collect();
    let page = domains.iter().skip(as_size(params.count("Offset")?.unwrap_or(0))).take(as_size(limit));
    let rows: Vec<Value> = page.map(|domain| domain_row(cloud, domain, detail)).collect();
    let fields = Map::from_iter([
        ("Domains".to_owned(), Value::from(rows)),
        ("TotalNumber".to_owned(), Value::from(domains.len())),
    ]);
    Ok(ActionOutcome { fields, ..ActionOutcome::default() })
}

fn as_size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

struct Filter {
    values: Vec<String>,
    fuzzy: bool,
}

impl Filter {
    fn read(params: &Params<'_>) -> Result<Self, CloudError> {
        let name = params.text("Name")?.ok_or_else(|| CloudError::missing("Filters.Name"))?;
        if name != "domain" {
            return Err(CloudError::parameter(format!("The sandbox filters by `domain`, not by `{name}`.")));
        }
        let (values, fuzzy) = (params.texts("Value")?, params.flag("Fuzzy")?);
        if values.len() > 5 || (fuzzy && values.len() > 1) {
            return Err(CloudError::parameter("A filter has at most 5 values, a fuzzy one has one."));
        }
        Ok(Self { values, fuzzy })
    }

    fn matches(&self, domain: &Domain) -> bool {
        self.values.iter().any(|value| if self.fuzzy { domain.name.contains(value) } else { domain.name == *value })
    }
}

fn domain_row(cloud: &Cloud, domain: &Domain, detail: Detail) -> Value {
    let created = time_formats::text(cloud.started_at);
    let mut row = json!({
        "ResourceId": format!("cdn-{}", domain.bare_name()),
        "AppId": 1_250_000_000,
        "Domain": domain.name,
        "Cname": domain.cname(),
        "Status": domain.status.as_str(),
        "ProjectId": 0,
        "ServiceType": "web",
        "CreateTime": created,
        "UpdateTime": created,
        "Origin": origin(cloud, domain),
        "Disable": domain.disable,
        "Area": domain.area.as_str(),
        "Readonly": domain.readonly,
        "Product": "cdn",
        "ParentHost": "",
    });
    if detail == Detail::Full {
        for (name, value) in configuration(domain) {
            row[name] = value;
        }
    }
    row
}

fn origin(cloud: &Cloud, domain: &Domain) -> Value {
    let mut origin = domain.origin.clone();
    origin.origin_type = Some(origin.kind().to_owned());
    if origin.origins.is_empty() {
        origin.origins = vec![cloud.origin_at(origin.scheme(EdgeScheme::Http)).to_string()];
    }
    // A wildcard's is told by its bare name, although each host below is asked for by its own.
    origin.server_name = Some(domain.server_name(domain.bare_name()));
    let mut value = json!(origin);
    value["BackupOrigins"] = Value::Null;
    value
}

/// What only DescribeDomainsConfig tells: how the edge of this sandbox works, in the provider's words.
fn configuration(domain: &Domain) -> [(&'static str, Value); 12] {
    let off = || json!({"Switch": "off"});
    let mut key = json!(domain.cache_key);
    let mut cache = json!(domain.cache);
    for name in ["Cookie", "Header", "CacheTag"] {
        key[name] = off();
    }
    cache["SimpleCache"] = Value::Null;
    [
        ("CacheKey", key),
        ("Cache", cache),
        ("Https", json!({"Switch": "on", "Http2": "off", "SslStatus": "deployed", "CertInfo": null})),
        ("StatusCodeCache", json!(domain.status_code_cache)),
        ("MaxAge", off()),
        ("RangeOriginPull", off()),
        ("FollowRedirect", json!(domain.follow_redirect)),
        ("Authentication", off()),
        ("IpFilter", off()),
        ("Referer", off()),
        ("UserAgentFilter", off()),
        ("IpFreqLimit", off()),
    ]
}

pub(super) fn quota(cloud: &Cloud, lists: &[(&str, TaskKind)], now: Timestamp) -> ActionOutcome {
    let state = &mut *cloud.state();
    let hidden = state.switches.overseas_quota_hidden;
    let mut pools = state.quota.view(now);
    pools.retain(|pool| !(hidden && pool.area == Area::Overseas));
    let list = |kind: TaskKind| -> Vec<Value> {
        let of_kind = pools.iter().filter(|pool| pool.kind == kind);
        of_kind
            .map(|pool| {
                json!({
                    "Area": pool.area.as_str(),
                    "Batch": pool.batch,
                    "Total": pool.total,
                    "Available": pool.available(),
                })
            })
            .collect()
    };
    let fields = lists.iter().map(|(name, kind)| ((*name).to_owned(), Value::from(list(*kind)))).collect();
    ActionOutcome { fields, ..ActionOutcome::default() }
}

/// The provider's figure.
const ADDRESSES_MAX: usize = 20;

pub(super) fn node_addresses(cloud: &Cloud, params: &Params<'_>) -> Result<ActionOutcome, CloudError> {
    let texts = params.texts("Ips")?;
    if texts.len() > ADDRESSES_MAX {
        let message = format!("At most {ADDRESSES_MAX} addresses.");
        return Err(CloudError::new("LimitExceeded.CdnQueryIpBatchTooMany", message));
    }
    let rows = texts.iter().map(|text| address_row(cloud, text)).collect::<Result<Vec<Value>, _>>()?;
    let fields = Map::from_iter([("Ips".to_owned(), Value::from(rows))]);
    Ok(ActionOutcome { fields, ..ActionOutcome::default() })
}

fn address_row(cloud: &Cloud, text: &str) -> Result<Value, CloudError> {
    let address: IpAddr = text.parse().map_err(|_| CloudError::parameter(format!("`{text}` is not an address.")))?;
    let is_node = cloud.is_node(address);
    let (platform, area) = if is_node { ("yes", "mainland") } else { ("no", "") };
    Ok(json!({"Ip": text, "Platform": platform, "Location": "", "History": [], "Area": area, "City": ""}))
}

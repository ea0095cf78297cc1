//! DescribeDomains and DescribeDomainsConfig: what a diagnosis asks about a domain, and fixed values for the rest.

use serde_json::{Map, Value, json};

use super::Done;
use super::params::Params;
use crate::sandbox::calendar;
use crate::sandbox::cloud::Cloud;
use crate::sandbox::domains::Domain;
use crate::sandbox::refusal::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Full,
}

impl Detail {
    /// The provider's figures.
    const fn limit_max(self) -> u64 {
        match self {
            Self::Brief => 1_000,
            Self::Full => 100,
        }
    }
}

pub(super) fn describe(cloud: &Cloud, detail: Detail, params: &Params<'_>) -> Result<Done, Refusal> {
    let filters = params.objects("Filters", &["Name", "Value", "Fuzzy"])?;
    let filters = filters.iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?;
    let limit = params.count("Limit")?.unwrap_or(100);
    if limit > detail.limit_max() {
        return Err(Refusal::parameter(format!("Limit is at most {}.", detail.limit_max())));
    }
    let state = cloud.state();
    let found: Vec<&Domain> =
        state.domains.0.iter().filter(|domain| filters.iter().all(|filter| filter.takes(domain))).collect();
    let page = found.iter().skip(as_size(params.count("Offset")?.unwrap_or(0))).take(as_size(limit));
    let rows: Vec<Value> = page.map(|domain| row(cloud, domain, detail)).collect();
    let fields = Map::from_iter([
        ("Domains".to_owned(), Value::from(rows)),
        ("TotalNumber".to_owned(), Value::from(found.len())),
    ]);
    Ok(Done { fields, ..Done::default() })
}

fn as_size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

struct Filter {
    values: Vec<String>,
    fuzzy: bool,
}

impl Filter {
    fn read(params: &Params<'_>) -> Result<Self, Refusal> {
        let name = params.text("Name")?.ok_or_else(|| Refusal::missing("Filters.Name"))?;
        if name != "domain" {
            return Err(Refusal::parameter(format!("The sandbox filters by `domain`, not by `{name}`.")));
        }
        let (values, fuzzy) = (params.texts("Value")?, params.flag("Fuzzy")?);
        if values.len() > 5 || (fuzzy && values.len() > 1) {
            return Err(Refusal::parameter("A filter has at most 5 values, a fuzzy one has one."));
        }
        Ok(Self { values, fuzzy })
    }

    fn takes(&self, domain: &Domain) -> bool {
        self.values.iter().any(|value| if self.fuzzy { domain.name.contains(value) } else { domain.name == *value })
    }
}

fn row(cloud: &Cloud, domain: &Domain, detail: Detail) -> Value {
    let created = calendar::text(cloud.started_at);
    let bare_name = domain.name.trim_start_matches("*.");
    let mut row = json!({
        "ResourceId": format!("cdn-{bare_name}"),
        "AppId": 1_250_000_000,
        "Domain": domain.name,
        "Cname": format!("{bare_name}.cdn.dnsv1.com"),
        "Status": domain.status.as_str(),
        "ProjectId": 0,
        "ServiceType": "web",
        "CreateTime": created,
        "UpdateTime": created,
        "Origin": {
            "Origins": [cloud.origin.to_string()],
            "OriginType": "ip",
            "ServerName": bare_name,
            "OriginPullProtocol": "http",
            "BackupOrigins": null,
        },
        "Disable": "normal",
        "Area": domain.area.as_str(),
        "Readonly": "normal",
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

/// What only DescribeDomainsConfig tells: how the edge of this sandbox works, in the provider's words.
fn configuration(domain: &Domain) -> [(&'static str, Value); 12] {
    let full_url_cache = if domain.full_url_cache { "on" } else { "off" };
    let off = || json!({"Switch": "off"});
    [
        (
            "CacheKey",
            json!({
                "FullUrlCache": full_url_cache, "IgnoreCase": "off", "QueryString": off(), "Cookie": off(),
                "Header": off(), "CacheTag": off(), "Scheme": off(), "KeyRules": [],
            }),
        ),
        (
            "Cache",
            json!({
                "SimpleCache": null,
                "RuleCache": [{
                    "RuleType": "all", "RulePaths": ["*"],
                    "CacheConfig": {
                        "Cache": null, "NoCache": null,
                        "FollowOrigin": {"Switch": "on", "HeuristicCache": off()},
                    },
                }],
            }),
        ),
        ("Https", json!({"Switch": "off", "Http2": "off", "SslStatus": "closed", "CertInfo": null})),
        ("StatusCodeCache", Value::Null),
        ("MaxAge", off()),
        ("RangeOriginPull", off()),
        ("FollowRedirect", off()),
        ("Authentication", off()),
        ("IpFilter", off()),
        ("Referer", off()),
        ("UserAgentFilter", off()),
        ("IpFreqLimit", off()),
    ]
}

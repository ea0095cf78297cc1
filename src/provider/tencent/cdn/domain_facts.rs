//! One row of a domain listing in the product's words. Most of its objects may be null, so each field is read by itself:
//! what is missing or of another shape is not told, and spoils nothing beside it.

use std::time::Duration;

use serde_json::Value;

use crate::provider::{
    CacheKey, CachePolicy, CacheRule, DisableReason, DomainFacts, DomainStatus, KeyShape, Origin, OriginAddress,
    OriginKind, PathRule, PathRuleKind, PullProtocol, QueryAction, QueryRule, ServedArea, ServiceKind,
};

/// Longest text taken over, in characters; a host has at most 253.
const TEXT_CHARS_MAX: usize = 2_048;
/// Elements of one list taken over; the provider's console allows far fewer rules.
const LIST_MAX: usize = 500;

/// Nothing if the row does not say whose it is.
pub(super) fn facts(row: &Value) -> Option<DomainFacts> {
    Some(DomainFacts {
        name: text(&row["Domain"])?.to_ascii_lowercase(),
        status: text(&row["Status"]).map(|word| DomainStatus::of(&word)),
        area: text(&row["Area"]).map(|word| ServedArea::of(&word)),
        cname: text(&row["Cname"]),
        service: text(&row["ServiceType"]).map(|word| ServiceKind::of(&word)),
        disabled: unusual(&row["Disable"]).map(|word| DisableReason::of(&word)),
        locked: unusual(&row["Readonly"]).map(|word| ServedArea::of(&word)),
        origin: row["Origin"].is_object().then(|| origin(&row["Origin"])),
        cache_key: row["CacheKey"].is_object().then(|| cache_key(&row["CacheKey"])),
        cache_rules: row["Cache"]["RuleCache"].as_array().map(|rules| rules.iter().take(LIST_MAX).map(rule).collect()),
    })
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(TEXT_CHARS_MAX).collect())
}

/// `normal` is how the provider says that nothing is the matter.
fn unusual(value: &Value) -> Option<String> {
    text(value).filter(|word| !word.eq_ignore_ascii_case("normal"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().take(LIST_MAX).filter_map(text).collect()
}

/// Switches come as a word, and in some objects as an object with that word.
fn switch(value: &Value) -> Option<bool> {
    match value.as_str().or_else(|| value["Switch"].as_str())? {
        word if word.eq_ignore_ascii_case("on") => Some(true),
        word if word.eq_ignore_ascii_case("off") => Some(false),
        _ => None,
    }
}

fn origin(origin: &Value) -> Origin {
    let addresses = |name: &str| texts(&origin[name]).iter().map(|text| address(text)).collect();
    Origin {
        kind: text(&origin["OriginType"]).map(|word| OriginKind::of(&word)),
        addresses: addresses("Origins"),
        backups: addresses("BackupOrigins"),
        server_name: text(&origin["ServerName"]),
        protocol: text(&origin["OriginPullProtocol"]).map(|word| PullProtocol::of(&word)),
    }
}

/// `host`, `host:port` or `host:port:weight`; an IPv6 address only in brackets has more than itself.
fn address(text: &str) -> OriginAddress {
    let whole = || OriginAddress { host: text.to_owned(), port: None, weight: None };
    let (host, rest) = match text.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((host, rest)) => (host, rest),
            None => return whole(),
        },
        None if text.matches(':').count() > 2 => return whole(),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let mut figures = rest.split(':').skip(1);
    let port = figures.next().and_then(|port| port.parse().ok());
    let weight = figures.next().and_then(|weight| weight.parse().ok());
    OriginAddress { host: host.to_owned(), port, weight }
}

fn cache_key(key: &Value) -> CacheKey {
    let rules = key["KeyRules"].as_array().into_iter().flatten().take(LIST_MAX);
    let rules = rules.map(|rule| (path_rule(rule), key_shape(rule))).collect();
    CacheKey { common: key_shape(key), scheme: switch(&key["Scheme"]), rules }
}

fn key_shape(key: &Value) -> KeyShape {
    KeyShape {
        query_counts: switch(&key["FullUrlCache"]),
        ignore_case: switch(&key["IgnoreCase"]),
        query: query_rule(&key["QueryString"]),
    }
}

fn query_rule(query: &Value) -> Option<QueryRule> {
    let action = QueryAction::of(&text(&query["Action"])?);
    let names = text(&query["Value"]).unwrap_or_default();
    let names = names.split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    // A rule that is switched off says nothing about the key.
    (switch(query) == Some(true)).then(|| QueryRule { action, names, reorder: switch(&query["Reorder"]) == Some(true) })
}

fn path_rule(rule: &Value) -> PathRule {
    let kind = PathRuleKind::of(&text(&rule["RuleType"]).unwrap_or_default());
    PathRule { kind, paths: texts(&rule["RulePaths"]) }
}

fn rule(rule: &Value) -> CacheRule {
    let config = &rule["CacheConfig"];
    let is_on = |name: &str| switch(&config[name]) == Some(true);
    let keeps = match (is_on("Cache"), is_on("NoCache"), is_on("FollowOrigin")) {
        (true, false, false) => config["Cache"]["CacheTime"]
            .as_u64()
            .map_or(CachePolicy::Unclear, |seconds| CachePolicy::For(Duration::from_secs(seconds))),
        (false, true, false) => CachePolicy::Nothing,
        (false, false, true) => CachePolicy::AsTheOriginSays,
        _ => CachePolicy::Unclear,
    };
    CacheRule { applies: path_rule(rule), keeps }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_documented_field_is_read() {
        let row = json!({
            "Domain": "WWW.example.com", "Cname": "www.example.com.cdn.dnsv1.com", "Status": "Processing",
            "Area": "global", "ServiceType": "web", "Disable": "overdue", "Readonly": "mainland",
            "Origin": {
                "Origins": ["192.0.2.1:8080:30", "origin.example.com"], "OriginType": "ip", "ServerName": "o.example.com",
                "OriginPullProtocol": "follow", "BackupOrigins": ["[2001:db8::1]:443", "2001:db8::2"],
            },
            "CacheKey": {
                "FullUrlCache": "off", "IgnoreCase": "on", "Scheme": {"Switch": "off"},
                "QueryString": {"Switch": "on", "Reorder": "on", "Action": "includeCustom", "Value": "a; b;"},
                "KeyRules": [{"RulePaths": ["/img/"], "RuleType": "directory", "FullUrlCache": "on", "IgnoreCase": "off",
                              "QueryString": {"Switch": "off", "Action": "includeCustom", "Value": "x"}}],
            },
            "Cache": {"RuleCache": [
                {"RuleType": "all", "RulePaths": ["*"], "CacheConfig": {"FollowOrigin": {"Switch": "on"}}},
                {"RuleType": "file", "RulePaths": ["php"], "CacheConfig": {"NoCache": {"Switch": "on"}, "Cache": null}},
                {"RuleType": "index", "RulePaths": ["/"], "CacheConfig": {"Cache": {"Switch": "on", "CacheTime": 60}}},
            ]},
        });
        let facts = facts(&row).expect("a domain");
        assert_eq!(
            (facts.name.as_str(), facts.cname.as_deref()),
            ("www.example.com", Some("www.example.com.cdn.dnsv1.com"))
        );
        assert_eq!((facts.status, facts.area), (Some(DomainStatus::Processing), Some(ServedArea::Global)));
        assert_eq!((facts.disabled, facts.locked), (Some(DisableReason::Overdue), Some(ServedArea::Mainland)));
        assert_eq!(facts.service, Some(ServiceKind::Web));
        let at = |host: &str, port, weight| OriginAddress { host: host.to_owned(), port, weight };
        let origin = Origin {
            kind: Some(OriginKind::Address),
            addresses: vec![at("192.0.2.1", Some(8080), Some(30)), at("origin.example.com", None, None)],
            backups: vec![at("2001:db8::1", Some(443), None), at("2001:db8::2", None, None)],
            server_name: Some("o.example.com".to_owned()),
            protocol: Some(PullProtocol::Follow),
        };
        assert_eq!(facts.origin, Some(origin));
        let (action, names) = (QueryAction::Include, vec!["a".to_owned(), "b".to_owned()]);
        let query = Some(QueryRule { action, names, reorder: true });
        let rule = |kind, path: &str| PathRule { kind, paths: vec![path.to_owned()] };
        let below = KeyShape { query_counts: Some(true), ignore_case: Some(false), query: None };
        let key = CacheKey {
            common: KeyShape { query_counts: Some(false), ignore_case: Some(true), query },
            scheme: Some(false),
            rules: vec![(rule(PathRuleKind::Directory, "/img/"), below)],
        };
        assert_eq!(facts.cache_key, Some(key));
        let rules = [
            CacheRule { applies: rule(PathRuleKind::All, "*"), keeps: CachePolicy::AsTheOriginSays },
            CacheRule { applies: rule(PathRuleKind::File, "php"), keeps: CachePolicy::Nothing },
            CacheRule { applies: rule(PathRuleKind::Index, "/"), keeps: CachePolicy::For(Duration::from_secs(60)) },
        ];
        assert_eq!(facts.cache_rules.as_deref(), Some(&rules[..]));
    }

    #[test]
    fn what_is_missing_null_or_misshapen_is_not_told_and_spoils_nothing_beside_it() {
        let row = json!({
            "Domain": "h.example", "Status": "thawing", "Area": null, "Cname": "", "Disable": "normal", "Readonly": "normal",
            "Origin": null, "CacheKey": {"FullUrlCache": 7, "KeyRules": {}},
            "Cache": {"RuleCache": [
                {"RuleType": "moon", "CacheConfig": {"NoCache": {"Switch": "on"}, "FollowOrigin": {"Switch": "on"}}}, 9]},
        });
        let facts = facts(&row).expect("a domain");
        assert_eq!(facts.status, Some(DomainStatus::Other("thawing".to_owned())));
        assert_eq!(
            (facts.area, facts.cname, facts.disabled, facts.locked, facts.origin),
            (None, None, None, None, None)
        );
        let key = facts.cache_key.expect("a key");
        assert_eq!((key.common.query_counts, key.scheme, key.rules.len()), (None, None, 0));
        let rules = facts.cache_rules.expect("rules");
        assert!(rules.len() == 2 && rules.iter().all(|rule| rule.keeps == CachePolicy::Unclear), "{rules:?}");
        assert_eq!(rules[0].applies.kind, PathRuleKind::Other("moon".to_owned()));
    }

    #[test]
    fn an_origin_address_is_taken_apart_only_where_that_is_certain() {
        let apart = |text: &str| {
            let OriginAddress { host, port, weight } = address(text);
            (host, port, weight)
        };
        assert_eq!(apart("192.0.2.1"), ("192.0.2.1".to_owned(), None, None));
        assert_eq!(apart("o.example:80"), ("o.example".to_owned(), Some(80), None));
        assert_eq!(apart("192.0.2.1:80:10"), ("192.0.2.1".to_owned(), Some(80), Some(10)));
        assert_eq!(apart("[2001:db8::1]:80:10"), ("2001:db8::1".to_owned(), Some(80), Some(10)));
        assert_eq!(apart("2001:db8::1"), ("2001:db8::1".to_owned(), None, None));
        assert_eq!(apart("[2001:db8::1"), ("[2001:db8::1".to_owned(), None, None));
        assert_eq!(apart("o.example:99999"), ("o.example".to_owned(), None, None));
    }
}

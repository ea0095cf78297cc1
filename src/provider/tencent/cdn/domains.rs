//! Pages through `DescribeDomains` and `DescribeDomainsConfig`, and keeps only what was asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::domain_facts::facts;
use super::history::unexpected_response;
use super::reader::CdnReader;
use super::wire::{DomainFilter, DomainsPage, DomainsRequest};
use crate::provider::{ApiAction, DomainDetail, DomainFacts, DomainQuery, ReadError};

/// A filter has at most five values.
const FILTER_VALUES_MAX: usize = 5;
/// Domains read in one go: more than any account is known to have, and an end to a listing without one.
const DOMAINS_MAX: u64 = 20_000;

const fn action(detail: DomainDetail) -> ApiAction {
    match detail {
        DomainDetail::Brief => ApiAction("DescribeDomains"),
        DomainDetail::Full => ApiAction("DescribeDomainsConfig"),
    }
}

/// The largest `Limit` of each action.
const fn page_max(detail: DomainDetail) -> u64 {
    match detail {
        DomainDetail::Brief => 1_000,
        DomainDetail::Full => 100,
    }
}

pub(in super::super) async fn domains(
    reader: &CdnReader<'_>,
    query: &DomainQuery,
    detail: DomainDetail,
) -> Result<Vec<DomainFacts>, ReadError> {
    let mut facts_by_name = BTreeMap::new();
    match query {
        DomainQuery::All => read(reader, detail, None, &mut facts_by_name).await?,
        DomainQuery::Hosts(hosts) => {
            let names: Vec<String> = names(hosts).into_iter().collect();
            for names in names.chunks(FILTER_VALUES_MAX) {
                read(reader, detail, Some(names), &mut facts_by_name).await?;
            }
        }
    }
    Ok(facts_by_name.into_values().collect())
}

/// The names under which these hosts may be served: their own, and every wildcard above them.
fn names(hosts: &[String]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for host in hosts {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        // `*.com` is nobody's domain.
        let parents = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]).filter(|parent| parent.contains('.'));
        names.extend(parents.map(|parent| format!("*.{parent}")));
        names.insert(host);
    }
    names
}

async fn read(
    reader: &CdnReader<'_>,
    detail: DomainDetail,
    names: Option<&[String]>,
    facts_by_name: &mut BTreeMap<String, DomainFacts>,
) -> Result<(), ReadError> {
    let filters: Vec<DomainFilter<'_>> =
        names.map(|names| DomainFilter { name: "domain", value: names, fuzzy: false }).into_iter().collect();
    let (limit, mut offset) = (page_max(detail), 0);
    loop {
        let page: DomainsPage =
            reader.call(action(detail), &DomainsRequest { filters: &filters, offset, limit }).await?;
        let total =
            page.total_number.ok_or_else(|| unexpected_response("the provider's domain list has no TotalNumber"))?;
        let rows = page.domains.unwrap_or_default();
        let read = rows.len() as u64;
        for facts in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).filter_map(facts) {
            if names.is_none_or(|names| names.contains(&facts.name)) {
                facts_by_name.entry(facts.name.clone()).or_insert(facts);
            }
        }
        offset += read;
        if offset >= total {
            return Ok(());
        }
        // A host that was not read must not look like one that does not exist.
        if read == 0 || offset >= DOMAINS_MAX {
            return Err(unexpected_response("the provider's domain list could not be read whole"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::Provider;
    use crate::provider::tencent::tests::scripted_server::{CallCounter, Script, ServerAction, ok};

    fn page(total: u64, names: &[&str]) -> ServerAction {
        let rows: Vec<_> = names.iter().map(|name| json!({"Domain": name, "Status": "online"})).collect();
        ok(&format!(r#","TotalNumber":{total},"Domains":{}"#, json!(rows)))
    }

    async fn list_domains(
        query: DomainQuery,
        detail: DomainDetail,
        actions: Vec<ServerAction>,
    ) -> (Result<Vec<String>, ReadError>, Vec<String>) {
        let (script, limiter) = (Script::start(actions).await, CallCounter::default());
        let facts_by_name = script.client().domains(&query, detail, &limiter).await;
        assert_eq!((limiter.calls(), script.remaining()), (script.requests().len(), 0), "every call has its own token");
        let action = if detail == DomainDetail::Full { "DescribeDomainsConfig" } else { "DescribeDomains" };
        assert!(script.requests().iter().all(|request| request.header("x-tc-action") == Some(action)));
        (
            facts_by_name.map(|domain_factses| domain_factses.into_iter().map(|facts| facts.name).collect()),
            script.bodies(),
        )
    }

    #[tokio::test]
    async fn all_domains_are_paged_through_by_what_came_and_a_repeated_one_counts_once() {
        let actions = vec![page(3, &["b.example", "a.example"]), page(3, &["A.example"])];
        let (texts, bodies) = list_domains(DomainQuery::All, DomainDetail::Brief, actions).await;
        assert_eq!(texts.expect("a list"), ["a.example", "b.example"]);
        assert_eq!(bodies, [r#"{"Offset":0,"Limit":1000}"#, r#"{"Offset":2,"Limit":1000}"#]);
    }

    #[tokio::test]
    async fn hosts_are_asked_for_by_their_names_and_the_wildcards_above_five_at_a_time() {
        let hosts = DomainQuery::Hosts(
            ["A.b.example.com", "c.b.example.com.", "d.b.example.com", "e.example.com"].map(str::to_owned).to_vec(),
        );
        let actions = vec![page(1, &["*.b.example.com"]), page(0, &[])];
        let (texts, bodies) = list_domains(hosts, DomainDetail::Full, actions).await;
        assert_eq!(texts.expect("a list"), ["*.b.example.com"]);
        let filter = |values: &str| {
            format!(r#"{{"Filters":[{{"Name":"domain","Value":[{values}],"Fuzzy":false}}],"Offset":0,"Limit":100}}"#)
        };
        let first = r#""*.b.example.com","*.example.com","a.b.example.com","c.b.example.com","d.b.example.com""#;
        assert_eq!(bodies, [filter(first), filter(r#""e.example.com""#)]);
    }

    #[tokio::test]
    async fn rows_of_other_domains_and_rows_without_a_name_are_left_out() {
        let hosts = || DomainQuery::Hosts(vec!["www.example.com".to_owned()]);
        let (texts, _) =
            list_domains(hosts(), DomainDetail::Brief, vec![page(2, &["other.example.com", "www.example.com"])]).await;
        assert_eq!(texts.expect("a list"), ["www.example.com"]);
        let nameless = ok(r#","TotalNumber":2,"Domains":[{"Domain":null},7]"#);
        assert_eq!(list_domains(hosts(), DomainDetail::Brief, vec![nameless]).await.0, Ok(Vec::new()));
        let null = ok(r#","TotalNumber":0,"Domains":null"#);
        assert_eq!(list_domains(hosts(), DomainDetail::Brief, vec![null]).await.0, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_list_that_could_not_be_read_whole_is_a_fault() {
        for actions in [vec![page(3, &["a.example"]), page(3, &[])], vec![ok(r#","Domains":[]"#)]] {
            let (texts, _) = list_domains(DomainQuery::All, DomainDetail::Brief, actions).await;
            assert!(matches!(texts, Err(ReadError::Failed(_))), "{texts:?}");
        }
    }

    #[tokio::test]
    async fn a_page_with_more_rows_than_asked_for_is_cut() {
        let names: Vec<String> = (0..300).map(|number| format!("h{number}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (texts, _) = list_domains(DomainQuery::All, DomainDetail::Full, vec![page(300, &names)]).await;
        assert_eq!(texts.expect("a list").len(), 100);
    }
}

//! Keys and warnings over made-up domains; keys as laws.

use proptest::prelude::*;

use super::*;
use crate::provider::{PathRule, PathRuleKind};

fn facts(key: CacheKey) -> DomainFacts {
    DomainFacts {
        name: "h.example".to_owned(),
        status: None,
        area: None,
        cname: None,
        service: None,
        disabled: None,
        locked: None,
        origin: None,
        cache_key: Some(key),
        cache_rules: None,
    }
}

fn key(query_counts: Option<bool>, query: Option<QueryRule>, ignore_case: bool) -> CacheKey {
    CacheKey {
        common: KeyShape { query_counts, ignore_case: Some(ignore_case), query },
        scheme: Some(false),
        rules: Vec::new(),
    }
}

fn rule(action: QueryAction, names: &[&str], reorder: bool) -> Option<QueryRule> {
    Some(QueryRule { action, names: names.iter().map(|name| (*name).to_owned()).collect(), reorder })
}

fn url(text: &str) -> Target {
    Target::parse(TargetKind::Url, text).expect("a URL")
}

fn same_object(facts: &DomainFacts, targets: &[Target]) -> Vec<Vec<usize>> {
    super::same_object(targets.iter().enumerate().map(|(place, target)| (place, facts, target)))
}

fn codes(facts: &DomainFacts, text: &str) -> Vec<(&'static str, Option<String>)> {
    warnings(facts, &url(text)).into_iter().map(|warning| (warning.code, warning.offer)).collect()
}

#[test]
fn an_ordinary_target_of_an_ordinary_domain_warns_of_nothing() {
    let plain = facts(key(Some(true), None, false));
    for text in [
        "https://h.example/",
        "https://h.example/app.js",
        "https://h.example/App.JS?v=1&a",
        "https://h.example/v1.2/",
        "https://h.example/a%2Fb%20c",
        "https://h.example/~me/",
    ] {
        assert_eq!(codes(&plain, text), [], "{text}");
    }
    let untold = DomainFacts { cache_key: None, ..plain };
    assert_eq!(codes(&untold, "https://h.example/App.js?v=1"), []);
}

#[test]
fn what_the_key_leaves_out_is_told_with_the_target_to_use() {
    let ignored = facts(key(Some(false), None, false));
    let some = facts(key(Some(false), rule(QueryAction::Include, &["v"], false), false));
    let but = facts(key(Some(false), rule(QueryAction::Exclude, &["t"], false), false));
    let none = facts(key(Some(false), rule(QueryAction::ExcludeAll, &[], false), false));
    let sorted = facts(key(Some(false), rule(QueryAction::IncludeAll, &[], true), false));
    let folded = facts(key(Some(true), None, true));
    for (facts, text, code, offer) in [
        (&ignored, "https://h.example/a?v=1", "query_ignored", "https://h.example/a"),
        (&none, "https://h.example/a?v=1", "query_ignored", "https://h.example/a"),
        (&some, "https://h.example/a?v=1&t=2", "query_partly_ignored", "https://h.example/a?v=1"),
        (&but, "https://h.example/a?t=2&v=1", "query_partly_ignored", "https://h.example/a?v=1"),
        (&sorted, "https://h.example/a?b&a", "query_reordered", "https://h.example/a?a&b"),
        (&folded, "https://h.example/App%2f.js", "escape_spelling", "https://h.example/App%2F.js"),
        (&folded, "https://h.example/App.js?V", "case_ignored", "https://h.example/app.js?V"),
        (&ignored, "https://h.example/%7Eme/a", "escape_spelling", "https://h.example/~me/a"),
        (&ignored, "https://h.example//a", "double_slash", "https://h.example/a"),
        (&ignored, "https://h.example/app.js/", "slash_after_file", "https://h.example/app.js"),
    ] {
        let texts = codes(facts, text);
        assert_eq!(texts.first(), Some(&(code, Some(offer.to_owned()))), "{text}");
    }
    assert_eq!(codes(&some, "https://h.example/a?v=1"), []);
    // With the query filter off, a filter that is left over says nothing.
    let full = facts(key(Some(true), rule(QueryAction::ExcludeAll, &[], false), false));
    assert_eq!(codes(&full, "https://h.example/a?v=1"), []);
}

#[test]
fn a_domain_that_keeps_schemes_apart_has_two_objects_for_a_path() {
    let apart = facts(CacheKey { scheme: Some(true), ..key(Some(true), None, false) });
    assert_eq!(codes(&apart, "https://h.example/a"), [("scheme_apart", Some("http://h.example/a".to_owned()))]);
    let both = [url("http://h.example/a"), url("https://h.example/a")];
    assert_eq!(same_object(&apart, &both), Vec::<Vec<usize>>::new());
    assert_eq!(same_object(&facts(key(Some(true), None, false)), &both), [[0, 1]]);
}

#[test]
fn the_last_rule_for_a_path_decides_and_leaves_to_the_domain_what_it_does_not_tell() {
    let shape = |query_counts, ignore_case| KeyShape { query_counts, ignore_case, query: None };
    let below = |path: &str, shape| (PathRule { kind: PathRuleKind::Directory, paths: vec![path.to_owned()] }, shape);
    let mut key = key(Some(false), None, true);
    key.rules = vec![below("/img/", shape(Some(true), Some(false))), below("/img/old/", shape(None, Some(true)))];
    let facts = facts(key);
    let stored = |text: &str| representative(&facts, &url(text)).to_string();
    assert_eq!(stored("https://h.example/A?B"), "https://h.example/a");
    assert_eq!(stored("https://h.example/img/A?B"), "https://h.example/img/A?B");
    assert_eq!(stored("https://h.example/img/old/A?B"), "https://h.example/img/old/a");
}

#[test]
fn equal_objects_are_grouped_and_directories_are_not() {
    let ignored = facts(key(Some(false), None, false));
    let mut targets =
        ["/a?1", "/b", "/a", "/c", "/a?2", "/c?x"].map(|path| url(&format!("https://h.example{path}"))).to_vec();
    targets.push(Target::parse(TargetKind::Directory, "https://h.example/d/").expect("a directory"));
    targets.push(url("https://h.example/d/"));
    assert_eq!(same_object(&ignored, &targets), [vec![0, 2, 4], vec![3, 5]]);
}

fn keys() -> impl Strategy<Value = CacheKey> {
    let action = prop_oneof![
        Just(QueryAction::IncludeAll),
        Just(QueryAction::ExcludeAll),
        Just(QueryAction::Include),
        Just(QueryAction::Exclude),
    ];
    let filter = (action, prop::collection::vec("[abc]", 0..3), any::<bool>())
        .prop_map(|(action, names, reorder)| QueryRule { action, names, reorder });
    (any::<Option<bool>>(), prop::option::of(filter), any::<bool>(), any::<bool>())
        .prop_map(|(counts, filter, fold, scheme)| CacheKey { scheme: Some(scheme), ..key(counts, filter, fold) })
}

proptest! {
    #[test]
    fn a_representative_has_the_same_key_and_represents_itself(
        key in keys(),
        tail in "(/[a-cA-C]{0,3}){1,3}(\\?[abc=&1]{0,9})?",
    ) {
        let facts = facts(key);
        let target = url(&format!("https://h.example{tail}"));
        let representative = representative(&facts, &target);
        prop_assert_eq!(object_key(&facts, &representative), object_key(&facts, &target));
        prop_assert_eq!(super::representative(&facts, &representative), representative.clone());
        // Once it is refreshed as it should be, its key has nothing more to say about it.
        let of_key = ["query_ignored", "query_partly_ignored", "query_reordered", "case_ignored"];
        for warning in warnings(&facts, &representative) {
            prop_assert!(!of_key.contains(&warning.code), "{representative}: {warning:?}");
        }
    }

    #[test]
    fn urls_are_one_object_if_and_only_if_their_keys_are_equal(key in keys(), one in "/[aA]\\?[ab&]{0,4}", two in "/[aA]\\?[ab&]{0,4}") {
        let facts = facts(key);
        let pair = [url(&format!("https://h.example{one}")), url(&format!("https://h.example{two}"))];
        let equal = object_key(&facts, &pair[0]) == object_key(&facts, &pair[1]);
        prop_assert_eq!(!same_object(&facts, &pair).is_empty(), equal);
        prop_assert_eq!(representative(&facts, &pair[0]) == representative(&facts, &pair[1]), equal);
    }

    #[test]
    fn no_target_makes_it_panic(key in keys(), tail in "(/[!-~]{0,12}){1,3}(\\?[!-~]{0,12})?") {
        let facts = facts(key);
        for kind in TargetKind::ALL {
            if let Ok(target) = Target::parse(*kind, &format!("https://h.example{tail}")) {
                for warning in warnings(&facts, &target) {
                    let offer = warning.offer.expect("every warning has an offer");
                    prop_assert!(offer != target.as_str(), "{warning:?}", warning = warning.code);
                }
            }
        }
    }
}

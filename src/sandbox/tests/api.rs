//! What the API answers: authentication, limits, quotas, tasks and domains.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{TestClient, code, envelope, sign};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::sandbox::{
    Area, Credential, DayLimitRule, Domain, DomainStatus, MixedBatchRule, PoolChange, RateRule, RateScope, Switches,
    TaskKind,
};

const PAGE: &str = "https://www.example.com/a.html";

fn urls(count: usize) -> Value {
    json!({"Urls": (0..count).map(|n| format!("https://www.example.com/{n}")).collect::<Vec<_>>()})
}

fn statuses(answer: &Value, list: &str) -> Vec<String> {
    answer[list].as_array().unwrap().iter().map(|row| row["Status"].as_str().unwrap().to_owned()).collect()
}

fn available(answer: &Value, list: &str) -> Vec<(String, u64)> {
    let pools = answer[list].as_array().unwrap().iter();
    pools.map(|pool| (pool["Area"].as_str().unwrap().to_owned(), pool["Available"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn an_answer_is_a_bare_json_envelope_dated_by_the_sandboxs_clock() {
    let client = TestClient::start().await;
    let answer = client.send("DescribePurgeQuota", json!({})).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["date"], "Sun, 22 Nov 2026 04:00:00 GMT");
    let answer = envelope(answer).await;
    let pool = json!({"Area": "mainland", "Batch": 1_000, "Total": 10_000, "Available": 10_000});
    assert_eq!(answer["UrlPurge"][0], pool);
    assert_eq!(available(&answer, "PathPurge"), [("mainland".to_owned(), 100), ("overseas".to_owned(), 100)]);
}

#[tokio::test]
async fn the_door_refuses_in_the_envelope() {
    let client = TestClient::start().await;
    let code_of = async |request: reqwest::RequestBuilder| code(&envelope(request.send().await.unwrap()).await);
    let good = || client.request("DescribePurgeQuota", &json!({}));
    let host = client.sandbox.addresses.api.to_string();
    assert_eq!(code_of(client.http.get(format!("http://{host}/"))).await, "UnsupportedProtocol");
    assert_eq!(code_of(client.http.post(format!("http://{host}/")).body("{}")).await, "UnsupportedProtocol");
    assert_eq!(code_of(good().body("{ }")).await, "AuthFailure.SignatureFailure");
    let stranger = Credential::generate();
    let forged = sign(&stranger, &host, client.clock.now().as_secs(), b"{}");
    assert_eq!(code_of(replaced(good(), "authorization", &forged)).await, "AuthFailure.SecretIdNotFound");
    assert_eq!(code_of(replaced(good(), "x-tc-version", "2022-09-01")).await, "NoSuchVersion");
    assert_eq!(client.code("PurgeEverything", json!({})).await, "InvalidAction");
    assert_eq!(client.code("purgeurlscache", json!({})).await, "InvalidAction");
    assert_eq!(client.code("PurgeUrlsCache", json!({})).await, "MissingParameter");
    assert_eq!(client.code("PurgeUrlsCache", json!({"Urls": [PAGE], "FlushType": "flush"})).await, "UnknownParameter");
    let answer = client.call("PurgeUrlsCache", json!({"Urls": [1]})).await;
    assert_eq!(code(&answer), "InvalidParameter");
    assert!(answer["Error"]["Message"].as_str().unwrap().contains("Urls.0"));
}

fn replaced(request: reqwest::RequestBuilder, name: &'static str, value: &str) -> reqwest::RequestBuilder {
    request.headers(reqwest::header::HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
}

#[tokio::test]
async fn a_request_of_more_than_10_mb_is_refused_and_one_of_less_is_read() {
    let client = TestClient::start().await;
    let padded = |bytes: usize| json!({"Urls": [PAGE], "Area": "x".repeat(bytes)});
    assert_eq!(client.code("PurgeUrlsCache", padded(10 << 20)).await, "RequestSizeLimitExceeded");
    assert_eq!(client.code("PurgeUrlsCache", padded((10 << 20) - 100)).await, "InvalidParameter.CdnParamError");
}

#[tokio::test]
async fn calls_beyond_the_rate_are_refused_per_action_until_time_passes() {
    for rule in [RateRule::Bucket, RateRule::Window] {
        let client =
            TestClient::start_with(|options| options.switches = Switches { call_rate: rule, ..Switches::default() })
                .await;
        for _ in 0..20 {
            assert_eq!(client.code("DescribePurgeQuota", json!({})).await, "");
        }
        assert_eq!(client.code("DescribePurgeQuota", json!({})).await, "RequestLimitExceeded");
        assert_eq!(client.code("DescribePushQuota", json!({})).await, "");
        client.clock.advance(Duration::from_millis(1_000));
        assert_eq!(client.code("DescribePurgeQuota", json!({})).await, "");
    }
}

#[tokio::test]
async fn the_rate_is_shared_by_keys_unless_a_switch_says_otherwise() {
    for (scope, expected) in [(RateScope::Account, "RequestLimitExceeded"), (RateScope::SecretId, "")] {
        let mut client = TestClient::start_with(|options| {
            options.credentials = vec![Credential::new("AKIDone", "1"), Credential::new("AKIDtwo", "2")];
            options.switches.call_rate_scope = scope;
            options.quota.calls_per_second = 1;
        })
        .await;
        assert_eq!(client.code("DescribePurgeQuota", json!({})).await, "");
        client.credential = Credential::new("AKIDtwo", "2");
        assert_eq!(client.code("DescribePurgeQuota", json!({})).await, expected);
    }
}

#[tokio::test]
async fn a_batch_is_made_whole_or_not_at_all() {
    let client = TestClient::start_with(|options| {
        let mut offline = Domain::new("off.example.com");
        offline.status = DomainStatus::Offline;
        options.domains.push(offline);
    })
    .await;
    let with = |url: &str| json!({"Urls": [PAGE, url]});
    for (url, expected) in [
        ("https://stranger.example.org/", "ResourceNotFound.CdnHostNotExists"),
        ("https://off.example.com/", "InvalidParameter.CdnHostInvalidStatus"),
        ("https://*.example.com/", "InvalidParameter.CdnPurgeWildcardNotAllowed"),
        ("www.example.com/b", "InvalidParameter.CdnParamError"),
    ] {
        assert_eq!(client.code("PurgeUrlsCache", with(url)).await, expected);
    }
    assert_eq!(client.code("PurgeUrlsCache", urls(1_001)).await, "LimitExceeded.CdnPurgeUrlExceedBatchLimit");
    assert_eq!(client.code("PushUrlsCache", urls(501)).await, "LimitExceeded.CdnPushExceedBatchLimit");
    assert!(client.sandbox.cloud().tasks().await.is_empty());
    assert!(client.sandbox.cloud().quota().iter().all(|pool| pool.spent == 0));
}

#[tokio::test]
async fn quotas_are_charged_by_distinct_target_and_area_and_return_at_midnight() {
    let client = TestClient::start().await;
    client.submit("PurgeUrlsCache", json!({"Urls": [PAGE, PAGE, "https://www.example.com/b"]})).await;
    client.submit("PurgeUrlsCache", json!({"Urls": [PAGE], "Area": "overseas"})).await;
    client.submit("PushUrlsCache", json!({"Urls": [PAGE]})).await;
    client.submit("PushUrlsCache", json!({"Urls": [PAGE], "Area": "global"})).await;
    let purge = client.call("DescribePurgeQuota", json!({})).await;
    assert_eq!(available(&purge, "UrlPurge"), [("mainland".to_owned(), 9_998), ("overseas".to_owned(), 9_997)]);
    let push = client.call("DescribePushQuota", json!({})).await;
    assert_eq!(available(&push, "UrlPush"), [("mainland".to_owned(), 998), ("overseas".to_owned(), 999)]);
    let charged: Vec<u64> = client.sandbox.cloud().calls().iter().map(|call| call.charged).collect();
    assert_eq!(charged, [4, 1, 1, 2, 0, 0]);
    client.clock.advance(Duration::from_secs(12 * 60 * 60));
    let purge = client.call("DescribePurgeQuota", json!({})).await;
    assert_eq!(available(&purge, "UrlPurge"), [("mainland".to_owned(), 10_000), ("overseas".to_owned(), 10_000)]);
}

#[tokio::test]
async fn a_call_beyond_todays_quota_is_refused_or_by_switch_taken_in_part() {
    let client = TestClient::start().await;
    let spent = PoolChange { kind: TaskKind::PurgeUrl, area: Area::Overseas, total: None, batch: None, spend: 9_999 };
    client.sandbox.cloud().change_quota(&spent);
    assert_eq!(client.code("PurgeUrlsCache", urls(2)).await, "LimitExceeded.CdnPurgeUrlExceedDayLimit");
    assert_eq!(client.sandbox.cloud().quota()[0].spent, 0);
    client.sandbox.cloud().set_switches(Switches { day_limit: DayLimitRule::Partial, ..Switches::default() });
    client.submit("PurgeUrlsCache", urls(2)).await;
    assert_eq!(client.sandbox.cloud().tasks().await[0].targets.len(), 1);
    assert_eq!(client.code("PurgeUrlsCache", urls(2)).await, "LimitExceeded.CdnPurgeUrlExceedDayLimit");
}

#[tokio::test]
async fn by_switch_a_bad_target_fails_alone() {
    let client = TestClient::start().await;
    client.sandbox.cloud().set_switches(Switches {
        mixed_batch: MixedBatchRule::FailRow,
        failed_rows_refunded: true,
        ..Switches::default()
    });
    let task = client
        .submit("PurgeUrlsCache", json!({"Urls": [PAGE, "https://stranger.example.org/"], "Area": "mainland"}))
        .await;
    client.pass_task_time();
    let answer = client.call("DescribePurgeTasks", json!({"TaskId": task})).await;
    assert_eq!(statuses(&answer, "PurgeLogs"), ["done", "fail"]);
    assert_eq!(client.sandbox.cloud().quota()[0].spent, 1);
}

#[tokio::test]
async fn a_task_lists_one_row_per_url_and_ends_in_time() {
    let client = TestClient::start().await;
    let task = client.submit("PurgeUrlsCache", urls(45)).await;
    assert!(task.starts_with("1795320000-"), "{task}");
    let answer = client.call("DescribePurgeTasks", json!({"TaskId": task})).await;
    assert_eq!(answer["TotalCount"], 45);
    assert_eq!(statuses(&answer, "PurgeLogs"), ["process"; 20]);
    let row = json!({
        "TaskId": task, "Url": "https://www.example.com/0", "Status": "process",
        "PurgeType": "url", "FlushType": "flush", "CreateTime": "2026-11-22 12:00:00",
    });
    assert_eq!(answer["PurgeLogs"][0], row);
    client.clock.advance(Duration::from_millis(2_200));
    let half = client.call("DescribePurgeTasks", json!({"TaskId": task, "Limit": 1_000})).await;
    let done = statuses(&half, "PurgeLogs").iter().filter(|status| *status == "done").count();
    assert!((1..45).contains(&done), "{done}");
    let some = client.call("DescribePurgeTasks", json!({"TaskId": task, "Status": "DONE"})).await;
    assert_eq!(some["TotalCount"], done);
    client.pass_task_time();
    let last = client.call("DescribePurgeTasks", json!({"TaskId": task, "Offset": 40})).await;
    assert_eq!(statuses(&last, "PurgeLogs"), ["done"; 5]);
}

#[tokio::test]
async fn prefetch_rows_tell_percent_area_and_what_the_origin_said() {
    let client = TestClient::start().await;
    let listed = ["https://www.example.com/app.js", "https://www.example.com/missing"];
    let task = client.submit("PushUrlsCache", json!({"Urls": listed, "Area": "overseas"})).await;
    client.clock.advance(Duration::from_secs(1));
    let before = client.call("DescribePushTasks", json!({"TaskId": task})).await;
    assert!((30..=50).contains(&before["PushLogs"][0]["Percent"].as_u64().unwrap()), "{before}");
    assert_eq!(before["PushLogs"][0]["UpdateTime"], Value::Null);
    client.pass_task_time();
    let after = client.call("DescribePushTasks", json!({"TaskId": task})).await;
    assert_eq!(statuses(&after, "PushLogs"), ["done", "invalid"]);
    assert_eq!(after["PushLogs"][0]["Percent"], 100);
    assert_eq!(after["PushLogs"][0]["Area"], "overseas");
    assert_eq!(after["PushLogs"][0]["UpdateTime"], "2026-11-22 12:00:02");
    let filtered = client.call("DescribePushTasks", json!({"TaskId": task, "Status": "invalid"})).await;
    assert_eq!(filtered["PushLogs"][0]["Url"], listed[1]);
}

#[tokio::test]
async fn history_is_found_by_time_type_keyword_and_area() {
    let client = TestClient::start().await;
    client.submit("PurgeUrlsCache", json!({"Urls": [PAGE], "Area": "mainland"})).await;
    client.clock.advance(Duration::from_secs(10));
    let paths = json!({"Paths": ["https://static.example.com/img/"], "FlushType": "delete"});
    client.submit("PurgePathCache", paths).await;
    client.submit("PushUrlsCache", json!({"Urls": [PAGE]})).await;
    let result = async |filter: Value| {
        let mut params = json!({"StartTime": "2026-11-22 12:00:00"});
        params.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let answer = client.call("DescribePurgeTasks", params).await;
        assert_eq!(code(&answer), "");
        let rows = answer["PurgeLogs"].as_array().unwrap();
        assert_eq!(answer["TotalCount"], rows.len());
        rows.iter().map(|row| row["PurgeType"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(result(json!({})).await, ["url", "path"]);
    assert_eq!(result(json!({"EndTime": "2026-11-22 12:00:00"})).await, ["url"]);
    assert_eq!(result(json!({"StartTime": "2026-11-22 12:00:01"})).await, ["path"]);
    assert_eq!(result(json!({"PurgeType": "path"})).await, ["path"]);
    assert_eq!(result(json!({"Keyword": "www.example.com"})).await, ["url"]);
    assert_eq!(result(json!({"Keyword": PAGE})).await, ["url"]);
    assert_eq!(result(json!({"Keyword": "http://www.example.com/a.html"})).await, Vec::<String>::new());
    assert_eq!(result(json!({"Area": "overseas"})).await, ["path"]);
    client.sandbox.cloud().set_switches(Switches { list_newest_first: true, ..Switches::default() });
    assert_eq!(result(json!({})).await, ["path", "url"]);
}

#[tokio::test]
async fn history_asked_wrongly_is_refused() {
    let client = TestClient::start().await;
    assert_eq!(client.code("DescribePurgeTasks", json!({})).await, "MissingParameter");
    for params in [
        json!({"StartTime": "yesterday"}),
        json!({"StartTime": "2026-11-22 12:00:00", "EndTime": "2026-11-21 12:00:00"}),
        json!({"StartTime": "2026-01-01 00:00:00"}),
        json!({"TaskId": "1", "Limit": 1_001}),
        json!({"TaskId": "1", "Status": "invalid"}),
        json!({"TaskId": "1", "PurgeType": "all"}),
    ] {
        assert_eq!(client.code("DescribePurgeTasks", params).await, "InvalidParameter.CdnParamError");
    }
    assert_eq!(client.call("DescribePurgeTasks", json!({"TaskId": "1"})).await["TotalCount"], 0);
}

#[tokio::test]
async fn switches_change_how_history_is_told() {
    let client = TestClient::start().await;
    let switches = Switches {
        rows_per_area: true,
        status_capitalised: true,
        listing_delay: Duration::from_secs(60),
        history_retention: Duration::from_secs(3_600),
        ..Switches::default()
    };
    client.sandbox.cloud().set_switches(switches);
    let task = client.submit("PurgeUrlsCache", json!({"Urls": [PAGE]})).await;
    client.clock.advance(Duration::from_secs(59));
    assert_eq!(client.call("DescribePurgeTasks", json!({"TaskId": task})).await["TotalCount"], 0);
    client.clock.advance(Duration::from_secs(1));
    let answer = client.call("DescribePurgeTasks", json!({"TaskId": task})).await;
    assert_eq!(statuses(&answer, "PurgeLogs"), ["Done", "Done"]);
    client.clock.advance(Duration::from_secs(3_600));
    assert_eq!(client.call("DescribePurgeTasks", json!({"TaskId": task})).await["TotalCount"], 0);
    let window = json!({"StartTime": "2026-11-22 00:00:00"});
    assert_eq!(client.call("DescribePurgeTasks", window).await["TotalCount"], 0);
}

#[tokio::test]
async fn domains_are_told_by_filter_and_page() {
    let client = TestClient::start().await;
    let all = client.call("DescribeDomains", json!({})).await;
    assert_eq!(all["TotalNumber"], 2);
    let filter = |value: &str, fuzzy: bool| json!({"Filters": [{"Name": "domain", "Value": [value], "Fuzzy": fuzzy}], "Limit": 1});
    let one = client.call("DescribeDomains", filter("static.example.com", false)).await;
    assert_eq!(one["TotalNumber"], 1);
    let row = &one["Domains"][0];
    let text = (row["Domain"].as_str(), row["Area"].as_str(), row["Status"].as_str(), row["Cname"].as_str());
    let name = "static.example.com";
    assert_eq!(text, (Some(name), Some("global"), Some("online"), Some("static.example.com.cdn.dnsv1.com")));
    let fuzzy = client.call("DescribeDomainsConfig", filter("example", true)).await;
    assert_eq!((&fuzzy["TotalNumber"], fuzzy["Domains"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(fuzzy["Domains"][0]["CacheKey"]["FullUrlCache"], "on");
    assert_eq!(fuzzy["Domains"][0]["Origin"]["Origins"][0], client.sandbox.addresses.origin.to_string());
    assert_eq!(client.code("DescribeDomainsConfig", json!({"Limit": 101})).await, "InvalidParameter.CdnParamError");
}

#[tokio::test]
async fn each_call_is_logged_with_what_it_did() {
    let client = TestClient::start().await;
    let task = client.submit("PurgeUrlsCache", json!({"Urls": [PAGE]})).await;
    client.clock.advance(Duration::from_millis(7));
    let refused = client.call("PurgeUrlsCache", urls(1_001)).await;
    let calls = client.sandbox.cloud().calls();
    assert_eq!((calls[0].seq, calls[0].task_id.as_deref(), calls[0].charged), (1, Some(task.as_str()), 2));
    let second = &client.sandbox.cloud().calls_after(1)[0];
    assert_eq!(second.request_id, refused["RequestId"].as_str().unwrap());
    assert_eq!((second.seq, second.items, second.charged), (2, 1_001, 0));
    assert_eq!(second.code.as_deref(), Some("LimitExceeded.CdnPurgeUrlExceedBatchLimit"));
    assert_eq!(second.at, Timestamp::from_millis(1_795_320_000_007));
}

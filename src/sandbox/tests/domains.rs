//! Domains as they are configured, areas with copies of their own, and what the account may not do.

use serde_json::{Value, json};

use super::client::{TestClient, TestPage};
use crate::sandbox::{EdgeArea, Fault, FaultRule, OriginContent};

const HOST: &str = "www.example.com";
const URL: &str = "https://www.example.com/a.js";

fn content(body: &str) -> OriginContent {
    OriginContent::new(HOST, "/a.js", body)
}

async fn overseas(client: &TestClient, path: &str) -> TestPage {
    let url = format!("http://{}{path}", client.sandbox.addresses.edge_overseas);
    TestPage::read(client.http.get(url).header("host", HOST).send().await.unwrap()).await
}

async fn configure(client: &TestClient, change: Value) {
    let mut change = change;
    change["Domain"] = json!(HOST);
    let (status, answer) = client.control("PUT", "domains", Some(json!([change]))).await;
    assert_eq!(status, 200, "{answer}");
}

/// Both areas hold version 1, the origin has version 2.
async fn outdated() -> TestClient {
    let client = TestClient::start().await;
    client.sandbox.cloud().put_origin(content("one")).unwrap();
    client.edge(HOST, "/a.js").await;
    overseas(&client, "/a.js").await;
    client.sandbox.cloud().put_origin(content("two")).unwrap();
    client
}

#[tokio::test]
async fn a_purge_of_one_area_leaves_the_other_as_it_is() {
    let client = outdated().await;
    client.submit("PurgeUrlsCache", json!({"Urls": [URL], "Area": "mainland"})).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
    assert_eq!(overseas(&client, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    client.submit("PurgeUrlsCache", json!({"Urls": [URL]})).await;
    client.pass_task_time();
    assert_eq!(overseas(&client, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_domain_of_one_area_is_served_there_for_everybody() {
    let client = TestClient::start().await;
    configure(&client, json!({"Area": "overseas"})).await;
    client.edge(HOST, "/app.js").await;
    assert_eq!(overseas(&client, "/app.js").await.lookup, "Cache Hit");
}

#[tokio::test]
async fn a_task_can_say_done_although_the_nodes_of_an_area_keep_their_copies() {
    let client = outdated().await;
    let fault = Fault::KeepsCopy { area: EdgeArea::Overseas };
    client.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", fault)]);
    let task = client.submit("PurgeUrlsCache", json!({"Urls": [URL]})).await;
    client.pass_task_time();
    let rows = client.call("DescribePurgeTasks", json!({"TaskId": task})).await;
    assert_eq!(rows["PurgeLogs"][0]["Status"], "done");
    assert_eq!(client.edge(HOST, "/a.js").await.body, "two");
    assert_eq!(overseas(&client, "/a.js").await.body, "one");
}

#[tokio::test]
async fn a_slow_task_takes_longer_by_as_much_as_was_set() {
    let client = outdated().await;
    let rules = json!([{"action": "PurgeUrlsCache", "fault": {"kind": "slow_task", "millis": 600_000}}]);
    assert_eq!(client.control("PUT", "faults", Some(rules.clone())).await, (200, rules));
    client.submit("PurgeUrlsCache", json!({"Urls": [URL]})).await;
    client.pass_task_time();
    assert_eq!(client.sandbox.cloud().tasks().await[0].targets[0].1, "process");
    client.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(client.sandbox.cloud().tasks().await[0].targets[0].1, "done");
}

#[tokio::test]
async fn a_purge_finds_the_object_under_the_key_of_its_url_and_no_other() {
    let client = TestClient::start().await;
    let query = json!({"Switch": "on", "Action": "includeCustom", "Value": "v"});
    configure(&client, json!({"CacheKey": {"FullUrlCache": "off", "IgnoreCase": "on", "QueryString": query}})).await;
    for path in ["/a.js?v=1&u=2", "/A.js?v=2"] {
        client.sandbox.cloud().put_origin(OriginContent::new(HOST, path, path)).unwrap();
        assert_eq!(client.edge(HOST, path).await.seen(), (200, "Cache Miss", path));
    }
    assert_eq!(client.edge(HOST, "/A.JS?u=7&v=1").await.seen(), (200, "Cache Hit", "/a.js?v=1&u=2"));
    client.submit("PurgeUrlsCache", json!({"Urls": [URL, "https://www.example.com/a.js?v=3"]})).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js?v=1&u=2").await.lookup, "Cache Hit");
    client.submit("PurgeUrlsCache", json!({"Urls": ["https://www.example.com/a.JS?v=1"]})).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js?v=1&u=2").await.lookup, "Cache Miss");
    assert_eq!(client.edge(HOST, "/A.js?v=2").await.lookup, "Cache Hit");
}

#[tokio::test]
async fn what_is_configured_is_what_is_reported() {
    let client = TestClient::start().await;
    let key = json!({
        "FullUrlCache": "off", "IgnoreCase": "on", "Scheme": {"Switch": "on"},
        "QueryString": {"Switch": "on", "Reorder": "on", "Action": "excludeCustom", "Value": "a;b"},
        "KeyRules": [{"RulePaths": ["/img"], "RuleType": "directory", "FullUrlCache": "on", "IgnoreCase": "off",
                      "QueryString": {"Switch": "off", "Reorder": null, "Action": null, "Value": null}, "RuleTag": null}],
    });
    let cache = json!({"RuleCache": [{"RuleType": "file", "RulePaths": ["php"], "CacheConfig": {
        "Cache": null, "NoCache": {"Switch": "on", "Revalidate": "off"}, "FollowOrigin": null,
    }}]});
    let origin = json!({
        "Origins": ["origin.www.example.com:8080"], "ServerName": "shop.example.com", "OriginPullProtocol": "follow",
    });
    let change = json!({
        "CacheKey": key, "Cache": cache, "Origin": origin, "Disable": "overdue", "Readonly": "mainland",
        "Status": "processing",
    });
    configure(&client, change).await;
    let target = json!([{"Name": "domain", "Value": [HOST]}]);
    let message = client.call("DescribeDomainsConfig", json!({"Filters": target})).await;
    let report = &message["Domains"][0];
    for (name, value) in key.as_object().unwrap() {
        assert_eq!(&report["CacheKey"][name], value, "{name}");
    }
    assert_eq!(report["Cache"]["RuleCache"], cache["RuleCache"]);
    for (name, value) in origin.as_object().unwrap() {
        assert_eq!(&report["Origin"][name], value, "{name}");
    }
    assert_eq!(
        (&report["Origin"]["OriginType"], &report["Cname"]),
        (&json!("domain"), &json!("www.example.com.cdn.dnsv1.com"))
    );
    let states = (&report["Disable"], &report["Readonly"], &report["Status"]);
    assert_eq!(states, (&json!("overdue"), &json!("mainland"), &json!("processing")));
    // What the control endpoint tells can be given back to it.
    let (_, domains) = client.control("GET", "domains", None).await;
    assert_eq!(client.control("PUT", "domains", Some(domains.clone())).await, (200, domains));
    for (change, word) in [(json!({"Area": "moon"}), "Area"), (json!({"CacheKey": {"Colour": "on"}}), "Colour")] {
        let mut change = change;
        change["Domain"] = json!(HOST);
        let (status, answer) = client.control("PUT", "domains", Some(json!([change]))).await;
        assert!(status == 400 && answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
}

#[tokio::test]
async fn a_domain_can_be_taken_in_and_given_up() {
    let client = TestClient::start().await;
    let purge = json!({"Urls": ["https://new.example.org/"]});
    assert_eq!(client.code("PurgeUrlsCache", purge.clone()).await, "ResourceNotFound.CdnHostNotExists");
    client.control("PUT", "domains", Some(json!([{"Domain": "new.example.org"}]))).await;
    assert_eq!(client.code("PurgeUrlsCache", purge.clone()).await, "");
    let place = json!({"Domain": "new.example.org"});
    assert_eq!(client.control("DELETE", "domains", Some(place.clone())).await.0, 204);
    assert_eq!(client.control("DELETE", "domains", Some(place)).await.0, 404);
    assert_eq!(client.code("PurgeUrlsCache", purge).await, "ResourceNotFound.CdnHostNotExists");
}

#[tokio::test]
async fn a_domains_standing_refuses_with_its_code() {
    let client = TestClient::start().await;
    for (standing, code) in [
        ("moving_to_edge_one", "OperationDenied.ProductUpdating"),
        ("moved_to_edge_one", "InvalidParameter.CdnHostExistsInEdgeOne"),
        ("owned_by_other", "UnauthorizedOperation.CdnHostIsOwnedByOther"),
        ("locked", "ResourceUnavailable.CdnHostIsLocked"),
        ("malicious", "ResourceUnavailable.CdnHostIsMalicious"),
        ("no_icp", "ResourceUnavailable.CdnHostNoIcp"),
        ("normal", ""),
    ] {
        configure(&client, json!({"Standing": standing})).await;
        assert_eq!(client.code("PurgeUrlsCache", json!({"Urls": [URL]})).await, code);
    }
}

#[tokio::test]
async fn cam_refuses_by_action_and_by_domain_in_the_documented_words() {
    let client = TestClient::start().await;
    let setup = json!({"state": "normal", "denied": [
        {"action": "PushUrlsCache", "code": "AuthFailure.UnauthorizedOperation"},
        {"action": "DescribePurgeQuota"},
        {"action": "*", "domain": "static.example.com"},
    ]});
    assert_eq!(client.control("PUT", "account", Some(setup.clone())).await, (200, setup.clone()));
    assert_eq!(client.control("GET", "account", None).await, (200, setup));
    let code = async |action: &str, params: Value| client.code(action, params).await;
    assert_eq!(code("PushUrlsCache", json!({"Urls": [URL]})).await, "AuthFailure.UnauthorizedOperation");
    assert_eq!(code("DescribePurgeQuota", json!({})).await, "UnauthorizedOperation.CdnCamUnauthorized");
    assert_eq!(code("PurgeUrlsCache", json!({"Urls": [URL]})).await, "");
    let mixed = client.call("PurgeUrlsCache", json!({"Urls": [URL, "https://static.example.com/x"]})).await;
    assert_eq!(mixed["Error"]["Code"], "UnauthorizedOperation.CdnHostUnauthorized");
    let expected = format!(
        "[request id:{}]you are not authorized to perform operation (cdn:PurgeUrlsCache) resource \
         (qcs::cdn::uin/100000000001:domain/static.example.com) has no permission",
        mixed["RequestId"].as_str().unwrap()
    );
    assert_eq!(mixed["Error"]["Message"], expected.as_str());
    let seen = client.call("DescribeDomains", json!({})).await;
    assert_eq!((seen["TotalNumber"].as_u64(), &seen["Domains"][0]["Domain"]), (Some(1), &json!(HOST)));
}

#[tokio::test]
async fn an_account_in_trouble_can_do_nothing() {
    let client = TestClient::start().await;
    for (state, code) in [
        ("suspended", "UnauthorizedOperation.CdnUserIsSuspended"),
        ("isolated", "UnauthorizedOperation.CdnUserIsIsolated"),
        ("migrating", "OperationDenied.UserMigrating"),
        ("moved_to_edge_one", "OperationDenied.ProductUpgraded"),
        ("auth_failed", "UnauthorizedOperation.CdnUserAuthFail"),
        ("auth_wait", "UnauthorizedOperation.CdnUserAuthWait"),
        ("not_activated", "ResourceNotFound.CdnUserNotExists"),
        ("invalid_status", "UnauthorizedOperation.CdnInvalidUserStatus"),
    ] {
        client.control("PUT", "account", Some(json!({"state": state}))).await;
        for action in ["DescribePurgeQuota", "DescribeDomains"] {
            assert_eq!(client.code(action, json!({})).await, code);
        }
    }
}

#[tokio::test]
async fn an_address_is_a_node_if_the_edge_or_its_name_is_there() {
    let client = TestClient::start().await;
    let rules = json!([{"name": "www.example.com.cdn.dnsv1.com", "answers": [
        {"kind": "addresses", "addresses": ["203.0.113.7"]},
    ]}]);
    client.control("PUT", "dns", Some(rules)).await;
    let value = client.call("DescribeCdnIp", json!({"Ips": ["127.0.0.1", "203.0.113.7", "203.0.113.8"]})).await;
    let platforms: Vec<&Value> = value["Ips"].as_array().unwrap().iter().map(|row| &row["Platform"]).collect();
    assert_eq!(platforms, ["yes", "yes", "no"]);
    let many: Vec<String> = (0..21).map(|number| format!("203.0.113.{number}")).collect();
    assert_eq!(client.code("DescribeCdnIp", json!({"Ips": many})).await, "LimitExceeded.CdnQueryIpBatchTooMany");
}

//! Nodes of the edge and machines of the origin at addresses of their own.

use std::net::IpAddr;

use serde_json::json;

use super::client::{TestClient, TestPage};
use crate::sandbox::dns::zone::{DnsQuestion, End};
use crate::sandbox::{Fault, FaultRule, OriginContent};

const HOST: &str = "www.example.com";

async fn body(client: &TestClient, node: IpAddr) -> String {
    let request = client.http.get(format!("http://{node}/app.js")).header("host", HOST);
    TestPage::read(request.send().await.unwrap()).await.body
}

#[tokio::test]
async fn a_purge_reaches_every_node_but_one_that_keeps_its_copy() {
    let addresses: Vec<IpAddr> = ["127.61.7.1", "127.61.7.2"].map(|text| text.parse().unwrap()).to_vec();
    let client = TestClient::start_with(|options| options.nodes.clone_from(&addresses)).await;
    let cloud = client.sandbox.cloud();
    let nodes = client.sandbox.nodes.clone();
    // Without the right to open the web's ports there are none.
    let [one, two] = nodes[..] else { return };
    let resolved = cloud.resolve(HOST, DnsQuestion::A);
    assert!(matches!(resolved.end, End::Addresses(named, _) if named == addresses));
    let old = (body(&client, one).await, body(&client, two).await);
    cloud.put_origin(OriginContent::new(HOST, "/app.js", "2")).unwrap();
    assert_eq!((body(&client, one).await, body(&client, two).await), old);
    cloud.set_faults(vec![FaultRule::new("*", Fault::NodeKeepsCopy { node: 2 }).times(1)]);
    for second in [old.1.as_str(), "2"] {
        client.submit("PurgeUrlsCache", json!({"Urls": ["https://www.example.com/app.js"]})).await;
        client.pass_task_time();
        assert_eq!((body(&client, one).await.as_str(), body(&client, two).await.as_str()), ("2", second));
    }
}

#[tokio::test]
async fn the_edge_asks_the_machine_that_is_configured() {
    let addresses: Vec<IpAddr> = ["127.61.8.1", "127.61.8.2"].map(|text| text.parse().unwrap()).to_vec();
    let client = TestClient::start_with(|options| options.machines = addresses).await;
    let [one, two] = client.sandbox.machines[..] else { return };
    let rules =
        json!([{"at": "origin", "number": 2, "host": HOST, "fault": {"kind": "status", "status": 503, "body": "two"}}]);
    assert_eq!(client.control("PUT", "answers", Some(rules)).await.0, 200);
    for (machine, status) in [(one, 200), (two, 503)] {
        let origin = json!([{"Domain": HOST, "Origin": {"Origins": [machine]}}]);
        assert_eq!(client.control("PUT", "domains", Some(origin)).await.0, 200);
        let path = format!("/app.js?of={machine}");
        assert_eq!(client.edge(HOST, &path).await.status, status);
    }
}

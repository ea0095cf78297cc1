//! The name server, queried by a real resolver over real packets.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use serde_json::json;
use tokio::net::UdpSocket;

use super::client::TestClient;
use crate::sandbox::{DnsAnswer, DnsRule, Domain};

const HOST: &str = "www.example.com.";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

fn resolver(client: &TestClient, mut carrier: ConnectionConfig) -> TokioResolver {
    let at = client.sandbox.addresses.dns;
    carrier.port = at.port();
    let server = NameServerConfig::new(at.ip(), true, vec![carrier]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.cache_size = 0;
    options.attempts = 0;
    options.timeout = Duration::from_millis(500);
    builder.build().expect("a resolver")
}

/// The CNAMEs passed and the addresses found, or the response code or other words of a failure.
async fn looked_up(
    client: &TestClient,
    name: &str,
    carrier: ConnectionConfig,
) -> Result<(Vec<String>, Vec<IpAddr>), String> {
    let lookup = resolver(client, carrier).lookup(name, RecordType::A).await;
    let result = lookup.map_err(|error| format!("{error:?}"))?;
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for record in result.answers() {
        match &record.data {
            RData::CNAME(target) => names.push(target.to_string()),
            RData::A(address) => addresses.push(IpAddr::V4(address.0)),
            other => panic!("{other}"),
        }
    }
    Ok((names, addresses))
}

async fn lookup_addresses(client: &TestClient, name: &str) -> Result<(Vec<String>, Vec<IpAddr>), String> {
    looked_up(client, name, ConnectionConfig::udp()).await
}

fn cname(target: &str) -> DnsAnswer {
    DnsAnswer::Cname { target: target.to_owned() }
}

fn at(address: IpAddr) -> DnsAnswer {
    DnsAnswer::Addresses { addresses: vec![address] }
}

#[tokio::test]
async fn domains_lead_to_the_edge_and_origins_are_found_by_either_kind_of_packet() {
    let client = TestClient::start_with(|options| options.domains.push(Domain::new("*.example.net"))).await;
    let edge = "www.example.com.cdn.dnsv1.com.".to_owned();
    for carrier in [ConnectionConfig::udp(), ConnectionConfig::tcp()] {
        assert_eq!(looked_up(&client, HOST, carrier).await, Ok((vec![edge.clone()], vec![HERE])));
    }
    assert_eq!(lookup_addresses(&client, "WWW.example.com.").await, Ok((vec![edge], vec![HERE])));
    let wildcard = "example.net.cdn.dnsv1.com.".to_owned();
    assert_eq!(lookup_addresses(&client, "a.b.example.net.").await, Ok((vec![wildcard], vec![HERE])));
    for origin in ["origin.www.example.com.", "origin.example.net."] {
        assert_eq!(lookup_addresses(&client, origin).await, Ok((vec![], vec![HERE])));
    }
    assert!(lookup_addresses(&client, "nobody.example.org.").await.unwrap_err().contains("NXDomain"));
}

#[tokio::test]
async fn a_name_is_answered_as_it_was_set() {
    let client = TestClient::start().await;
    let set = |answer| client.sandbox.cloud().set_dns(vec![DnsRule::new("www.example.com", [answer])]);
    set(at(PUBLIC));
    assert_eq!(lookup_addresses(&client, HOST).await, Ok((vec![], vec![PUBLIC])));
    set(cname("another.cdn.example.net"));
    assert!(lookup_addresses(&client, HOST).await.unwrap_err().contains("NXDomain"));
    for (answer, word) in [
        (DnsAnswer::Nxdomain, "NXDomain"),
        (DnsAnswer::Servfail, "ServFail"),
        (DnsAnswer::Empty, "NoError"),
        (DnsAnswer::Silence, "Timeout"),
        (cname("www.example.com"), "ServFail"),
    ] {
        set(answer.clone());
        let text = lookup_addresses(&client, HOST).await.unwrap_err();
        assert!(text.contains(word), "{answer:?}: {text}");
    }
}

#[tokio::test]
async fn a_chain_is_told_link_by_link() {
    let client = TestClient::start().await;
    client.sandbox.cloud().set_dns(vec![
        DnsRule::new("www.example.com", [cname("a.example.net")]),
        DnsRule::new("a.example.net", [cname("b.example.net")]),
        DnsRule::new("b.example.net", [at(PUBLIC)]),
    ]);
    let links = vec!["a.example.net.".to_owned(), "b.example.net.".to_owned()];
    assert_eq!(lookup_addresses(&client, HOST).await, Ok((links, vec![PUBLIC])));
    let first = resolver(&client, ConnectionConfig::udp()).lookup(HOST, RecordType::CNAME).await.expect("a link");
    assert_eq!(first.answers().len(), 1);
}

#[tokio::test]
async fn answers_can_change_between_queries_as_rebinding_does() {
    let client = TestClient::start().await;
    let rules = json!([{"name": "www.example.com", "ttl": 0, "answers": [
        {"kind": "addresses", "addresses": ["203.0.113.7"]}, {"kind": "addresses", "addresses": ["127.0.0.1"]},
    ]}]);
    assert_eq!(client.control("PUT", "dns", Some(rules.clone())).await, (200, rules.clone()));
    assert_eq!(client.control("GET", "dns", None).await, (200, rules));
    // A question for another type does not use up a turn.
    let other = resolver(&client, ConnectionConfig::udp()).lookup(HOST, RecordType::AAAA).await;
    assert!(other.is_err());
    for expected in [PUBLIC, HERE, HERE] {
        assert_eq!(lookup_addresses(&client, HOST).await, Ok((vec![], vec![expected])));
    }
}

#[tokio::test]
async fn an_answer_too_large_for_a_datagram_comes_over_tcp() {
    let client = TestClient::start().await;
    let many: Vec<IpAddr> = (0..200).map(|number| IpAddr::from([203, 0, 113, number])).collect();
    let rule = DnsRule::new("www.example.com", [DnsAnswer::Addresses { addresses: many }]);
    client.sandbox.cloud().set_dns(vec![rule]);
    let texts = looked_up(&client, HOST, ConnectionConfig::tcp()).await.expect("an answer");
    assert_eq!(texts.1.len(), 200);
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(HOST).unwrap(), RecordType::A));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&query.to_vec().unwrap(), client.sandbox.addresses.dns).await.unwrap();
    let mut packet = [0; 65_535];
    let length = socket.recv(&mut packet).await.unwrap();
    let cut = Message::from_vec(&packet[..length]).unwrap();
    assert!(length <= 512 && cut.metadata.truncation && cut.answers.is_empty(), "{length} bytes: {cut:?}");
}

//! Nobody can use a probe to look into the network that the daemon stands in: a listener there sees no connection.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use hickory_resolver::proto::rr::RecordType;
use refreshd::probe::{ConnectError, DialTarget, DnsError, ProbeRequest, ProbeResult, Prober, ProberOptions};

use super::name_server::{NameServer, Says};
use super::{LONG, SHORT, answering, ask, name, prober};

/// A listener that nobody is meant to reach.
struct Forbidden(TcpListener);

impl Forbidden {
    fn at(address: [u8; 4], port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::from(address), port)).expect("a listener");
        listener.set_nonblocking(true).expect("a switch");
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("an address").port()
    }

    /// A connection that was made is in the listener's queue by the time that the look has ended.
    fn saw_nobody(&self) -> bool {
        matches!(self.0.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

async fn denied(prober: &impl Prober, dial: DialTarget) -> ProbeResult {
    let seen = prober.probe(&ask(dial), LONG).await;
    assert!(matches!(seen.connect, Some(Err(ConnectError::Denied(_)))), "{seen:?}");
    assert!(seen.address.is_none() && seen.tls.is_none() && seen.http.is_none(), "{seen:?}");
    seen
}

#[tokio::test]
async fn an_address_that_stands_for_a_name_is_judged_too() {
    let inside = Forbidden::at([127, 0, 0, 1], 0);
    let strict = prober(&[], &ProberOptions::default());
    let port = inside.port();
    for literal in [
        "127.0.0.1",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "[::ffff:7f00:1]",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.100.100.200",
        "169.254.0.23",
        "169.254.169.254",
        "fd00:ec2::254",
        "fe80::1",
    ] {
        denied(&strict, name(literal, port)).await;
        if let Ok(address) = literal.parse::<IpAddr>() {
            denied(&strict, DialTarget::Address((address, port).into())).await;
        }
    }
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn other_ways_to_write_an_address_are_names_and_lead_nowhere() {
    let inside = Forbidden::at([127, 0, 0, 1], 0);
    let server = NameServer::start(|_, _| vec![Says::NoSuchName]).await;
    let loose = prober(&["127.0.0.0/8"], &server.surroundings());
    for written in ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1"] {
        let seen = loose.probe(&ask(name(written, inside.port())), LONG).await;
        assert_eq!(seen.connect, None, "{written}: {seen:?}");
    }
    let strict = prober(&[], &server.surroundings());
    for own in ["localhost", "www.localhost"] {
        let seen = strict.probe(&ask(name(own, inside.port())), LONG).await;
        assert!(!matches!(seen.connect, Some(Ok(_))), "{own}: {seen:?}");
    }
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_dialled() {
    let inside = Forbidden::at([127, 0, 0, 1], 0);
    let server = NameServer::start(|name, _| match name {
        "mapped.example" => vec![Says::Address("::ffff:127.0.0.1".parse().expect("an address"))],
        "nat64.example" => vec![Says::Address("64:ff9b::7f00:1".parse().expect("an address"))],
        "six.example" => vec![Says::Address("::1".parse().expect("an address"))],
        "alias.example" => vec![Says::Alias("private.example.")],
        _ => vec![Says::Address([127, 0, 0, 1].into()), Says::Address([10, 0, 0, 1].into())],
    })
    .await;
    let strict = prober(&[], &server.surroundings());
    for host in ["private.example", "mapped.example", "nat64.example", "six.example", "alias.example"] {
        let seen = denied(&strict, name(host, inside.port())).await;
        assert!(!seen.name.expect("it was resolved").addresses.is_empty(), "{host}");
    }
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_by_what_is_dialled() {
    let (outside, _) = answering([127, 0, 0, 2].into(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let inside = Forbidden::at([127, 0, 0, 1], outside.port());
    // "Public" is 127.0.0.2 here, since nothing else than loopback may be dialled by a test.
    let server =
        NameServer::start(|_, before| vec![Says::Address([127, 0, 0, if before == 0 { 2 } else { 1 }].into())]).await;
    let strict = prober(&["127.0.0.2/32"], &server.surroundings());
    let seen = strict.probe(&ask(name("rebound.example", outside.port())), LONG).await;
    assert_eq!((seen.address, seen.http.expect("an answer").map(|answer| answer.status)), (Some(outside), Ok(200)));
    assert_eq!(server.asked("rebound.example", RecordType::A), 1, "what was judged is what was dialled");
    for _ in 0..3 {
        denied(&strict, name("rebound.example", outside.port())).await;
    }
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn of_a_mixed_answer_only_what_is_admitted_is_dialled() {
    let (outside, _) = answering([127, 0, 0, 2].into(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let inside = Forbidden::at([127, 0, 0, 1], outside.port());
    let server =
        NameServer::start(|_, _| vec![Says::Address([127, 0, 0, 1].into()), Says::Address([127, 0, 0, 2].into())])
            .await;
    let seen = prober(&["127.0.0.2/32"], &server.surroundings())
        .probe(&ask(name("mixed.example", outside.port())), LONG)
        .await;
    assert_eq!(seen.address, Some(outside));
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let inside = Forbidden::at([127, 0, 0, 1], 0);
    let to = format!("http://127.0.0.1:{}/inside", inside.port());
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}?key=secret\r\nContent-Length: 0\r\n\r\n");
    let (outside, _) = answering([127, 0, 0, 2].into(), answer).await;
    let seen =
        prober(&["127.0.0.0/8"], &ProberOptions::default()).probe(&ask(DialTarget::Address(outside)), LONG).await;
    let answer = seen.http.expect("an answer").expect("a good one");
    assert_eq!((answer.status, answer.header("location")), (302, Some(format!("{to}?…"))));
    assert!(inside.saw_nobody());
}

#[tokio::test]
async fn a_name_is_told_with_its_aliases_and_what_is_wrong_with_it() {
    let server = NameServer::start(|name, _| match name {
        "www.example" => vec![Says::Alias("WWW.example.cdn.example.")],
        "www.example.cdn.example" => vec![Says::Alias("node.sched.example.")],
        "node.sched.example" => vec![Says::Address([203, 0, 113, 7].into())],
        "dangling.example" => vec![Says::Alias("gone.example.")],
        "gone.example" => vec![Says::NoSuchName],
        "empty.example" => vec![Says::Nothing],
        "broken.example" => vec![Says::Fails],
        "silent.example" => vec![Says::Silence],
        "loop.example" => vec![Says::Alias("pool.example.")],
        "pool.example" => vec![Says::Alias("loop.example.")],
        "self.example" => vec![Says::Alias("self.example.")],
        other => panic!("{other}"),
    })
    .await;
    let prober = prober(&[], &server.surroundings());
    let look = prober.resolve("WWW.example.", LONG).await;
    assert_eq!(look.aliases, ["www.example.cdn.example", "node.sched.example"]);
    assert_eq!((look.addresses, look.fault), (vec![[203, 0, 113, 7].into()], None));
    let look = prober.resolve("dangling.example", LONG).await;
    assert_eq!((look.aliases, look.fault), (vec!["gone.example".to_owned()], Some(DnsError::NoSuchName)));
    assert_eq!(prober.resolve("empty.example", LONG).await.fault, Some(DnsError::NoAddress));
    assert!(matches!(prober.resolve("broken.example", LONG).await.fault, Some(DnsError::ServerFailed(_))));
    assert_eq!(prober.resolve("silent.example", SHORT).await.fault, Some(DnsError::TimedOut));
    assert_eq!(prober.resolve("silent.example", LONG).await.fault, Some(DnsError::TimedOut), "a stage has its own end");
    for endless in ["loop.example", "self.example"] {
        let look = prober.resolve(endless, LONG).await;
        assert!(look.fault.is_some() && look.addresses.is_empty() && look.aliases.len() <= 8, "{look:?}");
    }
    let seen =
        prober.probe(&ProbeRequest { host: "gone.example".to_owned(), ..ask(name("gone.example", 80)) }, LONG).await;
    assert_eq!((seen.connect, seen.name.and_then(|name| name.fault)), (None, Some(DnsError::NoSuchName)));
    // An operator's name server that is not there at all.
    let nowhere = ProberOptions { resolvers: vec![([127, 0, 0, 1], 1).into()], ..ProberOptions::default() };
    assert!(super::prober(&[], &nowhere).resolve("www.example", LONG).await.fault.is_some());
}

//! Guarded looks at real sockets on loopback: what may be dialled, what is noted of each stage, and that every look ends.

mod address_policy;
mod certificates;
mod http_responses;
mod name_server;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::probe::{AddressPolicy, DialTarget, NetProber, ProbeRequest, ProberOptions, Scheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Far more than any look on loopback takes.
const LONG: Duration = Duration::from_secs(60);
/// What a look has that is to run out of time.
const SHORT: Duration = Duration::from_millis(300);

/// A prober that may dial these networks.
fn prober(allowed: &[&str], surroundings: &ProberOptions) -> NetProber {
    let allowed = allowed.iter().map(|net| net.parse().expect("a network")).collect();
    NetProber::new(AddressPolicy::new(allowed), surroundings, Arc::new(SystemClock::default())).expect("a prober")
}

fn on_loopback() -> NetProber {
    prober(&["127.0.0.0/8"], &ProberOptions::default())
}

fn ask(dial: DialTarget) -> ProbeRequest {
    ProbeRequest {
        dial,
        scheme: Scheme::Http,
        host: "www.example.com".to_owned(),
        path: "/app.js".to_owned(),
        user_agent: None,
    }
}

fn name(name: &str, port: u16) -> DialTarget {
    DialTarget::Name(name.to_owned(), port)
}

/// A server that reads one request of each connection, answers this and closes. What it was asked comes first.
async fn answering(
    at: IpAddr,
    answer: impl Into<Vec<u8>>,
) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((at, 0)).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (asked, requests) = tokio::sync::mpsc::unbounded_channel();
    let answer = answer.into();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut byte = [0; 1];
            while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
                request.push(byte[0]);
            }
            let _ = asked.send(String::from_utf8_lossy(&request).into_owned());
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, requests)
}

fn loopback() -> IpAddr {
    [127, 0, 0, 1].into()
}

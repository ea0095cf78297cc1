//! The simulated name server: real DNS messages over UDP and TCP on a port of its own, answered as a recursive
//! resolver answers, and cut short where a datagram is too small.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::state::Cloud;
use zone::{DnsQuestion, End, Resolved, plain};

pub(super) mod wire;
pub(super) mod zone;

/// Without a word from the client, what every path carries.
const DATAGRAM_BYTES: usize = 512;
const QUERY_BYTES_MAX: usize = 4096;

/// One port, for both kinds of packets.
pub(super) struct Sockets {
    datagrams: UdpSocket,
    streams: TcpListener,
}

impl Sockets {
    /// A port that is free for both.
    pub(super) async fn bind(at: IpAddr) -> io::Result<Self> {
        const TRIES: usize = 32;
        let mut tried = 0;
        loop {
            let datagrams = UdpSocket::bind((at, 0)).await?;
            match TcpListener::bind(datagrams.local_addr()?).await {
                Ok(streams) => return Ok(Self { datagrams, streams }),
                Err(_) if tried < TRIES => tried += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.datagrams.local_addr()
    }
}

pub(super) async fn serve(sockets: Sockets, shutdown: CancellationToken, cloud: Arc<Cloud>) {
    let mut packet = [0; QUERY_BYTES_MAX];
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = streams.join_next() => {}
            received = sockets.datagrams.recv_from(&mut packet) => {
                let Ok((length, from)) = received else { pause().await; continue };
                let Some(answer) = answer(&cloud, &packet[..length], Carrier::Datagram) else { continue };
                // Nobody to tell if it cannot be sent; a client asks again.
                let _ = sockets.datagrams.send_to(&answer, from).await;
            }
            accepted = sockets.streams.accept() => {
                let Ok((stream, _)) = accepted else { pause().await; continue };
                streams.spawn(serve_stream(stream, Arc::clone(&cloud)));
            }
        }
    }
    streams.shutdown().await;
}

/// A socket that fails at once would otherwise be asked without end.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Each message goes after its length in two bytes; the client closes.
async fn serve_stream(mut stream: TcpStream, cloud: Arc<Cloud>) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        let Some(answer) = answer(&cloud, &packet, Carrier::Stream) else { continue };
        let Ok(length) = u16::try_from(answer.len()) else { return };
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Datagram,
    Stream,
}

/// `None`: not a query, or one that is to go unanswered.
fn answer(cloud: &Cloud, packet: &[u8], carrier: Carrier) -> Option<Vec<u8>> {
    let message = Message::from_vec(packet).ok()?;
    let query = message.queries.first()?;
    let resolved = cloud.resolve(&plain(&query.name.to_ascii()), question_type(query.query_type));
    let mut answer = Message::response(message.metadata.id, message.metadata.op_code);
    answer.metadata.recursion_desired = message.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    if message.edns.is_some() {
        answer.set_edns(Edns::new());
    }
    fill(&mut answer, query, &resolved)?;
    let bytes = answer.to_vec().ok()?;
    let room = usize::from(message.max_payload()).max(DATAGRAM_BYTES);
    if carrier == Carrier::Datagram && bytes.len() > room { answer.truncate().to_vec().ok() } else { Some(bytes) }
}

const fn question_type(record: RecordType) -> DnsQuestion {
    match record {
        RecordType::A => DnsQuestion::A,
        RecordType::AAAA => DnsQuestion::Aaaa,
        RecordType::CNAME => DnsQuestion::Cname,
        _ => DnsQuestion::Other,
    }
}

fn fill(answer: &mut Message, query: &Query, resolved: &Resolved) -> Option<()> {
    for (owner, target, ttl) in &resolved.links {
        let target = RData::CNAME(CNAME(name(target)?));
        answer.add_answer(Record::from_rdata(name(owner)?, *ttl, target));
    }
    let last = name(&resolved.last)?;
    match &resolved.end {
        End::Silence => return None,
        End::Failure => answer.metadata.response_code = ResponseCode::ServFail,
        End::NoSuchName => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            answer.add_authority(start_of_authority(&last));
        }
        // A query for a CNAME that found one is answered already.
        End::Nothing if query.query_type == RecordType::CNAME && !resolved.links.is_empty() => {}
        End::Nothing => drop(answer.add_authority(start_of_authority(&last))),
        End::Addresses(addresses, ttl) => {
            for address in addresses {
                let data = match address {
                    IpAddr::V4(address) => RData::A(A(*address)),
                    IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
                };
                answer.add_answer(Record::from_rdata(last.clone(), *ttl, data));
            }
        }
    }
    Some(())
}

/// `None`: set from outside to something that is no name.
fn name(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// What makes a "no" complete: resolvers take one without it for a server that knows nothing.
fn start_of_authority(name: &Name) -> Record {
    let zone = name.base_name();
    let soa = SOA::new(zone.clone(), zone.clone(), 1, 3_600, 600, 86_400, 60);
    Record::from_rdata(zone, 60, RData::SOA(soa))
}

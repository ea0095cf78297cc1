//! A name server on loopback that says what a test wants, each time anew.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use refreshd::probe::ProberOptions;
use tokio::net::UdpSocket;

/// What is said of one name.
pub(super) enum Says {
    Address(IpAddr),
    Alias(&'static str),
    NoSuchName,
    Nothing,
    Fails,
    /// No answer at all.
    Silence,
}

pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
}

impl NameServer {
    /// `say` is told the name and how often its addresses of that kind were asked for before.
    pub(super) async fn start(say: impl Fn(&str, usize) -> Vec<Says> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let address = socket.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<(String, RecordType)>>> = Arc::default();
        let noted = asked.clone();
        tokio::spawn(async move {
            let mut packet = vec![0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let question = Message::from_vec(&packet[..length]).expect("a question");
                let (name, kind) = (question.queries[0].name().clone(), question.queries[0].query_type());
                let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
                let before = {
                    let mut noted = noted.lock().expect("nobody panicked");
                    let before = noted.iter().filter(|asked| **asked == (text.clone(), kind)).count();
                    noted.push((text.clone(), kind));
                    before
                };
                if let Some(answer) = answer(&question, &name, kind, &say(&text, before)) {
                    socket.send_to(&answer, from).await.expect("sent");
                }
            }
        });
        Self { address, asked }
    }

    pub(super) fn surroundings(&self) -> ProberOptions {
        ProberOptions { resolvers: vec![self.address], ..ProberOptions::default() }
    }

    pub(super) fn asked(&self, name: &str, kind: RecordType) -> usize {
        let asked = self.asked.lock().expect("nobody panicked");
        asked.iter().filter(|asked| **asked == (name.to_owned(), kind)).count()
    }
}

fn answer(question: &Message, name: &Name, kind: RecordType, says: &[Says]) -> Option<Vec<u8>> {
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_available = true;
    answer.add_query(question.queries[0].clone());
    for said in says {
        let data = match said {
            Says::Silence => return None,
            Says::Nothing => continue,
            Says::NoSuchName => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                continue;
            }
            Says::Fails => {
                answer.metadata.response_code = ResponseCode::ServFail;
                continue;
            }
            Says::Alias(alias) => RData::CNAME(CNAME(Name::from_ascii(alias).expect("a name"))),
            Says::Address(IpAddr::V4(address)) if kind == RecordType::A => RData::A(A(*address)),
            Says::Address(IpAddr::V6(address)) if kind == RecordType::AAAA => RData::AAAA(AAAA(*address)),
            Says::Address(_) => continue,
        };
        answer.add_answer(Record::from_rdata(name.clone(), 0, data));
    }
    Some(answer.to_vec().expect("an answer"))
}

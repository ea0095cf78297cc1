//! A daemon that says what it is told to: each path has its answers, given in order, the last one again and again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::Value;

/// A request as it came; header names in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path, without the query.
    pub(crate) call: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// How many bytes of the answer are sent before the connection is cut.
    cut_at: Option<usize>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string(), cut_at: None }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The connection ends without a word.
    pub(crate) fn nothing() -> Self {
        Self { status: 200, headers: Vec::new(), body: String::new(), cut_at: Some(0) }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Scripted\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("content-type: application/json\r\nconnection: close\r\n\r\n");
        text.push_str(&self.body);
        let mut bytes = text.into_bytes();
        bytes.truncate(self.cut_at.unwrap_or(usize::MAX));
        bytes
    }
}

pub(crate) struct ScriptedDaemon {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedDaemon {
    /// `script`: method and path, and the answers in order.
    pub(crate) fn start(script: Vec<(&str, Vec<Reply>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let mut script: BTreeMap<String, Vec<Reply>> = script
            .into_iter()
            .map(|(call, mut replies)| {
                replies.reverse();
                (call.to_owned(), replies)
            })
            .collect();
        let (seen, ended) = (Arc::clone(&requests), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                answer(&stream, &mut script, &seen);
            }
        });
        Self { address, requests, over, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self, call: &str) -> Vec<Request> {
        let requests = self.requests.lock().expect("no panic while it was held");
        requests.iter().filter(|request| request.call == call).cloned().collect()
    }
}

impl Drop for ScriptedDaemon {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which looks and leaves.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: &TcpStream, script: &mut BTreeMap<String, Vec<Reply>>, seen: &Mutex<Vec<Request>>) {
    let Some(request) = read(stream) else { return };
    let replies = script.get_mut(&request.call);
    let reply = match replies {
        Some(replies) if replies.len() > 1 => replies.pop(),
        Some(replies) => replies.first().cloned(),
        None => None,
    };
    seen.lock().expect("no panic while it was held").push(request);
    let unscripted = Reply { status: 599, headers: Vec::new(), body: "not in the script".to_owned(), cut_at: None };
    // Whoever asked may be gone already.
    let _ = stream.write_all(&reply.unwrap_or(unscripted).bytes());
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Request { call: format!("{method} {path}"), query: query.to_owned(), headers, body })
}

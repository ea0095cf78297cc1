//! The world of one scenario: a sandbox of its own, and the real daemon in front of it as a process.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::sandbox::{self, Addresses, Credential, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::times;
use super::wire::{Scenario, Step, Way, read};
use crate::support::binary::{Ended, refreshd};
use crate::support::crashing_daemon::{Daemon, Victim};

/// Edge and origin send this where a secret stands; no bundle may have it.
pub(super) const CANARY: &str = "canary-0123456789abcdef";
const HOSTS: [&str; 2] = ["www.example.com", "static.example.com"];

pub(super) struct Stage {
    pub(super) scenario: Scenario,
    pub(super) key: Credential,
    sandbox: Sandbox,
    http: reqwest::Client,
    victim: Victim,
    daemon: Option<Daemon>,
    folder: TempDir,
    /// The last job that was sent.
    pub(super) job: Option<String>,
    shutdown: CancellationToken,
}

impl Stage {
    /// Plays the scenario up to the moment at which somebody asks.
    pub(super) async fn play(file: &Path, number: usize) -> Self {
        let mut options = sandbox::SandboxOptions::new(Arc::new(SystemClock::default()));
        options.task_time = Duration::from_millis(300);
        let key = options.credentials[0].clone();
        let shutdown = CancellationToken::new();
        let needs = read(file, &[]);
        if needs.machines {
            options.machines = vec![address(number, 11), address(number, 12)];
        }
        if needs.edge == Way::Nodes {
            options.nodes = vec![address(number, 1), address(number, 2)];
        }
        let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
        let mut places = places(&sandbox.addresses).to_vec();
        for (place, last) in [("{machine_1}", 11), ("{machine_2}", 12)] {
            places.push((place, address(number, last).to_string()));
        }
        let scenario = read(file, &places);
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, sandbox.cloud().root_certificate().expect("a root")).expect("a file");
        let victim = Victim::of(folder.path(), number, |listen| {
            configuration(&scenario, &sandbox.addresses, &key, folder.path(), listen)
        });
        let http = crate::support::http();
        let mut stage = Self { scenario, key, sandbox, http, victim, daemon: None, folder, job: None, shutdown };
        stage.furnish().await;
        for step in stage.scenario.before.clone() {
            stage.step(step).await;
        }
        stage.daemon = Some(stage.victim.start());
        stage.victim.ready(&stage.http).await;
        stage.is_informed().await;
        for step in stage.scenario.steps.clone() {
            stage.step(step).await;
        }
        stage
    }

    /// The origins as the provider tells them have a port here, and both sides send secrets.
    async fn furnish(&self) {
        let port = self.sandbox.addresses.origin.port();
        let origin = |host: &str| json!({"Domain": host, "Origin": {"Origins": [format!("origin.{host}:{port}")]}});
        self.put("domains", json!(HOSTS.map(origin))).await;
        self.put("answers", json!([])).await;
    }

    /// Returns once the daemon has asked the provider for quota and domains, whatever it was told.
    async fn is_informed(&self) {
        for _ in 0..200 {
            let calls = self.sandbox.cloud().calls();
            let asked = |action: &str| calls.iter().any(|call| call.action == action);
            let refused = calls.iter().any(|call| call.action == "DescribeDomains" && call.code.is_some());
            if asked("DescribePurgeQuota") && (refused || asked("DescribeDomainsConfig")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        // What was answered has to be taken in, which nothing tells.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Put { put, body } => self.put(&put, body).await,
            Step::Delete { delete, body } => {
                let url = self.control(&delete);
                accepted(self.http.delete(url).json(&body)).await;
            }
            Step::Visit { visit, area, node, headers } => {
                self.visit(&visit, area.as_deref(), node, &headers).await;
            }
            Step::Job { job, until } => self.send(job, &until).await,
            Step::Post { post, mut body } => {
                times::fill(&mut body);
                let lanes = accepted(self.http.get(format!("{}/v1/lanes", self.victim.base))).await;
                let lane = lanes["items"][0]["id"].as_str().unwrap_or_default();
                let path = post.replace("{job}", self.job.as_deref().unwrap_or_default()).replace("{lane}", lane);
                accepted(self.http.post(format!("{}{path}", self.victim.base)).json(&body)).await;
            }
        }
    }

    fn control(&self, what: &str) -> String {
        format!("http://{}/control/{what}", self.sandbox.addresses.control)
    }

    async fn put(&self, what: &str, mut body: Value) {
        if what == "answers" {
            // The first rule that fits counts, so the secrets are sent wherever nothing else is said.
            let rules = body.as_array_mut().expect("a list of rules");
            rules.extend(HOSTS.iter().flat_map(|host| secrets(host)));
        }
        times::fill(&mut body);
        accepted(self.http.put(self.control(what)).json(&body)).await;
    }

    async fn visit(&self, url: &str, area: Option<&str>, node: Option<usize>, headers: &BTreeMap<String, String>) {
        let url = url::Url::parse(url).expect("a URL");
        let Addresses { edge, edge_tls, .. } = self.sandbox.addresses;
        let address = match node {
            Some(number) => (self.sandbox.nodes[number - 1], url.port_or_known_default().expect("a port")).into(),
            None if url.scheme() == "https" => edge_tls,
            None => edge,
        };
        let visitor = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
        let visitor = visitor.tls_danger_accept_invalid_certs(true).redirect(reqwest::redirect::Policy::none());
        let visitor = visitor.resolve(url.host_str().expect("a host"), address).build().expect("a client");
        let request = visitor.get(url).header("X-Sandbox-Area", area.unwrap_or("mainland"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.send().await.expect("an answer of the edge");
        answer.bytes().await.expect("a body");
    }

    async fn send(&mut self, mut body: Value, until: &str) {
        times::fill(&mut body);
        let is_verified = !self.scenario.verdict.is_empty();
        body.as_object_mut().expect("a job").entry("verify").or_insert(json!(is_verified));
        let job = accepted(self.http.post(format!("{}/v1/jobs", self.victim.base)).json(&body)).await;
        let id = job["id"].as_str().expect("an id").to_owned();
        let mut seen = Value::Null;
        for _ in 0..400 {
            seen = accepted(self.http.get(format!("{}/v1/jobs/{id}", self.victim.base))).await;
            if seen["status"] == until || seen["waiting"]["reason"] == until {
                self.job = Some(id);
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: the job was never {until}: {seen}", self.scenario.title);
    }

    /// The items of the last job.
    pub(super) async fn items(&self) -> Vec<Value> {
        let Some(job) = &self.job else { return Vec::new() };
        let items = accepted(self.http.get(format!("{}/v1/jobs/{job}/items", self.victim.base))).await;
        items["items"].as_array().expect("items").clone()
    }

    /// What is wrong with the last job's verification, if the scenario says how it ends.
    pub(super) async fn wrong_verdict(&self) -> Option<String> {
        let wanted = &self.scenario.verdict;
        let job = self.job.as_ref().filter(|_| !wanted.is_empty())?;
        let mut verdict = Value::Null;
        for _ in 0..800 {
            let mut seen = accepted(self.http.get(format!("{}/v1/jobs/{job}", self.victim.base))).await;
            verdict = seen["verification"].take();
            if verdict != "pending" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let is_wanted = wanted.iter().any(|word| verdict == word.as_str());
        (!is_wanted).then(|| format!("the verification ended {verdict}, not one of {wanted:?}"))
    }

    /// `refreshd diagnose` about what the scenario asks.
    pub(super) async fn diagnose(&self, words: Vec<String>) -> Ended {
        let subject = match self.scenario.diagnose.as_str() {
            "job" => self.job.clone().expect("a job was sent"),
            other => other.to_owned(),
        };
        let mut command = refreshd(&self.victim.base);
        command.arg("diagnose").arg(subject).args(words);
        let run = tokio::task::spawn_blocking(move || command.output().expect("the binary runs"));
        let ended = Ended::of(run.await.expect("no panic"));
        ended.expect(0);
        ended
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.daemon.take();
        self.shutdown.cancel();
    }
}

/// An address of this world's own, so that worlds side by side do not meet.
fn address(number: usize, last: u8) -> IpAddr {
    let low = |number: usize| u8::try_from(number % 100).expect("less than 100");
    let process = usize::try_from(std::process::id()).expect("a number of ours");
    [127, 100 + low(process), 100 + low(number), last].into()
}

/// Whether this machine lets a test listen where visitors go.
pub(super) fn has_web_ports() -> bool {
    std::net::TcpListener::bind((address(0, 3), 80)).is_ok()
}

fn places(addresses: &Addresses) -> [(&'static str, String); 6] {
    [
        ("{origin_port}", addresses.origin.port().to_string()),
        ("{origin_tls_port}", addresses.origin_tls.port().to_string()),
        ("{edge_port}", addresses.edge.port().to_string()),
        ("{edge_tls_port}", addresses.edge_tls.port().to_string()),
        ("{edge_overseas_port}", addresses.edge_overseas.port().to_string()),
        ("{canary}", CANARY.to_owned()),
    ]
}

fn secrets(host: &str) -> [Value; 2] {
    let cookie = format!("session={CANARY}; token={CANARY}");
    let bearer = format!("Bearer {CANARY}");
    [
        json!({"at": "edge", "host": host, "fault": {"kind": "headers",
            "headers": {"Set-Cookie": cookie, "Authorization": bearer}}}),
        // A cookie of the origin's would keep the edge from keeping a copy.
        json!({"at": "origin", "host": host, "fault": {"kind": "headers",
            "headers": {"X-Auth-Token": CANARY, "Authorization": bearer}}}),
    ]
}

/// What the request was answered, which has to be well.
async fn accepted(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.expect("a text");
    assert!(status.is_success(), "{url}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn configuration(scenario: &Scenario, at: &Addresses, key: &Credential, folder: &Path, listen: &str) -> String {
    let edges = match scenario.edge {
        Way::Dns | Way::Nodes => Vec::new(),
        Way::Tls => HOSTS.map(|host| format!("{host:?} = \"{}\"", at.edge_tls)).to_vec(),
        Way::Plain => HOSTS.map(|host| format!("{host:?} = \"{}\"", at.edge)).to_vec(),
    };
    format!(
        r#"
server.listen = "{listen}"
store.url = "sqlite://{database}"
auth.mode = "open"
routes = [{{ host = "*", account = "main" }}]
engine.poll_first = "50ms"
engine.poll_max = "200ms"
probe.allow = ["127.0.0.0/8"]
probe.resolver = ["{dns}"]
probe.ca_file = "{ca}"
{settings}
[accounts.main]
provider = "tencent-cdn"
endpoint = "http://{api}"
sandbox = true
secret_id = "{id}"
secret_key = "{secret}"
[probe.edges]
{edges}
"#,
        database = folder.join("refreshd.db").display(),
        dns = at.dns,
        ca = folder.join("ca.pem").display(),
        settings = scenario.settings,
        api = at.api,
        id = scenario.secret_id.as_ref().unwrap_or(&key.secret_id),
        secret = scenario.secret_key.as_ref().unwrap_or(&key.secret_key),
        edges = edges.join("\n"),
    )
}

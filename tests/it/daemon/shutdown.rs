//! How the daemon stops during long waits and under load, and how it survives without file descriptors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refreshd::clock::{Stopwatch, SystemClock};
use refreshd::sandbox::{self, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::{World, configuration, http, own_address, slow};

/// What systemd grants a stop (deploy/refreshd.service).
const STOP_MAX: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_long_waits_with_the_job_as_it_is() {
    // Nothing listens there, so the jobs stay open.
    let mut world = World::with_endpoint("http://127.0.0.1:9").await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    let jobs = world.url("/v1/jobs");
    let sent = |request: reqwest::RequestBuilder| {
        // The client gives up after 30 s: an answer comes sooner than the wait ends.
        let answer = request.header("prefer", "wait=60").send();
        tokio::spawn(async move {
            let answer = answer.await.expect("an answer");
            (answer.status().as_u16(), answer.json::<Value>().await.expect("a job"))
        })
    };
    let post = sent(world.http().post(&jobs).json(&body));
    let get = sent(world.http().get(format!("{jobs}/{id}")));
    while world.get("/v1/jobs").await.body["items"].as_array().is_none_or(|jobs| jobs.len() < 2) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!post.is_finished() && !get.is_finished(), "both wait");
    // A request that is open after the grace is cut off, so an answer shows that the wait gave way before.
    world.stop_daemon().await;
    let ((post_status, job), (get_status, same)) = (post.await.expect("a client"), get.await.expect("a client"));
    assert_eq!((post_status, get_status), (202, 200));
    assert_eq!((&job["counts"]["total"], &same["id"]), (&json!(1), &json!(id)));
    assert!(job["finished_at"].is_null() && same["finished_at"].is_null());
    world.end().await;
}

/// The real binary on a fixed port, in front of a sandbox.
struct Binary {
    folder: TempDir,
    sandbox: Sandbox,
    shutdown: CancellationToken,
    listen: SocketAddr,
}

impl Binary {
    async fn new() -> Self {
        let shutdown = CancellationToken::new();
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = SandboxOptions::new(Arc::new(SystemClock::default()));
        options.quota.urls = 10_000_000;
        options.task_time = Duration::from_millis(50);
        let key: sandbox::Credential = options.credentials[0].clone();
        let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
        let listen = own_address();
        let text = configuration(&sandbox, &key, folder.path(), listen, "");
        std::fs::write(folder.path().join("refreshd.toml"), text).expect("a configuration file");
        Self { folder, sandbox, shutdown, listen }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// A daemon that is ready and may have at most `files_max` open files.
    async fn started(&self, files_max: u32) -> Running {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).expect("a log");
        let child = Command::new("sh")
            .args(["-c", r#"ulimit -n "$0" && exec "$@""#, &files_max.to_string()])
            .args([env!("CARGO_BIN_EXE_refreshd"), "serve", "--config"])
            .arg(self.folder.path().join("refreshd.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        let running = Running(child);
        let http = http();
        for _ in 0..400 {
            if http.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the daemon did not become ready: {}", self.logged());
    }

    fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).expect("a log")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.listen).await.expect("a connection")
    }
}

/// Killed when a test ends early.
struct Running(Child);

impl Running {
    async fn terminated(mut self) -> ExitStatus {
        let status = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
        let stopping = Stopwatch::start();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status;
            }
            assert!(stopping.elapsed() < STOP_MAX, "the daemon does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clock ticks, of which Linux has a hundred in a second, that the process has used.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("a process");
        // Fields are counted behind the name, which may have spaces: the 12th and 13th are user and system time.
        let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
        fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_without_file_descriptors_waits_quietly_and_serves_again() {
    let binary = Binary::new().await;
    let daemon = binary.started(64).await;
    // Each on its own: the kernel's queue may be shorter, and then some connect only when others have gone.
    let hogs: Vec<_> = (0..200)
        .map(|_| {
            let connecting = TcpStream::connect(binary.listen);
            tokio::spawn(async move {
                let _held = connecting.await;
                std::future::pending::<()>().await;
            })
        })
        .collect();
    let watched = Duration::from_secs(3);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = daemon.ticks();
    tokio::time::sleep(watched).await;
    let used = daemon.ticks() - before;
    // A loop that spins takes all of a core: three hundred ticks, and more with the log it writes.
    assert!(used < 100, "{used} ticks in {watched:?}");
    let complaints = binary.logged().matches("connections cannot be accepted").count();
    assert!((1..=5).contains(&complaints), "{complaints} complaints:\n{}", binary.logged());
    hogs.iter().for_each(tokio::task::JoinHandle::abort);
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let accepted = http().post(binary.url("/v1/jobs")).json(&body).send().await.expect("an answer");
    assert_eq!(accepted.status(), 202);
    let job: Value = accepted.json().await.expect("a job");
    let job = http()
        .get(binary.url(&format!("/v1/jobs/{}", job["id"].as_str().expect("an id"))))
        .header("prefer", "wait=20")
        .send();
    let job: Value = job.await.expect("an answer").json().await.expect("a job");
    assert_eq!(job["status"], "succeeded", "{job}\n{}", binary.logged());
    assert!(daemon.terminated().await.success());
    binary.shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_daemon_ends_with_0_and_keeps_what_it_acknowledged() {
    const POSTERS: usize = 6;
    let binary = Binary::new().await;
    let daemon = binary.started(1024).await;
    let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
    let stop = CancellationToken::new();
    let posters: Vec<_> = (0..POSTERS)
        .map(|poster| tokio::spawn(post(poster, binary.url("/v1/jobs"), acknowledged.clone(), stop.clone())))
        .collect();
    // None of these may delay the stop: an idle connection, a silent one, half a request head, a long wait.
    let silent = binary.connect().await;
    let mut idle = binary.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    let _ = idle.read(&mut [0; 1024]).await.expect("an answer");
    let mut half = binary.connect().await;
    half.write_all(b"POST /v1/jobs HTTP/1.1\r\nHost: loc").await.expect("half a head");
    let body =
        json!({"operation": "purge", "urls": ["https://www.example.com/later"], "not_before": "2099-01-01T00:00:00Z"});
    let waiting = http().post(binary.url("/v1/jobs")).header("prefer", "wait=60").json(&body).send();
    let waiting = tokio::spawn(async move { waiting.await.expect("an answer").status().as_u16() });
    tokio::time::sleep(Duration::from_secs(2)).await;

    let status = daemon.terminated().await;
    assert_eq!(status.code(), Some(0), "{}", binary.logged());
    assert!(!binary.logged().contains("cut off"), "{}", binary.logged());
    assert_eq!(waiting.await.expect("a client"), 202, "a client that waits gets the job as it is");
    stop.cancel();
    for poster in posters {
        poster.await.expect("a poster");
    }
    drop((silent, idle, half));

    let again = binary.started(1024).await;
    let acknowledged = acknowledged.lock().expect("the list").clone();
    assert!(acknowledged.len() >= 20, "only {} jobs were acknowledged: no load, no proof", acknowledged.len());
    let http = http();
    for id in &acknowledged {
        let answer = http.get(binary.url(&format!("/v1/jobs/{id}"))).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged job is lost: {id}");
    }
    assert!(again.terminated().await.success());
    assert!(!binary.sandbox.cloud().calls().is_empty(), "the daemon was at work");
    binary.shutdown.cancel();
}

/// Posts jobs until `stop`, collects the ids of acknowledged jobs, and checks that a refusal is that of a drain.
async fn post(poster: usize, url: String, acknowledged: Arc<Mutex<Vec<String>>>, stop: CancellationToken) {
    let http = http();
    let mut number = 0;
    while !stop.is_cancelled() {
        number += 1;
        let urls = [format!("https://www.example.com/{poster}/{number}")];
        let body = json!({"operation": "purge", "urls": urls, "verify": false});
        match http.post(&url).json(&body).send().await {
            Ok(answer) if answer.status() == 202 => {
                if let Ok(job) = answer.json::<Value>().await {
                    acknowledged.lock().expect("the list").push(job["id"].as_str().expect("an id").to_owned());
                }
            }
            Ok(answer) => {
                assert_eq!(answer.status(), 503);
                assert!(answer.headers().contains_key("retry-after"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Takes as long as the real limit on bodies.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_ends_with_408() {
    if !slow() {
        return;
    }
    let world = World::start().await;
    let address = world.daemon.as_ref().expect("a running daemon").address;
    let (mut reading, mut writing) = TcpStream::connect(address).await.expect("a connection").into_split();
    let head =
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
    writing.write_all(head.as_bytes()).await.expect("a head");
    let trickle = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("too_slow") {
        let read = tokio::time::timeout(Duration::from_secs(300), reading.read_buf(&mut answer)).await;
        assert!(read.expect("an answer at all").expect("bytes") > 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    trickle.abort();
    world.end().await;
}

//! Load: clients that post jobs of every kind, each of its own targets, and ask again by the same key until they have an
//! answer. A daemon that dies under them loses them connections, and no job twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refreshd::sandbox::{Cloud, OriginContent, Sandbox};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::acknowledged_jobs::Acknowledged;

/// How long a poster waits between jobs, and before it asks again.
const PAUSE: Duration = Duration::from_millis(40);

pub(crate) struct Posters {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    base: String,
    http: reqwest::Client,
    cloud: Arc<Cloud>,
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Posts that got no answer, or none that counts.
    unanswered: AtomicUsize,
    /// Posts that had been kept although their first answer was lost.
    replayed: AtomicUsize,
    /// No further jobs.
    enough: CancellationToken,
    /// There is nobody to ask again.
    gone: CancellationToken,
}

/// What became of all posts.
pub(crate) struct Posted {
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) unanswered: usize,
    pub(crate) replayed: usize,
}

impl Posters {
    /// `name` keeps the targets apart from those of other posters.
    pub(crate) fn start(count: u32, name: &str, base: &str, http: &reqwest::Client, sandbox: &Sandbox) -> Self {
        let shared = Arc::new(Shared {
            base: base.to_owned(),
            http: http.clone(),
            cloud: sandbox.cloud().clone(),
            acknowledged: Mutex::default(),
            unanswered: AtomicUsize::new(0),
            replayed: AtomicUsize::new(0),
            enough: CancellationToken::new(),
            gone: CancellationToken::new(),
        });
        let tasks = (0..count).map(|poster| tokio::spawn(shared.clone().post_on(format!("{name}{poster}")))).collect();
        Self { shared, tasks }
    }

    /// Gives up what has no answer yet: there is no daemon any more.
    pub(crate) async fn abandon(self) -> Vec<Acknowledged> {
        self.shared.gone.cancel();
        self.finish().await.acknowledged
    }

    /// Asks until the last job is acknowledged too; takes a daemon that answers.
    pub(crate) async fn finish(self) -> Posted {
        self.shared.enough.cancel();
        for task in self.tasks {
            task.await.expect("a poster");
        }
        let acknowledged = std::mem::take(&mut *self.shared.acknowledged.lock().expect("the list"));
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        Posted { acknowledged, unanswered: read(&self.shared.unanswered), replayed: read(&self.shared.replayed) }
    }
}

impl Shared {
    async fn post_on(self: Arc<Self>, poster: String) {
        for job in 0.. {
            if self.enough.is_cancelled() {
                return;
            }
            let (key, body) = (format!("{poster}-{job}"), body(&poster, job));
            // What is prefetched is there.
            for url in body["urls"].as_array().into_iter().flatten() {
                let (host, path) = url.as_str().and_then(host_and_path).expect("a URL of ours");
                self.cloud.put_origin(OriginContent::new(host, path, "content")).expect("origin content");
            }
            while !self.post(&key, &body).await {
                if self.gone.is_cancelled() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether it was acknowledged.
    async fn post(&self, key: &str, body: &Value) -> bool {
        let request = self.http.post(format!("{}/v1/jobs", self.base)).header("idempotency-key", key).json(body);
        match acknowledgement(request, items(body)).await {
            Some((job, replayed)) => {
                self.replayed.fetch_add(usize::from(replayed), Ordering::Relaxed);
                self.acknowledged.lock().expect("the list").push(job);
                true
            }
            None => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }
}

/// Every operation and kind, alone and together, small and larger.
fn body(poster: &str, job: u32) -> Value {
    let host = if job.is_multiple_of(3) { "static.example.com" } else { "www.example.com" };
    let directory = format!("https://{host}/{poster}/{job}/");
    let urls = |count: u32| (0..count).map(|n| format!("{directory}{n}")).collect::<Vec<_>>();
    let (operation, urls, directories) = match job % 8 {
        0 => ("purge", urls(40), vec![]),
        2 => ("prefetch", urls(3), vec![]),
        3 => ("refresh", urls(2), vec![directory]),
        4 => ("purge", vec![], vec![directory]),
        5 => ("refresh", urls(1), vec![]),
        7 => ("refresh", vec![], vec![directory]),
        _ => ("purge", urls(1), vec![]),
    };
    let verify = job % 8 == 5;
    json!({"operation": operation, "urls": urls, "directories": directories, "verify": verify, "source": poster})
}

fn items(body: &Value) -> usize {
    let count = |list: &str| body[list].as_array().map_or(0, Vec::len);
    let each = if body["operation"] == "refresh" { 2 } else { 1 };
    each * count("urls") + count("directories")
}

fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    Some(rest.split_at(rest.find('/')?))
}

/// Posts a purge; none if it was not acknowledged.
pub(crate) async fn post_one(http: &reqwest::Client, base: &str, urls: Vec<String>) -> Option<Acknowledged> {
    let body = json!({"operation": "purge", "urls": urls, "verify": false});
    Some(acknowledgement(http.post(format!("{base}/v1/jobs")).json(&body), urls.len()).await?.0)
}

/// The job, and whether its key had named it before. A lost connection is no acknowledgement.
async fn acknowledgement(request: reqwest::RequestBuilder, items: usize) -> Option<(Acknowledged, bool)> {
    let answer = request.send().await.ok()?;
    if answer.status() != 202 {
        return None;
    }
    let replayed = answer.headers().contains_key("idempotency-replayed");
    // The status line alone is the promise; the id is needed to check it.
    let job: Value = answer.json().await.ok()?;
    Some((Acknowledged { id: job["id"].as_str().expect("an id").to_owned(), items }, replayed))
}

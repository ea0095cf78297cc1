//! Tokens: made by the command beside a running daemon, asked for at its door, and never let out.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answered, World};

/// `refreshd` as a process of its own, as an operator runs it.
fn refreshd(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    command.args(words).arg("--config").arg(folder.join("refreshd.toml"));
    tokio::task::block_in_place(|| command.output().expect("the binary runs"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A new token for a tenant; no scopes: the usual ones.
fn token(folder: &Path, tenant: &str, scopes: &[&str]) -> String {
    token_with(folder, tenant, scopes, &[])
}

fn token_with(folder: &Path, tenant: &str, scopes: &[&str], more: &[&str]) -> String {
    let mut words = vec!["token", "create", "a test", "--tenant", tenant];
    words.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    words.extend(more);
    let made = refreshd(folder, &words);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let printed = text(&made.stdout);
    let token = printed.trim_end();
    assert!(!text(&made.stderr).contains(token), "the token goes to standard output alone");
    assert_eq!(printed, format!("{token}\n"));
    assert!(token.starts_with("rfd_") && token.len() == 85, "{token}");
    token.to_owned()
}

/// The public part.
fn id(token: &str) -> &str {
    token.split('_').nth(1).expect("an id")
}

async fn get(world: &World, token: &str, path: &str) -> Answered {
    world.send(world.http().get(world.url(path)).bearer_auth(token)).await
}

async fn post(world: &World, token: &str, body: &Value) -> Answered {
    world.send(world.http().post(world.url("/v1/jobs")).bearer_auth(token).json(body)).await
}

fn purge(urls: &[&str], directories: &[&str]) -> Value {
    json!({"operation": "purge", "urls": urls, "directories": directories, "verify": false})
}

/// What was changed in the database is in force within a second.
async fn a_second() {
    tokio::time::sleep(Duration::from_millis(900)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_bears_no_good_token_is_told_nothing_but_that() {
    let world = World::with_tokens().await;
    let good = token(world.folder(), "shop", &[]);
    let brief = token_with(world.folder(), "shop", &[], &["--expires", "3s"]);
    assert_eq!(get(&world, &brief, "/v1/jobs").await.status, 200, "the short-lived one works at first");
    tokio::time::sleep(Duration::from_millis(3100)).await;
    let other_secret = format!("{}{}", &good[..84], if good.ends_with('0') { '1' } else { '0' });
    let unknown = good.replace(id(&good), "0123456789abcdef");
    let mut bodies = Vec::new();
    let refused = ["", "nonsense", "rfd_x_y", &good[..84], &other_secret, &unknown, &brief];
    for presented in refused {
        bodies.push((presented, get(&world, presented, "/v1/jobs").await));
    }
    bodies.push(("none", world.get("/v1/jobs").await));
    bodies.push(("basic", world.send(world.http().get(world.url("/v1/jobs")).basic_auth("a", Some(&good))).await));
    bodies.push(("query", world.get(&format!("/v1/jobs?token={good}")).await));
    bodies.push(("post", world.post(&purge(&["https://www.example.com/a"], &[])).await));
    for (presented, mut answer) in bodies {
        assert_eq!(answer.status, 401, "{presented}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        answer.body["request_id"].take();
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"code":"unauthorized","detail":"send a valid token as Authorization: Bearer …","errors":[],"request_id":null,"retry_after_s":null,"retryable":false,"status":401,"title":"Unauthorized","type":"about:blank"}"#);
        }
    }
    assert_eq!(get(&world, &good, "/v1/jobs").await.status, 200);
    for open in ["/livez", "/readyz", "/openapi.json"] {
        assert_eq!(world.get(open).await.status, 200, "{open} takes no token");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_from_within_a_second_of_its_making_to_within_a_second_of_its_end() {
    let world = World::with_tokens().await;
    let first = token(world.folder(), "shop", &[]);
    assert_eq!(get(&world, &first, "/v1/jobs").await.status, 200);
    // What the daemon knows is as young as can be, so this is the longest it can take.
    let second = token(world.folder(), "shop", &[]);
    a_second().await;
    assert_eq!(get(&world, &second, "/v1/jobs").await.status, 200);

    let revoked = refreshd(world.folder(), &["token", "revoke", id(&first)]);
    assert!(revoked.status.success() && revoked.stdout.is_empty(), "{}", text(&revoked.stderr));
    a_second().await;
    assert_eq!(get(&world, &first, "/v1/jobs").await.status, 401);
    assert_eq!(get(&world, &second, "/v1/jobs").await.status, 200, "the other one stays good");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named_and_nothing_is_done() {
    let world = World::with_tokens().await;
    let page = "https://www.example.com/a.js";
    let (folder, site) = ("https://www.example.com/img/", "https://www.example.com/");
    let usual = token(world.folder(), "shop", &[]);
    let urls_only = token(world.folder(), "shop", &["purge:url"]);
    let one_host = token(world.folder(), "shop", &["purge:url@*.example.com", "read"]);
    let whole_site = token(world.folder(), "shop", &["purge:site@www.example.com"]);
    let refresh = json!({"operation": "refresh", "urls": [page], "verify": false});
    for (token, body, missing, places) in [
        (&usual, purge(&[page], &[folder]), None, vec![]),
        (&usual, refresh.clone(), None, vec![]),
        (&usual, purge(&[page, site], &[folder, site]), Some("purge:site"), vec!["/directories/1"]),
        (&urls_only, purge(&[site], &[]), None, vec![]),
        (&urls_only, purge(&[page], &[folder]), Some("purge:directory"), vec!["/directories/0"]),
        (&urls_only, refresh, Some("prefetch"), vec!["/urls/0"]),
        (&one_host, purge(&[page], &[]), None, vec![]),
        (&one_host, purge(&[page, "https://example.com/b"], &[]), Some("purge:url"), vec!["/urls/1"]),
        (&one_host, purge(&["https://other.example.org/"], &[]), Some("purge:url"), vec!["/urls/0"]),
        (&whole_site, purge(&[], &[site]), None, vec![]),
        (&whole_site, purge(&[], &[folder]), Some("purge:directory"), vec!["/directories/0"]),
        (&whole_site, purge(&[], &["https://static.example.com/"]), Some("purge:site"), vec!["/directories/0"]),
    ] {
        let answer = post(&world, token, &body).await;
        let Some(missing) = missing else {
            assert_eq!(answer.status, 202, "{body}: {}", answer.body);
            continue;
        };
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!("scope_missing")), "{body}: {}", answer.body);
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.ends_with(missing)), "{}", answer.body);
        let errors = answer.body["errors"].as_array().expect("errors");
        let found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        assert_eq!(found, places, "{body}");
    }
    let jobs = get(&world, &usual, "/v1/jobs").await.body;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(5), "what was refused was not kept: {jobs}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_for_its_tenant_and_for_those_on_call() {
    let world = World::with_tokens().await;
    let shop = token(world.folder(), "shop", &[]);
    let other = token(world.folder(), "news", &[]);
    let on_call = token(world.folder(), "ops", &["read", "oncall"]);
    let blind = token(world.folder(), "shop", &["purge:url"]);
    let accepted = post(&world, &blind, &purge(&["https://www.example.com/a"], &[])).await;
    assert_eq!(accepted.body["tenant"], "shop", "{}", accepted.body);
    let job = format!("/v1/jobs/{}", accepted.body["id"].as_str().expect("an id"));
    for path in [job.clone(), format!("{job}/items"), format!("{job}/events")] {
        for (token, status) in [(&shop, 200), (&other, 404), (&on_call, 200), (&blind, 403)] {
            let answer = get(&world, token, &path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }
    let absent = get(&world, &other, "/v1/jobs/job_0192f3a000007000800000000000002a").await;
    let mut hidden = get(&world, &other, &job).await;
    hidden.body["request_id"] = absent.body["request_id"].clone();
    assert_eq!(hidden.body, absent.body, "what is another's is not told from what is not there");
    for (token, seen) in [(&shop, 1), (&other, 0), (&on_call, 1)] {
        let jobs = get(&world, token, "/v1/jobs").await.body;
        assert_eq!(jobs["items"].as_array().map(Vec::len), Some(seen), "{jobs}");
    }
    let refused = get(&world, &blind, "/v1/jobs").await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("scope_missing")));
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.ends_with("read")), "{}", refused.body);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_a_job_takes_what_asking_for_it_took() {
    let world = World::with_tokens_and(|options| options.quota.urls = 0).await;
    let folder = world.folder();
    let writer = token(folder, "shop", &["purge:url"]);
    let reader = token(folder, "shop", &["read"]);
    let elsewhere = token(folder, "shop", &["read@static.example.com"]);
    let controller = token(folder, "shop", &["control"]);
    let other = token(folder, "news", &["purge:url", "control"]);
    let on_call = token(folder, "ops", &["oncall"]);
    let in_control = token(folder, "ops", &["oncall", "control"]);
    for allowed in [&writer, &controller, &in_control] {
        let accepted = post(&world, &writer, &purge(&["https://www.example.com/a"], &[])).await;
        let job = format!("/v1/jobs/{}", accepted.body["id"].as_str().expect("an id"));
        for (token, status, missing) in
            [(&reader, 403, "purge:url"), (&elsewhere, 404, ""), (&other, 404, ""), (&on_call, 403, "control")]
        {
            let refused = change(&world, token, &job, "cancel").await;
            assert_eq!(refused.status, status, "{}", refused.body);
            let detail = refused.body["detail"].as_str().expect("a detail");
            assert!(status == 404 || detail.ends_with(missing), "{detail}");
        }
        let cancelled = change(&world, allowed, &job, "cancel").await;
        assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")), "{}", cancelled.body);
        // Nothing failed: it takes more than that to be told so.
        assert_eq!(change(&world, allowed, &job, "retry").await.status, 409);
    }
    world.end().await;
}

/// The job is kept, and its tenant knows it by the key: what the token may do now is asked of new jobs.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_takes_no_scope_but_its_tenant() {
    let world = World::with_tokens().await;
    let bearers = [("shop", "purge:url", 202), ("shop", "read", 202), ("news", "read", 403)];
    for (token, status) in bearers.map(|(tenant, scope, status)| (token(world.folder(), tenant, &[scope]), status)) {
        let request = world.http().post(world.url("/v1/jobs")).header("idempotency-key", "release-9");
        let answer = world.send(request.bearer_auth(token).json(&purge(&["https://www.example.com/a"], &[]))).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    world.end().await;
}

async fn change(world: &World, token: &str, job: &str, what: &str) -> Answered {
    world.send(world.http().post(world.url(&format!("{job}/{what}"))).bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_look_may_still_wait_for_what_they_post() {
    let world = World::with_tokens().await;
    let blind = token(world.folder(), "shop", &["purge:url"]);
    let body = purge(&["https://www.example.com/a"], &[]);
    let request = world.http().post(world.url("/v1/jobs")).bearer_auth(&blind).header("Prefer", "wait=20").json(&body);
    let answer = world.send(request).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("succeeded")), "{}", answer.body);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_some_hosts_sees_the_jobs_that_touch_no_other() {
    let world = World::with_tokens().await;
    let writer = token(world.folder(), "shop", &["purge:url", "purge:directory"]);
    let reader = token(world.folder(), "shop", &["read@www.example.com"]);
    let mut paths = Vec::new();
    for body in [
        purge(&["https://www.example.com/a"], &["http://www.example.com/img/"]),
        purge(&["https://www.example.com/a", "https://static.example.com/://www.example.com/"], &[]),
    ] {
        let accepted = post(&world, &writer, &body).await;
        paths.push(format!("/v1/jobs/{}", accepted.body["id"].as_str().expect("an id")));
    }
    assert_eq!(get(&world, &reader, &paths[0]).await.status, 200);
    assert_eq!(get(&world, &reader, &paths[1]).await.status, 404);
    let first = get(&world, &reader, "/v1/jobs?limit=1").await.body;
    assert_eq!(first["items"], json!([]), "the newest is not theirs, but the page is not the last");
    let cursor = first["next_cursor"].as_str().expect("a next page");
    let second = get(&world, &reader, &format!("/v1/jobs?limit=1&cursor={cursor}")).await.body;
    assert_eq!(second["items"].as_array().map(Vec::len), Some(1), "{second}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_without_their_secrets_and_an_unknown_one_is_not_revoked() {
    let world = World::with_tokens().await;
    let made = token_with(world.folder(), "shop", &["read", "purge:url@*.example.com"], &["--weight", "3"]);
    let listed = refreshd(world.folder(), &["token", "list", "--json"]);
    let mut list: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    for word in ["id", "created_at"] {
        assert!(list["items"][0][word].take().is_string(), "{word}");
    }
    insta::assert_snapshot!(list, @r#"{"items":[{"created_at":null,"expires_at":null,"id":null,"name":"a test","revoked_at":null,"scopes":["purge:url@*.example.com","read"],"state":"active","tenant":"shop","weight":3}],"next_cursor":null}"#);
    for (words, code) in [
        (&["token", "revoke", "0123456789abcdef"][..], 4),
        (&["token", "revoke", "x"], 2),
        (&["token", "create", "x", "--tenant", "a b"], 2),
        (&["token", "create", "x", "--tenant", "t", "--scope", "oncall@h.example"], 2),
        (&["token", "create", "x", "--tenant", "t", "--expires", "soon"], 2),
        (&["token", "revoke", id(&made)], 0),
        (&["token", "revoke", id(&made)], 0),
    ] {
        let ended = refreshd(world.folder(), words);
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {}", text(&ended.stderr));
        assert!(ended.stdout.is_empty(), "{words:?}");
    }
    let table = text(&refreshd(world.folder(), &["token", "list"]).stdout);
    assert!(table.contains(id(&made)) && table.contains("revoked"), "{table}");
    assert!(!table.contains(made.rsplit('_').next().expect("a secret")), "{table}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_can_be_made_before_any_daemon_ran_and_several_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("refreshd.db");
    let settings = format!("server.listen = \"127.0.0.1:0\"\nstore.url = \"sqlite://{}\"\n", database.display());
    std::fs::write(folder.path().join("refreshd.toml"), settings).expect("a configuration");
    let listed = refreshd(folder.path(), &["token", "list", "--json"]);
    assert!(listed.status.success() && !database.exists(), "looking makes no database");
    let made: Vec<_> = (0..6)
        .map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
            command.args(["token", "create", "x", "--tenant", "t", "--config"]);
            command.arg(folder.path().join("refreshd.toml")).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the binary runs")
        })
        .collect();
    for one in made {
        let ended = one.wait_with_output().expect("an end");
        assert!(ended.status.success(), "{}", text(&ended.stderr));
    }
    let list: Value =
        serde_json::from_slice(&refreshd(folder.path(), &["token", "list", "--json"]).stdout).expect("JSON");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(6), "{list}");
    std::fs::remove_file(folder.path().join("refreshd.db.pepper")).expect("the pepper is beside the database");
    let refused = refreshd(folder.path(), &["token", "create", "x", "--tenant", "t"]);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(65), 0), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("refreshd.db.pepper is missing"), "{}", text(&refused.stderr));
    std::fs::write(&database, b"this is no database, however long one looks at it").expect("written");
    assert_eq!(refreshd(folder.path(), &["token", "list"]).status.code(), Some(65));
    std::fs::write(folder.path().join("refreshd.toml"), "nonsense = 1").expect("written");
    assert_eq!(refreshd(folder.path(), &["token", "list"]).status.code(), Some(78));
}

/// A process that does not outlive its test, however that goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Law 10, with the real binary and every log line it can write.
#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_secret_is_in_no_log_no_answer_and_no_file() {
    let mut world = World::with_tokens().await;
    world.stop_daemon().await;
    let canary = token(world.folder(), "shop", &[]);
    let daemon = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .args(["serve", "--config"])
        .arg(world.folder().join("refreshd.toml"))
        .env("REFRESHD_LOG", "trace")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut daemon = Ended(daemon);
    let mut lines = BufReader::new(daemon.0.stderr.take().expect("its log"));
    let (mut log, mut address) = (String::new(), None);
    while address.is_none() {
        let start = log.len();
        assert!(lines.read_line(&mut log).expect("a line") > 0, "the daemon ended: {log}");
        let line: Value = serde_json::from_str(&log[start..]).unwrap_or_default();
        if line["message"] == "refreshd is listening" {
            address = line["address"].as_str().map(str::to_owned);
        }
    }
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        lines.read_to_string(&mut rest).map(|_| rest)
    });
    let base = format!("http://{}", address.expect("an address"));
    let mut answers = String::new();
    let body = purge(&["https://www.example.com/a"], &[]);
    for request in [
        world.http().post(format!("{base}/v1/jobs")).json(&body),
        world.http().post(format!("{base}/v1/jobs")).json(&purge(&[], &["https://www.example.com/"])),
        world.http().post(format!("{base}/v1/jobs")).body("{"),
        world.http().get(format!("{base}/v1/jobs")),
        world.http().get(format!("{base}/nowhere")),
    ] {
        let response = request.bearer_auth(&canary).send().await.expect("an answer");
        answers += &format!("{:?}", response.headers());
        answers += &response.text().await.expect("a body");
    }
    let wrong = world.http().get(format!("{base}/v1/jobs")).bearer_auth(format!("{canary}0"));
    answers += &wrong.send().await.expect("an answer").text().await.expect("a body");
    let secret = canary.rsplit('_').next().expect("a secret");
    let raw: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&secret[2 * n..2 * n + 2], 16).expect("hex")).collect();
    let mut looked_at = 0;
    for file in std::fs::read_dir(world.folder()).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).expect("a file");
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(secret.as_bytes()) && !holds(&raw), "the secret is in {:?}", file.file_name());
        looked_at += usize::from(holds(id(&canary).as_bytes()) || holds(b"a test"));
    }
    assert!(looked_at > 0, "the token's row is in none of the files, so nothing was looked for");
    let stopped = Command::new("kill").arg(daemon.0.id().to_string()).status().expect("kill runs");
    assert!(stopped.success() && daemon.0.wait().expect("an end").success());
    log += &rest.join().expect("a reader").expect("the log");
    assert!(log.contains("job accepted") && log.contains("TRACE"), "the log was read");
    assert!(answers.contains("scope_missing") && answers.contains("unauthorized"), "{answers}");
    assert!(!log.contains(secret) && !answers.contains(secret));
    world.end().await;
}

//! A daemon that does not start says why, and its exit code tells a service manager whether to try again.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sqlx::ConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::support::acknowledged_jobs::Acknowledged;
use crate::support::crashing_daemon::{Victim, all_end, generous_sandbox};
use crate::support::{World, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_database_ends_with_75() {
    let world = World::start().await;
    let mut second = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    let ended = second.args(["serve", "--config"]).arg(world.config_file()).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(75), "{errors}");
    assert!(errors.contains("another refreshd owns"), "{errors}");
    world.end().await;
}

#[test]
fn a_bad_configuration_names_every_bad_key_and_ends_with_78() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("refreshd.toml");
    std::fs::write(
        &file,
        "server.listen = \"nowhere\"\nengine.poll_first = \"5\"\nquota.reserve = 2.0\nserver.colour = \"red\"\n",
    )
    .expect("a file");
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .args(["serve", "--config"])
        .arg(&file)
        .env("REFRESHD__AUTH__MODE", "ajar")
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(78), "{errors}");
    for key in ["server.listen", "engine.poll_first", "quota.reserve", "server.colour", "auth.mode"] {
        assert!(errors.contains(key), "{key} is not named in:\n{errors}");
    }
}

/// Limits above the provider's, and limits of zero, are reported before anything is sent.
#[test]
fn limits_that_cannot_work_end_with_78_and_the_providers_figure() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("refreshd.toml");
    let text =
        "quota.reserve = -0.1\n[accounts.main]\nrate = 21\nbatch = 1001\n[accounts.other]\nrate = 0\nbatch = 0\n";
    std::fs::write(&file, text).expect("a file");
    for command in [["serve", "--config"].as_slice(), &["config", "check", "--config"]] {
        let ended =
            Command::new(env!("CARGO_BIN_EXE_refreshd")).args(command).arg(&file).output().expect("the binary runs");
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(78), "{errors}");
        for (key, why) in [
            ("accounts.main.rate: found 21 ", "at most 20 calls of one action in a second"),
            ("accounts.main.batch: found 1001 ", "at most 1000 targets in one call"),
            ("accounts.other.rate: found 0 ", "from 1 to 20"),
            ("accounts.other.batch: found 0 ", "from 1 to 1000"),
            ("quota.reserve: found -0.1 ", "a number from 0 up to, but not including, 1"),
        ] {
            let matches = |line: &str| line.contains(key) && line.contains(why);
            assert!(errors.lines().any(matches), "{key} with {why} is not in:\n{errors}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_rate_and_batch_are_kept() {
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (sandbox, key) = generous_sandbox(&shutdown).await;
    let victim = Victim::new(&sandbox, &key, folder.path(), folder.path());
    let _daemon =
        victim.start_with(&[("REFRESHD__ACCOUNTS__MAIN__RATE", "3"), ("REFRESHD__ACCOUNTS__MAIN__BATCH", "7")]);
    let http = http();
    victim.ready(&http).await;
    let urls: Vec<String> = (0..60).map(|n| format!("https://www.example.com/{n}.js")).collect();
    let body = serde_json::json!({"operation": "purge", "urls": urls, "verify": false});
    let posted = http.post(format!("{}/v1/jobs", victim.base)).json(&body).send().await.expect("an answer");
    let job: serde_json::Value = posted.json().await.expect("a job");
    let id = job["id"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned();
    all_end(&http, &victim.base, &[Acknowledged { id, items: 60 }]).await;
    let calls: Vec<_> = sandbox.cloud().calls().into_iter().filter(|call| call.action == "PurgeUrlsCache").collect();
    let sizes: Vec<u64> = calls.iter().map(|call| call.items).collect();
    assert_eq!(sizes, [7, 7, 7, 7, 7, 7, 7, 7, 4]);
    for four in calls.windows(4) {
        let span = four[3].at.since(four[0].at);
        assert!(span >= Duration::from_secs(1), "four calls within {span:?}");
    }
    shutdown.cancel();
}

#[test]
fn a_damaged_database_ends_with_65() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("refreshd.db");
    std::fs::write(&database, "this is no database at all, but long enough to look at".repeat(100)).expect("a file");
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .arg("serve")
        .env("REFRESHD__STORE__URL", format!("sqlite://{}", database.display()))
        .env("REFRESHD__SERVER__LISTEN", "127.0.0.1:0")
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(65), "{errors}");
    assert!(errors.contains("restore a backup"), "{errors}");
}

/// Asserts that the daemon ends at once, with this code and these words.
fn does_not_start(database: &Path, listen: &str, code: i32, words: &str) {
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .arg("serve")
        .env("REFRESHD__STORE__URL", format!("sqlite://{}", database.display()))
        .env("REFRESHD__SERVER__LISTEN", listen)
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(code), "{errors}");
    assert!(errors.contains(words), "{errors}");
}

/// An error that may pass must not have the code of bad configuration: the service manager would not start it again.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_by_itself_ends_with_74_and_what_must_be_mended_with_78() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("refreshd.db");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken_address = listener.local_addr().expect("an address").to_string();
    does_not_start(&database, &taken_address, 74, "server.listen");
    // No machine has an address of TEST-NET-1.
    does_not_start(&database, "192.0.2.1:8470", 78, "server.listen");
    does_not_start(&folder.path().join("nowhere/refreshd.db"), "127.0.0.1:0", 78, "check store.url");

    let locked = folder.path().join("locked.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&locked).create_if_missing(true);
    let mut other = options.connect().await.expect("a connection");
    sqlx::raw_sql("create table t (c); begin exclusive; insert into t values (1)")
        .execute(&mut other)
        .await
        .expect("a lock");
    tokio::task::block_in_place(|| does_not_start(&locked, "127.0.0.1:0", 74, "locked"));
}

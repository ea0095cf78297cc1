//! A daemon that does not start says why, and its exit code tells a service manager whether to try again.

use std::path::Path;
use std::process::Command;

use sqlx::ConnectOptions;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_database_ends_with_75() {
    let world = World::start().await;
    let mut second = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    let ended = second.args(["serve", "--config"]).arg(world.config_file()).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(75), "{said}");
    assert!(said.contains("another refreshd owns"), "{said}");
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
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(78), "{said}");
    for key in ["server.listen", "engine.poll_first", "quota.reserve", "server.colour", "auth.mode"] {
        assert!(said.contains(key), "{key} is not named in:\n{said}");
    }
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
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(65), "{said}");
    assert!(said.contains("restore a backup"), "{said}");
}

/// Ends at once, with this code and these words.
fn does_not_start(database: &Path, listen: &str, code: i32, words: &str) {
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd"))
        .arg("serve")
        .env("REFRESHD__STORE__URL", format!("sqlite://{}", database.display()))
        .env("REFRESHD__SERVER__LISTEN", listen)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

/// What passes by itself must not look like bad configuration: the service manager would not start it again.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_by_itself_ends_with_74_and_what_must_be_mended_with_78() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("refreshd.db");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken_address = taken.local_addr().expect("an address").to_string();
    does_not_start(&database, &taken_address, 74, "server.listen");
    // TEST-NET-1 is nobody's address.
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

//! `refreshd doctor`, without a daemon.

use std::process::Command;

use crate::diagnose::monitor::results;
use crate::support::World;
use crate::support::binary::Ended;

async fn doctor(world: &World, words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    command.arg("doctor").args(words).arg("--config").arg(world.config_file());
    Ended::of(tokio::task::block_in_place(|| command.output().expect("the binary runs")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_needs_no_daemon_and_tells_what_is_broken() {
    let mut world = World::start().await;
    world.stop_daemon().await;
    let well = doctor(&world, &["--json"]).await;
    let told = results(&serde_json::from_str(&well.out).expect("JSON"));
    for expected in ["account main clock ok", "account main permission ok"] {
        assert!(told.iter().any(|one| one == expected), "{expected} of {told:#?}");
    }
    let text = std::fs::read_to_string(world.config_file()).expect("the configuration");
    let wrong: Vec<&str> = text.lines().filter(|line| !line.starts_with("secret_key")).collect();
    let wrong = wrong.join("\n").replace("[probe.edges]", "secret_key = \"a-wrong-key\"\n[probe.edges]");
    std::fs::write(world.config_file(), wrong).expect("written");
    let sick = doctor(&world, &[]).await;
    sick.expect(1);
    assert!(sick.out.starts_with("Something is broken"), "{}", sick.out);
    assert!(sick.out.contains("FAIL  permission") && !sick.out.contains("a-wrong-key"), "{}", sick.out);
    assert!(sick.out.lines().all(|line| line.chars().count() <= 80), "{}", sick.out);
    std::fs::write(world.config_file(), "server.listne = 1\n").expect("written");
    doctor(&world, &[]).await.expect(78);
    world.end().await;
}

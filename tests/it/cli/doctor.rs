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
    let healthy = doctor(&world, &["--json"]).await;
    let checks = results(&serde_json::from_str(&healthy.out).expect("JSON"));
    for expected in ["account main clock ok", "account main permission ok"] {
        assert!(checks.iter().any(|check| check == expected), "{expected} of {checks:#?}");
    }
    let text = std::fs::read_to_string(world.config_file()).expect("the configuration");
    let wrong: Vec<&str> = text.lines().filter(|line| !line.starts_with("secret_key")).collect();
    let wrong = wrong.join("\n").replace("[probe.edges]", "secret_key = \"a-wrong-key\"\n[probe.edges]");
    std::fs::write(world.config_file(), wrong).expect("written");
    let broken = doctor(&world, &[]).await;
    broken.expect(1);
    assert!(broken.out.starts_with("Something is broken"), "{}", broken.out);
    assert!(broken.out.contains("FAIL  permission") && !broken.out.contains("a-wrong-key"), "{}", broken.out);
    assert!(broken.out.lines().all(|line| line.chars().count() <= 80), "{}", broken.out);
    std::fs::write(world.config_file(), "server.listne = 1\n").expect("written");
    doctor(&world, &[]).await.expect(78);
    world.end().await;
}

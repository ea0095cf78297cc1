//! `refreshd demo`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::cli::fixtures::KilledOnDrop;
use crate::support::binary::{Ended, refreshd};

#[test]
fn the_demo_ends_with_0_and_a_job_that_was_seen_fresh() {
    let ended = Command::new(env!("CARGO_BIN_EXE_refreshd")).args(["demo", "--exit"]).output().expect("the demo runs");
    let (output, errors) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(0), "{output}\n{errors}");
    let place = |text: &str| output.find(text).unwrap_or_else(|| panic!("{text} is not in:\n{output}"));
    // In this order: the old content at the edge, the calls, the new content.
    let old = place("200 \"release 1\"   (Cache Hit)");
    let (purge, push) = (place("cloud  PurgeUrlsCache"), place("cloud  PushUrlsCache"));
    assert!(old < purge && purge < push && push < place("succeeded at the provider, fresh at the edge"), "{output}");
    assert!(output.contains("curl -s") && output.contains("page   http://127.0.0.1:"), "{output}");
}

#[test]
fn nothing_is_wrong_with_what_the_demo_leaves_behind() {
    let demo = Command::new(env!("CARGO_BIN_EXE_refreshd")).arg("demo").stdout(Stdio::piped()).spawn();
    let mut demo = KilledOnDrop(demo.expect("the demo runs"));
    // Kept open to the end: a process whose output is closed ends.
    let mut lines = BufReader::new(demo.0.stdout.take().expect("its output")).lines().map(|line| line.expect("text"));
    let page = lines.find_map(|line| Some(line.split_once("  page   ")?.1.to_owned())).expect("the page's address");
    for subject in ["http://www.example.com/app.js", "static.example.com"] {
        let ended = Ended::of(refreshd(&page).args(["diagnose", subject]).output().expect("it runs"));
        ended.expect(0);
        assert!(ended.out.starts_with("Nothing wrong was found."), "{subject}: {}", ended.out);
    }
}

//! Mutated bodies at the real door, and mutated targets at the parser, from a committed corpus. Not coverage-guided: a
//! fair sample runs always, ten times as much with REFRESHD_SLOW. The seed is printed; `SEED=n` replays it.

use std::time::Duration;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use refreshd::clock::{Clock, SystemClock};
use refreshd::domain::{Target, TargetKind};
use serde_json::Value;

use crate::support::{World, slow};

const BODIES: usize = 3_000;
const TARGETS: usize = 200_000;

/// Pieces that mutations splice in: what has broken parsers before.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "1e999",
    "-",
    "\\u0000",
    "\\ud800",
    "\u{200b}",
    "\u{202e}",
    "%",
    "%2e",
    "%00",
    "..",
    "//",
    "://",
    "@",
    "#",
    "?",
    "*",
    "\t",
    "\n",
    " ",
    "ü",
    "ﬀ",
    "İ",
    "。",
    "[::1]",
    "0x7f.1",
    ":443",
    ":80",
    "xn--",
    "https://www.example.com/",
    "urls",
    "directories",
    "operation",
    "purge",
    "\u{feff}",
    "\u{0}",
];

struct Fuzz(TestRng);

impl Fuzz {
    #[expect(clippy::print_stdout, reason = "a failure must name its seed")]
    fn seeded() -> Self {
        let now = SystemClock.now().as_millis().unsigned_abs();
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(now);
        println!("SEED={seed}");
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound.max(1)
    }

    /// One to four changes: cut, double, replace by a byte, splice a piece in, or swap with another sample.
    fn mutate(&mut self, sample: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        for _ in 0..=self.below(4) {
            let (at, length) = (self.below(bytes.len() + 1), self.below(12));
            let end = (at + length).min(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(at..end)),
                1 => {
                    let doubled = bytes[at..end].to_vec();
                    bytes.splice(at..at, doubled);
                }
                2 if at < bytes.len() => bytes[at] = self.0.next_u32().to_le_bytes()[0],
                3 => {
                    let from = self.below(other.len());
                    let until = (from + self.below(40)).min(other.len());
                    bytes.splice(at..end, other[from..until].iter().copied());
                }
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    bytes.splice(at..end, piece.bytes());
                }
            }
        }
        bytes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_answered_by_a_failure_and_what_is_accepted_is_kept_as_written() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let corpus = corpus("bodies");
    let mut fuzz = Fuzz::seeded();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..if slow() { BODIES * 10 } else { BODIES } {
        let (one, other) = (fuzz.below(corpus.len()), fuzz.below(corpus.len()));
        let body = fuzz.mutate(&corpus[one], &corpus[other]);
        let request = world.http().post(world.url("/v1/jobs")).header("content-type", "application/json");
        let answered = world.send(request.body(body.clone()).timeout(Duration::from_secs(20))).await;
        let shown = String::from_utf8_lossy(&body).into_owned();
        match answered.status {
            202 => {
                accepted += 1;
                kept_as_written(&world, &answered.body, &shown).await;
            }
            400 | 422 => {
                refused += 1;
                assert!(answered.body["detail"].is_string(), "{shown}: {}", answered.body);
            }
            status => panic!("{status} for {shown}: {}", answered.body),
        }
    }
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused: one side was never tried");
    world.end().await;
}

/// Each kept target is one of the written ones up to equal forms, and its own normal form.
async fn kept_as_written(world: &World, job: &Value, body: &str) {
    let written: Value = serde_json::from_str(body).expect("what was accepted is JSON");
    let id = job["id"].as_str().expect("an id");
    let items = world.get(&format!("/v1/jobs/{id}/items?limit=500")).await.body;
    for item in items["items"].as_array().expect("items") {
        let (kind, field) = match item["kind"].as_str() {
            Some("directory") => (TargetKind::Directory, "directories"),
            _ => (TargetKind::Url, "urls"),
        };
        let kept = Target::parse(kind, item["target"].as_str().expect("a target")).expect("a valid target");
        assert_eq!(item["target"], kept.as_str(), "a second normalisation is identity");
        let texts = written[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        let meant = texts.filter_map(|text| Target::parse(kind, text).ok()).any(|target| target == kept);
        assert!(meant, "{kept} was never written in {body}");
    }
}

#[test]
fn no_text_breaks_the_parser_and_what_passes_is_its_own_normal_form() {
    let lines = corpus("targets");
    let samples: Vec<&[u8]> = lines[0].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut fuzz = Fuzz::seeded();
    let mut passed = 0;
    for _ in 0..if slow() { TARGETS * 10 } else { TARGETS } {
        let (one, other) = (fuzz.below(samples.len()), fuzz.below(samples.len()));
        let mutated = fuzz.mutate(samples[one], samples[other]);
        let text = String::from_utf8_lossy(&mutated);
        for kind in TargetKind::ALL.iter().copied() {
            let Ok(target) = Target::parse(kind, &text) else { continue };
            passed += 1;
            assert_eq!(Target::parse(kind, target.as_str()).as_ref(), Ok(&target), "{text:?}");
            assert_eq!(tail(target.as_str()), tail(&text), "path and query are kept to the byte: {text:?}");
            assert!(target.as_str().is_ascii() && !target.as_str().contains(['*', '\\', '#', ' ']), "{text:?}");
            assert!(!target.host().contains(['@', ':', '%']), "{text:?}");
        }
    }
    assert!(passed > 1000, "only {passed} mutations passed: the property was hardly tried");
}

/// Path and query, with the empty path as `/`.
fn tail(text: &str) -> String {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let tail = &rest[rest.find(['/', '?']).unwrap_or(rest.len())..];
    if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a sample")).collect()
}

//! A bundle is read back as its receiver reads it.

use std::collections::BTreeMap;
use std::io::Read;

use zip::ZipArchive;

use super::*;
use crate::diagnose::{
    AccountContext, AccountSnapshot, Attempt, DiagnosisInput, JobContext, KnownDomainState, PoolSnapshot,
};
use crate::domain::{
    AccountName, Area, Attachment, Cause, CauseId, Check, CheckId, CheckResult, Confidence, Diagnosis, DiagnosisId,
    ErrorClass, Failure, ItemOperation, ItemState, JobId, Operation, PoolName, Priority, Subject, Target, TargetKind,
    Timestamp, Verification,
};

/// 2026-11-22 10:00:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const CANARY: &str = "canary0123456789";

fn target() -> Target {
    Target::parse(TargetKind::Url, &format!("https://www.example.com/a.js?v=1&sign={CANARY}")).expect("a URL")
}

fn case() -> DiagnosisInput {
    let failure = Failure::new(
        ErrorClass::Permission,
        "UnauthorizedOperation.CdnCamUnauthorized",
        format!("no; Authorization: TC3 Signature={CANARY}"),
    );
    DiagnosisInput {
        subject: Subject::Job(JobId::from_u128(42)),
        target: target(),
        other_edges: Vec::new(),
        near: None,
        request: Some(JobContext {
            job: JobId::from_u128(42),
            named: target(),
            input: Operation::Purge,
            operation: ItemOperation::Purge,
            kind: TargetKind::Url,
            mode: None,
            area: None,
            priority: Priority::Normal,
            source: None,
            state: ItemState::Failed,
            verification: Verification::None,
            failure: Some(failure.clone().with_request_id(Some("req-7".to_owned()))),
            task_id: Some("1533045796-i60rfmzm".to_owned()),
            request_id: Some("req-7".to_owned()),
            created_at: NOW,
            submitted_at: Some(NOW + std::time::Duration::from_secs(1)),
            finished_at: None,
            waiting: None,
            attempts: vec![Attempt { at: NOW, what: format!("refused, cookie: sid={CANARY}") }],
            failures: vec![(ErrorClass::Permission, "UnauthorizedOperation".to_owned(), 3)],
        }),
        circumstances: AccountContext {
            account: Some(AccountSnapshot {
                name: AccountName::new("main"),
                paused: None,
                refused_actions: vec![("PurgeUrlsCache".to_owned(), failure)],
                skew_millis: Some(-1_500),
                unread_quotas: Vec::new(),
                throttled_at: None,
            }),
            pools: vec![PoolSnapshot {
                name: PoolName("purge-url-mainland".into()),
                operation: ItemOperation::Purge,
                kind: TargetKind::Url,
                area: Area::Mainland,
                total: 10_000,
                available: 9_000,
                ours: 400,
                batch: 1_000,
                resets_at: NOW,
                read_at: NOW,
            }],
            domain: KnownDomainState::NoSuchDomain,
        },
        edge: None,
        origin: None,
    }
}

fn diagnosis() -> Diagnosis {
    let headers = format!("HTTP/1.1 200\nX-NWS-LOG-UUID: 777\nSet-Cookie: sid={CANARY}\nage: 3\n");
    Diagnosis {
        subject: Subject::Job(JobId::from_u128(42)),
        target: Some(target()),
        causes: vec![Cause {
            id: CauseId::NoPermission,
            confidence: Confidence::Certain,
            summary: "The key may not purge.".to_owned(),
            action: "Grant it cdn:PurgeUrlsCache.".to_owned(),
            checks: vec![CheckId::Permission],
            against: Vec::new(),
        }],
        checks: vec![Check {
            id: CheckId::Permission,
            result: CheckResult::Fail,
            seen: format!("refused | with token={CANARY}\nand <b>more</b>"),
            action: Some("Grant it.".to_owned()),
            confidence: Confidence::Certain,
            cause: Some(CauseId::NoPermission),
            page: Some("CAM policies"),
        }],
        started_at: NOW,
        ended_at: NOW + std::time::Duration::from_millis(2_500),
        cut_short: true,
        evidence: vec![
            Attachment { name: "edge-response.txt".to_owned(), text: headers },
            Attachment { name: "../../report.md".to_owned(), text: format!("Bearer {CANARY}") },
            Attachment { name: "edge-response.txt".to_owned(), text: format!("rfd_0011_{CANARY}") },
        ],
    }
}

fn dossier() -> DiagnosisRecord {
    DiagnosisRecord::new(DiagnosisId::from_u128(7), None, &diagnosis(), &attachments_from_input(&case(), &diagnosis()))
}

/// Every file by its name in the zip.
fn unzipped(bytes: Vec<u8>) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        files.insert(file.name().expect("a name").into_owned(), text);
    }
    files
}

fn bundle() -> BTreeMap<String, String> {
    let configuration = format!("[accounts.main]\nsecret_key = \"{CANARY}\"\n");
    unzipped(zip(&dossier(), BundleMetadata { version: "9.9.9", configuration: Some(&configuration) }))
}

#[test]
fn no_secret_is_in_any_file() {
    let files = bundle();
    for (name, text) in &files {
        assert!(!text.contains(CANARY), "{name}:\n{text}");
    }
    // The secrets were there to be found: their places are.
    let left_out = files.values().filter(|text| text.contains("(left out)")).count();
    assert!(left_out >= 7, "{left_out} of {files:#?}");
}

#[test]
fn files_stay_in_their_folder_and_apart() {
    let names: Vec<String> = bundle().into_keys().collect();
    let folder = "refreshd-diag_00000000000000000000000000000007/";
    let names: Vec<&str> = names.iter().map(|name| name.strip_prefix(folder).expect("in the folder")).collect();
    assert_eq!(
        names,
        [
            "2-edge-response.txt",
            "2-report.md",
            "account.txt",
            "configuration.toml",
            "domain.txt",
            "edge-response.txt",
            "report.json",
            "report.md",
            "ticket.txt",
            "timeline.txt"
        ]
    );
}

#[test]
fn a_report_tells_the_answer_first_and_all_that_a_ticket_asks_for() {
    let files = bundle();
    let report = &files["refreshd-diag_00000000000000000000000000000007/report.md"];
    insta::assert_snapshot!(report, @r#"
    # Diagnosis diag_00000000000000000000000000000007

    **The key may not purge.**

    What to do: Grant it cdn:PurgeUrlsCache.

    - asked about: job `job_0000000000000000000000000000002a`
    - looked at: `https://www.example.com/a.js?v=1&sign=(left out)`
    - began: 2026-11-22T10:00:00.000Z (2026-11-22T18:00:00+08:00)
    - ended: 2026-11-22T10:00:02.500Z (2026-11-22T18:00:02+08:00)
    - cut short: the deadline ended it before all was seen
    - made by: refreshd 9.9.9

    ## Causes, most likely first

    1. `no_permission` (certain): The key may not purge.
       What to do: Grant it cdn:PurgeUrlsCache.
       Rests on: permission

    ## Checks

    | result | check | seen | what to do |
    |---|---|---|---|
    | fail | permission | refused \| with token=(left out) and \<b>more\</b> | Grant it. (see "CAM policies") |

    ## For a ticket

        domain:               www.example.com
        target:               https://www.example.com/a.js?v=1&sign=(left out)
        kind:                 url
        account:              main
        job:                  job_0000000000000000000000000000002a
        operation:            purge
        asked for as:         url
        area:                 the domain's own
        state:                failed
        verification:         none
        task id:              1533045796-i60rfmzm
        request id:           req-7
        error:                UnauthorizedOperation.CdnCamUnauthorized (permission): no; Authorization: (left out)
          request id:         req-7
        accepted:             2026-11-22T10:00:00.000Z (2026-11-22T18:00:00+08:00)
        sent:                 2026-11-22T10:00:01.000Z (2026-11-22T18:00:01+08:00)
        of the whole job:     3 failed with UnauthorizedOperation (permission)
        X-NWS-LOG-UUID: 777 (edge-response.txt)

    Add where the symptom was seen from: address, region and network of the client.

    ## Files

    - `ticket.txt`
    - `timeline.txt`
    - `account.txt`
    - `domain.txt`
    - `edge-response.txt`
    - `2-report.md`
    - `2-edge-response.txt`
    - `configuration.toml`
    "#);
    let json: serde_json::Value =
        serde_json::from_str(&files["refreshd-diag_00000000000000000000000000000007/report.json"]).expect("JSON");
    assert_eq!((json["causes"][0]["id"].as_str(), json["cut_short"].as_bool()), (Some("no_permission"), Some(true)));
}

#[test]
fn what_the_case_knows_is_told_in_both_zones() {
    let files = bundle();
    let file = |name: &str| files[&format!("refreshd-diag_00000000000000000000000000000007/{name}")].clone();
    insta::assert_snapshot!(["timeline.txt", "account.txt", "domain.txt"].map(file).join("\n"), @r"
    UTC                       UTC+8                      what
    2026-11-22T10:00:00.000Z  2026-11-22T18:00:00+08:00  the job was accepted (job_0000000000000000000000000000002a)
    2026-11-22T10:00:00.000Z  2026-11-22T18:00:00+08:00  refused, cookie: (left out)
    2026-11-22T10:00:00.000Z  2026-11-22T18:00:00+08:00  the diagnosis began
    2026-11-22T10:00:01.000Z  2026-11-22T18:00:01+08:00  the last call with the target was made
    2026-11-22T10:00:02.500Z  2026-11-22T18:00:02+08:00  the diagnosis ended

    account:              main
    paused:               no
    PurgeUrlsCache:       UnauthorizedOperation.CdnCamUnauthorized (permission): no; Authorization: (left out)
    clock:                -1500 ms (the provider's clock less ours)
    pool:                 purge-url-mainland: 9000 of 10000 left, 400 sent by this daemon today, 1000 a call; resets 2026-11-22T10:00:00.000Z (2026-11-22T18:00:00+08:00); read 2026-11-22T10:00:00.000Z

    domain:               the account has none that serves this host
    ");
}

#[test]
fn the_configuration_is_not_for_everybody() {
    let files = unzipped(zip(&dossier(), BundleMetadata { version: "9.9.9", configuration: None }));
    let text = &files["refreshd-diag_00000000000000000000000000000007/configuration.toml"];
    assert!(text.starts_with("# The configuration is shown to"), "{text}");
}

#[test]
fn a_long_exhibit_is_cut_between_characters() {
    let text = "ü".repeat(100_000);
    let long = Diagnosis { evidence: vec![Attachment { name: "a".to_owned(), text }], ..diagnosis() };
    let record = DiagnosisRecord::new(DiagnosisId::from_u128(7), None, &long, &[]);
    assert!(record.evidence[0].text.len() < 100_100 && record.evidence[0].text.ends_with("(cut off here)\n"));
}

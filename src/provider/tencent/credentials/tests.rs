//! The search and the renewal, with real files and a real metadata service on loopback.

use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::domain::{AccountName, Area, ErrorClass, ItemOperation, Lane, Target, TargetKind, Timestamp};
use crate::provider::tencent::tests::scripted_server::{NOW, Script, ServerAction, client_with, ok, refused};
use crate::provider::{Provider, SubmitOutcome};

const LONG: Duration = Duration::from_secs(20);
const NAMES: [&str; 3] = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN"];

/// A machine with a home and a system folder of its own.
struct Machine {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
    metadata: Url,
}

impl Machine {
    /// Without a metadata service: nobody listens where it would be.
    async fn bare() -> Self {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = free.local_addr().expect("an address");
        Self::beside(&format!("http://{address}/"))
    }

    fn beside(metadata: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = vec![("HOME", folder.path().display().to_string())];
        Self { folder, environment, metadata: metadata.parse().expect("a URL") }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    async fn search(&self) -> Result<CredentialProvider, CredentialsError> {
        let environment = self.environment.clone();
        let lookup =
            move |name: &str| environment.iter().rev().find(|(text, _)| *text == name).map(|(_, value)| value.clone());
        let system = self.folder.path().join("etc/credentials");
        CredentialProvider::search(&CredentialSources::new(lookup, system, self.metadata.clone()), NOW).await
    }
}

async fn summary(provider: &CredentialProvider, now: Timestamp) -> String {
    match provider.current(now).await {
        Ok(pair) => {
            let token = pair.token().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
            format!("{}/{}/{token}", pair.secret_id(), pair.secret_key().expose_secret())
        }
        Err(failure) => format!("{}: {}", failure.class, failure.message),
    }
}

fn sdk(id: &str) -> String {
    format!("[default]\nsecret_id = {id}\nsecret_key = key\n")
}

fn role_keys(id: &str, life: Duration) -> ServerAction {
    let expires = (NOW + life).as_secs();
    ServerAction::Answer(format!(
        r#"{{"TmpSecretId":"{id}","TmpSecretKey":"key","Token":"token","ExpiredTime":{expires},"Code":"Success"}}"#
    ))
}

fn role_name() -> ServerAction {
    ServerAction::Answer("my-role".to_owned())
}

#[tokio::test]
async fn the_places_are_looked_at_in_the_order_of_the_providers_tools() {
    let machine = Machine::bare().await;
    machine.write(".tccli/default.credential", r#"{"secretId":"profile","secretKey":"key"}"#);
    assert_eq!(summary(&machine.search().await.expect("the profile"), NOW).await, "profile/key/");
    machine.write("etc/credentials", &sdk("system"));
    assert_eq!(summary(&machine.search().await.expect("the system file"), NOW).await, "system/key/");
    machine.write(".tencentcloud/credentials", &sdk("home"));
    assert_eq!(summary(&machine.search().await.expect("the home file"), NOW).await, "home/key/");
    let machine = machine.with(NAMES[0], "environment").with(NAMES[1], "key");
    assert_eq!(summary(&machine.search().await.expect("the environment"), NOW).await, "environment/key/");
    // An empty name is as good as none.
    let machine = machine.with(NAMES[0], "").with(NAMES[1], "");
    assert_eq!(summary(&machine.search().await.expect("the home file"), NOW).await, "home/key/");
}

#[tokio::test]
async fn both_names_of_the_session_token_are_read_and_the_first_counts() {
    let pair = || async { Machine::bare().await.with(NAMES[0], "id").with(NAMES[1], "key") };
    let node = pair().await.with("TENCENTCLOUD_SESSION_TOKEN", "node");
    assert_eq!(summary(&node.search().await.expect("a pair"), NOW).await, "id/key/node");
    let both = node.with("TENCENTCLOUD_TOKEN", "tccli");
    assert_eq!(summary(&both.search().await.expect("a pair"), NOW).await, "id/key/tccli");
    let emptied = both.with("TENCENTCLOUD_TOKEN", "");
    assert_eq!(summary(&emptied.search().await.expect("a pair"), NOW).await, "id/key/node");
}

#[tokio::test]
async fn the_profile_is_the_one_that_is_named() {
    let machine = Machine::bare().await.with("TCCLI_PROFILE", "work");
    machine.write(".tccli/default.credential", r#"{"secretId":"no","secretKey":"no"}"#);
    machine.write(".tccli/work.credential", r#"{"secretId":"work","secretKey":"key","token":"t"}"#);
    assert_eq!(summary(&machine.search().await.expect("the profile"), NOW).await, "work/key/t");
}

#[tokio::test]
async fn a_place_that_is_half_filled_is_never_passed_over() {
    let half = Machine::bare().await.with(NAMES[0], "id");
    half.write(".tencentcloud/credentials", &sdk("home"));
    let fault = half.search().await.err().expect("half a pair").to_string();
    assert_eq!(fault, "the environment: TENCENTCLOUD_SECRET_ID is set and TENCENTCLOUD_SECRET_KEY is not");
    let broken = Machine::bare().await;
    broken.write(".tencentcloud/credentials", "[default]\nsecret_id = hush\n");
    broken.write("etc/credentials", &sdk("system"));
    let fault = broken.search().await.err().expect("half a pair");
    assert!(!fault.may_pass() && fault.to_string().ends_with("secret_id is set and secret_key is not"), "{fault}");
}

#[tokio::test]
async fn nothing_anywhere_names_every_place_and_whether_it_may_pass() {
    let machine = Machine::bare().await;
    machine.write("etc/credentials", "[other]\n");
    let fault = machine.search().await.err().expect("nothing");
    assert!(fault.may_pass(), "the metadata service may only be late");
    let text = fault.to_string();
    let file = |path: &str| machine.folder.path().join(path).display().to_string();
    for place in [
        "the environment (TENCENTCLOUD_SECRET_ID is not set)",
        &format!("{} (not there)", file(".tencentcloud/credentials")),
        &format!("{} (no secret_id in a section [default])", file("etc/credentials")),
        &format!("{} (not there)", file(".tccli/default.credential")),
        &format!("the instance role at {}", machine.metadata),
        "secret_key_file",
    ] {
        assert!(text.contains(place), "{place} is missing in: {text}");
    }
    let script =
        Script::start([ServerAction::Raw("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned())]).await;
    let fault = Machine::beside(&script.endpoint()).search().await.err().expect("no role");
    assert!(!fault.may_pass() && fault.to_string().contains("this machine has none"), "{fault}");
}

#[tokio::test]
async fn a_role_is_asked_by_its_name_and_renewed_before_its_keys_expire() {
    let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
    let script =
        Script::start([role_name(), role_keys("first", hour), role_name(), role_keys("second", 3 * hour)]).await;
    let provider = Machine::beside(&script.endpoint()).search().await.expect("a role");
    let line = |index: usize| script.requests()[index].head.lines().next().unwrap_or_default().to_owned();
    assert_eq!(line(0), "GET /latest/meta-data/cam/security-credentials/ HTTP/1.1");
    assert_eq!(line(1), "GET /latest/meta-data/cam/security-credentials/my-role HTTP/1.1");
    assert_eq!(summary(&provider, NOW + 54 * minute).await, "first/key/token");
    assert_eq!(script.requests().len(), 2, "good keys are not asked for again");
    assert_eq!(summary(&provider, NOW + 55 * minute).await, "second/key/token");
    assert_eq!(summary(&provider, NOW + 2 * hour).await, "second/key/token");
    assert_eq!(script.remaining(), 0);
}

#[tokio::test]
async fn a_failed_renewal_costs_nothing_until_the_keys_have_expired() {
    let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
    let broken = || ServerAction::Raw("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_owned());
    let actions = [
        role_name(),
        role_keys("first", 10 * minute),
        broken(),
        broken(),
        role_name(),
        role_keys("second", 60 * minute),
    ];
    let script = Script::start(actions).await;
    let provider = Machine::beside(&script.endpoint()).search().await.expect("a role");
    assert_eq!(summary(&provider, NOW + 6 * minute).await, "first/key/token");
    assert_eq!(summary(&provider, NOW + 6 * minute + second).await, "first/key/token");
    assert_eq!(script.requests().len(), 3, "the next try waits a while");
    let text = summary(&provider, NOW + 10 * minute).await;
    assert!(text.starts_with("auth: ") && text.contains("have expired") && text.contains("500"), "{text}");
    assert_eq!(summary(&provider, NOW + 10 * minute + 10 * second).await, "second/key/token");
}

#[tokio::test]
async fn many_callers_renew_once() {
    let hour = Duration::from_secs(3600);
    let script = Script::start([role_name(), role_keys("a", hour), role_name(), role_keys("b", 3 * hour)]).await;
    let provider = Machine::beside(&script.endpoint()).search().await.expect("a role");
    let callers = (0..20).map(|_| summary(&provider, NOW + hour));
    assert!(futures_util::future::join_all(callers).await.iter().all(|text| text == "b/key/token"));
    assert_eq!(script.remaining(), 0);
}

#[tokio::test]
async fn an_endless_or_redirecting_metadata_service_is_given_up() {
    for action in [
        ServerAction::Endless,
        ServerAction::Raw(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        ServerAction::CloseAfterRequest,
    ] {
        let script = Script::start([action]).await;
        let fault = Machine::beside(&script.endpoint()).search().await.err().expect("no keys");
        assert!(fault.may_pass(), "{fault}");
    }
}

#[tokio::test]
async fn a_rotated_file_is_read_again_and_a_broken_one_is_not_believed() {
    let minute = Duration::from_secs(60);
    let machine = Machine::bare().await;
    let path = ".tencentcloud/credentials";
    machine.write(path, &sdk("old"));
    let provider = machine.search().await.expect("the file");
    machine.write(path, &sdk("new"));
    assert_eq!(summary(&provider, NOW).await, "old/key/");
    assert_eq!(summary(&provider, NOW + minute).await, "new/key/");
    for broken in ["[default]\nsecret_id = half\n", ""] {
        machine.write(path, broken);
        assert_eq!(summary(&provider, NOW + 3 * minute).await, "new/key/");
    }
    std::fs::remove_file(machine.folder.path().join(path)).expect("a file");
    assert_eq!(summary(&provider, NOW + 5 * minute).await, "new/key/");
}

fn lane() -> Lane {
    let (operation, kind) = (ItemOperation::Purge, TargetKind::Url);
    Lane { account: AccountName::new("main"), operation, kind, area: Area::Own, mode: None }
}

/// What a submission with these keys comes to, and with which keys it was signed.
async fn submitted(provider: CredentialProvider, actions: Vec<ServerAction>) -> (SubmitOutcome, Vec<String>) {
    let script = Script::start(actions).await;
    let targets = [Target::parse(TargetKind::Url, "https://h.example/a").expect("a target")];
    let answer = client_with(&script.endpoint(), provider, LONG).submit(&lane(), &targets).await;
    let signer = |request: &crate::provider::tencent::tests::scripted_server::ReceivedRequest| {
        let authorization = request.header("authorization").unwrap_or_default().to_owned();
        let id = authorization.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/'));
        format!("{} {}", id.expect("an id").0, request.header("x-tc-token").unwrap_or("-"))
    };
    assert_eq!(script.remaining(), 0, "every action was played");
    (answer, script.requests().iter().map(signer).collect())
}

#[tokio::test]
async fn refused_keys_are_renewed_once_and_the_call_is_signed_again() {
    let hour = Duration::from_secs(3600);
    let metadata = Script::start([role_name(), role_keys("old", hour), role_name(), role_keys("new", hour)]).await;
    let provider = Machine::beside(&metadata.endpoint()).search().await.expect("a role");
    let actions = vec![refused("AuthFailure.TokenFailure"), ok(r#","TaskId":"t""#)];
    let (answer, signers) = submitted(provider, actions).await;
    assert!(matches!(answer, SubmitOutcome::Accepted { .. }), "{answer:?}");
    assert_eq!(signers, ["old token", "new token"]);
}

#[tokio::test]
async fn refused_keys_that_stay_the_same_are_not_tried_twice() {
    let hour = Duration::from_secs(3600);
    let metadata = Script::start([role_name(), role_keys("same", hour), role_name(), role_keys("same", hour)]).await;
    let of_role = Machine::beside(&metadata.endpoint()).search().await.expect("a role");
    let of_pair =
        CredentialProvider::from_pair(Credentials::new("given".to_owned(), "key".into(), None).expect("a pair"));
    for (provider, signer) in [(of_role, "same token"), (of_pair, "given -")] {
        let (answer, signers) = submitted(provider, vec![refused("AuthFailure.TokenFailure")]).await;
        assert!(
            matches!(&answer, SubmitOutcome::AccountRefused(failure) if failure.class == ErrorClass::Auth),
            "{answer:?}"
        );
        assert_eq!(signers, [signer]);
    }
}

#[tokio::test]
async fn without_keys_nothing_is_sent() {
    let metadata = Script::start([role_name(), role_keys("old", Duration::ZERO)]).await;
    let provider = Machine::beside(&metadata.endpoint()).search().await.expect("a role");
    let (answer, signers) = submitted(provider, vec![]).await;
    let SubmitOutcome::NotSent(failure) = answer else { panic!("{answer:?}") };
    assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Auth, "credentials_expired"));
    assert!(signers.is_empty());
}

//! What the sandbox tells of its domains, the real client understands: two pieces of code that know each other only by the
//! wire.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use refreshd::clock::SystemClock;
use refreshd::provider::tencent::{CredentialProvider, Credentials, TencentCdn, TencentOptions};
use refreshd::provider::{
    ApiAction, CachePolicy, CallLimiter, DomainDetail, DomainFacts, DomainQuery, DomainStatus, Provider, ServedArea,
};
use refreshd::sandbox::{self, Area, Domain, Sandbox};
use tokio_util::sync::CancellationToken;

/// Lets everybody pass, and remembers who did.
#[derive(Default)]
struct Open(Mutex<Vec<&'static str>>);

#[async_trait]
impl CallLimiter for Open {
    async fn acquire(&self, action: ApiAction) {
        self.0.lock().expect("the list").push(action.0);
    }

    fn on_throttled(&self, _: ApiAction) {}

    fn release(&self, _: ApiAction) {}
}

async fn cloud(domains: Vec<Domain>, shutdown: &CancellationToken) -> (Sandbox, TencentCdn) {
    let mut options = sandbox::SandboxOptions::new(Arc::new(SystemClock::default()));
    options.domains = domains;
    let key = options.credentials[0].clone();
    let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
    let pair = Credentials::new(key.secret_id, key.secret_key.into(), None).expect("a key pair");
    let client = TencentCdn::new(TencentOptions {
        endpoint: format!("http://{}/", sandbox.addresses.api).parse().expect("a URL"),
        keys: CredentialProvider::from_pair(pair),
        clock: Arc::new(SystemClock::default()),
    });
    (sandbox, client.expect("a client"))
}

async fn told(client: &TencentCdn, query: DomainQuery, detail: DomainDetail) -> (Vec<DomainFacts>, Vec<&'static str>) {
    let turnstile = Open::default();
    let found = client.domains(&query, detail, &turnstile).await.expect("an answer");
    (found, turnstile.0.into_inner().expect("the list"))
}

#[tokio::test]
async fn hosts_are_found_by_name_or_wildcard_with_all_that_a_diagnosis_asks() {
    let shutdown = CancellationToken::new();
    let mut away = Domain::new("www.example.org");
    away.status = sandbox::DomainStatus::Offline;
    away.area = Area::Mainland;
    let mut blind = Domain::new("*.example.net");
    blind.cache_key = sandbox::CacheKeySetup::without_query();
    let (sandbox, client) = cloud(vec![away, blind, Domain::new("other.example.org")], &shutdown).await;
    let hosts = ["www.example.org", "a.b.example.net", "nobody.example.org"].map(str::to_owned).to_vec();
    let (found, calls) = told(&client, DomainQuery::Hosts(hosts), DomainDetail::Full).await;
    assert!(calls.iter().all(|action| *action == "DescribeDomainsConfig"), "{calls:?}");
    assert_eq!(found.len(), 2, "{found:#?}");

    let away = DomainFacts::serving("www.example.org", &found).expect("the domain of that name");
    assert_eq!((&away.status, &away.area), (&Some(DomainStatus::Offline), &Some(ServedArea::Mainland)));
    assert_eq!(away.cname.as_deref(), Some("www.example.org.cdn.dnsv1.com"));
    assert_eq!((&away.disabled, &away.locked, away.is_live()), (&None, &None, Some(false)));
    let origin = away.origin.as_ref().expect("an origin");
    assert_eq!(origin.server_name.as_deref(), Some("www.example.org"));
    assert_eq!(origin.addresses[0].port, Some(sandbox.addresses.origin.port()));

    let blind = DomainFacts::serving("a.b.example.net", &found).expect("the wildcard");
    assert_eq!(blind.cache_key.as_ref().expect("a key").common.query_counts, Some(false));
    assert_eq!(
        blind.cache_rules.as_ref().expect("rules")[0].keeps,
        CachePolicy::For(Duration::from_secs(30 * 24 * 60 * 60))
    );
    assert!(DomainFacts::serving("nobody.example.org", &found).is_none());
    shutdown.cancel();
}

#[tokio::test]
async fn more_domains_than_fit_a_page_are_all_read() {
    let shutdown = CancellationToken::new();
    let domains = (0..250).map(|number| Domain::new(format!("h{number}.example.com"))).collect();
    let (_sandbox, client) = cloud(domains, &shutdown).await;
    for (detail, calls_expected) in [(DomainDetail::Full, 3), (DomainDetail::Brief, 1)] {
        let (found, calls) = told(&client, DomainQuery::All, detail).await;
        assert_eq!((found.len(), calls.len()), (250, calls_expected));
    }
    shutdown.cancel();
}

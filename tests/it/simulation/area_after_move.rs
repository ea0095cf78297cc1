//! The area of an item whose job names none, when it is sent again after its domain has moved: the domain's area at that time. The cache that it had elsewhere is older than the first job, but what has been cached there since may not be.

use std::time::Duration;

use refreshd::domain::{Area, JobId};
use refreshd::engine::ServiceKind;
use refreshd::sandbox::{DomainChange, Fault, FaultRule};
use refreshd::service::{Caller, JobInput};

use super::environment::{NARROW, World};
use super::provider_faults::{CALM, Temper};
use super::rng::Dice;

/// An origin that is seen to have changed (`Onlooker`).
const STALE: &str = "123456";

struct Moving {
    world: World,
}

impl Moving {
    /// The domain is served in the mainland, and that is known.
    async fn begin(temper: Temper) -> Self {
        let mut moving = Self { world: World::begin(temper, &mut Dice::of(7)).await };
        moving.work(3).await;
        moving
    }

    async fn work(&mut self, rounds: usize) {
        let world = &mut self.world;
        for _ in 0..rounds {
            let now = world.now();
            for kind in ServiceKind::ALL {
                world.engine().record(kind, now).await.expect("a store that works");
                world.engine().step(kind, now).await.expect("a store that works");
            }
            world.begin_all().await;
            world.pass(Duration::from_secs(2)).await;
        }
    }

    async fn post(&self, area: Option<&str>, verify: bool) -> JobId {
        let input = JobInput {
            operation: "purge".to_owned(),
            urls: vec![format!("https://{NARROW}/{STALE}")],
            area: area.map(str::to_owned),
            verify: Some(verify),
            ..JobInput::default()
        };
        self.world.service().accept(&Caller::local(), &input, None).await.expect("a kept job").view.job.id
    }

    async fn retry(&self, job: JobId) -> JobId {
        self.world.service().retry(&Caller::local(), job).await.expect("a new job").view.job.id
    }

    /// The domain is served everywhere from now on, and that is known.
    async fn move_on(&mut self) {
        let change = DomainChange { domain: NARROW.to_owned(), area: Some("global".to_owned()), ..Default::default() };
        self.world.sites["second"].cloud().change_domains(vec![change]).expect("a domain");
        self.world.pass(Duration::from_secs(700)).await;
        let now = self.world.now();
        self.world.engine().step(ServiceKind::DomainReader, now).await.expect("a store that works");
        self.world.begin_all().await;
        self.world.engine().record(ServiceKind::DomainReader, now).await.expect("a store that works");
    }

    /// Where the job's only item goes.
    async fn area(&self, job: JobId) -> Area {
        let store = &self.world.service().store;
        let job = store.job(job, None).await.expect("a readable store").expect("a job");
        let page = refreshd::store::Page { after: 0, limit: 9 };
        let items = store.items(job.row, page).await.expect("items");
        let lanes = store.lanes().await.expect("lanes");
        lanes.iter().find(|lane| lane.id == items[0].lane).expect("a lane").lane.area
    }
}

#[tokio::test]
async fn a_retry_asks_for_what_was_asked_and_not_for_where_the_domain_was() {
    let mut moving = Moving::begin(CALM).await;
    let refused = Fault::Refuse { code: "ResourceNotFound.CdnHostNotExists".to_owned(), message: "no".to_owned() };
    moving.world.sites["second"].cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", refused)]);
    let (plain, input) = (moving.post(None, false).await, moving.post(Some("mainland"), false).await);
    moving.work(20).await;
    assert_eq!((moving.area(plain).await, moving.area(input).await), (Area::Mainland, Area::Mainland));
    // It has not moved yet.
    let again = moving.retry(plain).await;
    assert_eq!(moving.area(again).await, Area::Mainland);
    moving.move_on().await;
    let (plain, input) = (moving.retry(plain).await, moving.retry(input).await);
    assert_eq!((moving.area(plain).await, moving.area(input).await), (Area::Own, Area::Mainland));
    moving.work(20).await;
    assert_eq!(moving.area(moving.retry(input).await).await, Area::Mainland, "a retry's retry as well");
}

#[tokio::test]
async fn a_second_purge_goes_where_the_domain_is_by_then() {
    for (input, second) in [(None, Area::Own), (Some("mainland"), Area::Mainland)] {
        let mut moving = Moving::begin(Temper { repurge: true, ..CALM }).await;
        let first = moving.post(input, true).await;
        moving.work(4).await;
        moving.move_on().await;
        moving.work(100).await;
        let jobs = moving.world.service().store.jobs(None, None, 9).await.expect("jobs");
        let again = jobs.iter().find(|job| job.retry_of == Some(first)).expect("a second purge");
        assert_eq!(moving.area(first).await, Area::Mainland);
        assert_eq!(moving.area(again.id).await, second, "{input:?}");
    }
}

//! Who is looked at next: places are few, a look at a host that does not answer holds its place to the last second, and
//! nobody's verdict is to wait for somebody else's dead host.

use std::collections::{BTreeMap, HashMap};

use crate::domain::JobId;

/// Jobs looked at side by side.
pub(super) const JOBS_MAX: usize = 16;
/// Places that are kept free for whoever comes, when hosts that answer are given more than their own.
const KEPT: usize = 4;
/// Jobs at once that nobody is asked about: each is read, and written, in sequence.
const STAND_BYS_MAX: usize = 64;
/// Hosts whose last look is remembered. Who is forgotten is as one that was never looked at.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of a host by the last look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostResponsiveness {
    Answers,
    Silent,
    /// Never looked at. Anybody can think up dead hosts, so it has to show first what it is.
    Unknown,
}

impl HostResponsiveness {
    /// The places of one host, and of all such hosts together: a quarter of all places is for hosts that answer, and silent
    /// ones keep none of those from new ones.
    const fn places_max(self) -> (usize, usize) {
        match self {
            Self::Answers => (4, JOBS_MAX),
            Self::Silent => (1, 4),
            Self::Unknown => (1, 8),
        }
    }
}

/// The places, and how the hosts were.
#[derive(Debug, Default)]
pub(super) struct ProbeSlots {
    /// Looks that are under way, by job.
    open: HashMap<JobId, Slot>,
    responsiveness_by_host: BTreeMap<String, HostResponsiveness>,
}

#[derive(Debug)]
struct Slot {
    host: String,
    /// A job that only expires does not use a probe slot.
    counts: bool,
}

impl ProbeSlots {
    pub(super) fn has_free_slot(&self) -> bool {
        self.slots_held(|_| true) < JOBS_MAX
    }

    /// Whether the job has work to be begun, and its host a place of its own for it.
    pub(super) fn has_reserved_slot(&self, job: JobId, host: &str) -> bool {
        let habit = self.responsiveness(host);
        let (of_host_max, of_habit_max) = habit.places_max();
        !self.open.contains_key(&job)
            && self.has_free_slot()
            && self.slots_held(|other| other == host) < of_host_max
            && self.slots_held_by(habit) < of_habit_max
    }

    /// Whether the job may have a place that nobody else wants now. Its host answers, so the place is soon free again.
    pub(super) fn has_spare_slot(&self, job: JobId, host: &str) -> bool {
        !self.open.contains_key(&job)
            && self.has_free_slot()
            && self.responsiveness(host) == HostResponsiveness::Answers
            && self.slots_held_by(HostResponsiveness::Answers) < JOBS_MAX - KEPT
    }

    /// Whether the job may be told now that nobody will be asked about it.
    pub(super) fn may_expire_without_probe(&self, job: JobId) -> bool {
        !self.open.contains_key(&job) && self.open.values().filter(|seat| !seat.counts).count() < STAND_BYS_MAX
    }

    pub(super) fn take(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Slot { host: host.to_owned(), counts: true });
    }

    /// Notes that the job is at work, without a place.
    pub(super) fn expire_without_probe(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Slot { host: host.to_owned(), counts: false });
    }

    /// The look is over; `silent` tells whether its host said nothing all the time, none that nobody asked it.
    pub(super) fn leave(&mut self, job: JobId, silent: Option<bool>) {
        let (Some(seat), Some(silent)) = (self.open.remove(&job), silent) else { return };
        if self.responsiveness_by_host.len() >= REMEMBERED_MAX && !self.responsiveness_by_host.contains_key(&seat.host)
        {
            self.responsiveness_by_host.pop_first();
        }
        self.responsiveness_by_host
            .insert(seat.host, if silent { HostResponsiveness::Silent } else { HostResponsiveness::Answers });
    }

    fn responsiveness(&self, host: &str) -> HostResponsiveness {
        self.responsiveness_by_host.get(host).copied().unwrap_or(HostResponsiveness::Unknown)
    }

    fn slots_held_by(&self, habit: HostResponsiveness) -> usize {
        self.slots_held(|host| self.responsiveness(host) == habit)
    }

    fn slots_held(&self, of: impl Fn(&str) -> bool) -> usize {
        self.open.values().filter(|seat| seat.counts && of(&seat.host)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> JobId {
        JobId::from_u128(number as u128)
    }

    /// As many as may be looked at, one after the other.
    fn seated(places: &mut ProbeSlots, first: usize, hosts: &[&str]) -> usize {
        let mut count = 0;
        for (number, host) in hosts.iter().enumerate() {
            let job = job(first + number);
            if places.has_reserved_slot(job, host) {
                places.take(job, host);
                count += 1;
            }
        }
        count
    }

    fn hosts(name: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{name}{number}.example")).collect()
    }

    /// With hosts that were looked at before.
    fn seen(silent: bool, hosts: &[String], places: &mut ProbeSlots) {
        for host in hosts {
            places.take(job(999), host);
            places.leave(job(999), Some(silent));
        }
    }

    fn seated_all(places: &mut ProbeSlots, first: usize, hosts: &[String]) -> usize {
        let twice: Vec<&str> = hosts.iter().chain(hosts).map(String::as_str).collect();
        seated(places, first, &twice)
    }

    #[test]
    fn one_host_holds_a_few_places_and_the_rest_is_for_others() {
        let mut places = ProbeSlots::default();
        let (busy, others) = (hosts("busy", 1), hosts("other", 50));
        seen(false, &busy, &mut places);
        seen(false, &others, &mut places);
        assert_eq!(seated(&mut places, 0, &["busy0.example"; 50]), 4);
        assert_eq!(seated_all(&mut places, 100, &others), JOBS_MAX - 4);
        assert!(!places.has_free_slot());
        assert!(!places.has_reserved_slot(job(0), "busy0.example"), "its look is under way");
        places.leave(job(100), Some(false));
        assert_eq!(seated(&mut places, 300, &["busy0.example", "other49.example"]), 1);
    }

    #[test]
    fn neither_silent_hosts_nor_new_ones_hold_the_places_of_hosts_that_answer() {
        let mut places = ProbeSlots::default();
        let (dead, new, well) = (hosts("dead", 30), hosts("new", 30), hosts("well", 30));
        seen(true, &dead, &mut places);
        seen(false, &well, &mut places);
        assert_eq!(seated(&mut places, 0, &["dead0.example"; 5]), 1);
        assert_eq!(seated_all(&mut places, 10, &dead), 3);
        assert!(!places.has_reserved_slot(job(98), "dead0.example"));
        assert_eq!(seated(&mut places, 100, &["new0.example"; 5]), 1);
        assert_eq!(seated_all(&mut places, 110, &new), 7);
        assert!(!places.has_reserved_slot(job(98), "new29.example"));
        assert_eq!(seated_all(&mut places, 200, &well), 4);
        places.leave(job(200), None);
        places.leave(job(0), Some(false));
        assert_eq!(seated(&mut places, 300, &["dead0.example"; 9]), 2, "whoever speaks again is as others");
    }

    #[test]
    fn whoever_asks_nobody_takes_no_place_and_proves_nothing() {
        let mut places = ProbeSlots::default();
        seen(true, &hosts("dead", 1), &mut places);
        for number in 0..50 {
            places.expire_without_probe(job(number), "dead0.example");
        }
        assert!(!places.has_reserved_slot(job(3), "dead0.example") && !places.may_expire_without_probe(job(3)));
        assert!(places.has_reserved_slot(job(98), "dead0.example"));
        places.leave(job(3), None);
        assert_eq!(seated(&mut places, 100, &["dead0.example"; 9]), 1, "it is as silent as before");
    }

    #[test]
    fn only_so_many_stand_by_at_once() {
        let mut places = ProbeSlots::default();
        let mut count = 0;
        while places.may_expire_without_probe(job(count)) {
            places.expire_without_probe(job(count), "dead0.example");
            count += 1;
        }
        assert_eq!(count, STAND_BYS_MAX);
        places.leave(job(0), None);
        assert!(places.may_expire_without_probe(job(0)));
    }

    #[test]
    fn what_nobody_else_wants_goes_to_hosts_that_answer_and_some_is_kept() {
        let mut places = ProbeSlots::default();
        seen(false, &hosts("busy", 1), &mut places);
        seen(true, &hosts("dead", 1), &mut places);
        let mut count = 0;
        while places.has_spare_slot(job(count), "busy0.example") {
            places.take(job(count), "busy0.example");
            count += 1;
        }
        assert_eq!(count, JOBS_MAX - KEPT);
        assert!(!places.has_spare_slot(job(98), "dead0.example") && !places.has_spare_slot(job(98), "new0.example"));
        assert_eq!(seated_all(&mut places, 100, &hosts("new", 9)), KEPT);
    }
}

//! Which jobs are probed next: a silent host holds its slot for all its time, so slots are divided by how hosts responded, and no
//! job waits for another job's dead host.

use std::collections::{BTreeMap, HashMap};

use crate::domain::JobId;

/// Jobs probed at once.
pub(super) const JOBS_MAX: usize = 16;
/// Slots that stay free for other hosts when a host that answers gets spare slots.
const RESERVED_SLOTS: usize = 4;
/// Jobs that expire without a probe at once: each is read and written in sequence.
const EXPIRING_MAX: usize = 64;
/// Hosts whose responsiveness is remembered. A forgotten host counts as new.
const HOSTS_MAX: usize = 10_000;

/// How a host responded to its last probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostResponsiveness {
    Answers,
    Silent,
    /// Never probed. A client can name dead hosts at will, so a new host gets one slot until it answers.
    Unknown,
}

impl HostResponsiveness {
    /// The slots of one host, and of all such hosts together: a quarter of all slots is left for hosts that answer, and silent
    /// hosts do not use up those of new hosts.
    const fn slots_max(self) -> (usize, usize) {
        match self {
            Self::Answers => (4, JOBS_MAX),
            Self::Silent => (1, 4),
            Self::Unknown => (1, 8),
        }
    }
}

/// The slots, and how the hosts responded.
#[derive(Debug, Default)]
pub(super) struct ProbeSlots {
    /// Slots in use, by job.
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

    /// Whether the job has no slot yet, and its host has a reserved one for it.
    pub(super) fn has_reserved_slot(&self, job: JobId, host: &str) -> bool {
        let responsiveness = self.responsiveness(host);
        let (of_host_max, of_kind_max) = responsiveness.slots_max();
        !self.open.contains_key(&job)
            && self.has_free_slot()
            && self.slots_held(|other| other == host) < of_host_max
            && self.slots_held_by(responsiveness) < of_kind_max
    }

    /// Whether the job may use a slot that no other job needs now. Its host answers, so the slot is soon free again.
    pub(super) fn has_spare_slot(&self, job: JobId, host: &str) -> bool {
        !self.open.contains_key(&job)
            && self.has_free_slot()
            && self.responsiveness(host) == HostResponsiveness::Answers
            && self.slots_held_by(HostResponsiveness::Answers) < JOBS_MAX - RESERVED_SLOTS
    }

    /// Whether the job may expire without a probe now.
    pub(super) fn may_expire_without_probe(&self, job: JobId) -> bool {
        !self.open.contains_key(&job) && self.open.values().filter(|slot| !slot.counts).count() < EXPIRING_MAX
    }

    pub(super) fn take(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Slot { host: host.to_owned(), counts: true });
    }

    /// Records that the job is being expired, without a slot.
    pub(super) fn expire_without_probe(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Slot { host: host.to_owned(), counts: false });
    }

    /// Frees the slot; `silent`: whether the host was silent, none if it was not probed.
    pub(super) fn leave(&mut self, job: JobId, silent: Option<bool>) {
        let (Some(slot), Some(silent)) = (self.open.remove(&job), silent) else { return };
        if self.responsiveness_by_host.len() >= HOSTS_MAX && !self.responsiveness_by_host.contains_key(&slot.host) {
            self.responsiveness_by_host.pop_first();
        }
        self.responsiveness_by_host
            .insert(slot.host, if silent { HostResponsiveness::Silent } else { HostResponsiveness::Answers });
    }

    fn responsiveness(&self, host: &str) -> HostResponsiveness {
        self.responsiveness_by_host.get(host).copied().unwrap_or(HostResponsiveness::Unknown)
    }

    fn slots_held_by(&self, responsiveness: HostResponsiveness) -> usize {
        self.slots_held(|host| self.responsiveness(host) == responsiveness)
    }

    fn slots_held(&self, of: impl Fn(&str) -> bool) -> usize {
        self.open.values().filter(|slot| slot.counts && of(&slot.host)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> JobId {
        JobId::from_u128(number as u128)
    }

    /// Takes the slots that are allowed, one after the other.
    fn take_slots(slots: &mut ProbeSlots, first: usize, hosts: &[&str]) -> usize {
        let mut count = 0;
        for (number, host) in hosts.iter().enumerate() {
            let job = job(first + number);
            if slots.has_reserved_slot(job, host) {
                slots.take(job, host);
                count += 1;
            }
        }
        count
    }

    fn hosts(name: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{name}{number}.example")).collect()
    }

    /// Hosts that were probed before.
    fn probe_hosts(silent: bool, hosts: &[String], slots: &mut ProbeSlots) {
        for host in hosts {
            slots.take(job(999), host);
            slots.leave(job(999), Some(silent));
        }
    }

    fn take_all_slots(slots: &mut ProbeSlots, first: usize, hosts: &[String]) -> usize {
        let twice: Vec<&str> = hosts.iter().chain(hosts).map(String::as_str).collect();
        take_slots(slots, first, &twice)
    }

    #[test]
    fn one_host_holds_a_few_places_and_the_rest_is_for_others() {
        let mut slots = ProbeSlots::default();
        let (busy, others) = (hosts("busy", 1), hosts("other", 50));
        probe_hosts(false, &busy, &mut slots);
        probe_hosts(false, &others, &mut slots);
        assert_eq!(take_slots(&mut slots, 0, &["busy0.example"; 50]), 4);
        assert_eq!(take_all_slots(&mut slots, 100, &others), JOBS_MAX - 4);
        assert!(!slots.has_free_slot());
        assert!(!slots.has_reserved_slot(job(0), "busy0.example"), "it has its slot");
        slots.leave(job(100), Some(false));
        assert_eq!(take_slots(&mut slots, 300, &["busy0.example", "other49.example"]), 1);
    }

    #[test]
    fn neither_silent_hosts_nor_new_ones_hold_the_places_of_hosts_that_answer() {
        let mut slots = ProbeSlots::default();
        let (dead, new, well) = (hosts("dead", 30), hosts("new", 30), hosts("well", 30));
        probe_hosts(true, &dead, &mut slots);
        probe_hosts(false, &well, &mut slots);
        assert_eq!(take_slots(&mut slots, 0, &["dead0.example"; 5]), 1);
        assert_eq!(take_all_slots(&mut slots, 10, &dead), 3);
        assert!(!slots.has_reserved_slot(job(98), "dead0.example"));
        assert_eq!(take_slots(&mut slots, 100, &["new0.example"; 5]), 1);
        assert_eq!(take_all_slots(&mut slots, 110, &new), 7);
        assert!(!slots.has_reserved_slot(job(98), "new29.example"));
        assert_eq!(take_all_slots(&mut slots, 200, &well), 4);
        slots.leave(job(200), None);
        slots.leave(job(0), Some(false));
        assert_eq!(
            take_slots(&mut slots, 300, &["dead0.example"; 9]),
            2,
            "a host that answers again counts as one that answers"
        );
    }

    #[test]
    fn whoever_asks_nobody_takes_no_place_and_proves_nothing() {
        let mut slots = ProbeSlots::default();
        probe_hosts(true, &hosts("dead", 1), &mut slots);
        for number in 0..50 {
            slots.expire_without_probe(job(number), "dead0.example");
        }
        assert!(!slots.has_reserved_slot(job(3), "dead0.example") && !slots.may_expire_without_probe(job(3)));
        assert!(slots.has_reserved_slot(job(98), "dead0.example"));
        slots.leave(job(3), None);
        assert_eq!(take_slots(&mut slots, 100, &["dead0.example"; 9]), 1, "it is as silent as before");
    }

    #[test]
    fn only_so_many_stand_by_at_once() {
        let mut slots = ProbeSlots::default();
        let mut count = 0;
        while slots.may_expire_without_probe(job(count)) {
            slots.expire_without_probe(job(count), "dead0.example");
            count += 1;
        }
        assert_eq!(count, EXPIRING_MAX);
        slots.leave(job(0), None);
        assert!(slots.may_expire_without_probe(job(0)));
    }

    #[test]
    fn what_nobody_else_wants_goes_to_hosts_that_answer_and_some_is_kept() {
        let mut slots = ProbeSlots::default();
        probe_hosts(false, &hosts("busy", 1), &mut slots);
        probe_hosts(true, &hosts("dead", 1), &mut slots);
        let mut count = 0;
        while slots.has_spare_slot(job(count), "busy0.example") {
            slots.take(job(count), "busy0.example");
            count += 1;
        }
        assert_eq!(count, JOBS_MAX - RESERVED_SLOTS);
        assert!(!slots.has_spare_slot(job(98), "dead0.example") && !slots.has_spare_slot(job(98), "new0.example"));
        assert_eq!(take_all_slots(&mut slots, 100, &hosts("new", 9)), RESERVED_SLOTS);
    }
}

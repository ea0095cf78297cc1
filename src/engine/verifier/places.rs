//! Who is looked at next: places are few, a look at a host that does not answer holds its place to the last second, and
//! nobody's verdict is to wait for somebody else's dead host.

use std::collections::{BTreeSet, HashMap};

use crate::domain::JobId;

/// Jobs looked at side by side.
pub(super) const JOBS_MAX: usize = 16;
/// Of these, of one host.
const HOST_MAX: usize = 4;
/// Of one host that was silent when it was last looked at, and of all such hosts together: half of the places are always for
/// hosts that answer.
const SILENT_HOST_MAX: usize = 1;
const SILENT_MAX: usize = 8;
/// Silent hosts that are remembered. Who is forgotten is found silent again.
const REMEMBERED_MAX: usize = 1_000;

/// The places, and which hosts were silent.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Looks that are under way, by job.
    open: HashMap<JobId, Seat>,
    silent: BTreeSet<String>,
}

#[derive(Debug)]
struct Seat {
    host: String,
    /// One that asks nobody takes nobody's place.
    counts: bool,
}

/// What may be done about a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is a place for it.
    Look,
    /// Its look is under way, or it has to wait.
    Wait,
    /// It has to wait, and its host said nothing when others looked: past its deadline it is to wait no longer.
    Silent,
}

impl Places {
    pub(super) fn are_free(&self) -> bool {
        self.held(|_| true) < JOBS_MAX
    }

    pub(super) fn turn(&self, job: JobId, host: &str) -> Turn {
        if self.open.contains_key(&job) {
            return Turn::Wait;
        }
        let of_host = self.held(|other| other == host);
        let is_silent = self.silent.contains(host);
        let is_full = match is_silent {
            true => of_host >= SILENT_HOST_MAX || self.held(|other| self.silent.contains(other)) >= SILENT_MAX,
            false => of_host >= HOST_MAX,
        };
        match (is_full || !self.are_free(), is_silent) {
            (false, _) => Turn::Look,
            (true, true) => Turn::Silent,
            (true, false) => Turn::Wait,
        }
    }

    pub(super) fn take(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Seat { host: host.to_owned(), counts: true });
    }

    /// Notes that the job is at work, without a place.
    pub(super) fn stand_by(&mut self, job: JobId, host: &str) {
        self.open.insert(job, Seat { host: host.to_owned(), counts: false });
    }

    /// The look is over; `silent` tells whether its host said nothing all the time, none that nobody asked it.
    pub(super) fn leave(&mut self, job: JobId, silent: Option<bool>) {
        let Some(seat) = self.open.remove(&job) else { return };
        match silent {
            Some(true) => {
                if self.silent.len() >= REMEMBERED_MAX {
                    self.silent.pop_first();
                }
                self.silent.insert(seat.host);
            }
            Some(false) => {
                self.silent.remove(&seat.host);
            }
            None => {}
        }
    }

    fn held(&self, of: impl Fn(&str) -> bool) -> usize {
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
    fn seated(places: &mut Places, first: usize, hosts: &[&str]) -> usize {
        let mut count = 0;
        for (number, host) in hosts.iter().enumerate() {
            let job = job(first + number);
            if places.turn(job, host) == Turn::Look {
                places.take(job, host);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn one_host_holds_a_few_places_and_the_rest_is_for_others() {
        let mut places = Places::default();
        assert_eq!(seated(&mut places, 0, &["slow.example"; 50]), HOST_MAX);
        let others: Vec<String> = (0..50).map(|number| format!("h{number}.example")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        assert_eq!(seated(&mut places, 100, &others), JOBS_MAX - HOST_MAX);
        assert!(!places.are_free());
        assert_eq!(places.turn(job(0), "slow.example"), Turn::Wait, "its look is under way");
        places.leave(job(100), Some(false));
        assert_eq!(seated(&mut places, 200, &["slow.example", "new.example"]), 1);
    }

    #[test]
    fn silent_hosts_hold_one_place_each_and_half_of_all_together() {
        let mut places = Places::default();
        let hosts: Vec<String> = (0..30).map(|number| format!("dead{number}.example")).collect();
        for (number, host) in hosts.iter().enumerate() {
            places.take(job(number), host);
            places.leave(job(number), Some(true));
        }
        let twice: Vec<&str> = hosts.iter().chain(&hosts).map(String::as_str).collect();
        assert_eq!(seated(&mut places, 0, &["dead0.example"; 5]), 1);
        assert_eq!(seated(&mut places, 10, &twice), SILENT_MAX - 1);
        assert_eq!(places.turn(job(99), "dead0.example"), Turn::Silent);
        assert_eq!(seated(&mut places, 100, &["well.example"; 9]), HOST_MAX, "others go on");
        places.leave(job(0), Some(false));
        assert_eq!(seated(&mut places, 200, &["dead0.example"; 9]), HOST_MAX, "whoever speaks again is as others");
    }

    #[test]
    fn whoever_asks_nobody_takes_no_place_and_proves_nothing() {
        let mut places = Places::default();
        for number in 0..50 {
            places.stand_by(job(number), "dead.example");
        }
        assert_eq!(places.turn(job(3), "dead.example"), Turn::Wait);
        assert_eq!(seated(&mut places, 100, &["a.example"; 9]), HOST_MAX);
        places.leave(job(100), Some(true));
        places.leave(job(3), None);
        assert_eq!(seated(&mut places, 200, &["a.example"; 9]), 0, "three are at work, and it was silent");
    }
}

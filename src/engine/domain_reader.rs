//! The domain reader: reads each account's domains from the provider at the start, every ten minutes, and soon after the
//! provider refused a host. Held in memory only: what was read before a restart may be wrong.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::driver::{EngineService, Step, catch_panic_read};
use super::{Accounts, EngineDeps};
use crate::domain::{AccountName, Timestamp};
use crate::provider::{DomainDetail, DomainFacts, DomainQuery, ReadError};
use crate::store::StoreError;

/// People change domains by hand, and seldom.
const AGE_MAX: Duration = Duration::from_secs(600);
/// No account is read more often than this, however many hosts are refused.
const INTERVAL_MIN: Duration = Duration::from_secs(60);

pub(super) struct DomainReader {
    accounts: Accounts,
    last_reads: HashMap<AccountName, LastDomainRead>,
    open: HashSet<AccountName>,
}

struct LastDomainRead {
    at: Timestamp,
    /// The code of the failure, if it failed.
    failed: Option<String>,
}

impl DomainReader {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self { accounts: deps.accounts.clone(), last_reads: HashMap::new(), open: HashSet::new() }
    }

    fn due_at(&self, account: &Account, now: Timestamp) -> Timestamp {
        match self.last_reads.get(&account.name) {
            None => now,
            Some(LastDomainRead { at, failed })
                if failed.is_some() || account.domains.is_stale.load(Ordering::Relaxed) =>
            {
                *at + INTERVAL_MIN
            }
            Some(LastDomainRead { at, .. }) => *at + AGE_MAX,
        }
    }
}

#[async_trait]
impl EngineService for DomainReader {
    type Call = Arc<Account>;
    type Answer = (Arc<Account>, Result<Vec<DomainFacts>, ReadError>);

    const NAME: &'static str = "domain reader";

    async fn step(&mut self, now: Timestamp) -> Result<Step<Arc<Account>>, StoreError> {
        let mut calls = Vec::new();
        let mut next_at: Option<Timestamp> = None;
        for account in self.accounts.values().filter(|account| !self.open.contains(&account.name)) {
            let due_at = self.due_at(account, now);
            if due_at <= now {
                calls.push(account.clone());
            } else {
                next_at = Some(next_at.map_or(due_at, |at| at.min(due_at)));
            }
        }
        for account in &calls {
            account.domains.is_stale.store(false, Ordering::Relaxed);
            self.open.insert(account.name.clone());
            self.last_reads.entry(account.name.clone()).or_insert(LastDomainRead { at: now, failed: None }).at = now;
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, account: Arc<Account>) -> BoxFuture<'static, Self::Answer> {
        async move {
            let read = catch_panic_read(
                Self::NAME,
                account.provider.domains(&DomainQuery::All, DomainDetail::Full, account.as_ref()),
            )
            .await;
            (account, read)
        }
        .boxed()
    }

    async fn record(&mut self, (account, read): &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        self.open.remove(&account.name);
        let last_read = self.last_reads.entry(account.name.clone()).or_insert(LastDomainRead { at: now, failed: None });
        match read {
            Ok(domains) => {
                last_read.failed = None;
                account.domains.fail(None);
                let moved = account.domains.replace(domains, now);
                tracing::debug!(account = %account.name, domains = domains.len(), "domains read");
                if !moved.is_empty() {
                    tracing::warn!(account = %account.name, domains = %moved.join(", "),
                        "domain area changed; pending items keep the old area");
                }
            }
            Err(fault) => {
                let failure = fault.failure();
                // An account whose key may not read domains never gets them: log that once.
                if last_read.failed.as_ref() != Some(&failure.code) {
                    tracing::warn!(account = %account.name, class = %failure.class, code = %failure.code,
                        message = %failure.message, "could not read the domains; jobs without an area are sent for all areas");
                }
                last_read.failed = Some(failure.code.clone());
                account.domains.fail(Some(failure.clone()));
            }
        }
        Ok(())
    }
}

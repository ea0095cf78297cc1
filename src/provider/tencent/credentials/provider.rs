//! Holds the key pair in force and renews it from the place it came from: a role's keys before they expire, a file's when
//! it changes. A renewal that fails costs nothing while the old pair is good.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{info, warn};

use super::files::{self, FileContents};
use super::instance_role::{InstanceRoleError, TemporaryCredentials};
use super::pair::{Credentials, CredentialsError};
use super::sources::{CredentialSources, RefreshSource, SourcedCredentials};
use crate::domain::{ErrorClass, Failure, Timestamp};

/// The SDKs renew a role's keys when so much of their life is left.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// How often a file is looked at again.
const FILE_INTERVAL: Duration = Duration::from_secs(60);
/// Between two tries to renew.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// One account's key pair, now and later.
pub struct CredentialProvider {
    source: RefreshSource,
    /// As shown to a person.
    place: String,
    state: Mutex<State>,
}

struct State {
    pair: Arc<Credentials>,
    renew_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Why the last renewal failed.
    renewal_error: Option<String>,
}

/// What a renewal brought.
struct FreshCredentials {
    pair: Credentials,
    expires_at: Option<Timestamp>,
}

impl CredentialProvider {
    /// A pair as configured. It is not read again: a rotated key has a new id too, so the configuration changes with it.
    #[must_use]
    pub fn from_pair(pair: Credentials) -> Self {
        let (source, place) = (RefreshSource::Fixed, "the configuration".to_owned());
        Self::new(SourcedCredentials { source, place, pair, expires_at: None }, Timestamp::from_millis(0))
    }

    /// The pair of the first of `places` that holds one.
    ///
    /// # Errors
    /// If a place holds something that cannot be used, or none holds anything; then all are named.
    pub async fn search(sources: &CredentialSources, now: Timestamp) -> Result<Self, CredentialsError> {
        let sourced = sources.search().await?;
        info!(place = sourced.place, "the account's key pair was found");
        Ok(Self::new(sourced, now))
    }

    fn new(SourcedCredentials { source, place, pair, expires_at }: SourcedCredentials, now: Timestamp) -> Self {
        let renew_at = renew_at(&source, expires_at, now);
        let state = State { pair: Arc::new(pair), renew_at, expires_at, renewal_error: None };
        Self { source, place, state: Mutex::new(state) }
    }

    /// The pair to sign with at `now`, which is the provider's time.
    ///
    /// # Errors
    /// If the pair has expired and there is no other.
    pub(in super::super) async fn current(&self, now: Timestamp) -> Result<Arc<Credentials>, Failure> {
        // One caller renews and the others wait for it: it is one short question.
        let mut state = self.state.lock().await;
        if state.renew_at.is_some_and(|at| now >= at) {
            self.renew(&mut state, now).await;
        }
        match state.expires_at {
            Some(expired) if now >= expired => Err(self.expired(&state)),
            _ => Ok(state.pair.clone()),
        }
    }

    /// Another pair than `refused`, which the provider did not take; nothing if there is none to be had.
    pub(in super::super) async fn renewed(&self, refused: &Credentials, now: Timestamp) -> Option<Arc<Credentials>> {
        let mut state = self.state.lock().await;
        // Another caller may have renewed the key while we waited for the lock.
        if *state.pair == *refused {
            self.renew(&mut state, now).await;
        }
        (*state.pair != *refused).then(|| state.pair.clone())
    }

    async fn renew(&self, state: &mut State, now: Timestamp) {
        match self.read_again().await {
            Ok(None) => state.renew_at = None,
            Ok(Some(fresh)) => {
                if *state.pair != fresh.pair {
                    info!(place = self.place, "the account's key pair was renewed");
                }
                state.renew_at = renew_at(&self.source, fresh.expires_at, now);
                *state = State {
                    pair: Arc::new(fresh.pair),
                    renew_at: state.renew_at,
                    expires_at: fresh.expires_at,
                    renewal_error: None,
                };
            }
            Err(reason) => {
                warn!(place = self.place, reason, "the account's key pair could not be renewed");
                state.renewal_error = Some(reason);
                state.renew_at = Some(now + TRY_AGAIN);
            }
        }
    }

    /// `Ok(None)`: there is nothing to renew from.
    async fn read_again(&self) -> Result<Option<FreshCredentials>, String> {
        match &self.source {
            RefreshSource::Fixed => Ok(None),
            RefreshSource::File(path, format) => match files::read(path, *format).await {
                Ok(FileContents::Pair(pair)) => Ok(Some(FreshCredentials { pair, expires_at: None })),
                Ok(FileContents::Nothing(reason)) => Err(reason),
                Err(error) => Err(error.to_string()),
            },
            RefreshSource::Role(role) => match role.credentials().await {
                Ok(TemporaryCredentials { pair, expires_at }) => {
                    Ok(Some(FreshCredentials { pair, expires_at: Some(expires_at) }))
                }
                Err(InstanceRoleError::NoRole) => Err("this machine has no role any more".to_owned()),
                Err(InstanceRoleError::NoResponse(reason)) => Err(reason),
            },
        }
    }

    fn expired(&self, state: &State) -> Failure {
        let reason = state.renewal_error.as_deref().unwrap_or("the keys handed out have expired already");
        let message = format!("the temporary keys from {} have expired and no new ones came: {reason}", self.place);
        Failure::new(ErrorClass::Auth, "credentials_expired", message)
    }
}

fn renew_at(source: &RefreshSource, expires_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match source {
        RefreshSource::Fixed => None,
        RefreshSource::File(..) => Some(now + FILE_INTERVAL),
        // Keys that are handed out near their end are not asked for without pause.
        RefreshSource::Role(_) => Some(expires_at.map_or(now, |at| at - RENEW_BEFORE).max(now + TRY_AGAIN)),
    }
}

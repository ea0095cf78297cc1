//! Hurrying: a wake says that there may be something to do. It can be missed without harm, because everyone also looks
//! at a tick; who listens before looking misses none.

use tokio::sync::watch;

/// A bell that any number of listeners hear.
#[derive(Debug, Clone)]
pub struct Notifier(watch::Sender<u64>);

/// Hears every ring since it was made or last heard one.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<u64>);

impl Default for Notifier {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Notifier {
    pub fn notify(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl Subscription {
    /// Returns at once if the bell rang since the last call.
    pub async fn notified(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody can ring any more: whoever waits here goes by the tick alone.
            std::future::pending::<()>().await;
        }
    }
}

/// The bells of the house, one for each place that waits for work.
#[derive(Debug, Clone, Default)]
pub struct Notifiers {
    pub submitter: Notifier,
    pub poller: Notifier,
    pub reconciler: Notifier,
    pub verifier: Notifier,
    pub quota_reader: Notifier,
    pub domain_reader: Notifier,
    pub cleaner: Notifier,
    /// Some job changed.
    pub jobs: Notifier,
}

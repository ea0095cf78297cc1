//! What can be looked at, one thing at a time, by whoever explains. Each look ends within its time and says how far it got.

use std::time::Duration;

use async_trait::async_trait;

use super::{Ask, Dial, NameLook, Scheme, Sighting, TlsFault};

#[async_trait]
pub trait Eyes: Send + Sync {
    /// One GET, stage by stage.
    async fn look(&self, ask: &Ask, within: Duration) -> Sighting;

    /// What DNS says of a host.
    async fn resolve(&self, host: &str, within: Duration) -> NameLook;

    /// As `look`, at an address that an operator wrote down for a host. A staging edge on a port of its own often speaks
    /// plain HTTP for https targets too: then it is asked that way, and the sighting's `ask` tells so.
    async fn look_at_configured(&self, ask: &Ask, within: Duration) -> Sighting {
        let seen = self.look(ask, within.mul_f64(0.7)).await;
        let own_port = matches!(ask.dial, Dial::Address(address) if address.port() != 443);
        if !own_port || !matches!(seen.tls, Some(Err(TlsFault::Refused(_) | TlsFault::Closed))) {
            return seen;
        }
        let plain = self.look(&Ask { scheme: Scheme::Http, ..ask.clone() }, within.mul_f64(0.3)).await;
        match &plain.http {
            // 400 is how a server that wants TLS answers who comes without.
            Some(Ok(answer)) if answer.status != 400 => plain,
            _ => seen,
        }
    }
}

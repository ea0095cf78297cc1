//! The client as it is set up, and against scripted servers: faults of the transport and of TLS.

pub(super) mod scripted_server;
mod setup;
mod tls_faults;
mod transport_faults;

//! The simulated world's name server: real packets on a port of its own, over UDP and TCP, answered as a recursive
//! resolver answers.

mod server;
pub(super) mod wire;
pub(super) mod zone;

pub(super) use server::{Sockets, serve};

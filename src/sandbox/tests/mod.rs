//! The sandbox over its sockets, asked by a small client of its own.

mod answers;
mod api;
mod client;
mod control;
mod dns;
mod edge;
mod faults;
mod tls;
mod world;

//! The sandbox over its sockets, called by a small client of its own.

mod answers;
mod api;
mod client;
mod control;
mod dns;
mod domains;
mod edge;
mod faults;
mod nodes;
mod tls;

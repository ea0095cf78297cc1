//! The sandbox over its sockets, asked by a small client of its own.

mod api;
mod client;
mod control;
mod dns;
mod edge;
mod fault_settings;
mod faults;
mod http_faults;
mod tls;

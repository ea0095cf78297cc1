//! The sandbox over its sockets, asked by a small client of its own.

mod api;
mod client;
mod control;
mod edge;
mod faults;

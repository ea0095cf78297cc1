//! The binary: nothing but a call of the library.
fn main() {}

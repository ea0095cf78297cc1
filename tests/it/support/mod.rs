//! What integration tests share. Each piece arrives with the first test that needs it.

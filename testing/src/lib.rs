//! Real parts for the tests: each starts on a free loopback port, in a folder of its own, and ends
//! when its value is dropped.

pub mod identity_provider;
pub mod postgres;

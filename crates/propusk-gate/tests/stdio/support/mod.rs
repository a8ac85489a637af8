//! A gate, its clients, and what is known of processes.

mod client;
mod gate;
mod processes;
mod program;
mod watcher;

pub(crate) use self::{
    client::{Client, Stream, text},
    gate::{Gate, fixture},
    processes::{is_alive, until, zombies_of},
    program::Program,
    watcher::Watcher,
};

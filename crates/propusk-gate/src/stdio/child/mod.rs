//! A child process: its group, its lines, its words to the log.

mod family;
mod lines;
mod log;
mod process;
mod table;

pub(super) use self::{
    family::{below, started},
    lines::{Line, Lines},
    log::{Rate, plain},
    process::{Process, Streams},
    table::Identity,
};

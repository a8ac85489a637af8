//! A child process: its group, its lines, its words to the log.

mod lines;
mod log;
mod process;

pub(super) use self::{
    lines::{Line, Lines},
    log::{Rate, plain},
    process::{Process, Streams},
};

//! Keeping what this process knows from its own children.
//!
//! A child runs as the same user, and could read the environment and the memory of this process, with
//! the secrets that came by either, through `/proc`. The system forbids that to whoever has no power
//! over other processes (`CAP_SYS_PTRACE`), once a process says that it is not to be dumped.

use std::io;

/// From now on, programs of the same user can neither read this process's environment and memory nor
/// trace it; it writes no core dump either. Linux alone has this; elsewhere nothing happens.
///
/// A gate calls it before it starts a server. A child that runs as root is not kept from anything.
///
/// # Errors
/// The system refuses it.
pub fn hide_from_children() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    use super::hide_from_children;

    #[test]
    fn it_is_not_dumpable_and_finds_itself() {
        let before = dumpable_behavior().unwrap();
        hide_from_children().unwrap();
        let after = dumpable_behavior().unwrap();
        let (program, status) = (
            std::env::current_exe(),
            std::fs::read_to_string("/proc/self/status"),
        );
        set_dumpable_behavior(before).unwrap();
        assert_eq!(after, DumpableBehavior::NotDumpable);
        assert!(program.unwrap().is_absolute());
        assert!(status.unwrap().contains("VmRSS"));
    }
}

//! What is measured: requests, and the servers that answer them.

use crate::bench::{
    load::{Load, Mode},
    table::count,
};

/// The program that is a server of any of these.
pub(super) const SERVER: &str = "bench-tools";

/// What is asked of servers with so many tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) work: Work,
    pub(super) tools: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Call(Mode),
    List,
}

/// A server, and who asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contender {
    pub(super) protection: Protection,
    pub(super) caller: Caller,
}

/// How the tools are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// rmcp alone.
    None,
    /// propusk, and no scopes.
    Tokens,
    /// Scopes beside each tool.
    Declared,
    /// A policy of a hundred patterns.
    Patterns,
}

/// What the caller may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    All,
    Half,
}

impl Case {
    pub(super) fn all() -> Vec<Self> {
        let calls = [Mode::Modern, Mode::LegacySession]
            .into_iter()
            .flat_map(|mode| [1, 100, 10_000].map(|tools| (Work::Call(mode), tools)));
        let cases = calls.chain([(Work::List, 1_000)]);
        cases.map(|(work, tools)| Self { work, tools }).collect()
    }

    pub(super) fn name(self) -> String {
        let tools = count(self.tools as u64, "tool");
        match self.work {
            Work::Call(Mode::Modern) => format!("2026-07-28 call, {tools}"),
            Work::Call(_) => format!("2025-11-25 call in a session, {tools}"),
            Work::List => format!("2026-07-28 list, {tools}"),
        }
    }

    pub(super) fn contenders(self) -> Vec<Contender> {
        use Protection::{Declared, None, Patterns, Tokens};
        let by = |caller| move |protection| Contender { protection, caller };
        match self.work {
            Work::Call(_) => Vec::from([None, Tokens, Declared, Patterns].map(by(Caller::Half))),
            Work::List => {
                let all = [None, Tokens, Declared, Patterns].map(by(Caller::All));
                let half = [Declared, Patterns].map(by(Caller::Half));
                all.into_iter().chain(half).collect()
            }
        }
    }

    /// The one to compare with: of the unprotected servers there is one for all callers.
    pub(super) fn like(self, contender: Contender, protection: Protection) -> Contender {
        let caller = match self.work {
            Work::Call(_) => contender.caller,
            Work::List => Caller::All,
        };
        Contender { protection, caller }
    }

    /// The arguments of [`SERVER`].
    pub(super) fn arguments(self, contender: Contender) -> [String; 4] {
        let protection = match contender.protection {
            Protection::None => "none",
            Protection::Tokens => "tokens",
            Protection::Declared => "declared",
            Protection::Patterns => "patterns",
        };
        let tools = self.tools.to_string();
        ["--tools", &tools, "--protection", protection].map(str::to_owned)
    }

    /// Hands the load of a contender to `send`.
    pub(super) fn with_load<T>(self, contender: Contender, send: impl FnOnce(Load<'_>) -> T) -> T {
        let token = match contender.caller {
            Caller::All => "all",
            Caller::Half => "half",
        };
        match self.work {
            Work::Call(mode) => send(Load {
                mode,
                token,
                options: &["--tools", &self.tools.to_string()],
            }),
            Work::List => {
                let seen = match contender.caller {
                    Caller::All => self.tools,
                    Caller::Half => self.tools / 2,
                };
                send(Load {
                    mode: Mode::Modern,
                    token,
                    options: &["--list", &seen.to_string()],
                })
            }
        }
    }
}

impl Protection {
    pub(super) fn has_scopes(self) -> bool {
        matches!(self, Self::Declared | Self::Patterns)
    }
}

impl Contender {
    pub(super) fn name(self) -> String {
        let protection = match self.protection {
            Protection::None => return "rmcp, no authorization".to_owned(),
            Protection::Tokens => return "propusk without scopes".to_owned(),
            Protection::Declared => "scopes declared",
            Protection::Patterns => "a policy of patterns",
        };
        match self.caller {
            Caller::All => format!("{protection}, all visible"),
            Caller::Half => format!("{protection}, half visible"),
        }
    }
}

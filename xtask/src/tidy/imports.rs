//! Who may know of whom.

use super::Source;

const LIBRARY: &str = "crates/propusk/src/";

/// A rule: in these files, none of these words, for this reason.
struct Absence {
    applies: fn(&Source) -> bool,
    words: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Absence] = &[
    Absence {
        applies: is_kernel,
        words: &["rmcp", "axum", "reqwest", "sqlx", "hyper", "tower"],
        why: "the kernel knows no protocol library and no web framework",
    },
    Absence {
        applies: |source| source.is_below(LIBRARY) && !is_kernel(source) && !is_http_client(source),
        words: &["reqwest::"],
        why: "only `fetch` and `client` speak HTTP to others",
    },
    Absence {
        applies: |source| source.is_below(LIBRARY) && !is_rmcp_side(source),
        words: &["rmcp::"],
        why: "only `server` and `client` import rmcp",
    },
    Absence {
        applies: |source| {
            source.is_below("crates/propusk") && source.path != "crates/propusk/src/layer/render.rs"
        },
        words: &["StatusCode::UNAUTHORIZED", "StatusCode::FORBIDDEN"],
        why: "only `layer/render.rs` turns a refusal into a status and a header",
    },
    Absence {
        applies: |source| source.is_below("crates/propusk-cli/src"),
        words: &["decide(", "Presented::", "StatusCode"],
        why: "the command line decides nothing about authorization",
    },
    Absence {
        applies: |source| source.is_below("crates/propusk"),
        words: &[
            "Display for BearerToken",
            "Serialize for BearerToken",
            "Display for NewSecret",
            "Serialize for NewSecret",
            "Display for Secret",
        ],
        why: "a secret is never displayed and never serialized",
    },
];

fn is_rmcp_side(source: &Source) -> bool {
    ["server/", "client/"]
        .iter()
        .any(|part| source.is_below(&format!("{LIBRARY}{part}")))
}

fn is_http_client(source: &Source) -> bool {
    ["fetch/", "client/"]
        .iter()
        .any(|part| source.is_below(&format!("{LIBRARY}{part}")))
}

fn is_kernel(source: &Source) -> bool {
    source.is_below(LIBRARY)
        && !is_rmcp_side(source)
        && !["layer/", "fetch/"]
            .iter()
            .any(|part| source.is_below(&format!("{LIBRARY}{part}")))
}

pub(super) fn check(sources: &[Source], offences: &mut Vec<String>) {
    for rule in RULES {
        let mut applied = false;
        for source in sources.iter().filter(|source| (rule.applies)(source)) {
            applied = true;
            let found = rule
                .words
                .iter()
                .filter(|word| source.code().any(|line| contains_word(line, word)));
            offences.extend(found.map(|word| format!("{}: {word}: {}", source.path, rule.why)));
        }
        if !applied {
            offences.push(format!("a house rule applies to no file: {}", rule.why));
        }
    }
}

/// `rmcp` in `use rmcp::x`, not in `armcpx`.
fn contains_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_open = word.ends_with(|c: char| !c.is_alphanumeric());
        !part(before) && (ends_open || !part(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_finds_what_it_forbids() {
        let source = |path: &str, text: &str| Source {
            path: path.into(),
            text: text.into(),
        };
        let mut offences = Vec::new();
        check(
            &[
                source(
                    "crates/propusk/src/scope.rs",
                    "use rmcp::model;\n// axum is fine here\n#[cfg(test)]\nuse sqlx::X;",
                ),
                source(
                    "crates/propusk/src/layer/mod.rs",
                    "let x = StatusCode::FORBIDDEN;",
                ),
                source("crates/propusk-cli/src/a.rs", "let permitdecide(x);"),
            ],
            &mut offences,
        );
        let found = |text: &str| {
            offences
                .iter()
                .filter(|offence| offence.contains(text))
                .count()
        };
        assert_eq!(
            (
                found("knows no protocol"),
                found("only `server`"),
                found("only `layer"),
                found("decides nothing")
            ),
            (1, 1, 1, 0),
            "{offences:?}"
        );
    }
}

//! The configuration that is written. What comes from the server is hostile until somebody has read
//! it: in names everything unusual is escaped, and in comments it is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::offer::{Kind, Offer, Offered};

/// So much of a description is shown.
const LONGEST: usize = 80;

/// So many resources are listed, in comments.
const MOST_RESOURCES: usize = 20;

/// What scopes may begin with, out of what a server calls itself.
pub(super) fn prefix(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let name: String = name.chars().take(32).map(letter).collect();
    let name = name.trim_matches('-');
    match name.is_empty() {
        true => "server".to_owned(),
        false => name.to_owned(),
    }
}

/// The whole file.
pub(super) fn of(offer: &Offer, prefix: &str, url: Option<&str>, command: &[String]) -> String {
    let mut text = format!(
        "\
# Written by propusk init. Read it before you use it: which tools only read and which may destroy
# something is what the server says of itself. Check it with: propusk check-config

[serve]
# Where to listen. Clients elsewhere need TLS, and the URL that they use:
# listen = \"0.0.0.0:443\"
# resource = \"https://mcp.example.com\"
# Tokens come from the store propusk.db (propusk token issue) unless an issuer is named:
# issuer = [\"https://login.example\"]
# Clients that sign in are told to ask for:
suggested-scope = [{read}]

# [limits]
# address = \"50/s burst 200\"
# principal = \"600/m burst 100\"

[[upstream]]
",
        read = quoted(&format!("{prefix}:read")),
    );
    match url {
        Some(url) => text.push_str(&format!("url = {}\n", quoted(url))),
        None => {
            let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
            text.push_str(&format!("command = [{}]\n", words.join(", ")));
            text.push_str(
                "# Of our environment it gets HOME, PATH and the like, and what is named here:\n",
            );
            text.push_str("# env-from = [\"SOME_API_KEY\"]\n");
        }
    }
    text.push_str(&format!(
        "\n[upstream.scopes]\n# What the server adds later needs this, until it is named below.\ndefault = {}\n",
        quoted(&format!("{prefix}:destructive"))
    ));
    text.push_str(&format!(
        "# Who holds the one holds the others too.\nimplies = {{ {} = {}, {} = {} }}\n",
        quoted(&format!("{prefix}:write")),
        quoted(&format!("{prefix}:read")),
        quoted(&format!("{prefix}:destructive")),
        quoted(&format!("{prefix}:read {prefix}:write")),
    ));
    add_tools(&mut text, &offer.tools, prefix);
    add_names(&mut text, "prompts", &offer.prompts, prefix);
    add_resources(&mut text, &offer.resources, prefix);
    text.push_str(
        "\n# Beside scopes: rules such as these.\n# [upstream.rules.tools.\"delete_*\"]\n# rate = \"10/m\"\n# time-limit = \"30s\"\n# [upstream.rules.tools.shell]\n# denied = true\n",
    );
    text
}

fn add_tools(text: &mut String, tools: &[Offered], prefix: &str) {
    text.push_str("\n[upstream.scopes.tools]\n");
    let mut worst = BTreeMap::new();
    for tool in tools {
        let kind = worst.entry(&*tool.name).or_insert(tool.kind);
        *kind = tool.kind.max(*kind);
    }
    let mut seen = BTreeSet::new();
    for (kind, heading, scope) in [
        (Kind::Reads, "only read", "read"),
        (
            Kind::Changes,
            "change something, and destroy nothing",
            "write",
        ),
        (Kind::Destroys, "may destroy something", "destructive"),
        (
            Kind::Unsaid,
            "the server says nothing of: they may do anything",
            "destructive",
        ),
    ] {
        let is_of_kind = |tool: &&Offered| worst.get(&*tool.name) == Some(&kind);
        let of_kind: Vec<&Offered> = tools.iter().filter(is_of_kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        text.push_str(&format!("# Tools that {heading}:\n"));
        for tool in of_kind {
            let scope = quoted(&format!("{prefix}:{scope}"));
            let said = commented(&tool.description);
            add_line(text, &mut seen, &tool.name, &scope, &said);
        }
    }
}

fn add_names(text: &mut String, table: &str, names: &[String], prefix: &str) {
    if names.is_empty() {
        return;
    }
    text.push_str(&format!("\n[upstream.scopes.{table}]\n"));
    let mut seen = BTreeSet::new();
    for name in names {
        add_line(
            text,
            &mut seen,
            name,
            &quoted(&format!("{prefix}:read")),
            "",
        );
    }
}

/// One pattern for all of them: there may be many, and new ones every day.
fn add_resources(text: &mut String, uris: &[String], prefix: &str) {
    if uris.is_empty() {
        return;
    }
    text.push_str("\n[upstream.scopes.resources]\n# The server lists:\n");
    for uri in uris.iter().take(MOST_RESOURCES) {
        text.push_str(&format!("#   {}\n", quoted(uri)));
    }
    if uris.len() > MOST_RESOURCES {
        text.push_str(&format!("#   and {} more\n", uris.len() - MOST_RESOURCES));
    }
    text.push_str(&format!("\"*\" = {}\n", quoted(&format!("{prefix}:read"))));
}

fn add_line(text: &mut String, seen: &mut BTreeSet<String>, name: &str, scope: &str, said: &str) {
    if !seen.insert(name.to_owned()) {
        return;
    }
    let name = match name.contains('*') {
        // It would be a pattern, and take other names out of the default.
        true => {
            text.push_str(&format!(
                "# {} has a * in its name, so that it is under the default\n",
                quoted(name)
            ));
            return;
        }
        false => quoted(name),
    };
    match said.is_empty() {
        true => text.push_str(&format!("{name} = {scope}\n")),
        false => text.push_str(&format!("{name} = {scope}  # {said}\n")),
    }
}

/// A basic string of TOML; what a reader might not see, or take for something else, is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' ' => quoted.push(c),
            c if c.is_ascii_graphic() || c.is_alphanumeric() => quoted.push(c),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// The beginning of a description, as it can stand behind `#`.
fn commented(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let good = |c: &char| *c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    let kept: String = line.chars().filter(good).take(LONGEST).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, kind: Kind) -> Offered {
        let description = "It\u{2028}[[upstream]]\r\nhidden = true\u{85}x\u{202e}".to_owned();
        Offered {
            name: name.to_owned(),
            description,
            kind,
        }
    }

    /// Every name is the value that was meant, and nothing of what it says is configuration.
    #[test]
    fn what_a_server_says_stays_where_it_belongs() {
        let names = [
            "plain",
            "a\"b",
            "a\\",
            "\"]\nx = 1 #",
            "\r\n[serve]\nadmission = \"optional\"",
            "\u{0}\u{7f}\u{85}\u{2028}\u{202e}\u{feff}",
            "😀",
            "наме",
            "",
        ];
        let mut tools: Vec<_> = names.iter().map(|name| tool(name, Kind::Reads)).collect();
        tools.push(tool("plain", Kind::Destroys));
        tools.push(tool("*", Kind::Reads));
        let offer = Offer {
            server: "x\"\n".to_owned(),
            tools,
            prompts: vec!["p\n\"".to_owned()],
            resources: vec!["file:///\n[x]".to_owned()],
        };
        let command = ["a\"b".to_owned(), "\n".to_owned()];
        let text = of(&offer, &prefix(&offer.server), None, &command);
        let table: toml::Table = text.parse().expect(&text);
        let keys: Vec<_> = table.keys().map(String::as_str).collect();
        assert_eq!(keys, ["serve", "upstream"], "{text}");
        let upstream = &table["upstream"][0];
        let tools = upstream["scopes"]["tools"].as_table().expect("a table");
        let mut expected: Vec<_> = names.to_vec();
        expected.sort_unstable();
        let mut found: Vec<_> = tools.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(upstream["command"][0].as_str(), Some("a\"b"));
        assert_eq!(upstream["command"][1].as_str(), Some("\n"));
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
    }

    /// Whatever else it is said to be.
    #[test]
    fn a_tool_that_is_listed_twice_is_the_worse_of_both() {
        for kinds in [
            [Kind::Reads, Kind::Destroys],
            [Kind::Destroys, Kind::Reads],
            [Kind::Unsaid, Kind::Changes],
        ] {
            let offer = Offer {
                server: "x".to_owned(),
                tools: kinds.map(|kind| tool("one", kind)).into(),
                prompts: Vec::new(),
                resources: Vec::new(),
            };
            let table: toml::Table = of(&offer, "x", Some("http://a/"), &[])
                .parse()
                .expect("TOML");
            let scope = &table["upstream"][0]["scopes"]["tools"]["one"];
            assert_eq!(scope.as_str(), Some("x:destructive"), "{kinds:?}");
        }
    }

    #[test]
    fn a_prefix_is_one_that_scopes_may_have() {
        for (name, expected) in [
            ("Notes", "notes"),
            ("mcp-servers/everything", "mcp-servers-everything"),
            ("", "server"),
            ("\"\n", "server"),
            ("a b", "a-b"),
        ] {
            assert_eq!(prefix(name), expected);
        }
    }
}

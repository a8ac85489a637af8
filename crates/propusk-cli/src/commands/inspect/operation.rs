//! `--operation`: what would be asked, and whether there is such a thing.

use propusk::{Operation, Target, TargetKind};

use crate::{
    commands::serve::{Names, ScopesConfig, Section},
    failure::Failure,
};

/// Reads the flag. What could not be asked of any server is a usage error.
pub(super) fn parse(text: Option<&str>) -> Result<Operation, Failure> {
    let Some(text) = text else {
        return Ok(Operation::Request);
    };
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("--operation: {why}"));
    let operation: Operation = text.parse().map_err(|error| wrong(&error))?;
    let Operation::Method { method, targets } = &operation else {
        return Ok(operation);
    };
    if !Operation::KNOWN_METHODS.contains(&method.as_str()) {
        // Of a method that it does not know no server takes a name.
        return Ok(Operation::method(method));
    }
    let wanted = match method.as_str() {
        "completion/complete" => Some("NAME"),
        method => TargetKind::of_method(method).map(word),
    };
    match (wanted, targets.is_empty()) {
        (Some(word), true) => {
            Err(wrong(&format!("{method} acts upon something"))
                .hint(format!("write {method}:{word}")))
        }
        (None, false) if method != "subscriptions/listen" => Err(wrong(&format!(
            "{method} acts upon nothing that has a name"
        ))
        .hint(format!("write {method}"))),
        _ => Ok(operation),
    }
}

/// Says what of the operation is not there, and what then applies.
pub(super) fn notes(operation: &Operation, names: &Names, scopes: &[ScopesConfig]) -> Vec<String> {
    let Operation::Method { method, targets } = operation else {
        return Vec::new();
    };
    if !names.has(Section::Methods, method) {
        return vec![unknown_method(method, names, scopes)];
    }
    let unknown = |target: &Target| {
        let section = Section::of(target.kind())?;
        let name = target.name();
        (!names.has(section, name)).then(|| {
            let meant = names.nearest(section, name).map(str::to_owned);
            let what = format!("no such {}", section.thing());
            let applies = match applying(scopes, section, name) {
                (true, _) => "the rules that match its name apply",
                (false, true) => "the default for unknown names applies",
                (false, false) => "no rule and no default asks for a scope",
            };
            note(&format!("{what} here"), meant, applies)
        })
    };
    targets.iter().filter_map(unknown).collect()
}

fn unknown_method(method: &str, names: &Names, scopes: &[ScopesConfig]) -> String {
    let meant = match names.has(Section::Tools, method) {
        true => Some(format!("tools/call:{method}")),
        false => names.nearest(Section::Methods, method).map(str::to_owned),
    };
    let applies = match applying(scopes, Section::Methods, method) {
        (true, _) => "the rules that match its name apply",
        (false, true) => "the default applies",
        (false, false) => "no rule and no default asks for a scope",
    };
    note("no such method", meant, applies)
}

/// Whether a rule is about this name, and whether there is a default.
fn applying(scopes: &[ScopesConfig], section: Section, name: &str) -> (bool, bool) {
    let names = scopes.iter().any(|own| own.names(section, name));
    (names, scopes.iter().any(ScopesConfig::has_default))
}

fn note(what: &str, meant: Option<String>, applies: &str) -> String {
    match meant {
        Some(meant) => format!("{what} (did you mean {meant}?): {applies}"),
        None => format!("{what}: {applies}"),
    }
}

/// How a target of this kind is named.
fn word(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Resource => "URI",
        TargetKind::Task => "ID",
        _ => "NAME",
    }
}

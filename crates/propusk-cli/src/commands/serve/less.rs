//! What a configuration that is read again asks for no more, though others of its kind are left: taken,
//! and said in one line, so that nobody is surprised by a line that was lost.

use propusk::DpopPolicy;

use super::{
    RulesConfig, ScopesConfig, Section, rules::Ruled, scopes::Needs, settings::Plan, tls::TlsFiles,
    upstream::Endpoint,
};

/// So many are named.
const MOST: usize = 20;

/// Warns of what is more open by the plan that comes after.
pub(super) fn tell(before: &Plan, after: &Plan) {
    let lost = between(before, after);
    if lost.is_empty() {
        return;
    }
    let more = match lost.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let named: Vec<_> = lost.into_iter().take(MOST).collect();
    tracing::warn!(
        "more is open by the configuration that was read again, these are gone: {}{more}",
        named.join(", ")
    );
}

fn between(before: &Plan, after: &Plan) -> Vec<String> {
    let mut lost = of_all(before, after);
    if let (Some(was), Some(is)) = (before.endpoints.first(), after.endpoints.first()) {
        // What stands at the top of the file is told once.
        at(was, is, 0, "", &mut lost);
    }
    for is in &after.endpoints {
        let Some(was) = before.endpoints.iter().find(|e| e.is_at_place_of(is)) else {
            continue;
        };
        let shown = match is.of_file {
            true => format!("{} ", is.shown()),
            false => String::new(),
        };
        at(was, is, 1, &shown, &mut lost);
        let (needed, needs) = (before.required_of(was), after.required_of(is));
        let gone = needed.iter().filter(|scope| !needs.contains(scope));
        lost.extend(gone.map(|scope| format!("{shown}required-scope {scope:?}")));
        let (admitted, admits) = (before.admission_of(was), after.admission_of(is));
        if admitted != admits && admitted == propusk::Admission::Required {
            lost.push(format!("{shown}admission = \"required\""));
        }
    }
    lost
}

/// What holds for every request.
fn of_all(before: &Plan, after: &Plan) -> Vec<String> {
    let limits: Vec<_> = after.limits.keys().collect();
    let gone = before.limits.keys().filter(|key| !limits.contains(key));
    let mut lost: Vec<_> = gone.map(|key| format!("[limits] {key}")).collect();
    let asks = |plan: &Plan| plan.tls.as_ref().is_some_and(TlsFiles::asks_clients);
    if asks(before) && after.tls.is_some() && !asks(after) {
        lost.push("[tls] client-certificates = \"required\"".to_owned());
    }
    if before.dpop() == DpopPolicy::Required && after.dpop() != DpopPolicy::Required {
        lost.push("dpop = \"required\"".to_owned());
    }
    lost
}

/// What stands at one of the two places of an endpoint: the top of the file, or its own tables.
fn at(was: &Endpoint, is: &Endpoint, place: usize, shown: &str, lost: &mut Vec<String>) {
    let (no_scopes, no_rules) = (ScopesConfig::default(), RulesConfig::default());
    let scopes = |of: &Endpoint| of.scopes.get(place).cloned();
    let rules = |of: &Endpoint| {
        of.rules
            .get(place)
            .map(|Ruled { config, .. }| config.clone())
    };
    if let Some(was) = scopes(was) {
        of_scopes(&was, &scopes(is).unwrap_or(no_scopes), shown, lost);
    }
    if let Some(was) = rules(was) {
        of_rules(&was, &rules(is).unwrap_or(no_rules), shown, lost);
    }
}

fn of_scopes(was: &ScopesConfig, is: &ScopesConfig, shown: &str, lost: &mut Vec<String>) {
    for section in Section::ALL {
        let now = is.table(section);
        let asked = was.table(section).iter();
        let gone = asked.filter(|(name, needs)| {
            let open = now.get(*name).is_none_or(Needs::is_nothing);
            open && !needs.is_nothing()
        });
        lost.extend(gone.map(|(name, _)| format!("{shown}[scopes.{section}] {name:?}")));
    }
    let asks = |scopes: &ScopesConfig| scopes.default.as_ref().is_some_and(|own| !own.is_nothing());
    if asks(was) && !asks(is) {
        lost.push(format!("{shown}[scopes] default"));
    }
    if was.show_all != Some(true) && is.show_all == Some(true) {
        lost.push(format!("{shown}[scopes] show-all = false"));
    }
}

fn of_rules(was: &RulesConfig, is: &RulesConfig, shown: &str, lost: &mut Vec<String>) {
    let closed = |rules: &RulesConfig| rules.default.as_deref() == Some("deny");
    if closed(was) && !closed(is) {
        lost.push(format!("{shown}[rules] default = \"deny\""));
    }
    if was.policy.is_some() && is.policy.is_none() {
        lost.push(format!("{shown}[rules] policy"));
    }
    for section in Section::ALL {
        for (name, rule) in was.section(section) {
            let now = is.section(section).get(name);
            // Under the default it is as if it were not there.
            if now.is_none() && closed(is) {
                continue;
            }
            let keys: Vec<_> = now.iter().flat_map(|rule| rule.keys()).collect();
            let gone = rule.keys().filter(|key| !keys.contains(key));
            lost.extend(gone.map(|key| format!("{shown}[rules.{section}] {name:?} {key}")));
        }
    }
}

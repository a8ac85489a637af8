//! The scopes of the tools that are measured: a hundred areas, and a hierarchy above them.

use propusk::{AccessToken, AuthSettings, InvalidScope, Requirement, ScopePolicy, ScopeSet};

/// How many areas there are, and rules in the hierarchy: each has a team.
pub const AREAS: usize = 100;

/// The subject of the caller that may use the tools of all areas; it is its token, too.
pub const ALL: &str = "all";
/// The same of the caller that may use those of the first half of the areas.
pub const HALF: &str = "half";

/// The name of a tool: it begins with its area, and the areas take turns.
#[must_use]
pub fn tool_name(number: usize) -> String {
    format!("area{:02}_tool{number:05}", number % AREAS)
}

/// The numbers of those of so many tools that the caller [`HALF`] may use.
pub fn half_of(tools: usize) -> impl Iterator<Item = usize> {
    (0..tools).filter(|number| number % AREAS < AREAS / 2)
}

/// The scope that the tools of an area need.
#[must_use]
pub fn scope(area: usize) -> String {
    format!("area{area:02}:use")
}

/// What the tool with this number needs: the scope of its area.
///
/// # Errors
/// The scope is not one.
pub fn needed(number: usize) -> Result<Requirement, InvalidScope> {
    Requirement::all_of(&scope(number % AREAS))
}

/// Settings with the hierarchy: a team may use its area, `half` is half of the teams, `all` is all.
///
/// # Errors
/// A scope is not one.
pub fn settings(policy: ScopePolicy) -> anyhow::Result<AuthSettings> {
    let mut settings = AuthSettings::new("http://localhost:8000/mcp")?.policy(policy);
    let mut teams = Vec::new();
    for area in 0..AREAS {
        let team = format!("team{area:02}");
        settings = settings.scope_implies(&team, &scope(area))?;
        teams.push(team);
    }
    Ok(settings
        .scope_implies(HALF, &teams[..AREAS / 2].join(" "))?
        .scope_implies(ALL, &teams.join(" "))?)
}

/// A rule for each of so many tools, by its name.
///
/// # Errors
/// A scope is not one.
pub fn by_name(tools: usize) -> Result<ScopePolicy, InvalidScope> {
    (0..tools).try_fold(ScopePolicy::new(), |policy, number| {
        policy.tool(&tool_name(number), needed(number)?)
    })
}

/// So many patterns: first one for each area, then some for other beginnings of names.
///
/// # Errors
/// A scope is not one.
pub fn by_pattern(patterns: usize) -> Result<ScopePolicy, InvalidScope> {
    (0..patterns).try_fold(ScopePolicy::new(), |policy, number| {
        let pattern = match number {
            area @ ..AREAS => format!("area{area:02}_*"),
            other => format!("other{other:05}_*"),
        };
        policy.tool(&pattern, needed(number)?)
    })
}

/// The token of the caller [`ALL`] or [`HALF`].
#[must_use]
pub fn caller(name: &str) -> AccessToken {
    let scopes = ScopeSet::from_claim(&format!("openid profile {name}"));
    AccessToken::new(name).with_scopes(scopes)
}

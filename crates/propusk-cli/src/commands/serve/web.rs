//! The page for browsers, and the keys of this gate, beside the endpoints.

use propusk::{AuthSettings, ResourceUrl, server::SiteRoutes};
use propusk_web::Page;

use super::{settings::Plan, upstream::Signing};

/// Shows the page of these endpoints, or none, and says where it is.
pub(super) fn show(
    routes: &SiteRoutes,
    plan: &Plan,
    settings: &[AuthSettings],
    signing: &Signing,
) -> Option<String> {
    let resources: Vec<_> = settings.iter().map(AuthSettings::resource).collect();
    let (page, place) = plan.web.then(|| page_of(&resources)).flatten().unzip();
    // Where none could be made, the upstream that wants them is none either.
    let keys = plan.asserts().then(|| signing.keys().ok()).flatten();
    let keys = keys.map(|keys| keys.page());
    routes.show_pages(Some((keys, page)));
    place
}

/// The page, and the URL that it is at. None where an endpoint itself is at the root.
fn page_of(resources: &[&ResourceUrl]) -> Option<(Page, String)> {
    if resources
        .iter()
        .any(|own| own.path().trim_matches('/').is_empty())
    {
        return None;
    }
    let first = resources.first()?;
    let place = first.as_str().strip_suffix(first.path())?;
    let page = Page::new(resources.iter().map(|own| (name_of(own), own.as_str())));
    Some((page, format!("{place}/")))
}

/// What tells an endpoint from the others: `notes` of `/notes/mcp`.
fn name_of(resource: &ResourceUrl) -> &str {
    let path = resource.path().trim_matches('/');
    path.strip_suffix("/mcp").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_at_the_root_unless_an_endpoint_is() {
        for (resources, expected) in [
            (
                &["http://127.0.0.1:8000/mcp"][..],
                Some("http://127.0.0.1:8000/"),
            ),
            (&["https://a.example/team/mcp/"], Some("https://a.example/")),
            (&["http://[::1]:8000/mcp"], Some("http://[::1]:8000/")),
            (
                &["https://a.example/a", "https://a.example/b"],
                Some("https://a.example/"),
            ),
            (&["https://a.example"], None),
            (&["https://a.example/a", "https://a.example/"], None),
            (&[], None),
        ] {
            let parse = |url: &&str| ResourceUrl::parse(url).expect("a URL");
            let parsed: Vec<_> = resources.iter().map(parse).collect();
            let place = page_of(&parsed.iter().collect::<Vec<_>>()).map(|(_, place)| place);
            assert_eq!(place.as_deref(), expected, "{resources:?}");
        }
    }

    #[test]
    fn an_endpoint_is_named_by_its_path() {
        for (url, name) in [
            ("http://a.example/mcp", "mcp"),
            ("http://a.example/notes/mcp", "notes"),
            ("http://a.example/team/notes/", "team/notes"),
        ] {
            assert_eq!(name_of(&ResourceUrl::parse(url).expect("a URL")), name);
        }
    }
}

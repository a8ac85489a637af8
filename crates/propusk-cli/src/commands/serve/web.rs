//! The page for browsers, beside the endpoint.

use propusk::ResourceUrl;
use propusk_web::Page;

/// The page, and the URL that it is at. None where the endpoint itself is at the root.
pub(super) fn page_at(resource: &ResourceUrl) -> Option<(Page, String)> {
    let path = resource.path().trim_matches('/');
    if path.is_empty() {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let page = Page::new([(name, resource.as_str())]);
    let place = resource.as_str().strip_suffix(resource.path())?;
    Some((page, format!("{place}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_at_the_root_unless_the_endpoint_is() {
        for (resource, expected) in [
            ("http://127.0.0.1:8000/mcp", Some("http://127.0.0.1:8000/")),
            ("https://a.example/team/mcp/", Some("https://a.example/")),
            ("http://[::1]:8000/mcp", Some("http://[::1]:8000/")),
            ("https://a.example", None),
            ("https://a.example/", None),
        ] {
            let resource = ResourceUrl::parse(resource).expect("a URL");
            let place = page_at(&resource).map(|(_, place)| place);
            assert_eq!(place.as_deref(), expected, "{resource}");
        }
    }
}

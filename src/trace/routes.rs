//! The pattern of a call's path: "/containers/{id}/start", whatever the container's name.

use std::sync::LazyLock;

/// Every operation of the API, as the tests hold the verbs to it.
const OPERATIONS: &str = include_str!("../../tests/endpoints.txt");

/// What no pattern fits, which only a raw call can be.
const OTHER: &str = "other";

/// Methods and patterns; those that have nothing to fill in come first, as the engine reads them.
static ROUTES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = OPERATIONS.lines().filter(|line| !line.starts_with('#'));
    let operations = lines.filter_map(|line| line.split_once(" -> ")?.0.split_once(' '));
    let mut routes: Vec<_> = operations.collect();
    routes.sort_by_key(|(_, pattern)| pattern.contains('{'));
    routes
});

/// Find the pattern of a path without its version.
pub(super) fn pattern(method: &str, path: &str) -> &'static str {
    let fits = |pattern: &str| {
        let (mut parts, mut sent) = (pattern.split('/'), path.split('/'));
        loop {
            match (parts.next(), sent.next()) {
                (None, None) => return true,
                (Some(part), Some(sent)) if part == sent || part.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let found = ROUTES.iter().find(|(of, pattern)| *of == method && fits(pattern));
    found.map_or(OTHER, |(_, pattern)| pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_nobody() {
        for (method, path, is) in [
            ("POST", "/containers/web/start", "/containers/{id}/start"),
            ("POST", "/containers/create", "/containers/create"),
            ("DELETE", "/containers/create", "/containers/{id}"),
            ("GET", "/images/get", "/images/get"),
            ("GET", "/images/reg%3A5000%2Fa/json", "/images/{name}/json"),
            ("DELETE", "/containers/a/checkpoints/b", "/containers/{id}/checkpoints/{checkpoint}"),
            ("HEAD", "/_ping", "/_ping"),
            ("GET", "/secrets/of-mine", "/secrets/{id}"),
            ("GET", "/images/of/mine/json", "other"),
            ("PATCH", "/containers/web", "other"),
            ("GET", "/", "other"),
            ("GET", "", "other"),
        ] {
            assert_eq!(pattern(method, path), is, "{method} {path}");
        }
        assert!(ROUTES.len() > 100);
        for (method, route) in &*ROUTES {
            assert_eq!(pattern(method, route), *route, "a pattern is its own");
        }
    }
}

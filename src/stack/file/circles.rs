//! Cycles in `depends_on`.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use crate::name::ServiceName;

impl File {
    /// The services that are part of a cycle in `depends_on`, or between two cycles. Linear in the number of
    /// dependencies.
    ///
    /// Docker ignores `depends_on` and deploys such a stack, so none of these services waits for another one of them.
    pub fn circular(&self) -> BTreeSet<&ServiceName> {
        let edges = self.dependencies();
        let behind = left_over(self.services.keys(), edges.iter().copied());
        let inside = edges.iter().filter(|(from, to)| behind.contains(from) && behind.contains(to));
        left_over(behind.iter().copied(), inside.map(|(from, to)| (*to, *from)))
    }

    /// Each dependency on a service of the file: the dependent service and its dependency.
    fn dependencies(&self) -> Vec<(&ServiceName, &ServiceName)> {
        let each =
            self.services.iter().flat_map(|(name, service)| service.depends_on.iter().map(move |one| (name, one)));
        each.filter_map(|(name, one)| Some((name, self.services.get_key_value(&one.service.value)?.0))).collect()
    }
}

/// The nodes that remain after repeatedly removing those without outgoing edges.
fn left_over<'a>(
    nodes: impl Iterator<Item = &'a ServiceName>,
    edges: impl Iterator<Item = (&'a ServiceName, &'a ServiceName)>,
) -> BTreeSet<&'a ServiceName> {
    let mut waiting: BTreeMap<&ServiceName, Vec<&ServiceName>> = BTreeMap::new();
    let mut needs: BTreeMap<&ServiceName, usize> = BTreeMap::new();
    for (from, to) in edges {
        waiting.entry(to).or_default().push(from);
        *needs.entry(from).or_default() += 1;
    }
    let mut ready: Vec<&ServiceName> = nodes.filter(|name| !needs.contains_key(name)).collect();
    while let Some(done) = ready.pop() {
        for name in waiting.remove(done).unwrap_or_default() {
            let Some(count) = needs.get_mut(name) else { continue };
            *count -= 1;
            if *count == 0 {
                needs.remove(name);
                ready.push(name);
            }
        }
    }
    needs.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn circular(services: &[(&str, &[&str])]) -> Vec<String> {
        let service =
            |(name, needs): &(&str, &[&str])| format!("  {name}: {{ image: a, depends_on: [{}] }}\n", needs.join(", "));
        let text: String = services.iter().map(service).collect();
        let path = "stack.yml".parse().unwrap();
        let file = File::read(&path, format!("services:\n{text}").as_bytes(), &BTreeMap::new()).unwrap();
        file.circular().into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn who_only_waits_for_a_circle_is_not_in_it() {
        let none: [&str; 0] = [];
        assert_eq!(circular(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]), none);
        assert_eq!(circular(&[("a", &["b"]), ("b", &["a", "d"]), ("c", &["a"]), ("d", &[])]), ["a", "b"]);
        assert_eq!(circular(&[("a", &["a"]), ("b", &["a"])]), ["a"]);
        assert_eq!(circular(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["e"]), ("e", &["d"])]).len(), 5);
    }
}

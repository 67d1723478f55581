//! The registries that images may come from.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Registries by their names, or by patterns in which `*` stands for any text.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    names: Vec<String>,
    /// Put together once: a repository may have many files.
    patterns: GlobSet,
}

impl Registries {
    /// Whether none is named, so that images may come from any.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names, as they are written.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether images may come from the registry of this name, in capitals or not.
    pub fn trust(&self, registry: &str) -> bool {
        self.patterns.is_match(registry.to_ascii_lowercase())
    }
}

impl FromIterator<String> for Registries {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        let mut patterns = GlobSetBuilder::new();
        for name in &names {
            // Brackets are those of an address: only the star means something.
            let parts: Vec<String> = name.to_ascii_lowercase().split('*').map(globset::escape).collect();
            patterns.add(GlobBuilder::new(&parts.join("*")).build().expect("an escaped text with stars is a pattern"));
        }
        Self { patterns: patterns.build().unwrap_or_default(), names }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_compared_by_pattern() {
        let trust = |pattern: &str, registry: &str| Registries::from_iter([pattern.to_owned()]).trust(registry);
        for (pattern, registry) in [
            ("docker.io", "docker.io"),
            ("Docker.io", "docker.IO"),
            ("*", "docker.io"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com:*", "r.example.com:5000"),
            ("r*.example.*", "r1.example.com"),
            ("a*b*c*d", "a1b2c3d"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert!(trust(pattern, registry), "{pattern} {registry}");
        }
        for (pattern, registry) in [
            ("docker.io", "ghcr.io"),
            ("*.example.com", "example.com.evil.io"),
            ("*.example.com", "example.com"),
            ("r.example.com", "rxexample.com"),
            ("a?c", "abc"),
            ("[ab]", "a"),
        ] {
            assert!(!trust(pattern, registry), "{pattern} {registry}");
        }
    }
}

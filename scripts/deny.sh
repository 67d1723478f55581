#!/usr/bin/env bash
# Licences, sources and known holes of the crates that we use (deny.toml), by cargo-deny, which is installed if missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v cargo-deny >/dev/null; then
    echo "deny: cargo-deny is missing: cargo install --locked cargo-deny"
    cargo install --quiet --locked cargo-deny
fi
cargo deny check bans licenses sources

# The database of advisories is a Git repository, and not everywhere within reach.
if timeout 120 cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --offline check advisories
else
    echo "deny: WARNING: ADVISORIES WERE NOT CHECKED: the database (github.com/RustSec/advisory-db) cannot be fetched" >&2
fi

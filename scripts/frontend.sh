#!/usr/bin/env bash
# The real front end of BuildKit, for the tests of what it refuses.
#
#   scripts/frontend.sh record    build it with Go from its module proxy, ask it about the Dockerfiles in
#                                 src/lint/dockerfile/refusal/golden.txt, and write the file anew with what it says
#
# The build takes a minute or two; what it makes is kept. The tests read the file alone, and need no Go.
set -euo pipefail

readonly VERSION=v0.34.2
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep/frontend-$VERSION"
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT

main() {
    case "${1:-}" in
        record) record ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

record() {
    local golden=$ROOT/src/lint/dockerfile/refusal/golden.txt
    build
    "$CACHE/frontend" <"$golden" >"$CACHE/golden.txt" 2>/dev/null
    cp "$CACHE/golden.txt" "$golden"
    echo "asked about $(grep -c '^=== ' "$golden") Dockerfiles"
}

build() {
    cmp -s "$ROOT/scripts/frontend/main.go" "$CACHE/main.go" && [ -x "$CACHE/frontend" ] && return
    mkdir -p "$CACHE"
    cp "$ROOT/scripts/frontend/main.go" "$CACHE/main.go"
    (
        cd "$CACHE"
        rm -f go.mod go.sum
        go mod init frontend >/dev/null 2>&1
        go get "github.com/moby/buildkit@$VERSION" >/dev/null 2>&1
        go mod tidy >/dev/null 2>&1
        go build -o frontend .
    )
}

main "$@"

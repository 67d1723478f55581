#!/usr/bin/env bash
# The real sops and age, for the tests of encrypted secrets.
#
#   scripts/sops.sh build      build them with Go from its module proxy, once; prints the folder they are in
#   scripts/sops.sh fixtures   encrypt tests/sops/plain anew, with the key that is for these tests only
#
# A `sops` in the PATH is used as it is. The first build takes some minutes; what it makes is kept.
set -euo pipefail

readonly SOPS_VERSION=v3.13.3
readonly AGE_VERSION=v1.3.2
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly BIN="$CACHE/sops-$SOPS_VERSION"
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT

main() {
    case "${1:-}" in
        build) build ;;
        fixtures) fixtures ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

build() {
    if command -v sops >/dev/null; then
        say "sops is in the PATH: $(command -v sops)"
    elif [ -x "$BIN/sops" ]; then
        say "sops $SOPS_VERSION is there: $BIN"
    elif ! command -v go >/dev/null; then
        say "there is no sops and no Go to build it: THE TESTS AGAINST THE REAL SOPS WILL NOT RUN"
    else
        say "building sops $SOPS_VERSION (some minutes; kept in $BIN)"
        install_to "$BIN.part" github.com/getsops/sops/v3/cmd/sops@"$SOPS_VERSION"
        install_to "$BIN.part" filippo.io/age/cmd/age-keygen@"$AGE_VERSION"
        rm -rf "$BIN"
        mv "$BIN.part" "$BIN"
    fi
}

install_to() { GOFLAGS='' GOBIN="$1" go install "$2" >/dev/null 2>"$CACHE/sops-build.log" || { tail -n 5 "$CACHE/sops-build.log" >&2; die "go install $2 failed"; }; }

# Each file of the folder `plain` is encrypted under the same name in the folder `encrypted`; by the rules of that name in
# the folder `rules`, if there are some.
fixtures() {
    local folder=$ROOT/tests/sops recipient sops file name
    sops=$(command -v sops || echo "$BIN/sops")
    [ -x "$sops" ] || die "there is no sops; run: $0 build"
    recipient=$(sed -n 's/^# public key: //p' "$folder/key.txt")
    mkdir -p "$folder/encrypted"
    for file in "$folder"/plain/*; do
        name=$(basename "$file")
        if [ -e "$folder/rules/$name" ]; then
            "$sops" --config "$folder/rules/$name" encrypt "$file" >"$folder/encrypted/$name"
        else
            "$sops" encrypt --age "$recipient" "$file" >"$folder/encrypted/$name"
        fi
    done
    say "encrypted $(find "$folder/plain" -type f | wc -l) files with $("$sops" --version --check-for-updates=false | head -n 1)"
}

say() { echo "sops: $*"; }

die() {
    echo "sops: error: $*" >&2
    exit 1
}

main "$@"

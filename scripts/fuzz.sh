#!/usr/bin/env bash
# Hostile bytes for everything that reads bytes of others: the targets in fuzz/targets, by cargo-fuzz, which is
# installed if missing.
#
#   scripts/fuzz.sh check [RUNS]            every target: so many inputs (10000), first those of its corpus
#   scripts/fuzz.sh run TARGET [SECONDS]    one target, until it finds something, or so long
#   scripts/fuzz.sh keep                    put what has been found interesting into fuzz/corpora
#
# What a target fails on is kept in target/fuzz/failed. LLVM's fuzzer needs a C++ compiler, and no nightly Rust: the
# sanitizers would, and look for mistakes that safe Rust does not make.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly WORK=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
readonly CORPORA=fuzz/corpora
readonly RUNS_EACH=10000
# Seconds for one input, MiB for a target, bytes of an input. Bigger files are a matter of the tests for size.
readonly LIMITS=(-timeout=10 -rss_limit_mb=1024 -max_len=8192)

main() {
    case "${1:-}" in
        check) build && check "${2:-$RUNS_EACH}" ;;
        run) build && run "${2:?a target is missing: $(targets | xargs)}" "${3:-0}" ;;
        keep) build && keep ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

targets() { basename --suffix=.rs --multiple fuzz/targets/*.rs; }

build() {
    if ! command -v cargo-fuzz >/dev/null; then
        say "cargo-fuzz is missing: cargo install --locked cargo-fuzz"
        cargo install --quiet --locked cargo-fuzz
    fi
    # Linking as for a release takes minutes, and makes no difference here.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_OPT_LEVEL=2 \
        cargo fuzz build --sanitizer none --target-dir "$WORK/build"
}

check() {
    local target failed=()
    for target in $(targets); do
        # The same inputs each time, on a fast machine and on a slow one: who changed nothing breaks nothing.
        run "$target" 0 -seed=1 -runs="$1" >"$WORK/$target.log" 2>&1 || failed+=("$target")
        say "$target: $(tail -n 1 "$WORK/$target.log")"
    done
    local logs=("${failed[@]/%/.log}")
    [ "${#failed[@]}" = 0 ] || { tail -n 40 "${logs[@]/#/$WORK/}"; die "${failed[*]} failed; see $WORK/failed"; }
}

# Runs a target on its corpus, and then for so many seconds on what it makes of it; 0 is for ever. Further arguments are
# the fuzzer's.
run() {
    local target=$1 seconds=$2
    shift 2
    unpack "$target"
    mkdir -p "$WORK/failed/$target"
    "$(program "$target")" "${LIMITS[@]}" -max_total_time="$seconds" -artifact_prefix="$WORK/failed/$target/" "$@" "$WORK/corpus/$target"
}

keep() {
    local target
    for target in $(targets); do
        unpack "$target"
        rm -rf "$WORK/kept" && mkdir -p "$WORK/kept" "$CORPORA"
        # One input for what it reaches, not one for how often.
        "$(program "$target")" "${LIMITS[@]}" -use_counters=0 -merge=1 "$WORK/kept" "$WORK/corpus/$target" 2>/dev/null
        # The same files make the same archive, so that it changes only when they do.
        tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$WORK/kept" . |
            gzip --no-name --best >"$CORPORA/$target.tar.gz"
        say "$target: $(find "$WORK/kept" -type f | wc -l) inputs, $(stat --format=%s "$CORPORA/$target.tar.gz") bytes"
    done
}

unpack() {
    mkdir -p "$WORK/corpus/$1"
    [ ! -e "$CORPORA/$1.tar.gz" ] || tar --extract --gzip --file "$CORPORA/$1.tar.gz" --directory "$WORK/corpus/$1"
}

program() { echo "$WORK/build/$(rustc --print host-tuple)/release/$1"; }

say() { echo "fuzz: $*"; }

die() {
    echo "fuzz: error: $*" >&2
    exit 1
}

main "$@"

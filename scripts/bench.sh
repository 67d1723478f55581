#!/usr/bin/env bash
# What skep costs on this machine, as the Markdown of docs/performance.md.
#
#   scripts/bench.sh [DATE]    measure, and print the tables; DATE is printed with them
#
# From the environment: ROUNDS (5) of each kind, SKEP for a binary instead of the release build of this tree.
# It needs a quiet machine, an engine with a swarm (scripts/engine.sh up), git, curl and rustc. What it makes has names
# that begin with bench- and end in its process id; all of it is removed at the end, also when it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/bench-lib.sh
. scripts/bench-lib.sh

readonly DATE="${1:-today}"
readonly ROUNDS="${ROUNDS:-5}"
readonly PUSHED="bench-pushed-$$"
readonly BY_HAND="bench-by-hand-$$"
readonly DEADLINE=120
# When a controller that has nothing to do is taken to be at rest.
readonly AT_REST=20
# What else the machine did before.
LOAD=$(cut -d' ' -f1 /proc/loadavg)
readonly LOAD
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bench-XXXXXX")
readonly WORK
readonly TIMES="$WORK/times"

main() {
    trap clean EXIT
    trap 'exit 130' INT TERM
    build_all
    start_controller
    local resident_first resident_last
    sleep "$AT_REST"
    resident_first=$(resident)
    deploy_both
    measure_rolls
    measure_default_window
    measure_pushes_of_nothing
    sleep "$AT_REST"
    resident_last=$(resident)
    report "$resident_first" "$resident_last"
}

# --- what is measured ---

# Alternately, so that whatever else the machine does meets both alike.
measure_rolls() {
    local round
    for ((round = 1; round <= ROUNDS; round++)); do
        change "$WORK/by-hand" "$round"
        timed by-hand deploy_by_hand "$round"
        change "$WORK/pushed" "$round"
        commit "Round $round"
        timed pushed push
    done
}

# The same as users have it, who wait for the stability window, too.
measure_default_window() {
    local round
    sed -i '/^x-skep:/d' "$WORK/pushed/stack.yml"
    for ((round = 1; round <= ROUNDS; round++)); do
        change "$WORK/pushed" "window $round"
        commit "Round $round with the default window"
        timed window push
    done
}

# A file that is in no image changes.
measure_pushes_of_nothing() {
    local round before after
    before=$(written)
    for ((round = 1; round <= 2 * ROUNDS; round++)); do
        echo "$round" >>"$WORK/pushed/README.md"
        commit "Say more, round $round"
        timed nothing push
        grep -q "already runs" "$WORK/said" || die "this push should have changed nothing"
    done
    after=$(written)
    [ "$before" = "$after" ] || die "a push that changes nothing has written to the swarm: $before, then $after"
}

# All of the stack's objects and records, with their versions, and its images.
written() {
    docker service inspect "${PUSHED}_hello" --format '{{.ID}} {{.Version.Index}}'
    config_names | xargs -r docker config inspect --format '{{.Spec.Name}} {{.Version.Index}}' | sort
    images | sort
}

# --- by hand ---

deploy_by_hand() {
    quietly docker build -t "$BY_HAND:$1" "$WORK/by-hand"
    # The image is on no registry, so the fastest way is not to look for it there.
    quietly env IMAGE="$BY_HAND:$1" docker stack deploy --resolve-image never -c "$WORK/by-hand/stack.yml" "$BY_HAND"
    wait_for 0.1 runs_by_hand "$BY_HAND:$1"
}

# Both tasks of the new image run, which means healthy, and Swarm wants no others.
runs_by_hand() {
    local tasks
    tasks=$(docker service ps --filter desired-state=running --format '{{.Image}} {{.CurrentState}}' "${BY_HAND}_hello")
    [ "$(grep -c "^$1 Running " <<<"$tasks")" = 2 ] && [ "$(wc -l <<<"$tasks")" = 2 ]
}

# --- skep ---

build_all() {
    if [ -z "${SKEP:-}" ]; then
        cargo build --release --locked >&2
        SKEP=$PWD/target/release/skep
    fi
    [ -x "$SKEP" ] || die "there is no program $SKEP"
    rustc --edition 2024 -O -C panic=abort -C strip=symbols -C target-feature=+crt-static \
        --target "$(uname -m)-unknown-linux-gnu" -o "$WORK/hello" examples/hello/hello.rs
    workspace by-hand
    workspace pushed
    printf '    image: %s\n' "\${IMAGE}" | sed -i '/^    build: \.$/r /dev/stdin' "$WORK/by-hand/stack.yml"
    sed -i '/^services:/i x-skep: { stable: 0s }' "$WORK/pushed/stack.yml"
    git -C "$WORK/pushed" init -q -b main
}

# The example, on a port of its own.
workspace() {
    mkdir "$WORK/$1"
    cp examples/hello/Dockerfile examples/hello/stack.yml "$WORK/$1"
    printf '*\n!hello\n' >"$WORK/$1/.dockerignore"
    sed -i "s/\"8080:8080\"/\"$(free_port):8080\"/" "$WORK/$1/stack.yml"
}

start_controller() {
    local port
    port=$(free_port)
    # Removed with everything else.
    printf 'bench-%s' "$$" >"$WORK/token"
    url="http://127.0.0.1:$port"
    remote="http://skep:bench-$$@127.0.0.1:$port/git/$PUSHED.git"
    SKEP_DATA="$WORK/data" SKEP_DATA_ROOT="$WORK/volumes" SKEP_LISTEN="127.0.0.1:$port" \
        SKEP_TOKEN_FILE="$WORK/token" "$SKEP" serve >"$WORK/log" 2>&1 &
    controller=$!
    wait_for 0.1 curl --noproxy '*' -fsS -m 3 "$url/readyz" || { cat "$WORK/log" >&2; die "skep does not start"; }
}

push() {
    GIT_TERMINAL_PROMPT=0 git -C "$WORK/pushed" -c http.proxy= push "$remote" main >"$WORK/said" 2>&1 \
        || { cat "$WORK/said" "$WORK/log" >&2; die "the push was refused"; }
}

# Kilobytes of the controller: all, its own, and of the binary's file.
resident() {
    awk '/^VmRSS|^RssAnon|^RssFile/ { printf "%.1f ", $2 / 1024 }' "/proc/$controller/status"
}

# The first deploy of each is not measured: there is nothing to replace yet.
deploy_both() {
    change "$WORK/by-hand" 0
    deploy_by_hand 0
    change "$WORK/pushed" 0
    commit "Say hello"
    push
}

# Another binary, so that there is something to build and to roll: what follows the program in its file is not read.
change() {
    cp "$WORK/hello" "$1/hello"
    printf '%s' "$2" >>"$1/hello"
}

commit() {
    git -C "$WORK/pushed" add .
    git -C "$WORK/pushed" -c user.name=bench -c user.email=bench@example.com -c commit.gpgSign=false \
        -c gc.auto=0 commit -q -m "$1"
}

# --- figures ---

timed() {
    local kind=$1 begin=$EPOCHREALTIME end
    shift
    "$@"
    end=$EPOCHREALTIME
    awk -v begin="$begin" -v end="$end" 'BEGIN { printf "%.3f\n", end - begin }' >>"$TIMES.$kind"
    say "$kind $(tail -n 1 "$TIMES.$kind") s"
}

median() { sort -n "$TIMES.$1" | awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
extremes() { sort -n "$TIMES.$1" | awk 'NR == 1 { low = $1 } END { printf "%.2f to %.2f", low, $1 }'; }
row() { printf '| %s | %s s | %s s | %s |\n' "$1" "$(median "$2")" "$(extremes "$2")" "$(wc -l <"$TIMES.$2")"; }

report() {
    local first last
    read -ra first <<<"$1"
    read -ra last <<<"$2"
    echo "$DATE, $(machine); load average $LOAD at the start."
    echo
    echo "| time | median | from, to | times |"
    echo "| --- | ---: | ---: | ---: |"
    row "by hand: \`docker build\`, \`docker stack deploy\`, until both new tasks run" by-hand
    row "\`git push\` with \`stable: 0s\`, until the same" pushed
    row "\`git push\` as it is, with the window of 10 s" window
    row "\`git push\` that changes nothing: no build, no write" nothing
    echo
    echo "A push takes $(awk -v a="$(median pushed)" -v b="$(median by-hand)" 'BEGIN { printf "%.2f", a / b }') times as long as the same by hand."
    echo
    echo "| size | MiB |"
    echo "| --- | ---: |"
    echo "| the binary | $(stat -c %s "$SKEP" | awk '{ printf "%.1f", $1 / 1048576 }') |"
    echo "| resident memory, $AT_REST s after the start | ${first[0]} (${first[1]} of its own, ${first[2]} of the binary's file) |"
    echo "| resident memory, $AT_REST s after $((4 * ROUNDS + 1)) pushes | ${last[0]} (${last[1]} of its own, ${last[2]} of the binary's file) |"
}

# --- cleaning up ---

clean() {
    local status=$? stack
    set +e
    [ -z "${controller:-}" ] || { kill "$controller" && wait "$controller"; } 2>/dev/null
    for stack in "$PUSHED" "$BY_HAND"; do
        docker stack rm "$stack" >/dev/null 2>&1
    done
    config_names | xargs -r docker config rm >/dev/null
    for stack in "$PUSHED" "$BY_HAND"; do
        wait_for 0.5 is_gone "$stack"
    done
    images | xargs -r docker image rm >/dev/null
    rm -rf "$WORK"
    exit "$status"
}

is_gone() {
    [ -z "$(docker ps -aq --filter "label=com.docker.stack.namespace=$1")" ] \
        && [ -z "$(docker network ls -q --filter "label=com.docker.stack.namespace=$1")" ]
}

config_names() { docker config ls --format '{{.Name}}' | { grep "^skep\.$PUSHED\." || true; }; }
images() { docker image ls --format '{{.Repository}}:{{.Tag}}' | { grep -E "^(skep\.local/$PUSHED/|$BY_HAND:)" || true; }; }

main

#!/usr/bin/env bash
# What a commit costs until its services are written and until their tasks run, as the Markdown of docs/performance.md.
#
#   scripts/bench-peers.sh [DATE]    measure, and print the tables; DATE is printed with them
#
# From the environment: ROUNDS (5) of each kind, SKEP for a binary instead of the release build of this tree, DOCKER_HOST for
# another engine.
# It needs a quiet machine, an engine with a swarm (scripts/engine.sh up), git, curl and python3. The controller has a scope of
# its own, so that it takes no part in what another one does. What it makes has names that begin with bench- and end in its process id; all of it is removed at the end, also
# when it fails.
#
# Beside skep stands `docker stack deploy`, which writes every service each time. swarm-cd and doco-cd, which do what skep does
# and look for commits as skep does in watched repositories, cannot be built where only package registries can be reached:
# the Go module proxy does not have them. Who has their binaries compares a commit in a repository that skep watches
# (`skep sync`, which is the time without the pause between two looks).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/bench-lib.sh
. scripts/bench-lib.sh

readonly DATE="${1:-today}"
readonly ROUNDS="${ROUNDS:-5}"
readonly PUSHED="bench-pushed-$$" WATCHED="bench-watched-$$" BY_HAND="bench-by-hand-$$" REST="bench-rest-$$"
readonly ROADS=(by-hand pushed watched)
readonly DEADLINE=120
# When a controller that has nothing to do is taken to be at rest, and how long its requests are counted then.
readonly AT_REST=20 COUNTED=30
# Stacks that rest.
readonly STACKS=10
export SKEP_SCOPE="bench-$$"
LOAD=$(cut -d' ' -f1 /proc/loadavg)
readonly LOAD
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bench-XXXXXX")
readonly WORK

main() {
    trap clean EXIT
    trap 'exit 130' INT TERM
    docker image inspect redis:7 >/dev/null 2>&1 || scripts/images.sh python >&2
    if [ -z "${SKEP:-}" ]; then
        cargo build --release --locked >&2
        SKEP=$PWD/target/release/skep
    fi
    docker events --filter type=service --format '{{.TimeNano}} {{.Actor.Attributes.name}}' >"$WORK/events" &
    listener=$!
    prepare
    start_controller "${DOCKER_HOST:-unix:///var/run/docker.sock}"
    measure 10 all 1
    measure 100 one 0
    measure_rest
    report
}

# --- what is measured ---

# `count` services, of which `which` (all or one) change in each round; those that do not change have `tasks` tasks.
measure() {
    local count=$1 which=$2 tasks=$3 round road
    for road in "${ROADS[@]}"; do
        file "$count" 0 all "$tasks" >"$WORK/$road/stack.yml"
        commit "$road" "$count services"
        quietly "deploy_$road"
        wait_for 0.2 tasks_run "$road" 0 1
    done
    for ((round = 1; round <= ROUNDS; round++)); do
        for road in "${ROADS[@]}"; do
            file "$count" "$count$round" "$which" "$tasks" >"$WORK/$road/stack.yml"
            commit "$road" "$count services, round $round"
            timed "$road.$count" "$road" "$count$round" "$([ "$which" = all ] && echo "$count" || echo 1)"
        done
    done
}

# A stack file of so many services that sleep; the variable and label of all or of the first is `value`.
file() {
    python3 - "$@" <<'PYTHON'
import sys
count, value, which, tasks = sys.argv[1:]
print("x-skep: { stable: 0s }\nservices:")
for number in range(int(count)):
    changed = value if which == "all" or number == 0 else "0"
    print(f'''  service{number}:
    image: redis:7
    entrypoint: [sleep]
    command: [infinity]
    stop_signal: SIGKILL
    environment: {{ VALUE: "{changed}" }}
    labels: {{ bench.value: "{changed}" }}
    deploy: {{ replicas: {tasks if number else 1}, endpoint_mode: dnsrr }}''')
PYTHON
}

# Deploys by one road, and keeps how long it took until the last service was written, and until the last task ran.
timed() {
    local kind=$1 road=$2 value=$3 tasks=$4 begin=$EPOCHREALTIME
    quietly "deploy_$road"
    wait_for 0.1 tasks_run "$road" "$value" "$tasks"
    # The engine tells of a service a moment after it was written.
    sleep 1
    containers "$road" "$value" | xargs docker inspect --format '{{.State.StartedAt}}' >"$WORK/started"
    python3 - "$begin" "$(stack "$road")" "$WORK" >>"$WORK/times.$kind" <<'PYTHON'
import datetime, sys
begin, stack, work = float(sys.argv[1]), sys.argv[2], sys.argv[3]
written = {}
for line in open(work + "/events"):
    time, name = line.split()
    if name.startswith(stack + "_") and int(time) / 1e9 >= begin:
        written.setdefault(name, int(time) / 1e9 - begin)
def since(text):
    seconds, rest = text.strip().rstrip("Z").split(".")
    moment = datetime.datetime.fromisoformat(seconds + "+00:00").timestamp()
    return moment + float("0." + rest) - begin
started = [since(line) for line in open(work + "/started")]
print(f"{max(written.values()):.3f} {max(started):.3f} {len(written)}")
PYTHON
    say "$kind $(tail -n 1 "$WORK/times.$kind") (seconds until written, until tasks run; services written)"
}

stack() { case "$1" in by-hand) echo "$BY_HAND" ;; pushed) echo "$PUSHED" ;; watched) echo "$WATCHED" ;; esac; }
containers() { docker ps -q --filter "label=com.docker.stack.namespace=$(stack "$1")" --filter "label=bench.value=$2"; }
tasks_run() { [ "$(containers "$1" "$2" | wc -l)" -ge "$3" ]; }

# The requests of a controller, which has stacks that rest, through a proxy that counts them.
measure_rest() {
    local number
    for ((number = 1; number <= STACKS; number++)); do
        mkdir -p "$WORK/rest/stacks/$REST-$number"
        file 1 0 all 1 >"$WORK/rest/stacks/$REST-$number/stack.yml"
    done
    commit rest "$STACKS stacks"
    stop_controller
    counting_proxy &
    proxy=$!
    wait_for 0.1 test -S "$WORK/counted.sock"
    start_controller "unix://$WORK/counted.sock"
    quietly git -C "$WORK/rest" -c http.proxy= push "$remote/rest-$$.git" main
    sleep "$AT_REST"
    : >"$WORK/requests"
    sleep "$COUNTED"
    sort "$WORK/requests" >"$WORK/requests.rest"
}

# Passes on what comes to `counted.sock`, and writes down the first line of each request.
counting_proxy() {
    DOCKER_HOST="${DOCKER_HOST:-unix:///var/run/docker.sock}" exec python3 - "$WORK" <<'PYTHON'
import os, re, socket, sys, threading
work, engine = sys.argv[1], os.environ["DOCKER_HOST"].removeprefix("unix://")
REQUEST = re.compile(rb"(?:GET|POST|DELETE|HEAD) (?:/v[0-9.]+)?(/[^ ?]*)")
def pump(source, target, counts):
    while data := source.recv(1 << 16):
        if counts and (found := REQUEST.match(data)):
            with open(work + "/requests", "ab") as log:
                log.write(found[1] + b"\n")
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
def attend(source, target, counts):
    try:
        pump(source, target, counts)
    except OSError:
        source.close(); target.close()
server = socket.socket(socket.AF_UNIX)
server.bind(work + "/counted.sock")
server.listen(128)
while True:
    client, upstream = server.accept()[0], socket.socket(socket.AF_UNIX)
    upstream.connect(engine)
    threading.Thread(target=attend, args=(client, upstream, True), daemon=True).start()
    threading.Thread(target=attend, args=(upstream, client, False), daemon=True).start()
PYTHON
}

# --- three roads ---

# The images are on no registry, so the fastest way is not to look for them there.
deploy_by-hand() { docker stack deploy --detach=true --resolve-image never -c "$WORK/by-hand/stack.yml" "$BY_HAND"; }
deploy_pushed() { git -C "$WORK/pushed" -c http.proxy= push "$remote/$PUSHED.git" main; }
deploy_watched() { "$SKEP" --config "$WORK/skep.yml" sync --no-wait "$WATCHED"; }

prepare() {
    local road
    for road in "${ROADS[@]}" rest; do
        mkdir -p "$WORK/$road"
        git -C "$WORK/$road" init -q -b main
    done
    port=$(free_port)
    # Removed with everything else.
    printf 'bench-%s' "$$" >"$WORK/token"
    remote="http://skep:bench-$$@127.0.0.1:$port/git"
    cat >"$WORK/skep.yml" <<SETTINGS
listen: 127.0.0.1:$port
data: $WORK/data
data_root: $WORK/volumes
token_files: [$WORK/token]
repositories: { $WATCHED: { url: "$WORK/watched", poll_seconds: 3600 } }
SETTINGS
}

start_controller() {
    DOCKER_HOST=$1 "$SKEP" --config "$WORK/skep.yml" serve >>"$WORK/log" 2>&1 &
    controller=$!
    wait_for 0.1 curl --noproxy '*' -fsS -m 3 "http://127.0.0.1:$port/readyz" \
        || { cat "$WORK/log" >&2; die "skep does not start"; }
}

stop_controller() {
    [ -z "${controller:-}" ] || { kill "$controller" && wait "$controller"; } 2>/dev/null || true
    controller=
}

commit() {
    git -C "$WORK/$1" add .
    git -C "$WORK/$1" -c user.name=bench -c user.email=bench@example.com -c commit.gpgSign=false \
        -c gc.auto=0 commit -q -m "$2"
}

# --- figures ---

# Of a column of what was measured: 1 until written, 2 until tasks run, 3 services written.
median() { cut -d' ' -f"$2" "$WORK/times.$1" | sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
extremes() { cut -d' ' -f"$2" "$WORK/times.$1" | sort -n | awk 'NR == 1 { low = $1 } END { printf "%.2f to %.2f", low, $1 }'; }
row() {
    printf '| %s | %s s (%s) | %s s (%s) | %.0f |\n' "$1" "$(median "$2" 1)" "$(extremes "$2" 1)" \
        "$(median "$2" 2)" "$(extremes "$2" 2)" "$(median "$2" 3)"
}

table() {
    echo "| $1 | services written after | tasks run after | services written |"
    echo "| --- | ---: | ---: | ---: |"
    row "\`docker stack deploy\`" "by-hand.$2"
    row "\`git push\` to skep" "pushed.$2"
    row "a commit that skep watches, \`skep sync\`" "watched.$2"
    echo
}

report() {
    echo "$DATE, $(machine); load average $LOAD at the start; the median (from, to) of $ROUNDS rounds."
    echo
    table "ten services, all changed" 10
    table "100 services, one changed" 100
    echo "$STACKS stacks at rest: $(wc -l <"$WORK/requests.rest") requests in $COUNTED s ($(uniq -c "$WORK/requests.rest" | awk '{ printf "%s%s %s", sep, $1, $2; sep = ", " }'))."
}

# --- cleaning up ---

clean() {
    local status=$? name
    set +e
    stop_controller
    for pid in "${proxy:-}" "${listener:-}"; do [ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null; done
    stacks | xargs -r docker stack rm >/dev/null 2>&1
    records | xargs -r docker config rm >/dev/null
    for name in $(stacks); do wait_for 0.5 is_gone "$name"; done
    rm -rf "$WORK"
    exit "$status"
}

# What skep has kept of these stacks and repositories, and of its own scope.
records() {
    docker config ls -q --filter label=skep.record | xargs -r docker config inspect --format '{{.Spec.Name}} {{json .Spec.Labels}}' \
        | grep -E "bench-([a-z]+-)*$$\b" | cut -d' ' -f1
}

stacks() {
    printf '%s\n' "$PUSHED" "$WATCHED" "$BY_HAND"
    for ((number = 1; number <= STACKS; number++)); do echo "$REST-$number"; done
}

# The engine may refuse to remove a network that tasks are just leaving.
is_gone() {
    docker stack rm "$1"
    [ -z "$(docker ps -aq --filter "label=com.docker.stack.namespace=$1")" ] \
        && [ -z "$(docker network ls -q --filter "label=com.docker.stack.namespace=$1")" ]
}

main

#!/usr/bin/env bash
# What a deploy costs beside `docker stack deploy`, on the same engine in one run, as the Markdown of docs/performance.md.
#
#   scripts/bench-engine.sh [DATE]    measure, and print the tables; DATE is printed with them
#
# From the environment: ROUNDS (5) of each kind, SERVICES (100) of the stack, SIZES ("10 100 1000") for how the cost grows,
# SKEP for a binary instead of the release build of this tree, DOCKER_HOST for another engine.
# It needs a quiet machine, an engine with a swarm, python3 and GNU time (Debian's package `time`). The services have no
# tasks, so that it is the requests that are measured. What it makes has names that begin with bench- and end in its
# process id; all of it is removed at the end, also when it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/bench-lib.sh
. scripts/bench-lib.sh

readonly DATE="${1:-today}"
readonly ROUNDS="${ROUNDS:-5}"
readonly SERVICES="${SERVICES:-100}"
read -ra SIZES <<<"${SIZES:-10 100 1000}"
readonly SIZES
readonly DEADLINE=300
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bench-XXXXXX")
readonly WORK
LOAD=$(cut -d' ' -f1 /proc/loadavg)
readonly LOAD

main() {
    trap clean EXIT
    trap 'exit 130' INT TERM
    command -v /usr/bin/time >/dev/null || die "GNU time is missing; run: apt-get install time"
    if [ -z "${SKEP:-}" ]; then
        cargo build --release --locked >&2
        SKEP=$PWD/target/release/skep
    fi
    measure_stack "$SERVICES"
    local size
    for size in "${SIZES[@]}"; do measure_growth "$size"; done
    report
}

# A new stack, the same again, and one service of it changed: by each of both in turn, each on a stack of its own.
measure_stack() {
    local round who
    for ((round = 1; round <= ROUNDS; round++)); do
        for who in docker skep; do
            file "$1" 0
            timed "$who.new" "$1" "$who"
            timed "$who.same" 0 "$who"
            file "$1" "$round"
            timed "$who.one" 1 "$who"
            remove "$who"
        done
    done
}

# The same again, of stacks of several sizes.
measure_growth() {
    local round who
    file "$1" 0
    for who in docker skep; do
        deploy "$who" measured
        for ((round = 1; round <= ROUNDS; round++)); do timed "$who.$1" 0 "$who"; done
        remove "$who"
    done
}

# A stack file of so many services without tasks; the variable of the first is `value`.
file() {
    python3 - "$1" "$2" >"$WORK/stack.yml" <<'PYTHON'
import sys
print("services:")
for number in range(int(sys.argv[1])):
    value = sys.argv[2] if number == 0 else "0"
    print(f'''  service{number}:
    image: bench/none:1
    command: [serve, --port, "8080"]
    environment: {{ MODE: production, NUMBER: "{number}", VALUE: "{value}" }}
    labels: {{ bench: "{number}" }}
    healthcheck: {{ test: [CMD, check], interval: 10s, retries: 3 }}
    deploy:
      replicas: 0
      endpoint_mode: dnsrr
      labels: {{ com.example.team: shop, com.example.number: "{number}" }}
      resources: {{ limits: {{ cpus: "0.5", memory: 64M }} }}
      update_config: {{ order: start-first }}''')
PYTHON
}

# Deploys with one of both: `who`, and the words in front of the command.
deploy() {
    local who=$1
    shift
    case "$who" in
        docker) "$@" docker stack deploy --detach=true --resolve-image never -c "$WORK/stack.yml" "bench-docker-$$" ;;
        skep) "$@" "$SKEP" deploy --as-written --no-wait --resolve-image never -c "$WORK/stack.yml" "bench-skep-$$" ;;
    esac
}

# Deploys, and keeps how long it took and how much memory: `kind`, how many services must have been written, `who`.
timed() {
    local kind=$1 written=$2 who=$3 before after
    before=$(versions "$who")
    deploy "$who" measured
    cat "$WORK/measured" >>"$WORK/figures.$kind"
    after=$(versions "$who")
    comm -13 <(echo "$before") <(echo "$after") | grep -c . >"$WORK/written.$kind" || true
    say "$kind $(cat "$WORK/measured") (seconds, KiB), $(cat "$WORK/written.$kind") services written"
    # The CLI writes every service again; skep only those that change.
    [ "$who" = docker ] || [ "$(cat "$WORK/written.$kind")" = "$written" ] || die "$kind should have written $written services"
}

measured() {
    /usr/bin/time -q -o "$WORK/measured" -f '%e %M' "$@" >"$WORK/said" 2>&1 || { cat "$WORK/said" >&2; die "this failed: $*"; }
}

# Each service and its version.
versions() {
    docker service ls --filter "label=com.docker.stack.namespace=bench-$1-$$" --quiet \
        | xargs -r docker service inspect --format '{{.ID}} {{.Version.Index}}' | sort
}

remove() {
    docker stack rm "bench-$1-$$" >/dev/null 2>&1 || true
    local deadline=$((SECONDS + DEADLINE))
    until [ -z "$(docker network ls -q --filter "label=com.docker.stack.namespace=bench-$1-$$")$(docker service ls -q --filter "label=com.docker.stack.namespace=bench-$1-$$")" ]; do
        [ "$SECONDS" -lt "$deadline" ] || die "bench-$1-$$ is not gone after $DEADLINE s"
        docker stack rm "bench-$1-$$" >/dev/null 2>&1 || true
        sleep 0.5
    done
}

# --- figures ---

# The median of a column of what was measured: 1 for seconds, 2 for KiB.
median() { cut -d' ' -f"$2" "$WORK/figures.$1" | sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
extremes() { cut -d' ' -f1 "$WORK/figures.$1" | sort -n | awk 'NR == 1 { low = $1 } END { printf "%.2f to %.2f", low, $1 }'; }
memory() { awk -v kib="$(median "$1" 2)" 'BEGIN { printf "%.1f", kib / 1024 }'; }
ratio() { awk -v a="$(median "$1" 1)" -v b="$(median "$2" 1)" 'BEGIN { printf "%.2f", a / b }'; }

row() {
    printf '| %s | %s s (%s) | %s s (%s) | %s | %s | %s | %s MiB | %s MiB |\n' "$1" \
        "$(median "docker.$2" 1)" "$(extremes "docker.$2")" "$(median "skep.$2" 1)" "$(extremes "skep.$2")" \
        "$(ratio "skep.$2" "docker.$2")" "$(cat "$WORK/written.docker.$2")" "$(cat "$WORK/written.skep.$2")" \
        "$(memory "docker.$2")" "$(memory "skep.$2")"
}

report() {
    local size
    echo "$DATE, $(machine); load average $LOAD at the start; the median (from, to) of $ROUNDS rounds."
    echo
    echo "| $SERVICES services | \`docker stack deploy\` | \`skep deploy\` | times as long | services written, docker | skep | peak memory, docker | skep |"
    echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    row "new" new
    row "unchanged" same
    row "one changed" one
    echo
    echo "| unchanged, services | \`docker stack deploy\` | \`skep deploy\` | times as long | peak memory, docker | skep |"
    echo "| ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in "${SIZES[@]}"; do
        printf '| %s | %s s | %s s | %s | %s MiB | %s MiB |\n' "$size" "$(median "docker.$size" 1)" "$(median "skep.$size" 1)" \
            "$(ratio "skep.$size" "docker.$size")" "$(memory "docker.$size")" "$(memory "skep.$size")"
    done
}

clean() {
    local status=$?
    set +e
    (remove docker; remove skep)
    rm -rf "$WORK"
    exit "$status"
}

main

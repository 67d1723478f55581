#!/usr/bin/env bash
# A Docker engine with a swarm, from whatever state the machine is in.
#
#   scripts/engine.sh up      install, start, join: what is missing, and nothing else
#   scripts/engine.sh sweep   remove what a killed test run left behind
#   scripts/engine.sh down    leave the swarm, if `up` made it and nothing is in it
#   scripts/engine.sh ipvs    whether virtual IPs and the routing mesh lead anywhere (exit status)
#
# A machine that has Docker stays as it is: an engine that runs is not restarted, a swarm is not left, and an engine
# behind a DOCKER_HOST that is not the local socket is only asked whether it will do.
set -euo pipefail

# What the tests make on the engine belongs to a stack with this name, which has the process in it that made it: what it
# left behind is what has outlived it, and a test that runs meanwhile is not disturbed.
readonly TEST_NAME='^(.*[._-])?skep-test-[a-z0-9-]*-([0-9]+)([._-].*)?$'
readonly STATE="${XDG_STATE_HOME:-$HOME/.local/state}/skep"
# The id of the swarm that we made, if we did.
readonly SWARM_MARKER="$STATE/swarm"
readonly LOG=/var/log/dockerd.log
readonly START_DEADLINE=60
readonly SWARM_DEADLINE=90

main() {
    case "${1:-}" in
        up) up ;;
        sweep) sweep ;;
        down) down ;;
        ipvs) has_ipvs ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

up() {
    if ! answers; then
        is_local || die "no engine answers at DOCKER_HOST=$DOCKER_HOST; start it, or unset DOCKER_HOST"
        bring_up_engine
    fi
    say "engine $(docker version --format '{{.Server.Version}}, API {{.Server.APIVersion}}') answers"
    bring_up_swarm
}

# --- the engine ---

bring_up_engine() {
    [ "$(uname -s)" = Linux ] || die "no engine answers; start Docker Desktop"
    refuses_us && die "the engine refuses $(id -un); run as root, or: sudo usermod -aG docker $(id -un), and log in again"
    is_installed || install_engine
    # Installing may have started it.
    answers || start_engine
}

is_installed() { command -v dockerd >/dev/null && command -v docker >/dev/null; }

install_engine() {
    command -v apt-get >/dev/null || die "Docker is not installed; see https://docs.docker.com/engine/install/"
    is_root || die "Docker is not installed; run: sudo apt-get install docker.io"
    say "Docker is not installed: installing Debian's docker.io"
    apt-get update -qq
    local packages=(docker.io cgroupfs-mount)
    # From Debian 13 on the client is a package of its own.
    if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    is_installed || die "apt-get installed ${packages[*]}, but there is still no docker and dockerd in $PATH"
}

start_engine() {
    is_root || die "the engine does not run; run: sudo $0 up"
    if [ -d /run/systemd/system ]; then
        say "the engine does not run: systemctl start docker"
        systemctl start docker
    else
        start_dockerd
    fi
    wait_for "$START_DEADLINE" answers || { tail -n 20 "$LOG" >&2 || true; die "the engine did not answer within $START_DEADLINE s; see $LOG"; }
}

start_dockerd() {
    if runs /var/run/docker.pid dockerd; then
        say "dockerd runs (process $(cat /var/run/docker.pid)) and does not answer yet: waiting"
        return
    fi
    # After a hard kill these name processes that are gone, or worse: others that got their numbers. dockerd would not
    # start, or wait for a containerd that is none.
    drop_stale /var/run/docker.pid dockerd
    drop_stale /var/run/docker/containerd/containerd.pid containerd
    mount_cgroups
    say "the engine does not run: starting dockerd in a session of its own, log in $LOG"
    setsid dockerd >>"$LOG" 2>&1 </dev/null &
}

mount_cgroups() {
    if ! grep -q ' /sys/fs/cgroup' /proc/mounts && command -v cgroupfs-mount >/dev/null; then
        say "mounting the control groups"
        cgroupfs-mount
    fi
}

# Whether the process that a pid file names is alive, and the program that it should be. One that was killed and whose
# parent does not care (a zombie) still has a name, but no program.
runs() { [ -s "$1" ] && [ "$(basename "$(readlink "/proc/$(cat "$1")/exe" 2>/dev/null)")" = "$2" ]; }

drop_stale() {
    if [ -e "$1" ] && ! runs "$1" "$2"; then
        say "removing $1: process $(cat "$1") is not $2 any more"
        rm -f "$1"
    fi
}

# `docker version` alone would exit 0 while the engine still starts.
answers() { timeout 10 docker info >/dev/null 2>&1 && [ -n "$(timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null)" ]; }

refuses_us() { docker info 2>&1 | grep -qi 'permission denied'; }

is_local() { [ "${DOCKER_HOST:-unix:///var/run/docker.sock}" = unix:///var/run/docker.sock ]; }

# --- the swarm ---

bring_up_swarm() {
    case "$(swarm_state)" in
        active) ;;
        inactive) make_swarm ;;
        locked) die "the swarm is locked; run: docker swarm unlock" ;;
        *) say "the swarm is $(swarm_state): waiting" ;;
    esac
    wait_for "$SWARM_DEADLINE" is_settled || die "the swarm is $(swarm_state) after $SWARM_DEADLINE s: $(swarm_error)"
    is_manager || die "this engine is a worker; run this on a manager, or point DOCKER_HOST at one"
    # After a restart a manager has to be elected before it answers, even if it is the only one.
    wait_for "$SWARM_DEADLINE" docker node ls || die "the swarm has no leader after $SWARM_DEADLINE s: $(docker node ls 2>&1 | tail -n 1)"
    say "swarm $(cluster_id) answers"
    has_ipvs || say "this kernel has no IPVS: published ports need mode: host, and services endpoint_mode: dnsrr or tasks.NAME"
}

make_swarm() {
    is_local || [ "$(uname -s)" != Linux ] || die "the engine at $DOCKER_HOST is in no swarm; run there: docker swarm init"
    say "the engine is in no swarm: docker swarm init --advertise-addr 127.0.0.1"
    # Not an address of the machine's: it would be gone on the next network, and the swarm with it.
    docker swarm init --advertise-addr 127.0.0.1 >/dev/null
    mkdir -p "$STATE"
    cluster_id >"$SWARM_MARKER"
}

down() {
    if ! answers || [ "$(swarm_state)" != active ]; then
        say "there is no swarm to leave"
    elif ! is_ours; then
        say "this script did not make swarm $(cluster_id): it stays"
    elif sweep; [ -n "$(in_swarm)" ]; then
        say "there is something in the swarm: it stays ($(in_swarm | tr '\n' ' '))"
    else
        say "leaving the swarm that this script made"
        docker swarm leave --force >/dev/null
        rm -f "$SWARM_MARKER"
    fi
}

# What would be lost with the swarm: not what tests left behind, of which an engine may go on showing a network that is gone.
in_swarm() {
    local kind
    {
        for kind in service config secret; do docker "$kind" ls --format '{{.Name}}'; done
        docker network ls --filter driver=overlay --format '{{.Name}}' | grep -vx ingress || true
    } | while read -r name; do
        is_left_behind "$name" || echo "$name"
    done
}

swarm_state() { docker info --format '{{.Swarm.LocalNodeState}}'; }
swarm_error() { docker info --format '{{.Swarm.Error}}'; }
cluster_id() { docker info --format '{{.Swarm.Cluster.ID}}'; }
is_manager() { [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; }
is_settled() { [ "$(swarm_state)" = active ]; }
is_ours() { [ -s "$SWARM_MARKER" ] && [ "$(cat "$SWARM_MARKER")" = "$(cluster_id)" ]; }

# Where the kernel is not ours to look at (Docker Desktop, another machine) it has IPVS: the engines made for that do.
has_ipvs() {
    [ "$(uname -s)" = Linux ] && is_local || return 0
    [ -e /proc/net/ip_vs ] || modprobe ip_vs 2>/dev/null || grep -qs /ip_vs.ko "/lib/modules/$(uname -r)/modules.builtin" || return 1
}

# --- what a killed run left ---

sweep() {
    # Whether a process lives can be seen on its own machine only.
    is_local && answers || return 0
    local kind
    # Services first, because they hold the rest.
    for kind in service container network config secret volume; do
        sweep_kind "$kind"
    done
}

sweep_kind() {
    local kind=$1 names=() list=(ls)
    [ "$kind" = container ] && list=(ls --all)
    mapfile -t names < <(
        docker "$kind" "${list[@]}" --format "{{$(name_field "$kind")}}" 2>/dev/null | left_behind
        [ "$kind" != config ] || notes_left_behind
    )
    [ "${#names[@]}" -gt 0 ] || return 0
    say "removing what an earlier run left: $kind ${names[*]}"
    # A network or volume is held for a moment by the tasks that have just been told to go.
    wait_for 30 remove "$kind" "${names[@]}" || say "still in use: $kind ${names[*]}"
}

# Of the names on standard input those of tests that do not run any more.
left_behind() {
    local name
    while read -r name; do
        is_left_behind "$name" && echo "$name"
    done
    return 0
}

is_left_behind() { [[ $1 =~ $TEST_NAME ]] && [ ! -e "/proc/${BASH_REMATCH[2]}" ]; }

# The notes of controllers of tests that do not run any more: their scope has the process in it.
notes_left_behind() {
    local name scope
    while read -r name scope; do
        [[ $scope =~ ^e2e-([0-9]+)- ]] && [ ! -e "/proc/${BASH_REMATCH[1]}" ] && echo "$name"
    done < <(docker config ls --filter label=skep.scope --format '{{.Name}} {{.Label "skep.scope"}}' 2>/dev/null)
    return 0
}

# An engine may show a network that it does not find any more when it is to be removed.
remove_one() {
    local said
    said=$(docker "$1" rm "${@:2}" 2>&1) || [[ $said == *"not found"* ]] || { echo "$said"; return 1; }
}

name_field() { [ "$1" = container ] && echo .Names || echo .Name; }

remove() {
    local kind=$1 name force=() left=0
    shift
    [ "$kind" = container ] && force=(--force)
    for name in "$@"; do
        ! docker "$kind" inspect "$name" >/dev/null 2>&1 || remove_one "$kind" "${force[@]}" "$name" || left=1
    done
    return "$left"
}

# --- words ---

is_root() { [ "$(id -u)" = 0 ]; }

say() { echo "engine: $*"; }

die() {
    echo "engine: error: $*" >&2
    exit 1
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

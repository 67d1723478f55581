# shellcheck shell=bash
# What the benchmarks share. They set SKEP, and DEADLINE in seconds.

# The machine, in a sentence.
machine() {
    printf '%s cores (%s), %s of memory, Linux %s, Docker %s, %s' "$(nproc)" \
        "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
        "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)" "$(uname -r)" \
        "$(docker version --format '{{.Server.Version}} (client {{.Client.Version}})')" "$("$SKEP" --version)"
}

# Of the range that is not handed out to clients.
free_port() {
    local port
    for port in $(shuf -i 20000-29999 -n 50); do
        if ! { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then echo "$port"; return; fi
    done
    die "no free port was found"
}

say() { echo "bench: $*" >&2; }

die() {
    echo "bench: error: $*" >&2
    exit 1
}

# Runs a command, and shows what it said only if it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || { echo "$said" >&2; return 1; }
}

# Runs a command again and again, with a pause, until it succeeds.
wait_for() {
    local pause=$1 deadline=$((SECONDS + DEADLINE))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || { say "not within $DEADLINE s: $*"; return 1; }
        sleep "$pause"
    done
}

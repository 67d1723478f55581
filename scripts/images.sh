#!/usr/bin/env bash
# Base images where no registry can be reached.
#
#   scripts/images.sh debian    debian:bookworm-slim, which deploy/Dockerfile is made from
#   scripts/images.sh python    python:3.11-slim, nginx:1.27 and redis:7, which examples/python-app is made from
#   scripts/images.sh all       both
#   scripts/images.sh clean     remove the stand-ins
#
# An image that is there stays as it is; one that can be pulled is pulled; only then is a stand-in built from Debian's
# packages, which behaves like the real one as far as our files need it, and is labelled skep.standin=true.
set -euo pipefail

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/skep"
readonly MIRROR="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
readonly LABEL=skep.standin=true
# Where there is no network the engine gives up at once; a slow one gets this many seconds.
readonly PULL_DEADLINE="${PULL_DEADLINE:-60}"
readonly IMAGES=(debian:bookworm-slim python:3.11-slim nginx:1.27 redis:7)

main() {
    case "${1:-}" in
        debian) provide debian:bookworm-slim build_debian ;;
        python) python ;;
        all) provide debian:bookworm-slim build_debian; python ;;
        clean) clean ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
}

python() {
    provide python:3.11-slim build_python
    provide nginx:1.27 build_nginx
    provide redis:7 build_redis
}

# Makes sure that an image is there: as it is, pulled, or built by a function.
provide() {
    local image=$1 build=$2
    if docker image inspect "$image" >/dev/null 2>&1; then
        say "$image is there"
    elif can_pull && pull "$image"; then
        say "$image pulled"
    else
        say "$image cannot be pulled: building a stand-in from Debian's packages"
        "$build" "$image"
    fi
}

# One that cannot be pulled is enough to know that the others cannot.
can_pull() { [ -z "${registry_is_away:-}" ]; }

pull() {
    if timeout "$PULL_DEADLINE" docker pull --quiet "$1" >/dev/null 2>&1; then return 0; fi
    registry_is_away=yes
    return 1
}

# --- the stand-ins ---

build_debian() {
    local image=$1
    [ "$(id -u)" = 0 ] || die "building $image takes root, for debootstrap; run: sudo $0 debian"
    need_debootstrap
    local archive
    archive="$CACHE/bookworm-$(dpkg --print-architecture).tar"
    [ -s "$archive" ] || bootstrap "$archive"
    docker import --change 'CMD ["bash"]' --change "LABEL $LABEL" "$archive" "$image" >/dev/null
}

need_debootstrap() {
    command -v debootstrap >/dev/null && return 0
    command -v apt-get >/dev/null || die "debootstrap is missing, and there is no apt-get to install it"
    say "installing debootstrap"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# Makes an archive with a minimal Debian; it appears under its name only when it is whole.
bootstrap() {
    local archive=$1 root
    root=$(mktemp -d)
    mkdir -p "$CACHE"
    say "debootstrap of Debian bookworm, kept as $archive"
    if ! debootstrap --variant=minbase bookworm "$root" "$MIRROR" >"$CACHE/debootstrap.log" 2>&1; then
        rm -rf "$root"
        tail -n 5 "$CACHE/debootstrap.log" >&2
        die "debootstrap failed; all it said is in $CACHE/debootstrap.log"
    fi
    # What it does not need to run, as in the real slim image.
    tar -C "$root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc \
        --exclude=./usr/share/locale --exclude=./usr/share/man --exclude=./dev -cf "$archive.part" .
    rm -rf "$root"
    mv "$archive.part" "$archive"
}

build_python() {
    derive "$1" <<'EOF'
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-pip python3-flask python3-redis \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s python3 /usr/bin/python
# The real image has a Python of its own; in this one pip may install beside Debian's packages, and finds them there.
ENV PIP_BREAK_SYSTEM_PACKAGES=1
CMD ["python3"]
EOF
}

build_nginx() {
    derive "$1" <<'EOF'
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light curl \
 && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default \
 && ln -sf /dev/stdout /var/log/nginx/access.log \
 && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
EOF
}

build_redis() {
    # Like the real one: data in /data, owned by redis, who runs the server; reachable without a password.
    derive "$1" <<'EOF'
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data \
 && { echo '#!/bin/sh' \
    ; echo 'set -e' \
    ; echo '[ "$1" = redis-server ] || exec "$@"' \
    ; echo 'shift' \
    ; echo 'chown -R redis:redis /data' \
    ; echo 'exec setpriv --reuid=redis --regid=redis --clear-groups redis-server --protected-mode no "$@"' \
    ; } >/usr/local/bin/docker-entrypoint.sh \
 && chmod +x /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
EOF
}

# Builds an image from ours of Debian and the instructions on standard input.
derive() {
    local image=$1
    docker image inspect debian:bookworm-slim >/dev/null 2>&1 || build_debian debian:bookworm-slim
    { echo "FROM debian:bookworm-slim"; echo "LABEL $LABEL"; cat; } >"$CACHE/Dockerfile"
    docker build --quiet --tag "$image" - <"$CACHE/Dockerfile" >/dev/null 2>"$CACHE/build.log" \
        || { tail -n 20 "$CACHE/build.log" >&2; die "building $image failed"; }
}

# --- cleaning up ---

clean() {
    local image
    for image in "${IMAGES[@]}"; do
        if [ -n "$(docker image ls --quiet --filter "label=$LABEL" "$image")" ]; then
            say "removing the stand-in $image"
            docker image rm "$image" >/dev/null || say "$image is in use: it stays"
        fi
    done
}

say() { echo "images: $*"; }

die() {
    echo "images: error: $*" >&2
    exit 1
}

main "$@"

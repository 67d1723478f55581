#!/usr/bin/env bash
# The programs that the tests put beside skep: a real registry, a shell for images that are built FROM scratch, and a
# reader of XML, and what copies files for the interpreter of GitLab's CI files.
#
# What is there stays as it is; what is missing is installed from Debian's packages.
set -euo pipefail

# Each with the package that it comes from.
readonly TOOLS=(docker-registry:docker-registry busybox:busybox-static xmllint:libxml2-utils rsync:rsync)

main() {
    local tool missing=()
    for tool in "${TOOLS[@]}"; do
        command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
    done
    [ "${#missing[@]}" -gt 0 ] || { say "${TOOLS[*]%%:*} are there"; return; }
    command -v apt-get >/dev/null || die "missing: ${missing[*]}; install them (these are the names of Debian's packages)"
    [ "$(id -u)" = 0 ] || die "missing: ${missing[*]}; run: sudo apt-get install ${missing[*]}"
    say "installing Debian's ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

say() { echo "tools: $*"; }

die() {
    echo "tools: error: $*" >&2
    exit 1
}

main "$@"

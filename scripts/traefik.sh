#!/bin/bash
# Writes what Traefik knows, from its sources: the labels of services and the options that it is started with, each with the
# kind of its value and the first version that knows it. Needs Go and its module proxy; nothing of Traefik is compiled or run.
#
#   scripts/traefik.sh            write src/lint/traefik/labels.txt and options.txt anew
#   scripts/traefik.sh check      say whether they are as they would be written
#   scripts/traefik.sh rules      judge the rules in expression/verdicts.txt anew, with Traefik's own code, which is compiled
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest of each minor version that the proxy has.
versions=(3.0.4 3.1.6 3.2.3 3.3.5 3.4.4 3.5.4 3.6.12 3.7.13)

sources() {
  (cd "${TMPDIR:-/tmp}" && go mod download -json "github.com/traefik/traefik/v3@v$1") | sed -n 's/^\s*"Dir": "\(.*\)",\?$/\1/p'
}

write() { # labels or options, and what goes before the versions
  local kind=$1 title=$2
  shift 2
  printf '# %s\n' "$title" "Written by scripts/traefik.sh from the sources of Traefik ${versions[*]}." \
    'A path (a star is a name, two stars are anything), the kind of its value, the first version that knows it, the first that does not any more.'
  (cd scripts/traefik && go run main.go "$kind" "$@")
}

# Compiled in a folder that is kept for the next time. One package of Traefik is a module of its own, which is empty, and cannot
# be had.
rules() {
  local newest=${versions[-1]} build directory verdicts=src/lint/traefik/expression/verdicts.txt
  build=${XDG_CACHE_HOME:-$HOME/.cache}/skep/traefik-rules-$newest
  directory=$(sources "$newest")
  mkdir -p "$build/ext"
  printf 'module github.com/traefik/traefik/dynamic/ext\n' >"$build/ext/go.mod"
  for type in HTTP Router; do
    printf 'type %s struct{}\n\nfunc (in *%s) DeepCopyInto(out *%s) { *out = *in }\n' $type $type $type
  done | sed '1i package ext' >"$build/ext/ext.go"
  sed 's#^module .*#module rules#; s#=> ./pkg/config/dynamic/ext#=> ./ext#' "$directory/go.mod" >"$build/go.mod"
  printf 'require github.com/traefik/traefik/v3 v%s\n' "$newest" >>"$build/go.mod"
  cp "$directory/go.sum" scripts/traefik/rules/main.go "$build"
  (cd "$build" && GOFLAGS=-mod=mod go build -o rules .)
  { echo "# What Traefik $newest makes of rules: written by scripts/traefik.sh rules."; "$build/rules" <"$verdicts"; } >"$build/verdicts"
  cp "$build/verdicts" "$verdicts"
}

if [ "${1:-}" = rules ]; then
  rules
  exit
fi

directories=()
for version in "${versions[@]}"; do
  directory=$(sources "$version" || true)
  [ -n "$directory" ] || { echo "traefik.sh: the sources of Traefik $version cannot be had" >&2; exit 1; }
  directories+=("${version%.*}=$directory")
done

target=src/lint/traefik
[ "${1:-}" != check ] || target=$(mktemp -d)
write labels 'Labels of services that Traefik reads, in small letters.' 2.11=labels-2.11.txt "${directories[@]}" >"$target/labels.txt"
write options 'What Traefik 3 is started with, in small letters.' "${directories[@]}" >"$target/options.txt"
if [ "${1:-}" = check ]; then
  diff -u src/lint/traefik/labels.txt "$target/labels.txt"
  diff -u src/lint/traefik/options.txt "$target/options.txt"
  rm -r "$target"
fi

#!/usr/bin/env bash
# The figures of the health tools: those of every health_*.py here, as one JSON object. Argument: the build.
#
# Each of these programs prints a JSON array of figures; the line "# needs: TARGET..." in it names what is to be built, and
# it is given the program, the plugins' folder and the URL of a server of its own.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=tests/harness/pg.sh
. "$here/../harness/pg.sh"

build=$(realpath -- "$1")
work=$(mktemp -d)
trap 'pg_stop "$work/pg" || true; rm -rf -- "$work"' EXIT

mapfile -t needs < <(sed -n 's/^# needs: //p' "$here"/health_*.py | tr ' ' '\n' | sort -u)
cmake --build "$build" --target "${needs[@]}" >&2
version=$(pg_versions | tail -n 1)
mkdir "$work/pg"
url=$(pg_start "$version" "$work/pg")
for figures in "$here"/health_*.py; do
    python3 -B "$figures" "$build/bin/lbops" "$build/plugins" "$url" >"$work/$(basename -- "$figures" .py).json"
done
machine="$(getconf _NPROCESSORS_ONLN) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"
jq -cs --arg machine "$machine" '{bench: "health", machine: $machine, figures: add}' "$work"/health_*.json

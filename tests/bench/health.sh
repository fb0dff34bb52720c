#!/usr/bin/env bash
# The figures of the health tools: those of every health_*.py here, as one JSON object. Arguments: the build, and which of
# them where not all are wanted (sync: health_sync.py).
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

shift
parts=("$here"/health_*.py)
if (($# > 0)); then
    parts=("${@/#/$here/health_}")
    parts=("${parts[@]/%/.py}")
fi
for figures in "${parts[@]}"; do
    [[ -e "$figures" ]] || die 2 "there is no ${figures#"$here/"}" "parts: $(cd "$here" && printf '%s\n' health_*.py | sed 's/^health_//; s/\.py$//' | paste -sd' ')"
done
mapfile -t needs < <(sed -n 's/^# needs: //p' "${parts[@]}" | tr ' ' '\n' | sort -u)
cmake --build "$build" --target "${needs[@]}" >&2
version=$(pg_versions | tail -n 1)
mkdir "$work/pg"
url=$(pg_start "$version" "$work/pg")
for figures in "${parts[@]}"; do
    python3 -B "$figures" "$build/bin/lbops" "$build/plugins" "$url" >"$work/$(basename -- "$figures" .py).json"
done
machine="$(getconf _NPROCESSORS_ONLN) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"
jq -cs --arg machine "$machine" '{bench: "health", machine: $machine, figures: add}' "$work"/health_*.json

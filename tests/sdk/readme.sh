#!/usr/bin/env bash
# What README.md tells people to type about the manifest works as it stands there, and its table of verbs is the program's.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

export LBOPS_STATE_DIR=$WORK/state
mkdir -p "$WORK/build"
ln -s "$BUILD/bin" "$WORK/build/bin"
ln -s "$SOURCE/etc" "$WORK/etc"
cd "$WORK" || exit 1

mapfile -t commands < <(grep -E '^build/bin/lbops ' "$SOURCE/README.md")
check "README has commands" test "${#commands[@]}" -ge 3
for command in "${commands[@]}"; do
    check "$command" bash -c "$command"
done

# The first word of each row of the table, and each verb of `lbops help`.
table_verbs() {
    sed -n '/^| verb | does |$/,/^$/p' "$SOURCE/README.md" | sed -n 's/^| `/`/p' | sed 's/ | .*//' |
        grep -oE '`[a-z]+' | tr -d '`' | sort
}
program_verbs() {
    NO_COLOR=1 "$BUILD/bin/lbops" help | sed -n -E 's/^  ([a-z]+) +.*/\1/p' | sort
}
check "the table of verbs is complete" diff <(table_verbs) <(program_verbs)

# The rows of the tools' tables, and the tools of the local manifest as these rows.
table_tools() {
    sed -n '/^## The tools$/,/^## How/p' "$SOURCE/README.md" | grep -E '^\| `[a-z_]+` \|' | sort
}
program_tools() {
    "$BUILD/bin/lbops" -m "$SOURCE/etc/local.toml" --json tools | jq -r '.[] | select(.agent != "example") |
        "| `\(.name)` | \(.summary) | \(if .schedule then "`\(.schedule)`" else "" end) | \(.risk)\(if .approval then ", asks" else "" end) |"' | sort
}
check "the tables of tools say what the tools say" diff <(table_tools) <(program_tools)

# The example of a crontab, and the jobs that come with the program.
table_jobs() {
    sed -n -E 's/^([^|]+[^ ]) +lbops  flock .* lbops --quiet job ([a-z_]+)$/\2 \1/p' "$SOURCE/README.md" | tr -s ' ' | sort
}
program_jobs() {
    "$BUILD/bin/lbops" -m "$SOURCE/etc/local.toml" --json jobs | jq -r '.[] | "\(.name) \(.schedule)"' | sort
}
check "the crontab has every job at its time" diff <(table_jobs) <(program_jobs)
check "the example of a workspace is in order" "$BUILD/bin/lbops" -m "$SOURCE/etc/workspace.toml" check

mapfile -t named < <(grep -oE '\bscripts/[a-z-]+' "$SOURCE/README.md" "$SOURCE/sdk/guide.md" -h | sort -u)
for script in "${named[@]}"; do
    check "$script exists" test -x "$SOURCE/$script"
done
finish

#!/usr/bin/env bash
# The author's guide, done line by line.
# shellcheck source=tests/harness/check.sh
. "${BASH_SOURCE[0]%/*}/../harness/check.sh"

export LBOPS_BUILD=$BUILD LBOPS_PREFIX=$WORK/prefix
python3 "$SOURCE/tests/sdk/guide.py" "$SOURCE/sdk/guide.md" "$SOURCE/sdk/example" "$WORK/plugin"

#!/usr/bin/env bash
# run-python.sh SCRIPT ARG...: runs a Python test beside this file with the tests' own Python.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/lib/common.sh
. "$here/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/python.sh
. "$here/../../scripts/lib/python.sh"

python=$(python_venv)/bin/python
[[ -x "$python" ]] || die 1 "there is no $python" "scripts/test makes it"
absent=$(python_missing "$(python_venv)" "$(repo_root)/tests/requirements.txt")
[[ -z "$absent" ]] || die 1 "Python packages are missing: $(paste -sd' ' <<<"$absent")" "scripts/test installs them"
script=$1
shift
exec "$python" -B "$here/$script" "$@"

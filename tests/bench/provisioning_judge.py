"""What it costs to judge migrations.

  provisioning_judge.py LBOPS PLUGINS URL     prints a JSON array of figures; no server is needed"""

import json
import pathlib
import subprocess
import sys

RUNS, FILES, STATEMENTS = 3, 1000, 20


def main(_program, plugins, _url):
    program = pathlib.Path(plugins).parent / "tests" / "bin" / "judge_figures"
    seconds = min(float(subprocess.run([program, str(FILES), str(STATEMENTS)], check=True, capture_output=True, text=True).stdout)
                  for _ in range(RUNS))
    print(json.dumps([{"name": "judge_seconds", "value": round(seconds, 2), "unit": "s", "target": 1, "ok": seconds <= 1,
                       "against": f"{FILES} files of {STATEMENTS} statements, a function in every fifth, best of {RUNS}"}]))


main(*sys.argv[1:])

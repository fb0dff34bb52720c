"""Precision and recall of each index detector over the labelled corpus of the tests, and how near the estimates of bloat
come to what pgstattuple finds.

  performance_corpus.py LBOPS PLUGINS URL     prints a JSON array of figures"""

# needs: lbops transport_local detect_unused_indexes detect_duplicate_indexes detect_missing_fk_indexes detect_bloated_indexes
# needs: detect_missing_indexes

import json
import os
import pathlib
import re
import subprocess
import sys

PRECISION, RECALL, NEAR = 0.97, 0.95, 0.9


def figure(name, value, unit, target, told):
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": value >= target, "against": told}


def main():
    program, plugins, url = sys.argv[1:]
    suite = pathlib.Path(__file__).resolve().parents[1] / "tools/performance/test_index_corpus.py"
    version = subprocess.run(["psql", "-XAtq", "-d", url, "-c", "SELECT current_setting('server_version_num')::int / 10000"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    servers = {name: value for name, value in os.environ.items() if not name.startswith("LBOPS_TEST_PG")}
    said = subprocess.run([sys.executable, "-B", str(suite)], stdout=subprocess.PIPE, text=True, check=False,
                          env={**servers, f"LBOPS_TEST_PG{version}": url, "LBOPS_PROGRAM": program, "LBOPS_PLUGINS": plugins,
                               "PYTHONPATH": str(suite.parents[1])}).stdout
    indexes = re.search(r"corpus of (\d+) indexes", said)
    near = re.search(r"pgstattuple: (\d+) of (\d+)", said)
    rows = re.findall(r"^ +(detect_\w+) +(\d+) +(\d+) +(\d+) +([\d.]+) +([\d.]+)$", said, re.M)
    if not (indexes and near and rows):
        sys.exit(f"the corpus was not judged:\n{said[-3000:]}")
    figures = []
    for detector, right, wrong, missed, precision, recall in rows:
        told = f"{right} right, {wrong} false, {missed} missed of {indexes[1]} indexes"
        figures.append(figure(f"{detector}_precision", float(precision), "share", PRECISION, told))
        figures.append(figure(f"{detector}_recall", float(recall), "share", RECALL, told))
    share = int(near[1]) / int(near[2])
    figures.append(figure("bloat_within_10_points", round(share, 3), "share", NEAR,
                          f"{near[1]} of {near[2]} indexes, against pgstattuple"))
    print(json.dumps(figures))


main()

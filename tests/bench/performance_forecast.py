"""How good forecasts are on series of many shapes, each held against days that it did not see.

  performance_forecast.py LBOPS PLUGINS URL     prints a JSON array of figures"""

# needs: test_forecast

import json
import pathlib
import re
import subprocess
import sys


def main():
    program = next(pathlib.Path(sys.argv[1]).parents[1].rglob("bin/test_forecast"))
    said = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
    ratio, in50, in90 = map(float, re.search(r"all: error (\S+) of naive, 50 % interval held (\S+), 90 % interval held (\S+)",
                                             said).groups())
    print(json.dumps([
        {"name": "forecast_error_of_seasonal_naive", "value": ratio, "unit": "ratio", "target": 0.9, "ok": ratio <= 0.9},
        {"name": "forecast_interval_90_holds", "value": in90, "unit": "share", "target": 0.85, "ok": 0.85 <= in90 <= 0.95},
        {"name": "forecast_interval_50_holds", "value": in50, "unit": "share", "target": 0.5, "ok": 0.42 <= in50 <= 0.58},
    ]))


main()

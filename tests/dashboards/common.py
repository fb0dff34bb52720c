"""A workspace with a history of its own, for the suites of the dashboards."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import sample

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "harness"))
PROGRAM = os.environ["LBOPS_PROGRAM"]
PATIENCE = 300

MANIFEST = """
[workspace]
name = "{name}"
state_dir = "{state}"
plugins = ["{plugins}"]

[services.transport]
plugin = "transport_local"
projects = ["shop"]
"""


class Workspace:
    def __init__(self, rows=True, name="dashboards"):
        self.folder = tempfile.TemporaryDirectory(prefix="lbops dashboards ")
        self.dir = pathlib.Path(self.folder.name)
        self.state = self.dir / "state"
        self.manifest = self.dir / "lbops.toml"
        self.manifest.write_text(MANIFEST.format(name=name, state=self.state, plugins=os.environ["LBOPS_PLUGINS"]))
        self.sample = sample.Sample()
        if rows:
            self.sample.put(self.state)

    def cli(self, *words, check=0):
        done = subprocess.run([PROGRAM, "-m", str(self.manifest), *map(str, words)], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        if done.returncode != check:
            raise AssertionError(f"lbops {words[:3]}: exit {done.returncode}, not {check}\n{done.stderr[-2000:]}")
        return done

    def ask(self, question):
        answer = json.loads(self.cli("--json", "sql", "--no-flush", question).stdout)
        return [column["name"] for column in answer["columns"]], answer["rows"]

    def page(self, name="page.html", *words):
        path = self.dir / name
        self.cli("dashboard", "--html", path, *words)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


def query_files():
    return sorted((ROOT / "dashboards").glob("*/*.sql"))

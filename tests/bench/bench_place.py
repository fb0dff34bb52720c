"""What the figures of the health tools share: a throwaway branch, which asks nobody, on the server of the bench, and the shape
of a figure."""

import json
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "tools"), str(TESTS / "tools" / "health")]

MANIFEST = """
[workspace]
name = "bench"
state_dir = "{folder}/state"
plugins = [{plugins}]
[services.transport]
plugin = "transport_local"
dsn = {{ secret = "server" }}
{transport}
{delta}
[secrets]
server = {{ env = "LBOPS_BENCH_URL" }}
[[targets]]
project = "bench"
branch = "postgres"
class = "throwaway"
"""


def figure(name, value, unit, target, ok, against):
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": ok, "against": against}


class Place:
    """The manifest in a folder, and the program at work with it."""

    def __init__(self, folder, program, plugins, url, transport="", delta=""):
        self.program, self.url, self.folder = program, url, pathlib.Path(folder)
        self.manifest = self.folder / "lbops.toml"
        listed = ", ".join(f'"{p}"' for p in (plugins, *pathlib.Path(plugins).parent.glob("lake-plugins")))
        self.manifest.write_text(MANIFEST.format(folder=folder, plugins=listed, transport=transport, delta=delta))

    def sql(self, text):
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", text], check=True,
                              stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}).stdout.strip()

    def each(self, text):
        """Statements one by one: VACUUM and CHECKPOINT take part in no transaction."""
        for statement in text.split(";"):
            self.sql(statement)

    def start(self, tool, **params):
        words = [word for name, value in params.items()
                 for word in (f"--{name}", json.dumps(value) if isinstance(value, (list, bool)) else str(value))]
        return subprocess.Popen([self.program, "-m", str(self.manifest), "--json", "run", tool, "--branch", "postgres", *words],
                                stdout=subprocess.PIPE, text=True, start_new_session=True,
                                env={**os.environ, "LBOPS_BENCH_URL": self.url})

    def run(self, tool, **params):
        with self.start(tool, **params) as run:
            document = json.loads(run.stdout.read())
        if document.get("status") != "ok":
            sys.exit(f"{tool} failed: {document['error']}")
        return document

    def lake_files(self, *under):
        return [str(path) for path in (self.folder / "state" / "lake").joinpath(*under).rglob("*.parquet")]

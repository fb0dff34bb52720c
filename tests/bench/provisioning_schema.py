"""What it costs to compare two databases of 1,000 tables and 5,000 indexes.

  provisioning_schema.py LBOPS PLUGINS URL     prints a JSON array of figures"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TABLES, RUNS = 1000, 3
MAKE = f"""
SET client_min_messages TO warning;
DO $$ BEGIN
    FOR i IN 1..{TABLES} LOOP
        EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a int NOT NULL DEFAULT 0, b text, c numeric(12,2),
                        d timestamptz DEFAULT now(), e text, f boolean, g int, h int, note text)', i);
        EXECUTE format('CREATE INDEX t%1$s_a ON t%1$s (a); CREATE INDEX t%1$s_b ON t%1$s (b, c);
                        CREATE INDEX t%1$s_d ON t%1$s (d DESC); CREATE INDEX t%1$s_e ON t%1$s (lower(e))', i);
        IF i % 100 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$;
"""
CHANGE = """
DO $$ BEGIN
    FOR i IN 1..100 LOOP
        EXECUTE format('ALTER TABLE t%s ADD COLUMN z int; DROP INDEX t%s_a; ALTER TABLE t%s ALTER COLUMN g TYPE bigint',
                       i, i, i);
    END LOOP;
END $$;
"""
MANIFEST = """
[workspace]
name = "bench"
state_dir = "{state}"
plugins = ["{plugins}"]

[services.transport]
plugin = "transport_local"
dsn = {{ secret = "server" }}

[secrets]
server = {{ env = "LBOPS_BENCH_SERVER" }}

[[targets]]
project = "shop"
branch = "bench_from"
class = "shared"
"""


def psql(url, text):
    subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url], input=text, text=True, check=True,
                   stdout=sys.stderr)


def database(url, name):
    head, mark, tail = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}{mark}{tail}"


def compare(program, manifest, url):
    began = time.monotonic()
    done = subprocess.run([program, "-m", str(manifest), "--json", "run", "capture_schema_diff", "--target_branch",
                           "bench_to", "--output", "sql"], capture_output=True, text=True, check=False,
                          env={**os.environ, "LBOPS_BENCH_SERVER": url})
    seconds = time.monotonic() - began
    found = json.loads(done.stdout)["result"]
    assert (found["change_count"], found["statement_count"]) == (300, 302), found["diff"]
    return seconds


def main(program, plugins, url):
    work = pathlib.Path(tempfile.mkdtemp(prefix="lbops-bench-"))
    manifest = work / "lbops.toml"
    manifest.write_text(MANIFEST.format(state=work / "state", plugins=plugins))
    try:
        for name in ("bench_from", "bench_to"):
            psql(url, f"CREATE DATABASE {name}")
            psql(database(url, name), MAKE)
        psql(database(url, "bench_to"), CHANGE)
        seconds = min(compare(program, manifest, url) for _ in range(RUNS))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    what = f"two databases of {TABLES} tables and {TABLES * 5} indexes each, best of {RUNS}"
    print(json.dumps([
        {"name": "schema_diff_seconds", "value": round(seconds, 2), "unit": "s", "target": 2, "ok": seconds <= 2,
         "against": what},
        {"name": "schema_diff_memory", "value": round(megabytes), "unit": "MB", "target": 200, "ok": megabytes <= 200,
         "against": "the largest process of the run"},
    ]))


main(*sys.argv[1:])

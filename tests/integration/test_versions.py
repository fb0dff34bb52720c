"""Versions that suites do not see by default, 16 and 18: every statement of the catalogue against those servers, and the
tools that read most of what differs between them. Skipped where scripts/setup could not get them."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
HARNESS = str(TESTS / "harness" / "pg.sh")
WANTED = (16, 18)
TOOLS = ("persist_pg_stat_statements", "collect_pg_stat_statements_info", "monitor_system_health", "monitor_connections",
         "evaluate_alert_thresholds", "diagnose_root_cause", "check_txid_wraparound_risk", "identify_tables_needing_vacuum",
         "run_full_index_analysis", "auto_tune_resource_parameters")
DEMO = """
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE parent (id int PRIMARY KEY, note text);
    CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, at timestamptz DEFAULT now());
    CREATE INDEX child_at ON child (at); CREATE INDEX child_at_again ON child (at);
    INSERT INTO parent SELECT g, repeat('x', 50) FROM generate_series(1, 5000) g;
    INSERT INTO child SELECT g, g FROM generate_series(1, 5000) g;
    DELETE FROM child WHERE id % 2 = 0;
    SELECT count(*) FROM parent JOIN child ON child.parent_id = parent.id;
"""


def harness(*words):
    return subprocess.run(["bash", HARNESS, *words], capture_output=True, text=True, check=False)


def start(folder):
    """The servers at hand; those of the suites where they have been told to use them."""
    for version in WANTED:
        variable = f"LBOPS_TEST_PG{version}"
        if not os.environ.get(variable) and harness("bin", str(version)).returncode == 0:
            started = harness("start", str(version), folder)
            if started.returncode != 0:
                sys.exit(f"PostgreSQL {version} does not start: {started.stderr}")
            os.environ[variable] = started.stdout.strip()
    return [v for v in WANTED if os.environ.get(f"LBOPS_TEST_PG{v}")]


def every_statement(version):
    """The catalogue's own suite, on this server alone."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("LBOPS_TEST_PG")}
    variable = f"LBOPS_TEST_PG{version}"
    done = subprocess.run([os.environ["LBOPS_TEST_CATALOGUE"]], capture_output=True, text=True, check=False,
                          env={**others, variable: os.environ[variable]})
    place.equal(done.returncode, 0, done.stdout[-3000:])
    place.contains(done.stdout, f"statements on {version}")


def the_collectors(version):
    with place.Given(version, "throwaway") as here:
        here.sql(DEMO)
        done = {tool: here.run(tool) for tool in TOOLS}
        for tool in TOOLS[:3]:
            place.equal(done[tool]["result"]["skipped"], [], f"what {tool} could not read")
        place.holds(done["monitor_system_health"]["result"]["examined"]["views"] >= 15, "its views")
        place.holds(any("JOIN child" in json.dumps(row) for row in here.waiting("query_texts")), "the query was seen")
        place.holds(here.waiting("pg_stat_history"), "its figures wait to be kept")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no server stays behind
    with tempfile.TemporaryDirectory() as folder:
        versions = start(folder)
        try:
            global place  # noqa: PLW0603  it looks at the environment when it comes
            sys.path.insert(0, str(TESTS / "tools"))
            import place  # noqa: PLC0415
            if versions:
                place.VERSIONS = versions
                place.suite(*place.each_version(every_statement, the_collectors))
        finally:
            harness("stop", folder)
    print(f"skipped: there is no PostgreSQL {' or '.join(map(str, WANTED))} here (scripts/setup --extra says why)")
    sys.exit(77)


main()

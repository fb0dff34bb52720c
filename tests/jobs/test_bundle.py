#!/usr/bin/env python3
"""lbops jobs bundle: what it writes, held against the platform's own models of a bundle, and its launcher, run with the words
and the environment that the bundle gives it, in the emulated workspace.

LBOPS_BUNDLE_SCHEMA names a file that `databricks bundle schema` has written: then it is held against that, too. No registry
has that file; the package databricks-bundles, which it is generated for, has the models.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
for folder in ("harness", "emulator"):
    sys.path.insert(0, str(TESTS / folder))

import yaml  # noqa: E402
from databricks.bundles.jobs import Job  # noqa: E402
import harness  # noqa: E402
from suite import contains, equal, holds, suite  # noqa: E402

PROGRAM = os.environ["LBOPS_PROGRAM"]
PATIENCE_S = 300
DSN = next((url for v in (18, 17, 16, 15) if (url := os.environ.get(f"LBOPS_TEST_PG{v}"))), None)  # the newest there is
DATABASE = f"lbops_bundle_{os.getpid()}"
SEVEN = {"branch_manager", "cold_archiver", "cost_tracker", "index_analyzer", "metric_collector", "sync_validator", "vacuum_scheduler"}
MANIFEST = """
[workspace]
name = "platform"
state_dir = "{place}/state"
timezone = "Europe/Berlin"
plugins = ["{plugins}"]

[services.transport]
plugin = "transport_lakebase"
host = "{url}"
client_id = "{client_id}"
client_secret = {{ secret = "principal" }}
ca_file = "{ca_file}"
poll_ms = 20

[services.state] # not where a job has its own
plugin = "state_sqlite"

[secrets]
principal = {{ env = "LBOPS_TEST_SECRET" }}

# who looks after what
[agents.mine]
tools = ["monitor_system_health", "run_full_index_analysis"]
[agents.mine.tool.monitor_connections]
params = {{ max_idle_min = 7 }}
"""
TARGET = '[[targets]]\nproject = "{0}"\nbranch = "production"\nclass = "production"\nwake = true\n'
WORK = tempfile.TemporaryDirectory(prefix="lbops bundle ")
EMULATOR = None


def emulator():
    global EMULATOR
    if not EMULATOR:
        EMULATOR = harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0.02", "--set", "warehouse_start_s=0.1")
    return EMULATOR


def lbops(place, *words, check=0):
    done = subprocess.run([PROGRAM, "-m", str(place / "lbops.toml"), *words], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, env={**os.environ, "LBOPS_TEST_SECRET": emulator().ready["client_secret"]})
    equal(done.returncode, check, f"lbops {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def place_of(name, projects=("shop",), more=""):
    place = pathlib.Path(WORK.name) / name
    place.mkdir()
    ready = emulator().ready
    text = MANIFEST.format(place=place, plugins=os.environ["LBOPS_PLUGINS"], **ready)
    (place / "lbops.toml").write_text(text + "".join(TARGET.format(one) for one in projects) + more)
    return place


def bundle(place, *options):
    return json.loads(lbops(place, "--json", "jobs", "bundle", str(place / "bundle"), *options).stdout)


def resources(place):
    found = {}
    for path in sorted((place / "bundle" / "resources").glob("*.yml")):
        jobs = yaml.safe_load(path.read_text())["resources"]["jobs"]
        equal(list(jobs), [path.stem], f"one job in {path.name}")
        found.update(jobs)
    return found


# ---- what is written

def models_know_every_word():
    place = place_of("models", ("shop", "crm"))
    bundle(place)
    jobs = resources(place)
    equal(set(jobs), SEVEN | {"serve"}, "the jobs")
    for name, job in jobs.items():
        equal(Job.from_dict(job).as_dict(), job, name)
    for spoil in ({"max_concurrent": 1}, {"schedule": {"cron": "* * * * *"}}, {"tasks": [{"task_key": "a", "for_each_task": {"input": "[]"}}]}):
        try:
            Job.from_dict({**jobs["cost_tracker"], **spoil})
        except Exception:  # whatever they call it
            continue
        raise AssertionError(f"the models take {spoil}, so this test shows nothing")


def schema_takes_it():
    place = place_of("schema", ("shop", "crm"))
    bundle(place)
    root = yaml.safe_load((place / "bundle" / "databricks.yml").read_text())
    equal(root["include"], ["resources/*.yml"], "what is included")
    equal(root["workspace"]["host"], emulator().url, "the workspace")
    equal(root["targets"]["prod"]["run_as"], {"service_principal_name": "${var.service_principal}"}, "who runs them")
    used = {name for path in (place / "bundle").rglob("*.yml") for name in re.findall(r"\$\{var\.(\w+)\}", path.read_text())}
    equal(used | {"service_principal"}, set(root["variables"]), "every variable is declared, and used")
    schema = os.environ.get("LBOPS_BUNDLE_SCHEMA")
    print(f"    the bundle's JSON schema: {schema or 'not at hand (LBOPS_BUNDLE_SCHEMA)'}")
    if schema:
        text = pathlib.Path(schema).read_text()  # Python's expressions have no classes of Unicode
        text = text.replace(r"[\\p{L}\\p{N}]", "[a-zA-Z0-9]").replace(r"\\p{L}", "[a-zA-Z]")
        validate(json.loads(text), [root, *({"resources": {"jobs": {n: j}}} for n, j in resources(place).items())])


def validate(schema, documents):
    import jsonschema  # noqa: PLC0415  only for those who have a schema

    validator = jsonschema.validators.validator_for(schema)(schema)
    for document in documents:
        equal([error.message[:300] for error in validator.iter_errors(document)], [], "errors")


def schedules_are_quartz_in_our_zone():
    jobs = resources_of("schedules")
    equal({name: job["schedule"]["quartz_cron_expression"] for name, job in jobs.items() if name != "serve"},
          {"branch_manager": "0 0 0/6 * * ?", "cold_archiver": "0 0 3 ? * SUN", "cost_tracker": "0 0 6 * * ?",
           "index_analyzer": "0 0 * * * ?", "metric_collector": "0 0/5 * * * ?", "sync_validator": "0 0/15 * * * ?",
           "vacuum_scheduler": "0 0 2 * * ?"}, "schedules")
    equal({job["schedule"]["timezone_id"] for name, job in jobs.items() if name != "serve"}, {"Europe/Berlin"}, "zones")


def resources_of(name, *options, **more):
    place = place_of(name, **more)
    bundle(place, *options)
    return resources(place)


def often_is_served_by_one_that_stays():
    place = place_of("served")
    bundle(place)
    jobs = resources(place)
    paused = {name for name, job in jobs.items() if job.get("schedule", {}).get("pause_status") == "PAUSED"}
    equal(paused, {"metric_collector", "sync_validator"}, "what cold compute is too slow for")
    equal(jobs["serve"]["continuous"], {"pause_status": "UNPAUSED"}, "one that stays")
    manifest = (place / "bundle" / "manifests" / "serve.toml").read_text()
    contains(manifest, '[[schedules]]\ntool = "evaluate_alert_thresholds"', 'cron = "*/5 * * * *"', 'cron = "*/15 * * * *"',
             'params = { max_idle_min = "7" }', 'plugin = "state_postgres"', 'plugin = "approval_postgres"')
    holds("state_sqlite" not in manifest, "its own state is gone")
    alone = resources_of("cold", "--serve-below", "0")
    holds("serve" not in alone and alone["metric_collector"]["schedule"]["pause_status"] == "UNPAUSED", "none stays when told so")


def projects_are_one_task_each_where_it_helps():
    jobs = resources_of("each", projects=("shop", "crm", "lab"))
    each = jobs["index_analyzer"]["tasks"][0]["for_each_task"]
    equal(json.loads(each["inputs"]), ["shop", "crm", "lab"], "projects")
    equal(each["task"]["spark_python_task"]["parameters"][-4:], ["job", "index_analyzer", "--project", "{{input}}"], "words")
    holds("for_each_task" not in jobs["cost_tracker"]["tasks"][0], "a bill is one for the workspace")
    holds("for_each_task" not in resources_of("one")["index_analyzer"]["tasks"][0], "nor where there is one project")
    equal([one["max_retries"] for one in (jobs["cost_tracker"]["tasks"][0], jobs["cold_archiver"]["tasks"][0]["for_each_task"]["task"])],
          [1, 0], "retries of what changes nothing, and of what does")


def keeps_what_a_person_edited():
    place = place_of("edited")
    equal({one["fate"] for one in bundle(place)["files"]}, {"written"}, "first")
    equal({one["fate"] for one in bundle(place)["files"]}, {"same"}, "again")
    edited = place / "bundle" / "resources" / "cost_tracker.yml"
    edited.write_text(edited.read_text().replace("max_retries: 1", "max_retries: 5"))
    before = edited.read_text()
    with (place / "lbops.toml").open("a") as file:
        file.write('[[thresholds]]\nmetric = "cache_hit_ratio"\nwarning = 0.5\n')
    said = bundle(place)
    fates = {one["file"]: one for one in said["files"]}
    equal((fates["resources/cost_tracker.yml"]["fate"], said["kept"]), ("kept", 1), "what was edited")
    contains(fates["resources/cost_tracker.yml"]["diff"], "-          max_retries: 5\n+          max_retries: 1\n")
    equal(edited.read_text(), before, "the edited file")
    equal(fates["manifests/cost_tracker.toml"]["fate"], "updated", "what was not edited follows")
    contains(lbops(place, "jobs", "bundle", str(place / "bundle")).stdout, "somebody has edited", "+          max_retries: 1")


def refuses_what_a_workspace_cannot_run():
    place = place_of("refused", more='[[jobs]]\nname = "both"\ncron = "0 0 1 * mon"\ntools = ["noop"]\n')
    said = lbops(place, "--json", "jobs", "bundle", str(place / "bundle"), check=1)
    contains(said.stderr, "both", "not both", "hint: make two jobs of it")
    text = (place / "lbops.toml").read_text()
    (place / "lbops.toml").write_text(re.sub(r"\[services.transport\].*?poll_ms = 20", '[services.transport]\nplugin = "transport_local"',
                                             text, flags=re.S))
    contains(lbops(place, "jobs", "bundle", str(place / "bundle"), check=2).stderr, "transport_local", "transport_lakebase")
    contains(lbops(place, "jobs", "bundle", check=2).stderr, "needs a directory")
    contains(lbops(place, "jobs", "bundle", "x", "--serve-below", "-1", check=2).stderr, "minutes")


# ---- the launcher

def server(text, database=None):
    head, mark, tail = DSN.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/{database}{mark}{tail}" if database else DSN
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    equal(done.returncode, 0, f"{text}: {done.stderr}")
    return done.stdout.strip()


def state_dsn():
    head, mark, tail = DSN.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{DATABASE}{mark}{tail}"


def archive_of(place, name):
    """An archive as scripts/build-job packs it, but that its program is the one of this build."""
    top = place / "top"
    (top / "bin").mkdir(parents=True, exist_ok=True)
    program = top / "bin" / "lbops"
    program.write_text(f'#!/bin/sh\nexec "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    with tarfile.open(place / "bundle" / "dist" / f"lbops-{name}.tar.xz", "w:xz") as tar:
        tar.add(top, arcname=f"lbops-{name}")


def launch(*args, **more):
    words, env = task_of(*args, **more)
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env, cwd="/")


def task_of(place, name, state=None, secret=None, project=None):
    """The task of the bundle as the platform would start it: variables filled in, secrets in the environment."""
    job = resources(place)[name]
    task = job["tasks"][0]
    task = task["for_each_task"]["task"] if "for_each_task" in task else task
    values = {"workspace.file_path": str(place / "bundle"), "workspace.host": emulator().url, "var.secret_scope": "scope",
              "var.warehouse_id": emulator().ready["warehouse_id"], "var.state_dsn": state or state_dsn()}
    secrets = {"principal": secret or emulator().ready["client_secret"], "state_password": ""}
    fill = lambda text: re.sub(r"\$\{([\w.]+)\}", lambda m: values[m.group(1)], text).replace("{{input}}", project or "")
    words = [fill(word) for word in task["spark_python_task"]["parameters"]]
    given = {key: secrets[re.fullmatch(r"\{\{secrets/scope/(\w+)\}\}", fill(value)).group(1)]
             for key, value in job["job_clusters"][0]["new_cluster"]["spark_env_vars"].items()}
    python = place / "bundle" / "resources" / task["spark_python_task"]["python_file"]
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(place), "LD_PRELOAD": "", **given}
    env.update({key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")})
    return [sys.executable, "-B", str(python), *words], env


def history(place, question):
    """Asked as somebody with the job's manifest would."""
    env = {**os.environ, "LBOPS_TEST_SECRET": emulator().ready["client_secret"], "LBOPS_STATE_DSN": state_dsn(),
           "DATABRICKS_WAREHOUSE_ID": emulator().ready["warehouse_id"], "LBOPS_STATE_DIR": str(place / "asking")}
    done = subprocess.run([PROGRAM, "-m", str(place / "bundle" / "manifests" / "metric_collector.toml"), "--json", "sql", question],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env)
    equal(done.returncode, 0, done.stdout + done.stderr)
    return [list(row.values()) if isinstance(row, dict) else row for row in json.loads(done.stdout)["rows"]]


def ready_place(name, more="", project="shop"):
    place = place_of(name, (project,), more)
    if project not in ready_place.made:
        lbops(place, "target", "create", "--project", project)
        emulator().settled(f"projects/{project}/branches/production/endpoints/primary")
        ready_place.made.add(project)
    if not ready_place.database:
        server(f"CREATE DATABASE {DATABASE}")
        ready_place.database = True
    bundle(place)
    archive_of(place, "metric_collector")
    return place


ready_place.made, ready_place.database = set(), False


def launcher_runs_and_history_arrives():
    place = ready_place("launch")
    for round_ in (1, 2):
        done = launch(place, "metric_collector")
        equal(done.returncode, 0, done.stdout + done.stderr)
        contains(done.stdout, "ok evaluate_alert_thresholds shop/production", "ok check_txid_wraparound_risk shop/production",
                 "ok monitor_connections shop/production")
        rows = history(place, "SELECT tool, count(*) FROM ops_catalog.lakebase_ops.tool_runs WHERE project_id = 'shop' GROUP BY tool")
        counts = {tool: int(count) for tool, count in rows}
        equal((counts["persist_pg_stat_statements"], counts["monitor_connections"]), (round_, round_), "runs in the history")
    holds(int(history(place, "SELECT count(*) FROM ops_catalog.lakebase_ops.lakebase_metrics")[0][0]) > 20, "metrics arrived")
    holds(int(server("SELECT count(*) FROM lbops_state.document", DATABASE)) > 0, "state is in the shared place")
    equal([path.name for path in place.glob("lbops-*")], [], "nothing is left on the disk")


def launcher_serves_until_it_is_told_to_end():
    """The job that stays, from its start to the signal of somebody who cancels it: what it has learned outlives its disk."""
    place = ready_place("stays")
    archive_of(place, "serve")
    asked = "SELECT count(*) FROM ops_catalog.lakebase_ops.tool_runs WHERE tool = 'noop'"
    before = int(history(place, asked)[0][0])
    words, env = task_of(place, "serve")
    said = place / "said"
    with said.open("w") as out:
        child = subprocess.Popen(words, env=env, cwd="/", stdout=out, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + PATIENCE_S
    while "ready: workspace" not in said.read_text() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    contains(said.read_text(), "ready: workspace platform, 1 target(s)")
    there = next(place.glob("lbops-*/lbops.toml"))  # somebody on that machine asks the daemon for a run
    env = {**os.environ, "LBOPS_TEST_SECRET": emulator().ready["client_secret"], "LBOPS_STATE_DSN": state_dsn(),
           "DATABRICKS_WAREHOUSE_ID": emulator().ready["warehouse_id"], "LBOPS_STATE_DIR": str(there.parent / "state")}
    done = subprocess.run([PROGRAM, "-m", str(there), "run", "noop"], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                          env=env)
    equal(done.returncode, 0, f"a run by the daemon: {done.stdout}{done.stderr}")
    equal(child.poll(), None, "it stays")
    child.terminate()
    equal(child.wait(PATIENCE_S), 0, f"its end: {said.read_text()[-2000:]}")
    holds(int(history(place, asked)[0][0]) > before, "the run is in the history")
    equal([path.name for path in place.glob("lbops-*")], [], "nothing is left on the disk")


def launcher_fails_for_what_is_critical():
    place = ready_place("critical", '[[thresholds]]\nmetric = "connection_utilization"\nwarning = 0.0001\ncritical = 0.001\n')
    first = launch(place, "metric_collector")
    equal(first.returncode, 0, "what is seen once may be a moment: " + first.stdout + first.stderr)
    done = launch(place, "metric_collector")
    equal(done.returncode, 1, done.stdout + done.stderr)
    contains(done.stdout, "so that people are notified", "critical: shop/production: connection utilization is")


def launcher_says_what_is_wrong():
    place = ready_place("wrong")
    done = launch(place, "metric_collector", secret="nobody's")
    holds(done.returncode != 0, f"exit {done.returncode}: {done.stdout}{done.stderr}")
    contains(done.stdout, "check client_id and client_secret", "could not be committed")
    holds("nobody's" not in done.stdout + done.stderr, "no secret is told")
    done = launch(place, "metric_collector", state="host=127.0.0.1 port=1 dbname=x connect_timeout=2")
    holds(done.returncode != 0, "no state, no job")
    contains(done.stdout, "state")
    (place / "bundle" / "dist" / "lbops-metric_collector.tar.xz").unlink()
    contains(launch(place, "metric_collector").stderr, "lbops-metric_collector.tar.xz")


def close():
    if ready_place.database:
        server(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    if EMULATOR:
        EMULATOR.stop()
    WORK.cleanup()


if __name__ == "__main__":
    if not DSN:
        print("skipped: there is no Postgres here")
        sys.exit(77)
    try:
        suite(models_know_every_word, schema_takes_it, schedules_are_quartz_in_our_zone, often_is_served_by_one_that_stays,
              projects_are_one_task_each_where_it_helps, keeps_what_a_person_edited, refuses_what_a_workspace_cannot_run,
              launcher_runs_and_history_arrives, launcher_serves_until_it_is_told_to_end,
              launcher_fails_for_what_is_critical, launcher_says_what_is_wrong)
    finally:
        close()

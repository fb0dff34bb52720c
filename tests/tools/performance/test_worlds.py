"""Every tool of the agent in worlds that are not as one would have them: nothing there, no pg_stat_statements, a role with
hardly any rights, one that may only watch, a standby, tables that go while they are looked at; and in each of them names
with quotes, blanks and capitals, and tables of all kinds. Each says what it could not know and answers the rest."""

import contextlib
import json
import subprocess

from place import VERSIONS, Place, contains, each_version, equal, holds, suite, target
from ward import Ward

INDEXES = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_calls": 5, "min_mean_ms": 0, "min_rows": 100}
ALL = {**INDEXES, "min_unused_bytes": 0, "min_bloat_bytes": 0, "min_table_bytes": 0, "threshold": 1.4}
TOOLS = {
    "persist_pg_stat_statements": {}, "collect_pg_stat_statements_info": {},
    "detect_unused_indexes": {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0},
    "detect_bloated_indexes": {"min_bytes": 0, "threshold": 1.4},
    "detect_missing_indexes": {"min_bytes": 0, "min_rows": 100, "min_calls": 5, "min_mean_ms": 0},
    "detect_duplicate_indexes": {}, "detect_missing_fk_indexes": {"min_rows": 100},
    "run_full_index_analysis": ALL, "generate_index_recommendation": {**ALL, "min_confidence": 0, "apply": False},
    "analyze_slow_queries_with_ai": {"min_mean_exec_ms": 0, "min_calls": 5},
    "explain_query_in_natural_language": {"query": 'SELECT * FROM "Odd s"."T ""x" WHERE "E" = 3'},
    "forecast_capacity_needs": {}, "check_txid_wraparound_risk": {}, "watch_autovacuum": {},
    "identify_tables_needing_vacuum": {}, "tune_autovacuum_parameters": {"min_hours": 0, "min_rows": 1},
    "auto_tune_resource_parameters": {"min_hours": 0, "memory_mb": 16000},
    "schedule_vacuum_full": {"schema": "Odd s", "table": 'T "x', "min_gain": 0}, "schedule_vacuum_analyze": {},
}
TABLES = """
CREATE SCHEMA "Odd s";
CREATE TABLE "Odd s"."T ""x" ("a B" int PRIMARY KEY, "c""d" int, "E" int) WITH (autovacuum_enabled = off);
INSERT INTO "Odd s"."T ""x" SELECT i, i % 300, i FROM generate_series(1, 3000) i;
CREATE INDEX "I ""1" ON "Odd s"."T ""x" ("c""d"); CREATE INDEX "i 2" ON "Odd s"."T ""x" ("c""d");
CREATE TABLE "Odd s"."Child ""t" (id int, "Ref 1" int REFERENCES "Odd s"."T ""x") WITH (autovacuum_enabled = off);
INSERT INTO "Odd s"."Child ""t" SELECT i, 1 + i % 3000 FROM generate_series(1, 3000) i;
CREATE UNLOGGED TABLE loose (id int, a int); INSERT INTO loose SELECT i, i FROM generate_series(1, 3000) i;
CREATE INDEX loose_a ON loose (a);
CREATE TABLE tree (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (2000);
CREATE TABLE tree_2 PARTITION OF tree FOR VALUES FROM (2000) TO (9000);
INSERT INTO tree SELECT i, i % 99 FROM generate_series(1, 4000) i; CREATE INDEX tree_a ON tree (a);
CREATE FOREIGN DATA WRAPPER nobody; CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody;
CREATE FOREIGN TABLE away (id int) SERVER nowhere;
CREATE MATERIALIZED VIEW seen AS SELECT * FROM loose; CREATE INDEX seen_a ON seen (a);
ANALYZE "Odd s"."T ""x"; ANALYZE "Odd s"."Child ""t"; ANALYZE tree; ANALYZE loose;
CREATE TABLE never (id int, a int); INSERT INTO never SELECT i, i % 500 FROM generate_series(1, 3000) i;
CREATE INDEX never_id ON never (id);
UPDATE "Odd s"."T ""x" SET "E" = "E" + 1;
"""
ASKED = "".join(f'SELECT * FROM "Odd s"."T ""x" WHERE "E" = {n}; SELECT * FROM never WHERE a = {n};' for n in range(8))
CHURN = """DO $$ BEGIN LOOP
    CREATE TABLE "Gone ""{0}" (id int PRIMARY KEY, a int REFERENCES stays, t text);
    CREATE INDEX ON "Gone ""{0}" (a); CREATE INDEX ON "Gone ""{0}" (a);
    INSERT INTO "Gone ""{0}" SELECT i, i % 9, repeat('x', 50) FROM generate_series(1, 200) i;
    COMMIT;
    PERFORM pg_sleep(0.004 * random());
    DROP TABLE "Gone ""{0}";
    COMMIT;
END LOOP; END $$;
"""

NO_STATEMENTS = {"empty": "pg_stat_statements is not installed", "bare": "pg_stat_statements is not installed"}
STANDBY, BLIND = "this is a standby", "grant it pg_read_all_stats"
UNREADABLE, NOT_OURS = "not ours to read", "the role may not vacuum it"
# What a tool has to say in a world: in a reason for what it left out, or anywhere in its result.
SAID = {
    "persist_pg_stat_statements": {**NO_STATEMENTS, "connect": BLIND},
    "collect_pg_stat_statements_info": {**NO_STATEMENTS, "connect": BLIND},
    "detect_unused_indexes": {"standby": "it counts its own scans only", "empty": '"indexes": 0'},
    "detect_bloated_indexes": {"connect": UNREADABLE, "monitor": UNREADABLE, "odd": "never analyzed"},
    "detect_missing_indexes": {**NO_STATEMENTS, "connect": "may not be seen by this role",
                               "monitor": "there are no statistics of ",
                               "odd": "there are no statistics of ", "standby": "for its primary"},
    "detect_duplicate_indexes": {"standby": "for its primary", "empty": '"indexes": 0'},
    "detect_missing_fk_indexes": {"standby": "for its primary", "empty": '"foreign_keys": 0'},
    "run_full_index_analysis": {**NO_STATEMENTS, "standby": "it counts its own scans only"},
    "generate_index_recommendation": {**NO_STATEMENTS, "standby": "for its primary"},
    "analyze_slow_queries_with_ai": {**NO_STATEMENTS, "connect": "may not be seen by this role",
                                     "monitor": "has no right to"},
    "forecast_capacity_needs": {"empty": "history has no readings"},
    "check_txid_wraparound_risk": {"connect": BLIND},
    "watch_autovacuum": {"connect": BLIND, "standby": "a standby is vacuumed where its primary is"},
    "identify_tables_needing_vacuum": {"connect": BLIND, "standby": STANDBY, "odd": "a foreign table holds no rows here",
                                       "bare": "a foreign table holds no rows here"},
    "tune_autovacuum_parameters": {"connect": "the role does not own", "monitor": "the role does not own",
                                   "standby": STANDBY, "odd": "autovacuum is switched off for it"},
    "auto_tune_resource_parameters": {"connect": '"status": "advice"', "monitor": '"status": "advice"',
                                      "standby": STANDBY},
    "schedule_vacuum_full": {"connect": NOT_OURS, "monitor": NOT_OURS, "standby": STANDBY},
    "schedule_vacuum_analyze": {"connect": BLIND, "monitor": NOT_OURS, "standby": STANDBY},
}
NO_TABLE = {"empty": "not_found", "churn": "not_found"}
FAILS = {"schedule_vacuum_full": NO_TABLE,
         "explain_query_in_natural_language": {"empty": "invalid", "churn": "invalid", "connect": "invalid", "monitor": "invalid"}}
WAITS = {"schedule_vacuum_full": ("bare", "odd"), "auto_tune_resource_parameters": ("empty", "bare", "odd", "churn")}
DUPLICATE, KEY = ("Odd s.i 2", "duplicate_index"), ('Odd s.Child "t', "missing_fk_index")
UNUSED = {(name, "unused_index") for name in ('Odd s.I "1', "Odd s.i 2", "public.loose_a", "public.never_id", "public.seen_a",
                                              "public.tree_a")}
WASTED = {(name, "bloated_index") for name in ('Odd s.I "1', "Odd s.i 2", 'Odd s.T "x_pkey')}
UNCOUNTED, COUNTED = {DUPLICATE, KEY}, UNUSED - {('Odd s.I "1', "unused_index"), ("Odd s.i 2", "unused_index")}
LARGER = WASTED - {("Odd s.i 2", "bloated_index")}
ASKED_FOR = ('Odd s.T "x', "missing_index")
# What the detectors find where tables are; the worlds they do not name are as "bare".
FOUND = {
    "detect_unused_indexes": {"bare": UNUSED, "standby": set()},
    "detect_bloated_indexes": {"bare": WASTED, "connect": set(), "monitor": set()},
    "detect_missing_indexes": {"bare": set(), "odd": {ASKED_FOR}},
    "detect_duplicate_indexes": {"bare": {DUPLICATE}},
    "detect_missing_fk_indexes": {"bare": {KEY}},
    "run_full_index_analysis": {"bare": UNCOUNTED | COUNTED | LARGER, "odd": UNCOUNTED | COUNTED | LARGER | {ASKED_FOR},
                                "connect": UNCOUNTED | COUNTED, "monitor": UNCOUNTED | COUNTED, "standby": UNCOUNTED | LARGER},
}


class World(Place):
    """Databases of one server as one role sees them, a run of each tool in each of them."""

    def __init__(self, url, *databases):
        agent = f"[agents.performance]\ntools = {json.dumps(list(TOOLS))}\ncycle = {json.dumps(list(TOOLS))}\n"
        for tool, params in TOOLS.items():
            values = ", ".join(f"{name} = {json.dumps(value)}" for name, value in params.items())
            agent += f"[agents.performance.tool.{tool}]\nparams = {{ {values} }}\n" if params else ""
        super().__init__('plugin = "transport_local"\ndsn = { secret = "server" }',
                         "".join(target("shop", d, "production") for d in databases)
                         + '[secrets]\nserver = { env = "LBOPS_WORLD" }\n', agent)
        self.where = url

    def documents(self):
        """(tool, database): what it said."""
        done = self.cli("--json", "cycle", env={"LBOPS_WORLD": self.where})
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {(d["tool"], d["target"]["branch"]): d for d in lines if d.get("tool") in TOOLS}


def psql(url, text):
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url], input=text, capture_output=True, text=True,
                          timeout=120, check=False)
    equal(done.returncode, 0, f"{text[-200:]}: {done.stderr}")
    return done.stdout.strip()


def check(tool, world, document):
    what = f"{tool} in {world}"
    error, result = document.get("error") or {}, document.get("result") or {}
    fails = FAILS.get(tool, {}).get(world)
    waits = world in WAITS.get(tool, ())
    equal((document["status"], error.get("code")), ("failed" if fails else "pending_approval" if waits else "ok", fails),
          f"{what}: {error}")
    skipped, found = result.get("skipped", []), result.get("findings", [])
    holds(all(s["object"] and s["reason"] for s in skipped), f"{what}: {skipped}")
    holds(all(f["reason"] and f["evidence"] and f["confidence"]["terms"] for f in found), f"{what}: {found}")
    holds("Mine" not in str(found), f"{what} speaks of somebody's temporary table: {found}")
    contains(json.dumps({**result, "findings": []}, ensure_ascii=False), *filter(None, [SAID.get(tool, {}).get(world)]))
    if tool in FOUND and world != "churn":
        wanted = set() if world == "empty" else FOUND[tool].get(world, FOUND[tool]["bare"])
        equal({(f["object"], f["kind"]) for f in found}, wanted, f"findings of {what}")


def look(world, seen):
    """Each tool once in each database; a world is called by its database, or by who looks."""
    failures = []
    for (tool, database), document in seen.items():
        try:
            check(tool, world or database, document)
        except AssertionError as error:
            failures.append(str(error))
    equal(failures, [], "what does not fit")


def state_of(url):
    """What no tool may have changed without being asked to."""
    return psql(url, """SELECT count(*), string_agg(relfilenode::text || coalesce(reloptions::text, ''), ' ' ORDER BY c.oid)
                          FROM pg_class c WHERE c.relnamespace IN ('public'::regnamespace, '"Odd s"'::regnamespace);
                        SELECT count(*) FROM pg_db_role_setting""")


@contextlib.contextmanager
def people(url, *texts):
    """Sessions that are at work until they are ended."""
    sessions = [subprocess.Popen(["psql", "-XAtq", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, text=True) for _ in texts]
    try:
        for session, text in zip(sessions, texts):
            session.stdin.write(text + "\n")
            session.stdin.flush()
        yield
    finally:
        for session in sessions:
            session.kill()
            session.communicate()


def every_tool_in_every_world(version):
    with Ward(version) as ward, contextlib.ExitStack() as stack:
        base, port = ward.url.rsplit("/", 1)[0], ward.url.rsplit(":", 1)[-1].split("/")[0]
        for text in ("CREATE DATABASE empty", "CREATE DATABASE churn", "CREATE DATABASE bare", "CREATE ROLE weak LOGIN",
                     "CREATE ROLE watcher LOGIN IN ROLE pg_monitor"):
            ward.sql(text)
        psql(f"{base}/bare", TABLES)
        psql(f"{base}/bare", 'ANALYZE "Odd s"."T ""x"')  # by another session than the one that changed the rows
        ward.sql("CREATE DATABASE odd TEMPLATE bare")  # which counts nothing yet
        psql(f"{base}/odd", 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg; UPDATE "Odd s"."T ""x" SET "E" = "E" + 0;'
                            'DELETE FROM never WHERE a < 250;' + ASKED)
        before = state_of(f"{base}/odd")
        ward.standby()
        stack.enter_context(people(f"{base}/odd", 'CREATE TEMP TABLE "Mine" AS SELECT generate_series(1, 5000) id; CREATE INDEX ON "Mine" (id);'))
        for world, url in (("connect", ward.url.replace("postgres@", "weak@")),
                           ("monitor", ward.url.replace("postgres@", "watcher@")),
                           ("standby", f"postgresql://postgres@/postgres?host={ward.standby_home}&port={port}")):
            with World(url, "odd") as place:
                seen = place.documents()
                equal(len(seen), len(TOOLS), f"runs in {world}")
                look(world, seen)
        equal(state_of(f"{base}/odd"), before, "the world that weak roles have looked at")
        dead = "SELECT pg_stat_get_dead_tuples(c.oid) FROM pg_class c WHERE relname = 'T \"x'"
        holds(int(psql(f"{base}/odd", dead)) > 1000, "dead rows that nobody has removed")
        psql(f"{base}/churn", "CREATE TABLE stays (id int PRIMARY KEY); INSERT INTO stays SELECT generate_series(0, 9);")
        stack.enter_context(people(f"{base}/churn", CHURN.format(1), CHURN.format(2)))
        with World(ward.url, "empty", "bare", "odd", "churn") as place:
            seen = place.documents()
            equal(len(seen), 4 * len(TOOLS), "runs of who may do everything")
            look(None, seen)
        equal(state_of(f"{base}/odd"), before, "the world after runs of which nobody approved anything")
        equal(psql(f"{base}/odd", dead), "0", "dead rows after schedule_vacuum_analyze")


holds(VERSIONS, "servers")
suite(*each_version(every_tool_in_every_world), at_once=2)

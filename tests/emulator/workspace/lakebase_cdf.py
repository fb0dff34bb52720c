"""The Postgres API: change feeds, from a schema of a database to one of Unity Catalog, and what becomes of each table.

States are real as far as they follow from the tables: one without REPLICA IDENTITY FULL is skipped, the others stream. No row
is carried anywhere. What else a feed may say (it ends, it falls behind) a test sets, with /_emulator/sync_states.
"""
import re

from . import pgwire
from .clock import stamp
from .errors import exists, invalid, not_found, required
from .lakebase import SEGMENT
from .lakebase_parts import D
from .paging import page
from .pgwire import literal
from .spec import check_message, text

CONFIG = {"catalog": text(1), "schema": text(1), "postgres_schema": text(1, 63)}
C = rf"{D}/cdf-configs"
ONE = rf"{C}/(?P<c>{SEGMENT})"
STATES = ("CDF_STATE_SNAPSHOTTING", "CDF_STATE_STREAMING", "CDF_STATE_SKIPPED", "CDF_STATE_TERMINATED")
TABLES = ("SELECT c.relname, c.relreplident FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
          "WHERE n.nspname = {} AND c.relkind = 'r' AND c.relpersistence = 'p' ORDER BY 1")


class LakebaseFeeds:
    def __init__(self, lakebase, catalogs):
        self.catalogs = catalogs
        self.lakebase, self.workspace = lakebase, lakebase.workspace
        self.operations, self.computes, self.clock = lakebase.operations, lakebase.computes, lakebase.clock
        self.feeds = {}  # name: (document, {table: document})

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, path, self.lakebase._locked(call), guard)
        add("POST", C, self.create)
        add("GET", C, self.list)
        add("GET", ONE, self.get)
        add("DELETE", ONE, self.delete)
        add("GET", f"{ONE}/cdf-statuses", self.list_statuses)
        add("GET", rf"{ONE}/cdf-statuses/(?P<t>{SEGMENT})", self.get_status)
        router.add("POST", "/_emulator/sync_states", self.lakebase._locked(self.set_state))

    def _database(self, request, p, b, d):
        branch = self.lakebase.branch(p, b, request)
        if d not in branch.databases:
            raise not_found("database")
        return branch, branch.databases[d]

    def _feed(self, request, p, b, d, c):
        _, database = self._database(request, p, b, d)
        found = self.feeds.get(f"{database.name}/cdf-configs/{c}")
        if not found:
            raise not_found("cdf config")
        return found

    def create(self, request, p, b, d):
        branch, database = self._database(request, p, b, d)
        spec = check_message("cdf_config", request.json(), CONFIG)
        for field in CONFIG:
            if not spec.get(field):
                raise required(f"cdf_config.{field}")
        ident = request.query.get("cdf_config_id", "") or spec["postgres_schema"]
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", ident):
            raise invalid(f"Field 'cdf_config_id' is not valid: {ident}")
        name = f"{database.name}/cdf-configs/{ident}"
        theirs = [one for known, (one, _) in self.feeds.items() if known.startswith(f"{database.name}/cdf-configs/")]
        if name in self.feeds or any(one["postgres_schema"] == spec["postgres_schema"] for one in theirs):
            raise exists("cdf config already exists")
        self.operations.check_free(branch.parent.ident)
        one = {"name": name, "cdf_config_id": ident, "create_time": stamp(self.clock.now()), **spec}
        statuses = {}

        def finish():
            self.feeds[name] = (one, statuses)
            return one
        return self.lakebase.answer(self.operations.start("CdfConfig", "CREATE", name, branch.parent.ident, finish=finish,
                                                          work=lambda: self._look(branch, database, one, statuses)))

    def _look(self, branch, database, one, statuses):
        """The tables that are there when the feed begins."""
        cluster = self.computes.wake(next(end for end in branch.endpoints.values() if end.writes))
        with pgwire.Client(cluster.socket, database.database) as client:
            lsn = client.query("SELECT pg_current_wal_lsn()")[0][0]
            for table, identity in client.query(TABLES.format(literal(one["postgres_schema"]))):
                now = stamp(self.clock.now())
                made = {"name": f"{one['name']}/cdf-statuses/{table}", "postgres_table": table, "create_time": now,
                        "uc_table": f"{one['catalog']}.{one['schema']}.{table}"}
                statuses[table] = {**made, **(
                    {"state": "CDF_STATE_STREAMING", "committed_lsn": lsn, "last_sync_time": now} if identity == "f" else
                    {"state": "CDF_STATE_SKIPPED", "status_detail": "the table does not have REPLICA IDENTITY FULL"})}

    def list(self, request, p, b, d):
        _, database = self._database(request, p, b, d)
        found = [one for name, (one, _) in self.feeds.items() if name.startswith(f"{database.name}/cdf-configs/")]
        return page(request, "cdf_configs", found, dict, self.lakebase.settings, sparse=True)

    def get(self, request, p, b, d, c):
        return self._feed(request, p, b, d, c)[0]

    def delete(self, request, p, b, d, c):
        one, _ = self._feed(request, p, b, d, c)
        self.operations.check_free(p)
        return self.lakebase.answer(self.operations.start("CdfConfig", "DELETE", one["name"], p,
                                                          finish=lambda: self._forget(one["name"])))

    def _forget(self, name):
        self.feeds.pop(name, None)

    def list_statuses(self, request, p, b, d, c):
        _, statuses = self._feed(request, p, b, d, c)
        return page(request, "cdf_statuses", list(statuses.values()), dict, self.lakebase.settings, sparse=True)

    def get_status(self, request, p, b, d, c, t):
        _, statuses = self._feed(request, p, b, d, c)
        if t not in statuses:
            raise not_found("cdf status")
        return statuses[t]

    def set_state(self, request):
        """What a test makes a table's feed, or a synced table, say."""
        body = request.json()
        name, values = body.get("name", ""), body.get("status", {})
        feed, _, table = name.partition("/cdf-statuses/")
        if name.startswith("synced_tables/"):
            known = self.catalogs.get_synced(request, name.partition("/")[2])["status"]
        elif table in self.feeds.get(feed, ({}, {}))[1]:
            known = self.feeds[feed][1][table]
            if values.get("state", STATES[0]) not in STATES:
                raise invalid(f"no such state: {values['state']}; there are: {', '.join(STATES)}")
        else:
            raise not_found("cdf status")
        known.update(values)
        return known

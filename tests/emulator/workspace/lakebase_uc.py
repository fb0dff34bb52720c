"""The Postgres API where it meets Unity Catalog: registered catalogs and synced tables; and the settings of the Data API.

A synced table is really copied: its rows are read through the SQL engine and written into the branch. A registered catalog is
known to Unity Catalog, but its tables cannot be queried through it here. The Data API has its control plane, no data plane.
"""
import re
import uuid

from . import pgwire
from .clock import stamp
from .errors import ApiError, exists, invalid, not_found, required
from .lakebase import BASE, SEGMENT
from .lakebase_parts import D
from .pgwire import ident, literal
from .spec import boolean, body_spec, list_of, masked, message, number, one_of, span, text

CATALOG = {"branch": text(1), "postgres_database": text(1, 63), "create_database_if_missing": boolean}
POLICIES = ("SNAPSHOT", "TRIGGERED", "CONTINUOUS")
PIPELINE = message({"storage_catalog": text(1), "storage_schema": text(1), "budget_policy_id": text()})
SYNCED = {"source_table_full_name": text(1), "primary_key_columns": list_of(text(1)), "scheduling_policy": one_of(*POLICIES),
          "branch": text(1), "postgres_database": text(1, 63), "create_database_objects_if_missing": boolean, "timeseries_key": text(1),
          "new_pipeline_spec": PIPELINE, "existing_pipeline_id": text(1)}
DATA_API = {"db_schemas": list_of(text(1, 63)), "db_extra_search_path": list_of(text(1, 63)), "db_max_rows": number(1, 1 << 31, True),
            "db_aggregates_enabled": boolean, "server_cors_allowed_origins": list_of(text(1)), "server_timing_enabled": boolean,
            "openapi_mode": one_of("OPEN_API_MODE_IGNORE_PRIVILEGES", "OPEN_API_MODE_DISABLED"), "jwt_role_claim_key": text(1),
            "jwt_cache_max_lifetime": span(0, 86400)}
POSTGRES_TYPES = {"LONG": "bigint", "INT": "integer", "SHORT": "smallint", "BYTE": "smallint", "DOUBLE": "double precision", "FLOAT": "real",
                  "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamptz", "STRING": "text", "BINARY": "bytea", "DECIMAL": "numeric",
                  "ARRAY": "jsonb", "MAP": "jsonb", "STRUCT": "jsonb"}
BATCH = 500


class LakebaseCatalogs:
    def __init__(self, lakebase):
        self.lakebase, self.workspace = lakebase, lakebase.workspace
        self.operations, self.computes, self.clock = lakebase.operations, lakebase.computes, lakebase.clock
        self.registered, self.synced, self.data_apis = {}, {}, {}

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, path, self.lakebase._locked(call), guard)
        add("POST", f"{BASE}/catalogs", self.create_catalog)
        add("GET", rf"{BASE}/catalogs/(?P<name>{SEGMENT})", self.get_catalog)
        add("DELETE", rf"{BASE}/catalogs/(?P<name>{SEGMENT})", self.delete_catalog)
        add("POST", f"{BASE}/synced_tables", self.create_synced)
        add("GET", rf"{BASE}/synced_tables/(?P<name>{SEGMENT})", self.get_synced)
        add("DELETE", rf"{BASE}/synced_tables/(?P<name>{SEGMENT})", self.delete_synced)
        add("POST GET PATCH DELETE", f"{D}/data-api", self.data_api)

    def _begin(self, kind, verb, name, branch, **more):
        self.operations.check_free(branch.parent.ident)
        return self.lakebase.answer(self.operations.start(kind, verb, name, branch.parent.ident, **more))

    def _database(self, branch, name, field, lenient=False):
        if not name:
            raise required(field)
        found = next((one for one in branch.databases.values() if one.database == name), None)
        if not found and not lenient:
            raise not_found("database")
        return found

    # ---- registered catalogs

    def create_catalog(self, request):
        name = request.query.get("catalog_id", "")
        if not name:
            raise required("catalog_id")
        if not re.fullmatch(r"[a-z0-9_]{1,255}", name):
            raise invalid(f"'{name}' is not a valid name for a catalog")
        spec = body_spec("catalog", request.json(), CATALOG)
        if not spec.get("branch"):
            raise required("catalog.spec.branch")
        branch = self.lakebase.branch_of_name(spec["branch"], "spec.branch")
        database = self._database(branch, spec.get("postgres_database"), "catalog.spec.postgres_database")
        if name in self.workspace.catalogs.catalogs:
            raise exists(f"catalog '{name}' already exists")
        if database.uid in branch.catalogs:
            raise exists(f"database '{database.database}' is registered already, as {branch.catalogs[database.uid]}")
        one = {"name": f"catalogs/{name}", "catalog_id": name, "uid": str(uuid.uuid4()), "create_time": stamp(self.clock.now()),
               "status": {"branch": branch.name, "project": branch.parent.name, "postgres_database": database.database}}

        def finish():
            self.registered[name] = (one, branch, database)
            branch.catalogs[database.uid] = name
            self.workspace.catalogs.add_catalog(name, "MANAGED_ONLINE_CATALOG", owner=request.principal.login)
            return one
        return self._begin("Catalog", "CREATE", f"catalogs/{name}", branch, finish=finish)

    def _registered(self, name):
        if name not in self.registered:
            raise not_found("catalog")
        return self.registered[name]

    def get_catalog(self, _request, name):
        return self._registered(name)[0]

    def delete_catalog(self, _request, name):
        _, branch, database = self._registered(name)

        def finish():
            self.registered.pop(name)
            branch.catalogs.pop(database.uid, None)
            self.workspace.catalogs.drop_catalog(name)
        return self._begin("Catalog", "DELETE", f"catalogs/{name}", branch, finish=finish)

    # ---- synced tables

    def create_synced(self, request):
        name = request.query.get("synced_table_id", "")
        if not name:
            raise required("synced_table_id")
        if len(name.split(".")) != 3 or not all(name.split(".")):
            raise invalid(f"'{name}' is not a name of the form catalog.schema.table")
        spec = body_spec("synced_table", request.json(), SYNCED)
        for field in ("source_table_full_name", "primary_key_columns", "branch", "postgres_database"):
            if not spec.get(field):
                raise required(f"synced_table.spec.{field}")
        branch = self.lakebase.branch_of_name(spec["branch"], "spec.branch")
        self._database(branch, spec["postgres_database"], "synced_table.spec.postgres_database")
        if name in self.synced:
            raise exists("synced table with such id already exists")
        if spec.get("scheduling_policy", "SNAPSHOT") != "SNAPSHOT":
            raise ApiError(501, "NOT_IMPLEMENTED", "the emulator syncs by SNAPSHOT only")
        source = self.workspace.catalogs.find_table(spec["source_table_full_name"])
        lacking = [key for key in spec["primary_key_columns"] if key not in [column["name"] for column in source["columns"]]]
        if lacking:
            raise invalid(f"primary key column '{lacking[0]}' is not in the source table")
        one = {"name": f"synced_tables/{name}", "synced_table_id": name, "uid": str(uuid.uuid4()), "create_time": stamp(self.clock.now()),
               "status": {"detailed_state": "SYNCED_TABLE_PROVISIONING", "unity_catalog_provisioning_state": "PROVISIONING",
                          "pipeline_id": str(uuid.uuid4())}}
        self.synced[name] = (one, branch)

        def finish():
            one["status"].update(detailed_state="SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE", unity_catalog_provisioning_state="ACTIVE",
                                 last_sync_time=stamp(self.clock.now()))
            return one
        return self._begin("SyncedTable", "CREATE", f"synced_tables/{name}", branch, finish=finish, undo=lambda: self.synced.pop(name),
                           work=lambda: self._copy(name, spec, branch, source, request.principal))

    def _copy(self, name, spec, branch, source, principal):
        """Reads the source through the engine and writes it into the branch, in one transaction."""
        rows = self.workspace.statements.read(f"SELECT * FROM {spec['source_table_full_name']}", principal)
        cluster = self.computes.wake(next(one for one in branch.endpoints.values() if one.writes))
        _, schema, table = name.split(".")
        target, keys = f"{ident(schema)}.{ident(table)}", ", ".join(ident(key) for key in spec["primary_key_columns"])
        fields = ", ".join(f"{ident(column['name'])} {POSTGRES_TYPES[column['type_name']]}" for column in source["columns"])
        with pgwire.Client(cluster.socket, spec["postgres_database"]) as client:
            client.query("BEGIN")
            client.query(f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}")
            client.query(f"CREATE TABLE {target} ({fields}, PRIMARY KEY ({keys}))")
            for start in range(0, len(rows), BATCH):
                values = ", ".join("(" + ", ".join("NULL" if value is None else literal(value) for value in row) + ")"
                                   for row in rows[start:start + BATCH])
                client.query(f"INSERT INTO {target} VALUES {values}")
            client.query(f"GRANT SELECT ON {target} TO databricks_superuser")
            client.query("COMMIT")

    def _synced(self, name):
        if name not in self.synced:
            raise not_found("synced table")
        return self.synced[name]

    def get_synced(self, _request, name):
        return self._synced(name)[0]

    def delete_synced(self, _request, name):
        """The table in Postgres stays."""
        return self._begin("SyncedTable", "DELETE", f"synced_tables/{name}", self._synced(name)[1], finish=lambda: self._forget(name))

    def _forget(self, name):
        self.synced.pop(name, None)

    # ---- the Data API's settings

    def data_api(self, request, p, b, d):
        branch = self.lakebase.branch(p, b, request)
        database = branch.databases.get(d)
        if not database:
            raise not_found("database")
        name = f"{database.name}/data-api"
        known = self.data_apis.get(name)
        if request.method == "POST":
            return self._make_data_api(request, branch, database, name, known)
        if not known:
            raise not_found("data api")
        if request.method == "GET":
            return known
        if request.method == "DELETE":
            return self._begin("DataApi", "DELETE", name, branch, finish=lambda: self._drop_data_api(name))
        spec = body_spec("data_api", request.json(), DATA_API)
        # A mask of spec alone with nothing in it only refreshes what is cached of the schemas.
        refresh = request.query.get("update_mask") == "spec" and not spec
        wanted = known["status"] if refresh else masked(request, spec, DATA_API, known["status"])

        def finish():
            known["status"], known["update_time"] = wanted, stamp(self.clock.now())
            return known
        return self._begin("DataApi", "UPDATE", name, branch, finish=finish)

    def _make_data_api(self, request, branch, database, name, known):
        spec = body_spec("data_api", request.json(), DATA_API)
        if not spec:
            raise invalid("Field 'data_api' is required and must contain at least one subfield with a non-default value")
        if known:
            raise exists("data api already exists")
        endpoint = next(one for one in branch.endpoints.values() if one.writes)
        now = stamp(self.clock.now())
        url = f"https://{endpoint.hosts.get('host')}/api/2.0/workspace/{self.workspace.number}/rest/{database.database}"
        one = {"name": name, "parent": database.name, "create_time": now, "update_time": now,
               "status": {"db_schemas": ["public"], "db_aggregates_enabled": True, "jwt_role_claim_key": ".sub", **spec, "url": url}}

        def finish():
            self.data_apis[name] = one
            return one
        return self._begin("DataApi", "CREATE", name, branch, finish=finish, work=lambda: self._let_in(branch, database))

    def _let_in(self, branch, database):
        """The role that the Data API logs in as, and its schema."""
        cluster = self.computes.wake(next(one for one in branch.endpoints.values() if one.writes))
        with pgwire.Client(cluster.socket, database.database) as client:
            if not client.query("SELECT 1 FROM pg_roles WHERE rolname = 'authenticator'"):
                client.query("CREATE ROLE authenticator NOLOGIN NOINHERIT")
            client.query("CREATE SCHEMA IF NOT EXISTS pgrst AUTHORIZATION authenticator")

    def _drop_data_api(self, name):
        self.data_apis.pop(name, None)

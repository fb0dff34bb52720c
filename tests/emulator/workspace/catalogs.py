"""Unity Catalog: catalogs, schemas, volumes, tables and grants."""
import re
import uuid

from .errors import ApiError, bad_request, invalid, required
from .paging import page
from .system_tables import TABLES

BASE = "/api/2.1/unity-catalog"
NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
SECURABLES = ("catalog", "schema", "table", "volume", "function", "external_location", "connection", "metastore")
PRIVILEGES = set("ALL_PRIVILEGES BROWSE USE_CATALOG USE_SCHEMA SELECT MODIFY CREATE_SCHEMA CREATE_TABLE CREATE_VOLUME CREATE_FUNCTION "
                 "READ_VOLUME WRITE_VOLUME EXECUTE MANAGE CREATE_CATALOG USE_CONNECTION CREATE_CONNECTION APPLY_TAG "
                 "CREATE_MATERIALIZED_VIEW REFRESH CREATE_MODEL".split())
GROUPS = ("account users", "data-team", "admins")


def missing(kind, name):
    return ApiError(404, f"{kind.upper()}_DOES_NOT_EXIST", f"{kind.capitalize()} '{name}' does not exist.")


class Catalogs:
    def __init__(self, workspace):
        self.workspace, self.lock = workspace, workspace.lock
        self.catalogs, self.schemas, self.volumes, self.grants = {}, {}, {}, {}
        workspace.catalogs = self
        self._keep("system", "SYSTEM_CATALOG")
        for schema in ("billing", "access"):
            self._keep_schema("system", schema)

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, BASE + path, self._locked(call), guard)
        add("POST", "/catalogs", self.create_catalog)
        add("GET", "/catalogs", lambda request: self._list(request, "catalogs", self.catalogs.values()))
        add("GET", "/catalogs/(?P<name>[^/]+)", lambda request, name: self._get(self.catalogs, "catalog", name))
        add("PATCH", "/catalogs/(?P<name>[^/]+)", lambda request, name: self._patch(request, self.catalogs, "catalog", name))
        add("DELETE", "/catalogs/(?P<name>[^/]+)", self.delete_catalog)
        add("POST", "/schemas", self.create_schema)
        add("GET", "/schemas", self.list_schemas)
        add("GET", "/schemas/(?P<name>[^/]+)", lambda request, name: self._get(self.schemas, "schema", name))
        add("PATCH", "/schemas/(?P<name>[^/]+)", lambda request, name: self._patch(request, self.schemas, "schema", name))
        add("DELETE", "/schemas/(?P<name>[^/]+)", self.delete_schema)
        add("POST", "/volumes", self.create_volume)
        add("GET", "/volumes", self.list_volumes)
        add("GET", "/volumes/(?P<name>[^/]+)", lambda request, name: self._get(self.volumes, "volume", name))
        add("DELETE", "/volumes/(?P<name>[^/]+)", self.delete_volume)
        router.add("GET", f"{BASE}/tables", self.list_tables, guard)
        router.add("GET", f"{BASE}/table-summaries", self.summaries, guard)
        router.add("GET", f"{BASE}/tables/(?P<name>[^/]+)/exists", self.table_exists, guard)
        router.add("GET", f"{BASE}/tables/(?P<name>[^/]+)", self.get_table, guard)
        router.add("DELETE", f"{BASE}/tables/(?P<name>[^/]+)", self.delete_table, guard)
        add("GET PATCH", r"/(?P<effective>effective-)?permissions/(?P<kind>[^/]+)/(?P<name>[^/]+)", self.permissions)

    def _locked(self, call):
        def run(request, **names):
            with self.lock:
                return call(request, **names)
        return run

    # ---- what all of them share

    def _info(self, **more):
        now = int(self.workspace.clock.now() * 1000)
        return {**more, "owner": more.get("owner", self.workspace.auth.user.login), "created_at": now, "updated_at": now}

    def _get(self, where, kind, name):
        if name not in where:
            raise missing(kind, name)
        return where[name]

    def _patch(self, request, where, kind, name):
        found, body = self._get(where, kind, name), request.json()
        for field, value in body.items():
            if field not in ("comment", "owner", "properties"):
                raise invalid(f"Field '{field}' cannot be changed")
            found[field] = value
        found["updated_at"] = int(self.workspace.clock.now() * 1000)
        return found

    def _list(self, request, key, items):
        request.query.setdefault("max_results", "0")
        return page(request, key, sorted(items, key=lambda one: one.get("full_name", one["name"])), lambda one: one,
                    self.workspace.settings, low=0, size_name="max_results")

    @staticmethod
    def _name(body, field="name"):
        name = body.get(field)
        if not name:
            raise required(field)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise invalid(f"'{name}' is not a valid name")
        return name.lower()

    # ---- catalogs and schemas

    def _keep(self, name, kind="MANAGED_CATALOG", **more):
        self.catalogs[name] = self._info(name=name, full_name=name, catalog_type=kind, **more)
        return self.catalogs[name]

    def _keep_schema(self, catalog, name, **more):
        full = f"{catalog}.{name}"
        self.schemas[full] = self._info(name=name, catalog_name=catalog, full_name=full, **more)
        return self.schemas[full]

    def create_catalog(self, request):
        body = request.json()
        name = self._name(body)
        if name in self.catalogs:
            raise ApiError(400, "CATALOG_ALREADY_EXISTS", f"Catalog '{name}' already exists")
        return self.add_catalog(name, comment=body.get("comment", ""), owner=request.principal.login)

    def add_catalog(self, name, kind="MANAGED_CATALOG", **more):
        """Also for those that SQL and the Postgres API make."""
        info = self._keep(name, kind, **more)
        if kind == "MANAGED_CATALOG":
            self.workspace.statements.engine.create_catalog(name)
            for schema in ("default", "information_schema"):
                self._keep_schema(name, schema)
            self.workspace.statements.engine.create_schema(name, "default")
        return info

    def delete_catalog(self, request, name):
        self._get(self.catalogs, "catalog", name)
        inside = [full for full in self.schemas if full.split(".")[0] == name and self.schemas[full]["name"] not in
                  ("default", "information_schema")]
        if inside and not request.flag("force"):
            raise ApiError(400, "CATALOG_NOT_EMPTY", f"Catalog '{name}' is not empty")
        self.drop_catalog(name)

    def drop_catalog(self, name):
        for full in [full for full in self.schemas if full.split(".")[0] == name]:
            self.drop_schema(full)
        kind = self.catalogs.pop(name)["catalog_type"]
        if kind == "MANAGED_CATALOG":
            self.workspace.statements.engine.drop_catalog(name)

    def create_schema(self, request):
        body = request.json()
        name, catalog = self._name(body), self._name(body, "catalog_name")
        self._get(self.catalogs, "catalog", catalog)
        if f"{catalog}.{name}" in self.schemas:
            raise ApiError(400, "SCHEMA_ALREADY_EXISTS", f"Schema '{catalog}.{name}' already exists")
        return self.add_schema(catalog, name, comment=body.get("comment", ""), owner=request.principal.login)

    def add_schema(self, catalog, name, **more):
        self.workspace.statements.engine.create_schema(catalog, name)
        return self._keep_schema(catalog, name, **more)

    def list_schemas(self, request):
        catalog = request.query.get("catalog_name", "")
        self._get(self.catalogs, "catalog", catalog)
        return self._list(request, "schemas", [one for one in self.schemas.values() if one["catalog_name"] == catalog])

    def delete_schema(self, request, name):
        self._get(self.schemas, "schema", name)
        inside = [full for full in self.volumes if full.startswith(f"{name}.")]
        tables = self.workspace.statements.engine.tables(*name.split("."))
        if (inside or tables) and not request.flag("force"):
            raise ApiError(400, "SCHEMA_NOT_EMPTY", f"Schema '{name}' is not empty")
        self.drop_schema(name)

    def drop_schema(self, full):
        for volume in [name for name in self.volumes if name.startswith(f"{full}.")]:
            self.drop_volume(volume)
        self.schemas.pop(full)
        if self.catalogs[full.split(".")[0]]["catalog_type"] == "MANAGED_CATALOG":
            self.workspace.statements.engine.drop_schema(*full.split("."))

    # ---- volumes

    def create_volume(self, request):
        body = request.json()
        name, catalog, schema = self._name(body), self._name(body, "catalog_name"), self._name(body, "schema_name")
        self._get(self.schemas, "schema", f"{catalog}.{schema}")
        kind = body.get("volume_type")
        if kind != "MANAGED":
            raise invalid("volume_type must be MANAGED; external storage cannot be reached from here")
        if f"{catalog}.{schema}.{name}" in self.volumes:
            raise ApiError(409, "RESOURCE_ALREADY_EXISTS", f"Volume '{catalog}.{schema}.{name}' already exists")
        return self.add_volume(catalog, schema, name, comment=body.get("comment", ""), owner=request.principal.login)

    def add_volume(self, catalog, schema, name, **more):
        full = f"{catalog}.{schema}.{name}"
        self.workspace.volumes.make_volume(full)
        self.volumes[full] = self._info(name=name, catalog_name=catalog, schema_name=schema, full_name=full, volume_type="MANAGED",
                                        volume_id=str(uuid.uuid4()), storage_location=f"s3://emulator/{full}", **more)
        return self.volumes[full]

    def list_volumes(self, request):
        schema = f"{request.query.get('catalog_name', '')}.{request.query.get('schema_name', '')}"
        self._get(self.schemas, "schema", schema)
        return self._list(request, "volumes", [one for full, one in self.volumes.items() if full.startswith(f"{schema}.")])

    def delete_volume(self, _request, name):
        self._get(self.volumes, "volume", name)
        self.drop_volume(name)

    def drop_volume(self, name):
        self.volumes.pop(name)
        self.workspace.volumes.drop_volume(name)

    def require_volume(self, full):
        if full.lower() not in self.volumes:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Volume '{full}' does not exist.")

    # ---- tables, as the engine has them

    def _tables(self, catalog, schema):
        self._get(self.catalogs, "catalog", catalog)
        self._get(self.schemas, "schema", f"{catalog}.{schema}")
        found = self._system(schema) if catalog == "system" else self.workspace.statements.engine.tables(catalog, schema)
        return [self._table(catalog, schema, one) for one in found]

    @staticmethod
    def _system(schema):
        """Known without an engine."""
        return [{"name": name, "kind": "TABLE", "id": f"system.{schema}.{name}",
                 "columns": [(column, {"VARCHAR": "STRING"}.get(kind, kind), kind.split("(")[0], True) for column, kind in columns.items()]}
                for (place, name), columns in TABLES.items() if place == schema]

    def _table(self, catalog, schema, table):
        columns = [{"name": name, "type_text": text.lower(), "type_name": kind, "position": position, "nullable": nullable}
                   for position, (name, text, kind, nullable) in enumerate(table["columns"])]
        view = table["kind"] == "VIEW"
        return {"name": table["name"], "catalog_name": catalog, "schema_name": schema, "columns": columns,
                "full_name": f"{catalog}.{schema}.{table['name']}", "table_type": "VIEW" if view else "MANAGED",
                "data_source_format": None if view else "DELTA", "table_id": table["id"], "owner": self.workspace.auth.user.login,
                "properties": {}, "comment": table.get("comment")}

    def list_tables(self, request):
        found = self._tables(request.query.get("catalog_name", ""), request.query.get("schema_name", ""))
        if request.flag("omit_columns"):
            for table in found:
                table.pop("columns")
        return self._list(request, "tables", found)

    def summaries(self, request):
        catalog = request.query.get("catalog_name", "")
        self._get(self.catalogs, "catalog", catalog)
        schemas = [one["name"] for one in self.schemas.values() if one["catalog_name"] == catalog
                   and like(one["name"], request.query.get("schema_name_pattern"))]
        found = [table for schema in schemas for table in self._tables(catalog, schema)
                 if like(table["name"], request.query.get("table_name_pattern"))]
        return self._list(request, "tables", [{"name": one["full_name"], "full_name": one["full_name"], "table_type": one["table_type"]}
                                              for one in found])

    def find_table(self, name):
        parts = name.lower().split(".")
        if len(parts) != 3:
            raise bad_request(f"'{name}' is not a full name of a table")
        if f"{parts[0]}.{parts[1]}" not in self.schemas:
            raise missing("table", name)
        for table in self._tables(*parts[:2]):
            if table["name"] == parts[2]:
                return table
        raise missing("table", name)

    def get_table(self, _request, name):
        return self.find_table(name)

    def table_exists(self, _request, name):
        try:
            self.find_table(name)
        except ApiError as error:
            if error.status != 404:
                raise
            return {"table_exists": False}
        return {"table_exists": True}

    def delete_table(self, _request, name):
        table = self.find_table(name)
        self.workspace.statements.engine.drop_table(*name.lower().split("."), table["table_type"] == "VIEW")

    # ---- grants

    def _securable(self, kind, name):
        kind = kind.lower()
        if kind not in SECURABLES:
            raise invalid(f"'{kind}' is not a securable type")
        where = {"catalog": self.catalogs, "schema": self.schemas, "volume": self.volumes}.get(kind)
        if where is not None:
            self._get(where, kind, name)
        elif kind == "table":
            self.find_table(name)
        return kind, name.lower()

    def _known(self, principal):
        auth = self.workspace.auth
        return principal in GROUPS or principal == auth.user.login or principal in auth.clients

    def change_grant(self, kind, name, principal, add=(), remove=()):
        key = self._securable(kind, name)
        if not self._known(principal):
            raise ApiError(404, "PRINCIPAL_DOES_NOT_EXIST", f"Could not find principal with name {principal}")
        for privilege in (*add, *remove):
            if privilege not in PRIVILEGES:
                raise invalid(f"'{privilege}' is not a privilege")
        held = self.grants.setdefault(key, {}).setdefault(principal, set())
        held.update(add)
        held.difference_update(remove)
        if not held:
            del self.grants[key][principal]

    def may(self, principal, kind, name, privilege):
        """Guests have what they were given, here or above; everybody else may."""
        if principal.login not in self.workspace.guests:
            return True
        parts = name.lower().split(".")
        above = [("catalog", parts[0]), ("schema", ".".join(parts[:2])), (kind, name.lower())]
        held = set().union(*(self.grants.get(key, {}).get(principal.login, set()) for key in above))
        return bool(held & {privilege, "ALL_PRIVILEGES"})

    def permissions(self, request, effective, kind, name):
        key = self._securable(kind, name)
        if request.method == "PATCH":
            if effective:
                raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for 'PATCH {request.path}'")
            for change in request.json().get("changes", []):
                self.change_grant(kind, name, change.get("principal", ""), change.get("add", ()), change.get("remove", ()))
        assignments = self._assignments(key, bool(effective))
        only = request.query.get("principal")
        return {"privilege_assignments": [one for one in assignments if not only or one["principal"] == only]}

    def _assignments(self, key, effective):
        """With what is inherited from schema and catalog, if asked."""
        own = [{"principal": who, "privileges": sorted(held)} for who, held in sorted(self.grants.get(key, {}).items())]
        if not effective:
            return own
        shown = [{"principal": one["principal"], "privileges": [{"privilege": p} for p in one["privileges"]]} for one in own]
        parts = key[1].split(".")
        for depth, kind in ((1, "catalog"), (2, "schema")):
            above = ".".join(parts[:depth])
            if len(parts) > depth:
                for who, held in sorted(self.grants.get((kind, above), {}).items()):
                    shown.append({"principal": who, "privileges": [
                        {"privilege": p, "inherited_from_type": kind.upper(), "inherited_from_name": above} for p in sorted(held)]})
        return shown


def like(text, pattern):
    if not pattern:
        return True
    return re.fullmatch("".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern), text) is not None

"""The Postgres API: endpoints, roles, databases, credentials, catalogs and synced tables."""
import re
import uuid

from .clock import parse_duration, parse_stamp, stamp
from .errors import ApiError, bad_request, exists, invalid, managed_by_parent, not_found, required, trace
from .lakebase import B, BASE, SEGMENT
from .paging import page
from .pgwire import ident as quoted
from .resources import Database, Endpoint, Role
from .spec import DATABASE, ENDPOINT, ROLE, body_spec, check_id, masked, sizes

E = rf"{B}/endpoints/(?P<e>{SEGMENT})"
R = rf"{B}/roles/(?P<r>{SEGMENT})"
D = rf"{B}/databases/(?P<d>{SEGMENT})"
CREDENTIAL_MIN_S, CREDENTIAL_MAX_S = 300, 3600
PER_BRANCH = 500


class LakebaseParts:
    def __init__(self, lakebase):
        self.lakebase, self.workspace = lakebase, lakebase.workspace
        self.settings, self.clock = lakebase.settings, lakebase.clock
        self.operations, self.computes = lakebase.operations, lakebase.computes

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, path, self.lakebase._locked(call), guard)
        add("POST", f"{B}/endpoints", self.create_endpoint)
        add("GET", f"{B}/endpoints", self.list_endpoints)
        add("GET", E, self.get_endpoint)
        add("PATCH", E, self.update_endpoint)
        add("DELETE", E, self.delete_endpoint)
        add("POST", f"{B}/roles", self.create_role)
        add("GET", f"{B}/roles", self.list_roles)
        add("GET", R, self.get_role)
        add("PATCH", R, self.update_role)
        add("DELETE", R, self.delete_role)
        add("POST", f"{R}/password", self.reveal_password)
        add("POST", f"{B}/databases", self.create_database)
        add("GET", f"{B}/databases", self.list_databases)
        add("GET", D, self.get_database)
        add("PATCH", D, self.update_database)
        add("DELETE", D, self.delete_database)
        add("POST", f"{BASE}/credentials", self.credentials)

    def _render(self, one):
        return one.render(self.settings)

    def _start(self, kind, verb, one, begin=None, work=None, finish=None, undo=None):
        """`begin` is what is seen at once, if the operation is accepted."""
        project = one.parent.parent.ident
        self.operations.check_free(project)
        if begin:
            begin()
        return self.lakebase.answer(self.operations.start(kind, verb, one.name, project, work=work, finish=finish, undo=undo))

    # ---- endpoints

    def endpoint(self, request, p, b, e, level="CAN_USE"):
        found = self.lakebase.branch(p, b, request, level).endpoints.get(e)
        if not found:
            raise not_found("endpoint")
        return found

    def create_endpoint(self, request, p, b):
        ident = check_id("endpoint_id", request.query.get("endpoint_id", ""))
        branch = self.lakebase.branch(p, b, request, "CAN_MANAGE")
        spec = body_spec("endpoint", request.json(), ENDPOINT)
        if "endpoint_type" not in spec:
            raise required("endpoint.spec.endpoint_type")
        spec = self.lakebase.inherited(branch, spec)
        sizes(spec)
        known = branch.endpoints.get(ident)
        if known and request.flag("replace_existing"):
            return self._change_endpoint(known, {**known.spec, **spec})
        if known:
            raise exists("endpoint with such id already exists")
        if spec["endpoint_type"] == "ENDPOINT_TYPE_READ_WRITE":
            raise bad_request("a branch has exactly one read-write endpoint")
        endpoint = Endpoint(branch, ident, spec, self.clock.now())

        def finish():
            self.lakebase.settle(endpoint)
            return self._render(endpoint)
        return self._start("Endpoint", "CREATE", endpoint, begin=lambda: branch.endpoints.update({ident: endpoint}),
                           finish=finish, undo=lambda: branch.endpoints.pop(ident, None))

    def list_endpoints(self, request, p, b):
        found = list(self.lakebase.branch(p, b, request).endpoints.values())
        return page(request, "endpoints", found, self._render, self.settings, low=10)

    def get_endpoint(self, request, p, b, e):
        return self._render(self.endpoint(request, p, b, e))

    def update_endpoint(self, request, p, b, e):
        endpoint = self.endpoint(request, p, b, e, "CAN_MANAGE")
        spec = body_spec("endpoint", request.json(), ENDPOINT)
        if "endpoint_type" not in spec:
            raise required("endpoint.spec.endpoint_type")
        return self._change_endpoint(endpoint, masked(request, spec, ENDPOINT, endpoint.spec))

    def _change_endpoint(self, endpoint, wanted):
        sizes(wanted)
        if wanted["endpoint_type"] != endpoint.spec["endpoint_type"]:
            raise invalid("Field 'spec.endpoint_type' cannot be changed")
        before = endpoint.pg_settings()

        def finish():
            endpoint.spec = wanted
            endpoint.touch(self.clock.now())
            # Other settings need another server; people's sessions end with the old one, as on the platform.
            if wanted.get("disabled") or endpoint.pg_settings() != before:
                self.computes.suspend_later(endpoint, True)
            if not wanted.get("disabled"):
                self.lakebase.settle(endpoint)
            return self._render(endpoint)
        return self._start("Endpoint", "UPDATE", endpoint, finish=finish)

    def delete_endpoint(self, request, p, b, e):
        endpoint = self.endpoint(request, p, b, e, "CAN_MANAGE")
        branch = endpoint.parent
        if branch.protected:
            raise bad_request("endpoint cannot be deleted for a protected branch")
        if endpoint.writes:
            raise managed_by_parent(f"Cannot delete read-write endpoint '{endpoint.name}'. Read-write endpoints cannot be deleted.")
        if endpoint.pending:
            raise ApiError(409, "ABORTED", f"endpoint '{endpoint.name}' has a reconciliation in progress")

        def finish():
            branch.endpoints.pop(e, None)
            self.lakebase.front.withdraw(endpoint)
            if endpoint.cluster:
                self.workspace.background(lambda: self.computes.host.forget(endpoint.cluster))
        return self._start("Endpoint", "DELETE", endpoint, finish=finish)

    # ---- roles

    def role(self, request, p, b, r, level="CAN_USE"):
        found = self.lakebase.branch(p, b, request, level).roles.get(r)
        if not found:
            raise not_found("role")
        return found

    def _check_login(self, branch, spec):
        kind, auth = spec.get("identity_type"), spec.get("auth_method")
        if auth == "LAKEBASE_OAUTH_V1" and not kind:
            raise invalid("Field 'spec.auth_method' LAKEBASE_OAUTH_V1 needs an identity_type")
        native = (auth or ("" if kind else "PG_PASSWORD_SCRAM_SHA_256")) == "PG_PASSWORD_SCRAM_SHA_256"
        if native and not branch.parent.spec.get("enable_pg_native_login"):
            raise bad_request("native login is not enabled on the project")

    def create_role(self, request, p, b):
        ident = request.query.get("role_id", "") or f"role-{uuid.uuid4().hex[:12]}"
        check_id("role_id", ident)
        branch = self.lakebase.branch(p, b, request)
        spec = body_spec("role", request.json(), ROLE)
        if "postgres_role" not in spec:
            if spec.get("identity_type"):
                raise required("role.spec.postgres_role")
            spec["postgres_role"] = ident
        if spec["postgres_role"].startswith(("pg_", "databricks_", "lakebase_")) or spec["postgres_role"] in ("postgres", "public"):
            raise bad_request(f"role name '{spec['postgres_role']}' is reserved")
        known = branch.roles.get(ident)
        if known and request.flag("replace_existing"):
            return self._change_role(known, {**known.spec, "membership_roles": [], **spec})
        if known or any(one.login == spec["postgres_role"] for one in branch.roles.values()):
            raise bad_request("role with that name already exists")
        self._check_login(branch, spec)
        if len(branch.roles) >= PER_BRANCH:
            raise bad_request(f"a branch has at most {PER_BRANCH} roles")
        role = Role(branch, ident, spec, self.clock.now())
        return self._start("Role", "CREATE", role, begin=lambda: branch.roles.update({ident: role}),
                           work=lambda: self.computes.changed(branch), finish=lambda: self._render(role),
                           undo=lambda: branch.roles.pop(ident, None))

    def list_roles(self, request, p, b):
        return page(request, "roles", list(self.lakebase.branch(p, b, request).roles.values()), self._render, self.settings)

    def get_role(self, request, p, b, r):
        return self._render(self.role(request, p, b, r))

    def update_role(self, request, p, b, r):
        role = self.role(request, p, b, r)
        return self._change_role(role, masked(request, body_spec("role", request.json(), ROLE), ROLE, role.spec))

    def reveal_password(self, request, p, b, r):
        """Of a role that has a password of its own."""
        role = self.role(request, p, b, r, "CAN_MANAGE")
        if role.password is None:
            raise bad_request("the role does not log in with a password")
        return {"password": role.password}

    def _change_role(self, role, wanted):
        for name in ("identity_type", "auth_method"):
            if wanted.get(name) != role.spec.get(name):
                raise invalid(f"Field 'spec.{name}' cannot be changed")
        before, spec_before = role.login, role.spec

        def begin():
            if wanted["postgres_role"] != before:
                role.parent.waiting.append((None, f"ALTER ROLE {quoted(before)} RENAME TO {quoted(wanted['postgres_role'])}"))
            role.spec = wanted
            role.touch(self.clock.now())
        return self._start("Role", "UPDATE", role, begin=begin, work=lambda: self.computes.changed(role.parent),
                           finish=lambda: self._render(role), undo=lambda: setattr(role, "spec", spec_before))

    def delete_role(self, request, p, b, r):
        role = self.role(request, p, b, r)
        heir = request.query.get("reassign_owned_to", "")
        if heir:
            heir = self.role(request, p, b, heir.rsplit("/", 1)[-1])
        owned = [one for one in role.parent.databases.values() if one.owner_id == r]
        if owned and not heir:
            raise bad_request("role owns databases; name a role with reassign_owned_to")

        def finish():
            role.parent.roles.pop(r, None)
            for database in owned:
                database.spec = {**database.spec, "role": heir.name}
        return self._start("Role", "DELETE", role, work=lambda: self.computes.drop_role(role, heir or None), finish=finish)

    # ---- databases

    def database(self, request, p, b, d):
        found = self.lakebase.branch(p, b, request).databases.get(d)
        if not found:
            raise not_found("database")
        return found

    def _owner(self, branch, spec):
        if not spec.get("role"):
            raise required("database.spec.role")
        ident = spec["role"].rsplit("/", 1)[-1]
        if spec["role"] != f"{branch.name}/roles/{ident}" or ident not in branch.roles:
            raise ApiError(404, "NOT_FOUND", f"role not found; role_id:\"{ident}\" {trace()}")

    def create_database(self, request, p, b):
        ident = request.query.get("database_id", "") or f"db-{uuid.uuid4().hex[:12]}"
        check_id("database_id", ident)
        branch = self.lakebase.branch(p, b, request)
        spec = body_spec("database", request.json(), DATABASE)
        spec.setdefault("postgres_database", ident.replace("-", "_"))
        self._owner(branch, spec)
        known = branch.databases.get(ident)
        if known and request.flag("replace_existing"):
            return self._change_database(known, {**known.spec, **spec})
        if known or any(one.database == spec["postgres_database"] for one in branch.databases.values()):
            raise bad_request("database with that name already exists")
        if len(branch.databases) >= PER_BRANCH:
            raise bad_request(f"a branch has at most {PER_BRANCH} databases")
        database = Database(branch, ident, spec, self.clock.now())
        return self._start("Database", "CREATE", database, begin=lambda: branch.databases.update({ident: database}),
                           work=lambda: self.computes.changed(branch), finish=lambda: self._render(database),
                           undo=lambda: branch.databases.pop(ident, None))

    def list_databases(self, request, p, b):
        found = list(self.lakebase.branch(p, b, request).databases.values())
        return page(request, "databases", found, self._render, self.settings)

    def get_database(self, request, p, b, d):
        return self._render(self.database(request, p, b, d))

    def update_database(self, request, p, b, d):
        database = self.database(request, p, b, d)
        return self._change_database(database, masked(request, body_spec("database", request.json(), DATABASE), DATABASE,
                                                      database.spec))

    def _change_database(self, database, wanted):
        branch = database.parent
        self._owner(branch, wanted)
        before = database.spec

        def begin():
            if wanted["postgres_database"] != before["postgres_database"]:
                names = quoted(before["postgres_database"]), quoted(wanted["postgres_database"])
                branch.waiting.append((None, f"ALTER DATABASE {names[0]} RENAME TO {names[1]}"))
            database.spec = wanted
            database.touch(self.clock.now())
        return self._start("Database", "UPDATE", database, begin=begin, work=lambda: self.computes.changed(branch),
                           finish=lambda: self._render(database), undo=lambda: setattr(database, "spec", before))

    def delete_database(self, request, p, b, d):
        database = self.database(request, p, b, d)
        branch = database.parent
        sql = f"DROP DATABASE IF EXISTS {quoted(database.database)} WITH (FORCE)"

        def work():
            # Under the lock, so that nobody reconciles it back in between.
            with self.workspace.lock:
                branch.databases.pop(d, None)
                branch.waiting.append((None, sql))
            self.computes.changed(branch)
        return self._start("Database", "DELETE", database, work=work)

    # ---- credentials

    def credentials(self, request):
        body = request.json()
        for name in body:
            if name not in ("endpoint", "ttl", "expire_time", "claims", "group_name"):
                raise invalid(f"Field '{name}' is not known")
        if not body.get("endpoint"):
            raise required("endpoint")
        match = re.fullmatch(r"projects/([^/]+)/branches/([^/]+)/endpoints/([^/]+)", str(body["endpoint"]))
        if not match:
            raise ApiError(404, "NOT_FOUND", "resource not found")
        endpoint = self.endpoint(request, *match.groups())
        if body.get("claims"):
            raise ApiError(501, "NOT_IMPLEMENTED", "the emulator cannot narrow a credential to tables")
        if body.get("group_name"):
            raise ApiError(403, "PERMISSION_DENIED", "User is not authorized")
        expires = self._credential_end(body)
        token = self.workspace.auth.issue_database(request.principal, endpoint.parent.uid, endpoint.name, expires, None)
        return {"token": token, "expire_time": stamp(expires)}

    def _credential_end(self, body):
        now = self.clock.now()
        if body.get("ttl") and body.get("expire_time"):
            raise invalid("Only one of ttl and expire_time may be set")
        life = float(CREDENTIAL_MAX_S)
        if body.get("ttl"):
            life = parse_duration(body["ttl"])
        elif body.get("expire_time"):
            moment = parse_stamp(body["expire_time"])
            life = moment - now if moment is not None else None
        if life is None or not CREDENTIAL_MIN_S - 1 <= life <= CREDENTIAL_MAX_S + 1:
            raise invalid(f"the life of a credential must be between {CREDENTIAL_MIN_S}s and {CREDENTIAL_MAX_S}s")
        return now + (self.settings.credential_s or life)

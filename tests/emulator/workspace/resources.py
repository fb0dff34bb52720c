"""Projects, branches, endpoints, roles and databases: what they are and how they are shown."""
import random
import secrets
import string
import uuid

from .clock import parse_duration, parse_stamp, stamp

WORDS = ("autumn bold bright calm cold crimson damp dawn delicate divine dry falling fragrant frosty gentle green hidden holy "
         "icy late lingering little lively long lucky misty morning muddy nameless noisy old patient plain polished proud "
         "purple quiet rapid red restless rough shy silent small snowy solitary spring square steep still summer super sweet "
         "tight tiny wandering weathered white wild winter wispy withered young").split()
TAIL = string.ascii_lowercase + string.digits


def readable_uid(prefix):
    tail = "".join(secrets.choice(TAIL) for _ in range(8))
    return f"{prefix}-{random.choice(WORDS)}-{random.choice(WORDS)}-{tail}"


def shown(resource, settings, status, **head):
    answer = {"name": resource.name, **head, "uid": resource.uid, "create_time": stamp(resource.created),
              "update_time": stamp(resource.updated), "status": status}
    if settings.echo_spec:
        answer["spec"] = resource.spec
    return drop_false(answer) if settings.omit_false else answer


def drop_false(value):
    if isinstance(value, dict):
        return {name: drop_false(item) for name, item in value.items() if item not in (False, 0, "")}
    return value


class Resource:
    def __init__(self, parent, ident, spec, now):
        self.parent, self.ident, self.spec = parent, ident, spec
        self.created = self.updated = now
        self.deleted = self.purge_at = None
        self.uid = str(uuid.uuid4())

    def touch(self, now):
        self.updated = now

    def deletion(self):
        return {"delete_time": stamp(self.deleted), "purge_time": stamp(self.purge_at)} if self.deleted else {}


class Project(Resource):
    def __init__(self, ident, spec, now, owner):
        super().__init__(None, ident, spec, now)
        self.owner, self.branches, self.default_branch = owner, {}, None
        self.acl = {}
        self.last_active = None

    @property
    def name(self):
        return f"projects/{self.ident}"

    def defaults(self):
        return {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 1,
                **({} if "no_suspension" in self.spec.get("default_endpoint_settings", {})
                   else {"suspend_timeout_duration": "86400s"}),
                **self.spec.get("default_endpoint_settings", {})}

    def render(self, settings):
        spec = self.spec
        status = {"project_id": self.ident, "display_name": spec.get("display_name", self.ident),
                  "pg_version": spec["pg_version"], "owner": self.owner.login,
                  "default_branch": self.default_branch.name if self.default_branch else "",
                  "enable_pg_native_login": spec.get("enable_pg_native_login", False),
                  "history_retention_duration": spec.get("history_retention_duration", "604800s"),
                  "branch_logical_size_limit_bytes": 8 << 40, "synthetic_storage_size_bytes": 0,
                  "default_endpoint_settings": self.defaults()}
        for name in ("custom_tags", "budget_policy_id"):
            if name in spec:
                status[name] = spec[name]
        if self.last_active:
            status["compute_last_active_time"] = stamp(self.last_active)
        return {**shown(self, settings, status, project_id=self.ident), **self.deletion()}

    def history_s(self):
        return parse_duration(self.spec.get("history_retention_duration", "604800s"))


class Branch(Resource):
    def __init__(self, project, ident, spec, now, source=None):
        super().__init__(project, ident, spec, now)
        self.uid, self.source = readable_uid("br"), source
        self.source_lsn = self.source_time = None
        self.state, self.pending, self.state_since = "INIT", "READY", now
        self.endpoints, self.roles, self.databases = {}, {}, {}
        self.cluster, self.size = None, 0
        self.waiting = []  # statements for the server's next start: (database or None, SQL)
        self.last_active = now
        self.catalogs = {}

    @property
    def name(self):
        return f"{self.parent.name}/branches/{self.ident}"

    @property
    def protected(self):
        return self.spec.get("is_protected", False)

    @property
    def expire_at(self):
        if "ttl" in self.spec:
            return self.created + parse_duration(self.spec["ttl"])
        return parse_stamp(self.spec["expire_time"]) if "expire_time" in self.spec else None

    def enter(self, state, now, pending=None):
        if state != self.state:
            self.state, self.state_since = state, now
        self.pending = pending

    def render(self, settings):
        status = {"branch_id": self.ident, "current_state": self.state, "state_change_time": stamp(self.state_since),
                  "default": self.parent.default_branch is self, "is_protected": self.protected,
                  "logical_size_bytes": self.size}
        if self.pending:
            status["pending_state"] = self.pending
        if self.source:
            status.update(source_branch=self.source, source_branch_lsn=self.source_lsn,
                          source_branch_time=stamp(self.source_time))
        if self.expire_at is not None:
            status["expire_time"] = stamp(self.expire_at)
        status.update(self.deletion())
        return shown(self, settings, status, branch_id=self.ident, parent=self.parent.name)


class Endpoint(Resource):
    def __init__(self, branch, ident, spec, now):
        super().__init__(branch, ident, spec, now)
        self.uid = readable_uid("ep")
        self.state, self.pending = "INIT", "ACTIVE"
        self.hosts = {}
        self.sessions, self.last_active = 0, now
        self.cluster = None  # a replica's own

    @property
    def name(self):
        return f"{self.parent.name}/endpoints/{self.ident}"

    @property
    def writes(self):
        return self.spec.get("endpoint_type") == "ENDPOINT_TYPE_READ_WRITE"

    def suspend_after(self):
        """Seconds, or None: never."""
        return None if self.spec.get("no_suspension") else parse_duration(self.spec.get("suspend_timeout_duration", "86400s"))

    def max_connections(self):
        low, high = self.spec["autoscaling_limit_min_cu"], self.spec["autoscaling_limit_max_cu"]
        size = min(high, 8 * low)
        return 104 if size <= 0.5 else min(4000, int(209.7 * size))

    def pg_settings(self):
        return {"max_connections": str(self.max_connections()), **self.spec.get("settings", {}).get("pg_settings", {})}

    def render(self, settings):
        spec = self.spec
        status = {"endpoint_id": self.ident, "endpoint_type": spec["endpoint_type"], "current_state": self.state,
                  "disabled": spec.get("disabled", False), "autoscaling_limit_min_cu": spec["autoscaling_limit_min_cu"],
                  "autoscaling_limit_max_cu": spec["autoscaling_limit_max_cu"], "settings": spec.get("settings", {}),
                  "last_active_time": stamp(self.last_active),
                  "group": {"min": 1, "max": 1, "enable_readable_secondaries": False, **spec.get("group", {})}}
        for name in ("suspend_timeout_duration", "no_suspension"):
            if name in spec:
                status[name] = spec[name]
        if self.pending:
            status["pending_state"] = self.pending
        if self.hosts:
            status["hosts"] = dict(self.hosts)
        return shown(self, settings, status, endpoint_id=self.ident, parent=self.parent.name)


class Role(Resource):
    def __init__(self, branch, ident, spec, now):
        super().__init__(branch, ident, spec, now)
        self.password = secrets.token_urlsafe(24) if self.auth == "PG_PASSWORD_SCRAM_SHA_256" else None

    @property
    def name(self):
        return f"{self.parent.name}/roles/{self.ident}"

    @property
    def login(self):
        return self.spec["postgres_role"]

    @property
    def auth(self):
        plain = "PG_PASSWORD_SCRAM_SHA_256"
        return self.spec.get("auth_method") or ("LAKEBASE_OAUTH_V1" if self.spec.get("identity_type") else plain)

    def attributes(self):
        return {"bypassrls": False, "createdb": False, "createrole": False, **self.spec.get("attributes", {})}

    def render(self, settings):
        status = {"role_id": self.ident, "postgres_role": self.login,
                  "identity_type": self.spec.get("identity_type", "IDENTITY_TYPE_UNSPECIFIED"), "auth_method": self.auth,
                  "membership_roles": self.spec.get("membership_roles", []), "attributes": self.attributes()}
        return shown(self, settings, status, role_id=self.ident, parent=self.parent.name)


class Database(Resource):
    @property
    def name(self):
        return f"{self.parent.name}/databases/{self.ident}"

    @property
    def database(self):
        return self.spec["postgres_database"]

    @property
    def owner_id(self):
        return self.spec["role"].rsplit("/", 1)[-1]

    def render(self, settings):
        status = {"database_id": self.ident, "postgres_database": self.database, "role": self.spec["role"]}
        return shown(self, settings, status, database_id=self.ident, parent=self.parent.name)

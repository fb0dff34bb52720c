"""The Postgres API: projects and branches."""
import datetime
import re

from .clock import parse_duration, parse_stamp
from .errors import ApiError, bad_request, exists, invalid, managed_by_parent, not_found
from .paging import page
from .resources import Branch, Database, Endpoint, Project, Role
from .spec import (BRANCH, EXPIRY, INITIAL_BRANCH, INITIAL_ENDPOINT, PROJECT, body_spec, check_id, check_message, masked, sizes)

BASE = "/api/2.0/postgres"
SEGMENT = r"[^/]+"
P = rf"{BASE}/projects/(?P<p>{SEGMENT})"
B = rf"{P}/branches/(?P<b>{SEGMENT})"
PURGE_S = 7 * 86400
BRANCHES, PROJECTS = 500, 1000


class Lakebase:
    def __init__(self, workspace):
        self.workspace, self.lock = workspace, workspace.lock
        self.settings, self.clock, self.auth = workspace.settings, workspace.clock, workspace.auth
        self.operations, self.computes, self.front = workspace.operations, workspace.computes, workspace.front
        self.projects = {}

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, path, self._locked(call), guard)
        add("POST", f"{BASE}/projects", self.create_project)
        add("GET", f"{BASE}/projects", self.list_projects)
        add("GET", P, self.get_project)
        add("PATCH", P, self.update_project)
        add("DELETE", P, self.delete_project)
        add("POST", f"{P}/undelete", self.undelete_project)
        add("POST", f"{P}/branches", self.create_branch)
        add("GET", f"{P}/branches", self.list_branches)
        add("GET", B, self.get_branch)
        add("PATCH", B, self.update_branch)
        add("DELETE", B, self.delete_branch)
        add("POST", f"{B}/undelete", self.undelete_branch)
        add("GET", rf"{BASE}/(?P<name>.+/operations/[^/]+)", self.get_operation)
        for method, path in (("GET PUT PATCH", r"/api/2.0/permissions/database-projects/(?P<p>[^/]+)"),):
            add(method, path, self.permissions)

    def malformed(self, router, guard):
        """What no other route has taken; to be registered last."""
        def refuse(_request, **_names):
            raise ApiError(404, "NOT_FOUND", "resource not found")
        names = rf"{BASE}/(projects|branches|endpoints|catalogs|synced_tables|operations)(/[^/]*)*"
        router.add("GET PATCH DELETE", names, refuse, guard)

    def _locked(self, call):
        def run(request, **names):
            with self.lock:
                return call(request, **names)
        return run

    # ---- finding

    def project(self, p, request=None, level="CAN_USE"):
        found = self.projects.get(p)
        if not found:
            raise not_found("project")
        if request:
            self.allow(request, found, level)
        return found

    def branch(self, p, b, request=None, level="CAN_USE", deleted=False):
        found = self.project(p, request, level).branches.get(b)
        if not found or (found.deleted and not deleted):
            raise not_found("branch")
        return found

    def branch_of_name(self, name, field):
        """The branch that a full name in a body means."""
        match = re.fullmatch(rf"projects/({SEGMENT})/branches/({SEGMENT})", name)
        if not match:
            raise invalid(f"Field '{field}' must be the full name of a branch, got '{name}'")
        return self.branch(*match.groups())

    def allow(self, request, project, level):
        """People and principals of the workspace may; others need the project's leave."""
        principal = request.principal
        if principal.login in self.workspace.guests:
            held = project.acl.get(principal.login)
            if held != "CAN_MANAGE" and held != level:
                raise ApiError(403, "PERMISSION_DENIED", f"User does not have {level} on {project.name}")

    def answer(self, operation):
        return operation.render(self.settings.omit_false)

    def get_operation(self, _request, name):
        return self.operations.get(name)

    # ---- projects

    def _project_spec(self, body, more=()):
        spec = body_spec("project", body, PROJECT, more)
        sizes(spec.get("default_endpoint_settings", {}), "spec.default_endpoint_settings")
        versions = self.computes.host.installed.versions
        spec.setdefault("pg_version", max(versions))
        if spec["pg_version"] not in versions:
            raise invalid(f"Field 'spec.pg_version' must be one of {', '.join(map(str, versions))}, the versions that are "
                          f"installed here; got {spec['pg_version']}")
        return spec

    def create_project(self, request):
        ident = check_id("project_id", request.query.get("project_id", ""))
        body = request.json()
        spec = self._project_spec(body, ("initial_branch_spec", "initial_endpoint_spec"))
        branch = check_message("initial_branch_spec", body.get("initial_branch_spec", {}), INITIAL_BRANCH)
        endpoint = check_message("initial_endpoint_spec", body.get("initial_endpoint_spec", {}), INITIAL_ENDPOINT)
        sizes(endpoint, "initial_endpoint_spec")
        if ident in self.projects:
            reserved = self.projects[ident].deleted
            raise exists("project slug already exists" if reserved else "project with such id already exists in the workspace")
        if len(self.projects) >= PROJECTS:
            raise ApiError(400, "QUOTA_EXCEEDED", f"a workspace has at most {PROJECTS} projects")
        now = self.clock.now()
        project = Project(ident, spec, now, request.principal)
        self.projects[ident] = project
        production = Branch(project, "production", {"no_expiry": True, **branch}, now)
        project.default_branch = project.branches["production"] = production
        self.implicit_endpoint(production, endpoint)
        owner = request.principal
        role = Role(production, owner.role_id, {"postgres_role": owner.login, "identity_type": owner.kind,
                                                "membership_roles": ["DATABRICKS_SUPERUSER"],
                                                "attributes": {"createdb": True, "createrole": True, "bypassrls": True}}, now)
        production.roles[role.ident] = role
        database = Database(production, "databricks-postgres", {"postgres_database": "databricks_postgres", "role": role.name}, now)
        production.databases[database.ident] = database

        def finish():
            self.ready(production)
            return project.render(self.settings)

        def undo():
            self.drop_project(project)
        return self.answer(self.operations.start("Project", "CREATE", project.name, ident, finish=finish, undo=undo))

    def ready(self, branch):
        """A branch is there; its endpoints still settle for a while."""
        now = self.clock.now()
        branch.enter("READY", now)
        branch.touch(now)
        for endpoint in branch.endpoints.values():
            self.settle(endpoint)

    def settle(self, endpoint):
        if not endpoint.hosts:
            self.front.publish(endpoint)
        endpoint.pending = "ACTIVE"
        self.workspace.timers.at(self.clock.now() + self.settings.settle_s, lambda: self._settled(endpoint))

    def _settled(self, endpoint):
        with self.lock:
            endpoint.pending = None
            if endpoint.state == "INIT":
                endpoint.state, endpoint.last_active = "ACTIVE", self.clock.now()

    def implicit_endpoint(self, branch, spec=None):
        wanted = {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", **self.inherited(branch, spec or {})}
        endpoint = Endpoint(branch, "primary", wanted, self.clock.now())
        branch.endpoints["primary"] = endpoint
        return endpoint

    def inherited(self, branch, spec):
        """A compute's spec with what it does not say from the project's defaults."""
        defaults = dict(branch.parent.defaults())
        settings = defaults.pop("pg_settings", None)
        if any(name in spec for name in ("suspend_timeout_duration", "no_suspension")):
            defaults.pop("suspend_timeout_duration", None)
            defaults.pop("no_suspension", None)
        result = {**defaults, **spec}
        if settings and "settings" not in result:
            result["settings"] = {"pg_settings": settings}
        return result

    def list_projects(self, request):
        found = [project for project in self.projects.values()
                 if (request.flag("show_deleted") or not project.deleted) and self._visible(request, project)]
        return page(request, "projects", found, lambda one: one.render(self.settings), self.settings, high=100)

    def _visible(self, request, project):
        return request.principal.login not in self.workspace.guests or request.principal.login in project.acl

    def get_project(self, request, p):
        return self.project(p, request).render(self.settings)

    def update_project(self, request, p):
        project = self.project(p, request, "CAN_MANAGE")
        spec = body_spec("project", request.json(), PROJECT)
        wanted = masked(request, spec, PROJECT, project.spec)
        sizes(wanted.get("default_endpoint_settings", {}), "spec.default_endpoint_settings")
        if wanted["pg_version"] != project.spec["pg_version"]:
            raise invalid("Field 'spec.pg_version' cannot be changed")
        default = project.default_branch
        if wanted.get("default_branch"):
            default = self.branch_of_name(wanted["default_branch"], "spec.default_branch")
            if default.parent is not project or default.expire_at is not None:
                raise bad_request("the default branch must be one of the project, without an expiry")
        self.operations.check_free(p)

        def finish():
            project.spec, project.default_branch = wanted, default
            project.touch(self.clock.now())
            return project.render(self.settings)
        return self.answer(self.operations.start("Project", "UPDATE", project.name, p, finish=finish))

    def delete_project(self, request, p):
        project, purge = self.project(p, request, "CAN_MANAGE"), request.flag("purge")
        if any(branch.protected for branch in project.branches.values()):
            raise bad_request("cannot delete project with a protected branch")
        self.operations.check_free(p)

        def finish():
            if purge:
                self.drop_project(project)
                return
            project.deleted = self.clock.now()
            project.purge_at = project.deleted + PURGE_S
            for branch in project.branches.values():
                self.sleep(branch)
        return self.answer(self.operations.start("Project", "DELETE", project.name, p, finish=finish))

    def drop_project(self, project):
        for branch in list(project.branches.values()):
            self.drop_branch(branch)
        self.projects.pop(project.ident, None)

    def undelete_project(self, request, p):
        project = self.project(p, request, "CAN_MANAGE")
        if not project.deleted:
            raise bad_request("project is not deleted")

        def finish():
            project.deleted = project.purge_at = None
            return project.render(self.settings)
        return self.answer(self.operations.start("Project", "UNDELETE", project.name, p, finish=finish))

    def permissions(self, request, p):
        project = self.project(p, request, "CAN_MANAGE")
        if request.method != "GET":
            acl = {} if request.method == "PUT" else dict(project.acl)
            for entry in request.json().get("access_control_list", []):
                who = entry.get("service_principal_name") or entry.get("user_name") or entry.get("group_name")
                if not who or entry.get("permission_level") not in ("CAN_USE", "CAN_MANAGE"):
                    raise invalid("an entry needs a principal and CAN_USE or CAN_MANAGE")
                acl[who] = entry["permission_level"]
            project.acl = acl
        kind = lambda who: "user_name" if "@" in who else "service_principal_name"
        return {"object_id": f"/database-projects/{p}", "object_type": "database-projects", "access_control_list": [
            {kind(who): who, "all_permissions": [{"permission_level": level, "inherited": False}]}
            for who, level in project.acl.items()]}

    # ---- branches

    def create_branch(self, request, p):
        ident = check_id("branch_id", request.query.get("branch_id", ""))
        project = self.project(p, request, "CAN_MANAGE")
        if project.deleted:
            raise not_found("project")
        spec = body_spec("branch", request.json(), BRANCH)
        self._one_expiry(spec)
        known = project.branches.get(ident)
        if known and request.flag("replace_existing") and not known.deleted:
            return self._replace_branch(known, spec, p)
        if known:
            raise exists("branch with such id already exists")
        source, past = self._source(project, spec)
        self._check_expiry(spec, self.clock.now())
        self._check_protection(project, None, spec)
        self._check_room(project)
        self.operations.check_free(p)
        return self._begin_branch(project, ident, spec, source, past)

    def _one_expiry(self, spec):
        given = [name for name in EXPIRY if name in spec]
        if len(given) != 1:
            raise invalid("Field 'spec.expiration' is required: exactly one of ttl, expire_time, no_expiry must be set")

    def _check_expiry(self, spec, base):
        """An expiry lies in the future and at most thirty days ahead; protected branches have none."""
        end = base + parse_duration(spec["ttl"]) if "ttl" in spec else \
            parse_stamp(spec["expire_time"]) if "expire_time" in spec else None
        if end is None:
            return
        now = self.clock.now()
        longest = self.settings.longest_life_s
        if not now < end <= now + longest + 1:
            raise invalid(f"Field 'spec.expiration' must lie in the future and at most {longest / 86400:g} days ahead")
        if spec.get("is_protected"):
            raise bad_request("a protected branch cannot have an expiry")

    def _check_protection(self, project, branch, spec):
        if spec.get("is_protected") and any(one.protected for one in project.branches.values() if one is not branch):
            raise bad_request("a project has at most one protected branch")

    def _check_room(self, project):
        if len(project.branches) >= BRANCHES:
            raise bad_request(f"a project has at most {BRANCHES} branches")
        unarchived = sum(1 for branch in project.branches.values() if branch.state != "ARCHIVED")
        if unarchived >= self.settings.unarchived_limit:
            raise bad_request(f"a project has at most {self.settings.unarchived_limit} unarchived branches")

    def _source(self, project, spec):
        """The branch to copy and the point in its past, if one is named."""
        name = spec.get("source_branch")
        source = self.branch_of_name(name, "spec.source_branch") if name else project.default_branch
        if source.parent is not project:
            raise invalid("Field 'spec.source_branch' must be a branch of the same project")
        if source.expire_at is not None:
            raise bad_request("a branch with an expiry cannot have children")
        if source.state == "INIT":
            raise bad_request("the source branch is not ready")
        if "source_branch_time" in spec and "source_branch_lsn" in spec:
            raise invalid("Only one of spec.source_branch_time and spec.source_branch_lsn may be set")
        now = self.clock.now()
        if "source_branch_time" in spec:
            moment = parse_stamp(spec["source_branch_time"])
            if not max(source.created, now - project.history_s()) <= moment <= now:
                raise bad_request("the point in time is outside of the history window")
            return source, ("recovery_target_time", moment)
        if "source_branch_lsn" in spec:
            return source, ("recovery_target_lsn", spec["source_branch_lsn"])
        return source, None

    def _begin_branch(self, project, ident, spec, source, past):
        now = self.clock.now()
        kept = {name: value for name, value in spec.items() if not name.startswith("source_")}
        branch = Branch(project, ident, kept, now, source.name)
        branch.source_time = past[1] if past and past[0] == "recovery_target_time" else now
        branch.source_lsn = past[1] if past and past[0] == "recovery_target_lsn" else "0/0"
        project.branches[ident] = branch
        self.implicit_endpoint(branch)
        self._inherit(branch, source, now)
        return self.answer(self.operations.start(
            "Branch", "CREATE", branch.name, project.ident, work=lambda: self._copy_data(branch, source, past),
            finish=lambda: (self.ready(branch), branch.render(self.settings))[1], undo=lambda: self.drop_branch(branch),
            leave=lambda state: branch.enter(state, self.clock.now())))

    def _inherit(self, branch, source, now):
        for role in source.roles.values():
            child = Role(branch, role.ident, role.spec, now)
            if not source.protected:
                child.password = role.password
            branch.roles[role.ident] = child
        for database in source.databases.values():
            spec = {**database.spec, "role": f"{branch.name}/roles/{database.owner_id}"}
            branch.databases[database.ident] = Database(branch, database.ident, spec, now)
        branch.size = source.size

    def _copy_data(self, branch, source, past):
        target = past
        if past and past[0] == "recovery_target_time":
            # Servers live by the machine's clock, whatever a test did to ours.
            target = (past[0], stamp_for_postgres(past[1] - self.clock.offset))
        if branch.source_lsn == "0/0":
            branch.source_lsn = self.computes.position(source)
        self.computes.copy(branch, source, target)

    def _replace_branch(self, branch, spec, p):
        wanted = {name: value for name, value in spec.items() if not name.startswith("source_")}
        return self._change_branch(branch, {**{k: v for k, v in branch.spec.items() if k not in EXPIRY}, **wanted}, p)

    def list_branches(self, request, p):
        found = [one for one in self.project(p, request).branches.values() if request.flag("show_deleted") or not one.deleted]
        return page(request, "branches", found, lambda one: one.render(self.settings), self.settings)

    def get_branch(self, request, p, b):
        return self.branch(p, b, request, deleted=True).render(self.settings)

    def update_branch(self, request, p, b):
        branch = self.branch(p, b, request, "CAN_MANAGE")
        spec = body_spec("branch", request.json(), BRANCH)
        mask = request.query.get("update_mask", "")
        if any(part.startswith("spec.source_") for part in mask.split(",")):
            raise invalid("the source of a branch cannot be changed")
        return self._change_branch(branch, masked(request, spec, BRANCH, branch.spec), p)

    def _change_branch(self, branch, wanted, p):
        self._one_expiry(wanted)
        if any(wanted.get(name) != branch.spec.get(name) for name in EXPIRY + ("is_protected",)):
            self._check_expiry(wanted, branch.created)
        if "no_expiry" not in wanted:
            if branch.parent.default_branch is branch:
                raise bad_request("the default branch cannot have an expiry")
            if self.children(branch):
                raise bad_request("a branch with children cannot have an expiry")
        self._check_protection(branch.parent, branch, wanted)
        self.operations.check_free(p)

        def finish():
            branch.spec = wanted
            branch.touch(self.clock.now())
            return branch.render(self.settings)
        return self.answer(self.operations.start("Branch", "UPDATE", branch.name, p, finish=finish))

    def children(self, branch):
        return [one for one in branch.parent.branches.values() if one.source == branch.name and not one.deleted]

    def delete_branch(self, request, p, b):
        project, purge = self.project(p, request, "CAN_MANAGE"), request.flag("purge")
        branch = project.branches.get(b)
        if not branch or (branch.deleted and not purge):
            if request.flag("allow_missing"):
                return self.answer(self.operations.start("Branch", "DELETE", f"{project.name}/branches/{b}", None))
            raise not_found("branch")
        if branch.protected:
            raise bad_request("cannot delete protected branch")
        if branch.source is None:
            raise managed_by_parent(f"Cannot delete root branch '{branch.name}'. Root branches cannot be deleted independently.")
        if project.default_branch is branch:
            raise bad_request("cannot delete default branch")
        if self.children(branch):
            raise bad_request("cannot delete branch with children")
        self.operations.check_free(p)
        finish = (lambda: self.drop_branch(branch)) if purge else (lambda: self.soft_delete(branch))
        return self.answer(self.operations.start("Branch", "DELETE", branch.name, p, finish=finish))

    def soft_delete(self, branch):
        now = self.clock.now()
        branch.deleted, branch.purge_at = now, now + PURGE_S
        branch.enter("DELETED", now)
        self.sleep(branch)

    def sleep(self, branch):
        for endpoint in branch.endpoints.values():
            self.computes.suspend_later(endpoint, True)

    def drop_branch(self, branch):
        branch.parent.branches.pop(branch.ident, None)
        for endpoint in branch.endpoints.values():
            self.front.withdraw(endpoint)
        # Stopping takes a while, and nothing may wait for it under the lock.
        self.workspace.background(lambda: self.computes.remove(branch))

    def undelete_branch(self, request, p, b):
        branch = self.branch(p, b, request, "CAN_MANAGE", deleted=True)
        if not branch.deleted:
            raise bad_request("branch is not deleted")

        def finish():
            branch.deleted = branch.purge_at = None
            branch.enter("READY", self.clock.now())
            return branch.render(self.settings)
        return self.answer(self.operations.start("Branch", "UNDELETE", branch.name, p, finish=finish))

    # ---- what happens by itself

    def sweep(self):
        """Expiry, purging, archiving and suspension."""
        now = self.clock.now()
        with self.lock:
            for project in list(self.projects.values()):
                if project.purge_at and now >= project.purge_at:
                    self.drop_project(project)
                for branch in list(project.branches.values()):
                    self._sweep_branch(branch, now)

    def _sweep_branch(self, branch, now):
        if branch.purge_at and now >= branch.purge_at:
            self.drop_branch(branch)
            return
        if branch.deleted or branch.state == "INIT":
            return
        if branch.expire_at is not None and now >= branch.expire_at:
            self.soft_delete(branch)
            return
        quiet = self.settings.archive_after_s
        if quiet and branch.state == "READY" and not branch.protected and branch is not branch.parent.default_branch \
                and now - branch.last_active > quiet and not any(e.sessions for e in branch.endpoints.values()):
            branch.enter("ARCHIVED", now)
            self.sleep(branch)
        for endpoint in branch.endpoints.values():
            after = endpoint.suspend_after()
            if endpoint.state == "ACTIVE" and not endpoint.sessions and after is not None \
                    and now - endpoint.last_active > after * self.settings.suspend_scale:
                self.computes.suspend_later(endpoint)


def stamp_for_postgres(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f+00")

"""Fields of the Postgres API's resources: what they accept, and what an update mask may name."""
import re

from .clock import parse_duration, parse_stamp
from .errors import invalid, required

ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
ID_TEXT = "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
# Settings by which a server would leave its place, or run programs.
OURS_ALONE = re.compile(r"(listen_addresses|port|unix_socket|data_directory|hba_file|ident_file|external_pid|config_file|ssl|krb|include|"
                        r"(shared|session|local)_preload|dynamic_library|archive|restore_command|recovery|primary_|log_|logging|jit_provider)")
ROLES, AUTHS = ("USER", "SERVICE_PRINCIPAL", "GROUP"), ("LAKEBASE_OAUTH_V1", "PG_PASSWORD_SCRAM_SHA_256", "NO_LOGIN")


def check_id(field, value):
    if not value:
        raise required(field)
    if not ID.fullmatch(value):
        raise invalid(f"Field {field} must match pattern {ID_TEXT}, got '{value}'.")
    return value


def text(low=0, high=4096):
    def check(field, value):
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise invalid(f"Field '{field}' must be a string of {low} to {high} characters")
        return value
    return check


def boolean(field, value):
    if not isinstance(value, bool):
        raise invalid(f"Field '{field}' must be a boolean")
    return value


def only_true(field, value):
    if value is not True:
        raise invalid(f"Field '{field}' can only be true")
    return value


def number(low, high, whole=False):
    def check(field, value):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and value != int(value)):
            raise invalid(f"Field '{field}' must be a{' whole' if whole else ''} number")
        if not low <= value <= high:
            raise invalid(f"Field '{field}' must be between {low} and {high}, got {value}")
        return value
    return check


def span(low, high):
    def check(field, value):
        seconds = parse_duration(value)
        if seconds is None:
            raise invalid(f"Field '{field}' must be a duration such as \"300s\"")
        if not low <= seconds <= high:
            raise invalid(f"Field '{field}' must be between {low}s and {high}s, got {value}")
        return value
    return check


def moment(field, value):
    if parse_stamp(value) is None:
        raise invalid(f"Field '{field}' must be an RFC 3339 timestamp")
    return value


def one_of(*names):
    def check(field, value):
        if value not in names:
            raise invalid(f"Field '{field}' must be one of {', '.join(names)}, got '{value}'")
        return value
    return check


def lsn(field, value):
    if not isinstance(value, str) or not LSN.fullmatch(value):
        raise invalid(f"Field '{field}' must be a log position such as 0/1A2B3C8")
    return value


def list_of(check):
    def check_list(field, value):
        if not isinstance(value, list):
            raise invalid(f"Field '{field}' must be a list")
        return [check(f"{field}[{i}]", item) for i, item in enumerate(value)]
    return check_list


def text_map(field, value):
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise invalid(f"Field '{field}' must be a map of strings")
    for name in value:
        if not re.fullmatch(r"[a-z_][a-z0-9_.]*", name) or OURS_ALONE.match(name):
            raise invalid(f"Field '{field}' has the setting '{name}', which cannot be set")
    return value


def message(fields):
    def check(field, value):
        return check_message(field, value, fields)
    check.fields = fields
    return check


def check_message(field, value, fields):
    if not isinstance(value, dict):
        raise invalid(f"Field '{field}' must be an object")
    for name in value:
        if name not in fields:
            raise invalid(f"Field '{field}.{name}' is not known")
    return {name: fields[name](f"{field}.{name}", item) for name, item in value.items() if item is not None}


def sizes(spec, field="spec"):
    """The rules between the fields of a compute's size and suspension."""
    low, high = spec.get("autoscaling_limit_min_cu"), spec.get("autoscaling_limit_max_cu")
    if low is not None and high is not None and not 0 <= high - low <= 16:
        raise invalid(f"Field '{field}.autoscaling_limit_max_cu' must be at least the minimum and at most 16 above it")
    if "suspend_timeout_duration" in spec and "no_suspension" in spec:
        raise invalid(f"Only one of {field}.suspend_timeout_duration and {field}.no_suspension may be set")
    group = spec.get("group", {})
    if group.get("max", 1) > 1 and not spec.get("no_suspension"):
        raise invalid(f"Field '{field}.group' of more than one compute requires no_suspension")


SIZE = {"autoscaling_limit_min_cu": number(0.5, 112), "autoscaling_limit_max_cu": number(0.5, 112),
        "suspend_timeout_duration": span(60, 604800), "no_suspension": only_true}
GROUP = message({"min": number(1, 4, True), "max": number(1, 4, True), "enable_readable_secondaries": boolean})
PROJECT = {"display_name": text(1, 256), "pg_version": number(1, 99, True), "default_branch": text(1),
           "history_retention_duration": span(172800, 3024000), "enable_pg_native_login": boolean,
           "default_endpoint_settings": message({**SIZE, "pg_settings": text_map}), "budget_policy_id": text(),
           "custom_tags": list_of(message({"key": text(1, 128), "value": text(0, 256)}))}
BRANCH = {"source_branch": text(1), "source_branch_time": moment, "source_branch_lsn": lsn, "ttl": span(1, 2592000),
          "expire_time": moment, "no_expiry": only_true, "is_protected": boolean}
ENDPOINT = {"endpoint_type": one_of("ENDPOINT_TYPE_READ_WRITE", "ENDPOINT_TYPE_READ_ONLY"), **SIZE, "disabled": boolean,
            "settings": message({"pg_settings": text_map}), "group": GROUP}
ROLE = {"postgres_role": text(1, 63), "identity_type": one_of(*ROLES), "auth_method": one_of(*AUTHS),
        "membership_roles": list_of(one_of("DATABRICKS_SUPERUSER")),
        "attributes": message({"createdb": boolean, "createrole": boolean, "bypassrls": boolean})}
DATABASE = {"postgres_database": text(1, 63), "role": text(1)}
INITIAL_BRANCH = {"is_protected": boolean}
INITIAL_ENDPOINT = {**SIZE, "group": GROUP}
EXPIRY, SUSPENSION = ("ttl", "expire_time", "no_expiry"), ("suspend_timeout_duration", "no_suspension")
# Names that stand for a choice between fields.
ALIASES = {"spec.expiration": ("spec", EXPIRY), "spec.suspension": ("spec", SUSPENSION),
           "spec.project_default_settings.suspension": ("spec.default_endpoint_settings", SUSPENSION)}


def body_spec(kind, body, fields, more=()):
    """The checked spec of a body; one that is wrapped in the resource's name lacks its spec."""
    for name in body:
        if name not in ("spec", "name", "status", "uid", "parent", "create_time", "update_time", "etag", f"{kind}_id", *more):
            raise required(f"{kind}.spec") if name == kind and "spec" not in body else invalid(f"Field '{name}' is not known")
    return check_message("spec", body.get("spec", {}), fields)


def masked(request, spec, fields, base):
    """`base` with what the mask names taken from `spec`; each name must be in the body."""
    mask = request.query.get("update_mask", "")
    if not mask:
        raise required("update_mask")
    result = dict(base)
    for path in mask.split(","):
        if path in ALIASES:
            _apply_choice(path, spec, fields, result)
        elif path in ("*", "spec"):
            _apply_all(path, spec, fields, result)
        else:
            _apply_leaf(path, spec, fields, result)
    return result


def _apply_choice(path, spec, fields, result):
    where, names = ALIASES[path]
    source, target = spec, result
    if where != "spec":
        inner = where.split(".")[1]
        if inner not in fields:
            raise invalid(f"update_mask names '{path}', which is not known")
        source = spec.get(inner, {})
        result[inner] = target = dict(result.get(inner, {}))
    if not any(name in fields or name in SUSPENSION for name in names) or (where == "spec" and names[0] not in fields):
        raise invalid(f"update_mask names '{path}', which is not known")
    given = [name for name in names if name in source]
    if len(given) != 1:
        raise invalid(f"update_mask names '{path}': exactly one of {', '.join(names)} must be in the body")
    for name in names:
        target.pop(name, None)
    target[given[0]] = source[given[0]]


def _apply_all(path, spec, fields, result):
    missing = [name for name in fields if name not in spec and name not in EXPIRY + SUSPENSION]
    if path == "*" and missing:
        raise invalid(f"update_mask '*' names spec.{missing[0]}, which is not in the body")
    if not spec:
        raise required("spec")
    result.update(spec)


def _apply_leaf(path, spec, fields, result):
    """Replaces one field, or one inside a message."""
    parts = path.split(".")
    if parts[0] != "spec" or len(parts) < 2 or parts[1] not in fields:
        raise invalid(f"update_mask names '{path}', which is not known")
    source, target, known = spec, result, fields
    for part in parts[1:-1]:
        known = getattr(known.get(part), "fields", None) if known else None
        if known is None:
            raise invalid(f"update_mask names '{path}', which is not known")
        source = source.get(part, {})
        target[part] = target = dict(target.get(part, {}))
    name = parts[-1]
    if known is not None and name not in known:
        raise invalid(f"update_mask names '{path}', which is not known")
    if name not in source:
        raise invalid(f"update_mask names '{path}', which is not in the body")
    for group in (EXPIRY, SUSPENSION):
        if name in group:
            for other in group:
                target.pop(other, None)
    target[name] = source[name]

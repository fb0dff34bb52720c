"""Statements about what Unity Catalog owns: catalogs, schemas, volumes and grants. They never reach an engine."""
from .engine import SqlError
from .sqltext import Reader, privileges, syntax_error

NOTHING = ([], [])


def run(workspace, statement, text):
    """Answers columns and rows; None when the statement is an engine's."""
    reader = Reader(text)
    for verb, call in (("CREATE", create), ("DROP", drop), ("GRANT", grant), ("REVOKE", revoke), ("SHOW", show),
                       ("DESCRIBE", describe), ("DESC", describe)):
        if reader.take(verb):
            with workspace.lock:
                return call(workspace, statement, reader)
    return None


def already(kind, name):
    return SqlError("42P06" if kind == "SCHEMA" else "42000", "BAD_REQUEST", f"[{kind}_ALREADY_EXISTS] {kind} `{name}` already exists.")


def not_there(kind, name):
    return SqlError("42704", "BAD_REQUEST", f"[{kind}_NOT_FOUND] The {kind.lower()} `{name}` cannot be found. SQLSTATE: 42704")


def kind_of(reader):
    for word, kind in (("CATALOG", "CATALOG"), ("SCHEMA", "SCHEMA"), ("DATABASE", "SCHEMA"), ("VOLUME", "VOLUME")):
        if reader.take(word):
            return kind
    return None


def names(statement, reader, kind):
    parts = [part.lower() for part in reader.name()]
    count = {"CATALOG": 1, "SCHEMA": 2, "VOLUME": 3}[kind]
    if len(parts) > count:
        raise syntax_error(".".join(parts))
    defaults = [statement.body.get("catalog") or "main", statement.body.get("schema") or "default"][:count - 1]
    return [*defaults[:count - len(parts)], *parts]


def create(workspace, statement, reader):
    kind = kind_of(reader)
    if kind is None:
        return None
    lenient = reader.take("IF", "NOT", "EXISTS")
    parts = names(statement, reader, kind)
    comment = reader.string() if reader.take("COMMENT") else ""
    reader.end()
    catalogs = workspace.catalogs
    known = {"CATALOG": catalogs.catalogs, "SCHEMA": catalogs.schemas, "VOLUME": catalogs.volumes}[kind]
    if ".".join(parts) in known:
        if lenient:
            return NOTHING
        raise already(kind, ".".join(parts))
    if kind != "CATALOG" and parts[0] not in catalogs.catalogs:
        raise not_there("CATALOG", parts[0])
    if kind == "VOLUME" and ".".join(parts[:2]) not in catalogs.schemas:
        raise not_there("SCHEMA", ".".join(parts[:2]))
    add = {"CATALOG": lambda name, **more: catalogs.add_catalog(name, **more), "SCHEMA": catalogs.add_schema,
           "VOLUME": catalogs.add_volume}[kind]
    add(*parts, comment=comment, owner=statement.principal.login)
    return NOTHING


def drop(workspace, statement, reader):
    kind = kind_of(reader)
    if kind is None:
        return None
    lenient = reader.take("IF", "EXISTS")
    parts = names(statement, reader, kind)
    cascade = reader.take("CASCADE")
    reader.take("RESTRICT")
    reader.end()
    catalogs, full = workspace.catalogs, ".".join(parts)
    known = {"CATALOG": catalogs.catalogs, "SCHEMA": catalogs.schemas, "VOLUME": catalogs.volumes}[kind]
    if full not in known:
        if lenient:
            return NOTHING
        raise not_there(kind, full)
    if kind == "SCHEMA" and not cascade and (workspace.statements.engine.tables(*parts)
                                            or any(name.startswith(f"{full}.") for name in catalogs.volumes)):
        raise SqlError("2BP01", "BAD_REQUEST", f"[SCHEMA_NOT_EMPTY] Cannot drop the schema `{full}`, it is not empty. SQLSTATE: 2BP01")
    {"CATALOG": catalogs.drop_catalog, "SCHEMA": catalogs.drop_schema, "VOLUME": catalogs.drop_volume}[kind](full)
    return NOTHING


def change(workspace, statement, reader, word, adds):
    wanted = privileges(reader, "ON")
    kind = reader.here.text.lower()
    reader.at += 1
    parts = [part.lower() for part in reader.name()]
    reader.need(word)
    principal = ".".join(reader.name())
    reader.end()
    if kind == "table":
        parts = workspace.statements.engine.full(statement, parts)
    workspace.catalogs.change_grant(kind, ".".join(parts), principal, wanted if adds else (), () if adds else wanted)
    return NOTHING


def grant(workspace, statement, reader):
    return change(workspace, statement, reader, "TO", True)


def revoke(workspace, statement, reader):
    return change(workspace, statement, reader, "FROM", False)


def show(workspace, statement, reader):
    catalogs = workspace.catalogs
    if reader.take("GRANTS", "ON"):
        kind = reader.here.text.lower()
        reader.at += 1
        name = ".".join(part.lower() for part in reader.name())
        held = catalogs.grants.get((kind, name), {})
        rows = [[who, privilege, kind.upper(), name] for who, all_held in sorted(held.items()) for privilege in sorted(all_held)]
        return [(column, "STRING") for column in ("Principal", "ActionType", "ObjectType", "ObjectKey")], rows
    if reader.take("CATALOGS"):
        return [("catalog", "STRING")], [[name] for name in sorted(catalogs.catalogs)]
    if reader.take("SCHEMAS") or reader.take("DATABASES"):
        catalog = reader.name()[0].lower() if reader.take("IN") or reader.take("FROM") else statement.body.get("catalog") or "main"
        if catalog not in catalogs.catalogs:
            raise not_there("CATALOG", catalog)
        return [("databaseName", "STRING")], [[one["name"]] for one in catalogs.schemas.values() if one["catalog_name"] == catalog]
    return None


def describe(workspace, statement, reader):
    engine = workspace.statements.engine
    if engine.describes:
        return None
    reader.take("TABLE")
    catalog, schema, name = (part.lower() for part in engine.full(statement, reader.name()))
    reader.end()
    for table in engine.tables(catalog, schema):
        if table["name"] == name:
            rows = [[column, text.lower(), None] for column, text, _, _ in table["columns"]]
            return [("col_name", "STRING"), ("data_type", "STRING"), ("comment", "STRING")], rows
    raise not_there("TABLE_OR_VIEW", f"{catalog}.{schema}.{name}")

"""The default engine: DuckDB in memory, spoken to in Databricks' dialect. Good for queries, DML and COPY INTO; what only Delta has
(OPTIMIZE, DESCRIBE HISTORY, time travel) needs the Spark engine."""
import base64
import datetime
import decimal
import json
import logging
import os
import re
import threading

from .engine import Engine, SqlError, type_name
from .system_tables import TABLES

PREFIX = "uc_"  # of our catalogs' names: DuckDB has a system and a main of its own
OURS = {"VARCHAR": "STRING", "INTEGER": "INT", "BLOB": "BINARY", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP_NTZ",
        "HUGEINT": "BIGINT", "UBIGINT": "BIGINT", "UINTEGER": "BIGINT", "\"NULL\"": "VOID", "NULL": "VOID", "TIME": "STRING", "UUID": "STRING",
        "JSON": "STRING", "INTERVAL": "INTERVAL"}
READERS = {"PARQUET": "read_parquet", "JSON": "read_ndjson_auto", "CSV": "read_csv_auto"}


def quoted(*parts):
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def inner(catalog):
    return PREFIX + catalog.lower()


def text_literal(text):
    return "'" + text.replace("'", "''") + "'"


def type_text(theirs):
    """DuckDB's name of a type as Databricks writes it."""
    theirs = str(theirs)
    if theirs.endswith("[]"):
        return f"ARRAY<{type_text(theirs[:-2])}>"
    if theirs.startswith("STRUCT("):
        fields = split_fields(theirs[7:-1])
        return "STRUCT<" + ", ".join(f"{name}: {type_text(kind)}" for name, kind in fields) + ">"
    if theirs.startswith("MAP("):
        (key, _), (value, _) = ((part, None) for part in split_list(theirs[4:-1]))
        return f"MAP<{type_text(key)}, {type_text(value)}>"
    return OURS.get(theirs, theirs)


def split_list(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def split_fields(text):
    found = []
    for part in split_list(text):
        match = re.match(r'("(?:[^"]|"")*"|\S+)\s+(.*)', part, re.S)
        found.append((match.group(1).strip('"'), match.group(2)))
    return found


def shown(value):
    """A value as the API shows it: a text or null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.timezone.utc) if value.tzinfo else value
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}".rstrip("0").ljust(3, "0")
        return text + ("Z" if value.tzinfo else "")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(nested(value))
    return str(value)


def nested(value):
    if isinstance(value, dict):
        return {str(name): nested(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [nested(item) for item in value]
    return value if isinstance(value, (int, float, str, type(None))) else shown(value)


class DuckEngine(Engine):
    def __init__(self, workspace):
        super().__init__(workspace)
        self.lock, self.connection = threading.RLock(), None
        self.pending = []  # what was made before the engine was needed

    # ---- opening

    def _open(self):
        """On first use: most suites never send a statement, and starting is not free."""
        with self.lock:
            if self.connection is not None:
                return
            try:
                import duckdb
                import sqlglot
            except ImportError as error:
                raise SqlError("58000", "INTERNAL_ERROR", f"SQL statements need {error.name}; tests/requirements.txt lists it") from None
            logging.getLogger("sqlglot").setLevel(logging.ERROR)
            self.duckdb, self.sqlglot = duckdb, sqlglot
            connection = duckdb.connect(":memory:", config={"threads": 2})
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("CREATE OR REPLACE MACRO to_json_text(x) AS CAST(to_json(x) AS VARCHAR)")
            self.connection = connection
            connection.execute(f"ATTACH ':memory:' AS {quoted(inner('system'))}")
            for (schema, table), columns in TABLES.items():
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(inner('system'), schema)}")
                fields = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
                connection.execute(f"CREATE TABLE {quoted(inner('system'), schema, table)} ({fields})")
            for made in self.pending:
                connection.execute(made)

    def _later(self, sql):
        """Now if the engine is open, else when it opens."""
        with self.lock:
            if self.connection is None:
                self.pending.append(sql)
            else:
                self.connection.execute(sql)

    def refresh_system(self):
        """Who reads meanwhile sees the old rows or the new ones, never none."""
        self._open()
        # Before the lock: the rows need the workspace's, which is always taken first.
        found = {place: self.workspace.system_tables.rows(*place) for place in TABLES}
        with self.lock:
            self.connection.execute("BEGIN")
            for (schema, table), columns in TABLES.items():
                rows = found[schema, table]
                path = os.path.join(self.workspace.folder, f"{schema}.{table}.ndjson")
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
                kinds = "{" + ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in columns.items()) + "}"
                name = quoted(inner("system"), schema, table)
                self.connection.execute(f"DELETE FROM {name}")
                if rows:
                    self.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM read_json({text_literal(path)}, "
                                            f"format = 'newline_delimited', columns = {kinds})")
            self.connection.execute("COMMIT")

    # ---- statements

    def run(self, statement, text, parameters):
        self._open()
        sql, values = self._translated(text, parameters)
        with self.lock:
            cursor = self.connection.cursor()
        statement.interrupt = cursor.interrupt
        try:
            self._enter(cursor, statement.body)
            cursor.execute(sql, values) if values else cursor.execute(sql)
            columns = [(one[0], type_text(one[1])) for one in cursor.description or ()]
            rows = [[shown(value) for value in row] for row in cursor.fetchall()]
        except self.duckdb.Error as error:
            raise self._error(error, text) from None
        finally:
            statement.interrupt = None
            cursor.close()
        if columns == [("Count", "BIGINT")]:
            # What INSERT, UPDATE, DELETE and MERGE tell; DDL tells nothing.
            return ([("num_affected_rows", "BIGINT")], rows) if rows else ([], [])
        return (columns, rows) if columns != [("Success", "BOOLEAN")] else ([], [])

    def _enter(self, cursor, body):
        catalog, schema = body.get("catalog"), body.get("schema")
        if catalog or schema:
            catalog = (catalog or "main").lower()
            if catalog not in self.workspace.catalogs.catalogs:
                raise SqlError("42704", "BAD_REQUEST", f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' was not found.")
            if schema and f"{catalog}.{schema.lower()}" not in self.workspace.catalogs.schemas:
                raise SqlError("42704", "BAD_REQUEST", f"[SCHEMA_NOT_FOUND] The schema `{catalog}`.`{schema}` cannot be found. SQLSTATE: 42704")
            cursor.execute(f"USE {quoted(inner(catalog), (schema or 'default').lower())}")

    def _translated(self, text, parameters):
        exp = self.sqlglot.exp
        try:
            trees = [tree for tree in self.sqlglot.parse(text, read="databricks") if tree is not None]
        except self.sqlglot.errors.SqlglotError as error:
            near = getattr(error, "errors", None) or [{}]
            raise SqlError("42601", "BAD_REQUEST",
                           f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{near[0].get('highlight', '')}'. SQLSTATE: 42601") from None
        if len(trees) != 1:
            raise SqlError("42601", "BAD_REQUEST", "[PARSE_SYNTAX_ERROR] one statement at a time. SQLSTATE: 42601")
        tree, values = trees[0], {}
        for table in tree.find_all(exp.Table):
            if table.catalog:
                table.set("catalog", exp.to_identifier(inner(table.catalog), quoted=True))
        for select in tree.find_all(exp.Select):
            # A column that is cast keeps its name.
            select.set("expressions", [exp.alias_(one, one.this.name) if isinstance(one, exp.Cast) and isinstance(one.this, exp.Column)
                                       else one for one in select.expressions])
        for create in tree.find_all(exp.Create):
            create.set("properties", None)
        for column in tree.find_all(exp.ColumnDef):
            kept = [c for c in column.args.get("constraints", ()) if not isinstance(c.kind, exp.CommentColumnConstraint)]
            column.set("constraints", kept)
        for mark in list(tree.find_all(exp.Placeholder)):
            parameter = parameters.get(mark.name)
            if parameter is None:
                raise SqlError("42P02", "BAD_REQUEST", f"[UNBOUND_SQL_PARAMETER] Found the unbound parameter: {mark.name}. SQLSTATE: 42P02")
            values[mark.name] = parameter.get("value")
            kind = self.sqlglot.exp.DataType.build(parameter.get("type") or "STRING", dialect="databricks")
            mark.replace(exp.Cast(this=exp.Placeholder(this=mark.name), to=kind))
        return tree.sql(dialect="duckdb"), values

    def _error(self, error, text):
        message = str(error).split("\n")[0].replace(PREFIX, "")
        missing = re.search(r"(?:Table|View)(?: Function)? with name \"?([\w.]+)\"? does not exist", str(error))
        if missing:
            return SqlError("42P01", "BAD_REQUEST", f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{missing.group(1)}` cannot be found. "
                                                    "Verify the spelling and correctness of the schema and catalog. SQLSTATE: 42P01")
        column = re.search(r"Referenced (?:column|table) \"([^\"]+)\" not found", str(error))
        if column:
            return SqlError("42703", "BAD_REQUEST", "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name "
                                                    f"`{column.group(1)}` cannot be resolved. SQLSTATE: 42703")
        field = re.search(r"Could not find key \"([^\"]+)\" in struct", str(error))
        if field:
            return SqlError("42704", "BAD_REQUEST", f"[FIELD_NOT_FOUND] No such struct field `{field.group(1)}`. SQLSTATE: 42704")
        kinds = ((self.duckdb.ParserException, "42601", "PARSE_SYNTAX_ERROR"), (self.duckdb.ConversionException, "22018", "CAST_INVALID_INPUT"),
                 (self.duckdb.InterruptException, "HY008", "CANCELLED"), (self.duckdb.ConstraintException, "23001", "DELTA_VIOLATE_CONSTRAINT"),
                 (self.duckdb.CatalogException, "42000", "CATALOG"), (self.duckdb.BinderException, "42000", "ANALYSIS"))
        for kind, state, name in kinds:
            if isinstance(error, kind):
                return SqlError(state, "BAD_REQUEST", f"[{name}] {message}. SQLSTATE: {state}")
        return SqlError("58000", "BAD_REQUEST", f"[ENGINE] {message}")

    # ---- COPY INTO

    def load(self, table, source, files):
        merge = source.copy_options.get("mergeschema", "false").lower() == "true"
        lenient = source.format_options.get("ignorecorruptfiles", "false").lower() == "true"
        corrupt = [path for path in files if not self._readable(source, path)]
        if corrupt and not lenient:
            raise SqlError("KD001", "BAD_REQUEST", f"[FAILED_READ_FILE] Error while reading file {os.path.basename(corrupt[0])}. SQLSTATE: KD001")
        good = [path for path in files if path not in corrupt]
        if not good:
            return 0, corrupt
        table = [inner(table[0]), *table[1:]]
        with self.lock:
            cursor = self.connection.cursor()
            try:
                cursor.execute("BEGIN")
                rows = self._append(cursor, table, source, good, merge)
                cursor.execute("COMMIT")
            except self.duckdb.Error as error:
                cursor.execute("ROLLBACK")
                raise self._error(error, "") from None
            finally:
                cursor.close()
        return rows, corrupt

    def _from(self, source, files):
        options = ""
        if source.format == "CSV":
            options = f", header = {source.format_options.get('header', 'false')}"
        if source.format == "PARQUET":
            options = ", union_by_name = true"
        return f"{READERS[source.format]}([{', '.join(map(text_literal, files))}]{options})"

    def _readable(self, source, path):
        with self.lock:
            cursor = self.connection.cursor()
        try:
            cursor.execute(f"SELECT count(*) FROM {self._from(source, [path])}").fetchall()
            return True
        except self.duckdb.Error:
            return False
        finally:
            cursor.close()

    def _append(self, cursor, table, source, files, merge):
        select = "*"
        if source.select:
            # The list of columns is in Databricks' dialect.
            select = self._translated(f"SELECT {source.select}", {})[0][len("SELECT "):]
        query = f"SELECT {select} FROM {self._from(source, files)}"
        new = [(row[0], row[1]) for row in cursor.execute(f"DESCRIBE {query}").fetchall()]
        have = {row[0].lower() for row in cursor.execute(f"DESCRIBE {quoted(*table)}").fetchall()}
        extra = [(name, kind) for name, kind in new if name.lower() not in have]
        if extra and not merge:
            raise self.bad_columns([name for name, _ in extra])
        for name, kind in extra:
            cursor.execute(f"ALTER TABLE {quoted(*table)} ADD COLUMN {quoted(name)} {kind}")
        return cursor.execute(f"INSERT INTO {quoted(*table)} BY NAME {query}").fetchall()[0][0]

    # ---- the catalog

    def identity(self, table):
        self._open()
        with self.lock:
            found = self.connection.execute("SELECT table_oid FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? "
                                            "AND table_name = ?", [inner(table[0]), *table[1:]]).fetchall()
        return (tuple(table), found[0][0]) if found else None

    def tables(self, catalog, schema):
        if self.connection is None:
            return []
        with self.lock:
            rows = self.connection.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_catalog = ? AND "
                                           "table_schema = ? ORDER BY 1", [inner(catalog), schema]).fetchall()
            columns = self.connection.execute("SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE "
                                              "table_catalog = ? AND table_schema = ? ORDER BY table_name, ordinal_position",
                                              [inner(catalog), schema]).fetchall()
        found = []
        for name, kind in rows:
            fields = [(column, type_text(theirs), type_name(type_text(theirs)), nullable in (True, "YES"))
                      for table, column, theirs, nullable in columns if table == name]
            found.append({"name": name, "kind": "VIEW" if kind == "VIEW" else "TABLE", "id": f"{catalog}.{schema}.{name}", "columns": fields})
        return found

    def create_catalog(self, name):
        self._later(f"ATTACH ':memory:' AS {quoted(inner(name))}")

    def drop_catalog(self, name):
        self._later(f"DETACH {quoted(inner(name))}")

    def create_schema(self, catalog, name):
        self._later(f"CREATE SCHEMA IF NOT EXISTS {quoted(inner(catalog), name)}")

    def drop_schema(self, catalog, name):
        self._later(f"DROP SCHEMA IF EXISTS {quoted(inner(catalog), name)} CASCADE")

    def drop_table(self, catalog, schema, name, is_view):
        self._open()
        self._later(f"DROP {'VIEW' if is_view else 'TABLE'} {quoted(inner(catalog), schema, name)}")

    def stop(self):
        with self.lock:
            if self.connection is not None:
                self.connection.close()
                self.connection = None

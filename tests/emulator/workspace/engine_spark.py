"""Spark with Delta behind SQL statements: what is sent to a warehouse is run by the engine it was written for.

Started by the first statement and only if it was asked for. Spark knows two levels of names below its session catalog; a schema
of Unity Catalog is a database here, catalog__schema, and names are rewritten on their tokens.
"""
import datetime
import glob
import json
import logging
import os
import threading
import time

from .engine import Engine, SqlError, type_name
from .engine_duckdb import shown, type_text
from .sqltext import tokens
from .system_tables import TABLES

BEFORE_TABLE = ("FROM", "JOIN", "INTO", "TABLE", "UPDATE", "VIEW", "EXISTS", "USING", "DESCRIBE", "DESC", "OPTIMIZE", "VACUUM", "DETAIL",
                "HISTORY", "OVERWRITE")
SETTINGS = {
    "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "1",
    "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.driver.memory": "1g",
    "spark.sql.session.timeZone": "UTC", "spark.sql.catalogImplementation": "in-memory", "spark.sql.sources.default": "delta",
    # Statements here are many and small: compiling each of them would be most of the work.
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",  # VACUUM would list with 10000 tasks
    "spark.default.parallelism": "1", "spark.databricks.delta.snapshotPartitions": "1", "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}


def database(catalog, schema):
    return f"{catalog.lower()}__{schema.lower()}"


def quoted(*parts):
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def spark_type(text):
    """Of a Spark type's text, as the API writes it."""
    head, mark, rest = text.partition("<")
    return head.upper() + mark + rest


class SparkEngine(Engine):
    describes = True

    def __init__(self, workspace, jars):
        super().__init__(workspace)
        self.jars, self.lock, self.spark, self.pending = jars, threading.RLock(), None, []
        self.sessions, self.early = {}, threading.Lock()

    # ---- opening

    def _open(self):
        with self.lock:
            if self.spark is not None:
                return
            found = glob.glob(os.path.join(self.jars, "*.jar"))
            if not any("delta-spark" in name for name in found):
                raise SqlError("58000", "INTERNAL_ERROR", f"there is no delta-spark jar in {self.jars}; scripts/setup or --spark-jars")
            try:
                from pyspark.sql import SparkSession
            except ImportError:
                raise SqlError("58000", "INTERNAL_ERROR", "the Spark engine needs pyspark; tests/requirements.txt lists it") from None
            # Timestamps come as local time; ours is UTC.
            os.environ["TZ"] = "UTC"
            time.tzset()
            for name in ("py4j", "SQLQueryContextLogger"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            home = os.path.join(self.workspace.folder, "spark")
            os.makedirs(home, exist_ok=True)
            builder = SparkSession.builder.master("local[2]").appName("emulator").config("spark.jars", ",".join(found))
            for name, value in {**SETTINGS, "spark.sql.warehouse.dir": os.path.join(home, "warehouse"),
                                "spark.local.dir": os.path.join(home, "local")}.items():
                builder = builder.config(name, value)
            spark = builder.getOrCreate()
            spark.sparkContext.setLogLevel("OFF")
            with self.early:
                for sql in self.pending:
                    spark.sql(sql)
                self.spark = spark

    def _later(self, sql):
        """At once, or when Spark is there; nobody waits for its start here."""
        with self.early:
            if self.spark is None:
                self.pending.append(sql)
                return
        self.spark.sql(sql)

    def refresh_system(self):
        self._open()
        for (schema, table), columns in TABLES.items():
            path = os.path.join(self.workspace.folder, f"{schema}.{table}.{time.monotonic_ns()}.ndjson")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in self.workspace.system_tables.rows(schema, table))
            fields = ", ".join(f"{quoted(name)} {self._kind(kind)}" for name, kind in columns.items())
            self.spark.read.schema(fields).json(path).createOrReplaceGlobalTempView(f"{schema}__{table}")

    @staticmethod
    def _kind(theirs):
        return type_text(theirs.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"))

    # ---- statements

    def run(self, statement, text, parameters):
        self._open()
        session = self._session(statement.body)
        sql, values = self._translated(text, statement.body, parameters)
        context = self.spark.sparkContext
        try:
            context.setJobGroup(statement.ident, statement.ident, True)
            statement.interrupt = lambda: context.cancelJobGroup(statement.ident)
            frame = session.sql(sql, args=values) if values else session.sql(sql)
            columns = [(field.name, spark_type(field.dataType.simpleString())) for field in frame.schema.fields]
            rows = [[self._shown(field, value) for field, value in zip(frame.schema.fields, row)] for row in frame.collect()]
        except Exception as error:
            raise self._error(error) from None
        finally:
            statement.interrupt = None
        self._forget(text, statement)
        return columns, rows

    def _session(self, body):
        """One for each schema that statements name as theirs; making one for each statement is slow."""
        catalog, schema = (body.get("catalog") or "main").lower(), (body.get("schema") or "default").lower()
        if f"{catalog}.{schema}" not in self.workspace.catalogs.schemas:
            raise SqlError("42704", "BAD_REQUEST", f"[SCHEMA_NOT_FOUND] The schema `{catalog}`.`{schema}` cannot be found. SQLSTATE: 42704")
        name = database(catalog, schema)
        with self.lock:
            if name not in self.sessions:
                self.sessions[name] = self.spark.newSession()
                self.sessions[name].sql(f"USE {quoted(name)}")
            return self.sessions[name]

    @staticmethod
    def _shown(field, value):
        if hasattr(value, "asDict"):
            value = value.asDict(recursive=True)
        if isinstance(value, datetime.datetime) and field.dataType.simpleString() == "timestamp":
            value = value.replace(tzinfo=datetime.timezone.utc)
        return shown(value)

    def _translated(self, text, body, parameters):
        """Names of three parts to two, and a cast to its type around each parameter."""
        found, out, at, values = tokens(text), [], 0, {}
        for token, replacement in self._replacements(found, body, parameters, values):
            out += [text[at:token[0]], replacement]
            at = token[1]
        end = found[-1].end if found else len(text)
        return "".join(out) + text[at:end], values

    def _replacements(self, found, body, parameters, values):
        catalogs, i = self.workspace.catalogs, 0
        while i < len(found):
            token, before = found[i], found[i - 1] if i else None
            if token.kind == "mark" and not (before and before.kind in ("word", "quoted") and before.end == token.start):
                name = token.text[1:]
                if name in parameters:
                    values[name] = parameters[name].get("value")
                    yield (token.start, token.end), f"CAST(:{name} AS {parameters[name].get('type') or 'STRING'})"
            elif token.kind in ("word", "quoted") and not (before and before.text == "."):
                parts = self._parts(found, i)
                names = [part.name.lower() for part in parts]
                if len(parts) >= 3 and f"{names[0]}.{names[1]}" in catalogs.schemas:
                    place = quoted("global_temp", f"{names[1]}__{names[2]}") if names[0] == "system" else \
                        quoted(database(*names[:2]), names[2])
                    yield (parts[0].start, parts[2].end), place
                elif len(parts) == 2 and before and before.upper in BEFORE_TABLE \
                        and f"{(body.get('catalog') or 'main').lower()}.{names[0]}" in catalogs.schemas:
                    yield (parts[0].start, parts[1].end), quoted(database(body.get("catalog") or "main", names[0]), names[1])
                i += 2 * (len(parts) - 1)
            i += 1

    @staticmethod
    def _parts(found, i):
        parts = [found[i]]
        while i + 2 < len(found) and found[i + 1].text == "." and found[i + 2].kind in ("word", "quoted"):
            parts.append(found[i + 2])
            i += 2
        return parts

    def _forget(self, text, statement):
        """A table that is dropped or replaced forgets what it has loaded."""
        found = tokens(text)
        words = [token.upper for token in found[:4]]
        start = 4 if words == ["CREATE", "OR", "REPLACE", "TABLE"] else 2 if words[:2] in (["DROP", "TABLE"], ["REPLACE", "TABLE"]) else 0
        if not start:
            return
        if [token.upper for token in found[start:start + 2]] == ["IF", "EXISTS"]:
            start += 2
        table = tuple(part.lower() for part in self.full(statement, [part.name for part in self._parts(found, start)]))
        for identity in [one for one in self.ledger if one[0] == table]:
            del self.ledger[identity]

    def _error(self, error):
        call = lambda name: getattr(error, name)() if callable(getattr(error, name, None)) else None
        message = str(error).strip().split("\n")[0].replace("__", ".")
        if "cancelled" in str(error) and "job group" in str(error):
            return SqlError("HY008", "CANCELLED", "canceled")
        return SqlError(call("getSqlState") or "58000", "BAD_REQUEST", message or type(error).__name__)

    # ---- COPY INTO

    def load(self, table, source, files):
        merge = source.copy_options.get("mergeschema", "false").lower() == "true"
        lenient = source.format_options.get("ignorecorruptfiles", "false").lower() == "true"
        session = self.spark.newSession()
        corrupt = [path for path in files if lenient and not self._readable(session, source, path)]
        good = [path for path in files if path not in corrupt]
        if not good:
            return 0, corrupt
        try:
            frame = self._read(session, source, good)
            if source.select:
                frame.createOrReplaceTempView("copy_source")
                frame = session.sql(f"SELECT {source.select} FROM copy_source")
            return self._append(session, table, frame, merge), corrupt
        except SqlError:
            raise
        except Exception as error:
            raise self._error(error) from None

    def _read(self, session, source, files):
        options = dict(source.format_options)
        if source.format == "PARQUET":
            options.setdefault("mergeschema", "true")
        options.pop("ignorecorruptfiles", None)
        return session.read.format(source.format.lower()).options(**options).load(files)

    def _readable(self, session, source, path):
        try:
            self._read(session, source, [path]).count()
            return True
        except Exception:
            return False

    def _append(self, session, table, frame, merge):
        name = quoted(database(*table[:2]), table[2])
        target = {field.name.lower(): field for field in session.table(name).schema.fields}
        extra = [field for field in frame.schema.names if field.lower() not in target]
        # A table that was made without columns takes all of them.
        if extra and not merge:
            raise self.bad_columns(extra)
        for field in frame.schema.fields:
            wanted = target.get(field.name.lower())
            if wanted and wanted.dataType != field.dataType:
                frame = frame.withColumn(field.name, frame[field.name].cast(wanted.dataType))
        frame.write.format("delta").mode("append").option("mergeSchema", str(merge).lower()).saveAsTable(name)
        last = session.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]
        return int(last["operationMetrics"].get("numOutputRows", 0))

    # ---- the catalog

    def identity(self, table):
        self._open()
        name = quoted(database(*table[:2]), table[2])
        if not self.spark.catalog.tableExists(name):
            return None
        return (tuple(table), self.spark.sql(f"DESCRIBE DETAIL {name}").collect()[0]["id"])

    def tables(self, catalog, schema):
        if self.spark is None or catalog == "system":
            return []
        found = []
        for row in self.spark.sql(f"SHOW TABLES IN {quoted(database(catalog, schema))}").collect():
            if row["isTemporary"]:
                continue
            name = quoted(database(catalog, schema), row["tableName"])
            fields = []
            for field in self.spark.table(name).schema.fields:
                text = spark_type(field.dataType.simpleString())
                fields.append((field.name, text, type_name(text), field.nullable))
            kind = self.spark.catalog.getTable(name).tableType
            found.append({"name": row["tableName"], "kind": kind, "id": f"{catalog}.{schema}.{row['tableName']}", "columns": fields})
        return found

    def create_catalog(self, name):
        """A catalog is the beginning of its schemas' names."""

    def drop_catalog(self, name):
        """Its schemas have gone before."""

    def create_schema(self, catalog, name):
        self._later(f"CREATE DATABASE IF NOT EXISTS {quoted(database(catalog, name))}")

    def drop_schema(self, catalog, name):
        self._later(f"DROP DATABASE IF EXISTS {quoted(database(catalog, name))} CASCADE")

    def drop_table(self, catalog, schema, name, is_view):
        self._open()
        self._later(f"DROP {'VIEW' if is_view else 'TABLE'} {quoted(database(catalog, schema), name)}")

    def stop(self):
        with self.lock:
            if self.spark is None:
                return
            gateway = self.spark.sparkContext._gateway
            self.spark.stop()
            self.spark, self.sessions = None, {}
            # The JVM ends when its input does.
            process = getattr(gateway, "proc", None)
            gateway.shutdown()
            if process is not None:
                process.stdin.close()
                process.wait(30)

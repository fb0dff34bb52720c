"""A labelled corpus of indexes: what each detector has to find, and what only looks like it. A case makes objects and
says which of them are findings, of which kind; everything else that a detector names is a false finding."""

ROWS = 2000
KINDS = {
    "detect_unused_indexes": ("unused_index", "invalid_index"),
    "detect_duplicate_indexes": ("duplicate_index", "redundant_index", "include_twin", "duplicate_foreign_key"),
    "detect_missing_fk_indexes": ("missing_fk_index",),
    "detect_bloated_indexes": ("bloated_index",),
    "detect_missing_indexes": ("missing_index",),
}
WHOLE = {"few values": ("low_cardinality_index",), "many": ("many_indexes",)}  # of run_full_index_analysis alone


class Corpus:
    def __init__(self):
        self.setup = ['CREATE SCHEMA "Odd Schema"; CREATE SCHEMA other;']
        self.later = []  # after everything was vacuumed
        self.written = {}  # by table: (days ago, what a look at its counter noted)
        self.expected = {tool: set() for tool in (*KINDS, *WHOLE)}
        self.number = 0

    def sql(self, text):
        self.setup.append(text.rstrip().rstrip(";") + ";")

    def table(self, prefix, columns="id int, a int, b int, c text, d date, e int[], f jsonb", rows=ROWS, more=""):
        """A table with rows; names with blanks, capitals and other schemas among them. Answers (name, quoted name)."""
        self.number += 1
        schema = ("public", '"Odd Schema"', "other")[self.number % 3]
        plain = f"{prefix}_{self.number}" if self.number % 2 else f'{prefix.upper()} no "{self.number}"'
        quoted = f'{schema}.{ident(plain)}'
        self.sql(f"CREATE TABLE {quoted} ({columns}) {more}")
        if rows:
            self.sql(f"INSERT INTO {quoted} SELECT i, i % 50, i % 7, 'text ' || i, date '2020-01-01' + i % 900, "
                     f"ARRAY[i, i + 1], jsonb_build_object('k', i % 9) FROM generate_series(1, {rows}) i")
        return f"{schema.strip(chr(34))}.{plain}", quoted

    def index(self, table, definition, how="", tool=None):
        """An index of which `tool` is to say something. Answers its name with its schema."""
        self.number += 1
        schema = table[0].split(".")[0]
        name = f"i{self.number}" if self.number % 3 else f'I "{self.number}" x'
        self.sql(f"CREATE {how} INDEX {ident(name)} ON {table[1]} {definition}")
        if tool:
            self.expected[tool].add(f"{schema}.{name}")
        return f"{schema}.{name}"

    def read(self, table, times=20):
        self.later.append("SET enable_indexonlyscan = off; SET enable_indexscan = off; SET enable_bitmapscan = off;"
                          f"DO $$ BEGIN FOR i IN 1..{times} LOOP PERFORM count(*) FROM {table[1]}; END LOOP; END $$; RESET ALL;")


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def quoted(full):
    schema, name = full.split(".", 1)
    return f"{ident(schema)}.{ident(name)}"


# ---- unused ----

def unused(c):
    tool = "detect_unused_indexes"
    for definition in ("(a)", "(a, b)", "(c)", "(lower(c))", "(a) WHERE b = 3", "USING hash (a)", "USING gin (e)",
                       "(a) INCLUDE (b)", "(d DESC NULLS LAST)", "USING brin (d)", "(a text_ops)", "(c text_pattern_ops)",
                       "USING gin (f jsonb_path_ops)", "(b, a DESC)", "(d, a, b)", "((a + b))", "(a) WITH (fillfactor = 50)",
                       '(c COLLATE "C")'):
        t = c.table("unused")
        c.sql(f"ALTER TABLE {t[1]} ADD PRIMARY KEY (id)")  # never scanned and never to be dropped
        c.index(t, definition.replace("(a text_ops)", "(c text_ops)"), tool=tool)
        c.index(t, "(b) WHERE a > 900")  # nothing in it: below the size
        c.read(t)
    for kept in ("UNIQUE (id)", "UNIQUE NULLS NOT DISTINCT (id)", "EXCLUDE USING btree (id WITH =)",
                 "UNIQUE (id) DEFERRABLE INITIALLY DEFERRED"):
        for _ in range(3):
            t = c.table("rule")
            c.sql(f"ALTER TABLE {t[1]} ADD {kept}")
            c.index(t, "(id, a)", how="UNIQUE")
            c.read(t)
    for _ in range(4):
        t = c.table("identity")
        c.sql(f"ALTER TABLE {t[1]} ALTER id SET NOT NULL")
        name = c.index(t, "(id)", how="UNIQUE")
        c.sql(f"ALTER TABLE {t[1]} REPLICA IDENTITY USING INDEX {quoted(name).split('.', 1)[1]}")
        c.read(t)
    for definition in ("(a)", "(a, b)", "(b, a)", "(c)", "(d)", "(b)"):  # scanned
        t = c.table("used")
        c.index(t, definition)
        column = definition.strip("()").split(",")[0]
        c.read(t)
        c.later.append(f"SET enable_seqscan = off; SELECT count(id) FROM {t[1]} WHERE {column} = "
                       f"(SELECT {column} FROM {t[1]} LIMIT 1); RESET enable_seqscan;")
    for _ in range(6):  # unread tables prove nothing
        c.index(c.table("quiet"), "(a)")
    for _ in range(4):  # the only one on a foreign key stays, one of two may go
        parent, child = c.table("parent"), c.table("child")
        c.sql(f"ALTER TABLE {parent[1]} ADD PRIMARY KEY (id)")
        c.sql(f"UPDATE {child[1]} SET a = a + 1")
        c.sql(f"ALTER TABLE {child[1]} ADD FOREIGN KEY (a) REFERENCES {parent[1]}")
        c.index(child, "(a, d)")
        c.read(child)
        c.read(parent)
    for scanned in (True, False, True, False):
        c.number += 1
        root = f"tree_{c.number}"
        c.sql(f"CREATE TABLE {root} (id int, a int) PARTITION BY RANGE (id);"
              f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
              f"CREATE TABLE {root}_2 PARTITION OF {root} FOR VALUES FROM (2000) TO (9000);"
              f"INSERT INTO {root} SELECT i, i % 99 FROM generate_series(1, 4000) i;"
              f"CREATE INDEX {root}_i ON {root} (a)")
        c.read(("", root))
        if scanned:
            c.later.append(f"SET enable_seqscan = off; SELECT count(id) FROM {root}_2 WHERE a = 7; RESET enable_seqscan;")
        else:
            c.expected[tool].add(f"public.{root}_i")


def invalid(c):
    """A unique build that found duplicates leaves an index that nobody may use."""
    for _ in range(5):
        t = c.table("invalid")
        c.number += 1
        name = f"inv {c.number}"
        c.later.append(("fails", f"CREATE UNIQUE INDEX CONCURRENTLY {ident(name)} ON {t[1]} (a)"))
        c.expected["detect_unused_indexes"].add(f"{t[0].split('.')[0]}.{name}")
    c.number += 1
    root = f"half_{c.number}"
    c.sql(f"CREATE TABLE {root} (id int, a int) PARTITION BY RANGE (id);"
          f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
          f"CREATE INDEX {root}_i ON ONLY {root} (a)")
    c.expected["detect_unused_indexes"].add(f"public.{root}_i")


# ---- duplicates ----

def duplicates(c):
    """(first, its how, second, its how, which of them may go: 0 none, 1 the first, 2 the second, 3 either)."""
    tool = "detect_duplicate_indexes"
    pairs = [
        ("(a)", "", "(a)", "", 3), ("(a, b)", "", "(a, b)", "", 3), ("(lower(c))", "", "(lower(c))", "", 3),
        ("(a) WHERE b = 3", "", "(a) WHERE b = 3", "", 3), ("(a)", "", "(a DESC)", "", 3),
        ("(a, b DESC)", "", "(a DESC, b)", "", 3), ("USING hash (a)", "", "USING hash (a)", "", 3),
        ("USING gin (e)", "", "USING gin (e)", "", 3), ("(id)", "UNIQUE", "(id)", "", 2), ("(id)", "", "(id)", "UNIQUE", 1),
        ("(id)", "UNIQUE", "(id)", "UNIQUE", 3), ("(a) INCLUDE (b)", "", "(a) INCLUDE (b)", "", 3),
        ("(a) INCLUDE (b, d)", "", "(a) INCLUDE (d, b)", "", 3), ("(c text_ops)", "", "(c)", "", 3),
        ("(a) WITH (fillfactor = 70)", "", "(a)", "", 3), ('(c COLLATE "C")', "", '(c COLLATE "C")', "", 3),
        ("(id) NULLS NOT DISTINCT", "UNIQUE", "(id)", "UNIQUE", 2),
        # a beginning of the other
        ("(a)", "", "(a, b)", "", 1), ("(a, b)", "", "(a)", "", 2), ("(a)", "", "(a, b, d)", "", 1),
        ("(a, b)", "", "(a, b, d)", "", 1), ("(lower(c))", "", "(lower(c), a)", "", 1),
        ("(a) WHERE b = 3", "", "(a, d) WHERE b = 3", "", 1), ("(a)", "", "(a DESC, b)", "", 1),
        ("(a)", "", "(a) INCLUDE (b)", "", 1), ("(a) INCLUDE (b)", "", "(a, b)", "", 1),
        ("(id)", "", "(id, a)", "UNIQUE", 1), ("(a, lower(c))", "", "(a, lower(c), d)", "", 1),
        ("(c text_pattern_ops)", "", "(c text_pattern_ops, a)", "", 1),
        # what only looks alike
        ("(a)", "", "USING hash (a)", "", 0), ("(c)", "", "(c text_pattern_ops)", "", 0),
        ("(c)", "", '(c COLLATE "C")', "", 0), ("(a)", "", "(a) WHERE b = 3", "", 0),
        ("(a) WHERE b = 3", "", "(a) WHERE b = 4", "", 0), ("(a, b)", "", "(b, a)", "", 0),
        ("(a, b)", "", "(a, b DESC)", "", 0), ("(a NULLS FIRST)", "", "(a)", "", 0),
        ("(lower(c))", "", "(upper(c))", "", 0), ("(lower(c))", "", "(c)", "", 0), ("((a + 1))", "", "((a + 2))", "", 0),
        ("(id)", "UNIQUE", "(id, a)", "", 0), ("(id)", "UNIQUE", "(id) INCLUDE (a)", "", 0),
        ("(id)", "UNIQUE", "(id, a)", "UNIQUE", 0), ("(a) INCLUDE (b)", "", "(a) INCLUDE (d)", "", 0),
        ("(a) INCLUDE (b)", "", "(a, d)", "", 0), ("(a) WHERE b = 3", "", "(a, d)", "", 0),
        ("USING gin (e)", "", "USING gin (e, f)", "", 0), ("USING gin (f)", "", "USING gin (f jsonb_path_ops)", "", 0),
        ("USING brin (d)", "", "USING brin (d) WITH (pages_per_range = 4)", "", 0), ("(a, b)", "", "(a, d)", "", 0),
        ("(a, b)", "", "(b)", "", 0), ("(a, b DESC)", "", "(a DESC, b DESC)", "", 0),
        ("(id) NULLS NOT DISTINCT", "UNIQUE", "(id, a)", "UNIQUE", 0),
    ]
    pick_first = []
    for first, first_how, second, second_how, goes in pairs:
        t = c.table("pair")
        names = []
        for definition, how in ((first, first_how), (second, second_how)):
            names.append(c.index(t, definition, how=how))
        if goes in (1, 2):
            c.expected[tool].add(names[goes - 1])
        elif goes == 3:
            pick_first.append(frozenset(names))
    c.either = pick_first
    t = c.table("chain")  # only the longest stays
    c.index(t, "(a)", tool=tool)
    c.index(t, "(a, b)", tool=tool)
    c.index(t, "(a, b, d)")
    for rule in ("PRIMARY KEY (id)", "UNIQUE (id)"):
        for _ in range(3):
            t = c.table("backed")
            c.sql(f"ALTER TABLE {t[1]} ADD {rule}")
            c.index(t, "(id)", tool=tool)
            c.index(t, "(id, a)")
    t = c.table("deferred")  # a deferrable rule is no substitute for one that holds at once
    c.sql(f"ALTER TABLE {t[1]} ADD UNIQUE (id) DEFERRABLE")
    c.index(t, "(id)", how="UNIQUE")
    t, child = c.table("target"), c.table("refers")
    kept = c.index(t, "(id)", how="UNIQUE")
    c.sql(f"ALTER TABLE {child[1]} ADD FOREIGN KEY (id) REFERENCES {t[1]} (id)")
    c.sql(f"CREATE INDEX ON {child[1]} (id)")
    c.index(t, "(id)", how="UNIQUE", tool=tool)
    assert kept
    for scanned in (True, False):  # a unique index could store what its twin does, where anybody wants that
        t = c.table("twin")
        c.index(t, "(id) INCLUDE (a)", tool=tool if scanned else None)
        if scanned:
            c.sql(f"SET enable_seqscan = off; SELECT a FROM {t[1]} WHERE id = 7; RESET enable_seqscan")
        c.index(t, "(id)", how="UNIQUE")
    for action, column, again in (("", "a", True), ("ON DELETE CASCADE", "a", True), ("DEFERRABLE", "a", True), ("", "b", False)):
        parent, child = c.table("twice_parent", rows=60), c.table("twice_child")
        c.sql(f"ALTER TABLE {parent[1]} ADD PRIMARY KEY (id); UPDATE {child[1]} SET a = 1 + a % 50, b = 1 + a % 50;"
              f"ALTER TABLE {child[1]} ADD CONSTRAINT key_once FOREIGN KEY (a) REFERENCES {parent[1]} {action};"
              f"ALTER TABLE {child[1]} ADD CONSTRAINT key_again FOREIGN KEY ({column}) REFERENCES {parent[1]} {action}")
        c.index(child, "(a, b)")
        c.index(child, "(b, a)")
        if again:
            c.expected[tool].add(f"{child[0]}.key_again")
    c.number += 1
    root = f"dup_tree_{c.number}"
    c.sql(f"CREATE TABLE {root} (id int, a int) PARTITION BY RANGE (id);"
          f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
          f"CREATE INDEX {root}_i ON {root} (a); CREATE INDEX {root}_j ON {root} (a, id)")
    c.expected[tool].add(f"public.{root}_i")


# ---- foreign keys ----

def foreign_keys(c):
    """(indexes of the child, is one missing)."""
    tool = "detect_missing_fk_indexes"
    single = [
        ([], True), (["(a)"], False), (["(a, b)"], False), (["(a DESC)"], False), (["(b, a)"], True),
        (["(a) WHERE b = 3"], True), (["(a) WHERE a IS NOT NULL"], False), (["USING hash (a)"], False),
        (["USING brin (a)"], True), (["((a + 1))"], True), (["(b)", "(d)"], True), (["(a) INCLUDE (d)"], False),
        (["(abs(a))"], True), (["(b, d, a)"], True), (["(d)", "(a, d)"], False), (["(a) WHERE a > 0"], True),
    ]
    for indexes, missing in single * 2:
        parent, child = c.table("fk_parent", rows=60), c.table("fk_child")
        c.sql(f"ALTER TABLE {parent[1]} ADD PRIMARY KEY (id); UPDATE {child[1]} SET a = 1 + a % 50;"
              f"ALTER TABLE {child[1]} ADD FOREIGN KEY (a) REFERENCES {parent[1]}")
        for definition in indexes:
            c.index(child, definition)
        if missing:
            c.expected[tool].add(child[0])
    double = [
        ([], True), (["(a, b)"], False), (["(b, a)"], False), (["(b, a, d)"], False), (["(a, d, b)"], True), (["(a)"], True),
        (["(a)", "(b)"], True), (["(b DESC, a)"], False), (["(d, a, b)"], True), (["(a, b) WHERE d IS NOT NULL"], True),
        (["(a, b) WHERE a IS NOT NULL AND b IS NOT NULL"], False), (["(b, a) WHERE a IS NOT NULL"], False),
    ]
    for indexes, missing in double:
        parent, child = c.table("fk2_parent", rows=350), c.table("fk2_child")
        c.sql(f"UPDATE {parent[1]} SET a = id % 50; ALTER TABLE {parent[1]} ADD UNIQUE (a, b);"
              f"UPDATE {child[1]} SET a = id % 2, b = 0;"
              f"INSERT INTO {parent[1]} (a, b) VALUES (0, 0), (1, 0) ON CONFLICT DO NOTHING;"
              f"ALTER TABLE {child[1]} ADD FOREIGN KEY (a, b) REFERENCES {parent[1]} (a, b)")
        for definition in indexes:
            c.index(child, definition)
        if missing:
            c.expected[tool].add(child[0])
    parent, small = c.table("fk_parent", rows=60), c.table("fk_small", rows=40)  # too small to matter
    c.sql(f"ALTER TABLE {parent[1]} ADD PRIMARY KEY (id);"
          f"ALTER TABLE {small[1]} ADD FOREIGN KEY (id) REFERENCES {parent[1]}")
    for covered in (False, True):
        c.number += 1
        root = f"fk_tree_{c.number}"
        c.sql(f"CREATE TABLE {root} (id int, a int REFERENCES {parent[1]}) PARTITION BY RANGE (id);"
              f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
              f"CREATE TABLE {root}_2 PARTITION OF {root} FOR VALUES FROM (2000) TO (9000);"
              f"INSERT INTO {root} SELECT i, 1 + i % 50 FROM generate_series(1, 4000) i")
        if covered:
            c.sql(f"CREATE INDEX {root}_1_i ON {root}_1 (a); CREATE INDEX {root}_2_i ON {root}_2 (a)")
        else:
            c.expected[tool].add(f"public.{root}")


# ---- bloat ----

BLOAT_ROWS = 20000
BLOAT_KEYS = ["(k bigint, v text) => i, 'v' || i => (k)", "(k bigint, v text) => i % 100, 'v' || i => (k)",
              "(k text, v text) => md5(i::text), '' => (k)", "(k text, v int) => 'name ' || i % 900, i => (k)",
              "(k int, v int) => i, i % 10 => (k, v)", "(k int, v int) => i % 40, i % 10 => (k, v)",
              "(k bigint, v int) => CASE WHEN i % 2 = 0 THEN i END, i => (k)", "(k uuid, v int) => md5(i::text)::uuid, i => (k)",
              "(k numeric, v int) => i, i => (k)", "(k timestamptz, v int) => now() + i * interval '1 s', i => (k)",
              "(k int, v int) => i, i => (k) WITH (fillfactor = 60)", "(k int, v text) => i, md5(i::text) => (k) INCLUDE (v)",
              "(k text, v int) => 'name ' || i, i => (lower(k))", "(k int, v int) => i, i % 4 => (k) WHERE v = 1",
              "(k uuid, v int) => CASE WHEN i % 10 = 0 THEN md5(i::text)::uuid END, i => (k) WHERE k IS NOT NULL",
              "(k smallint, v boolean) => i % 3000, i % 2 = 0 => (k, v)", "(k date, v int) => date '2020-01-01' + i % 700, i => (k)"]


def bloat(c):
    tool = "detect_bloated_indexes"
    c.bloat_indexes = []
    for case, spec in enumerate(BLOAT_KEYS):
        columns, values, keys = spec.split(" => ")
        for share in (0, 20, 80):  # percent of the rows that are deleted from each page
            name = f"bloat_{case}_{share}"
            c.sql(f"CREATE TABLE {name} {columns}; CREATE INDEX {name}_i ON {name} {keys};"
                  f"INSERT INTO {name} SELECT {values} FROM generate_series(1, {BLOAT_ROWS}) i;"
                  f"REINDEX INDEX {name}_i; ALTER TABLE {name} SET (autovacuum_enabled = off);"
                  f"DELETE FROM {name} WHERE (ctid::text::point)[1]::int % 100 < {share}")
            c.bloat_indexes.append(f"{name}_i")
            if share == 80:
                c.expected[tool].add(f"public.{name}_i")


# ---- missing ----

def missing(c):
    """(indexes that are there, statements where {t} is the table and {n} a number, columns that an index is missing on)."""
    cases = [
        ([], "SELECT * FROM {t} WHERE k = {n}", "k"),
        ([], "SELECT * FROM {t} WHERE k = {n} AND m = 3", "k, m"),
        (["(m)"], "SELECT * FROM {t} WHERE k = {n} AND m = 3", "m, k instead"),  # in the place of the one that is there
        ([], "SELECT * FROM {t} WHERE k IN ({n}, 5, 6)", "k"),
        ([], "SELECT count(v) FROM {t} x WHERE x.k = ANY (ARRAY[{n}, 7])", "k"),
        ([], "SELECT * FROM {t} WHERE m = {n} ORDER BY d DESC LIMIT 10", "m, d"),
        (["(m)"], "SELECT * FROM {t} ORDER BY d LIMIT 5 OFFSET {n} - {n}", "d"),
        ([], "UPDATE {t} SET v = 'x' WHERE k = {n}", "k"),
        ([], "DELETE FROM {t} WHERE k = {n} + 900000", "k"),
        ([], "SELECT * FROM {t} WHERE k = {n} AND d > date '2021-01-01'", "k, d"),
        (["(m, k)"], "SELECT * FROM {t} WHERE k = {n}", "k"),
        (["(k) WHERE m = 3"], "SELECT * FROM {t} WHERE k = {n}", "k"),
        (["((k + 1))"], "SELECT * FROM {t} WHERE k = {n}", "k"),
        ([], "SELECT * FROM (SELECT * FROM {t} WHERE k = {n}) s", "k"),
        ([], "WITH w AS (SELECT k FROM {t} WHERE k = {n}) SELECT * FROM w", "k"),
        ([], "SELECT 1 WHERE EXISTS (SELECT FROM {t} WHERE k = {n} + 900000)", "k"),
        # over a part of the rows
        ([], "SELECT * FROM {t} WHERE n = {n}", "n where n is not null"),
        ([], "SELECT * FROM {t} WHERE f", "f where f is true"),
        ([], "SELECT * FROM {t} WHERE f AND k = {n}", "k where f is true"),
        ([], "SELECT * FROM {t} WHERE f ORDER BY id LIMIT 5", "id where f is true"),
        ([], "SELECT * FROM {t} WHERE NOT g AND d > date '2021-01-01'", "d where g is false"),
        ([], "SELECT * FROM {t} WHERE s IS NULL AND m = {n}", "m where s is null"),
        (["(id)"], "SELECT * FROM {t} WHERE f IS TRUE ORDER BY id LIMIT 5", None),  # the first ones are soon found
        ([], "SELECT * FROM {t} WHERE f IS TRUE", None),  # an index WHERE f is not taken
        ([], "SELECT * FROM {t} WHERE g IS FALSE AND m = {n}", None),
        ([], "SELECT * FROM {t} WHERE k = {n} /* lbops */", None),  # our own
        (["(f) WHERE f"], "SELECT * FROM {t} WHERE f", None),
        (["(f)"], "SELECT * FROM {t} WHERE f", None),
        (["(k) WHERE f"], "SELECT * FROM {t} WHERE f AND k = {n}", None),
        (["(n) WHERE n IS NOT NULL"], "SELECT * FROM {t} WHERE n = {n}", None),
        (["(s)"], "SELECT * FROM {t} WHERE s IS NULL", None),
        ([], "SELECT * FROM {t} WHERE NOT f AND b", None),
        ([], "SELECT * FROM {t} WHERE n IS NULL", None),
        ([], "SELECT * FROM {t} WHERE f IS NOT TRUE", None),
        ([], "SELECT * FROM {t} WHERE f OR k = {n}", None),
        # what values hold
        ([], "SELECT * FROM {t} WHERE j @> jsonb_build_object('k', {n})", "j by gin"),
        ([], "SELECT * FROM {t} WHERE j ? ('k' || {n})", "j by gin"),
        ([], "SELECT * FROM {t} WHERE a @> ARRAY[{n} + 10]", "a by gin"),
        ([], "SELECT * FROM {t} WHERE ARRAY[{n} + 10, 15] && a", "a by gin"),
        ([], "SELECT * FROM {t} WHERE v LIKE '%' || {n} || 'ab%'", "v by gin"),
        ([], "SELECT * FROM {t} WHERE a @> ARRAY[{n} % 7]", None),  # a seventh of the rows, though few hold what a row does
        ([], "SELECT * FROM {t} WHERE ARRAY[{n}, 5] && a", None),
        ([], "SELECT * FROM {t} WHERE v LIKE '%' || {n} % 7 || '%'", None),
        ([], "SELECT * FROM {t} WHERE v ILIKE '%ab{n}%'", "v by gin"),
        (["(j)"], "SELECT * FROM {t} WHERE j @> jsonb_build_object('k', {n})", "j by gin"),
        (["USING gin (j)"], "SELECT * FROM {t} WHERE j @> jsonb_build_object('k', {n})", None),
        (["USING gin (j jsonb_path_ops)"], "SELECT * FROM {t} WHERE j @> jsonb_build_object('k', {n})", None),
        (["USING gin (a)"], "SELECT * FROM {t} WHERE a @> ARRAY[{n}]", None),
        (["USING gin (v gin_trgm_ops)"], "SELECT * FROM {t} WHERE v LIKE '%' || {n} || '%'", None),
        (["USING gist (v gist_trgm_ops)"], "SELECT * FROM {t} WHERE v LIKE '%' || {n} || '%'", None),
        (["(k)"], "SELECT * FROM {t} WHERE k = {n} AND v LIKE '%x%'", None),
        ([], "SELECT * FROM {t} WHERE a <@ ARRAY[{n}]", None),
        ([], "SELECT * FROM {t} WHERE j -> 'k' = to_jsonb({n})", None),
        # rows that lie in order, or do not
        ([], "SELECT * FROM {t} WHERE id BETWEEN {n} AND {n} + 100", "id by brin"),
        ([], "SELECT * FROM {t} WHERE id > {n} AND id <= {n} + 100", "id by brin"),
        (["USING brin (id)"], "SELECT * FROM {t} WHERE id BETWEEN {n} AND {n} + 100", None),
        (["(id)"], "SELECT * FROM {t} WHERE id BETWEEN {n} AND {n} + 100", None),
        ([], "SELECT * FROM {t} WHERE id > {n}", None),
        ([], "SELECT * FROM {t} WHERE k BETWEEN {n} AND {n} + 100", None),
        # read without a visit to the table
        ([], "SELECT sum(m) FROM {t} WHERE x = {n}", "x beside m"),
        (["(x)"], "SELECT sum(m) FROM {t} WHERE x = {n}", None),
        ([], "SELECT max(v) FROM {t} WHERE x = {n}", "x"),
        # nothing is missing
        (["(k)"], "SELECT * FROM {t} WHERE k = {n}", None),
        (["(k, m)"], "SELECT * FROM {t} WHERE m = 3 AND k = {n}", None),
        (["(k)"], "SELECT * FROM {t} WHERE k = {n} AND m = 3", None),
        (["USING hash (k)"], "SELECT * FROM {t} WHERE k = {n}", None),
        (["(m, d)"], "SELECT * FROM {t} WHERE m = {n} ORDER BY d DESC LIMIT 10", None),
        ([], "SELECT * FROM {t} WHERE b = ({n} % 2 = 0)", None),
        ([], "SELECT * FROM {t} WHERE k = {n} OR m = 3", None),
        ([], "SELECT * FROM {t} WHERE v NOT LIKE '%' || {n}", None),
        ([], "SELECT * FROM {t} WHERE k + 1 = {n}", None),
        ([], "SELECT * FROM {t} WHERE NOT k = {n}", None),
        ([], "SELECT sum(m) FROM {t} WHERE {n} > 0", None),
        ([], "SELECT m, count(*) FROM {t} GROUP BY m ORDER BY m LIMIT {n}", None),
        ([], "SELECT * FROM {t} WHERE k <> {n}", None),
        ([], "SELECT * FROM {t} WHERE k > {n}", None),
        ([], "SELECT * FROM {t} WHERE k = m LIMIT {n}", None),
    ]
    c.columns = {}
    for indexes, statement, columns in cases:
        c.number += 1
        name, schema = (f"asked_{c.number}", "public") if c.number % 2 else (f'Asked "{c.number}"', "Odd Schema")
        table = f"{ident(schema)}.{ident(name)}"
        rows = 150000 if "by brin" in (columns or "") else 12000
        c.sql(f"CREATE TABLE {table} (id int, k int, m int, d date, b boolean, v text, n int, f boolean, g boolean, s int, x int,"
              f" j jsonb, a int[]) WITH (autovacuum_enabled = off);"
              f"INSERT INTO {table} SELECT i, i * 7 % 4001, i % 30, date '2019-01-01' + i * 5 % 997, i % 2 = 0, md5(i::text),"
              f" CASE WHEN i % 3 = 0 THEN i % 4001 END, i % 100 = 0, i % 100 > 0, CASE WHEN i % 40 > 0 THEN i END, i % 200,"
              f" jsonb_build_object('k', i % 4001), ARRAY[i % 4001, i % 7] FROM generate_series(1, {rows}) i")
        for definition in indexes:
            c.index(("x", table), definition)
        c.later.append(f"SELECT pg_stat_reset_single_table_counters('{table}'::regclass);")  # it was loaded long ago
        c.later += [statement.format(t=table, n=n) + ";" for n in range(1, 13)]
        if columns:
            c.expected["detect_missing_indexes"].add(f"{schema}.{name}")
            c.columns[f"{schema}.{name}"] = columns
    t = c.table("asked_small", rows=300)
    c.later += [f"SELECT * FROM {t[1]} WHERE id = {n};" for n in range(1, 13)]
    left, right = c.table("asked_left", rows=12000), c.table("asked_right", rows=12000)  # few on the left, each with rows on the right
    c.index(left, "(id)")
    c.later += [f"SELECT r.* FROM {left[1]} l JOIN {right[1]} r ON r.id = l.b WHERE l.id = {n};" for n in range(1, 13)]
    c.expected["detect_missing_indexes"].add(right[0])


# ---- few values ----

def few_values(c):
    """(column, its value in row i, the index, how often it is scanned, is that a finding)."""
    cases = [
        ("int", "i % 7", "(k)", 0, True), ("int", "i % 2", "(k)", 0, True), ("int", "i % 10", "(k)", 0, True),
        ("boolean", "i % 2 = 0", "(k)", 0, True), ("text", "'state ' || i % 4", "(k)", 0, True),
        ("int", "i % 5", "USING hash (k)", 0, True), ("text", "'s' || i % 3", "USING hash (k)", 0, True),
        ("int", "i % 3", "(k DESC NULLS LAST)", 0, True), ("int", "7", "(k)", 0, True),
        ("int", "CASE WHEN i % 4 > 0 THEN i % 4 END", "(k)", 0, True), ("date", "date '2020-01-01' + i % 6", "(k)", 0, True),
        ("uuid", "md5((i % 8)::text)::uuid", "(k)", 0, True), ("numeric", "i % 4 / 2.0", "(k)", 0, True),
        ("int", "CASE WHEN i % 8 = 0 THEN 1 ELSE 2 END", "(k)", 0, True), ("int", "i % 7", "(k)", 1, True),
        ("text", "'state ' || i % 4", "(k)", 2, True), ("char(2)", "i % 6", "(k bpchar_pattern_ops)", 0, True),
        # what somebody may gain by
        ("int", "i % 11", "(k)", 0, False), ("int", "i % 50", "(k)", 0, False),
        ("int", "CASE WHEN i % 100 = 0 THEN 1 ELSE 2 END", "(k)", 0, False),
        ("boolean", "i % 15 = 0", "(k)", 0, False), ("int", "CASE WHEN i % 50 > 0 THEN i % 2 END", "(k)", 0, False),
        ("text", "CASE WHEN i = 9 THEN 'failed' ELSE 'state ' || i % 3 END", "(k)", 0, False),
        ("int", "i / 500", "(k)", 0, False), ("date", "date '2020-01-01' - i / 300", "(k)", 0, False),
        ("int", "i % 7", "(k) WHERE k = 3", 0, False), ("int", "i % 7", "(k) INCLUDE (id)", 0, False),
        ("int", "i % 7", "(k, id)", 0, False), ("int", "i % 7", "((k + 1))", 0, False),
        ("int", "i % 7", "USING brin (k)", 0, False), ("int[]", "ARRAY[i % 7]", "USING gin (k)", 0, False),
        ("int", "i % 7", "(k)", 9, False), ("boolean", "i % 2 = 0", "(k)", 5, False),
    ]
    for column, value, definition, scans, is_found in cases:
        t = few(c, f"id int, k {column}", value)
        c.index(t, definition, tool="few values" if is_found else None)
        c.read(t, 320)
        c.later += [f"SET enable_seqscan = off; SELECT count(id) FROM {t[1]} WHERE k = (SELECT k FROM {t[1]} TABLESAMPLE SYSTEM (100) LIMIT 1);"
                    " RESET enable_seqscan;"] * scans
    parent, child = few(c, "id int PRIMARY KEY, k int", "1", rows=9), few(c, "id int, k int", "1 + i % 4")
    c.sql(f"ALTER TABLE {child[1]} ADD FOREIGN KEY (k) REFERENCES {parent[1]}")
    c.index(child, "(k)")
    unknown = few(c, "id int, k int", "i % 7")  # what the server was told not to look at
    c.sql(f"ALTER TABLE {unknown[1]} ALTER k SET STATISTICS 0")
    c.index(unknown, "(k)")
    stale = few(c, "id int, k int", "i % 7")
    c.index(stale, "(k)")
    c.later.append(f"UPDATE {stale[1]} SET k = id;")
    for t in (child, unknown, stale):
        c.read(t, 320)
    c.index(few(c, "id int, k int", "i % 7"), "(k)")  # hardly ever read
    small = few(c, "id int, k int", "i % 7", rows=200)
    c.index(small, "(k)")
    c.read(small, 320)
    c.number += 1
    root = f"few_tree_{c.number}"
    c.sql(f"CREATE TABLE {root} (id int, k int) PARTITION BY RANGE (id);"
          f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
          f"CREATE TABLE {root}_2 PARTITION OF {root} FOR VALUES FROM (2000) TO (9000);"
          f"INSERT INTO {root} SELECT i, i % 7 FROM generate_series(1, 4000) i; CREATE INDEX {root}_i ON {root} (k)")
    c.read(("", root), 320)
    c.expected["few values"].add(f"public.{root}_i")


# ---- many ----

BUSY, SLOW = ((4, 1), (2, 5000000)), ((4, 1), (2, 10000))
EACH = ("(a)", "(b)", "(c)", "(d)", "(id)", "((a + 1))", "((a + 2))", "((b + 1))", "((b + 2))", "(lower(c))", "(upper(c))",
        "USING hash (a)", "USING hash (b)", "(c text_pattern_ops)")


def many(c):
    """(indexes, what looks have noted, is that a finding)."""
    cases = [
        (EACH, BUSY, True), (EACH[:11], BUSY, True), (EACH[3:], BUSY, True), (EACH[:12] + ("(a)",), BUSY, True),
        (EACH[:11], ((4, 1), (3, 4000000), (2, 100)), True),  # a restart among them
        (EACH[:10] + ("UNIQUE",), BUSY, True), (EACH, ((9, 1), (1, 9000000)), True),
        (EACH[:10], BUSY, False), (EACH[4:], BUSY, False), (EACH[:9] + ("UNIQUE",), BUSY, False),
        (EACH[:9] + ("(a)", "(c)"), BUSY, False),  # copies go first
        (EACH, SLOW, False), (EACH[:11], SLOW, False), (EACH, (), False),
        (EACH, ((0, 1),), False),  # not for a day yet
        (EACH, ((30, 1), (20, 90000000)), False),  # a load of last month
        (EACH, ((4, 90000000), (2, 10)), False),  # and one before the first look
    ]
    for definitions, written, is_found in cases:
        t = c.table("many")
        for definition in definitions:
            if definition == "UNIQUE":
                c.sql(f"ALTER TABLE {t[1]} ADD UNIQUE (e, id)")
            else:
                c.index(t, definition)
        noted(c, t[0], written, is_found)
    heavy = ("(a)", "(b)", "((a + 1))", "((b + 1))", "((a - b))")
    for definitions, rows, written, is_found in (
            (heavy, 20000, BUSY, True), (heavy[1:], 20000, BUSY, True), (heavy[:1] + heavy[2:], 30000, BUSY, True),
            (heavy[:2], 20000, BUSY, False), (heavy[:3], 20000, BUSY, False), (heavy, 20000, SLOW, False),
            (heavy, 20000, (), False), (heavy, 200, BUSY, False)):
        t = few(c, "a int, b int", "i * 7919 % 20011", rows)
        for definition in definitions:
            c.index(t, definition)
        noted(c, t[0], written, is_found)
    for written, is_found in ((BUSY, True), (SLOW, False)):
        c.number += 1
        root = f"many_tree_{c.number}"
        c.sql(f"CREATE TABLE {root} (id int, a int, b int, c text, d date) PARTITION BY RANGE (id);"
              f"CREATE TABLE {root}_1 PARTITION OF {root} FOR VALUES FROM (0) TO (2000);"
              f"CREATE TABLE {root}_2 PARTITION OF {root} FOR VALUES FROM (2000) TO (9000)")
        for definition in EACH[:11]:
            c.index(("public.", root), definition)
        for leaf in (1, 2):
            noted(c, f"public.{root}_{leaf}", written, False)
        noted(c, f"public.{root}", (), is_found)


def noted(c, name, written, is_found):
    c.written[name] = written
    if is_found:
        c.expected["many"].add(name)


def few(c, columns, value, rows=ROWS):
    t = c.table("few", columns, rows=0, more="WITH (autovacuum_enabled = off)")
    c.sql(f"INSERT INTO {t[1]} SELECT i, {value} FROM generate_series(1, {rows}) i")
    return t


def build():
    c = Corpus()
    for case in (unused, invalid, duplicates, foreign_keys, bloat, missing):
        case(c)
    return c


def build_whole():
    """By itself: most of these are unused as well."""
    c = Corpus()
    few_values(c)
    many(c)
    return c

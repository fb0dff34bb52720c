"""What the suites of rehearsals share: a project with a table on one of its branches, and runs of the tool on
directories of migrations."""

from place import VERSIONS, Local

TOOL = "test_migration_on_branch"
BRANCH = "perf-try"
SETUP = """
CREATE SCHEMA app;
CREATE TABLE app.orders (id int PRIMARY KEY, total int NOT NULL DEFAULT 0);
INSERT INTO app.orders SELECT i, i FROM generate_series(1, 30) i;
CREATE FUNCTION app.slowly(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN n; END $$;
"""
WORK = "\\set id random(1, 30)\nUPDATE app.orders SET total = total WHERE id = :id;\nSELECT count(*) FROM app.orders;\n"
VERSION = VERSIONS[-1] if VERSIONS else 0


class Trying(Local):
    """A project with a table on one of its branches, and directories of migrations."""

    def __init__(self, version=VERSION, kind="throwaway", source="production"):
        super().__init__(version, targets=(("production", "production"), ("staging", "shared"), ("*", kind)))
        self.source = source
        if source != "production":
            self.run("create_branch", branch="", branch_name=source)
        self.sql(SETUP, branch=source)
        self.put("work.sql", WORK)

    def put(self, name, text):
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def files(self, name, **files):
        for file, text in files.items():
            self.put(f"{name}/{file}", text)
        return str(self.dir / name)

    def try_out(self, name="files", check=0, branch_name=BRANCH, **more):
        where = {} if self.source == "staging" else {"source_branch": self.source}
        return self.run(TOOL, branch="", check=check, dir=str(self.dir / name), branch_name=branch_name,
                        **{**where, **more})


def on(version, check):
    def test():
        check(version)
    test.__name__ = f"{check.__name__}_on_{version}"
    return test

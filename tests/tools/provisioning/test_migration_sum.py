"""The sum file of a directory of migrations: written by test_migration_on_branch, kept to by all that read the
directory, and a conflict in git where two branches add a file each."""

import subprocess

from place import VERSIONS, contains, equal, holds, suite
from rehearsing import BRANCH, TOOL, Trying, on


def git(folder, *words, check=True):
    done = subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *words], capture_output=True,
                          text=True)
    if check and done.returncode:
        raise AssertionError(f"git {words}: {done.stdout}{done.stderr}")
    return done


def two_branches_meet_in_git(version):
    """Each adds a file that the other does not touch; a merge of both lines by hand is seen, too."""
    with Trying(version) as place:
        folder, sums = place.dir / "files", place.dir / "files" / "lbops.sum"
        tell = lambda: place.run(TOOL, branch="", dir=str(folder), sum="tell")["result"]["sum"]
        place.files("files", **{"V1__a.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;"})
        before = set(place.branches())
        done = place.run(TOOL, branch="", dir=str(folder), sum="write")["result"]
        equal([done["files"], set(place.branches()), sums.read_text()], [1, before, tell()], "only the sum, and no branch")
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "one")
        for branch, name in (("left", "V2__b.sql"), ("right", "V3__c.sql")):
            git(folder, "checkout", "-q", "-b", branch, "main")
            place.files("files", **{name: f"ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS {name[4]} int;"})
            sums.write_text(tell())
            git(folder, "add", "-A")
            git(folder, "commit", "-qm", branch)
        merged = git(folder, "merge", "-q", "left", check=False)
        holds(merged.returncode and "lbops.sum" in merged.stdout + merged.stderr, f"a conflict: {merged.stdout}{merged.stderr}")
        equal(git(folder, "diff", "--name-only", "--diff-filter=U").stdout, "lbops.sum\n", "in the sum alone")
        failed = place.try_out(check=1)
        contains(failed["error"]["message"], "this is no sum of a file; was it merged by hand?")
        contains(failed["error"]["hint"], "--sum tell")
        equal(BRANCH in place.branches(), False, "said before a branch is made")
        sums.write_text("".join(l for l in sums.read_text().splitlines(True) if l[0] not in "<=>"))
        failed = place.run("apply_schema_migration", branch="production", check=1, dir=str(folder))
        contains(failed["error"]["message"], "lbops.sum, line ")
        equal(place.sql("SELECT to_regclass('lbops_migration.ledger') IS NULL"), "t", "nothing was applied")

        waits = place.run(TOOL, branch="", dir=str(folder), sum="write", check=3)
        equal([c["outcome"] for c in waits["changes"]], ["waiting"], "a file that is there is replaced by a person's word only")
        sums.write_text(waits["result"]["sum"])
        done = place.try_out()["result"]
        equal([done["verdict"], done["rehearsal"]["applied"]], ["passed", 3], "made anew, and tried out")
        equal([l.split()[-1] for l in sums.read_text().splitlines()[1:-1]], ["V1__a.sql", "V2__b.sql", "V3__c.sql"], "in their order")
        (folder / "V2__b.sql").write_bytes(b"-- a word\r\n" + (folder / "V2__b.sql").read_bytes())
        failed = place.run("apply_schema_migration", branch=BRANCH, check=1, dir=str(folder))
        contains(failed["error"]["message"], "V2__b.sql has another text than when the sum was written")
        sums.unlink()
        place.run(TOOL, branch="", dir=str(folder), sum="write", plan=True)
        equal(sums.exists(), False, "a plan writes nothing")
        place.run(TOOL, branch="", dir=str(folder), sum="write")
        equal(place.run("apply_schema_migration", branch=BRANCH, dir=str(folder))["result"]["applied"], 0, "it fits again")


suite(*[on(v, two_branches_meet_in_git) for v in VERSIONS], at_once=2)

"""test_migration_on_branch: the way back of a migration, as the branch shows it."""

from place import VERSIONS, contains, equal, holds, suite
from rehearsing import Trying, on


def a_script_that_takes_too_much_differs(version):
    """Also where what it takes was there before and after: the same model is compared more than once."""
    with Trying(version) as place:
        place.files("much", **{"V1__a.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                               "U1__a.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;\n"
                                            "DROP FUNCTION IF EXISTS app.slowly(int);"})
        failed = place.try_out("much", check=1)
        told = failed["result"]["rehearsal"]["rollback"]
        equal(told["outcome"], "differs", "the function is gone")
        contains(told["says"], "app.slowly")
        holds("app.orders" not in told["says"], f"and nothing else: {told['says']}")


suite(*[on(v, a_script_that_takes_too_much_differs) for v in VERSIONS[-1:]])

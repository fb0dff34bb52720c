"""track_cost_attribution where there is no bill: that is said, and nothing is made up."""

from place import Given, contains, each_version, equal, suite
from planted import KEEPS

TOOL = "track_cost_attribution"


def without_billing_tables_that_is_said(version):
    with Given(version, more=KEEPS) as place:
        told = place.run(TOOL, branch="")
        equal([told["status"], told["result"]["examined"]], ["ok", {"lines of the bill": 0}], "at home")
        contains(told["result"]["skipped"][0]["reason"], "no billing tables can be read")
        equal(place.waiting("cost_attribution"), [], "rows of nothing")
        place.run(TOOL, branch="", days=0, check=2)


suite(*each_version(without_billing_tables_that_is_said), at_once=2)

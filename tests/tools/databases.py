"""Several databases of one branch."""

import os

from place import Place, target


class Branch(Place):
    """Which of its databases it is looked at in, the connection string says: look_at first."""

    def __init__(self, version, more=""):
        self.where, self.server = f"Postgres {version}", f"LBOPS_TEST_BRANCH_{id(self)}"
        super().__init__('plugin = "transport_local"\ndsn = { secret = "server" }',
                         target("shop", "main", "production") + f'[secrets]\nserver = {{ env = "{self.server}" }}\n', more, "main")

    def look_at(self, database):
        """database: a place of its own on the server."""
        os.environ[self.server] = database.url()
        return self

    def close(self):
        super().close()
        os.environ.pop(self.server, None)

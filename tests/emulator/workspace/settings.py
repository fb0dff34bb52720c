"""What a test may change about the workspace, before the start or while it runs."""
import dataclasses

from .errors import invalid


@dataclasses.dataclass
class Settings:
    token_s: float = 3600            # life of a workspace token
    token_expires_as_text: bool = False  # "expires_in" as a string
    credential_s: float = 0          # life of a database credential; 0: as the request says
    operation_s: float = 0.2         # how long an operation takes at least
    settle_s: float = 0.3            # how long an endpoint reconciles after its operation
    omit_false: bool = False         # leave fields out that are false
    echo_spec: bool = False          # echo spec beside status
    serial_projects: bool = True     # 409 while another operation runs on the project
    suspend_scale: float = 1.0       # multiplies every suspend timeout
    unarchived_limit: int = 10
    longest_life_s: float = 2592000  # of a branch; some workspaces allow less
    archive_after_s: float = 0       # 0: never
    statement_s: float = 0           # a statement takes at least this long
    warehouse_start_s: float = 0.5   # a stopped warehouse needs this long
    statement_keep_s: float = 3600   # after it, a result is CLOSED; after twelve times it, gone
    chunk_rows: int = 1000
    exact_times: bool = True         # answers show points in time to the microsecond, or are cut to milliseconds
    run_s: float = 0.3               # how long a job's task runs
    page_size: int = 100             # when the request names none

    def change(self, values):
        """Sets what is named; a name or a type that is not known is refused."""
        kinds = {field.name: field.type for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise invalid(f"no such setting: {name}")
            kind = {"float": (int, float), "int": int, "bool": bool}[getattr(kinds[name], "__name__", kinds[name])]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise invalid(f"setting {name} must be a {kinds[name]}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self):
        return dataclasses.asdict(self)

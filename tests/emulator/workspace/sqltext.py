"""As much of SQL's text as must be understood before an engine sees it: tokens, COPY INTO, grants, and what Unity Catalog owns."""
import dataclasses
import re

from .engine import SqlError

TOKEN = re.compile(r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")|(?P<quoted>`(?:[^`]|``)+`)
                       |(?P<word>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<mark>:[A-Za-z_]\w*)|(?P<op>::|.)""", re.S | re.X)
ESCAPE = re.compile(r"\\(.)|''", re.S)


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self):
        return self.text.upper() if self.kind == "word" else self.text

    @property
    def name(self):
        return self.text[1:-1].replace("``", "`") if self.kind == "quoted" else self.text

    @property
    def value(self):
        return ESCAPE.sub(lambda m: m.group(1) or "'", self.text[1:-1])


def tokens(text):
    found = []
    for match in TOKEN.finditer(text):
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), match.start(), match.end()))
    while found and found[-1].text == ";":
        found.pop()
    return found


def syntax_error(near):
    return SqlError("42601", "BAD_REQUEST", f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{near}'. SQLSTATE: 42601")


class Reader:
    """Walks over tokens."""

    def __init__(self, text):
        self.text, self.tokens, self.at = text, tokens(text), 0

    @property
    def here(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "end of input", len(self.text), len(self.text))

    def take(self, *words):
        """Takes these words if they come next."""
        ahead = [token.upper for token in self.tokens[self.at:self.at + len(words)]]
        if ahead == list(words):
            self.at += len(words)
            return True
        return False

    def need(self, *words):
        if not self.take(*words):
            raise syntax_error(self.here.text)

    def string(self):
        if self.here.kind != "string":
            raise syntax_error(self.here.text)
        self.at += 1
        return self.tokens[self.at - 1].value

    def name(self):
        """A name with dots, as its parts."""
        parts = [self._part()]
        while self.take("."):
            parts.append(self._part())
        return parts

    def _part(self):
        if self.here.kind not in ("word", "quoted"):
            raise syntax_error(self.here.text)
        self.at += 1
        return self.tokens[self.at - 1].name

    def list(self, item):
        self.need("(")
        found = [item()]
        while self.take(","):
            found.append(item())
        self.need(")")
        return found

    def end(self):
        if self.here.kind != "end":
            raise syntax_error(self.here.text)


@dataclasses.dataclass
class CopyInto:
    table: list
    path: str
    select: str = None       # the text between SELECT and FROM
    format: str = ""
    files: list = None
    pattern: str = None
    format_options: dict = dataclasses.field(default_factory=dict)
    copy_options: dict = dataclasses.field(default_factory=dict)


def copy_into(text):
    """The parts of COPY INTO, or None when the text is something else."""
    reader = Reader(text)
    if not reader.take("COPY", "INTO"):
        return None
    result = CopyInto(reader.name(), "")
    reader.need("FROM")
    if reader.take("("):
        reader.need("SELECT")
        start, depth = reader.here.start, 0
        while not (depth == 0 and reader.here.upper == "FROM"):
            depth += {"(": 1, ")": -1}.get(reader.here.text, 0)
            if reader.here.kind == "end":
                raise syntax_error(reader.here.text)
            reader.at += 1
        result.select = text[start:reader.here.start].strip()
        reader.need("FROM")
        result.path = reader.string()
        reader.need(")")
    else:
        result.path = reader.string()
    reader.need("FILEFORMAT", "=")
    result.format = reader.name()[0].upper()
    _copy_clauses(reader, result)
    reader.end()
    if result.format not in ("PARQUET", "JSON", "CSV"):
        raise SqlError("0A000", "BAD_REQUEST", f"[UNSUPPORTED_FEATURE] the emulator loads PARQUET, JSON and CSV, not {result.format}")
    if result.files and result.pattern:
        raise syntax_error("PATTERN")
    return result


def _copy_clauses(reader, result):
    def option():
        key = reader.string()
        reader.need("=")
        return key.lower(), reader.string()
    while reader.here.kind != "end":
        if reader.take("FILES", "="):
            result.files = reader.list(reader.string)
        elif reader.take("PATTERN", "="):
            result.pattern = reader.string()
        elif reader.take("FORMAT_OPTIONS"):
            result.format_options = dict(reader.list(option))
        elif reader.take("COPY_OPTIONS"):
            result.copy_options = dict(reader.list(option))
        else:
            raise syntax_error(reader.here.text)


def with_identifiers(text, parameters):
    """IDENTIFIER(:name) and IDENTIFIER('a.b') become the name that they mean."""
    found, at, out = tokens(text), 0, []
    for i, token in enumerate(found):
        if token.upper != "IDENTIFIER" or i + 3 >= len(found) or found[i + 1].text != "(" or found[i + 3].text != ")":
            continue
        inner = found[i + 2]
        if inner.kind == "mark":
            value = parameters.get(inner.text[1:], {}).get("value")
        else:
            value = inner.value if inner.kind == "string" else None
        if not value or not all(part for part in value.replace("`", "").split(".")):
            raise SqlError("42601", "BAD_REQUEST", "[INVALID_IDENTIFIER] IDENTIFIER needs a name")
        out += [text[at:token.start], ".".join(f"`{part}`" for part in value.replace("`", "").split("."))]
        at = found[i + 3].end
    return "".join(out) + text[at:]


def privileges(reader, until):
    """A list of privileges such as SELECT, USE SCHEMA."""
    found, words = [], []
    while not reader.take(until):
        if reader.here.kind not in ("word", "op") or reader.here.kind == "end":
            raise syntax_error(reader.here.text)
        if reader.here.text == ",":
            found.append("_".join(words))
            words = []
        else:
            words.append(reader.here.upper)
        reader.at += 1
    return [name for name in [*found, "_".join(words)] if name]

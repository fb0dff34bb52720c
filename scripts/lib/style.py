"""The style rules for C that a compiler does not know. Arguments: files. Prints file:line: what; exits 1 if any."""
import re
import sys

BANNED = ("sprintf vsprintf strcpy strcat strtok atoi atol atof system popen alloca gets").split()
BANNED_CALL = re.compile(r"(?<![\w>.])(%s)\s*\(" % "|".join(BANNED))
FILE_LINES, TABLE_LINES, FUNCTION_LINES = 500, 600, 80
TABLE_SHARE = 0.5
# Plugins that misbehave on purpose do what nobody else may, and unit tests are long lists.
FAULTS, TESTS = re.compile(r"^tests/faults/"), re.compile(r"^tests/")
TEST_FILE_LINES = 1000
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def bare(text):
    """The code with comments and literals blanked, line for line."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(lines):
    """(first line, length) of each body: the brace of a function stands alone in column one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start + 1
            start = None


def is_table(lines):
    """A file that is mostly rows of data."""
    rows = sum(1 for line in lines if re.match(r"\s+(\{|[A-Z_]+\(|\.)", line))
    return rows > TABLE_SHARE * max(1, len(lines))


def guard_problem(path, code):
    if not path.endswith(".h"):
        return None
    guard = re.search(r"^#ifndef (\w+)\s*\n#define (\w+)", code, re.M)
    if not guard or guard.group(1) != guard.group(2):
        return "no include guard"
    return None


def problems(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    code = bare(text)
    lines = code.split("\n")
    ceiling = TEST_FILE_LINES if TESTS.match(path) else TABLE_LINES if is_table(lines) else FILE_LINES
    if text.count("\n") > ceiling:
        yield 1, f"{text.count(chr(10))} lines, at most {ceiling}"
    for start, length in functions(lines):
        if length > FUNCTION_LINES:
            yield start, f"a function of {length} lines, at most {FUNCTION_LINES}"
    for number, line in enumerate(lines, 1):
        for call in BANNED_CALL.findall(line):
            if not FAULTS.match(path):
                yield number, f"{call} is banned"
    guard = guard_problem(path, code)
    if guard:
        yield 1, guard
    if not text.endswith("\n"):
        yield len(lines), "no newline at the end"


def main():
    found = [f"{path}:{line}: {what}" for path in sys.argv[1:] for line, what in problems(path)]
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())

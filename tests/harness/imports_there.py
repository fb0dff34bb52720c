"""What the benches take from other files here is there: nothing else runs them with every change.

    imports_there.py FILE..."""

import ast
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]


def names_of(file):
    """Those of a module's own level, what it takes from others among them."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(a.asname or a.name for a in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def missing_in(file, modules):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            there = names_of(modules[node.module])
            yield from (f"{file.name}:{node.lineno}: {node.module} has no {a.name}" for a in node.names if a.name not in there)


def main():
    modules = {file.stem: file for file in TESTS.rglob("*.py")}
    files = [pathlib.Path(name) for name in sys.argv[1:]]
    lacks = [line for file in files for line in missing_in(file, modules)]
    print(*lacks, f"{len(files)} files", sep="\n")
    return 1 if lacks or not files else 0


sys.exit(main())

"""Does what the author's guide says: writes its files, runs its commands in order, and holds what they print against
what the guide promises. The files it ends with are those of the example, byte for byte.

    guide.py GUIDE EXAMPLE_DIR WORK_DIR     with LBOPS_BUILD and LBOPS_PREFIX in the environment

A block ```LANG file=NAME is a file, ```sh is a script, ```text expect holds lines that the scripts since the last such
block have printed, in which ... stands for anything; other blocks are for reading only."""
import os
import re
import subprocess
import sys

BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.M | re.S)


class Guide:
    def __init__(self, work):
        self.work = work
        self.env = os.path.join(work, "..", "guide.env")
        # CMake takes a file that is less than a second newer for the same; a reader is not that quick, this is.
        os.environ["CMAKE_INSTALL_ALWAYS"] = "1"
        self.files, self.output, self.failures, self.commands = {}, "", 0, 0

    def verdict(self, good, what, detail=""):
        print(f"{'ok' if good else 'not ok'} - {what}")
        if not good:
            self.failures += 1
            print("    " + detail.replace("\n", "\n    "))

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.files[name] = text

    def run(self, line, text):
        """In the folder of the plugin, with what earlier scripts exported."""
        script = f"set -eo pipefail\n[ ! -e {quote(self.env)} ] || . {quote(self.env)}\n{text}\nexport -p > {quote(self.env)}\n"
        done = subprocess.run(["bash", "-c", script], cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.output += done.stdout
        self.commands += 1
        self.verdict(done.returncode == 0, f"guide line {line}: {text.splitlines()[0]}",
                     f"exit code {done.returncode}\n{done.stdout}")

    def expect(self, line, text):
        for wanted in text.splitlines():
            pattern = r"\s*.*".join(re.escape(part.strip()) for part in wanted.split("..."))
            self.verdict(re.search(pattern, self.output), f"guide line {line}: prints {wanted.strip()}",
                         f"it printed\n{self.output}")
        self.output = ""


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def compare(guide, example):
    """Every file of the example is in the guide, and as the guide leaves it."""
    for folder, _, names in os.walk(example):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), example)
            with open(os.path.join(example, path), encoding="utf-8") as file:
                same = guide.files.get(path) == file.read()
            guide.verdict(same, f"example/{path} stands in the guide", "edit both, they are one text")
    for path in guide.files:
        guide.verdict(os.path.exists(os.path.join(example, path)), f"{path} of the guide is in the example")


def main():
    text_path, example, work = sys.argv[1:]
    with open(text_path, encoding="utf-8") as file:
        text = file.read()
    os.makedirs(work)
    guide = Guide(work)
    for block in BLOCK.finditer(text):
        language, info, body = block.groups()
        line = text.count("\n", 0, block.start()) + 2
        if info and info.startswith("file="):
            guide.write(info[5:], body)
        elif language == "sh":
            guide.run(line, body)
        elif info == "expect":
            guide.expect(line, body)
    compare(guide, example)
    guide.verdict(guide.commands >= 5 and len(guide.files) >= 5, "the guide has commands and files")
    return 1 if guide.failures else 0


sys.exit(main())

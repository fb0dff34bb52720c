"""Pictures for the README: a terminal's text as SVG, the head of a page as PNG.

    picture.py terminal ROOT <TYPESCRIPT >SVG     from the cycle's table on
    picture.py page ROOT HTML PNG
"""
import html
import pathlib
import re
import sys

BEGIN = re.compile(r"^phase +runs")
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#f2cc60", "2": "#8b949e"}
SIZE, LINE, EDGE = 13, 18, 18
CHARACTER = SIZE * 0.602  # of DejaVu Sans Mono and its like; textLength holds others to it


def lines_of(text, root):
    """The last thing that each line showed, without what a progress line had there before."""
    lines = [line.split("\r")[-1].rsplit("\x1b[K", 1)[-1] for line in text.replace("\r\n", "\n").split("\n")]
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    begin = next(i for i, line in enumerate(bare) if BEGIN.match(line))
    end = next((i for i, line in enumerate(bare) if line.startswith("Script done")), len(lines))
    shown = [line.replace(f"{root}/", "") for line in lines[begin:end]]
    first, rest = (next(i for i, line in enumerate(shown) if words in line) for words in (" runs: ", "what came of it"))
    return ["\x1b[1m$ scripts/run\x1b[0m", "", *shown[:6], "", shown[first], "", *shown[rest:]]


def spans(line):
    style, place = "", 0
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b["):
            style = piece[2:-1]
        elif piece:
            yield place, piece, style
            place += len(piece)


def terminal(root):
    lines = lines_of(sys.stdin.read(), root)
    while lines and not lines[-1].strip():
        lines.pop()
    columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    width, height = columns * CHARACTER + 2 * EDGE, len(lines) * LINE + 2 * EDGE
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" '
          f'role="img" aria-label="What scripts/run says at its end" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
          f'font-size="{SIZE}" fill="#e6edf3">')
    print(f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#0d1117"/>')
    for i, line in enumerate(lines):
        for place, text, style in spans(line):
            if not text.strip():
                continue
            look = f' fill="{COLOURS[style]}"' if style in COLOURS else ' font-weight="bold"' if style == "1" else ""
            print(f'<text x="{EDGE + place * CHARACTER:.1f}" y="{EDGE + (i + 0.75) * LINE:.1f}" xml:space="preserve" '
                  f'textLength="{len(text) * CHARACTER:.1f}"{look}>{html.escape(text)}</text>')
    print("</svg>")


def page(root, source, target):
    sys.path.insert(0, f"{root}/tests/dashboards")
    from browser import Browser  # noqa: PLC0415  only this needs it

    with Browser() as browser:
        browser.show(pathlib.Path(source).resolve(), 1100, False)
        browser.picture(pathlib.Path(target), {"x": 0, "y": 0, "width": 1100, "height": 900, "scale": 1})


if __name__ == "__main__":
    {"terminal": terminal, "page": page}[sys.argv[1]](*sys.argv[2:])

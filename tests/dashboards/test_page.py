"""The page of `lbops dashboard --html`, in a browser: on a desk and on a phone, by day and by night. Pictures are kept in
$LBOPS_PICTURES, where that is set."""
import os
import pathlib
import shlex
import struct
import zlib

from browser import Browser
from common import Workspace, query_files
from sample import HOSTILE
from outline import Outline
from suite import contains, equal, holds, suite

def is_blank(path):
    """No picture of a page has rows that are all alike."""
    data = path.read_bytes()
    at, pixels = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT":
            pixels += data[at + 8:at + 8 + length]
        at += 12 + length
    rows = zlib.decompress(pixels)
    stride = len(rows) // height
    return len({rows[i * stride:(i + 1) * stride] for i in range(height)}) < height // 10


def drawn():
    if not hasattr(drawn, "place"):
        drawn.place = Workspace(name="shop-ops")
        drawn.page = drawn.place.page()
        drawn.text = drawn.page.read_text(encoding="utf-8")
    return drawn


def the_page_is_whole_and_the_same_each_time():
    page = drawn()
    outline = Outline(page.text)
    equal([outline.wrong, outline.open], [[], []], "nesting")
    names = [f"{p.parent.name}.{p.stem}" for p in query_files() if p.stem != "now"]
    equal(sorted(a["id"] for a in outline.all("article")), sorted(names), "a card for each query")
    equal(page.place.page("again.html").read_text(encoding="utf-8"), page.text, "the same history")
    equal(len(page.place.cli("dashboard", "--html", "-").stdout.strip()), len(page.text.strip()), "to standard output")


def it_needs_nothing_else():
    outline = Outline(drawn().text)
    for tag in ("script", "img", "iframe", "object", "embed", "form"):
        equal(outline.all(tag), [], tag)
    for tag, attrs in outline.found:
        for name, value in attrs.items():
            holds(not name.startswith("on"), f"{tag} has {name}")
            if name in ("src", "href", "srcset", "action", "data"):
                holds(value.startswith("#") or value == "data:,", f"{tag} asks for {value}")
    holds("url(" not in drawn().text and "@import" not in drawn().text, "no resource in the style")


def what_databases_say_stays_text():
    text = "".join(Outline(drawn().text).words)
    holds(text.count(HOSTILE) > 5, "hostile names are shown as they are")
    holds("<img" not in drawn().text and "</script" not in drawn().text, "and never as elements")


def charts_say_what_they_show():
    outline = Outline(drawn().text)
    charts = [a for a in outline.all("svg") if a.get("role") == "img"]
    equal(len(charts), 11, "drawings")
    ids = {a["id"] for _, a in outline.found if "id" in a}
    holds(all(set(a["aria-labelledby"].split()) <= ids for a in charts), "titles and descriptions")
    holds(len(outline.all("details")) >= len(charts), "the same as tables")
    contains(drawn().text, "Calls", "1 critical alert, 1 warning, 2 decisions")
    contains("".join(outline.words), f"lbops -m {shlex.quote(str(drawn().place.manifest))} approve 01APPROVAL0")


def every_link_leads_somewhere():
    outline = Outline(drawn().text)
    ids = {a["id"] for _, a in outline.found if "id" in a}
    links = [a["href"][1:] for a in outline.all("a")]
    equal([len(links), set(links) - ids], [10, set()], "links")


def nothing_yet():
    with Workspace(rows=False) as place:
        text = place.page().read_text(encoding="utf-8")
        contains(text, "No data yet", "<code>lbops cycle</code>", "<code>lbops serve</code>")
        equal(text.count("card wide empty") + text.count("card half empty"), len(query_files()) - 1, "empty cards")
        equal("<td" in text, False, "no cell")


def wrong_words():
    place = drawn().place
    for words in (["dashboard"], ["dashboard", "--html"], ["dashboard", "--html", "x", "--days", "0"],
                  ["dashboard", "--html", "x", "--days", "7d"], ["dashboard", "--pdf", "x"]):
        contains(place.cli(*words, check=2).stderr, "error:")
    missing = place.dir / "no folder" / "page.html"
    contains(place.cli("dashboard", "--html", missing, check=1).stderr, "no folder")


def on_screens():
    pictures = pathlib.Path(os.environ.get("LBOPS_PICTURES", drawn().place.dir))
    with Browser() as browser:
        backs = {}
        for width in (1280, 390):
            for dark in (False, True):
                what = f"{width}-{'dark' if dark else 'light'}"
                complaints, asked = browser.show(drawn().page, width, dark)
                equal([complaints, asked], [[], []], f"what the browser said at {what}")
                equal(browser.look("document.documentElement.scrollWidth <= innerWidth"), True, f"no overflow at {what}")
                equal(browser.look("[...document.querySelectorAll('.card, .numbers > div')].filter(c => "
                                   "c.getBoundingClientRect().right > innerWidth + 1).length"), 0, f"cards fit at {what}")
                sizes = browser.look("[...document.querySelectorAll('svg[role=img]')].map(s => "
                                     "[s.clientWidth, s.clientHeight, s.querySelectorAll('.line, .bar').length])")
                equal([s for s in sizes if s[0] < 200 or s[1] < 100 or s[2] < 1], [], f"drawings at {what}")
                equal(browser.look("document.querySelectorAll('img, script').length"), 0, "no element from a name")
                small = browser.look("Math.min(...[...document.querySelectorAll('td, dt, p, li')].map(e => "
                                     "parseFloat(getComputedStyle(e).fontSize)))")
                holds(small >= 11, f"letters of {small} px at {what}")
                hidden = browser.look("[...document.querySelectorAll('.card.wide > .scroll')].filter(s => s.scrollWidth > "
                                      "s.clientWidth + 1).map(s => s.closest('article').id)")
                equal(hidden, [], f"tables with columns out of sight at {what}")
                backs[what] = browser.look("getComputedStyle(document.body).backgroundColor")
                holds(not is_blank(browser.picture(pictures / f"dashboard-{what}.png")), f"the picture at {what}")
        holds(backs["1280-light"] != backs["1280-dark"] and backs["390-dark"] == backs["1280-dark"], f"day and night: {backs}")


suite(the_page_is_whole_and_the_same_each_time, it_needs_nothing_else, what_databases_say_stays_text,
      charts_say_what_they_show, every_link_leads_somewhere, nothing_yet, wrong_words, on_screens)

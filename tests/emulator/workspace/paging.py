"""Pages with opaque tokens."""
import base64
import hashlib

from .errors import invalid


def page(request, key, items, render, settings, low=1, high=1000, size_name="page_size", sparse=False):
    """One page of `items`; the token of the next one is bound to the list that it is for."""
    size = request.number(size_name, 0, 0, high) or min(settings.page_size, high)
    if request.query.get(size_name) not in (None, "", "0") and size < low:
        raise invalid(f"{size_name} must be at least {low}")
    start = decode(request)
    answer = {key: [render(item) for item in items[start:start + size]]}
    if sparse and not answer[key]:
        answer = {}
    if start + size < len(items):
        answer["next_page_token"] = encode(request, start + size)
    return answer


def _mark(request):
    return hashlib.sha256(request.path.encode()).hexdigest()[:8]


def encode(request, start):
    return base64.urlsafe_b64encode(f"{_mark(request)}:{start}".encode()).rstrip(b"=").decode()


def decode(request):
    text = request.query.get("page_token", "")
    if not text:
        return 0
    try:
        mark, _, start = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        if mark == _mark(request):
            return int(start)
    except ValueError:
        pass
    raise invalid("page_token is not valid for this list")

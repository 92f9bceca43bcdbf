"""Every page that somebody reaches from the first one by links, as a person with a mouse would."""

from __future__ import annotations

from tests.functional.portal.visitor import Seen, Visitor

# Far above what there is: a crawl that does not end is a fault of the pages.
MOST_PAGES = 500


def crawl(visitor: Visitor, *starts: str) -> dict[str, Seen]:
    """The pages by their addresses; parts of a page (``#``) and files are no pages."""
    found: dict[str, Seen] = {}
    waiting = ["/", *starts]
    while waiting:
        path = waiting.pop()
        if path in found or path.startswith("/static/"):
            continue
        assert len(found) < MOST_PAGES, "no end"
        seen = found[path] = visitor.get(path)
        if seen.answer.headers.get("content-type", "").startswith("text/html"):
            links = (link.partition("#")[0] for link in seen.links)
            waiting += [link for link in links if link.startswith("/")]
    return found

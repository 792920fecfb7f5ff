"""The page and its files. A browser may keep them, and asks each time whether they changed."""

from contextlib import suppress
from pathlib import Path

from litestar import Controller, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from server.settings import Settings

# Not from the system's table, which differs: a browser runs no module of another type.
MEDIA_TYPES = {  # Litestar adds the charset to text
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class PageController(Controller):
    """What a browser opens."""

    path = "/"
    include_in_schema = False
    cache_control = CacheControlHeader(no_cache=True)

    @get(sync_to_thread=False)
    def page(self, settings: NamedDependency[Settings]) -> Response[bytes]:
        """Show the page."""
        return send_file(settings.static, "index.html")

    @get("/static/{path:path}", sync_to_thread=False)
    def file(self, path: FromPath[Path], settings: NamedDependency[Settings]) -> Response[bytes]:
        """Send a script, a style, a picture."""
        return send_file(settings.static, str(path).lstrip("/"))


def send_file(root: Path, name: str) -> Response[bytes]:
    """Send a file that lies below the root, and nothing else."""
    with suppress(OSError, ValueError):  # there is none, or no file can have such a name
        file = (root / name).resolve()
        media_type = MEDIA_TYPES.get(file.suffix)
        if file.is_relative_to(root.resolve()) and media_type is not None:
            return Response(file.read_bytes(), media_type=media_type)
    raise NotFoundException(f"there is no {name} in the page's folder")

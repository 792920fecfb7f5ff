"""A client of the HTTP interface: what it knows of a board, any client can know."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

CALLS = [*(f"weigh_{n}" for n in range(7)), *(f"digits_{n}" for n in range(7))]


def answer(response: httpx.Response) -> dict[str, Any]:
    """Return a successful response's document."""
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


class Workbench:
    """Asks a server that has a board with our firmware."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return answer(self.client.get(path, params=query))

    def post(self, path: str, **body: object) -> dict[str, Any]:
        return answer(self.client.post(path, json=body))

    def inject(self, source: str, *, state: str = "succeeded", **options: object) -> dict[str, Any]:
        """Inject, and return the stream's last event, which must be the end that is expected."""
        body = {"source": source, **options}
        response = self.client.post("/api/fpb/inject/stream", json=body)
        assert response.status_code == 200, response.text
        *_, last = re.findall(r"^data: (.*)$", response.text, flags=re.MULTILINE)
        end: dict[str, Any] = msgspec.json.decode(last)
        assert (end["type"], end["state"]) == ("end", state), end
        return end

    def address(self, symbol: str) -> int:
        """Return where the firmware has a function or a variable."""
        found = self.client.get("/api/symbols", params={"q": symbol}).json()[0]
        assert found["name"] == symbol
        return int(found["address"])

    def calls(self) -> dict[str, int]:
        """Return what the demo's functions return now, by name."""
        lines = self._printed_from_now_on()
        _, numbers = next(lines), next(lines)
        values = [int(word) for word in re.findall(r" (\d+)", numbers)]
        return dict(zip(CALLS, values, strict=True))

    def led_text(self) -> str:
        """Return what the demo calls the LED's state now."""
        found = re.fullmatch(r"LED (.*)  [\d.]+ s", next(self._printed_from_now_on()))
        assert found
        return found[1]

    def _printed_from_now_on(self) -> Iterator[str]:
        """Yield what the program prints, from the next time on that the LED changes.

        The board's own clock tells what is new: the stream begins with what is not.
        """
        now = self.get("/api/memory", address=str(self.address("now_ms")), length="4")
        now_ms = int.from_bytes(msgspec.json.decode(f'"{now["data"]}"', type=bytes), "little")
        is_new = False
        with self.client.stream("GET", "/api/log/stream") as response:
            for line in response.iter_lines():
                if not line.startswith('data: {"type":"log"'):
                    continue
                text = str(msgspec.json.decode(line.removeprefix("data: "))["text"])
                if led := re.fullmatch(r"LED .*  (\d+)\.(\d+) s", text):
                    is_new = is_new or int(led[1] + led[2]) > now_ms
                if is_new:
                    yield text

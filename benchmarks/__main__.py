"""Print every figure: `python -m benchmarks`."""

import os
import platform
import tempfile
from pathlib import Path

from benchmarks import beside_qemu, emulation, injection, page, peer_server, streams, wire
from benchmarks.table import render


def main() -> None:
    """Run one benchmark after the other and print each as soon as it is done."""
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(render("Speed with virtual time on", beside_qemu.speed(folder)))
        print(render("What patches cost", beside_qemu.patches(folder)))
        print(render("Register accesses of the guest", emulation.registers(folder)))
        print(render("Interrupts, in the host's time", emulation.exceptions()))
        print(render("Boards", [*emulation.snapshots(folder), *injection.first_reply()]))
    print(render("Injection over HTTP, emulated board at rate=0", injection.injections()))
    print(render("Event streams and batches", streams.streams()))
    print(render("The page, in Chromium", page.page()))
    print(render("The wire", [*wire.paced(), *wire.unpaced()]))
    print(render("Beside the public command line, same board", wire.beside_peer()))
    print(render("Beside the public server, same board", peer_server.beside_peer_server()))


if __name__ == "__main__":
    main()

"""Calls and imports go down: which file may import what."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    path for top in ("emulator", "server", "firmware") for path in (ROOT / top).rglob("*.py")
]

# From the top down; a file imports from further down only, or from its own row.
EMULATOR_ROWS = (
    ("cli", "terminal", "gateway", "tcp_gateway", "urls"),
    ("realtime",),
    ("pace", "recording", "coverage"),
    ("board",),
    ("parts",),
    ("assembly",),
    ("programming", "coherence", "exception_model"),
    ("stacking",),
    ("core_units", "fp_context", "link", "snapshot", "outside"),
    ("part",),
    ("cpu",),
    ("division", "second_look", "target_test"),
    ("accesses",),
    ("core_registers",),
    ("own_code", "frames"),
    ("engine",),
    ("fault_model", "protection", "transfers"),
    ("bus", "views", "stops", "diagnosis", "pads"),
    ("peripherals",),
    (
        "xpsr",
        "exc_return",
        "clock",
        "interrupts",
        "memory_map",
        "image",
        "registers",
        "plain",
        "faults",
    ),
    ("native", "trace", "targets"),
    ("errors",),
)


def imported_by(path: Path) -> set[str]:
    """Return the full names of the modules a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def importers(package: str) -> set[str]:
    """Return the files that import a package or something in it."""
    return {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(name == package or name.startswith(f"{package}.") for name in imported_by(path))
    }


def test_emulator_does_not_know_the_server() -> None:
    assert {path for path in importers("server") if not path.startswith("server/")} == set()


def test_server_reaches_the_emulator_through_its_port_only() -> None:
    """Beside that the command line names `emulator.cli`, which is imported when it is asked for."""
    outside = {path for path in importers("emulator") if not path.startswith("emulator/")}
    assert outside <= {"server/device/port.py"}


@pytest.mark.parametrize(
    ("library", "files"),
    [
        pytest.param("unicorn", {"emulator/engine.py"}, id="unicorn"),
        pytest.param(
            "elftools", {"emulator/image.py", "server/patch/", "firmware/build.py"}, id="pyelftools"
        ),
        pytest.param("litestar", {"server/"}, id="litestar"),
        pytest.param("uvicorn", {"server/serving.py", "server/connections.py"}, id="uvicorn"),
    ],
)
def test_library_is_used_in_its_own_files_only(library: str, files: set[str]) -> None:
    assert {path for path in importers(library) if not path.startswith(tuple(files))} == set()


def emulator_row(module: str) -> int:
    top = module.split(".")[1]
    return next(row for row, names in enumerate(EMULATOR_ROWS) if top in names)


def test_emulator_imports_go_down() -> None:
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "emulator").rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "parts"
        for name in imported_by(path)
        if name.startswith("emulator.")
        and emulator_row(name)
        < emulator_row(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ]
    assert upward == []

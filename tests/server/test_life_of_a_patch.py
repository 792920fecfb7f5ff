"""What the board does before, while and after it is patched: by HTTP alone, as a user sees it."""

import re
from collections.abc import Iterator

import pytest

from firmware.build import firmware_elf
from server.settings import Settings
from tests.server.serving import serve_in_thread
from tests.server.workbench import Workbench

PORT = "emu://stm32f103c8?rate=20"
UNPATCHED = {  # what the demo prints of its functions, called with 1, 2, 3, ...
    **dict(zip((f"weigh_{n}" for n in range(7)), (0, 2, 8, 20, 40, 70, 112), strict=True)),
    **{f"digits_{n}": int("7123456"[: n + 1]) for n in range(7)},
}
# Each argument becomes a digit of what the patch returns.
PATCHED = [9, 91, 912, 9123, 91234, 912345, 9123456]


def patch_of(function: str) -> str:
    """Return the source of a patch that returns 9 and its arguments, as the digits of a number."""
    names = "abcdef"[: int(function[-1])]
    parameters = ", ".join(f"unsigned {name}" for name in names) or "void"
    digits = "9"
    for name in names:
        digits = f"({digits}) * 10 + {name}"
    return f"unsigned {function}({parameters}) {{ return {digits}; }}"


@pytest.fixture(scope="module")
def connected() -> Iterator[Workbench]:
    firmware_elf()
    with serve_in_thread(Settings()) as running:
        workbench = Workbench(running.client)
        workbench.post("/api/connect", port=PORT)
        yield workbench


@pytest.fixture
def workbench(connected: Workbench) -> Iterator[Workbench]:
    """A board without patches, whose memory for them is free when the test is over."""
    yield connected
    info = connected.post("/api/fpb/unpatch", all=True)
    assert info["used"] == 0
    assert info["memory"]["free"] == info["memory"]["size"]


@pytest.mark.parametrize("function", ["weigh_2", "digits_2"])
@pytest.mark.parametrize(
    "slot", [0, 5, *(pytest.param(slot, marks=pytest.mark.slow) for slot in range(1, 5))]
)
def test_function_changes_with_every_step_of_its_patchs_life(
    workbench: Workbench, function: str, slot: int
) -> None:
    patched = UNPATCHED | {function: PATCHED[2]}
    assert workbench.calls() == UNPATCHED
    result = workbench.inject(patch_of(function), slot=slot)["result"]
    assert result["slot"] == slot
    assert len(result["slots"]) == (1 if result["original"] % 4 == 0 else 2)
    assert workbench.calls() == patched
    workbench.post("/api/fpb/enable", slot=slot, enable=False)
    assert workbench.calls() == UNPATCHED
    workbench.post("/api/fpb/enable", slot=slot, enable=True)
    assert workbench.calls() == patched
    workbench.post("/api/fpb/unpatch", slot=slot)
    assert workbench.calls() == UNPATCHED
    workbench.inject(patch_of(function), slot=slot)
    assert workbench.calls() == patched


@pytest.mark.parametrize(
    "functions",
    [
        pytest.param([f"weigh_{n}" for n in (6, 5, 4, 3, 2, 1)], id="six words"),
        pytest.param(["digits_0", "digits_1", "digits_2"], id="three pairs of words"),
        pytest.param(["digits_3", "digits_4", "digits_5"], id="three other pairs"),
        pytest.param(["weigh_0", "digits_6", "weigh_6", "digits_1"], id="both"),
    ],
)
def test_all_slots_at_once_each_get_their_arguments(
    workbench: Workbench, functions: list[str]
) -> None:
    expected = dict(UNPATCHED)
    for function in functions:
        workbench.inject(patch_of(function))
        expected[function] = PATCHED[int(function[-1])]
    assert workbench.calls() == expected
    assert not any(slot["empty"] for slot in workbench.get("/api/fpb/info")["slots"])
    workbench.post("/api/fpb/enable", all=True, enable=False)
    assert workbench.calls() == UNPATCHED
    workbench.post("/api/fpb/enable", all=True, enable=True)
    assert workbench.calls() == expected


def test_patch_calls_the_firmware_and_has_variables_and_strings_of_its_own(
    workbench: Workbench,
) -> None:
    workbench.inject("""
        unsigned weigh_1(unsigned);
        static unsigned zeroed;
        const char *led_text(_Bool on)
        {
            static char text[] = "turn 0, twice is 00";
            zeroed++;
            text[5] = "0123456789"[zeroed % 10];
            text[17] = '0' + weigh_1(zeroed) / 10 % 10;
            text[18] = '0' + weigh_1(zeroed) % 10;
            return text;
        }
    """)
    turns = [re.fullmatch(r"turn (\d), twice is (\d\d)", workbench.led_text()) for _ in range(3)]
    assert all(turns)
    for turn in filter(None, turns):
        assert int(turn[2]) % 20 == 2 * int(turn[1])  # of a count that goes on past ten
    assert len({turn[0] for turn in filter(None, turns)}) == 3


def test_flash_reads_the_same_while_it_is_patched(workbench: Workbench) -> None:
    weigh, digits = (workbench.address(name) for name in ("weigh_2", "digits_2"))
    around = {"weigh_2": f"{weigh - 64}", "digits_2": f"{digits - 64}"}

    def flash() -> list[str]:
        return [
            workbench.get("/api/memory", address=address, length="128")["data"]
            for address in around.values()
        ]

    before = flash()
    for function in around:
        workbench.inject(patch_of(function))
    assert flash() == before
    assert workbench.get("/api/fpb/info")["elf_matches"] is True  # by a CRC that the guest takes


@pytest.mark.parametrize("code", ["compile", "link", "unknown-symbol", "no-memory"])
def test_failed_injection_leaves_every_patch_as_it_was(workbench: Workbench, code: str) -> None:
    source = {
        "compile": "unsigned weigh_2(unsigned a, unsigned b) { return c; }",
        "link": "int no(void); unsigned weigh_2(unsigned a, unsigned b) { return no(); }",
        "unknown-symbol": "unsigned weigh_9(void) { return 1; }",
        "no-memory": "char t[15000]; unsigned weigh_2(unsigned a, unsigned b) { return t[a]++; }",
    }[code]
    workbench.inject(patch_of("weigh_2"))
    before = workbench.get("/api/fpb/info")
    end = workbench.inject(source, state="failed")
    assert (end["code"], end["board"]) == (code, "unchanged")
    assert workbench.get("/api/fpb/info") == before
    assert workbench.calls() == UNPATCHED | {"weigh_2": PATCHED[2]}


def test_no_slot_left_is_the_end_and_leaves_every_patch_as_it_was(workbench: Workbench) -> None:
    for n in range(1, 6):
        workbench.inject(patch_of(f"weigh_{n}"))
    before = workbench.get("/api/fpb/info")
    end = workbench.inject(patch_of("digits_1"), state="failed")  # one is free, it needs two
    assert (end["code"], end["board"], end["needed"]) == ("no-free-slot", "unchanged", 2)
    assert workbench.get("/api/fpb/info") == before

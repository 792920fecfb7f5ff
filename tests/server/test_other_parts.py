"""Other cores than the first: floats in registers of their own, and an FPB that cannot remap."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware.build import firmware_elf
from server.device.commands import Device
from server.device.port import open_port
from server.device.session import Session
from server.device.slots import Mode
from server.errors import ServerError
from server.inject import InjectRequest, InjectResult, inject
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage, load_image

PROGRAM = Path(__file__).with_name("floats")
BLEND = "float blend(float a, float b, float part)"
AREA = "float area(float width, unsigned count, float height)"
BLENDED, AREAS = 2.0, 1.5  # what the program computes by itself
PATIENCE = 10  # reads
MODES: dict[str, list[Mode]] = {"stm32f405": ["trampoline", "debugmon"], "stm32l552": ["debugmon"]}


@dataclass
class Bench:
    """A board that runs the program, and what works with it."""

    device: Device
    image: FirmwareImage
    toolchain: Toolchain

    def inject(self, source: str, mode: Mode) -> InjectResult:
        return inject(InjectRequest(source, mode=mode), self, lambda _: None)

    def floats(self) -> tuple[float, float]:
        """Return what the two functions gave in a round that began after this was asked."""
        before = self._rounds
        for _ in range(PATIENCE):
            if self._rounds - before > 1:
                break
        else:
            raise AssertionError("the program does not go on")
        blended, areas = (struct.unpack("<f", self._words(n))[0] for n in ("blended", "areas"))
        return blended, areas

    @property
    def _rounds(self) -> int:
        return int.from_bytes(self._words("rounds"), "little")

    def _words(self, name: str) -> bytes:
        return self.device.read(self.image.variables[name].address, 4)


def bench_of(part: str) -> Iterator[Bench]:
    image = load_image(firmware_elf(part, program=PROGRAM))
    port = open_port(f"emu://{part}{image.path}?pace=lockstep")
    with Session(port, lambda _: None, timeout_s=0.5) as session:
        yield Bench(Device(session), image, Toolchain.named().aimed_at(image.target))


@pytest.fixture(params=MODES)
def part(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(part: str) -> Iterator[Bench]:
    yield from bench_of(part)


def test_floats_pass_through_a_patched_call_and_back_to_the_original(
    bench: Bench, part: str
) -> None:
    assert bench.image.function("blend").address % 4 == 0
    assert bench.image.function("area").address % 4 == 2
    assert bench.floats() == (BLENDED, AREAS)
    for mode in MODES[part]:
        bench.inject(f"{BLEND} {{ return a * 100 + b * 10 + part; }}", mode)
        assert bench.floats() == (130.5, AREAS)
        bench.inject(f"{BLEND} {{ return FPB_ORIGINAL(blend)(b, a, part) * 8; }}", mode)
        result = bench.inject(
            f"{AREA} {{ return FPB_ORIGINAL(area)(width, count + 1, height) + 0.25f; }}", mode
        )
        assert bench.floats() == (BLENDED * 8, 2.25)
        assert len(result.slots) == (2 if mode == "trampoline" else 1)
        for slot in (0, result.slot):
            bench.device.unpatch(slot)
        assert bench.floats() == (BLENDED, AREAS)


def test_double_arithmetic_comes_from_the_helpers_of_the_same_kind(bench: Bench, part: str) -> None:
    source = f"{BLEND} {{ volatile double third = a / 3.0; return (float)(third * 6 + b); }}"
    bench.inject(source, MODES[part][0])
    assert bench.floats() == (5.0, AREAS)


def test_a_patch_for_another_float_abi_would_be_wrong(bench: Bench, part: str) -> None:
    """What the choice of flags is good for: the same source, compiled as for a Cortex-M3."""
    bench.toolchain = Toolchain.named()
    bench.inject(f"{BLEND} {{ return a * 100 + b * 10 + part; }}", MODES[part][0])
    assert bench.floats() != (130.5, AREAS)


def test_mode_that_the_fpb_lacks_is_refused_with_the_one_it_has() -> None:
    for bench in bench_of("stm32l552"):
        with pytest.raises(ServerError, match="debugmon"):
            bench.inject(f"{BLEND} {{ return 1; }}", "trampoline")
        assert bench.floats() == (BLENDED, AREAS)

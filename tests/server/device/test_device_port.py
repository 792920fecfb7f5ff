import os
from pathlib import Path

import pytest

from server.device.port import default_elf, list_ports, open_port
from server.errors import PortError
from tests.server.device.far_end import FarEnd


@pytest.mark.parametrize(
    ("url", "reason", "remedy"),
    [
        pytest.param("/dev/no-such-port", "no such port", "list_ports", id="not there"),
        pytest.param("/dev/null", "no serial port", "list_ports", id="no serial port"),
        pytest.param("bad://x", "invalid URL", "name", id="unknown kind of URL"),
        pytest.param("socket://localhost:1", "nobody listens", "start", id="nobody listens"),
        pytest.param("emu://z80", "z80", "emu://PART", id="no such part"),
        pytest.param("emu://stm32f103c8/no/such.elf", "such.elf", "emu://PART", id="no such ELF"),
        pytest.param("emu://stm32f103c8?pace=x", "pace", "emu://PART", id="bad option"),
    ],
)
def test_port_that_cannot_be_opened_says_why_and_what_to_do(
    url: str, reason: str, remedy: str
) -> None:
    with pytest.raises(PortError) as raised:
        open_port(url)
    error = raised.value
    assert (error.port, error.status) == (url, 503)
    assert reason in error.reason
    assert remedy in error.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_port_of_another_user_is_refused_with_a_remedy(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch(mode=0o000)
    with pytest.raises(PortError, match="group"):
        open_port(str(port))


def test_real_port_is_opened_for_one_program_alone(far_end: FarEnd) -> None:
    with open_port(far_end.port), pytest.raises(PortError, match="in use"):
        open_port(far_end.port)
    open_port(far_end.port).close()


def test_emulated_port_opens_like_any_other() -> None:
    with open_port("emu://stm32f103c8?pace=lockstep", 115200) as port:
        assert port.baudrate == 115200


def test_emulated_parts_are_listed_first() -> None:
    first = list_ports()[0]
    assert (first.url, first.kind) == ("emu://stm32f103c8", "emulated")
    assert "Cortex-M3" in first.description


@pytest.mark.parametrize("url", ["/dev/ttyACM0", "socket://localhost:4000", "COM3"])
def test_real_port_does_not_say_which_elf_it_runs(url: str) -> None:
    assert default_elf(url) is None


def test_emulated_port_runs_our_firmware_by_default() -> None:
    elf = default_elf("emu://stm32f103c8?pace=lockstep")
    assert elf is not None
    assert elf.read_bytes().startswith(b"\x7fELF")


def test_emulated_port_runs_the_elf_that_its_url_names() -> None:
    url = "emu://stm32f103c8/home/me/my%20firmware.elf?pace=lockstep"
    assert default_elf(url) == Path("/home/me/my firmware.elf")


def test_part_without_firmware_is_refused() -> None:
    with pytest.raises(PortError, match="z80"):
        default_elf("emu://z80")

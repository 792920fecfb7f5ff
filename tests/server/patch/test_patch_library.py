from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import LinkError
from server.patch import library
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage
from server.patch.library import compiler_rt
from server.patch.link import link_patch

NEEDS_HELPER = "int twice(unsigned a) { return (int)(1000000ull * a / (a + 3ull)); }"


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget where the archive is, before and after."""
    compiler_rt.cache_clear()
    yield
    compiler_rt.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("is_hard_float", [False, True])
def test_archive_is_kept_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_hard_float: bool
) -> None:
    kept = compiler_rt(is_hard_float=is_hard_float)
    assert kept != compiler_rt(is_hard_float=not is_hard_float)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "fpbay").mkdir()
    (tmp_path / "fpbay" / kept.name).write_bytes(kept.read_bytes())
    compiler_rt.cache_clear()
    assert compiler_rt(is_hard_float=is_hard_float) == tmp_path / "fpbay" / kept.name


@pytest.mark.usefixtures("fresh")
@pytest.mark.slow
def test_archive_is_built_where_the_cache_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    archive = compiler_rt(is_hard_float=False)
    assert archive.read_bytes().startswith(b"!<arch>\n")
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


@pytest.mark.usefixtures("fresh")
def test_helper_is_named_when_the_archive_cannot_be_built(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(library, "BUILD_TIMEOUT_S", 0.01)
    obj = compile_patch(NEEDS_HELPER, Toolchain.named("zig"))
    with pytest.raises(LinkError, match=r"defines __aeabi_uldivmod.*could not be built") as caught:
        link_patch(obj, image, image.function("twice"))
    assert caught.value.undefined == ["__aeabi_uldivmod"]
    assert list((tmp_path / "fpbay").iterdir()) == []

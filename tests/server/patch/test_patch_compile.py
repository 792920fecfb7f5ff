import os
import select
import shutil
import tempfile
from pathlib import Path

import pytest

from server.errors import CompileError, RequestError, ToolchainError
from server.patch.compile import Toolchain, compile_patch
from server.patch.confine import guards_files

GOOD = "int f(int a) { return a; }\n"


def test_error_points_at_the_users_line_under_the_users_name(toolchain: Toolchain) -> None:
    with pytest.raises(CompileError) as caught:
        compile_patch("int f(void)\n{\n  return y;\n}\n", toolchain, name="blink fast.c")
    first = caught.value.diagnostics[0]
    assert (first.file, first.line, first.column, first.severity) == (
        "blink fast.c",
        3,
        10,
        "error",
    )
    assert str(caught.value).startswith("blink fast.c:3:10: ")
    assert "return y;" in caught.value.stderr
    assert tempfile.gettempdir() not in caught.value.stderr
    assert "./" not in caught.value.stderr


def test_error_after_very_many_warnings_is_told(toolchain: Toolchain) -> None:
    source = "#warning it goes on and on\n" * 2000 + "int f(void) { return y; }\n"
    with pytest.raises(CompileError) as caught:
        compile_patch(source, toolchain)
    errors = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert [(d.file, d.line) for d in errors] == [("patch.c", 2001)]
    warned = [(d.file, d.line) for d in caught.value.diagnostics if d.severity == "warning"]
    assert warned == sorted(set(warned))
    assert {file for file, _ in warned} == {"patch.c"}
    assert len(caught.value.stderr) <= 0x1_0000


def test_all_errors_are_counted(toolchain: Toolchain) -> None:
    with pytest.raises(CompileError, match=r"\(and 1 more\)"):
        compile_patch("int f(void) { return y; }\nint g(void) { return z; }\n", toolchain)


def test_call_of_undeclared_function_is_an_error(toolchain: Toolchain) -> None:
    with pytest.raises(CompileError, match=r"undeclared|implicit declaration"):
        compile_patch("int f(void) { return undeclared(1); }", toolchain)


def test_missing_header_is_an_error_with_its_place(toolchain: Toolchain) -> None:
    with pytest.raises(CompileError, match=r"patch.c:1:10: .*nowhere\.h"):
        compile_patch('#include "nowhere.h"\n', toolchain)


def test_warnings_are_kept(toolchain: Toolchain) -> None:
    obj = compile_patch("int f(void) { int unused; return 1; }", toolchain)
    assert "unused" in obj.warnings
    assert [d.severity for d in obj.diagnostics] == ["warning"]


def test_source_without_warnings_has_none(toolchain: Toolchain) -> None:
    assert compile_patch(GOOD, toolchain).warnings == ""


def test_freestanding_headers_are_there(toolchain: Toolchain) -> None:
    names = ("stdint", "stdbool", "stddef", "stdarg", "limits", "float")
    source = "".join(f"#include <{name}.h>\n" for name in names) + GOOD
    assert compile_patch(source, toolchain).functions == ("f",)


def test_headers_of_a_given_folder_are_there(toolchain: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "led.h").write_text("#define LED 13\n")
    with_headers = Toolchain.named(toolchain.name, includes=[tmp_path])
    source = '#include "led.h"\nint f(void) { return LED; }\n'
    assert compile_patch(source, with_headers).functions == ("f",)


def test_same_source_is_compiled_once(toolchain: Toolchain) -> None:
    assert compile_patch(GOOD, toolchain) is compile_patch(GOOD, toolchain)


def test_static_and_inline_functions_are_kept_and_what_only_looks_like_one_is_not(
    toolchain: Toolchain,
) -> None:
    source = """
        #define EACH(n) for (int i = 0; i < (n); i++)
        static int unused(void) { return 1; }
        inline int public(int a) { EACH(a) { a += i; } return a; }
        #if 0
        static int absent(void) { return 2; }
        #endif
        static int used(int a) { return public(a); }
        int f(int a) { return used(a); }
    """
    obj = compile_patch(source, toolchain)
    assert set(obj.functions) == {"unused", "public", "used", "f"}
    assert obj.warnings == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("_Thread_local int t; int f(void) { return t++; }", "^t: ", id="thread-local"),
        pytest.param(
            "volatile int n; __attribute__((constructor)) void f(void) { n = 3; }",
            "constructors",
            id="constructor",
        ),
        pytest.param("int big[1 << 20]; int *f(void) { return big; }", "too many", id="too big"),
    ],
)
def test_what_a_board_cannot_have_is_refused(
    toolchain: Toolchain, source: str, message: str
) -> None:
    with pytest.raises(CompileError, match=message):
        compile_patch(source, toolchain)


@pytest.mark.parametrize("name", ["", "../patch.c", "a\nb.c", "object.o", "patch.cpp", "patch"])
def test_name_that_cannot_be_a_c_file_is_refused(toolchain: Toolchain, name: str) -> None:
    with pytest.raises(RequestError):
        compile_patch(GOOD, toolchain, name=name)


@pytest.mark.parametrize("name", ["-o evil.c", "@file.c", "-.c", "ü ö.c", "a:b.c"])
def test_odd_name_is_a_name_and_never_an_option(toolchain: Toolchain, name: str) -> None:
    obj = compile_patch("int f(void) { int unused; return 1; }", toolchain, name=name)
    assert obj.functions == ("f",)
    assert obj.diagnostics[0].file == name


def test_text_that_is_not_text_is_refused(toolchain: Toolchain) -> None:
    with pytest.raises(RequestError, match="not valid text"):
        compile_patch("int f;\udc80", toolchain)


def test_compiler_that_hangs_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    # The child alone holds the reading end of a FIFO: writing is an error when the child is gone.
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "fifo", os.O_WRONLY)
    hangs = ("sh", "-c", f"sleep 1000 <'{tmp_path}/fifo' & wait")
    toolchain = Toolchain("hangs", hangs, ("ld",), includes=(tmp_path,))
    with pytest.raises(CompileError, match=r"had not finished after 0\.3 s"):
        compile_patch(GOOD, toolchain, timeout_s=0.3)
    os.close(reader)
    poll = select.poll()
    poll.register(writer, select.POLLERR)
    assert poll.poll(5000) == [(writer, select.POLLERR)]
    os.close(writer)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that this process may read."""
    path = tmp_path / "secret.h"
    path.write_text("int hunter2 = correct;")
    return path


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param('#include "{path}"', id="include"),
        pytest.param('#define SECRET "{path}"\n#include SECRET', id="include by a macro"),
        pytest.param("""__asm__(".inc" "bin \\"{path}\\"");""", id="incbin"),
        pytest.param("""__asm__(".include \\"{path}\\"");""", id="include of the assembler"),
    ],
)
def test_source_reads_no_file_of_the_host(toolchain: Toolchain, secret: Path, reading: str) -> None:
    if not guards_files():
        pytest.skip("this kernel has no Landlock")
    with pytest.raises(CompileError) as caught:
        compile_patch(f"{reading.format(path=secret)}\nint f(void) {{ return 1; }}", toolchain)
    assert "hunter2" not in caught.value.stderr
    assert str(secret) in caught.value.stderr


def test_compiler_that_writes_without_end_is_stopped() -> None:
    with pytest.raises(ToolchainError, match="SIGXFSZ"):
        compile_patch(GOOD, Toolchain("talks", ("yes", "--"), ("ld",)))


def test_compiler_has_bounded_memory_and_time() -> None:
    until_set = 'until [ "$(ulimit -v)" != unlimited ]; do :; done'
    tells = f"{until_set}; ulimit -v >&2; ulimit -t >&2; exit 1"
    with pytest.raises(CompileError, match="1048576\n240"):
        compile_patch(GOOD, Toolchain("tells", ("sh", "-c", tells), ("ld",)))


def test_compiler_that_needs_too_much_memory_says_so() -> None:
    say = "echo 'LLVM ERROR: out of memory' >&2; exit 134"
    with pytest.raises(CompileError, match="more than 1024 MiB: simplify"):
        compile_patch(GOOD, Toolchain("large", ("sh", "-c", say), ("ld",)))


def test_source_that_takes_for_ever_is_stopped(toolchain: Toolchain) -> None:
    doubling = "".join(f"#define X{n + 1} X{n} + X{n}\n" for n in range(40))
    source = f"#define X0 1\n{doubling}#if X40\n#endif\n"
    with pytest.raises(CompileError, match="was stopped"):
        compile_patch(source, toolchain, timeout_s=0.2)


def test_compiler_that_crashes_is_no_fault_of_the_source() -> None:
    crashes = Toolchain("crashes", ("sh", "-c", "kill -SEGV $$"), ("ld",))
    with pytest.raises(ToolchainError, match="SIGSEGV"):
        compile_patch(GOOD, crashes)


def test_compiler_that_vanished_is_named() -> None:
    with pytest.raises(ToolchainError, match="/nowhere/gcc cannot be run"):
        compile_patch(GOOD, Toolchain("gone", ("/nowhere/gcc",), ("ld",)))


def test_unknown_toolchain_is_named_with_a_remedy() -> None:
    with pytest.raises(RequestError, match=r"'no-such-gcc'.*install arm-none-eabi-gcc"):
        Toolchain.named("no-such-gcc")


def test_compiler_for_another_machine_is_refused(tmp_path: Path) -> None:
    gcc = tmp_path / "gcc"
    gcc.write_text("#!/bin/sh\necho x86_64-linux-gnu\n")
    gcc.chmod(0o755)
    with pytest.raises(RequestError, match="x86_64-linux-gnu, not for arm-none-eabi"):
        Toolchain.named(str(gcc))


def test_compiler_may_be_given_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which("arm-none-eabi-gcc")
    if found is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    (tmp_path / "my gcc").symlink_to(found)
    monkeypatch.chdir(tmp_path)
    assert compile_patch(GOOD, Toolchain.named("./my gcc")).functions == ("f",)


def test_compiler_leaves_no_files_behind(
    toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    compile_patch("int tidy(void) { return 1; }", toolchain)
    assert list(tmp_path.iterdir()) == []


def test_object_is_the_same_each_time(toolchain: Toolchain) -> None:
    first = compile_patch(GOOD, toolchain, name="a.c", timeout_s=29)
    assert first.file == compile_patch(GOOD, toolchain, name="a.c", timeout_s=28).file

"""What is linked is run on a Cortex-M3, with the firmware's flash beside it."""

from collections.abc import Callable

import pytest

from server.errors import CompileError, LinkError, NotPatchableError, UnknownSymbolError
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage
from server.patch.link import Patch, link_patch

Build = Callable[..., Patch]
Run = Callable[[Patch], Callable[..., int]]

EVERYTHING = """
    #include <stdint.h>
    extern int twice(int a), unsized(int a);
    extern volatile int sensor;
    static int counter;             /* zeroed */
    static int started = 1000;      /* initialised */
    static const char digits[] = "0123456789";
    static int (*const table[])(int) = {twice, unsized};
    uint32_t blink_period_ms(int which)
    {
        counter++;
        started++;
        switch (which) {
        case 0: return counter;
        case 1: return started;
        case 2: return digits[5];
        case 3: return twice(21);
        case 4: return table[counter & 1](4);
        default: return sensor;
        }
    }
"""


def test_static_variable_of_patch_is_zero_at_the_first_call_and_keeps_its_value(
    build: Build, run: Run
) -> None:
    call = run(build(EVERYTHING))
    assert [call(0), call(0), call(0)] == [1, 2, 3]


def test_initialised_variable_of_patch_has_its_value(build: Build, run: Run) -> None:
    call = run(build(EVERYTHING))
    assert [call(1), call(1)] == [1001, 1002]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        pytest.param(2, ord("5"), id="string"),
        pytest.param(3, 42, id="call into flash"),
        pytest.param(4, 42, id="pointer to function in flash"),
        pytest.param(5, 7, id="variable of the firmware"),
    ],
)
def test_patch_reaches(build: Build, run: Run, which: int, expected: int) -> None:
    assert run(build(EVERYTHING))(which) == expected


def test_every_pointer_of_the_patch_to_a_firmware_function_has_the_thumb_bit(
    build: Build, image: FirmwareImage
) -> None:
    code = build(EVERYTHING).code
    words = {int.from_bytes(code[n : n + 4], "little") for n in range(0, len(code) - 3, 4)}
    for name in ("twice", "unsized"):
        assert image.functions[name].address | 1 in words
        assert image.functions[name].address not in words


def test_branch_written_in_assembler_reaches_flash(build: Build, run: Run) -> None:
    source = """
        __attribute__((naked)) unsigned blink_period_ms(int a)
        {
            __asm volatile("push {r4, lr}\\n bl twice\\n pop {r4, pc}");
        }
    """
    assert run(build(source))(8) == 16


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("(a * 0x100000001ull) / (b + 0x80000000ull)", 1999, id="unsigned 64"),
        pytest.param("((int64_t)a << 33) / -(int64_t)b", -((1000 << 33) // 7), id="signed 64"),
        pytest.param("a * 1.5f + b", 1507, id="float"),
        pytest.param("(double)a / b * 1000", 142857, id="double"),
    ],
)
def test_arithmetic_that_needs_helpers(
    build: Build, run: Run, expression: str, expected: int
) -> None:
    source = f"""
        #include <stdint.h>
        uint32_t blink_period_ms(uint32_t a, uint32_t b) {{ return (uint32_t)({expression}); }}
    """
    assert run(build(source))(1000, 7) == expected & 0xFFFF_FFFF


def test_memcpy_and_memset_that_the_firmware_lacks(build: Build, run: Run) -> None:
    source = """
        void *memcpy(void *to, const void *from, __SIZE_TYPE__ n);
        void *memset(void *to, int byte, __SIZE_TYPE__ n);
        static unsigned char from[100] = {1, 2, 3}, to[100];
        unsigned blink_period_ms(unsigned n)
        {
            memset(to, 9, sizeof to);
            memcpy(to, from, n);
            return to[0] * 10000 + to[2] * 100 + to[50];
        }
    """
    assert run(build(source))(3) == 10309


def test_own_definition_wins_over_the_firmwares(build: Build, run: Run) -> None:
    source = """
        extern unsigned blink_period_ms(unsigned n);
        __attribute__((noinline)) int twice(int a) { return 3 * a; }
        /* FPB_INJECT */
        unsigned blink_period_ms(unsigned n) { return n ? twice(1) + blink_period_ms(n - 1) : 0; }
    """
    assert run(build(source))(5) == 15


@pytest.mark.parametrize("qualifier", ["static", "inline", "static inline"])
def test_replacement_may_be(build: Build, run: Run, qualifier: str) -> None:
    source = f"{qualifier} unsigned blink_period_ms(unsigned a, unsigned b) {{ return b; }}"
    assert run(build(source))(1, 2) == 2


def test_static_replacement_keeps_its_parameters_though_its_caller_needs_one_only(
    build: Build, run: Run
) -> None:
    source = """
        extern int twice(int a);
        /* FPB_INJECT */
        static __attribute__((noinline)) int blink_period_ms(int unused, int used)
        {
            return twice(used) * 3 + twice(used + 1);
        }
        int caller(int a) { return blink_period_ms(1, a) + blink_period_ms(2, a); }
    """
    assert run(build(source))(50, 1) == 2 * 3 + 4


def test_section_named_by_the_user_is_part_of_the_patch(build: Build, run: Run) -> None:
    source = """
        __attribute__((section(".fast"))) static int table[2] = {11, 22};
        __attribute__((section("hot"))) unsigned blink_period_ms(int n) { return table[n]++; }
    """
    call = run(build(source))
    assert [call(1), call(1)] == [22, 23]


def test_weak_function_that_nobody_defines_is_null(build: Build, run: Run) -> None:
    source = """
        extern int nobody(void) __attribute__((weak)), twice(int) __attribute__((weak));
        unsigned blink_period_ms(void) { return nobody ? 1 : twice ? twice(2) : 3; }
    """
    assert run(build(source))() == 4


def test_common_variable_is_zeroed(build: Build, run: Run) -> None:
    source = """
        __attribute__((common)) int shared;
        unsigned blink_period_ms(void) { return ++shared; }
    """
    assert run(build(source))() == 1


def test_unused_parts_are_not_linked(build: Build) -> None:
    small = "unsigned blink_period_ms(void) { return 1; }"
    large = small + "int unused[500] = {1}; int other(void) { return unused[3] + nobody(); }"
    declared = "int nobody(void);" + large
    assert build(declared, "blink_period_ms").code == build(small).code


def test_size_does_not_depend_on_the_address(
    image: FirmwareImage, toolchain: Toolchain, run: Run
) -> None:
    obj = compile_patch(EVERYTHING, toolchain)
    linked = link_patch(obj, image, image.function("blink_period_ms"))
    for address in (0x2000_0008, 0x2000_0410, 0x2000_4FF8):
        patch = linked.at(address)
        assert len(patch.code) == linked.size
        assert patch.entry == address | 1
        assert run(patch)(3) == 42


def test_original_is_called_with_its_arguments_and_its_type(build: Build, run: Run) -> None:
    source = """
        static int (*next(void))(int);
        int twice(int a) { return next()(a) + FPB_ORIGINAL(twice)(a + 1) * 100; }
        static int (*next(void))(int) { return FPB_ORIGINAL(twice); }
    """
    assert run(build(source, "twice"))(3) == 6 + 800


def test_originals_of_several_functions_can_be_called(
    build: Build, run: Run, image: FirmwareImage, toolchain: Toolchain
) -> None:
    source = """
        #include <stdint.h>
        int twice(int a), other(int a), lonely(int a);
        static int counter[3];
        /* FPB_INJECT */
        uint32_t blink_period_ms(void)
        {
            return FPB_ORIGINAL(blink_period_ms)() + ++counter[2] + FPB_ORIGINAL(lonely)(1000);
        }
        int unused(int a) { return FPB_ORIGINAL(other)(a); }
    """
    call = run(build(source))
    assert [call(), call()] == [500 + 1 + 1007, 500 + 2 + 1007]
    function = image.function("blink_period_ms")
    linked = link_patch(compile_patch(source, toolchain), image, function)
    assert {symbol.name for symbol in linked.originals} == {"blink_period_ms", "lonely"}


def test_size_counts_the_originals(image: FirmwareImage, toolchain: Toolchain, run: Run) -> None:
    source = "int twice(int a) { return FPB_ORIGINAL(twice)(a) + 1; }"
    obj = compile_patch(source, toolchain)
    linked = link_patch(obj, image, image.function("twice"))
    for address in (0x2000_0008, 0x2000_4FF0):
        patch = linked.at(address)
        assert len(patch.code) == linked.size
        assert run(patch)(21) == 43


def test_static_replacement_may_call_its_original(build: Build, run: Run) -> None:
    source = "static int lonely(int a) { return FPB_ORIGINAL(lonely)(a) * 2; }"
    assert run(build(source, "lonely"))(5) == 24


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param("FPB_ORIGINAL(twise)(a)", UnknownSymbolError, "did you mean twice", id="name"),
        pytest.param("FPB_ORIGINAL(helper)(a)", UnknownSymbolError, "several", id="ambiguous"),
        pytest.param("FPB_ORIGINAL(in_ram)(a)", NotPatchableError, "below 0x20000000", id="RAM"),
        pytest.param("FPB_ORIGINAL(twice)(a, a)", CompileError, "too many arguments", id="type"),
    ],
)
def test_original_that_does_not_exist_is_refused(
    build: Build, call: str, error: type[Exception], message: str
) -> None:
    source = f"""
        int twise(int), helper(int), in_ram(int);
        int twice(int a) {{ return {call}; }}
    """
    with pytest.raises(error, match=message):
        build(source, "twice")


def test_wide_alignment_is_refused_by_name(build: Build) -> None:
    source = """
        __attribute__((aligned(64))) static int buffer[4];
        unsigned blink_period_ms(int n) { return buffer[n]++; }
    """
    with pytest.raises(LinkError, match="buffer wants to be aligned to 64 bytes"):
        build(source)


def test_odd_address_is_refused(build: Build) -> None:
    with pytest.raises(LinkError, match="0x20001004 is not a multiple of 8"):
        build("unsigned blink_period_ms(void) { return 1; }", address=0x2000_1004)


def test_undefined_name_is_reported_with_a_close_one(build: Build) -> None:
    source = "int twise(int); unsigned blink_period_ms(void) { return twise(2); }"
    with pytest.raises(LinkError, match=r"defines twise; did you mean twice\?") as caught:
        build(source)
    assert caught.value.undefined == ["twise"]


def test_all_undefined_names_are_reported(build: Build) -> None:
    source = "int a1(void), b2(void); unsigned blink_period_ms(void) { return a1() + b2(); }"
    with pytest.raises(LinkError) as caught:
        build(source)
    assert set(caught.value.undefined) == {"a1", "b2"}


def test_ambiguous_static_of_the_firmware_is_reported_with_its_places(
    build: Build, image: FirmwareImage
) -> None:
    source = "int helper(int); unsigned blink_period_ms(void) { return helper(2); }"
    with pytest.raises(LinkError, match="helper is ambiguous") as caught:
        build(source)
    for symbol in image.ambiguous["helper"]:
        assert f"0x{symbol.address:08X}" in str(caught.value)


def test_unique_static_of_the_firmware_can_be_called(build: Build, run: Run) -> None:
    source = "int lonely(int); unsigned blink_period_ms(void) { return lonely(2); }"
    assert run(build(source))() == 9


def test_clone_of_the_firmware_can_be_called_under_its_exact_name(build: Build, run: Run) -> None:
    source = """
        int clone(int) __asm__("split.isra.0");
        unsigned blink_period_ms(void) { return clone(20); }
    """
    assert run(build(source))() == 13


def test_function_the_object_lacks_is_refused(image: FirmwareImage, toolchain: Toolchain) -> None:
    obj = compile_patch("int something(void) { return 1; }", toolchain)
    with pytest.raises(LinkError, match="does not define twice; it defines something"):
        link_patch(obj, image, image.function("twice"))

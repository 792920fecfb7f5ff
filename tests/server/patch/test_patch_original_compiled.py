"""What compilers begin functions with, relocated and run beside the original.

Many small functions, by each compiler at each level; which forms came out is counted.
"""

import functools
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from server.errors import OriginalError
from server.patch.image import FirmwareImage, Symbol, load_image
from server.patch.original import displaced_instructions, relocate
from tests.server.patch.conftest import ZIG_CC
from tests.server.patch.core import FLAGS, LAYOUT, SIZE, STACK, STOP, STUB, Core

# Each f_ function takes what r0-r3 and the stack hold. Those named f_loop begin with their loop
# where the compiler finds nothing to do before it.
SOURCE = r"""
#include <stdint.h>
typedef uint32_t u;
typedef uint64_t ull;
struct pair { u a, b; };
struct large { u word[7]; };
u counter, words[16], *pointer;
uint8_t bytes[64];
int16_t halves[32];
volatile u port;
static const u primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};

void *memcpy(void *to, const void *from, __SIZE_TYPE__ n)
{
    for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}
void *memset(void *to, int byte, __SIZE_TYPE__ n)
{
    for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile char *)to)[i] = (char)byte;
    return to;
}
#define OUT __attribute__((noinline))
OUT u one(u a) { port = a; return a * 3 + 1; }
OUT u two(u a, u b) { port += b; return a - b; }
OUT u six(u a, u b, u c, u d, u e, u f) { return a ^ b * 3 ^ c * 5 ^ d * 7 ^ e * 11 ^ f * 13; }
static u (*const table[4])(u) = {one, one, one, one};

void f_nothing(void) {}
u f_zero(void) { return 0; }
u f_large_constant(void) { return 0x12345678; }
u f_half_constant(void) { return 0x1234; }
u f_same(u a) { return a; }
u f_sum(u a, u b) { return a + b; }
u f_five(u a, u b, u c, u d, u e) { return a + b + c + d + e; }
ull f_long(ull a, ull b) { return a * b + 5; }
ull f_long_shift(ull a, u n) { return a << (n & 31); }
struct pair f_pair(u a, u b) { return (struct pair){b, a}; }
u f_by_value(struct large s) { return s.word[0] ^ s.word[3] ^ s.word[6]; }
u f_counter(void) { return ++counter; }
void f_store(u a) { port = a; }
u f_load(void) { return port; }
u f_byte(u a) { return bytes[a & 63]++; }
int f_half(u a) { return halves[a & 31]; }
const char *f_text(u a) { return a & 1 ? "on" : "off"; }
u f_prime(u a) { return primes[a & 7]; }
u f_min(u a, u b) { return a < b ? a : b; }
int f_sign(int a) { return a < 0 ? -1 : a > 0; }
u f_if(u a) { if (a) port = 1; return a; }
u f_unless(u a) { if (!a) return one(a); return two(a, 1); }
u f_if_zero(u a, u b) { if (b == 0) return 0; return a / b; }
u f_call(u a) { return one(a) + 1; }
u f_calls(u a, u b) { return one(a) + one(b); }
u f_tail(u a) { return one(a); }
u f_tail_changed(u a, u b) { return two(b, a); }
u f_call_of_six(u a, u b) { return six(a, b, 1, 2, 3, 4); }
u f_by_pointer(u a) { return table[a & 3](a); }
u f_switch(u a)
{
    switch (a & 15) {
    case 0: return 7;
    case 1: return one(a);
    case 2: return two(a, 5);
    case 3: port = 3; return 4;
    case 4: return a * a;
    case 5: return 99;
    case 6: counter = a; return 12;
    case 9: return counter;
    default: return 1;
    }
}
u f_switch_unchecked(u a)
{
    if (a > 5) __builtin_unreachable();
    switch (a) {
    case 0: return one(7);
    case 1: return one(a);
    case 2: return two(a, 5);
    case 3: port = 3; return 4;
    case 4: return a * a;
    default: counter = a; return 12;
    }
}
u f_array(u a) { u local[40]; for (u i = 0; i < 40; i++) local[i] = a * i; return local[a % 40]; }
u f_big_frame(u a)
{
    volatile u local[200];
    local[a % 200] = a;
    return local[a % 200] + one(a);
}
u f_many(u a, u b, u c, u d)
{
    u e = one(a), f = one(b), g = one(c), h = one(d), i = two(e, f), j = two(g, h);
    return e ^ f * 3 ^ g * 5 ^ h * 7 ^ i * 9 ^ j * 11 ^ a ^ b ^ c ^ d;
}
u f_recursive(u a)
{
    a &= 7;
    return a < 2 ? port + 1 : f_recursive(a - 1) + f_recursive(a - 2) * 2;
}
u f_variadic(u n, ...)
{
    __builtin_va_list list;
    u sum = 0;
    __builtin_va_start(list, n);
    for (u i = 0; i < (n & 7); i++) sum = sum * 3 + __builtin_va_arg(list, u);
    __builtin_va_end(list);
    return sum;
}
u f_loop(u a) { a &= 63; u sum = 0; for (u i = 0; i < a; i++) sum += i * i ^ port; return sum; }
u f_loop_wait(void) { while (port & 0) {} return port; }
u f_loop_first(u a) { do { a >>= 1; port = a; } while (a); return a; }
u f_loop_string(u s) { u n = 0; while (bytes[s + n & 63] & 1 && n < 70) n++; return n; }
u f_loop_gcd(u a, u b) { while (b) { u r = a % b; a = b; b = r; } return a; }
u f_masked(u a)
{
    u mask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(mask));
    counter += a;
    __asm volatile("msr primask, %0" :: "r"(mask));
    return counter;
}
u f_exclusive(u a)
{
    u old, failed;
    do {
        __asm volatile("ldrex %0, [%2]\n\tstrex %1, %3, [%2]"
                       : "=&r"(old), "=&r"(failed) : "r"(&counter), "r"(a) : "memory");
    } while (failed);
    return old;
}
__attribute__((naked)) u f_naked(u a)
{
    __asm volatile("ldr r1, =counter\n\tldr r0, [r1]\n\tbx lr");
}
#ifdef __ARM_FP
float f_float(float a, float b) { return a * b + 1.25f; }
double f_double(double a) { return a; }
float f_float_constant(void) { return 3.14159f; }
float f_float_array(u a) { float f[4] = {1, 2, 3, 4}; f[a & 3] += 0.7f; return f[1] * f[2]; }
float f_float_calls(float a, u b) { return a * (float)one(b) + a * (float)one(b + 1); }
#endif
int main(void) { return (int)(u)&f_nothing; }
"""
COMMON = (
    *("-std=gnu11", "-g", "-w", "-ffreestanding", "-fno-builtin", "-fno-unwind-tables"),
    *("-nostdlib", "-T", "layout.ld", "-Wl,-e,main"),
)
ZIG = [*ZIG_CC, "-fno-sanitize=all", "-fomit-frame-pointer"]
GCC = ["arm-none-eabi-gcc", "-mthumb"]
VARIANTS = {
    "zig": [*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"],
    "zig hard": [*ZIG, "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"],
    "gcc": [*GCC, "-mcpu=cortex-m3"],
    "gcc hard": [*GCC, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
    "gcc pic": [*GCC, "-mcpu=cortex-m3", "-fpic"],
}
LEVELS = ("-O0", pytest.param("-O1", marks=pytest.mark.slow), "-O2", "-Os")
# What comes out at -O2 at least; the name of a meaning is the class's.
FORMS = {
    "zig": {"Same", "Load", "Branch", "CompareBranch", "Call", "IfThen"},
    "zig hard": {"Same", "Load", "Branch", "CompareBranch", "Call", "IfThen", "LoadFloat"},
    "gcc": {"Same", "Load", "Branch", "CompareBranch", "Call", "IfThen"},
    "gcc hard": {"Same", "Load", "Branch", "CompareBranch", "Call", "IfThen", "LoadFloat"},
    "gcc pic": {"Same", "Load", "Branch", "CompareBranch", "Call", "IfThen", "AddPc"},
}
RUNS = 5  # of each function

Build = Callable[[str, str], FirmwareImage]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    @functools.cache
    def build(variant: str, level: str) -> FirmwareImage:
        command = VARIANTS[variant]
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        folder = tmp_path_factory.mktemp("compiled")
        (folder / "functions.c").write_text(SOURCE)
        (folder / "layout.ld").write_text(LAYOUT)
        command = [*command, level, *COMMON, "functions.c", "-o", "functions.elf"]
        subprocess.run(command, cwd=folder, check=True)
        return load_image(folder / "functions.elf")

    return build


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_relocated_function_does_what_it_did(build: Build, variant: str, level: str) -> None:
    image = build(variant, level)
    core = Core(image.flash)
    functions = [f for name, f in image.functions.items() if name.startswith("f_")]
    assert len(functions) >= SOURCE.count("\n") // 4
    for function in functions:
        if has_original(image, function):
            check_same(core, function, relocate(image, function))
        else:
            assert function.name.startswith("f_loop")


def has_original(image: FirmwareImage, function: Symbol) -> bool:
    try:
        relocate(image, function)
    except OriginalError as error:
        return "which the patch's own branch covers" not in str(error)
    return True


def check_same(core: Core, function: Symbol, stub: bytes) -> None:
    # In a function that calls itself, flash has to stay as it is.
    covered = None if "recursive" in function.name else function.address
    chance = random.Random(function.name)
    for _ in range(RUNS):
        entry = [chance.choice((0, 1, chance.getrandbits(5), chance.getrandbits(32)))
                 for _ in range(13)]  # fmt: skip
        if "pair" in function.name:  # its result is where r0 points
            entry[0] = STACK
        elif "unchecked" in function.name:
            entry[0] %= 6
        flags, ram = chance.getrandbits(32) & FLAGS, chance.randbytes(SIZE)
        before = core.run(function.address, entry, flags=flags, ram=ram)
        after = core.run(STUB, entry, flags=flags, ram=ram, stub=stub, covered=covered)
        assert before.stopped_at == STOP, function.name
        if STUB <= after.lr < STUB + len(stub):  # a BLX by register comes back to the stub
            after = replace(after, lr=before.lr)
        assert after == before, function.name


@pytest.mark.parametrize("variant", VARIANTS)
def test_compiler_made_the_forms_that_are_to_be_shown(build: Build, variant: str) -> None:
    image = build(variant, "-O2")
    functions = (f for name, f in image.functions.items() if name.startswith("f_"))
    found = Counter(
        type(instruction.meaning).__name__
        for function in functions
        for instruction, _ in displaced_instructions(function, image.code_of(function)[0])
    )
    assert found.keys() >= FORMS[variant]

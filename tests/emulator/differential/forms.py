"""What the random programs are made of: instructions by kind, and which core has which."""

# {d} {n} {m} {a}: any register; {l} {k}: low ones; {s}: a shift; {w} {b}: a bit field that fits.
FORMS = {
    "arithmetic": (
        "adds {d}, {n}, {m}",
        "adcs {d}, {n}, {m}",
        "subs {d}, {n}, {m}",
        "sbcs {d}, {n}, {m}",
        "rsbs {d}, {n}, {m}, lsl #{s}",
        "add {d}, {n}, {m}, ror #{s}",
        "adds {d}, {n}, #{i}",
        "subw {d}, {n}, #{i}",
        "mul {d}, {n}, {m}",
        "mla {d}, {n}, {m}, {a}",
        "mls {d}, {n}, {m}, {a}",
        "sdiv {d}, {n}, {m}",
        "udiv {d}, {n}, {m}",
        "umull {l}, {h}, {n}, {m}",
        "smull {l}, {h}, {n}, {m}",
        "umlal {l}, {h}, {n}, {m}",
        "smlal {l}, {h}, {n}, {m}",
    ),
    "logic": (
        "ands {d}, {n}, {m}",
        "bics {d}, {n}, {m}, lsr #{s}",
        "orrs {d}, {n}, {m}",
        "orn {d}, {n}, {m}, asr #{s}",
        "eors {d}, {n}, {m}",
        "mvns {d}, {m}",
        "movw {d}, #{i}",
        "movt {d}, #{i}",
        "tst {n}, {m}",
        "teq {n}, {m}, ror #{s}",
        "cmp {n}, {m}",
        "cmn {n}, {m}",
    ),
    "shifts": (
        "lsls {d}, {n}, {m}",
        "lsrs {d}, {n}, {m}",
        "asrs {d}, {n}, {m}",
        "rors {d}, {n}, {m}",
        "lsls {d}, {n}, #{s}",
        "asrs {d}, {n}, #{s}",
        "rrxs {d}, {n}",
    ),
    "bits": (
        "clz {d}, {n}",
        "rbit {d}, {n}",
        "rev {d}, {n}",
        "rev16 {d}, {n}",
        "revsh {d}, {n}",
        "ubfx {d}, {n}, #{b}, #{w}",
        "sbfx {d}, {n}, #{b}, #{w}",
        "bfi {d}, {n}, #{b}, #{w}",
        "bfc {d}, #{b}, #{w}",
        "uxtb {d}, {n}, ror #8",
        "sxth {d}, {n}, ror #16",
        "sxtb {d}, {n}",
    ),
    "saturation": (
        "ssat {d}, #{w}, {n}, lsl #{s}",
        "ssat {d}, #{w}, {n}, asr #{s}",
        "usat {d}, #{b}, {n}, lsl #{s}",
        "usat {d}, #{b}, {n}",
    ),
    "memory": (
        "str {d}, [r12, #{o}]",
        "ldr {d}, [r12, #{o}]",
        "strh {d}, [r12, #{o}]",
        "ldrsh {d}, [r12, #{o}]",
        "strb {d}, [r12, #{o}]",
        "ldrsb {d}, [r12, #{o}]",
        "ldr {d}, [r12, #{u}]",  # unaligned
        "str {d}, [r12, #{u}]",
        "strd {l}, {h}, [r12, #{o}]",
        "ldrd {l}, {h}, [r12, #{o}]",
        "stmia r12, {{{list}}}",
        "ldmia r12, {{{list}}}",
        "push {{{list}}}\n\tpop {{{list}}}",
        "ldrex {l}, [r12, #{o}]\n\tstrex {h}, {a}, [r12, #{o}]",
        "strex {l}, {h}, [r12, #{o}]",
    ),
}
MOVE = "vmov s0, {n}\n\tvmov s1, {m}\n\tvmov s2, {a}\n\t"  # and the result back
ROUNDING = "mov {d}, #{r}\n\tvmsr fpscr, {d}\n\t"
SIGNS = ("s", "q", "sh", "u", "uq", "uh")
PARALLEL = ("add8", "sub8", "add16", "sub16", "asx", "sax")
CONVERSIONS = (
    *("vcvt.s32.f32", "vcvt.u32.f32", "vcvtr.s32.f32", "vcvtr.u32.f32"),
    *("vcvt.f32.s32", "vcvt.f32.u32", "vcvtb.f16.f32", "vcvtt.f32.f16"),
)
DSP_FORMS = {
    "parallel": (
        *(f"{prefix}{name} {{d}}, {{n}}, {{m}}" for prefix in SIGNS for name in PARALLEL),
        "sel {d}, {n}, {m}",
    ),
    "dsp": (
        *(f"{name} {{d}}, {{n}}, {{m}}" for name in ("qadd", "qsub", "qdadd", "qdsub", "usad8")),
        *(f"{name} {{d}}, {{n}}, {{m}}" for name in ("smulbb", "smultb", "smulwt", "smmulr")),
        *(f"{name} {{d}}, {{n}}, {{m}}" for name in ("smuad", "smusdx", "sxtab", "uxtah")),
        *(f"{name} {{d}}, {{n}}, {{m}}, {{a}}" for name in ("smlad", "smlsdx", "smlabt", "smlawb")),
        *(f"{name} {{d}}, {{n}}, {{m}}, {{a}}" for name in ("smmla", "smmlsr", "usada8")),
        *(
            f"{name} {{l}}, {{h}}, {{n}}, {{m}}"
            for name in ("smlald", "smlsld", "smlaltb", "umaal")
        ),
        "pkhbt {d}, {n}, {m}, lsl #{s}",
        "pkhtb {d}, {n}, {m}, asr #{s}",
        "ssat16 {d}, #{t}, {n}",
        "usat16 {d}, #{t}, {n}",
        "sxtb16 {d}, {n}, ror #8",
    ),
}
FP_FORMS = {
    "floating": tuple(
        MOVE + f"{name} s2, s0, s1\n\tvmov {{d}}, s2"
        for name in ("vadd.f32", "vsub.f32", "vmul.f32", "vnmul.f32", "vdiv.f32")
    )
    + tuple(
        MOVE + f"{name} s2, s0, s1\n\tvmov {{d}}, s2"
        for name in ("vmla.f32", "vnmls.f32", "vfma.f32", "vfnms.f32")
    )
    + tuple(
        ROUNDING + MOVE + f"{name} s2, s0\n\tvmov {{d}}, s2"
        for name in ("vsqrt.f32", "vabs.f32", "vneg.f32")
    )
    + (
        ROUNDING + MOVE + "vdiv.f32 s2, s0, s1\n\tvmov {d}, s2",
        ROUNDING + MOVE + "vadd.f32 s2, s0, s1\n\tvmov {d}, s2",
        MOVE + "vcmpe.f32 s0, s1\n\tvmrs apsr_nzcv, fpscr",
        MOVE + "vcmp.f32 s0, #0\n\tvmrs apsr_nzcv, fpscr",
        "vmrs {d}, fpscr",
        "mov {d}, #0x03000000\n\tvmsr fpscr, {d}",  # default NaNs, flush to zero
        "vstr s0, [r12, #{o}]",
        "vldr s1, [r12, #{o}]",
        "vpush {{s0-s3}}\n\tvpop {{s4-s7}}",
    ),
    "conversion": (
        *(ROUNDING + MOVE + f"{name} s2, s0\n\tvmov {{d}}, s2" for name in CONVERSIONS),
        MOVE + "vcvt.s32.f32 s0, s0, #{w}\n\tvmov {d}, s0",
    ),
}
V8_FORMS = {
    "acquire": (
        "stl {l}, [r12]",
        "lda {l}, [r12]",
        "stlb {l}, [r12]",
        "ldah {l}, [r12]",
        "ldaex {l}, [r12]\n\tstlex {h}, {a}, [r12]",
    ),
    "floating v8": tuple(
        MOVE + f"{name} s2, s0\n\tvmov {{d}}, s2"
        for name in (
            *("vrinta.f32", "vrintn.f32", "vrintp.f32", "vrintm.f32", "vrintz.f32", "vrintx.f32"),
            *("vcvta.s32.f32", "vcvtn.u32.f32", "vcvtp.s32.f32", "vcvtm.u32.f32"),
        )
    )
    + tuple(
        MOVE + f"{name} s2, s0, s1\n\tvmov {{d}}, s2"
        for name in ("vmaxnm.f32", "vminnm.f32", "vselge.f32", "vseleq.f32")
    ),
}
FORMS_OF = {
    "cortex-m3": FORMS,
    "cortex-m4": {**FORMS, **DSP_FORMS, **FP_FORMS},
    "cortex-m33": {**FORMS, **DSP_FORMS, **FP_FORMS, **V8_FORMS},
}
EXTENSIONS = {
    "cortex-m3": "",
    "cortex-m4": ".fpu fpv4-sp-d16",
    "cortex-m33": ".fpu fpv5-sp-d16",
}

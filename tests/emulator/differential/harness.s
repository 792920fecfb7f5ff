@ What every generated program starts with: the vectors, the loop over the cases, and the end.
@ The same file runs on a QEMU machine and here. RAM is where the machine has it; FPU is defined
@ where there is one.
        .syntax unified
        .thumb

        .equ CASES, 120
        .equ RESULT_SIZE, 64            @ bytes a case: r0-r11, flags, sum of the scratch buffer, spare
        .equ scratch, RAM + 0x100
        .equ results, RAM + 0x800
        .equ stack, RAM + 0x4F00

        @ r0 is the case's row of inputs: r0-r11, then the flags.
        .macro ENTER
        push    {r4-r11, lr}
        ldr     r1, [r0, #48]
        and     r1, r1, #0xF8000000
        msr     apsr_nzcvq, r1
        ldr     r12, =scratch
        ldmia   r0, {r0-r11}
        .endm

        .macro LEAVE
        bl      keep_registers
        pop     {r4-r11, pc}
        .ltorg
        .endm

        .section .vectors, "a"
        .word   stack
        .word   reset
        .rept   14
        .word   stop
        .endr

        .text
        .thumb_func
keep_registers:                         @ into the row that `row` points at
        push    {r0-r11}
        mrs     r0, apsr
        ldr     r1, =row
        ldr     r1, [r1]
        and     r0, r0, #0xF8000000
        str     r0, [r1, #48]
        mov     r2, sp
        movs    r3, #12
1:      ldr     r4, [r2], #4
        str     r4, [r1], #4
        subs    r3, #1
        bne     1b
        ldr     r2, =scratch
        movs    r3, #32
        movs    r4, #0
2:      ldr     r5, [r2], #4
        add     r4, r5, r4, ror #1
        subs    r3, #1
        bne     2b
        str     r4, [r1, #4]            @ behind the flags
        add     sp, #48
        bx      lr

        .thumb_func
reset:
        .ifdef FPU
        ldr     r0, =0xE000ED88         @ CPACR: full access
        ldr     r1, =0x00F00000
        str     r1, [r0]
        dsb
        isb
        .endif
        ldr     r4, =cases
        ldr     r5, =inputs
        ldr     r6, =results
        ldr     r7, =CASES
3:      ldr     r0, =row
        str     r6, [r0]
        mov     r0, r5
        ldr     r1, [r4], #4
        orr     r1, r1, #1
        blx     r1
        clrex
        adds    r5, #52
        adds    r6, #RESULT_SIZE
        subs    r7, #1
        bne     3b

        ldr     r0, =done
        movs    r1, #1
        str     r1, [r0]
        ldr     r4, =results            @ tell a semihosting host, a word at a time
        ldr     r5, =results + CASES * RESULT_SIZE
4:      ldr     r6, [r4], #4
        movs    r7, #8
5:      lsrs    r2, r6, #28
        lsls    r6, #4
        cmp     r2, #10
        ite     cc
        addcc   r2, #'0'
        addcs   r2, #'a' - 10
        ldr     r1, =character
        str     r2, [r1]
        movs    r0, #3                  @ SYS_WRITEC
        bkpt    0xab
        subs    r7, #1
        bne     5b
        cmp     r4, r5
        bne     4b
        movs    r0, #0x18               @ SYS_EXIT
        ldr     r1, =0x20026            @ ADP_Stopped_ApplicationExit
        bkpt    0xab

        .thumb_func
stop:   wfi                             @ no semihosting host: BKPT became a HardFault
        b       stop
        .ltorg

        .equ row, RAM
        .equ done, RAM + 4
        .equ character, RAM + 8

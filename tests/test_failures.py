"""How live patching fails in the field, each with the tests here that show the right outcome.

`failures 7` is number 7 of this table. Between host and board: 1 to 12; on the board: 13 to 21.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DEVICE, FIRMWARE, SERVER = "server/device/test_device_", "firmware/test_", "server/test_"

FAILURES: dict[int, tuple[str, dict[str, tuple[str, ...]]]] = {
    1: (
        "an empty reply of a dead board is taken for OK",
        {
            f"{DEVICE}session": (
                "test_reply_without_a_verdict_is_no_success",
                "test_board_silent_for_good_is_given_up_on",
            ),
            f"{SERVER}silent_board": (
                "test_end_says_that_the_board_fell_silent_and_the_next_injection_gets_it_right",
                "test_request_to_a_silent_board_is_a_gateway_timeout",
            ),
        },
    ),
    2: (
        "a line longer than the board's buffer is cut silently, and wrong code runs",
        {
            f"{DEVICE}commands": (
                "test_write_and_upload_lines_fit_the_board_and_carry_everything",
                "test_reply_that_does_not_fit_is_no_success_and_the_line_is_not_trusted",
            ),
            f"{FIRMWARE}level1_on_board": ("test_upload_that_was_cut_says_so_in_its_count_only",),
            f"{FIRMWARE}loader_on_board": ("test_line_that_overflows_the_ring_is_refused_whole",),
        },
    ),
    3: (
        "a late reply is taken for the reply to the next command",
        {
            f"{DEVICE}session": (
                "test_late_reply_is_not_taken_for_the_next_one",
                "test_late_reply_that_comes_after_the_echo_was_sent_is_dropped",
                "test_late_reply_of_an_earlier_request_is_never_the_answer",
            ),
        },
    ),
    4: (
        "one corrupted byte of an upload ends the injection",
        {f"{SERVER}inject": ("test_upload_that_the_line_spoils_is_done_again",)},
    ),
    5: (
        "a corrupted address or comparator number patches the wrong place",
        {
            f"{SERVER}inject": ("test_command_that_the_line_changed_patches_nothing_else",),
            f"{FIRMWARE}level2_on_board": ("test_tagged_change_without_crc_is_refused",),
        },
    ),
    6: (
        "boot noise, logs or escape sequences inside a reply are misread",
        {
            f"{DEVICE}session": ("test_program_output_around_a_reply_is_told_from_it",),
            f"{DEVICE}protocol": (
                "test_events_depend_on_the_bytes_and_not_on_how_they_are_cut",
                "test_only_the_tag_makes_an_answer",
                "test_prompt_and_echo_of_a_shell_are_no_part_of_a_reply",
                "test_prompt_alone_is_no_success",
            ),
        },
    ),
    7: (
        "a first probe larger than the board's ring poisons all that follow",
        {
            f"{DEVICE}session": ("test_all_echoes_together_fit_a_loaders_receive_ring",),
            f"{DEVICE}commands": (
                "test_line_is_measured_without_harm_where_a_long_one_does_not_arrive_whole",
            ),
        },
    ),
    8: (
        "a file handle, a shell's mode or a lock is left behind",
        {
            f"{SERVER}reset_and_reconnect": (
                "test_connection_that_failed_leaves_no_lock_behind",
                "test_second_process_on_the_same_port_is_told_so",
            ),
            f"{DEVICE}session": ("test_loader_under_a_shell_is_started_and_answers",),
            f"{SERVER}inject": ("test_interrupted_injection_is_undone",),
        },
    ),
    9: (
        "the port vanishes, and nobody is told",
        {
            f"{SERVER}reset_and_reconnect": (
                "test_port_that_comes_back_is_connected_again_and_what_it_lost_is_known",
                "test_port_that_vanishes_ends_the_job_with_a_clear_error",
            ),
            f"{DEVICE}session": ("test_port_that_vanishes_is_noticed_while_listening",),
        },
    ),
    10: (
        "the board is reset, and the host still lists its patches",
        {
            f"{SERVER}reset_and_reconnect": (
                "test_reset_is_noticed_unasked_and_the_patches_that_are_gone_are_listed",
                "test_lost_patches_are_applied_again_with_one_request",
            ),
        },
    ),
    11: (
        "two clients interleave their bytes inside one command",
        {
            f"{SERVER}reset_and_reconnect": (
                "test_requests_of_many_clients_never_share_a_line_or_overtake",
                "test_second_process_on_the_same_port_is_told_so",
            ),
        },
    ),
    12: (
        "blind sleeps and probes before every command",
        {
            f"{DEVICE}session": (
                "test_only_the_first_command_costs_more_than_one_round_trip",
                "test_poll_returns_as_soon_as_something_was_printed",
            ),
        },
    ),
    13: (
        "a function at address%4 == 2 is patched with one comparator",
        {
            f"{SERVER}inject": (
                "test_function_over_two_words_takes_two_slots",
                "test_loader_that_cannot_take_two_slots_is_not_asked_to",
            ),
            f"{FIRMWARE}patching_on_board": (
                "test_pair_leaves_the_halves_that_are_not_the_functions",
                "test_either_slot_of_a_pair_acts_on_both",
            ),
        },
    ),
    14: (
        "a breakpoint on both halfwords of a word traps the previous function",
        {
            f"{FIRMWARE}modes_on_board": (
                "test_debugmon_patch_takes_one_breakpoint_at_either_parity",
                "test_function_in_the_other_half_of_a_matched_word_is_refused",
            ),
            f"{FIRMWARE}firmware_codecs": ("test_breakpoint_matches_one_halfword",),
        },
    ),
    15: (
        "the first DebugMonitor patch clears all other comparators",
        {
            f"{FIRMWARE}modes_on_board": ("test_debugmon_patch_leaves_the_other_slots_alone",),
            f"{SERVER}inject": ("test_loader_that_takes_the_other_patches_out_is_noticed",),
        },
    ),
    16: (
        "a branch that cannot reach is encoded anyway",
        {
            f"{FIRMWARE}firmware_codecs": ("test_branch_from_flash_to_sram_is_out_of_reach",),
            f"{FIRMWARE}modes_on_board": (
                "test_direct_patch_out_of_reach_is_refused_and_says_what_to_do",
            ),
            f"{SERVER}inject": ("test_branch_that_cannot_reach_is_refused_and_undone",),
        },
    ),
    17: (
        "the remap table is indexed wrongly, and only slot 0 works",
        {
            f"{FIRMWARE}patching_on_board": (
                "test_every_subset_of_six_patches_can_be_on",
                "test_slots_are_set_and_cleared_in_any_order",
            ),
        },
    ),
    18: (
        "injecting again leaks memory",
        {
            f"{SERVER}inject": ("test_injecting_again_and_again_takes_no_more_memory",),
            f"{FIRMWARE}modes_on_board": (
                "test_memory_is_the_same_after_1000_patches_of_one_function",
            ),
        },
    ),
    19: (
        "alloc of -1, an upload outside its allocation, enabling an empty slot are accepted",
        {f"{FIRMWARE}loader_on_board": ("test_refused_command_changes_nothing",)},
    ),
    20: (
        "a prologue or a trampoline spoils arguments, flags or the stack",
        {
            f"{FIRMWARE}abi_on_board": (
                "test_arguments_and_result_pass_through_a_patched_call",
            ),
            f"{FIRMWARE}patching_on_board": (
                "test_patch_is_entered_with_every_register_as_the_caller_left_it",
            ),
        },
    ),
    21: (
        "an interrupt calls the function while it is being patched",
        {
            f"{FIRMWARE}abi_on_board": (
                "test_interrupt_calls_what_is_being_patched_and_meets_old_or_new",
                "test_interrupt_handler_is_patched_while_it_fires",
            ),
            f"{FIRMWARE}patching_on_board": (
                "test_function_is_old_or_new_at_every_instruction",
                "test_patch_is_replaced_with_nothing_in_between",
            ),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("number", range(1, 22), ids=lambda number: f"failures {number}")
def test_failure_of_the_field_has_its_tests(number: int) -> None:
    _, tests = FAILURES[number]
    for file, names in tests.items():
        tree = ast.parse((TESTS / f"{file}.py").read_text())
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(names) <= there

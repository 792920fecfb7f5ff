"""`make faults N=10000`: the whole campaign, half of it at each level; exit code 1 if any lie."""

import contextlib
import sys
import time

from tests.faults import processes
from tests.faults.campaign import LEVELS, Run, table

SHOW_EVERY = 100


def main() -> int:
    """Run seeds SEED to SEED + N/2 - 1 at each level (arguments: N, SEED, levels)."""
    arguments = [int(text) for text in sys.argv[1:]]
    count = arguments[0] // 2 if arguments else 100
    first = arguments[1] if len(arguments) > 1 else 0
    lies = 0
    for level in arguments[2:] or sorted(LEVELS):
        runs, started = list[Run](), time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):  # shows what there is until then
            for run in processes.runs(level, range(first, first + count)):
                runs.append(run)
                for lie in run.wrong:
                    print(f"level {level}, seed {run.seed}: {lie}", file=sys.stderr, flush=True)
                if len(runs) % SHOW_EVERY == 0:
                    print(f"level {level}: {len(runs)} of {count}", file=sys.stderr, flush=True)
        elapsed_s = time.monotonic() - started
        print(f"Level {level}: {len(runs)} injections, {elapsed_s:.0f} s\n\n{table(runs)}\n")
        lies += sum(bool(run.wrong) for run in runs)
    return 1 if lies else 0


if __name__ == "__main__":
    sys.exit(main())

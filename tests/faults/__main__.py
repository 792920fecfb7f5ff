"""`make faults N=10000 PART=stm32f405`: the whole campaign, half of it at each level.

Exit code 1 if any lie.
"""

import contextlib
import sys
import time

import click

from firmware.build import parts
from tests.faults import processes
from tests.faults.campaign import LEVELS, PART, Run, table

SHOW_EVERY = 100


@click.command()
@click.argument("count", default=200)
@click.argument("first", default=0)
@click.option("--part", type=click.Choice(parts()), default=PART, show_default=True)
@click.option("--level", type=click.Choice([str(level) for level in LEVELS]), multiple=True)
def main(count: int, first: int, part: str, level: tuple[str, ...]) -> None:
    """Run seeds FIRST to FIRST + COUNT/2 - 1 at each level."""
    lies = 0
    for each in map(int, level or sorted(LEVELS)):
        runs, started = list[Run](), time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):  # shows what there is until then
            for run in processes.runs(each, part, range(first, first + count // 2)):
                runs.append(run)
                for lie in run.wrong:
                    note(f"level {each}, seed {run.seed}: {lie}")
                if len(runs) % SHOW_EVERY == 0:
                    note(f"level {each}: {len(runs)} of {count // 2}")
        elapsed_s = time.monotonic() - started
        click.echo(f"Level {each}, {part}: {len(runs)} injections, {elapsed_s:.0f} s\n")
        click.echo(f"{table(runs)}\n")
        lies += sum(bool(run.wrong) for run in runs)
    sys.exit(1 if lies else 0)


def note(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()

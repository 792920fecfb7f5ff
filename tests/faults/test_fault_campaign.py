from collections.abc import Iterator

import pytest

from tests.faults.campaign import LEVELS, PART, Campaign, table
from tests.faults.faulty_port import KINDS

RUNS = {PART: 10, "stm32f405": 4, "stm32l552": 4}


@pytest.fixture(
    scope="module",
    params=[(part, level) for part in RUNS for level in sorted(LEVELS)],
    ids=lambda param: f"{param[0]}, level {param[1]}",
)
def runs(request: pytest.FixtureRequest) -> Iterator[tuple[Campaign, int]]:
    part, level = request.param
    campaign = Campaign(level, part)
    yield campaign, RUNS[part]
    campaign.close()


def test_nothing_wrong_is_called_a_success(runs: tuple[Campaign, int]) -> None:
    campaign, count = runs
    done = [campaign.run(seed) for seed in range(count)]
    assert not any(run.wrong for run in done), table(done)
    assert len({run.fault.kind for run in done}) > min(count, len(KINDS)) // 2

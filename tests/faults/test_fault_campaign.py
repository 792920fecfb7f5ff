from collections.abc import Iterator

import pytest

from tests.faults.campaign import LEVELS, Campaign, table
from tests.faults.faulty_port import KINDS

RUNS = 10


@pytest.fixture(scope="module", params=sorted(LEVELS), ids=lambda level: f"level {level}")
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    campaign = Campaign(request.param)
    yield campaign
    campaign.close()


def test_nothing_wrong_is_called_a_success(campaign: Campaign) -> None:
    runs = [campaign.run(seed) for seed in range(RUNS)]
    assert not any(run.wrong for run in runs), table(runs)
    assert len({run.fault.kind for run in runs}) > len(KINDS) // 2

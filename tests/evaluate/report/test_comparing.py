"""Two reports: a planted difference is found, noise is not, other items are refused."""

import json

import pytest
import torch
from made_reports import make_report

from motion.errors import RequestError
from motion.evaluate.paired import CANNOT_SEPARATE
from motion.evaluate.report.comparing import COMPARISON_JSON, COMPARISON_MARKDOWN, compare_reports


def noise(seed: int, count: int = 24) -> list[float]:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed)).tolist()


@pytest.fixture
def compared():
    hard = noise(0)
    better = [value - 0.1 + 0.02 * chance for value, chance in zip(hard, noise(1), strict=True)]
    return compare_reports(
        make_report("old", {"MPJPE": hard, "PA-MPJPE": noise(2)}),
        make_report("new", {"MPJPE": better, "PA-MPJPE": noise(3)}),
    )


def test_a_planted_difference_is_found_and_noise_is_not(compared):
    found = {result.metric: result for result in compared.suites["tokenizer"].results}
    assert found["MPJPE"].winner == "new"
    assert found["MPJPE"].interval[1] < 0
    assert found["PA-MPJPE"].winner == CANNOT_SEPARATE
    values = compared.to_dict()
    assert values["suites"]["tokenizer"]["cannot_separate"] == ["PA-MPJPE"]
    assert (values["first"], values["second"]) == ("old", "new")


def test_what_is_written(compared, tmp_path):
    compared.write(tmp_path / "out")
    values = json.loads((tmp_path / "out" / COMPARISON_JSON).read_text("utf-8"))
    assert values == compared.to_dict()
    text = (tmp_path / "out" / COMPARISON_MARKDOWN).read_text("utf-8")
    assert "new is better" in text
    assert "Cannot separate the two: PA-MPJPE." in text


def test_p_values_are_corrected_over_the_metrics_of_a_suite(compared):
    for result in compared.suites["tokenizer"].results:
        assert result.adjusted_p >= result.p_value


def test_the_same_name_twice_is_told_apart():
    one = make_report("mine", {"MPJPE": noise(0)})
    found = compare_reports(one, make_report("mine", {"MPJPE": noise(1)}))
    assert found.names == ("mine (first)", "mine (second)")


def test_other_items_are_refused():
    first = make_report("old", {"MPJPE": noise(0)})
    other = make_report("new", {"MPJPE": noise(0)}, [f"take {k}" for k in range(24)])
    with pytest.raises(RequestError, match=r"scored other items \(24 and 24, 48 of them in one"):
        compare_reports(first, other)
    fewer = make_report("new", {"MPJPE": noise(0, 12)})
    with pytest.raises(RequestError, match="the same data, --size and --seed"):
        compare_reports(first, fewer)


def test_nothing_in_common_is_refused():
    first = make_report("old", {"MPJPE": noise(0)})
    with pytest.raises(RequestError, match="no suite in common"):
        compare_reports(first, make_report("new", {"PA-MPJPE": noise(0)}))
    few = [make_report(name, {"MPJPE": noise(0, 4)}) for name in ("old", "new")]
    with pytest.raises(RequestError, match="at least 6 items"):
        compare_reports(*few)

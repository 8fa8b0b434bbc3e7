"""SigmaHQ's own regression data: the rule, the log, and the number of hits that it must give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.testing.sigma_regression import regression

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.corpus


def test_every_rule_fires_as_often_as_it_should(corpus: Path) -> None:
    if not (corpus / "sigma-regression").is_dir():
        pytest.skip("the corpus has no sigma-regression")
    outcomes = list(regression(corpus / "sigma-regression", corpus / "sigma-rules"))
    assert len(outcomes) > 90
    # In both, three files were created whose names the rule lists; info.yml states one hit.
    assert {one.rule: one.cause for one in outcomes if one.cause} == {
        "0b9ad457-2554-44c1-82c2-d56a99c42377": "records 3, 4, 5 of the log fit",
        "8fbf3271-1ef6-4e94-8210-03c2317947f6": "records 1, 3, 5 of the log fit",
    }

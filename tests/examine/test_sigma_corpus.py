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
    assert [one for one in outcomes if one.cause] == []

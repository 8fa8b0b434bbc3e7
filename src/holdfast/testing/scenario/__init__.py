"""The fake bank: a phishing case with every file of its evidence, and the truth about it.

`write` fills a folder from a seed and returns the truth. `story.py` is the plot; each kind of
evidence is a file of its own that tells its part of it, and draws its noise from its own stream
of chance, so new evidence can be added without changing what is there.
"""

from holdfast.testing.scenario.generate import SCALES, Scale, write
from holdfast.testing.scenario.truth import GroundTruth

__all__ = ["SCALES", "GroundTruth", "Scale", "write"]

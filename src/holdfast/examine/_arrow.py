"""Arrow for code that works on whole columns.

Its stubs want the type of a column's values at every step, which code over columns by name can't
say; what such code makes is held to its column's type where it is written (`_shape.py`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow
import pyarrow.compute

Array: TypeAlias = Any
"""A column: `pyarrow.Array`."""
pa: Any = pyarrow
pc: Any = pyarrow.compute

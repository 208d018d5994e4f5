"""Location of the real test data, which is not part of the project."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"

needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real data does not lie beside the checkout")

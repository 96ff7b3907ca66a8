"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_leaves_the_heavy_ones_out() -> None:
    code = "import sys, search_spaces as s; s.published_names(); s.ResNetSpace(); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "scipy"} & set(result.stdout.split())

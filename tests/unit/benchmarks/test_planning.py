"""The imports of a script, at its start and with its work."""

from pathlib import Path

from benchmarks.planning import _imports

SCRIPT = '''"""A script."""

import json
from pathlib import Path


def work() -> None:
    from hepaflow.names import STAGES

    Path(json.dumps(STAGES))


if __name__ == "__main__":
    import sys
'''


def test_imports_of_the_work_are_told_from_those_of_the_start(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    start, later = _imports(path)
    assert start == "import json\nfrom pathlib import Path\n"
    assert sorted(later.splitlines()) == ["from hepaflow.names import STAGES", "import sys"]

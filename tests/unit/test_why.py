"""What `workflow/why.py` says of a configuration that cannot be read."""

from pathlib import Path

import pytest
import why


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        (b"size: 3\nbackbones: [", "line 2"),
        (b"a: \xff", "can't decode byte 0xff"),
    ],
)
def test_the_file_and_the_reason_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    told: str,
) -> None:
    """Snakemake ends with a traceback, or says that some file is not YAML."""
    path = tmp_path / "mine.yaml"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr("sys.argv", ["why.py", "--configfile", str(path)])
    with pytest.raises(SystemExit) as ended:
        why.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{path} cannot be read: " in said
    assert told in said

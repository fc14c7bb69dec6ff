"""What the documentation says is true: links lead somewhere, commands parse, the ten lines of the README run."""

import gzip
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import firth
from firth.cli import app

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def page(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", PAGES, ids=page)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{page(path)} links to {target}"


def typed_commands() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                for part in re.split(r"\s\|\s|\s<\s", line.split(" #")[0]):
                    if part.strip().startswith("firth "):
                        yield page(path), part.strip()


@pytest.mark.parametrize(("where", "line"), list(typed_commands()))
def test_commands_parse(where: str, line: str) -> None:
    words = ["stdin" if word == "-" else word for word in shlex.split(line)[1:]]
    command, bound, _ = app.parse_args(words, print_error=False, exit_on_error=False)
    assert command is not None
    assert "help" not in getattr(command, "__name__", ""), f"{line} only shows help"
    assert len(bound.arguments) > 0 or words == ["demo"]


def test_there_are_commands_to_parse() -> None:
    assert len(list(typed_commands())) > 15


def test_the_ten_lines_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "the king and the queen saw a man and a woman\nthe man is a king and the woman is a queen\n" * 20
    Path("news.txt.gz").write_bytes(gzip.compress(lines.encode()))
    Path("questions-words.txt").write_text(": family\nman king woman queen\n")
    block, _ = blocks_of_the_readme()
    code = [line for line in block.splitlines() if line]
    assert len(code) == 10
    exec(block, {})
    assert Path("news.vec").read_text().startswith("9 200\n")


@pytest.mark.slow  # compiles the kernels of three models
def test_the_other_models_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "".join(f"word{i} stands near word{i + 1} and word{i + 2}\n" for i in range(300)) * 5
    Path("news.txt.gz").write_bytes(gzip.compress(lines.encode()))
    orders = [f"{order},{item}" for order in range(50) for item in ("bread", "butter", f"jam{order % 5}")]
    Path("orders.csv").write_text("\n".join(["session,item", *orders]))
    Path("graph.edges").write_text("".join(f"{node} {(node + step) % 20}\n" for node in range(20) for step in (1, 2)))
    _, block = blocks_of_the_readme()
    exec(block, {"firth": firth, "texts": ["so good", "so bad"] * 10, "labels": ["yes", "no"] * 10})


def blocks_of_the_readme() -> list[str]:
    """The blocks of Python in the README."""
    return re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_target_of_the_makefile_explains_itself() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    for target in phony.split():
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), f"make {target} has no line in `make help`"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize("target", ["setup", "check", "test", "demo"])
def test_targets_that_the_documentation_names_exist(target: str) -> None:
    said = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    assert f"make {target}" in said
    assert subprocess.run(["make", "-n", target], cwd=REPOSITORY, capture_output=True, check=False).returncode == 0

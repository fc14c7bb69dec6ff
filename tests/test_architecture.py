"""The shape of the project: the tree of ARCHITECTURE.md is the real one, imports go one way, nothing heavy comes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src/firth"
MODULES = sorted(SOURCE.rglob("*.py"))

# What each stage may import when it is imported itself. Not listed (`cli`, `loading`, `__init__`): all.
GROUND = {"errors", "config", "machine"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "machine": set(),
    "config": {"errors"},
    "estimator": {"errors", "config"},
    "kernels": set(),
    "networks": {"kernels", "errors"},
    "tokens": GROUND | {"corpus", "vocabulary"},
    "corpus": GROUND | {"tokens"},  # a Text knows the names of the tokenizers
    "vocabulary": GROUND,
    "huffman": GROUND,
    "vectors": GROUND | {"kernels", "huffman"},
    "reference": GROUND | {"vocabulary", "huffman"},
    "examples": GROUND | {"tokens", "vocabulary", "kernels"},
    "training": GROUND | {"examples", "tokens", "vocabulary", "huffman", "kernels", "vectors", "formats"},
    "models": GROUND
    | {
        "corpus",
        "tokens",
        "vocabulary",
        "huffman",
        "kernels",
        "examples",
        "training",
        "networks",
        "vectors",
        "loading",
        "evaluate",
        "estimator",
    },
    "planning": GROUND | {"corpus", "tokens", "vocabulary", "kernels", "training", "models"},
    "tuning": GROUND | {"corpus", "evaluate", "vectors", "training", "models", "planning"},
    "formats": GROUND | {"vectors", "kernels", "vocabulary"},
    "evaluate": GROUND | {"vectors", "kernels"},
    "evidence": GROUND | {"corpus", "tokens", "kernels", "vectors"},
    "explore": GROUND | {"vectors", "formats"},
}
# Upward, and so inside a function only.
MAY_IMPORT_LATER: dict[str, set[str]] = {
    "vectors": {"formats", "loading", "evaluate", "explore", "tokens"},
    "vocabulary": {"tokens", "corpus"},
    "models": {"formats", "tuning", "explore"},  # a classifier saves itself, and asks for better options
    "evidence": {"explore"},  # a comparison is a page too
    "tokens": {"formats"},  # phrases are saved as a whole or not at all
}


class Import(NamedTuple):
    stage: str  # of ours
    later: bool  # inside a function
    line: int


def stage_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of_ours(tree: ast.AST, later: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        inside = later or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports name the whole way, from firth on"
            names = [node.module or ""]
            if node.module == "firth":
                names = [f"firth.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "firth" and "." in name:
                yield Import(name.split(".")[1], inside, node.lineno)
        yield from imports_of_ours(node, inside)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    stage = stage_of(path)
    if stage not in MAY_IMPORT:
        assert stage in {"__init__", "__main__", "loading", "cli"}, f"add {stage!r} to the table of this test"
        return
    for imported in imports_of_ours(ast.parse(path.read_bytes())):
        allowed = MAY_IMPORT[stage] | {stage} | (MAY_IMPORT_LATER.get(stage, set()) if imported.later else set())
        assert imported.stage in allowed, f"{path}:{imported.line}: {stage} may not import {imported.stage}"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("statement", ["import firth", "import firth.cli", "import firth; dir(firth)"])
def test_importing_pulls_nothing_heavy(statement: str) -> None:
    loaded = set(run(f"{statement}; import sys; print(*sys.modules)").split())
    assert "firth" in loaded
    assert loaded.isdisjoint({"numba", "llvmlite", "torch", "pyarrow", "scipy", "numpy"})


@pytest.mark.parametrize("module", ["firth.vectors.table", "firth.formats", "firth.loading", "firth.evaluate.analogy"])
def test_serving_vectors_needs_no_trainer(module: str) -> None:
    loaded = run(f"import {module}; import sys; print(*sys.modules)").split()
    assert {name for name in loaded if re.match(r"torch$|firth\.(models|training|networks)", name)} == set()


def test_every_public_name_is_there() -> None:
    """The lazy table, the type checker's imports and the modules agree."""
    import firth

    for name in firth.__all__:
        assert getattr(firth, name) is not None
    assert len(firth.__all__) <= 40
    with pytest.raises(AttributeError, match="no attribute 'Word3Vec'"):
        _ = firth.Word3Vec
    block = next(node for node in ast.parse((SOURCE / "__init__.py").read_bytes()).body if isinstance(node, ast.If))
    typed = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(firth.__all__) - {"__version__"}


@pytest.mark.parametrize("name", ["utils", "util", "common", "helpers", "helper", "base", "manager", "misc"])
def test_no_module_has_a_name_that_says_nothing(name: str) -> None:
    assert [path for path in MODULES if name in path.relative_to(SOURCE).with_suffix("").parts] == []


FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def dangers(tree: ast.AST) -> Iterator[str]:
    """Whatever could run what a file says: pickle under any name, eval and exec, numpy's switch for pickles."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").split(".")[0]}
        else:
            names = set()
        if names & FORBIDDEN_MODULES:
            yield f"line {line}: imports {', '.join(names)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield f"line {line}: calls {node.func.id}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"line {line}: allows pickles"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"torch.load", "os.system", "os.popen"}:
            yield f"line {line}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_path_reaches_pickle_or_eval(path: Path) -> None:
    assert list(dangers(ast.parse(path.read_bytes()))) == []


@pytest.mark.parametrize(
    "code", ["import pickle", "from pickle import loads", "eval('1')", "np.load(f, allow_pickle=True)", "torch.load(f)"]
)
def test_the_search_for_dangers_finds_them(code: str) -> None:
    assert list(dangers(ast.parse(code)))


def drawn() -> dict[str, str]:
    """The tree of ARCHITECTURE.md: path, with a slash at the end of folders → the comment beside it."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(src/firth/.*?)```", text, re.DOTALL)
    assert block, "ARCHITECTURE.md has a block that begins with src/firth/"
    entries: dict[str, str] = {}
    above: list[str] = []
    for line in block[1].splitlines():
        indent, name, comment = re.fullmatch(r"( *)(\S+)\s*(.*)", line).groups()  # type: ignore[union-attr]
        above = [*above[: len(indent) // 2], name]
        entries["".join(above)] = comment
    return entries


def real() -> set[str]:
    """Every file and folder of the package, and the folders beside it."""
    files = [path for path in SOURCE.rglob("*") if path.suffix in {".py", ".typed", ".html"}]
    inside = {
        str(path.relative_to(REPOSITORY)) for path in files if path.name != "__init__.py" or path.parent == SOURCE
    }
    folders = {f"{parent}/" for path in map(Path, inside) for parent in path.parents if parent.name not in {"", "src"}}
    beside = {f"{path.name}/" for path in REPOSITORY.iterdir() if path.is_dir() and not path.name.startswith(".")}
    tests = {f"tests/{path.name}/" for path in (REPOSITORY / "tests").iterdir() if any(path.glob("*.py"))}
    return inside | folders | (beside & TRACKED) | tests


TRACKED = {"tests/", "benchmarks/", "docs/", "tools/", "recipes/"}


def test_the_tree_of_architecture_is_the_real_one() -> None:
    tree = drawn()
    assert sorted(tree.keys() - real()) == [], "drawn in ARCHITECTURE.md, but not there"
    assert sorted(real() - tree.keys()) == [], "there, but not drawn in ARCHITECTURE.md"


def test_every_entry_of_the_tree_has_a_comment() -> None:
    assert [path for path, comment in drawn().items() if not comment and path != "src/firth/"] == []

"""The four floors: imports go down only, and no declaration brings torch in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ["assets", "nodes", "pipelines", "app"]


def imported_floors(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names & set(FLOORS)


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_itself_and_lower_floors_only(floor: str) -> None:
    allowed = set(FLOORS[: FLOORS.index(floor) + 1])
    files = [file for file in (ROOT / floor).rglob("*.py") if "node_modules" not in file.parts]
    wrong = {str(file): imported_floors(file) - allowed for file in files if not imported_floors(file) <= allowed}
    assert files
    assert not wrong


@pytest.mark.parametrize(
    "module", ["app", "app.cli", "app.server", "nodes.registry", "pipelines.check", "pipelines.executors.local"]
)
def test_importing_the_server_side_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_library_declares_its_nodes_without_torch() -> None:
    code = "import sys; from nodes.registry import library; assert library(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0

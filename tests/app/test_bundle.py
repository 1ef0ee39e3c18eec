"""The committed bundle is what its source builds to, and runs on NiceGUI's Vue."""

import json
import re
import subprocess
from pathlib import Path

import nicegui
import pytest

EDITOR = Path(__file__).parents[2] / "app" / "editor"
WEB = EDITOR / "web"


def test_the_committed_bundle_is_what_the_source_builds(tmp_path: Path) -> None:
    assert (WEB / "node_modules").is_dir(), f"the editor's packages are missing: cd {WEB} && npm ci --ignore-scripts"
    subprocess.run(["node", "build.mjs", f"--out={tmp_path / 'dist'}"], cwd=WEB, check=True, timeout=120)
    built = {file.name: file.read_bytes() for file in (tmp_path / "dist").iterdir()}
    committed = {file.name: file.read_bytes() for file in (EDITOR / "dist").iterdir()}
    assert built.keys() == committed.keys()
    stale = [name for name in built if built[name] != committed[name]]
    assert not stale, f"{stale} differ from their source; run `make bundle` and commit app/editor/dist"


def test_the_editor_is_built_for_the_vue_that_nicegui_runs() -> None:
    head = (Path(nicegui.__file__).parent / "static" / "vue.esm-browser.prod.js").read_text()[:200]
    shipped = re.search(r"vue v(\S+)", head)
    assert shipped
    package = json.loads((WEB / "package.json").read_text())
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert package["dependencies"]["vue"] == shipped[1]
    assert lock["packages"]["node_modules/vue"]["version"] == shipped[1]


@pytest.mark.parametrize("file", ["package-lock.json", "package.json", ".npmrc"])
def test_no_registry_host_is_written_down(file: str) -> None:
    text = (WEB / file).read_text()
    assert "resolved" not in text.replace("omit-lockfile-registry-resolved", "")


def test_the_bundle_brings_its_fonts_and_their_licence_and_asks_no_other_host() -> None:
    dist = EDITOR / "dist"
    assert "SIL OPEN FONT LICENSE" in (dist / "inter-OFL.txt").read_text()
    assert (dist / "inter-latin.woff2").read_bytes()[:4] == b"wOF2"
    hosts = set(re.findall(r"https?://([\w.-]+)", (dist / "index.js").read_text()))
    # Names of XML namespaces, which are never fetched.
    assert hosts <= {"www.w3.org"}

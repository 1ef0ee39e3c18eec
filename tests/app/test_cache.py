"""`patchloom cache`: what is kept is shown and bounded, and goes or stays as it is told."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app import settings
from app.cli import app
from assets.codec import encoded
from assets.store import Made, Store
from assets.values import Text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with the results of two nodes."""
    place = settings.load(tmp_path)
    store = Store(place.store)
    for key, node, seconds in (("a" * 64, "prompt", 0.5), ("b" * 64, "expand_prompt", 2.5)):
        store.keep([Made(key, node, {"text": encoded(Text(node * 100))}, seconds, "cpu")])
    store.close()
    return tmp_path


def cache(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["cache", *arguments, "--home", str(home)])


def test_ls_says_what_made_each_result_how_long_it_took_and_how_large_it_is(home: Path) -> None:
    said = cache(home, "ls", "--sort", "seconds").output
    first, second = (line.split() for line in said.splitlines() if "aaa" in line or "bbb" in line)
    assert first[:2] == ["b" * 12, "expand_prompt"]
    assert second[:2] == ["a" * 12, "prompt"]
    assert "2.50 s" in " ".join(first)
    assert "2 results, 4.1 KB of at most 20.0 GB" in said


def test_a_pinned_result_stays_when_all_is_cleared(home: Path) -> None:
    assert cache(home, "pin", "bbb").output.startswith("pinned bbb")
    assert "pinned" in cache(home, "ls").output
    assert cache(home, "clear").output.startswith("1 result forgotten")
    left = cache(home, "ls").output
    assert "expand_prompt" in left
    assert "aaa" not in left
    cache(home, "unpin", "bbb")
    assert cache(home, "clear", "bbb").output.startswith("1 result forgotten")
    assert "0 results" in cache(home, "ls").output


def test_a_result_goes_by_the_digest_of_its_output_too(home: Path) -> None:
    digest = encoded(Text("prompt" * 100)).digest
    assert cache(home, "clear", digest[:16]).exit_code == 0
    assert "aaa" not in cache(home, "ls").output


def test_what_is_not_there_is_a_sentence(home: Path) -> None:
    refused = cache(home, "pin", "fff")
    assert refused.exit_code == 1
    assert refused.stderr == "error: nothing in the store is called 'fff'; `patchloom cache ls` shows what there is\n"


def test_the_budget_is_set_shown_and_held(home: Path) -> None:
    assert cache(home, "budget", "--disk", "3000 B").output == "disk 3.0 KB, memory 1.1 GB\n"
    assert settings.load(home).budgets.cache_disk_bytes == 3000
    assert cache(home, "budget", "--ram", "2 GB").output == "disk 3.0 KB, memory 2.0 GB\n"
    assert cache(home, "gc").output.startswith("1 result forgotten")
    assert "expand_prompt" in cache(home, "ls").output


def test_a_size_that_is_none_changes_nothing(home: Path) -> None:
    refused = cache(home, "budget", "--disk", "lots")
    assert refused.exit_code == 1
    assert "cache_disk_bytes is 'lots'; it needs a size like '20 GB'" in refused.stderr
    assert settings.load(home).budgets == settings.Budgets()


def test_settings_that_cannot_be_read_are_refused_and_left_as_they_are(home: Path) -> None:
    file = home / "settings.json"
    for text, said in (("{", "cannot be read"), ("[]", "needs an object"), ('{"cache_ram_bytes": []}', "needs a size")):
        file.write_text(text)
        with pytest.raises(settings.SettingsError, match=said):
            settings.load(home)
        assert file.read_text() == text


def test_other_settings_in_the_file_stay_when_a_budget_is_set(home: Path) -> None:
    (home / "settings.json").write_text('{"theme": "dark"}')
    settings.set_budgets(home, {"cache_disk_bytes": "5 GB"})
    assert '"theme": "dark"' in (home / "settings.json").read_text()


def test_verify_says_what_was_damaged(home: Path) -> None:
    assert cache(home, "verify").output == "all is whole\n"

"""`swin-np pretrained`, and `make walkthrough CHECKPOINT=...`, which takes one of its addresses."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from swin_np.checkpoints.hub.address import parse
from swin_np.commands.cli import main
from swin_np.commands.pretrained import REPOSITORIES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_every_repository_is_listed_and_nothing_is_fetched(capsys, monkeypatch, arguments):
    monkeypatch.setattr(socket, "socket", None)
    assert main(["pretrained", *arguments]) == 0
    text = capsys.readouterr().out
    assert len(REPOSITORIES) >= 10
    assert all(repository.address in text for repository in REPOSITORIES)


def test_json_holds_what_the_table_does(capsys):
    assert main(["pretrained", "--json"]) == 0
    repositories = json.loads(capsys.readouterr().out)["repositories"]
    assert main(["pretrained"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("hf://")]
    assert len(rows) == len(repositories)
    for row, told in zip(rows, repositories, strict=True):
        assert all(str(value) in row for value in told.values())


def test_the_addresses_are_addresses_and_none_is_there_twice():
    addresses = [repository.address for repository in REPOSITORIES]
    assert [str(parse(address)) for address in addresses] == addresses
    assert len(set(addresses)) == len(addresses)


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["pretrained", "--help"])
    assert "--checkpoint hf://" in " ".join(capsys.readouterr().out.split())


def made(folder: Path, *arguments: str) -> str:
    """What make prints; the make that runs the tests, if there is one, is not known to it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=True,
                          env=environment).stdout


def commands_of(target: str, *variables: str) -> list[str]:
    """What make would run for the recipe of a target."""
    return made(ROOT, "--dry-run", "--old-file=.venv/walkthrough", target, *variables).splitlines()


def test_the_walkthrough_classifies_by_a_checkpoint_only_if_one_is_given():
    without = commands_of("walkthrough")
    local, remote = (commands_of("walkthrough", f"CHECKPOINT={place}") for place in ("/a folder/x.pth", "hf://a/b"))
    said = '.venv/bin/python -m swin_np classify --checkpoint "$CHECKPOINT"'
    extra = '.venv/bin/python -m pip install --quiet --editable ".[hub]"'
    assert [line for line in local if line not in without] == [said]
    assert [line for line in remote if line not in without] == [extra, said]
    assert local.index(said) == 1 + local.index(".venv/bin/python -m swin_np tour --figures figures")


@pytest.mark.parametrize("place", ["/a folder/it's.pth", "/a/\"b\".pth", "hf://owner/name@v1", "/a/`b`;c.pth"])
def test_a_path_reaches_the_command_as_it_was_given(tmp_path, place):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (tmp_path / "Makefile").write_text(makefile + '\nshow:\n\t@printf %s "$$CHECKPOINT"\n', encoding="utf-8")
    assert made(tmp_path, "show", f"CHECKPOINT={place}") == place


def test_without_an_image_the_sample_photograph_is_classified(capsys, tmp_path):
    from swin_np.checkpoints.formats.safetensors import write_safetensors
    from swin_np.model import SwinTransformer
    from swin_np.variants import SwinConfig

    config = SwinConfig(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8))
    path = tmp_path / "a folder" / "model.safetensors"
    path.parent.mkdir()
    write_safetensors(path, SwinTransformer.random(config).state_dict(), {})
    assert main(["classify", "--checkpoint", str(path)]) == 0
    assert "grace_hopper.jpg" in capsys.readouterr().out

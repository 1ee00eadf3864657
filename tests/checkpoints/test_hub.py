"""Pretrained weights by an address, from a real server on the loopback address, and all that can go wrong there."""

import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loopback_hub import LoopbackHub
from test_configuration_files import LIVE, SIZES, of_timm, of_transformers, output_of, upernet
from test_fuzz import changed_bytes

import swin_np
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.hub import download, progress
from swin_np.checkpoints.hub.download import fetched
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError, SwinWarning
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.variants import SwinConfig
from tests.matching import MODEL_TOLERANCE, assert_matches

TINY = SwinConfig(img_size=32, num_classes=5, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4, patch_size=2)
CAT = "hf://owner/cat"
IMAGES = np.random.default_rng(1).standard_normal((2, 3, 32, 32))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A server, and huggingface_hub with an empty cache that knows no other."""
    library = pytest.importorskip("huggingface_hub")
    with LoopbackHub() as server:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        library.close_session()                        # which may know a proxy
        monkeypatch.setattr(library.constants, "ENDPOINT", server.address)
        monkeypatch.setattr(library.constants, "HUGGINGFACE_CO_URL_TEMPLATE",
                            server.address + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(library.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(library.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(library.constants, "DOWNLOAD_CHUNK_SIZE", 1024)        # bytes: so that a cut keeps some
        monkeypatch.setattr(time, "sleep", lambda seconds: None)                   # between its tries
        yield server
    library.close_session()


@pytest.fixture
def cat(hub, tmp_path):
    """A small model in the repository owner/cat."""
    return hub.commit("owner/cat", written(tmp_path / "cat", seed=0), "v1")


def model_of(seed: int) -> SwinTransformer:
    model = SwinTransformer.random(TINY, seed)
    redraw(model, seed)
    return model


def written(folder: Path, seed: int, **beside: object) -> Path:
    """A folder with model.safetensors, config.json and what else is given as JSON; `a__b` is a.b."""
    folder.mkdir(exist_ok=True)
    write_safetensors(folder / "model.safetensors", model_of(seed).state_dict(), {})
    labels = {"0": "cat", "1": "dog", "2": "cow", "3": "hen", "4": "pig"}
    config = {"model_type": "swin", "image_size": 32, "window_size": 4, "patch_size": 2, "embed_dim": 8,
              "depths": [2, 2], "num_heads": [2, 4], "id2label": labels}
    for name, content in ({"config__json": config} | beside).items():
        (folder / name.replace("__", ".")).write_text(json.dumps(content))
    return folder


def in_shards(folder: Path) -> Path:
    """The folder with its model in three files and an index."""
    state = dict(read(folder / "model.safetensors").tensors)
    weight_map = {name: f"model-{i % 3}.safetensors" for i, name in enumerate(state)}
    for shard in set(weight_map.values()):
        write_safetensors(folder / shard, {name: state[name] for name in state if weight_map[name] == shard}, {})
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder


def weights(path: str) -> np.ndarray:
    """One of its parameters, which tells the seeds apart."""
    return swin_np.load(path).head.weight


def is_seed(path: str, seed: int) -> bool:
    return np.array_equal(weights(path), model_of(seed).head.weight)


def in_cache(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and ".locks" not in path.parts]


def refusal(arguments: list[str], capsys) -> str:
    """What the command line says of something that it refuses: one sentence, and no traceback."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("swin-np: ") and captured.err.count("\n") == 1 and captured.out == ""
    return captured.err


# The numbers are those of the live libraries

KINDS = ("Swin", "Swin, another eps", "V2, first trained on others", "ViT, heads of 8 channels", "DeiT", "ResNet")


@pytest.mark.filterwarnings("error::swin_np.SwinWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_repository_of_transformers_gives_its_numbers(hub, tmp_path, rng, kind):
    name, settings, sides = LIVE[kind]
    model = of_transformers(name, **settings)
    model.save_pretrained(tmp_path / "saved")
    hub.commit("owner/live", tmp_path / "saved")
    images = rng.standard_normal((2, settings.get("num_channels", 3), *sides))
    assert_matches(swin_np.load("hf://owner/live", dtype=np.float64)(images), output_of(model, images), MODEL_TOLERANCE)


@pytest.mark.filterwarnings("error::swin_np.SwinWarning")
@pytest.mark.parametrize(("architecture", "settings", "sides"), [
    ("swin_tiny_patch4_window7_224", {"img_size": (56, 112), "depths": (2, 2), "num_heads": (2, 4), "embed_dim": 8},
     (56, 112)),
    ("swinv2_tiny_window8_256", {"img_size": 64, "depths": (2, 2), "num_heads": (2, 4), "embed_dim": 8}, (64, 64))])
def test_a_repository_of_timm_gives_its_numbers(hub, tmp_path, rng, architecture, settings, sides):
    model = of_timm(architecture, tmp_path / "saved", num_classes=7, **settings)
    hub.commit("timm/live.mine_in1k", tmp_path / "saved")
    images = rng.standard_normal((2, 3, *sides))
    assert_matches(swin_np.load("hf://timm/live.mine_in1k", dtype=np.float64)(images), output_of(model, images),
                   MODEL_TOLERANCE)


def test_a_segmentation_gives_its_numbers(hub, tmp_path, rng):
    model = upernet()
    model.save_pretrained(tmp_path / "saved")
    hub.commit("openmmlab/live", tmp_path / "saved")
    images = rng.standard_normal((2, 3, 56, 84))
    ours = swin_np.load("hf://openmmlab/live", dtype=np.float64)(images)
    assert_matches(ours, output_of(model, images), MODEL_TOLERANCE)


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards_are_fetched_with_their_index(hub, tmp_path, kind):
    model = of_transformers("Swin", **SIZES, image_size=32, window_size=4)
    model.save_pretrained(tmp_path / "saved", max_shard_size="10KB")
    if kind == "bin":
        torch = pytest.importorskip("torch")
        names = list(model.state_dict())
        weight_map = {name: f"pytorch_model-0000{1 + i % 2}-of-00002.bin" for i, name in enumerate(names)}
        for shard in set(weight_map.values()):
            torch.save({name: model.state_dict()[name] for name in names if weight_map[name] == shard},
                       tmp_path / "saved" / shard)
        for file in (tmp_path / "saved").glob("*.safetensors*"):
            file.unlink()
        (tmp_path / "saved" / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    hub.commit("owner/sharded", tmp_path / "saved")
    ours = swin_np.load("hf://owner/sharded", dtype=np.float64)(IMAGES)
    assert_matches(ours, output_of(model, IMAGES), MODEL_TOLERANCE)
    assert len(hub.asked("GET", "/store")) == len(list((tmp_path / "saved").glob(f"*.{kind}"))) > 1


# What is fetched

def test_what_is_read_is_fetched_and_nothing_else(hub, tmp_path):
    folder = written(tmp_path / "full", 0, preprocessor_config__json={})
    for name in ("pytorch_model.bin", "tf_model.h5", "README.md", "training_args.bin", "optimizer.pt"):
        (folder / name).write_bytes(b"not to be read")
    hub.commit("owner/full", folder)
    assert is_seed("hf://owner/full", 0)
    assert {path.name for path in in_cache(tmp_path) if "snapshots" in path.parts} == {
        "model.safetensors", "config.json", "preprocessor_config.json"}
    assert len(hub.asked("GET", "/store")) == 1


def test_older_repositories_have_a_bin_alone(hub, tmp_path):
    torch = pytest.importorskip("torch")
    folder = written(tmp_path / "old", 0)
    (folder / "model.safetensors").unlink()
    torch.save({name: torch.from_numpy(value) for name, value in model_of(0).state_dict().items()},
               folder / "pytorch_model.bin")
    hub.commit("owner/old", folder)
    assert is_seed("hf://owner/old", 0)


def test_a_second_time_nothing_is_fetched(hub, cat):
    assert is_seed(CAT, 0)
    before = len(hub.asked("GET", "/store") + hub.asked("GET", "/owner"))
    assert is_seed(CAT, 0)
    assert len(hub.asked("GET", "/store") + hub.asked("GET", "/owner")) == before == 2


def test_a_new_commit_is_fetched_and_of_it_only_what_changed(hub, cat, tmp_path):
    assert is_seed(CAT, 0)
    hub.commit("owner/cat", written(tmp_path / "cat", 1))
    assert is_seed(CAT, 1)
    fetched_before = len(hub.asked("GET", "/store"))
    config = json.loads((tmp_path / "cat" / "config.json").read_text())
    config["id2label"]["4"] = "ape"
    (tmp_path / "cat" / "config.json").write_text(json.dumps(config))
    hub.commit("owner/cat", tmp_path / "cat")
    assert read(CAT).labels == ("cat", "dog", "cow", "hen", "ape")
    assert len(hub.asked("GET", "/store")) == fetched_before == 2


def test_a_revision_is_pinned_by_branch_tag_commit_or_request(hub, cat, tmp_path):
    hub.commit("owner/cat", written(tmp_path / "cat", 1))
    hub.repositories["owner/cat"].revisions |= {"refs/pr/1": cat, "feature/new": cat}
    assert is_seed(CAT, 1) and is_seed(f"{CAT}@main", 1)
    for revision in ("v1", cat, "refs/pr/1", "feature%2Fnew"):
        assert is_seed(f"{CAT}@{revision}", 0), revision


def test_a_file_or_a_folder_of_a_repository_is_taken(hub, tmp_path):
    folder = tmp_path / "several"
    folder.mkdir()
    for seed, place in enumerate(("a", "b")):
        written(folder / place, seed)
    write_safetensors(folder / "alone.safetensors", model_of(2).state_dict(), {})
    shutil.copy(folder / "alone.safetensors", folder / "another.safetensors")
    hub.commit("owner/several", folder)
    assert is_seed("hf://owner/several/a", 0)
    assert is_seed("hf://owner/several@main/b/model.safetensors", 1)
    assert read("hf://owner/several/b").labels == ("cat", "dog", "cow", "hen", "pig")
    model = swin_np.load("hf://owner/several/alone.safetensors", image_size=32, num_heads=(2, 4))
    assert np.array_equal(model.head.weight, model_of(2).head.weight)
    with pytest.raises(CheckpointError, match=r"holds alone\.safetensors, another\.safetensors: give the path"):
        swin_np.load("hf://owner/several")
    with pytest.raises(CheckpointError, match=r"no file or folder 'c': give one of .*a/config\.json"):
        swin_np.load("hf://owner/several/c")


def test_a_config_among_several_checkpoints_is_about_none_of_them(hub, tmp_path):
    folder = written(tmp_path / "two", 0)
    (folder / "model.safetensors").rename(folder / "first.safetensors")
    write_safetensors(folder / "second.safetensors", model_of(1).state_dict(), {})
    hub.commit("owner/two", folder)
    assert read("hf://owner/two/first.safetensors").configuration is None


def test_a_repository_without_weights_is_refused(hub, tmp_path):
    folder = written(tmp_path / "keras", 0)
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    hub.commit("owner/keras", folder)
    with pytest.raises(CheckpointError, match="hf://owner/keras: the folder is a checkpoint of Keras"):
        swin_np.load("hf://owner/keras")


# The connection

@pytest.mark.parametrize("ranges", [True, False], ids=["from there on", "from the beginning"])
def test_a_download_that_was_cut_goes_on(hub, cat, ranges):
    hub.cuts, hub.ranges = 3, ranges
    assert is_seed(CAT, 0)
    resumed = [request for request in hub.requests if request.range]
    assert hub.cuts == 0 and len(resumed) == 3
    assert int(resumed[-1].range.removeprefix("bytes=").rstrip("-")) > 0


def test_a_cut_that_does_not_end_leaves_no_half_of_a_model(hub, cat, tmp_path, capsys):
    hub.cuts, hub.ranges = 10**6, False
    import huggingface_hub

    with pytest.MonkeyPatch.context() as patch:        # no chunk arrives whole, so its tries end
        patch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 2**20)
        sentence = refusal(["inspect", CAT], capsys)
    assert "connection to" in sentence and "load it again" in sentence
    assert not [path for path in in_cache(tmp_path) if path.name.endswith(("safetensors", "incomplete"))]
    hub.cuts = 0
    assert is_seed(CAT, 0)


def test_bytes_that_are_not_the_repositorys_are_refused_and_removed(hub, cat, tmp_path, capsys):
    hub.false_bytes = True
    sentence = refusal(["classify", "--checkpoint", CAT], capsys)
    assert "model.safetensors are not those of the repository, by their SHA-256" in sentence
    assert {path.name for path in in_cache(tmp_path) if "snapshots" in path.parts} == {"config.json"}
    hub.false_bytes = False
    assert is_seed(CAT, 0)


def test_bytes_that_changed_in_the_cache_are_refused_and_fetched_again(hub, cat, tmp_path):
    path = fetched(CAT)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.resolve().write_bytes(content)
    with pytest.raises(CheckpointError, match="by their SHA-256"):
        swin_np.load(CAT)
    assert is_seed(CAT, 0)


def test_a_repository_that_changes_during_the_download_gives_no_mixture(hub, cat, tmp_path, monkeypatch):
    new = written(tmp_path / "new", 1)
    monkeypatch.setattr(download, "check_space", lambda *arguments: hub.commit("owner/cat", new))
    with pytest.raises(CheckpointError, match="its revision changed while it was fetched: load it again"):
        swin_np.load(CAT)


# What the hub refuses

REFUSED = {                                            # (method, beginning of the path): status, and what is said
    "server error": (("GET", "/api"), 500, "is out of order (500): try again later, or name a mirror in HF_ENDPOINT"),
    "gateway": (("GET", "/api"), 503, "is out of order (503)"),
    "too many": (("GET", "/api"), 429, "has had too many requests (429)"),
    "forbidden": (("GET", "/api"), 403, "refused access (403): give your token in HF_TOKEN"),
    "unknown": (("GET", "/api"), 404, "gave no file"),
    "bad request": (("GET", "/api"), 400, "gave no file"),
    "error at a file": (("HEAD", "/owner"), 500, "is out of order (500)"),
    "error at the store": (("GET", "/store"), 500, "is out of order (500)"),
    "no such large file": (("GET", "/store"), 404, "gave no file"),
    "forbidden at the store": (("GET", "/store"), 403, "refused access (403)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_answer_that_is_no_success_is_a_sentence(hub, cat, capsys, case):
    place, hub.status[place], words = REFUSED[case][0], *REFUSED[case][1:]
    assert words in refusal(["inspect", CAT], capsys)


ABSENT = {
    "hf://owner/dog": "no public repository of this name: check it, or for a private one give your token in HF_TOKEN",
    "hf://owner/cat@v2": "no revision 'v2': give a branch, tag or commit",
    "hf://owner/cat@" + "0" * 40: "no revision",
    "hf://owner/cat/pytorch_model.bin": "no file or folder 'pytorch_model.bin': give one of config.json, model.safe",
    "hf://owner/cat/README.md": "no file or folder 'README.md'",
    "hf://owner/cat/config.json": "JSON text and no index of shards",
    "hf://owner/gated": "is gated: accept its conditions on",
}


@pytest.mark.parametrize("address", ABSENT)
@pytest.mark.parametrize("command", [["inspect"], ["classify", "--checkpoint"]], ids=["inspect", "classify"])
def test_what_is_not_there_is_a_sentence(hub, cat, tmp_path, capsys, address, command):
    hub.commit("owner/gated", tmp_path / "cat")
    hub.repositories["owner/gated"].gated = True
    sentence = refusal([*command, address], capsys)
    assert ABSENT[address] in sentence
    assert address in sentence or "models--owner--cat" in sentence      # a file that was fetched is called by its path


@pytest.mark.parametrize(("shard", "words"), [
    ("model-2.safetensors", "its index names model-2.safetensors, which the repository does not hold"),
    ("../model.safetensors", "hf://owner/broken: the index names the shard '../model.safetensors'"),
    ("a/b.bin", "which is no plain file name")])
def test_an_index_that_names_what_is_not_there_is_refused(hub, tmp_path, shard, words):
    folder = written(tmp_path / "broken", 0)
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    hub.commit("owner/broken", folder)
    with pytest.raises(CheckpointError, match=words):
        swin_np.load("hf://owner/broken")


ZEROS = '"id": "a", "sha": "' + 40 * "0" + '"'
ANSWERS = ["", "<html>log in</html>", "[]", "{}", '{"id": 3}', '{"id": "owner/cat"}', '{"id": "a", "sha": "../x"}',
           f'{{{ZEROS}, "siblings": null}}', '{"id": "a", "siblings": [{}]}',
           f'{{{ZEROS}, "siblings": [{{"rfilename": "../../../x.safetensors"}}]}}',
           f'{{{ZEROS}, "siblings": [{{"rfilename": "model.safetensors"}}]}}']


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_no_hub_is_a_sentence_and_nothing_is_written(hub, cat, tmp_path, monkeypatch, capsys, answer):
    from loopback_hub import Handler

    monkeypatch.setattr(Handler, "tell", lambda self, *about: self.answer(200, answer.encode()))
    assert "hf://owner/cat: " in refusal(["inspect", CAT], capsys)
    assert in_cache(tmp_path) == []


def test_a_commit_that_is_none_is_refused(hub, cat, monkeypatch, capsys):
    from loopback_hub import Handler

    for sha in ("../../outside", "main", "", None):
        told = json.dumps({"id": "owner/cat", "sha": sha, "siblings": [{"rfilename": "model.safetensors"}]})
        monkeypatch.setattr(Handler, "tell", lambda self, *about, told=told: self.answer(200, told.encode()))
        assert "does not say the commit of its revision" in refusal(["inspect", CAT], capsys)


@pytest.mark.parametrize("damaged", ["answer", "index"])
def test_forty_damaged_answers_give_a_model_or_a_sentence(hub, tmp_path, rng, monkeypatch, damaged):
    from loopback_hub import Handler

    folder = in_shards(written(tmp_path / "shards", 0))
    index = folder / "model.safetensors.index.json"
    sha, good = hub.commit("owner/cat", folder), index.read_bytes()
    names = [{"rfilename": path.name} for path in folder.iterdir()]
    told = json.dumps({"id": "owner/cat", "sha": sha, "siblings": names}).encode()
    refused = 0
    for _ in range(40):
        if damaged == "answer":
            mutant = changed_bytes(told, told, rng)
            monkeypatch.setattr(Handler, "tell", lambda self, *about, mutant=mutant: self.answer(200, mutant))
        else:
            index.write_bytes(changed_bytes(good, told, rng))
            hub.commit("owner/cat", folder)
        try:
            swin_np.load(CAT, image_size=32, num_heads=(2, 4))
        except CheckpointError:
            refused += 1
    assert refused > 20
    assert set(tmp_path.iterdir()) == {tmp_path / "shards", tmp_path / "cache"}


OUTSIDE = [{"X_Repo_Commit": "../../../../outside"}, {"X_Repo_Commit": 40 * "0"}, {"ETag": '"../../../outside"'},
           {"X_Linked_Etag": '"../../../outside"'}, {"X_Linked_Etag": '".."'}, {"X_Linked_Etag": '"/tmp/outside"'},
           {"X_Linked_Etag": '"a\\b"'}]


@pytest.mark.parametrize("told", OUTSIDE, ids=str)
def test_nothing_is_written_outside_the_cache(hub, cat, tmp_path, capsys, told):
    hub.told = told
    before = {path for path in tmp_path.rglob("*") if tmp_path / "cache" not in path.parents}
    assert "answers as no hub does" in refusal(["inspect", CAT], capsys)
    assert {path for path in tmp_path.rglob("*") if tmp_path / "cache" not in path.parents} - before <= {
        tmp_path / "cache"}
    assert in_cache(tmp_path) == []


# Without a hub

@pytest.fixture
def gone(hub, cat, monkeypatch):
    """A call makes the hub unreachable."""
    import huggingface_hub

    return lambda: monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")


def test_what_the_cache_holds_is_taken_when_the_hub_is_out_of_reach_and_that_is_said(hub, cat, gone):
    weights(CAT)
    gone()
    with pytest.warns(SwinWarning, match="out of reach, so what the cache holds of it was taken"):
        assert is_seed(CAT, 0)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_the_cache_holds_is_taken_when_the_hub_is_out_of_order(hub, cat, status):
    weights(CAT)
    hub.status["GET", "/api"] = status
    with pytest.warns(SwinWarning, match="out of reach"):
        assert is_seed(CAT, 0)


def test_without_hub_and_cache_the_sentence_says_what_to_do(gone, capsys):
    gone()
    sentence = refusal(["inspect", CAT], capsys)
    assert "connection to http://127.0.0.1:9 failed" in sentence and "HF_ENDPOINT" in sentence


@pytest.mark.parametrize("endpoint", ["nowhere", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_a_mirror_that_is_no_address_is_a_sentence(hub, monkeypatch, capsys, endpoint):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    assert "HF_ENDPOINT" in refusal(["inspect", CAT], capsys)


def test_a_part_in_the_cache_is_no_model(hub, cat, gone, capsys):
    hub.status["GET", "/store"] = 500
    refusal(["inspect", CAT], capsys)                  # config.json is in the cache then
    gone()
    assert "not whole, in the cache" in refusal(["inspect", CAT], capsys)


def test_shards_that_are_not_all_in_the_cache_are_no_model(hub, tmp_path, monkeypatch):
    import huggingface_hub

    hub.commit("owner/shards", in_shards(written(tmp_path / "shards", 0)))
    assert is_seed("hf://owner/shards", 0)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert is_seed("hf://owner/shards", 0)
    next(path for path in in_cache(tmp_path) if path.name == "model-1.safetensors").unlink()
    with pytest.raises(CheckpointError, match="not whole, in the cache"):
        swin_np.load("hf://owner/shards")


# The disk

def test_a_disk_without_room_is_told_before_the_download(hub, cat, monkeypatch, capsys):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "the disk of" in (sentence := refusal(["inspect", CAT], capsys)) and "HF_HOME" in sentence
    assert hub.asked("GET", "/store") == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_during_the_download_leaves_nothing_behind(hub, cat, tmp_path, monkeypatch, capsys, code):
    import huggingface_hub.file_download

    class Full(io.BytesIO):
        def write(self, content: bytes) -> int:
            raise OSError(code, os.strerror(code))

    http_get = huggingface_hub.file_download.http_get
    monkeypatch.setattr(huggingface_hub.file_download, "http_get",
                        lambda url, file, **options: http_get(url, Full(), **options))
    assert "no space left for it: make room" in refusal(["inspect", CAT], capsys)
    assert not [path for path in in_cache(tmp_path) if "snapshots" in path.parts or "incomplete" in path.name]


def test_a_cache_that_cannot_be_written_is_a_sentence(hub, cat, tmp_path, monkeypatch, capsys):
    import huggingface_hub

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "file" / "cache"))
    assert "cannot be used (Not a directory): name a folder" in refusal(["inspect", CAT], capsys)


# What is shown meanwhile

class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def bars(monkeypatch, arguments: list[str], stream: io.StringIO) -> set[str]:
    """The bars that a command draws: what stands before the number of per cent."""
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(arguments) == 0
    return set(re.findall(r"(\S+): +\d+%\|", stream.getvalue()))


def test_one_bar_is_shown_for_the_whole_download(hub, tmp_path, monkeypatch):
    hub.commit("owner/cat", in_shards(written(tmp_path / "saved", 0)))
    monkeypatch.setattr(progress, "SMALLEST_WITH_BAR", 1)
    stream = Terminal()
    assert bars(monkeypatch, ["inspect", CAT], stream) == {CAT}
    assert "100%|" in stream.getvalue()


@pytest.mark.parametrize(("arguments", "stream"), [
    (["inspect", CAT, "--json"], Terminal), (["inspect", CAT], io.StringIO),
    (["classify", "--checkpoint", CAT, "--json"], Terminal)], ids=["json", "no terminal", "classify, json"])
def test_no_bar_is_shown_to_a_program(hub, cat, monkeypatch, arguments, stream):
    monkeypatch.setattr(progress, "SMALLEST_WITH_BAR", 1)
    assert bars(monkeypatch, arguments, stream()) == set()


def test_small_downloads_have_no_bar(hub, cat, monkeypatch):
    assert bars(monkeypatch, ["inspect", CAT], Terminal()) == set()


def test_what_is_in_the_cache_has_no_bar(hub, cat, monkeypatch):
    monkeypatch.setattr(progress, "SMALLEST_WITH_BAR", 1)
    weights(CAT)
    assert bars(monkeypatch, ["inspect", CAT], Terminal()) == set()


# The commands

PREPARED = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 2,
            "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}


def test_a_photograph_is_classified_by_the_repositorys_own_files(hub, tmp_path, capsys):
    hub.commit("owner/cat", written(tmp_path / "cat", 0, preprocessor_config__json=PREPARED))
    assert main(["classify", "--checkpoint", CAT]) == 0
    text = capsys.readouterr().out
    assert "preset preprocessor_config.json" in text and "mean 0.1 0.2 0.3" in text
    assert "The 5 classes are named by the config.json beside the checkpoint." in text
    assert {line.split()[-1] for line in text.splitlines() if "%" in line} == {"cat", "dog", "cow", "hen", "pig"}
    assert main(["classify", "--checkpoint", CAT, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["checkpoint"], result["names_from"], result["classes"]) == (CAT, "config.json", "config.json")


def test_every_command_that_takes_a_checkpoint_takes_an_address(hub, tmp_path, capsys):
    from PIL import Image

    hub.commit("owner/cat", written(tmp_path / "cat", 0, preprocessor_config__json=PREPARED))
    Image.new("RGB", (40, 50), "red").save(tmp_path / "red.png")
    image, reference, converted = (str(tmp_path / name) for name in ("red.png", "ref.npz", "new.safetensors"))
    assert main(["inspect", CAT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == CAT
    assert main(["convert", CAT, converted, "--to", "timm"]) == 0
    assert read(converted).metadata["source"] == CAT
    assert main(["dump", CAT, image, "-o", reference]) == 0
    assert main(["crosscheck", CAT, reference, "--image", image]) == 0


def test_outputs_are_checked_before_anything_is_fetched(hub, cat, tmp_path, capsys):
    refusal(["convert", CAT, str(tmp_path / "no folder" / "x.npz"), "--to", "timm"], capsys)
    refusal(["classify", "--checkpoint", CAT, "--csv", str(tmp_path / "no folder" / "x.csv")], capsys)
    assert hub.requests == []


def test_without_the_extra_both_ways_out_are_said(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    sentence = refusal(["inspect", CAT], capsys)
    assert 'pip install "swin_np[hub]"' in sentence
    assert "in a browser into a folder and give the folder" in sentence
    with pytest.raises(CheckpointError, match="huggingface_hub is not installed"):
        swin_np.load(Path(CAT))


def test_the_extra_is_imported_only_for_an_address():
    code = "import sys, swin_np, swin_np.commands.cli; print('huggingface_hub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# The environment of huggingface_hub, which it reads when it is imported

def run(hub, tmp_path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    variables |= {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1,localhost"}
    return subprocess.run([sys.executable, "-m", "swin_np", *arguments], capture_output=True, text=True,
                          env=variables | environment)


def test_mirror_home_token_and_offline_mode_are_those_of_the_environment(hub, cat, tmp_path):
    hub.repositories["owner/cat"].gated = True
    refused = run(hub, tmp_path, "inspect", CAT)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "is gated" in refused.stderr
    offline = run(hub, tmp_path, "inspect", CAT, HF_HUB_OFFLINE="1")
    assert offline.returncode == 2 and offline.stderr.count("\n") == 1
    assert f"cache {tmp_path / 'home' / 'hub'}" in offline.stderr and "HF_HUB_OFFLINE" in offline.stderr
    assert run(hub, tmp_path, "inspect", CAT, HF_TOKEN="good").returncode == 0
    tokens = {request.reached: request.token for request in hub.requests}
    assert tokens == {"hub": "Bearer good", "store": None}
    hub.requests.clear()
    offline = run(hub, tmp_path, "inspect", CAT, HF_HUB_OFFLINE="1")
    assert (offline.returncode, offline.stderr, hub.requests) == (0, "", [])
    assert (tmp_path / "home" / "hub" / "models--owner--cat").is_dir()

"""Addresses on a hub: what is one, what it means, and what is refused before anything is asked."""

from pathlib import Path

import pytest

import swin_np
from swin_np.checkpoints.hub.address import Address, is_address, parse
from swin_np.errors import InputError

SHA = "0123456789abcdef0123456789abcdef01234567"
GOOD = {
    "hf://owner/name": Address("owner/name"),
    "hf://owner/name@v1.0": Address("owner/name", "v1.0"),
    f"hf://owner/name@{SHA}": Address("owner/name", SHA),
    "hf://owner/name@refs/pr/3": Address("owner/name", "refs/pr/3"),
    "hf://owner/name@refs/pr/3/model.safetensors": Address("owner/name", "refs/pr/3", "model.safetensors"),
    "hf://owner/name@feature%2Fnew": Address("owner/name", "feature/new"),
    "hf://owner/name/model.safetensors": Address("owner/name", None, "model.safetensors"),
    "hf://owner/name@main/a folder/epoch=3 step=5.ckpt": Address("owner/name", "main", "a folder/epoch=3 step=5.ckpt"),
    "hf://timm/swin_tiny_patch4_window7_224.ms_in1k": Address("timm/swin_tiny_patch4_window7_224.ms_in1k"),
}
BAD = ["hf://", "hf://a", "hf://a/", "hf:///b", "hf://../x", "hf://a/..", "hf://a/b@", "hf://a/b@/x", "hf://a/b/",
       "hf://a/b//c", "hf://a/b/../c", "hf://a/b/c/..", "hf://a/b/./c", "hf://a/b@..", "hf://a/b@v..1",
       "hf://a/b@%2e%2e%2Fx", "hf://a/b@x%2F..%2Fy", "hf://a b/c", "hf://a/b c", "hf://a/b\n", "hf://a/b\x1b[31m",
       "hf://a/b/c\x1b[31m", "hf://a/b/c\\d", "hf://a/b/*.bin", "hf://a--b/c", "hf://a/b--c", "hf://a..b/c",
       "hf://a/b.git", "hf://a/-b", "hf://a/b.", "hf://\u00e4/b", "hf://a/b@\u00e4", "hf://a/b?x=1/c", "hf://a/b#c",
       "hf:///etc/passwd", "hf://a/b@main:x", "hf://a:b@c/d", "hf://a/b/\0"]


@pytest.mark.parametrize("text", GOOD)
def test_an_address_is_taken_apart(text):
    assert is_address(text)
    assert parse(text) == GOOD[text]


@pytest.mark.parametrize("text", GOOD)
def test_pathlib_which_drops_a_slash_makes_no_difference(text):
    assert is_address(Path(text))
    assert parse(Path(text)) == GOOD[text]


@pytest.mark.parametrize("text", GOOD)
def test_an_address_reads_as_it_was_written(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", BAD)
def test_what_names_no_repository_or_leads_out_of_it_is_refused(text):
    assert is_address(text)
    with pytest.raises(InputError, match="give hf://owner/name"):
        swin_np.load(text)


@pytest.mark.parametrize("text", ["hf", "hf/owner/name", "models/hf:/owner/name", "https://hf.co/a/b", "", "hf:x"])
def test_paths_are_no_addresses(text):
    assert not is_address(text)
    assert not is_address(Path(text))

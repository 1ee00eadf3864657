"""The command line, called as its users call it, well and badly."""

import json
import subprocess
import sys

import pytest

from swin_np.commands.cli import main


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "swin_np", *arguments], capture_output=True, text=True, check=False)


def test_the_tour_tells_every_stage_and_that_the_weights_are_random(capsys):
    assert main(["tour"]) == 0
    text = capsys.readouterr().out
    for words in ("grace_hopper.jpg", "the weights are random", "64 of 7x7", "0/3", "14,183,856", "28,288,354",
                  "4.494 G"):
        assert words in text
    assert [line.split(",")[0] for line in text.splitlines() if line.startswith("stage")] == [
        f"stage {i}" for i in (1, 2, 3, 4)]


@pytest.mark.long
def test_a_number_of_threads_that_cannot_be_is_refused_before_anything_is_said(capsys):
    assert main(["tour", "--threads", "0"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("swin-np: 0 threads were asked for")


def test_the_tour_as_json_is_one_object_on_standard_output(capsys, tmp_path):
    assert main(["tour", "--json", "--seed", "3", "--dtype", "float64", "--figures", str(tmp_path / "new folder")]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["parameters"], result["seed"], result["dtype"]) == (28_288_354, 3, "float64")
    assert [step["map_size"] for step in result["steps"] if step["windows"]] == [[56, 56], [28, 28], [14, 14], [7, 7]]
    assert len(result["figures"]) == len(list((tmp_path / "new folder").iterdir())) > 2
    assert "stage 1" in captured.err


def test_info_counts_a_variant_without_building_it(capsys):
    assert main(["info", "swin_l_384", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["parameters"] == 196_735_516
    assert sum(layer["multiply_adds"] for layer in result["layers"]) == result["multiply_adds"]


def test_info_takes_another_image_size_and_lists_layers(capsys):
    assert main(["info", "swin_t", "--image-size", "320", "256", "--layers"]) == 0
    text = capsys.readouterr().out
    assert "swin_t at 320x256" in text
    assert "layers.2.blocks.5.attn.qkv" in text


@pytest.mark.parametrize(("arguments", "words"), [
    (["tour", "--image", "no such file.jpg"], "no such file.jpg"),
    (["tour", "--image", __file__], "image"),
    (["tour", "--image", "."], "image"),
    (["tour", "--variant", "swin-t"], "did you mean 'swin_t'"),
    (["tour", "--seed", "-1"], "seed -1"),
    (["tour", "--figures", __file__], "test_cli.py"),
    (["info", "swin"], "unknown variant 'swin'"),
    (["info", "swin_t", "--image-size", "2", "2"], "smaller than one"),
    (["info", "swin_t", "--image-size", "-4", "224"], "smaller than one"),
])
def test_bad_input_gives_one_sentence_and_exit_status_2(arguments, words, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert error[0].startswith("swin-np: ")
    assert words in error[0]


@pytest.mark.parametrize("arguments", [[], ["walk"], ["info"], ["tour", "--dtype", "float16"], ["tour", "--seed", "x"]])
def test_a_wrong_call_shows_the_usage_and_exits_with_2(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage: swin-np" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["tour", "info"])
def test_every_command_has_help_with_an_example(command):
    result = run(command, "--help")
    assert result.returncode == 0
    assert f"example: swin-np {command}" in result.stdout


def test_a_reader_that_stops_early_is_no_error():
    result = subprocess.run(f'"{sys.executable}" -m swin_np info swin_t --layers | head -n 1', shell=True, text=True,
                            capture_output=True, check=False)
    assert result.stderr == ""


def test_a_standard_output_that_is_closed_is_no_error():
    result = subprocess.run(f'"{sys.executable}" -m swin_np info swin_t >&-', shell=True, text=True,
                            capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")

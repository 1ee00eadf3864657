"""The command line in Chinese: help, tables and sentences for people; English, in ASCII, where a console lacks it."""

import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swin_np.checkpoints.config_files import for_transformers
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.preprocessing import of_transformers
from swin_np.checkpoints.config_files.written import files_beside
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.commands import attend, parser
from swin_np.commands.cli import main
from swin_np.commands.cli import parser as command_line
from swin_np.commands.names import said
from swin_np.errors import SwinError
from swin_np.language import FOLDER, LOCALES, VARIABLE, speaking
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT
from swin_np.text import columns, row
from swin_np.variants import SwinConfig

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.translate.wording import FAULTS_OF_TYPE

NOT_HERE = {"grade"}                                   # its words are in another table, and have a test of their own
COMMANDS = sorted({name for action in command_line()._actions if isinstance(action, argparse._SubParsersAction)
                   for name in action.choices} - NOT_HERE)
CALL = re.compile(r"(?s)示例：.*|\[-h\].*?\n\n|可选：[\w, -]*|\{\"their.*?\}|[\w.]*\(OUT\)|'local-dir.*?\)")
ENGLISH = re.compile(r"\b[a-z]+(?: [a-z]+){3,}\b", re.IGNORECASE)      # a sentence: four words in a row
HALF_WIDTH = FAULTS_OF_TYPE["half-width punctuation"]
TINY = SwinConfig(num_classes=10, embed_dim=8, depths=(2, 1, 2, 1), num_heads=(1, 2, 4, 8), shape_policy=MICROSOFT)
TABLE = json.loads((FOLDER / "zh" / "commands.json").read_text(encoding="utf-8"))


def faults(text: str) -> list[str]:
    """English sentences and half-width punctuation in what is printed, without calls, lists of names and usage."""
    prose = CALL.sub("", text)
    prose = re.sub(r"\([\d,\sBHW]+\)", "X", prose)     # (3, 4), a place, or (B, 3, H, W)
    return [match[0] for line in prose.splitlines() for pattern in (ENGLISH, HALF_WIDTH)
            if (match := pattern.search(line))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_safetensors(folder / "tiny.safetensors", SwinTransformer.random(TINY).state_dict(), {})
    large = dataclasses.replace(TINY, num_classes=1000)
    write_safetensors(folder / "names.safetensors", SwinTransformer.random(large).state_dict(), {})
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    np.savez(folder / "other.npz", numbers=np.arange(3))
    return folder


RESULTS = {                                            # what each prints that is not in its English output
    "tour --image {files}/photo.png": [
        "步骤", "阶段 1，2 个块", "64 个 7x7", "1000 个 logit 中最大的", "没有给出检查点"],
    "tour --image {files}/photo.png --variant transformer_base": ["编码器，层 6", "照片没有词表", "16x16 图块"],
    "tour --image {files}/photo.png --variant fpn_swin_t": ["横向 3，自上而下", "池化级", "5 张特征图"],
    "tour --image {files}/photo.png --variant unet_resnet_50": ["上采样，连特征图 2", "个类别中最常见的"],
    "info swin_t": ["一张 float32 图像", "归一化、平均、头", "总计"],
    "info vit_b_16 --layers": ["层归一化", "ViT 或 DeiT", "种类"],
    "info upernet_swin_t": ["骨干网络 Swin Transformer", "金字塔池化"],
    "systems swin_t vit_b_16 --sizes 224": ["乘加次数", "特征图"],
    "systems resnet_18 --sizes 64 --measure": ["峰值", "1 / 1：resnet_18，64x64"],
    "pretrained": ["地址", "什么也没有下载"],
    "inspect {files}/tiny.safetensors": ["命名方言", "深度 (2, 1, 2, 1)", "qkv 偏置：有", "张量"],
    "inspect {files}/other.npz": ["命名方言", "没有："],
    "convert {files}/tiny.safetensors {files}/out --to timm --force": [
        "命名由 microsoft 改成 timm", "按 timm 的命名写出"],
    "classify {files}/photo.png --checkpoint {files}/tiny.safetensors": ["短边缩放到 256", "只给出编号"],
    "classify {files}/photo.png --checkpoint {files}/names.safetensors": ["当作 ImageNet-1k 的类别"],
    "attend {files}/photo.png --at 120,80 -o {files}/a.png": ["阶段 1，块 1：56x56 中的词元 (", "头  1：最多的是 ("],
    "attend {files}/photo.png --at 120,80 -o {files}/a.png --rollout": ["注意力展开", "已写出："],
    "dump {files}/tiny.safetensors {files}/photo.png -o {files}/ref.npz": ["1 张图像", "正在用 float64"],
    "probe --images 64": ["两个标记的颜色相同吗？", "正确答案", "无偏置", "不同（错）", "跨象限"],
    "probe --images 64 --task flock": ["在哪一边？", "（错）"]}
ENGLISH_ON_PURPOSE = re.compile(                       # notes, changes and errors, which stay English; names of classes
    r"^(?:swin-np: .*|说明 .*|假定 .*|命名方言 +没有：.*|The names are .*|How images are prepared .*|No config.json .*"
    r"| +[\d.]+ %  .*)$", re.MULTILINE)


def printed(capsys, files: Path, call: str) -> str:
    """What a call prints, on both streams."""
    capsys.readouterr()
    assert main([argument.format(files=files) for argument in call.split()]) == 0
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("call", RESULTS)
def test_the_results_of_a_command_are_chinese(capsys, files, call):
    with speaking("zh"):
        text = printed(capsys, files, call)
    assert [words for words in RESULTS[call] if words not in text] == []
    assert faults(ENGLISH_ON_PURPOSE.sub("", text)) == []


@pytest.mark.parametrize("call", RESULTS)
def test_the_results_of_a_command_in_english_are_ascii(capsys, files, call):
    with speaking("en"):
        assert printed(capsys, files, call).isascii()


def test_every_command_has_its_results_here_but_the_cross_check_whose_report_stays_english():
    assert {call.split()[0] for call in RESULTS} == {*COMMANDS} - {"crosscheck"}


def test_a_sentence_that_was_left_out_and_half_width_punctuation_are_found(capsys, files, monkeypatch):
    left_out = "where from each red mark is its blue one?"
    damaged = {**TABLE, left_out: left_out, "right answer": "正确, 答案"}
    monkeypatch.setattr("swin_np.language.table", lambda code: damaged)
    with speaking("zh"):
        assert faults(printed(capsys, files, "probe --images 8 --task flock")) == [left_out[:-1], "确,"]


def test_what_programs_read_is_the_same_in_both_languages(capsys, files):
    for call in ("info swin_t --layers --json", "probe --images 8 --json", "pretrained --json",
                 "inspect {files}/tiny.safetensors --json", "inspect {files}/other.npz --json",
                 "classify {files}/photo.png --checkpoint {files}/names.safetensors --json"):
        with speaking("zh"):
            chinese = printed(capsys, files, call)
        with speaking("en"):
            assert printed(capsys, files, call) == chinese


@pytest.mark.parametrize("variant", ["swin_t", "fpn_swin_t"])
def test_the_columns_of_the_tour_are_in_line_and_as_wide_as_in_english(capsys, files, variant):
    widths, parameters = [], []
    for code in ("en", "zh"):
        with speaking(code):
            text = printed(capsys, files, f"tour --image {{files}}/photo.png --variant {variant}")
        lines = [line for line in text.splitlines() if line.endswith((" ms", "time", "时间"))]
        widths += [columns(line) for line in lines]
        parameters += [columns(line[:re.search(r"[\d,]+(?= +[\d.]+ G)", line).end()]) for line in lines[1:]]
    assert len(lines) > 10 and len({*widths}) == 1 and len({*parameters}) == 1


def test_a_row_is_as_str_format_has_it_where_no_letter_is_wide():
    fields = "{:19}{:>9}{:>6}  {:>12}{}"
    cells = ("patch embedding", "56x56", 96, "", "a name too long for nothing")
    assert row(fields, *cells) == fields.format(*cells)
    assert row("{:6}{:>6}|", "步骤", "时间") == "步骤    时间|"


def test_a_name_keeps_its_numbers_in_their_order():
    with speaking("zh"):
        assert (said("stage 3, 18 blocks"), said("16x32 patches"), said("stem")) == (
            "阶段 3，18 个块", "16x32 图块", "起始层")
    with speaking("en"):
        assert said("stage 3, 18 blocks") == "stage 3, 18 blocks"


# help

def help_of(capsys, monkeypatch, *command: str, width: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_of_every_command_is_chinese_and_fits_the_terminal(capsys, monkeypatch, command):
    with speaking("zh"):
        text = help_of(capsys, monkeypatch, *command.split())
    text = re.sub(r"^ +grade .*(?:\n {14}.*)*", "", text, flags=re.MULTILINE)
    assert text.startswith("用法：swin-np") and "\n选项：\n" in text and "显示这份帮助，然后退出" in text
    assert "示例：swin-np" in text
    assert faults(text) == []
    assert [line for line in text.splitlines() if columns(line) > 80] == []
    assert [line for line in text.splitlines() if re.match(r" *[，。；：、？！）”]", line)] == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_english_help_is_what_argparse_alone_makes_of_it(capsys, monkeypatch, command):
    with speaking("en"):
        ours = help_of(capsys, monkeypatch, *command.split())
        monkeypatch.setattr(parser.Parser, "__init__", argparse.ArgumentParser.__init__)
        assert ours == help_of(capsys, monkeypatch, *command.split())


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_chinese_help_wraps_between_characters_and_never_inside_a_word_or_before_a_comma(width):
    text = TABLE[next(english for english in TABLE if english.startswith("Write a checkpoint"))]
    lines = parser.in_lines(text, width)
    assert max(map(columns, lines)) <= max(width, 76)  # the longest name
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) > columns(text) // width and not any(line[0] in "，。；：、）" for line in lines)
    assert re.findall(r"[\w.]+", "\n".join(lines), re.ASCII) == re.findall(r"[\w.]+", text, re.ASCII)


# consoles

def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """A call in a process with this environment and without the reader's language."""
    mine = {name: value for name, value in os.environ.items() if name not in (
        VARIABLE, *LOCALES, "PYTHONUTF8", "PYTHONIOENCODING")}
    return subprocess.run([sys.executable, "-m", "swin_np", *arguments], capture_output=True, check=False,
                          env={**mine, **environment})


@pytest.mark.parametrize("environment", [
    {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}, {"LANG": "zh_CN.GBK", "PYTHONIOENCODING": "gbk"}])
def test_a_chinese_console_gets_the_walkthroughs_table_in_chinese(environment):
    result = run("tour", **environment)
    text = result.stdout.decode(environment["PYTHONIOENCODING"])
    assert (result.returncode, result.stderr) == (0, b"")
    assert "图块嵌入" in text and "64 个 7x7" in text and "\\u" not in text


@pytest.mark.parametrize("environment", [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "ascii"},
    {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}])
@pytest.mark.parametrize("arguments", [["info", "swin_t"], ["--help"]])
def test_another_console_gets_english_in_ascii(arguments, environment):
    result = run(*arguments, **environment)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.isascii() and b"\\u" not in result.stdout


def test_the_english_phrases_and_what_the_commands_write_themselves_are_ascii():
    assert [english for english in TABLE if not english.isascii()] == []
    assert [file.name for file in Path(parser.__file__).parent.glob("*.py")
            if file.name != "parser.py" and not file.read_text(encoding="utf-8").isascii()] == []


def test_the_console_of_chinese_windows_has_all_letters():
    assert [chinese for chinese in TABLE.values() if chinese.encode("gbk", "replace").decode("gbk") != chinese] == []


@pytest.mark.parametrize("arguments", [["tour"], ["--help"], ["tour", "--help"], ["--version"], ["no command"],
                                       ["info", "swin_t", "--json"], []])
def test_a_language_that_there_is_not_is_told_in_one_sentence(capsys, monkeypatch, arguments):
    monkeypatch.setenv(VARIABLE, "fr")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1
    assert captured.err.startswith("swin-np: unknown SWIN_NP_LANGUAGE 'fr'")


def test_the_process_exits_with_2_where_a_language_is_not_known():
    result = run("--help", SWIN_NP_LANGUAGE="fr")
    assert (result.returncode, result.stdout, result.stderr.count(b"\n")) == (2, b"", 1)


def test_a_note_on_how_images_are_prepared_stays_english(monkeypatch):
    content = {"image_processor_type": "ConvNextImageProcessor", "do_resize": True, "size": 256, "resample": 3,
               "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    stored = of_transformers(Entries("preprocessor_config.json", content))
    monkeypatch.setattr(for_transformers, "preprocessors", lambda preset: [])
    with speaking("zh"):
        said_of_it = files_beside("transformers", TINY, None, None, stored).said
    assert "transformers has no files that say the shorter side resized to 292, cropped to 256x256" in said_of_it[0]


def test_errors_stay_english(capsys):
    with speaking("zh"):
        assert main(["tour", "--variant", "swin-t"]) == 2
        assert "did you mean 'swin_t'" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["info"])
        assert capsys.readouterr().err.splitlines()[-1] == (
            "swin-np info: error: the following arguments are required: VARIANT")
        with pytest.raises(SwinError, match="--at '12' was given"):
            attend.place_of("12")

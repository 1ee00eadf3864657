"""Every phrase that the program says has its translation, with the same fields, numbers, code, terms and type."""

import ast
import json
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

from swin_np.attribution.attention_maps import in_words
from swin_np.classroom.grade_table import MISSING
from swin_np.commands import attend, dump
from swin_np.commands import options as command_options
from swin_np.commands.names import numbered
from swin_np.errors import ConfigurationError
from swin_np.exercises.result import ERROR, FOLLOWED, NOT_IMPLEMENTED, RIGHT, WRONG
from swin_np.language import FOLDER, LOCALES, VARIABLE, codes, language, phrase, speaking, table
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, OF_SYSTEMS
from swin_np.probes import ABLATIONS, TASKS
from swin_np.systems.registry import SYSTEMS, architecture_of, image_size, layer_costs
from swin_np.systems.tour import chain_of

pytest.importorskip("nbformat", reason="jupyter is not installed")
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import find_language
from notebooks.translate.wording import OTHER, differences, faults_of_type, parts
from tests.translate import said_by_check
from tests.translate.bare_code import without_code

PACKAGE = FOLDER.parent
FILES = sorted(FOLDER.glob("*/*.json"))
GLOSSARY = Glossary.read(find_language("zh").folder / "glossary.json")
MISTAKES = {**CATALOGUE, **IN_EXERCISES, **OF_SYSTEMS}.values()
DATA: dict[str, list[str]] = {                         # what is said from a variable, by the table that has it
    "mistakes": [text for mistake in MISTAKES for text in (mistake.says, mistake.fix)],
    "commands": [
        command_options.ADDRESS_HELP, dump.IMAGE_HELP, attend.RANDOM,
        *(task.question for task in TASKS.values()), *("/".join(task.answers) for task in TASKS.values()),
        *(ablation.replace("_", " ") for ablation in ABLATIONS),
        *(numbered(in_words(block))[0] for block in ("layers.0.blocks.1", "blocks.11")),
        *(numbered(step.name)[0] for config in SYSTEMS.values()
          for step in chain_of(architecture_of(config).model.random(config, None))),
        *(cost.kind for config in SYSTEMS.values() for cost in layer_costs(config, image_size(config))),
        "ViT or DeiT", "ResNet or ResNeXt", "backbone"],   # the other architectures are names
    "class": [RIGHT, WRONG, ERROR, NOT_IMPLEMENTED, FOLLOWED, MISSING],
    "exercises": said_by_check.SAID}


def literals(file: Path) -> list[str]:
    """The texts of the calls of `phrase` in a file that are written there."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
            texts = node.args[0]
            branches = [texts.body, texts.orelse] if isinstance(texts, ast.IfExp) else [texts]
            found += [each.value for each in branches if isinstance(each, ast.Constant)]
    return found


SAID = {text for file in PACKAGE.rglob("*.py") for text in literals(file)} | {
    text for texts in DATA.values() for text in texts}
TRANSLATED = {file: json.loads(file.read_text(encoding="utf-8")) for file in FILES}


def fields(text: str) -> Counter[str]:
    """The fields of a text, with their formats."""
    return Counter(f"{name}!{conversion}:{form}" for _, name, form, conversion in Formatter().parse(text)
                   if name is not None)


def without_fields(text: str) -> str:
    """The text with a mark in the place of each field, which may stand beside Chinese characters."""
    return "".join(before + (OTHER if name is not None else "") for before, name, _, _ in Formatter().parse(text))


@pytest.mark.parametrize("code", codes()[1:])
def test_every_phrase_is_translated_and_nothing_else_is(code):
    assert SAID - table(code).keys() == set(), "add these English texts to the tables"
    assert table(code).keys() - SAID == set(), "nothing says these: take them out"


@pytest.mark.parametrize("code", codes()[1:])
def test_no_phrase_stands_in_two_tables(code):
    counts = Counter(text for file, texts in TRANSLATED.items() if file.parent.name == code for text in texts)
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_phrase_has_the_fields_numbers_code_and_terms_of_the_english_one_and_is_set_well(file):
    wrong = {}
    for english, other in TRANSLATED[file].items():
        ours, theirs = (parts(without_fields(text)) for text in (english, other))
        prose = without_code(theirs.prose)
        found = differences(ours, theirs) + GLOSSARY.faults(without_code(ours.prose), prose, f"phrases/{english}")
        if set(fields(english)) != set(fields(other)):
            found.append(f"its fields are {sorted(fields(other))}, those of the English one {sorted(fields(english))}")
        if file.parent.name == "zh":
            found += faults_of_type(prose)
        if found:
            wrong[english] = found
    assert wrong == {}


@pytest.fixture
def environment(monkeypatch):
    for name in (VARIABLE, *LOCALES):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(("given", "code"), [
    ({}, "en"), ({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "zh"}, "zh"), ({"LANG": "C.UTF-8"}, "en"),
    ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"), ({"LC_MESSAGES": "zh_TW.Big5", "LANG": "de_DE"}, "zh"),
    ({"LANG": "de_DE.UTF-8"}, "en"), ({"SWIN_NP_LANGUAGE": "zh"}, "zh"), ({"SWIN_NP_LANGUAGE": "zh-CN"}, "zh"),
    ({"SWIN_NP_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"), ({"SWIN_NP_LANGUAGE": "", "LANG": "zh_CN"}, "zh")])
def test_the_language_is_that_of_the_setting_or_else_of_the_system(environment, given, code):
    for name, value in given.items():
        environment.setenv(name, value)
    assert language() == code


def test_a_setting_that_names_no_language_is_told(environment):
    environment.setenv(VARIABLE, "fr")
    with pytest.raises(ConfigurationError, match=r"unknown SWIN_NP_LANGUAGE 'fr'.*Known are en, zh"):
        language()


@pytest.mark.parametrize(("encoding", "code"), [("utf-8", "zh"), ("gbk", "zh"), ("cp936", "zh"), ("ascii", "en"),
                                                ("cp1252", "en"), (None, "zh")])
def test_a_console_without_chinese_letters_gets_english(environment, encoding, code):
    class Console:
        pass

    Console.encoding = encoding
    environment.setenv(VARIABLE, "zh")
    environment.setattr("sys.stdout", Console())
    assert language() == code
    with speaking("zh"):
        assert language() == "zh"


def test_an_unknown_phrase_is_english_and_braces_without_values_stay():
    with speaking("zh"):
        assert phrase("no such phrase, {number} {{times}}", number=3) == "no such phrase, 3 {times}"
        assert phrase("no such {braces}") == "no such {braces}"

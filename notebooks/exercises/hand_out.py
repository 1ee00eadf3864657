"""Make what students get: `python -m notebooks.exercises.hand_out exercises.zip`.

The zip has the students' notebooks and a small package `swin_np` beside them, which has the check but no reference, no
solution and no mistake's code: it compares with results that were recorded here. Students need NumPy alone. Statements
are in English or, with `--language zh`, in Chinese; what the check says has its translations beside it either way.
"""

import argparse
import ast
import gzip
import inspect
import io
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from notebooks.exercises.generate import FOLDER
from notebooks.publish.files import text_of
from notebooks.translate.languages import ENGLISH, Language, find_language
from swin_np import __version__
from swin_np.commands.options import output_file
from swin_np.errors import ConfigurationError, SwinError
from swin_np.exercises import wire
from swin_np.exercises.calling import call
from swin_np.exercises.checking import PRACTICE_SEED, examine, steps
from swin_np.exercises.course import ORDER
from swin_np.exercises.covering import draws
from swin_np.exercises.exercise import Exercise, copied
from swin_np.exercises.keys import digest
from swin_np.exercises.naming import MISTAKES
from swin_np.exercises.probing import growths
from swin_np.exercises.registry import NOTEBOOKS
from swin_np.exercises.way import way
from swin_np.language import VARIABLE, speaking
from swin_np.mistakes.catalogue import GROWING, planted
from swin_np.text import printable
from swin_np.writing import replacing

PACKAGE = Path(wire.__file__).parents[1]
INSTEAD = {f"{folder}/{name}": FOLDER / "handed_out" / name for folder, name in (
    ("exercises", "course.py"), ("exercises", "covering.py"), ("exercises", "follow_through.py"),
    ("exercises", "pairs.py"), ("exercises", "recorded.py"), ("exercises", "way.py"),
    ("mistakes", "catalogue.py"), ("mistakes", "mistake.py"))}
"""Files of the package that are others in the hand-out."""

FIRST = f'"""The check of the exercises, on recorded results."""\n\n__version__ = "{__version__}"\n'
SPEAKS = """
import os

os.environ.setdefault("{variable}", "{code}")
"""
WRITTEN = {"__init__.py": FIRST,
           "mistakes/__init__.py": '"""Mistakes by name, with recorded results."""\n'}
ALLOWED = ("errors.py", "text.py", "writing.py", "language.py", "arguments/", "exercises/")
WITH_ANSWERS = {f"exercises/{module.__name__.rpartition('.')[2]}.py" for module in ORDER}
NOT_HANDED_OUT = ("covers", "planted")                 # of an exercise's fields
RECORD = "exercises/data/recorded.gz"


class Recording:
    """Records what an exercise's reference gives. exercise: the same one, with a reference that is recorded."""

    def __init__(self, exercise: Exercise) -> None:
        self.values: dict[str, Any] = {}
        self.original = exercise

        def reference(*arguments: Any) -> Any:
            key = "+".join([digest(arguments), *sorted(mistake.name for mistake in GROWING.values())])
            try:
                value = exercise.reference(*copied(arguments))
            except Exception as error:
                self.values[key] = {"error": str(error)}
                raise
            self.values[key] = {"value": value}
            return value

        reference.__signature__ = inspect.signature(exercise.reference)   # type: ignore[attr-defined]
        self.exercise = replace(exercise, reference=reference)

    def results(self) -> dict[str, Any]:
        """All results that a check of any function asks for."""
        exercise = self.exercise
        for name in exercise.mistakes:
            for step in steps(exercise, PRACTICE_SEED):
                with planted(MISTAKES[name]):
                    call(exercise.reference, copied(step.arguments), exercise.seconds)
        examine(exercise, lambda *arguments: exercise.reference(*arguments), PRACTICE_SEED)
        if isinstance(exercise.reference(*exercise.toy()), int):
            growths(exercise, exercise.reference)
        ways = {digest(step.arguments): [(*one._replace(mark=tuple(one.mark)),)   # type: ignore[arg-type]
                                         for one in way(self.original, step.arguments)]
                for step in steps(self.original, PRACTICE_SEED)}
        found = {"values": self.values, "ways": ways, "draws": draws(exercise, PRACTICE_SEED), "toy": exercise.toy()}
        return found if exercise.golden is None else {**found, "golden": exercise.golden()}


def plain_fields(exercise: Exercise) -> dict[str, Any]:
    """What an exercise has beside its functions."""
    found = {one.name: getattr(exercise, one.name) for one in fields(exercise) if one.name not in NOT_HANDED_OUT}
    return {name: value for name, value in found.items() if not callable(value) and value is not None}


def record() -> list[Any]:
    """All results: first what all exercises share, then those of each."""
    exercises = [exercise for notebook in NOTEBOOKS.values() for exercise in notebook]
    mistakes = {name for exercise in exercises for name in exercise.mistakes}
    head = {"notebooks": {name: [one.name for one in notebook] for name, notebook in NOTEBOOKS.items()},
            "exercises": {one.name: {"fields": plain_fields(one), "parameters": one.parameters} for one in exercises},
            "mistakes": {name: (MISTAKES[name].says, MISTAKES[name].fix) for name in sorted(mistakes)}}
    with speaking("en"):                               # what is recorded is looked up by its English text
        return [head, *(Recording(exercise).results() for exercise in exercises)]


def packed(messages: list[Any]) -> bytes:
    """The file of all results."""
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as stream:
        for message in messages:
            wire.send(stream, message)                 # type: ignore[arg-type]
    return data.getvalue()


def said(thing: Any) -> Iterator[str]:
    """The texts in a message."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for one in (*thing, *thing.values()):
            yield from said(one)
    elif isinstance(thing, (list, tuple)):
        for one in thing:
            yield from said(one)


def tables(code: dict[str, str], messages: list[Any]) -> Iterator[tuple[str, str]]:
    """(place, text) of the tables of the check's translations: only of texts that the hand-out has in English too."""
    texts = {*said(messages), *(node.value for text in code.values() for node in ast.walk(ast.parse(text))
                                if isinstance(node, ast.Constant) and isinstance(node.value, str))}
    for file in sorted(PACKAGE.glob("languages/*/*.json")):
        table = json.loads(file.read_text(encoding="utf-8"))
        if known := {english: other for english, other in table.items() if english in texts}:
            yield file.relative_to(PACKAGE).as_posix(), json.dumps(known, ensure_ascii=False, indent=1) + "\n"


def package_files() -> Iterator[tuple[str, str]]:
    """(place, text) of every file of the small package: what swin_np.exercises imports, by way of the others.

    Raises ConfigurationError where that would be a file that is not to be handed out.
    """
    waiting, done = ["exercises/__init__.py", "language.py"], set()
    while waiting:
        place = waiting.pop()
        if place in done:
            continue
        done.add(place)
        given = place in WRITTEN or place in INSTEAD or place.startswith(ALLOWED)
        if not given or place in WITH_ANSWERS:
            raise ConfigurationError(f"the check imports swin_np/{place}, which holds what students are asked for: let "
                                     "it do without, or put a recorded twin into notebooks/exercises/handed_out")
        text = WRITTEN.get(place) or INSTEAD.get(place, PACKAGE / place).read_text(encoding="utf-8")
        yield place, text
        waiting += imported(text)


def imported(text: str) -> Iterator[str]:
    """The files of the package that a file imports, those of the folders above them too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "swin_np":
            module = (node.module or "").split(".")[1:]
            for parts in (module, *([*module, alias.name] for alias in node.names)):
                for depth in range(len(parts) + 1):
                    place = "/".join(parts[:depth])
                    for file in (f"{place}.py", f"{place}/__init__.py".lstrip("/")):
                        if file in WRITTEN or file in INSTEAD or (PACKAGE / file).is_file():
                            yield file


def hand_out(language: Language = ENGLISH) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file; the check speaks this language, unless SWIN_NP_LANGUAGE says another one."""
    yield "README.md", language.texts["hand-out"].encode()
    for path in sorted(FOLDER.glob("*.ipynb")):
        yield path.name, text_of(language.read(path)).encode()
    code, messages = dict(sorted(package_files())), record()
    if language is not ENGLISH:
        code["__init__.py"] += SPEAKS.format(variable=VARIABLE, code=language.code)
    for place, text in (*code.items(), *tables(code, messages)):
        yield f"swin_np/{place}", text.encode()
    yield f"swin_np/{RECORD}", packed(messages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the zip; 2, and one sentence, where that cannot be."""
    top = argparse.ArgumentParser(prog="python -m notebooks.exercises.hand_out",
                                  description="Make the zip that students get: notebooks, and a check without answers.",
                                  epilog="example: python -m notebooks.exercises.hand_out exercises.zip --language zh")
    top.add_argument("file", type=Path, metavar="FILE", help="the zip to write")
    top.add_argument("--language", metavar="LANGUAGE", help="of the statements, such as zh (default: English)")
    options = top.parse_args(arguments)
    try:
        output_file(options.file, (".zip",))
        language = ENGLISH if options.language in (None, "en") else find_language(options.language)
        files = dict(hand_out(language))
        with replacing(options.file) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"exercises/{name}"), content, zipfile.ZIP_DEFLATED)
    except SwinError as error:
        print(f"hand_out: {printable(str(error))}", file=sys.stderr)
        return 2
    print(f"{options.file}: {len(files)} files, {options.file.stat().st_size / 2 ** 20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

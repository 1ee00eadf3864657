"""Pictures in another language: made, and what of them is missing, stale or not translated."""

from base64 import b64decode
from pathlib import Path

from notebooks.publish.execution import compare, run, same_pixels
from notebooks.publish.files import ROOT, NotebookError, name_of, read
from notebooks.talk.figures import FIGURES as TALK
from notebooks.translate.kernel import VARIABLE
from notebooks.translate.labels import Labels, labels_of, read_labels, table_for, translate
from notebooks.translate.languages import Language
from notebooks.translate.pictures import RECORD, Pictures, digest_of, picture_name, pictures_of
from notebooks.translate.sidecars import Place
from swin_np.plots import FIGURES, save
from swin_np.writing import make_folder, replacing, write_text


def redraw_notebook(path: Path, language: Language) -> Pictures:
    """Run a notebook with the labels of its pictures translated, and store these pictures.

    Raises NotebookError where the notebook fails, or prints something else than it stores.
    """
    stored = read(path)
    fresh = run(path, stored, "notebooks.translate.kernel", **{VARIABLE: language.code})
    if sentences := compare(path, stored, fresh):
        raise NotebookError(sentences[0])
    old, entries, pngs = Pictures.read(language.pictures_folder(name_of(path))), {}, {}
    for (place, was), (_, now) in zip(pictures_of(stored), pictures_of(fresh), strict=True):
        labels = now.metadata["image/png"]["labels"]
        entries[picture_name(place)] = digest_of(was), labels
        if labels:
            pngs[picture_name(place)] = b64decode(now.data["image/png"])
    new = Pictures(old.folder, entries)
    if not entries:
        return new
    make_folder(new.folder)
    for file in new.folder.glob("*.png"):
        if file.stem not in pngs:
            file.unlink()
    for name, png in pngs.items():
        file = new.file(name)
        if not (file.exists() and same_pixels(file.read_bytes(), png)):
            with replacing(file) as stream:
                stream.write(png)
    write_text(new.record(), new.folder / RECORD)
    return new


def redraw_gallery(folder: Path, language: Language) -> list[Path]:
    """Write every figure of the gallery, in a language, to a folder, which is made; its files."""
    make_folder(folder)
    files = [folder / name for name in FIGURES]
    for file in files:
        save(translate(FIGURES[file.name](), language), file)
    return files


def redraw(command: str, paths: list[Path], language: Language) -> int:
    """Store the pictures of these notebooks, or the gallery, in a language, with a line for each.

    Nothing is written for a language without a table of labels, or without its font. Raises a SwinError.
    """
    if table_for(language) is None:
        return 0
    if command == "figures":
        files = redraw_gallery(ROOT / "figures" / language.code, language)
        print(f"{len(files)} figures in figures/{language.code}")
        return 0
    for path in paths:
        pictures = redraw_notebook(path, language)
        print(f"{path.name}: {len(pictures.entries)} pictures", flush=True)
    return 0


def faults_of_pictures(path: Path, language: Language) -> list[tuple[str, Place, str]]:
    """What is missing, stale or wrong with the pictures of a notebook: the kind, the place and a sentence.

    A language without a table of labels shows the English pictures.
    """
    if (table := read_labels(language.folder)) is None:
        return []
    found, pictures = [], Pictures.read(language.pictures_folder(name_of(path)))
    again = f"call python -m notebooks.translate pictures {language.code} {name_of(path)}"
    for place, output in pictures_of(read(path)):
        of, labels = pictures.entries.get(picture_name(place), ("", {}))
        if not of or (labels and not pictures.file(picture_name(place)).is_file()):
            found.append(("missing", place, f"the picture is not there: {again}"))
        elif of != digest_of(output):
            found.append(("stale", place, f"the English picture has changed: {again}"))
        else:
            found += [("wrong", place, sentence) for sentence in faults_of_labels(labels, table)]
            if any(text and table.of(label) not in (None, text) for label, text in labels.items()):
                found.append(("stale", place, f"the table of labels has changed: {again}"))
    return found


def faults_of_labels(labels: dict[str, str | None] | list[str], table: Labels) -> list[str]:
    """A sentence for each label that the table does not translate."""
    return [table.fault(label) for label in labels if table.of(label) is None]


def faults_of_figures(language: Language) -> list[str]:
    """The labels of the gallery and of the talks that are not translated, by figure."""
    if (table := read_labels(language.folder)) is None:
        return []
    return [f"{kind} {name}: {sentence}" for kind, figures in (("figure", FIGURES), ("the talk's picture", TALK))
            for name, make in figures.items() for sentence in faults_of_labels(labels_of(make()), table)]

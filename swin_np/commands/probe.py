"""`swin-np probe`: a few images of a constructed task, and how the trained models answer with and without a part."""

import argparse
import json
from functools import partial

import numpy as np

from swin_np.commands.options import FIGURE, add_json, add_plot, add_seed, check_seed, output_file
from swin_np.commands.terminal import with_progress
from swin_np.errors import InputError
from swin_np.functional import Array
from swin_np.language import phrase
from swin_np.probes import ABLATIONS, TASKS, Boards, Task, cross_entropy, is_right, load_probe, logits_of, straddles
from swin_np.probes.tasks import SIDE, task_named
from swin_np.text import padded

MOST_IMAGES = 4096                                     # what memory holds on any machine
DRAWN = 4                                              # images that are shown
LETTERS = np.array([".", "R", "G", "B"])               # of a tile, by its mark
LABEL, CELL = 14, 20                                   # characters: columns of the table


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `probe` to the parser of the command line."""
    command = commands.add_parser(
        "probe", help=phrase("what the shift and the bias are for: trained models with and without them"),
        description=phrase(
            "Draw images of a constructed task and let the trained models that come with the package answer: the whole "
            "model, the one without the shift and the one without the bias."),
        epilog=phrase("example: {call}", call="swin-np probe --task flock --images 512 --plot flock.png"))
    command.add_argument("--task", default="same", help=phrase("one of {names} (default: {default})",
                                                               names=", ".join(TASKS), default="same"))
    command.add_argument("--images", type=int, default=256, metavar="N", help=phrase("how many images (default: 256)"))
    add_seed(command, phrase("images"))
    add_plot(command, phrase("the first images and answers"))
    add_json(command)
    command.set_defaults(run=run_probe)


def run_probe(options: argparse.Namespace) -> None:
    """`swin-np probe`."""
    task = task_named(options.task)
    check_options(options)
    boards = task.draw(options.images, np.random.default_rng(options.seed))
    logits = {}
    for ablation in ABLATIONS:
        watch = partial(with_progress, what=phrase("batches, {model}", model=words(ablation)))
        logits[ablation] = logits_of(load_probe(task.name, ablation), boards, watch)
    models = {ablation: summary(task, boards, scores) for ablation, scores in logits.items()}
    if options.json:
        print(json.dumps({"task": task.name, "question": task.question, "answers": task.answers,
                          "images": options.images, "seed": options.seed, "right_answers": boards.answers.tolist(),
                          "models": models}))
    else:
        print_answers(task, boards, models)
    if options.plot:
        from swin_np.plots.probes import boards_with_answers  # here, since matplotlib takes a second to import
        from swin_np.plots.saving import save

        chosen = {ablation: scores[:DRAWN].argmax(axis=1) for ablation, scores in logits.items()}
        save(boards_with_answers(task, boards.first(DRAWN), chosen), options.plot)


def check_options(options: argparse.Namespace) -> None:
    """Raise InputError, before the work, for numbers and files that cannot be."""
    if not 1 <= options.images <= MOST_IMAGES:
        raise InputError(f"--images {options.images} was given: ask for 1 to {MOST_IMAGES}")
    check_seed(options.seed)
    output_file(options.plot, FIGURE)


def summary(task: Task, boards: Boards, logits: Array) -> dict:
    """How one model did: accuracy (0 to 1) and mean loss (nats), for SAME also by place, and its answers."""
    right, loss = is_right(logits, boards.answers), cross_entropy(logits, boards.answers)
    result = {"accuracy": right.mean().item(), "loss": loss.mean().item()}
    if task.name == "same":
        across = straddles(boards.marks)
        for name, which in (("accuracy_within_a_quadrant", ~across), ("accuracy_across_quadrants", across)):
            result[name] = right[which].mean().item() if which.any() else None
    return result | {"answers": logits.argmax(axis=1).tolist()}


def words(ablation: str) -> str:
    """no_shift -> 'no shift', in the reader's language."""
    return phrase(ablation.replace("_", " "))


def print_answers(task: Task, boards: Boards, models: dict[str, dict]) -> None:
    """The first boards in letters, below them every model's answer, and its accuracy."""
    first = boards.first(DRAWN)
    print(phrase("{task}: {question}", task=task.name.upper(), question=phrase(task.question)) + "\n")
    print(table_row("", [phrase("image {number}", number=number) for number in range(1, len(first.answers) + 1)]))
    for row in range(SIDE):
        print(table_row("", ["".join(LETTERS[marks[row]]) for marks in first.marks]))
    print("\n" + table_row(phrase("right answer"), [answer_text(task, right, right) for right in first.answers]))
    for ablation, result in models.items():
        print(table_row(words(ablation), [answer_text(task, answer, right) for answer, right in
                                          zip(result["answers"], first.answers, strict=False)]))
    print("\n" + phrase("right answers to {count} images (chance: {chance:.0f} %)", count=len(boards.answers),
                        chance=100 / len(task.answers)))
    for ablation, result in models.items():
        print(padded(words(ablation), LABEL) + accuracy_text(result))


def answer_text(task: Task, answer: int, right: int) -> str:
    """'left', or 'left (wrong)', in the reader's language."""
    text = phrase("/".join(task.answers)).split("/")[answer]              # "right" alone has two meanings
    return text if answer == right else phrase("{answer} (wrong)", answer=text)


def table_row(label: str, cells: list[str]) -> str:
    """A label and a cell for each image."""
    return "".join([padded(label, LABEL), *(padded(cell, CELL) for cell in cells)]).rstrip()


def accuracy_text(result: dict) -> str:
    """'83.2 %', for SAME with the two kinds of place."""
    text = f"{100 * result['accuracy']:5.1f} %"
    if result.get("accuracy_within_a_quadrant") is not None:
        text += phrase(", within a quadrant {percent:.1f} %", percent=100 * result["accuracy_within_a_quadrant"])
    if result.get("accuracy_across_quadrants") is not None:
        text += phrase(", across quadrants {percent:.1f} %", percent=100 * result["accuracy_across_quadrants"])
    return text

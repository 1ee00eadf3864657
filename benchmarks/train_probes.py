"""Train the probes anew with PyTorch: `python -m benchmarks.train_probes`, after `pip install "swin_np[oracle]"`.

The model in training is that of transformers; what it learned is taken over by the names of swin_np.checkpoints.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import transformers
from torch.nn.functional import cross_entropy

from swin_np import probes
from swin_np.checkpoints.dialects.dialect import State
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import to_official
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.commands.options import output_folder
from swin_np.errors import SwinError
from swin_np.model import SwinTransformer
from swin_np.parallel.pool import threads
from swin_np.probes import evaluation
from swin_np.probes.models import ABLATIONS, probe_config, remove_shift
from swin_np.probes.tasks import TASKS
from swin_np.writing import write_text

STEPS = {"same": 1500, "flock": 500}
SEEDS = (0, 1, 2)
HELD_OUT_IMAGES, HELD_OUT_SEED = 4096, 2103
SETTINGS = {"optimiser": "AdamW", "learning_rate": 2e-3, "betas": [0.9, 0.98], "weight_decay_of_matrices": 0.05,
            "clip_gradient_norm": 1.0, "warm_up_steps": 100, "schedule": "cosine to 0", "batch": 32,
            "position_start": 0.02, "position_learning_rate_factor": 10}
ENOUGH = 0.01                                          # of accuracy: a seed that misses the best by less may ship
ABSOLUTE = "absolute_position"                         # embedding in place of the bias; its weights do not ship
TABLE = "relative_position_bias_table"
POSITIONS = (TABLE, "position_embeddings")             # endings of what tells positions: small at the start


@dataclass(frozen=True)
class Run:
    """One training."""

    task: str
    ablation: str
    seed: int
    steps: int


def all_runs() -> list[Run]:
    """Every task with every ablation and seed; absolute position for FLOCK alone."""
    return [Run(task, ablation, seed, steps) for task, steps in STEPS.items()
            for ablation in (*ABLATIONS, *([ABSOLUTE] if task == "flock" else [])) for seed in SEEDS]


def new_model(run: Run) -> transformers.SwinForImageClassification:
    """The model of transformers at the start of a run: weights at fan_in^-1/2, bias tables at 0.02 or left out."""
    config = probe_config(run.task, ape=run.ablation == ABSOLUTE)
    model = transformers.SwinForImageClassification(transformers.SwinConfig(
        image_size=config.img_size[0], patch_size=config.patch_size[0], num_labels=config.num_classes,
        embed_dim=config.embed_dim, depths=config.depths, num_heads=config.num_heads,
        window_size=config.window(0)[0], mlp_ratio=config.mlp_ratio, use_absolute_embeddings=config.ape,
        drop_path_rate=0.0, layer_norm_eps=1e-5))
    generator = torch.Generator().manual_seed(run.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(TABLE) and run.ablation in ("no_bias", ABSOLUTE):
                parameter.zero_().requires_grad_(False)
            elif name.endswith(POSITIONS):
                parameter.normal_(0, SETTINGS["position_start"], generator=generator)
            elif parameter.ndim > 1:
                parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
    if run.ablation == "no_shift":
        for stage in model.swin.encoder.layers:
            for block in stage.blocks:
                block.shift_size = 0
    return model.train()


def optimiser_of(model: torch.nn.Module) -> torch.optim.AdamW:
    """AdamW with decay on matrices alone, and a higher rate for what tells positions, which starts small."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    positions = [parameter for name, parameter in named if name.endswith(POSITIONS)]
    others = [(name, parameter) for name, parameter in named if not name.endswith(POSITIONS)]
    matrices = [parameter for name, parameter in others if name.endswith("weight") and parameter.ndim > 1]
    vectors = [parameter for name, parameter in others if not (name.endswith("weight") and parameter.ndim > 1)]
    rate = SETTINGS["learning_rate"]
    return torch.optim.AdamW([
        {"params": matrices, "lr": rate, "weight_decay": SETTINGS["weight_decay_of_matrices"]},
        {"params": vectors, "lr": rate, "weight_decay": 0.0},
        {"params": positions, "lr": rate * SETTINGS["position_learning_rate_factor"], "weight_decay": 0.0},
    ], betas=SETTINGS["betas"])


def rate_factor(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine to 0."""
    warm_up = min(SETTINGS["warm_up_steps"], steps // 2)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + np.cos(np.pi * (step - warm_up) / (steps - warm_up)))


def batches(run: Run) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Fresh images and answers for each step."""
    rng = np.random.default_rng([run.seed, 1])         # a stream of its own, apart from held-out images
    for _ in range(run.steps):
        boards = TASKS[run.task].draw(SETTINGS["batch"], rng)
        yield torch.from_numpy(boards.images), torch.from_numpy(boards.answers)


def train(run: Run) -> State:
    """The learned parameters by their official names, float32."""
    model = new_model(run)
    optimiser = optimiser_of(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_factor(step, run.steps))
    for images, answers in batches(run):
        loss = cross_entropy(model(images).logits, answers)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip_gradient_norm"])
        optimiser.step()
        schedule.step()
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()
             if not name.endswith("relative_position_index")}
    return to_official(state, DIALECTS["transformers"])


def evaluate(run: Run, state: State) -> dict:
    """Accuracy and loss of the weights, as they are stored, on held-out images; computed by swin_np."""
    boards = TASKS[run.task].draw(HELD_OUT_IMAGES, np.random.default_rng(HELD_OUT_SEED))
    model = SwinTransformer.random(probe_config(run.task, ape=run.ablation == ABSOLUTE))
    model.load_state_dict(state)
    if run.ablation == "no_shift":
        remove_shift(model)
    with threads(1):                                   # as many processes as cores are at work
        logits = model(boards.images)
    right = evaluation.is_right(logits, boards.answers)
    loss = evaluation.cross_entropy(logits, boards.answers)
    result = {"task": run.task, "ablation": run.ablation, "seed": run.seed,
              "accuracy": right.mean().item(), "loss": loss.mean().item()}
    if run.task == "same":
        across = evaluation.straddles(boards.marks)
        for name, which in (("across_quadrants", across), ("within_a_quadrant", ~across)):
            result[name] = {"images": which.sum().item(), "accuracy": right[which].mean().item(),
                            "loss": loss[which].mean().item()}
    if run.ablation == "full":
        result["first_stage_bias_tables"] = [
            np.round(state[f"layers.0.blocks.{block}.attn.{TABLE}"].astype(float), 3).tolist() for block in (0, 1)]
    return result


def train_and_evaluate(run: Run) -> tuple[Run, State, dict]:
    """One run in a process of its own; the parameters come back in float16."""
    torch.set_num_threads(1)
    state = {name: value.astype(np.float16) for name, value in train(run).items()}
    return run, state, evaluate(run, state)


def all_results(runs: list[Run], processes: int) -> Iterator[tuple[Run, State, dict]]:
    """Train every run, `processes` at a time; each as soon as it is done."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for future in as_completed([pool.submit(train_and_evaluate, run) for run in runs]):
            yield future.result()


def shipped_seeds(results: list[dict]) -> dict[tuple[str, str], int]:
    """Which seed ships, by task and ablation: the first within a percentage point of the best on held-out images."""
    by_model = {}
    for result in sorted(results, key=lambda result: result["seed"]):
        by_model.setdefault((result["task"], result["ablation"]), []).append(result)
    return {model: next(result["seed"] for result in runs
                        if result["accuracy"] >= max(run["accuracy"] for run in runs) - ENOUGH)
            for model, runs in by_model.items()}


def write_results(folder: Path, results: list[dict]) -> None:
    """results.json, with what is needed to get the same again."""
    order = {(run.task, run.ablation, run.seed): number for number, run in enumerate(all_runs())}
    shipped = shipped_seeds(results)
    content = {
        "command": "python -m benchmarks.train_probes", "steps": STEPS, "settings": SETTINGS,
        "held_out": {"images": HELD_OUT_IMAGES, "seed": HELD_OUT_SEED}, "weights": "float16, computed in float32",
        "shipped": "of every model the first seed within a percentage point of the best",
        "shipped_seeds": {f"{task}_{ablation}": shipped[task, ablation] for task in TASKS for ablation in ABLATIONS},
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "torch": torch.__version__,
                     "transformers": transformers.__version__},
        "runs": sorted(results, key=lambda result: order[result["task"], result["ablation"], result["seed"]])}
    text = json.dumps(content, indent=1)               # with the numbers of one row in one line
    text = re.sub(r"\[[-\d.,\s]+\]", lambda row: " ".join(row.group().split()), text)
    write_text(text + "\n", folder / "results.json")


def main() -> None:
    """Train all, write the weights of one seed of each model and the results of every seed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_probes", description="Train the probes anew and measure them, with PyTorch.",
        epilog="example: python -m benchmarks.train_probes --folder retrained --processes 2")
    parser.add_argument("--folder", type=Path, default=Path(probes.__file__).parent,
                        help="where results.json and weights/ go (default: over the shipped ones)")
    parser.add_argument("--processes", type=int, default=2, help="trainings side by side (default: 2)")
    options = parser.parse_args()
    weights = options.folder / "weights"
    try:
        output_folder(options.folder, ["results.json"])
        output_folder(weights, [f"{task}_{ablation}.safetensors" for task in TASKS for ablation in ABLATIONS])
    except SwinError as error:
        parser.error(str(error))
    runs, results, states = all_runs(), [], {}
    for run, state, result in all_results(runs, options.processes):
        states[run.task, run.ablation, run.seed] = state
        results.append(result)
        print(f"{len(results)} of {len(runs)}: {run.task} {run.ablation} seed {run.seed}, "
              f"accuracy {100 * result['accuracy']:.1f} %", file=sys.stderr, flush=True)
    for (task, ablation), seed in shipped_seeds(results).items():
        if ablation in ABLATIONS:
            write_safetensors(weights / f"{task}_{ablation}.safetensors", states[task, ablation, seed],
                              {"format": "pt", "task": task, "ablation": ablation, "seed": str(seed)})
    write_results(options.folder, results)


if __name__ == "__main__":
    main()

"""What lies beside the weights in the checkpoints of training programs, one object of each kind."""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import logging
import operator
import pathlib
import random
import re
import types
import uuid

import numpy as np


class Configuration:
    """As mmengine's and a user's own: an object with attributes."""

    def __init__(self):
        self.path = pathlib.PosixPath("/data")
        self.lr = 0.1


class CfgNode(dict):
    """As yacs: a dict with attributes."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.frozen = True


class AttributeDict(collections.OrderedDict):
    """As Lightning's hyperparameters."""


class Stage(enum.Enum):
    """As Lightning's state of the trainer."""

    TRAIN = "train"


class Named:
    """Made with an argument by name, which takes an opcode of its own."""

    def __new__(cls, *, size: int = 1):
        return object.__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"size": 3}


class Items(list):
    """A list of another class."""


Point = collections.namedtuple("Point", "x y")
CYCLE: list = []
CYCLE.append((CYCLE,))

PLAIN = {                                              # all protocols write them
    "namespace": argparse.Namespace(lr=0.1, out=pathlib.Path("x")), "configuration": Configuration(),
    "cfg": CfgNode(model=CfgNode(depths=[2, 2])), "hyper_parameters": AttributeDict(lr=0.1),
    "windows": pathlib.PureWindowsPath("C:/x"), "set": {1, "a", (2, 3)}, "frozenset": frozenset({1}),
    "defaultdict": collections.defaultdict(list, {"a": [1]}), "factory": collections.defaultdict(
        functools.partial(int, 3)), "counter": collections.Counter("abca"), "deque": collections.deque([1], 3),
    "chain": collections.ChainMap({"a": 1}), "user": collections.UserDict(a=1), "items": Items([1, 2]),
    "datetime": datetime.datetime(2021, 3, 4, tzinfo=datetime.timezone.utc), "date": datetime.date(2021, 3, 4),
    "timedelta": datetime.timedelta(3), "enum": Stage.TRAIN, "partial": functools.partial(print, 1),
    "function": len, "class": Configuration, "named": Named(), "namedtuple": Point(1, 2), "cycle": CYCLE,
    "random": random.Random(3), "state": random.Random(3).getstate(), "decimal": decimal.Decimal("1.5"),
    "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=5), "complex": 1 + 2j, "range": range(3),
    "slice": slice(1, 2), "ellipsis": ..., "none": type(None), "bytearray": bytearray(b"xy" * 3000),
    "bytes": b"z" * 9000, "text": "\ud800€" * 5000, "pattern": re.compile("x"), "simple": types.SimpleNamespace(a=1),
    "logger": logging.getLogger("x"), "exception": ValueError("x"), "getter": operator.attrgetter("a"),
    "infinite": [float("inf"), float("nan")], "seed": 2**200, "negative": -2**200,
    "keys": {0.5: 1, None: 2, True: 3, b"b": 4, (1, 2): 5, 2**70: 6, frozenset({1}): 7, Configuration: 8, -1: 9},
}
NUMPY = {
    "generator": np.random.default_rng(0), "old generator": np.random.RandomState(3),
    "generator's state": np.random.default_rng(0).bit_generator.state,
    "old state": np.random.RandomState(3).get_state(),
    "dtypes": [np.dtype(code) for code in ("f4", ">i2", "U3", "c8", "O", "M8[s]", [("a", "f4"), ("b", "U2")])],
    "types": [np.float32, np.ndarray], "numbers": [np.float32(0.5), np.int64(3), np.bool_(True)],
    "other scalars": [np.str_("ab"), np.bytes_(b"a"), np.datetime64("2020-01-01"), np.complex64(1j),
                      np.zeros(1, [("a", "f4")])[0]],
    "texts": np.array(["cat", "dog"]), "objects": np.array([{}, None], object), "structure": np.zeros(2, [("a", "f4")]),
    "dates": np.array(["2020"], "M8"), "masked": np.ma.array([1, 2], mask=[0, 1]), "complex": np.ones(2, complex),
    "matrix": np.zeros((2, 2)).view(np.matrix), "nested": [np.array(["a"]), (np.zeros(3), {"x": np.array([None])})],
}


def of_torch() -> dict:
    """The same of PyTorch."""
    import torch
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    generator = torch.Generator()
    return {
        "optimizer": optimizer, "optimizer's state": optimizer.state_dict(), "scheduler": scheduler,
        "module": torch.nn.Linear(2, 2), "loss": torch.nn.CrossEntropyLoss(),
        "generator's state": generator.get_state(),
        "callbacks": {torch.optim.AdamW: {"best": pathlib.Path("y"), "score": torch.tensor(3.0)}, "x": 1},
        "dtypes": [torch.float16, torch.complex64, torch.float8_e4m3fn], "layout": torch.strided,
        "scheme": torch.per_tensor_affine, "size": torch.Size([1, 2]), "device": torch.device("cpu"),
        "function": torch.nn.functional.gelu, "dataset": torch.utils.data.TensorDataset(torch.ones(3))}

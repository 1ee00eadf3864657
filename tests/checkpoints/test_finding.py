"""Finding the model in a file: any nesting, any prefix, several models, and what is left aside."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np import MICROSOFT, TORCHVISION, SwinConfig
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.files import Content, StoredCheckpoint, flat_checkpoint
from swin_np.checkpoints.finding import READERS, parts_of
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.checkpoints.loading import convert, identify, load
from swin_np.commands.cli import main
from swin_np.dense.backbones import BackboneConfig
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.errors import CheckpointError, SwinWarning
from swin_np.layers import redraw
from swin_np.systems.registry import architecture_of

CONFIG = SwinConfig((32, 48), 2, 3, 5, 8, (2, 2), (2, 4), 4, shape_policy=MICROSOFT)
UPERNET = UPerNetConfig(replace(CONFIG, depths=(1, 1, 2, 1), num_heads=(1, 2, 4, 4), shape_policy=TORCHVISION), 3, 4)


def redrawn(config=CONFIG, seed: int = 1):
    model = architecture_of(config).model.random(config)
    redraw(model, seed)
    return model


def stored_as(dialect: str, seed: int = 1, config=CONFIG) -> dict[str, np.ndarray]:
    config = replace(config, shape_policy=DIALECTS[dialect].shape_policy,
                     num_classes=0 if dialect == "mmdetection" else config.num_classes)
    return convert(redrawn(config, seed).state_dict(), DIALECTS[dialect], config)


def with_prefix(prefix: str, state: dict) -> dict:
    return {prefix + name: value for name, value in state.items()}


def checkpoint(tree: object) -> StoredCheckpoint:
    return flat_checkpoint(Content("pytorch zip", tree))


def assert_same_state(one, other) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], name)


PREFIXES = ("", "module.", "_orig_mod.", "model.", "encoder.", "backbone.", "net.", "module._orig_mod.",
            "model.backbone.", "student.module.backbone.", "any_other-name 2.", "0.", "layers.", "norm.", "head.",
            "layers.0.blocks.0.", "swin.", "encoder.encoder.", "features.")
WRAPPERS = ((), ("model",), ("state_dict",), ("model_state_dict",), ("teacher",), ("params_ema",), ("ema", "shadow"),
            ("net", 0, "weights"), ("state_dict", "model", "module"), ("a/b",), ("", 7))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_is_found_under_any_prefix_in_any_nesting(dialect):
    """Every prefix and every wrapper, some of them in words that also stand in the names of a model."""
    state = stored_as(dialect)
    alone = identify(checkpoint(state))
    for number, prefix in enumerate(PREFIXES):
        tree = with_prefix(prefix, state)
        for wrapper in reversed(WRAPPERS[number % len(WRAPPERS)]):
            tree = [tree] if wrapper == 0 else {"epoch": 3, wrapper: tree, "args": {"lr": 0.1}}
        found = identify(checkpoint(tree))
        assert found.dialect is alone.dialect and found.config == alone.config, prefix
        assert_same_state(found.state, alone.state)


@pytest.mark.parametrize("wrapper", ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"])
@pytest.mark.parametrize("dialect", ["timm", "transformers-files"])
def test_what_wraps_single_modules_is_passed_over(wrapper, dialect):
    state = stored_as(dialect)
    wrapped = {name.replace("blocks.", f"blocks.{wrapper}.").replace("layers.1.", f"layers.1.{wrapper}."): value
               for name, value in state.items()}
    assert_same_state(identify(checkpoint(with_prefix(f"{wrapper}.", wrapped))).state,
                      identify(checkpoint(state)).state)


@pytest.mark.parametrize("part", ["_orig_mod", None])
def test_a_model_that_is_there_wrapped_and_plain_is_two_models_and_none_is_mixed(part):
    tree = stored_as("timm", 1) | with_prefix("_orig_mod.", stored_as("timm", 2))
    if part is None:
        with pytest.raises(CheckpointError, match="it holds 2 models"):
            identify(checkpoint(tree))
    else:
        assert_same_state(identify(checkpoint(tree), part=part).state, redrawn(seed=2).state_dict())


def test_norms_of_another_module_beside_a_model_do_not_make_it_a_backbone():
    tree = with_prefix("vision.", stored_as("timm")) | {
        f"norms.{i}.{name}": np.ones(8 * 2**i, np.float32) for i in range(2) for name in ("weight", "bias")}
    found = identify(checkpoint(tree))
    assert found.reader.name == "Swin Transformer"
    assert "Left aside 'norms', not in the vision." in found.assumed


def test_where_the_model_lay_and_what_was_left_aside_is_said():
    state = with_prefix("module.encoder.", stored_as("microsoft")) | {
        "module.encoder.mask_token": np.zeros((1, 1, 8)), "module.decoder.0.weight": np.ones((4, 4)),
        "queue": np.ones(3)}
    tree = {"epoch": 3, "state_dict": state, "optimizer": {"state": {0: {"exp_avg": np.ones(3)}}, "lr": [0.1]}}
    found = identify(checkpoint(tree))
    assert found.part == "state_dict.module.encoder"
    assert found.notes[:4] == [
        "Took the entry 'state_dict'.", "Removed the prefix 'module.encoder.'.",
        "Left aside 'optimizer', 'epoch'.", "Left aside 'module.decoder', 'queue', not in the encoder."]
    assert "Set aside 'mask_token': it stands for hidden patches in training." in found.notes
    assert found.assumed == [found.notes[3]]


def test_a_training_checkpoint_loads_without_a_warning(tmp_path):
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(np.array(value)) for name, value in stored_as("microsoft").items()}
    torch.save({"model": state, "optimizer": {"state": {0: {"step": torch.ones(())}}}, "epoch": 3}, tmp_path / "c.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SwinWarning)
        load(tmp_path / "c.pth")


def test_what_lies_in_dicts_beside_the_tensors_is_no_part_of_the_state_dict():
    found = identify(checkpoint(stored_as("microsoft") | {"optimizer": {"exp_avg": np.ones(3)}, "epoch": 3}))
    assert "Left aside 'optimizer', 'epoch', not a tensor." in found.notes and not found.assumed


def test_a_name_that_only_ends_like_a_block_is_none():
    state = {f"my{name}": value for name, value in stored_as("timm").items()}
    with pytest.raises(CheckpointError, match="its names are of no known Swin Transformer"):
        identify(checkpoint(state))


def test_two_tensors_of_one_path_are_refused():
    with pytest.raises(CheckpointError, match="each given once: rename them"):
        checkpoint({"a": {"b": np.ones(3)}, "a/b": np.zeros(3)})


def test_a_whole_name_counts_more_than_the_end_of_another():
    tree = {"student": stored_as("timm", 1), "old": {"student": stored_as("timm", 2)}}
    assert_same_state(identify(checkpoint(tree), part="student").state, redrawn(seed=1).state_dict())
    assert_same_state(identify(checkpoint(tree), part="old.student").state, redrawn(seed=2).state_dict())


def test_a_dict_that_is_stored_twice_is_one_model():
    state = stored_as("timm")
    assert identify(checkpoint({"model": state, "best": {"model": state}})).part == "model"


TWO = {"teacher": {"backbone": stored_as("timm", 1)}, "student": with_prefix("module.backbone.", stored_as("timm", 2)),
       "extra": stored_as("microsoft", 3)}


@pytest.mark.parametrize(("part", "name", "seed"), [
    ("teacher", "teacher.backbone", 1), ("student", "student.module.backbone", 2), ("extra", "extra", 3),
    ("teacher.backbone", "teacher.backbone", 1), ("teacher/backbone", "teacher.backbone", 1),
    ("student.module.backbone.", "student.module.backbone", 2), ("module", "student.module.backbone", 2)])
def test_one_of_several_models_is_taken_by_its_name_or_a_component_of_it(part, name, seed):
    found = identify(checkpoint(TWO), part=part)
    assert found.part == name
    assert_same_state(found.state, redrawn(seed=seed).state_dict())


@pytest.mark.parametrize(("part", "message"), [
    (None, r"^it holds 3 models, teacher.backbone \(Swin Transformer\), student.module.backbone \(Swin Transformer\), "
           r"extra \(Swin Transformer\): give the name of one as part \(--part teacher.backbone\)"),
    ("backbone", r"part='backbone' was given, and it holds 2 models, teacher.backbone \(.*\), student.module.backbone"),
    ("mentor", "part='mentor' was given, and it holds 3 models, teacher"), ("teach", "and it holds 3 models"),
    (3, "part=3 was given: give the name of a model in the file, as text")])
def test_several_models_are_named_and_none_is_guessed(part, message):
    with pytest.raises(CheckpointError, match=message):
        identify(checkpoint(TWO), part=part)


@pytest.mark.parametrize("average", ["model_ema", "state_dict_ema", "ema", "params_ema"])
def test_between_a_model_and_its_moving_average_the_user_chooses(average):
    tree = {"model": stored_as("timm", 1), average: stored_as("timm", 2)}
    with pytest.raises(CheckpointError, match=f"2 models, model .*, {average} "):
        identify(checkpoint(tree))
    assert_same_state(identify(checkpoint(tree), part=average).state, redrawn(seed=2).state_dict())
    assert "Left aside 'model'." in identify(checkpoint(tree), part=average).notes


def test_a_dense_model_is_taken_whole_and_its_backbone_when_it_is_asked_for():
    model = redrawn(UPERNET)
    tree = {"net": with_prefix("module.", model.state_dict())}
    whole, backbone = identify(checkpoint(tree)), identify(checkpoint(tree), part="backbone")
    assert whole.reader.name == "UPerNet" and backbone.reader.name == "backbone"
    assert_same_state(whole.state, model.state_dict())
    assert_same_state(backbone.state, {name: value for name, value in model.state_dict().items()
                                       if not name.startswith("decode_head")})
    assert "Left aside 'module.decode_head', not in the backbone." in backbone.assumed


def test_the_decoder_of_a_detector_is_no_second_choice():
    """A torch.nn.Transformer beside the backbone, as DETR has it; alone in a file it is a system."""
    transformer = redrawn(swin_np.baselines.transformer.TransformerConfig(8, 2, 1, 1, 16))
    tree = with_prefix("backbone.", stored_as("timm")) | with_prefix("transformer.", transformer.state_dict())
    assert identify(checkpoint(tree)).reader.name == "Swin Transformer"
    alone = identify(checkpoint(with_prefix("transformer.", transformer.state_dict())), num_heads=2)
    assert alone.reader.name == "Transformer"


@pytest.mark.parametrize("head", [{"head.0.weight": (4, 16), "head.2.weight": (5, 4)}, {"head.mlp.weight": (5, 16)},
                                  {"head.weight_g": (5, 1), "head.weight_v": (5, 16)}], ids=list)
def test_a_head_that_is_no_linear_layer_is_left_aside_with_a_warning(head):
    state = {name: value for name, value in stored_as("microsoft").items() if not name.startswith("head.")}
    found = identify(checkpoint(state | {name: np.ones(shape, np.float32) for name, shape in head.items()}))
    assert found.config.num_classes == 0
    assert f"Left aside {', '.join(map(repr, head))}: its head is no linear layer." in found.assumed


@pytest.mark.parametrize("names", [("projector.0.weight", "projector.0.bias"), ("omni_heads.3.weight",),
                                   ("fc.weight",)])
def test_modules_beside_a_model_are_left_aside_with_a_warning(names):
    state = stored_as("timm") | {name: np.ones((3, 3), np.float32) for name in names}
    assert f"Left aside {names[0].partition('.')[0]!r}, no part of the model." in identify(checkpoint(state)).assumed


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_parameter_inside_the_blocks_that_is_not_known_is_refused(dialect):
    """It changes what they compute."""
    state = stored_as(dialect)
    name = next(name for name in state if name.endswith(("norm1.weight", "layernorm_before.weight")))
    name = name.replace("norm1.weight", "gamma_1").replace("layernorm_before.weight", "gamma_1")
    with pytest.raises(CheckpointError, match=r"gamma_1 \(8,\) has no place.*a relative that cannot be computed"):
        identify(checkpoint(state | {name: np.ones(8, np.float32)}))


@pytest.mark.parametrize(("extra", "message"), [
    ({"base_model.model.layers.0.blocks.0.attn.qkv.lora_A.default.weight": (4, 8)}, "LoRA.*merge it into the"),
    ({"layers.0.blocks.0.attn.qkv.base_layer.weight": (24, 8)}, "LoRA"), ({"_flat_param": (99,)}, "FSDP"),
    ({"layers.0.blocks.0.attn.qkv.qweight": (4, 8)}, "quantised"),
    ({"layers.0.blocks.0.attn.qkv.SCB": (4,)}, "quantised"),
    ({"params.layers.0.blocks.0.attn.qkv.kernel": (8, 24)}, "Flax")], ids=str)
def test_weights_that_are_not_the_models_own_are_refused_with_what_to_do(extra, message):
    tensors = {name: np.ones(shape, np.float32) for name, shape in extra.items()}
    for state in (tensors, stored_as("timm") | tensors):
        with pytest.raises(CheckpointError, match=f"^it has '[^']*': .*{message}"):
            identify(checkpoint(state))


def test_an_adapter_on_another_model_of_the_file_is_no_reason_to_refuse_this_one():
    state = with_prefix("vision.", stored_as("timm")) | {"text.layers.0.lora_A.weight": np.ones((3, 4), np.float32)}
    assert identify(checkpoint(state)).part == "vision"


@pytest.mark.parametrize("names", [("cpb_mlp.0.weight",), ("model.text.attn.logit_scale", "logit_scale"),
                                   ("text.cls_token",), ("decoder.layer1.0.bn1.weight",)])
def test_names_of_other_systems_beside_a_swin_do_not_change_what_it_is(names):
    """OneFormer's text encoder has a logit_scale, and its backbone is a Swin Transformer nevertheless."""
    state = with_prefix("backbone.", stored_as("timm")) | {name: np.ones(3, np.float32) for name in names}
    assert identify(checkpoint(state), part="backbone").reader.name == "Swin Transformer"


def test_modules_of_other_kinds_at_the_top_do_not_change_what_it_is():
    state = stored_as("timm") | {name: np.ones(3, np.float32) for name in (
        "text.attn.logit_scale", "fusion.cls_token", "fpn_convs.dwconv.weight")}
    found = identify(checkpoint(state))
    assert found.reader.name == "Swin Transformer"
    assert "Left aside 'text', 'fusion', 'fpn_convs', no part of the model." in found.assumed


def test_a_file_of_something_else_is_told_apart_behind_prefixes_too():
    tree = {"state_dict": {"module.stages.0.blocks.0.conv_dw.weight": np.ones((3, 3))}}
    with pytest.raises(CheckpointError, match="a ConvNeXt"):
        identify(checkpoint(tree))
    with pytest.raises(CheckpointError, match="its names are of no known Swin Transformer"):
        identify(checkpoint({"weights": {"a": np.ones(3)}}))


def test_nesting_and_sharing_cost_no_time():
    """A list that holds itself, a million dicts in each other, and dicts that share what they hold."""
    tree: dict = {"model": stored_as("timm")}
    shared: object = {"x": 1}
    for _ in range(100):
        shared = {"a": shared, "b": shared, "c": [shared]}
    deep: dict = {}
    for _ in range(100_000):
        deep = {"d": deep}
    endless: list = []
    endless.append(endless)
    assert identify(checkpoint(tree | {"s": shared, "d": deep, "e": endless})).part == "model"
    while deep:                                        # so that freeing it costs no stack
        deep = deep["d"]


def test_every_anchor_of_a_reader_is_in_the_models_that_it_reads():
    """Or no file of the system would be found."""
    for reader in READERS:
        for config in list(reader.architecture.variants.values())[:2]:
            names = architecture_of(config).model.random(config, None).state_dict()
            assert not reader.anchors or any(anchor in names for anchor in reader.anchors) or (
                isinstance(config, BackboneConfig))
            assert len(parts_of(names)) in (1, 2)      # a dense model's backbone is the second


# The configuration of a larger model.


OF_SWIN = {"model_type": "swin", "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4,
           "patch_size": 2, "image_size": [32, 48]}


def configured(**entries) -> StoredCheckpoint:
    return replace(checkpoint(with_prefix("vision.", stored_as("transformers"))),
                   configuration=Entries("config.json", {"model_type": "something", **entries}))


@pytest.mark.parametrize("entries", [
    {"vision_config": OF_SWIN}, {"a": {"b": {"backbone_config": OF_SWIN}}, "text_config": {"model_type": "bert"}},
    {"one": OF_SWIN, "same": dict(OF_SWIN)}], ids=list)
def test_the_configuration_of_the_swin_is_found_inside_that_of_a_larger_model(entries):
    assert identify(configured(**entries)).config.img_size == (32, 48)


@pytest.mark.parametrize(("entries", "words"), [
    ({"one": OF_SWIN, "two": {**OF_SWIN, "image_size": 64}}, "has 2 configurations of a Swin Transformer"),
    ({"vision_config": {"model_type": "vit"}}, "of the type 'something' with 'vit', and its tensors are those of"),
    ({"vision_config": {**OF_SWIN, "hidden_act": "relu"}}, "says hidden_act 'relu'"),
    ({"vision_config": {**OF_SWIN, "num_heads": [1, 1]}}, "says num_heads"),
    ({"vision_config": {**OF_SWIN, "depths": "many"}}, "says depths 'many', expected whole numbers")], ids=str)
def test_a_configuration_that_is_not_the_swins_is_refused_inside_a_larger_one_too(entries, words):
    with pytest.raises(CheckpointError, match=words):
        identify(configured(**entries))


# Command line.


def test_inspect_and_convert_take_a_part(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    tensors = {side: {name: torch.from_numpy(np.array(value)) for name, value in stored_as("timm", seed).items()}
               for side, seed in (("teacher", 1), ("student", 2))}
    torch.save(tensors, tmp_path / "both.pth")
    assert main(["convert", str(tmp_path / "both.pth"), str(tmp_path / "x.npz"), "--to", "microsoft"]) == 2
    assert "it holds 2 models, teacher (Swin Transformer), student" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "both.pth"), "--part", "student"]) == 0
    assert "part           student" in capsys.readouterr().out
    assert main(["convert", str(tmp_path / "both.pth"), str(tmp_path / "x.npz"), "--to", "microsoft", "--part",
                 "student", "--image-size", "32", "48"]) == 0
    assert_same_state(load(tmp_path / "x.npz", image_size=(32, 48)).state_dict(), redrawn(seed=2).state_dict())


def test_a_prefix_in_an_npz_is_found_too(tmp_path):
    write_npz(tmp_path / "x.npz", with_prefix("module.", stored_as("timm")), {})
    assert_same_state(load(tmp_path / "x.npz", image_size=(32, 48)).state_dict(), redrawn().state_dict())


@pytest.mark.parametrize("dialect", ["microsoft", "mmdetection"])
def test_the_backbone_of_mmsegmentations_upernet_is_found(dialect):
    """Its decoder's names are transformers' but for the batch norms and the classifier."""
    body = {name: value for name, value in stored_as(dialect).items() if not name.startswith(("norm", "head"))}
    norms = {f"norm{i}.{kind}": np.ones(8 * 2**i, np.float32) for i in range(2) for kind in ("weight", "bias")}
    decoder = {"decode_head.psp_modules.0.1.conv.weight": np.ones((3, 16, 1, 1), np.float32),
               "decode_head.psp_modules.0.1.bn.weight": np.ones(3, np.float32),
               "decode_head.conv_seg.weight": np.ones((5, 3, 1, 1), np.float32)}
    found = identify(checkpoint({"state_dict": with_prefix("backbone.", body | norms) | decoder}))
    assert found.reader.name == "backbone" and found.part == "state_dict.backbone"


@pytest.mark.parametrize("name", ["criterion.ssim.kernel", "neck.embedding"])
def test_a_filter_beside_a_model_is_none_of_flax(name):
    tree = with_prefix("model.", stored_as("timm")) | {name: np.ones((1, 1, 3, 3), np.float32)}
    assert identify(checkpoint(tree)).reader.name == "Swin Transformer"


@pytest.mark.parametrize("head", [["weight"], ["bias", "weight_g", "weight_v"], ["weight", "bias", "scale"],
                                  ["weight", "bias", "norm.weight"]], ids=str)
def test_a_head_with_more_or_less_than_a_weight_and_a_bias_is_left_aside_whole(head):
    state = {name: value for name, value in stored_as("microsoft").items() if not name.startswith("head.")}
    found = identify(checkpoint(state | {f"head.{name}": np.ones((5, 16) if "weight" in name else 5, np.float32)
                                         for name in head}))
    assert found.config.num_classes == 0
    assert any(note.startswith(f"Left aside {', '.join(repr(f'head.{name}') for name in head)}: its head ")
               for note in found.assumed)


FIRST = "layers.0.blocks.0."


@pytest.mark.parametrize(("names", "sentence"), [
    ({FIRST + "attn.qkv.weight_orig": (24, 8), FIRST + "attn.qkv.weight_mask": (24, 8)}, "torch.nn.utils.prune.remove"),
    ({FIRST + "attn.qkv.parametrizations.weight.original0": (24, 1)}, "parametrize.remove_parametrizations"),
    ({"patch_embed.proj.weight": (8, 3, 2, 2, 2)}, "a network for videos or volumes"),
    ({"patch_embed.proj.weight": (0,)}, "zero_to_fp32.py"),
    ({FIRST + "attn.qkv.weight": (8, 24)}, "transpose the weights of its linear layers"),
    ({"prompt_embeddings": (1, 4, 8)}, "learned prompts among its tokens"),
    ({"patch_embed.proj.weight": None, "patch_embed.proj.0.weight": (8, 3, 3, 3)}, "has 'patch_embed.proj.0.weight'"),
    ({FIRST + "mlp.fc1.bias": None}, "get the whole file, unless it is a relative"),
])
def test_a_sound_file_of_a_relative_is_not_called_damaged(names, sentence):
    state = stored_as("timm")
    for name, shape in names.items():
        state.pop(name, None)
        if shape is not None:
            state[name] = np.ones(shape, np.float32)
    with pytest.raises(CheckpointError, match=re.escape(sentence)) as error:
        identify(checkpoint(state))
    assert "damaged" not in str(error.value)


@pytest.mark.parametrize(("name", "what"), [
    ("layers.0.residual_group.blocks.0.attn.logit_scale", "SwinIR"), ("swin2sr.conv_after_body.weight", "Swin2SR"),
    ("swinViT.layers1.0.blocks.0.attn.qkv.weight", "SwinUNETR"), ("features.0.0.norm1.weight", "swin3d"),
    ("encoder.block.0.0.mlp.dwconv.weight", "depthwise convolutions")])
def test_a_relative_is_called_by_its_name(name, what):
    with pytest.raises(CheckpointError, match=f"it seems to be .*{what}"):
        identify(checkpoint({"params": {name: np.ones(8, np.float32)}}))


def test_patches_of_an_odd_size_may_overlap_and_a_warning_says_so():
    state = stored_as("timm") | {"patch_embed.proj.weight": np.ones((8, 3, 7, 7), np.float32)}
    assert any("stride of the patches" in note for note in identify(checkpoint(state)).assumed)
    assert not any("stride" in note for note in identify(checkpoint(stored_as("timm"))).assumed)

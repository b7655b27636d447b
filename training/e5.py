"""Multilingual E5-small from its 4-bit image: tokenizer and tensors unpacked to a base that transformers loads."""

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from models.errors import ModelError

Floats = NDArray[np.float32]
_MAGIC = b"E5S1"
_BLOCK = 32
_ROW_BYTES = 18  # an fp16 scale and 16 bytes of two weights each
_UNKNOWN = 3
_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(slots=True)
class _Reader:
    """Reads little-endian values one after the other."""

    image: bytes
    at: int = 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.image, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def skip(self, count: int) -> bytes:
        self.at += count
        return self.image[self.at - count : self.at]


def write_e5_base(image: bytes, folder: Path) -> None:
    """
    Unpack the image into a base folder: tokenizer.json, config.json, model.safetensors.

    Raises:
        ModelError: another format than E5S1.
    """
    if not image.startswith(_MAGIC):
        raise ModelError(f"e5-small-q4.bin begins with {image[:4]!r}, not {_MAGIC!r}")
    reader = _Reader(image, len(_MAGIC))
    reader.take("I")
    hidden, layers, heads, intermediate, vocabulary, positions, types = reader.take("7i")
    reader.take("fi")
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        max_position_embeddings=positions,
        type_vocab_size=types,
        pad_token_id=1,
    )
    _read_tokenizer(reader).save(str(folder / "tokenizer.json"))
    model = BertModel(config, add_pooling_layer=False)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    tensors = {name: torch.tensor(values).reshape(shapes[name]) for name, values in _read_tensors(reader).items()}
    model.load_state_dict(tensors)
    model.save_pretrained(folder)


def _read_tokenizer(reader: _Reader) -> Tokenizer:
    """Rebuild the XLM-R tokenizer: Unigram pieces, Nmt and NFKC, spaces marked at the start of words."""
    pieces, *_ = reader.take("5i")
    (blob_bytes,) = reader.take("Q")
    offsets = reader.take(f"{pieces + 1}I")
    scores = struct.unpack(f"<{pieces}f", reader.skip(4 * pieces))
    blob = reader.skip(blob_bytes)
    _, map_bytes = reader.take("iI")
    reader.skip(map_bytes)
    words = [blob[first:last].decode("utf-8") for first, last in itertools.pairwise(offsets)]
    tokenizer = Tokenizer(models.Unigram(list(zip(words, scores, strict=True)), unk_id=_UNKNOWN))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    marks = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=marks)
    return tokenizer


def _read_tensors(reader: _Reader) -> dict[str, Floats]:
    """Read every tensor flat, under the name that transformers' BertModel has for it."""
    (count,) = reader.take("i")
    tensors: dict[str, Floats] = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.skip(length).decode("ascii")
        kind, elements, offset, size = reader.take("BIQQ")
        raw = reader.image[offset : offset + size]
        tensors[_full_name(name)] = np.frombuffer(raw, "<f4") if kind == 0 else unpack_4bit(raw, elements)
    return tensors


def unpack_4bit(raw: bytes, elements: int) -> Floats:
    """
    Unpack blocks of 32 weights: an fp16 scale, then 16 bytes whose low halves are weights 0-15, high ones 16-31.

    Returns:
        (elements,): (half byte - 8) * scale.
    """
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, _ROW_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return ((halves.astype(np.float32) - 8) * scales).ravel()[:elements]


def _full_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    suffix = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer.removeprefix('l')}.{_TENSORS[part]}.{suffix}"

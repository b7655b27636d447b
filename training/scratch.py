"""A tiny base from nothing: a WordPiece tokenizer of the statements, an encoder with random weights."""

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import MPNetConfig, MPNetModel

_MARKS = ["<s>", "<pad>", "</s>", "<unk>"]
_VOCABULARY = 2_000


def write_scratch_base(texts: Iterable[str], folder: Path, *, seed: int) -> None:
    """Write a base folder (tokenizer.json, config.json, model.safetensors): two layers of 64."""
    folder.mkdir(parents=True, exist_ok=True)
    _train_tokenizer(texts).save(str(folder / "tokenizer.json"))
    torch.manual_seed(seed)
    config = MPNetConfig(
        vocab_size=_VOCABULARY,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        pad_token_id=_MARKS.index("<pad>"),
    )
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)


def _train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=_MARKS[-1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=_VOCABULARY, special_tokens=_MARKS, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer

"""A tiny base from nothing: a WordPiece tokenizer of the statements' words, an encoder with random weights."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import MPNetConfig, MPNetModel

_MARKS = ["<s>", "<pad>", "</s>", "<unk>"]
_VOCABULARY = 2_000


def write_scratch_base(texts: Iterable[str], folder: Path, *, seed: int) -> None:
    """Write a base folder (tokenizer.json, config.json, model.safetensors): two layers of 64."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _make_tokenizer(texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(seed)
    config = MPNetConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        pad_token_id=_MARKS.index("<pad>"),
    )
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)


def _make_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """
    Make a tokenizer of all characters and the commonest words.

    Not by the library's trainer: it breaks ties by chance, and the same statements must give the same model.
    """
    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    characters = sorted({character for word in words for character in word})
    pieces = [*_MARKS, *characters, *(f"##{character}" for character in characters)]
    common = sorted((word for word in words if len(word) > 1), key=lambda word: (-words[word], word))
    pieces += common[: _VOCABULARY - len(pieces)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=_MARKS[-1]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer

"""A base with many languages' pieces -> one with those that occur in given texts: as good on them, and much smaller."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import AutoModel

from models.errors import ModelError
from models.tokens import tokenizer_from


def prune_pieces(base: Path, texts: Iterable[str], target: Path) -> int:
    """
    Write a base whose vocabulary is what it needs for `texts`, marks and single characters kept.

    A text of which every piece is kept is cut into the same pieces as before: Viterbi's best path is still there.
    The folder is made beside its place and renamed.

    Args:
        base: folder with a Unigram tokenizer, such as `e5`.

    Returns:
        How many pieces are left.

    Raises:
        ModelError: a tokenizer of another kind, or with a mark that has no row, or a target that exists.
    """
    if target.exists():
        raise ModelError(f"{target} exists already")
    content = (base / "tokenizer.json").read_bytes()
    layout = json.loads(content)
    if layout["model"]["type"] != "Unigram":
        raise ModelError(f"{base}: its tokenizer is {layout['model']['type']}, not Unigram")
    pieces = layout["model"]["vocab"]
    tokenizer = tokenizer_from(content)
    used = {i for encoding in tokenizer.encode_batch(list(texts)) for i in encoding.ids}
    marks = layout["model"]["unk_id"] + 1
    added = {token["id"] for token in layout["added_tokens"]}
    if beyond := sorted(added - set(range(len(pieces)))):
        raise ModelError(f"{base}: the marks {beyond} are not among its {len(pieces)} pieces")
    kept = [i for i, (piece, _) in enumerate(pieces) if i < marks or i in used or i in added or len(piece) == 1]

    neighbour = target.with_name(target.name + ".part")
    shutil.rmtree(neighbour, ignore_errors=True)
    shutil.copytree(base, neighbour)
    layout["model"]["vocab"] = [pieces[i] for i in kept]
    for token in layout["added_tokens"]:
        token["id"] = kept.index(token["id"])
    (neighbour / "tokenizer.json").write_text(json.dumps(layout, ensure_ascii=False), encoding="utf-8")
    encoder = AutoModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32)
    rows = encoder.get_input_embeddings().weight.detach()[kept].clone()
    encoder.resize_token_embeddings(len(kept), mean_resizing=False)
    encoder.get_input_embeddings().weight.data.copy_(rows)
    encoder.save_pretrained(neighbour)
    neighbour.rename(target)
    return len(kept)

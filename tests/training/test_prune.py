"""A base with the pieces that some texts need reads those texts as before."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from models.errors import ModelError
from models.tokens import tokenizer_from
from training.network import load_network
from training.prune import prune_pieces

PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁peace", -2.0), ("▁war", -2.5), ("▁", -4.0)]
PIECES += [(letter, -6.0) for letter in "acepqrwz"] + [("▁paz", -3.0)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    tokenizer = Tokenizer(models.Unigram(PIECES, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    torch.manual_seed(1)
    _save_encoder(folder, len(PIECES))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _save_encoder(folder: Path, n_pieces: int) -> None:
    config = BertConfig(
        vocab_size=n_pieces, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)


def test_pruned_base_reads_as_before(base: Path, tmp_path: Path) -> None:
    """The word of another language is gone, single letters are kept, and every vector is the same."""
    target = tmp_path / "pruned"
    assert prune_pieces(base, ["peace war"], target) == len(PIECES) - 1
    before, after = (tokenizer_from((folder / "tokenizer.json").read_bytes()) for folder in (base, target))
    assert after.encode("war peace race").tokens == before.encode("war peace race").tokens
    assert "▁paz" not in after.encode("paz").tokens
    vectors = []
    for folder, tokenizer in ((base, before), (target, after)):
        ids = torch.tensor([tokenizer.encode("war peace race").ids])
        with torch.inference_mode():
            vectors.append(load_network(folder).encoder.eval()(input_ids=ids).last_hidden_state)
    assert torch.equal(*vectors)


def test_a_mark_at_the_end_is_kept_and_renumbered(base: Path, tmp_path: Path) -> None:
    """It has a row of its own, behind the pieces that are left out."""
    place = base / "tokenizer.json"
    layout = json.loads(place.read_text())
    layout["model"]["vocab"].append(["<mask>", 0.0])
    mark = {"id": len(PIECES), "content": "<mask>", "single_word": False, "lstrip": False, "rstrip": False}
    layout["added_tokens"] = [{**mark, "normalized": False, "special": True}]
    place.write_text(json.dumps(layout))
    _save_encoder(base, len(PIECES) + 1)
    target = tmp_path / "pruned"
    kept = prune_pieces(base, ["peace war"], target)
    assert tokenizer_from((target / "tokenizer.json").read_bytes()).encode("war <mask>").ids[-2] == kept - 1

    layout["added_tokens"][0]["id"] = 99
    place.write_text(json.dumps(layout))
    with pytest.raises(ModelError, match=r"the marks \[99\] are not among its 17 pieces"):
        prune_pieces(base, ["peace war"], tmp_path / "other")


def test_only_unigram_pieces_are_pruned_and_nothing_is_overwritten(base: Path, tmp_path: Path) -> None:
    """Another kind of tokenizer merges pieces, so that leaving one out changes the others."""
    with pytest.raises(ModelError, match="exists already"):
        prune_pieces(base, [], base)
    words = Tokenizer(models.WordLevel({"peace": 0}, unk_token="peace"))
    words.save(str(base / "tokenizer.json"))
    with pytest.raises(ModelError, match="is WordLevel, not Unigram"):
        prune_pieces(base, [], tmp_path / "pruned")

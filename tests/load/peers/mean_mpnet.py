"""The default model's network as transformers and ONNX know it: `python mean_mpnet.py NETWORK TARGET` writes it."""

import json
import shutil
import sys
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import MPNetConfig, MPNetModel, MPNetPreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import SequenceClassifierOutput

LABELS = ("conciliatory", "conditional", "hostile", "none")
MARKS = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "[UNK]", "mask_token": "<mask>"}


class MeanMPNet(MPNetPreTrainedModel):
    """MPNet with a linear head over the mean of its token vectors."""

    def __init__(self, config: MPNetConfig) -> None:
        super().__init__(config)
        self.encoder = MPNetModel(config, add_pooling_layer=False)
        self.stance_head = nn.Linear(config.hidden_size, len(LABELS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: object) -> SequenceClassifierOutput:
        """Give the stance logits."""
        vectors = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(vectors.dtype)
        return SequenceClassifierOutput(logits=self.stance_head((vectors * weights).sum(1) / weights.sum(1)))


class _Logits(nn.Module):
    def __init__(self, network: MeanMPNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.network(input_ids, attention_mask).logits


def load_mean_mpnet(network: Path) -> MeanMPNet:
    """Load what training wrote, without the head for conditions."""
    config = json.loads((network / "config.json").read_text())
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
    loaded = MeanMPNet(MPNetConfig(**{**config, **labels}))
    weights = load_file(network / "network.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("condition_head")}
    loaded.load_state_dict(kept)
    return loaded.eval()


def load_tokenizer(network: Path) -> PreTrainedTokenizerFast:
    """Load the tokenizer, with windows as long as the model's."""
    return PreTrainedTokenizerFast(tokenizer_file=str(network / "tokenizer.json"), model_max_length=128, **MARKS)


def write_onnx(network: Path, target: Path) -> None:
    """Write the network as an int8 ONNX model with the files that a server of such looks for."""
    target.mkdir(parents=True, exist_ok=True)
    loaded = load_mean_mpnet(network)
    ids = torch.ones((2, 16), dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        _Logits(loaded),
        (ids, torch.ones_like(ids)),
        str(target / "model.onnx"),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(target / "model.onnx", target / "model_quantized.onnx", weight_type=QuantType.QInt8)
    (target / "model.onnx").unlink()
    loaded.config.architectures = ["MPNetForSequenceClassification"]
    # Infinity cuts texts at this length: at ours, and within the table of positions.
    loaded.config.max_position_embeddings = 128
    loaded.config.save_pretrained(target)
    load_tokenizer(network).save_pretrained(target)
    # Infinity brings transformers 4, which does not know the name that transformers 5 writes.
    named = target / "tokenizer_config.json"
    named.write_text(json.dumps({**json.loads(named.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}))
    shutil.copy(network / "tokenizer.json", target / "tokenizer.json")


if __name__ == "__main__":
    write_onnx(Path(sys.argv[1]), Path(sys.argv[2]))

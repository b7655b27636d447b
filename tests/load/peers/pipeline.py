"""FastAPI around transformers' pipeline, as its documentation shows it; NETWORK names the trained network."""

import os
from pathlib import Path

from fastapi import FastAPI
from mean_mpnet import load_mean_mpnet, load_tokenizer
from pydantic import BaseModel
from transformers import TextClassificationPipeline

_network = Path(os.environ["NETWORK"])
_classify = TextClassificationPipeline(model=load_mean_mpnet(_network), tokenizer=load_tokenizer(_network), top_k=None)
app = FastAPI()


class Body(BaseModel):
    """The texts of a request."""

    input: list[str]


@app.post("/classify")
def classify(body: Body) -> list[list[dict[str, object]]]:
    """Answer each text; FastAPI runs this in its pool of threads."""
    answers: list[list[dict[str, object]]] = _classify(body.input, truncation=True)
    return answers

"""The batch run on Ray Data: an actor with a model of its own on each core makes shards of Parquet."""

import json
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

import numpy as np
import ray

import models
import serving
from models.classifier import StanceClassifier
from models.errors import TableError, WorkerError
from models.folder import open_folder
from serving.batch.journal import Mark, WorkFolder
from serving.batch.order import STDOUT, Order, Plan, make_plan
from serving.batch.run import Summary, Watcher
from serving.batch.shards import Shard, ShardFolder, cut_shards, score_shard
from serving.batch.target import Target
from serving.tables.columnar import Columnar
from serving.tables.places import Kind, StoredFile, kind_of
from serving.tables.urls import open_url

_BLOCKS_A_WORKER = 64


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    Where a run is done.

    Attributes:
        address: of a Ray cluster; None for one on this machine, for this run alone.
        workers: actors; None for as many as there are cores.
    """

    address: str | None
    workers: int | None


def run_on_ray(order: Order, cluster: Cluster, watcher: Watcher) -> Summary:
    """
    Score every row of Parquet files into a folder of shards, in order by their names; what fails is done again.

    Raises:
        TableError: no Parquet, an output that is there already, or a run that began otherwise.
        WorkerError: Ray gave up.
    """
    started = time.monotonic()
    target = Target(order.out)
    plan = _plan(order, target)
    with WorkFolder(target.work) as work:
        had_begun = work.has_begun()
        taken = [order.out] if target.exists() and not (target.is_remote and had_begun) else []
        work.take_up(plan.identity, taken=taken, restart=order.restart)
        made = work.path / "shards"
        is_in_place = work.mark.is_done and not made.exists()
        place = str(made.resolve()) if not target.is_remote and not is_in_place else order.out
        folder = _folder(place, anew=order.restart or not had_begun)
        before = sum((folder.count(name, order.prefix) for name in folder.done()), Counter[str]())
        counts = _score(plan, cluster, folder, before, watcher)
        work.add(b"", b"", Mark(is_done=True))
        if made.exists():
            _swap_in(made, Path(order.out), work.path / "old")
        work.remove()
    return Summary(_rows(counts), dict(counts), _rows(before), time.monotonic() - started)


def _plan(order: Order, target: Target) -> Plan:
    kinds = {order.kind or kind_of(name)[0] or Kind.PARQUET for name in (*order.inputs, order.out)}
    if kinds != {Kind.PARQUET} or STDOUT in {*order.inputs, order.out}:
        raise TableError(f"--engine ray reads and writes folders of Parquet, not {', '.join(sorted(kinds))} or pipes")
    if target.exists() and order.restart:
        _check_ours(order.out)
    # The output is a folder here, which a plan for one file would refuse.
    plan = make_plan(replace(order, out=f"{target.work}.parquet"))
    if plan.identity is None:
        raise TableError("--engine ray reads no pipes")
    options = {**plan.identity.options, "out": order.out, "engine": "ray"}
    return replace(plan, identity=plan.identity.model_copy(update={"options": options}))


def _check_ours(out: str) -> None:
    fs, path = open_url(out)
    others = [name for name in fs.find(path) if not PurePosixPath(name).name.startswith("part-")]
    if others:
        raise TableError(f"{out} is no output of --engine ray (it has {others[0]}): not replaced")


def _folder(place: str, *, anew: bool) -> ShardFolder:
    fs, path = open_url(place)
    if anew and fs.exists(path):
        fs.rm(path, recursive=True)
    fs.makedirs(path, exist_ok=True)
    return ShardFolder(fs, path)


def _score(plan: Plan, cluster: Cluster, folder: ShardFolder, before: Counter[str], watcher: Watcher) -> Counter[str]:
    shards = cut_shards([place for place in plan.places if isinstance(place, StoredFile)], plan.part_rows)
    done, total = folder.done(), sum(shard.rows for shard in shards)
    counts = before.copy()
    watcher.begin(_rows(counts))
    if left := [shard for shard in shards if shard.name not in done]:
        for found in _on_ray(plan, cluster, folder, left):
            counts += found
            watcher.watch(_rows(counts), dict(counts), _rows(counts) / total)
    if _rows(counts) != total:
        raise WorkerError(f"{folder.path} has {_rows(counts)} rows, the input {total}")
    return counts


def _on_ray(plan: Plan, cluster: Cluster, folder: ShardFolder, shards: Sequence[Shard]) -> Iterator[Counter[str]]:
    workers = _connect(cluster)
    try:
        model = ray.put(open_folder(plan.order.model))
        job = _Job(plan, folder, {shard.number: shard for shard in shards})
        numbers = [{"shard": shard.number} for shard in shards]
        blocks = min(len(numbers), _BLOCKS_A_WORKER * workers)
        scored = ray.data.from_items(numbers, override_num_blocks=blocks).map_batches(
            Scorer,
            fn_constructor_args=(model, ray.put(job)),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        )
        for row in scored.iter_rows():
            yield Counter(json.loads(row["counts"]))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        raise WorkerError(f"Ray gave up: {str(cause).strip().splitlines()[0]}") from error
    finally:
        ray.shutdown()


def _connect(cluster: Cluster) -> int:
    """Join the cluster, or start one here; say how many actors there may be."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    workers = cluster.workers or os.cpu_count() or 1
    given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if cluster.address is None:
        ray.init(num_cpus=workers, include_dashboard=False, **given)
    else:
        # Its machines need our dependencies only: the code and the model travel with the run.
        code = [str(Path(package.__path__[0])) for package in (models, serving)]
        ray.init(cluster.address, runtime_env={"py_modules": code, "excludes": ["default"]}, **given)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return workers if cluster.address is None or cluster.workers else int(ray.cluster_resources()["CPU"])


@dataclass(frozen=True, slots=True)
class _Job:
    plan: Plan
    folder: ShardFolder
    shards: dict[int, Shard]


class Scorer:
    """What each actor does: load the model once, then make shard after shard."""

    def __init__(self, model: Any, job: Any) -> None:  # noqa: ANN401 - references, which have no types
        self._job: _Job = ray.get(job)
        self._classifier = StanceClassifier(ray.get(model), coverage=self._job.plan.order.coverage)

    def __call__(self, batch: dict[str, "np.ndarray[Any, Any]"]) -> dict[str, "np.ndarray[Any, Any]"]:
        """Make shards; give their counts."""
        return {"counts": np.array([self._make(self._job.shards[int(number)]) for number in batch["shard"]])}

    def _make(self, shard: Shard) -> str:
        plan, folder = self._job.plan, self._job.folder
        table, counts = score_shard(shard, cast(Columnar, plan.table), self._classifier, plan.part_rows)
        folder.write(shard.name, table)
        return json.dumps(counts)


def _rows(counts: Counter[str]) -> int:
    return counts.total() - counts["abstained"]


def _swap_in(shards: Path, out: Path, old: Path) -> None:
    for torn in shards.glob("*.parquet.*"):  # of workers that died
        torn.unlink()
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    shards.rename(out)
    shutil.rmtree(old, ignore_errors=True)

"""The table of corrections: on disk before it is confirmed, withdrawn by its author, erased for good on demand."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from models.errors import StoreError
from serving.feedback_shapes import Correction

SCHEMA = 1
_AT_ONCE = 500
_metadata = MetaData()
_versions = Table("feedback_schema", _metadata, Column("version", Integer, nullable=False))
_corrections = Table(
    "corrections",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("at", String(32), nullable=False),
    Column("who", String(64), nullable=False),
    Column("once", String(200)),
    Column("body_sum", String(64), nullable=False),
    Column("withdrawn_at", String(32)),
    Column("content", Text, nullable=False),
    UniqueConstraint("who", "once"),
)


class OnceError(StoreError):
    """An Idempotency-Key came again, with another body."""


class Store:
    """
    Opens the corrections of a database, and makes the tables where there are none.

    Args:
        url: as SQLAlchemy reads it: sqlite:///FILE or postgresql+psycopg://...

    Raises:
        StoreError: it cannot be opened, or holds the tables of another version.
    """

    def __init__(self, url: str) -> None:
        self._engine = _make_engine(url)
        try:
            self._check_version()
        except StoreError:
            self._engine.dispose()
            raise

    def _check_version(self) -> None:
        with self._begin() as connection:
            _metadata.create_all(connection)
            found = connection.scalar(select(func.max(_versions.c.version)))
            if found is None:
                connection.execute(insert(_versions).values(version=SCHEMA))
            elif found != SCHEMA:
                raise StoreError(f"the feedback tables have version {found}; this code reads {SCHEMA}")

    def add(self, who: str, correction: Correction, *, at: datetime, once: str | None = None) -> str:
        """
        Store a correction and give its id; it is on disk when this returns.

        Args:
            once: the author's Idempotency-Key: a second time, the first one's id is given and nothing is stored.

        Raises:
            OnceError: `once` came before, with another correction.
            StoreError: the database did not take it.
        """
        content = correction.model_dump_json()
        body_sum = hashlib.sha256(content.encode()).hexdigest()
        row = {"id": str(uuid.uuid4()), "at": at.isoformat(), "who": who, "once": once, "body_sum": body_sum}
        try:
            with self._begin() as connection:
                connection.execute(insert(_corrections).values(**row, content=content))
        except _TwiceError:
            return self._first(who, once, body_sum)
        return row["id"] or ""

    def withdraw(self, who: str, name: str, *, at: datetime) -> bool:
        """Withdraw an author's own correction; claim whether there was such a one."""
        mine = (_corrections.c.id == name) & (_corrections.c.who == who)
        with self._begin() as connection:
            changed = connection.execute(update(_corrections).where(mine).values(withdrawn_at=at.isoformat()))
            return bool(changed.rowcount)

    def export(self) -> Iterator[dict[str, Any]]:
        """Give every correction that was not withdrawn, oldest first."""
        last = 0
        while rows := self._after(last):
            for row in rows:
                last = row.number
                if row.withdrawn_at is None:
                    yield {"id": row.id, "at": row.at, "who": row.who, **json.loads(row.content)}

    def count(self) -> int:
        """Count the corrections that were not withdrawn."""
        with self._begin() as connection:
            kept = _corrections.c.withdrawn_at.is_(None)
            return connection.scalar(select(func.count()).select_from(_corrections).where(kept)) or 0

    def erase(self, *, who: str | None = None, before: date | None = None) -> int:
        """Remove corrections for good, text and all: those that fit all that is given; give their number."""
        chosen = delete(_corrections)
        if who is not None:
            chosen = chosen.where(_corrections.c.who == who)
        if before is not None:
            # Both are ISO 8601, and times are UTC: their letters sort as they do.
            chosen = chosen.where(_corrections.c.at < before.isoformat())
        with self._begin() as connection:
            erased = connection.execute(chosen).rowcount
        if self._engine.dialect.name == "sqlite":
            # Deleted text would stay in free pages and in the log.
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _after(self, number: int) -> list[Any]:
        with self._begin() as connection:
            later = select(_corrections).where(_corrections.c.number > number)
            return list(connection.execute(later.order_by(_corrections.c.number).limit(_AT_ONCE)))

    def _first(self, who: str, once: str | None, body_sum: str) -> str:
        with self._begin() as connection:
            mine = (_corrections.c.who == who) & (_corrections.c.once == once)
            first = connection.execute(select(_corrections).where(mine)).one()
        if first.body_sum != body_sum:
            raise OnceError("this Idempotency-Key came before, with another body")
        return str(first.id)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise _TwiceError("a value that must be single came twice") from error
        except SQLAlchemyError as error:
            raise StoreError(f"the feedback database failed: {type(error).__name__}") from error


class _TwiceError(StoreError):
    """A value that must be single came twice."""


def _make_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, ImportError, OSError) as error:
        raise StoreError(f"the feedback database cannot be opened: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _: object) -> None:  # noqa: ANN401
    # FULL: what was confirmed outlives a power cut, not only the process. Corrections are written once and read
    # in order: a cache of 256 KiB is enough, where each connection would fill one of 2 MiB.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON", "cache_size=-256"):
        connection.execute(f"PRAGMA {pragma}")

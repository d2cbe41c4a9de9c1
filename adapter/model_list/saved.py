"""The last good model list on disk, with which a restart works while its source is away."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapter.model_list.document import ListedModel, ModelListError, models_of

log = logging.getLogger("adapter")


class SavedList(BaseModel):
    """A good list as it is saved: where it was read, when (Unix time), its stamp and entries."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    source: str
    fetched_at: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    stamp: dict[str, Annotated[str, Field(pattern=r"^[\x20-\x7e]+$")]]
    models: list[Any]


def save(path: Path, saved: SavedList) -> None:
    """Puts the list there at once or not at all; a disk that refuses costs a log line."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(orjson.dumps(saved.model_dump(), option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        fields = {"file": str(path), "error": error.strerror}
        log.warning("the model list is not saved", extra={"fields": fields})


def load(path: Path, source: str) -> tuple[SavedList, tuple[ListedModel, ...]] | None:
    """What was saved of that source; None, and a log line, for what is not to be used."""
    try:
        saved = SavedList.model_validate(orjson.loads(path.read_bytes()))
        models = models_of(saved.models)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror
    except (orjson.JSONDecodeError, ValidationError):
        reason = "It is corrupt."
    except ModelListError as error:
        reason = str(error)
    else:
        if saved.source == source:
            return saved, models
        reason = "It is the list of another source."
    fields = {"file": str(path), "error": reason}
    log.warning("the saved model list is ignored", extra={"fields": fields})
    return None

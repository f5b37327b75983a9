"""How a W&B run is opened: offline where no server answers, its files below the results, its failures quiet."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import requests
import wandb

from bench.tracking.tracker import WandbSettings

_log = logging.getLogger(__name__)

# Where W&B keeps what it uploads later, and what it caches: beside the runs, not at home.
_FOLDERS = {"WANDB_DATA_DIR": "data", "WANDB_CACHE_DIR": "cache", "WANDB_ARTIFACT_DIR": "artifacts"}


def opened(
    settings: WandbSettings,
    folder: Path,
    experiment: str,
    config: Mapping[str, Any],
    name: str,
    job_type: str | None = None,
) -> wandb.Run | None:
    """A run of this id, its files in `folder`; None where W&B cannot run at all."""
    online = settings.mode == "online"
    obstacle = _obstacle(wandb.setup().settings.base_url, settings.timeout) if online else None
    for mode in ("online", "offline") if online and obstacle is None else ("offline",):
        try:
            return wandb.init(
                mode=mode,
                project=settings.project,
                entity=settings.entity,
                group=settings.group or experiment,
                id=name,
                name=name,
                job_type=job_type,
                resume="allow",
                reinit="create_new",
                dir=str(folder),
                config=dict(config),
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    disable_git=True,  # the record has the code version, ...
                    x_save_requirements=False,  # ... and reading all packages' versions is slow
                    init_timeout=settings.timeout,
                    login_timeout=settings.timeout,
                    finish_timeout=settings.timeout,
                ),
            )
        except wandb.Error as error:
            _log.warning("W&B cannot start a run %s: %s", mode, error)
    return None


@cache
def _obstacle(url: str, timeout: float) -> str | None:
    """Why runs cannot be uploaded now; asked, and said, once for all runs of a process."""
    try:
        requests.head(url, timeout=timeout)
        known = wandb.login(prompt=False, verify=False)
        why = None if known else "there is no API key (run `wandb login`)"
    except requests.RequestException:
        why = f"{url} does not answer"
    if why is not None:
        _log.warning(
            "W&B runs are kept offline: %s. Upload them later with scripts/wandb_sync.sh.", why
        )
    return why


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """A run does not fail because its mirror does: the record on disk is what counts."""
    try:
        yield
    except wandb.Error as error:
        _log.warning("W&B did not take the %s: %s", what, error)


@contextmanager
def folders_below(folder: Path) -> Iterator[None]:
    """All that W&B writes goes below the folder, made if need be."""
    # It knows these by its environment alone; the caller's settings go first and come back.
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ours = {name: str(folder / sub) for name, sub in _FOLDERS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)

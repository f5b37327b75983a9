"""How a W&B run is opened: offline where no server takes it, its files below the results."""

import errno
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import wandb

from bench.tracking.core import begun
from bench.tracking.guard import reason
from bench.tracking.tracker import WandbSettings

_log = logging.getLogger(__name__)

# Where W&B keeps what it uploads later, and what it caches: beside the runs, not at home.
_FOLDERS = {"WANDB_DATA_DIR": "data", "WANDB_CACHE_DIR": "cache", "WANDB_ARTIFACT_DIR": "artifacts"}


# Why nothing is uploaded to a server any more: found out, and said, once for all runs of a process.
_obstacles: dict[str, str] = {}


def opened(
    settings: WandbSettings,
    folder: Path,
    experiment: str,
    config: Mapping[str, Any],
    name: str,
    job_type: str | None = None,
) -> wandb.Run:
    """A run of this id, its files in `folder`; an offline one where no server takes it.

    Raises:
        wandb.Error, and others: W&B cannot run at all.
    """
    begun(settings.patience)
    known: dict[str, Any] = {
        "project": settings.project,
        "entity": settings.entity,
        "group": settings.group or experiment,
        "name": name,
        "job_type": job_type,
        "resume": "allow",
        "reinit": "create_new",
        "dir": str(folder),
        "config": dict(config),
        "settings": wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,  # the record has the code version, ...
            x_save_requirements=False,  # ... and reading all packages' versions is slow
            init_timeout=settings.timeout,
            login_timeout=settings.timeout,
            finish_timeout=settings.timeout,
        ),
    }
    if settings.mode != "online":
        return wandb.init(mode="offline", id=name, **known)
    url = wandb.setup().settings.base_url
    if url in _obstacles:
        return wandb.init(mode="offline", id=name, **known)
    why = _obstacle(url, settings.timeout)
    if why is None:
        try:
            return wandb.init(mode="online", id=name, **known)
        except Exception as error:  # noqa: BLE001 - of many kinds, none of which may cost the run its mirror
            why = f"{url} does not take them ({reason(error)})"
            # W&B's own process keeps the id of a start that failed, as one "in use".
            name = f"{name}-{secrets.token_hex(4)}"
    run = wandb.init(mode="offline", id=name, **known)
    _obstacles[url] = why
    _log.warning(
        "W&B runs are kept offline: %s. Upload them later with scripts/wandb_sync.sh.", why
    )
    return run


def _obstacle(url: str, timeout: float) -> str | None:
    """Why a run need not even be tried online."""
    try:
        requests.head(url, timeout=timeout)
    except requests.RequestException:
        return f"{url} does not answer"
    if not wandb.login(prompt=False, verify=False):
        return "there is no API key (run `wandb login`)"
    return None


@contextmanager
def folders_below(folder: Path) -> Iterator[None]:
    """All that W&B writes goes below the folder, made if need be; it reports on itself to nobody.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):  # W&B would take a temporary one, and leave it there
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    # It knows these by its environment alone; the caller's settings go first and come back.
    known = {name: str(folder / sub) for name, sub in _FOLDERS.items()}
    known["WANDB_ERROR_REPORTING"] = "false"  # it asks the server, in offline mode too, and waits
    ours = {name: value for name, value in known.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)

"""The command `python -m bench +experiment=NAME [setting=value ...]`, and with -m a sweep of it."""

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from bench import shipped
from bench.config import explain, register
from repair.errors import InputError


def _main(config: DictConfig) -> None:
    from bench.run import log_plainly, run  # jax and solvers: not for --help or a misspelt setting
    from repair.errors import InputError

    log_plainly()
    try:
        run(config)
    except InputError as error:
        if HydraConfig.get().mode is not RunMode.MULTIRUN:
            raise
        # One bad job does not end a sweep.
        print(f"{HydraConfig.get().job.override_dirname}: {error}", file=sys.stderr)


def main() -> int:
    """Runs the command; 0 done, 2 bad input."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, and we say them in one message
    register()
    start = hydra.main(
        version_base="1.3", config_path=str(shipped("configs")), config_name="config"
    )
    try:
        start(_main)()
    except Exception as error:
        from repair.errors import InputError

        said = error if isinstance(error, InputError) else explain(error)
        if said is None:
            raise
        print(said, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

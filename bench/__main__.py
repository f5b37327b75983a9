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


def main() -> int:
    """Runs the command; 0 done, 2 bad input."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, and we say them in one message
    register()
    refused: list[str] = []

    def job(config: DictConfig) -> None:
        from bench.run import log_plainly, run  # jax and solvers: not for a misspelt setting

        log_plainly()
        try:
            run(config)
        except InputError as error:  # one bad job does not end a sweep
            name = HydraConfig.get().job.override_dirname
            sweep = HydraConfig.get().mode is RunMode.MULTIRUN
            refused.append(f"{name}: {error}" if sweep else str(error))

    configs = str(shipped("configs"))
    try:
        hydra.main(version_base="1.3", config_path=configs, config_name="config")(job)()
    except (HydraException, OmegaConfBaseException) as error:
        refused.append(str(explain(error)))
    for message in refused:
        print(message, file=sys.stderr)
    return 2 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

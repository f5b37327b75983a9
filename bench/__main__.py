"""The command `python -m bench +experiment=NAME [setting=value ...]`, and with -m a sweep of it."""

import os
import sys

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from bench import shipped
from bench.commandline import accepted
from bench.config import explain, explain_plain, register
from repair.command import ended
from repair.errors import InputError
from repair.weights.status import RepairStatus


def main() -> int:
    """Runs the command; returns the exit code.

    0 done, 1 a run ended in an error, 2 bad input, 70 an error of the command itself, 130 stopped
    by Ctrl-C.
    """
    return ended(_run)


def _run() -> int:
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, and we say them in one message
    codes = [0]

    def job(config: DictConfig) -> None:
        from bench.runs.run import log_plainly, run  # jax and solvers: not for a misspelt setting
        from bench.show import show_run

        log_plainly()
        try:
            ran = run(config)
            show_run(ran.stored, new=ran.new, tables=ran.tables)
            codes.append(1 if ran.stored.record.status is RepairStatus.ERROR else 0)
        except (InputError, OmegaConfBaseException) as error:
            # Hydra would print its own message of it.
            print(error if isinstance(error, InputError) else explain(error), file=sys.stderr)
            codes.append(2)

    configs = str(shipped("configs"))
    try:
        sys.argv[1:] = accepted(sys.argv[1:])
        register()
        hydra.main(version_base="1.3", config_path=configs, config_name="config")(job)()
    except (HydraException, OmegaConfBaseException) as error:
        print(explain(error), file=sys.stderr)
        return 2
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except (ValueError, OverflowError) as error:
        refusal = explain_plain(error, sys.argv[1:])
        if refusal is None:
            raise
        print(refusal, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "Stopped. Finished runs are kept; the same command goes on from there.", file=sys.stderr
        )
        return 130
    except SystemExit as end:  # what a sweep, or --help, ends with
        return end.code if isinstance(end.code, int) else 0
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

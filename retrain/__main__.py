"""``python -m retrain``: quiet libraries first, then the command line."""

import logging
import os
import warnings

# Read when the libraries load: waiting threads must not spin beside a live bot, and nobody is to be phoned.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from transformers.utils import logging as transformers_logging

from retrain.cli import main

if __name__ == "__main__":
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # transformers has no types here
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # as above
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    main()

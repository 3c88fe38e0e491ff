"""``python -m retrain``: quiet libraries first, then the command line."""

import logging
import os
import warnings

# Read when the libraries load: waiting threads must not spin beside a live bot, and nobody is to be phoned.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from retrain.cli import main

if __name__ == "__main__":
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    main()

"""``ufora-worker`` as it is, but for its executors' program."""

import sys
from functools import partial
from pathlib import Path

from ufora_worker import __main__, app

__main__.run = partial(app.run, executor=[str(Path(__file__).parent / "fake_executor.py")])
sys.exit(__main__.main())
